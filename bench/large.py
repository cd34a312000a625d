"""Large bijlagen pass from DSO-LV into the case folder: how long, and how much memory the gateway needs.

    make bench-large
    python bench/large.py --mode one --mib 2048
    python bench/large.py --mode many --bijlagen 80 --bijlage-mib 20 --cuts 160 --kills 1

First one bijlage of 1 GiB; then, in another installation, 80 of 20 MiB for one verzoek, whose downloads are cut at
arbitrary bytes, and a gateway that is killed half-way. The last line on standard output is one JSON object, with what
many bijlagen came to under `many`; exit status 1 when a file in the case folder is not the one that the sandbox
generated.
"""

import argparse
import asyncio
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from digikoppelaar.cli.trial import Trial, peak_memory_mib

MIB = 1024**2
GIVE_UP = 1800.0
LOOK_EVERY = 0.05
Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Result:
    """Memory and size in MiB, `idle_rss_mib` before and `gateway_rss_mib` (peak) after the file passed."""

    bijlage_mib: int
    seconds_to_delivered: float
    mib_per_second: float
    idle_rss_mib: float
    gateway_rss_mib: float
    verified: bool


@dataclass(frozen=True, slots=True)
class ManyResult:
    """Sizes in MiB. `again_mib`: what the sandbox sent more than once. `growth_rss_mib`: peak above idle.

    Of killed gateways the largest peak counts.
    """

    bijlagen: int
    bijlage_mib: int
    cuts: int
    kills: int
    seconds_to_delivered: float
    again_mib: float
    idle_rss_mib: float
    gateway_rss_mib: float
    growth_rss_mib: float
    verified: bool


async def one(folder: Path, mib: int) -> Result:
    """Submit one verzoek with a bijlage of this size, and wait until it is delivered."""
    async with Trial(folder) as trial:
        idle = await started(trial)
        [verzoek] = await trial.submit(bijlagen=[mib * MIB])
        seconds = await delivered(trial, verzoek)
        peak = memory(trial)
        return Result(
            mib, round(seconds, 1), round(mib / seconds, 1), idle, peak, await asyncio.to_thread(whole, trial, verzoek)
        )


async def many(folder: Path, wanted: argparse.Namespace) -> ManyResult:
    """Submit one verzoek with many bijlagen whose downloads are cut, kill the gateway on the way, and wait."""
    async with Trial(folder) as trial:
        idle = await started(trial)
        size, total = wanted.bijlage_mib * MIB, wanted.bijlagen * wanted.bijlage_mib * MIB
        for at in cuts(size, wanted.cuts, random.Random(wanted.seed)):  # places to cut, no secrets
            await trial.fault(kind="cut", target="bijlage", count=1, at=at)
        [verzoek] = await trial.submit(bijlagen=[size] * wanted.bijlagen)
        began, peaks = time.monotonic(), []
        for kill in range(1, wanted.kills + 1):
            while (await trial.sent()).get("bijlage", 0) < total * kill / (wanted.kills + 1):
                await asyncio.sleep(LOOK_EVERY)
            peaks.append(await killed(trial))
        await delivered(trial, verzoek)
        seconds, struck = time.monotonic() - began, await trial.struck()
        peak = max([*peaks, memory(trial)])
        return ManyResult(
            bijlagen=wanted.bijlagen,
            bijlage_mib=wanted.bijlage_mib,
            cuts=struck,
            kills=wanted.kills,
            seconds_to_delivered=round(seconds, 1),
            again_mib=round(((await trial.sent())["bijlage"] - total) / MIB, 1),
            idle_rss_mib=idle,
            gateway_rss_mib=peak,
            growth_rss_mib=round(peak - idle, 1),
            verified=await asyncio.to_thread(whole, trial, verzoek),
        )


def cuts(size: int, count: int, chance: random.Random) -> Sequence[int]:
    """After how many bytes of what is sent to cut: at the edges, and for the rest anywhere beyond the first MiB.

    What is cut sooner is tried again after a wait that grows, and this is no measurement of waiting.
    """
    return [0, 1, size - 1, *(chance.randrange(MIB, size) for _ in range(count - 3))][:count]


async def started(trial: Trial) -> float:
    """The peak memory of the gateway once it is ready."""
    await trial.migrate()
    await trial.start_sandbox()
    await trial.connect()
    await trial.start_gateway()
    return memory(trial)


async def killed(trial: Trial) -> float:
    """Kill the gateway and start another; the peak memory of the one that was killed."""
    assert trial.gateway is not None
    peak = memory(trial)
    trial.gateway.kill()
    await trial.gateway.wait()
    await trial.start_gateway()
    return peak


def memory(trial: Trial) -> float:
    """The peak memory of the gateway in MiB."""
    assert trial.gateway is not None
    return round(peak_memory_mib(trial.gateway.pid), 1)


async def delivered(trial: Trial, verzoek: Any) -> float:
    """Wait until it is in the case folder; how many seconds that took."""
    began = time.monotonic()
    while not trial.case(verzoek["verzoeknummer"]).is_dir():
        if time.monotonic() - began > GIVE_UP:
            raise SystemExit(f"not delivered after {GIVE_UP:g} s; see {trial.log_file('gateway')}")
        await asyncio.sleep(LOOK_EVERY)
    return time.monotonic() - began


def whole(trial: Trial, verzoek: Any) -> bool:
    """Whether each bijlage is in the case folder once, with the bytes that the sandbox generated."""
    expected = sorted(file["sha256"] for file in verzoek["files"] if file["kind"] == "bijlage")
    return sorted(map(sha256, (trial.case(verzoek["verzoeknummer"]) / "bijlagen").iterdir())) == expected


def sha256(file: Path) -> str:
    """In hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=("one", "many", "both"), default="both")
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--bijlagen", type=int, default=80)
    parser.add_argument("--bijlage-mib", type=int, default=20)
    parser.add_argument("--cuts", type=int, default=160)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    printed: dict[str, Any] = {}
    if options.mode != "many":
        printed |= asdict(in_a_folder(lambda folder: one(folder, options.mib)))
    if options.mode != "one":
        printed["many"] = asdict(in_a_folder(lambda folder: many(folder, options)))
    print(json.dumps(printed))
    return 0 if printed.get("verified", True) and printed.get("many", {}).get("verified", True) else 1


def in_a_folder(measure: Callable[[Path], Coroutine[Any, Any, Measured]]) -> Measured:
    """What `measure` finds in a folder that is removed after it."""
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-large-"))
    folder.chmod(0o711)
    try:
        return asyncio.run(measure(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
