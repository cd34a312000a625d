"""How fast and how small: two gateways that exchange ebMS messages (issue 2, "Must show").

    make bench-ebms                          everything, five runs each; the last line is one JSON object
    python bench/ebms.py signed --runs 1     one figure (see --help), with --messages as many as wanted

Both sides, their databases (with fsync, one embedded PostgreSQL server) and this program share the machine. Plain http
on loopback, one process a side, unsigned acknowledgments, payloads of 2 KiB, four submitters in the sending process,
logging at `warning`. A message counts when its acknowledgment is stored at its sender.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ebms_load import load_history
from ebms_pair import RECEIVER, SENDER, SILENT, Pair, Terms

SIZE: Final = 2048
SUBMITTERS: Final = 4
WARM_UP: Final = 300
PACE: Final = 10.0
"""Messages per second at which the latency is measured."""
FOR_THE_SILENT: Final = 100
CPAS_IN_USE: Final = 100
IDLE_SECONDS: Final = 5.0
MIB: Final = 1024**2

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Options:
    """How much work is done."""

    messages: int
    runs: int
    mib: int
    cpas: int
    history: int
    folder: Path
    profile: bool


def tell(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


async def rate(pair: Pair, messages: int, *cpas: str) -> float:
    """Messages per second, submitted and acknowledged."""
    answer = await pair.ask(do="submit", cpas=cpas, messages=messages, submitters=SUBMITTERS, size=SIZE)
    return messages / float(answer["acknowledged"])


async def rates(pair: Pair, name: str, options: Options, *cpas: str) -> float:
    """The median of the runs, after a warm-up."""
    await rate(pair, WARM_UP, *cpas)
    found = []
    for run in range(options.runs):
        found.append(await rate(pair, options.messages, *cpas))
        tell(f"{name}, run {run + 1}: {found[-1]:.0f} messages/s")
    return statistics.median(found)


@asynccontextmanager
async def running(options: Options, name: str, *terms: Terms, key_bits: int = 2048) -> AsyncIterator[Pair]:
    """A fresh pair that runs, with a CPA for each of `terms`: cpa-0 and so on."""
    async with Pair(options.folder / name, key_bits=key_bits, profile=options.profile) as pair:
        for number, each in enumerate(terms):
            await pair.agree(f"cpa-{number}", each)
        await pair.start()
        yield pair


async def memory(options: Options) -> Figures:
    """Idle: some seconds after the start. Loaded: the peak while signed messages pass. The larger of both sides."""
    async with running(options, "memory", Terms()) as pair:
        await asyncio.sleep(IDLE_SECONDS)
        idle = max(pair.resident_mib(side) for side in (SENDER, RECEIVER))
        await rate(pair, options.messages, "cpa-0")
        loaded = max(pair.resident_mib(side, "VmHWM") for side in (SENDER, RECEIVER))
        tell(f"resident: idle {idle:.0f} MiB, loaded {loaded:.0f} MiB")
        return {"idle_rss_mib": idle, "loaded_rss_mib": loaded}


async def signed(options: Options) -> Figures:
    """RSA-2048, SHA-256."""
    async with running(options, "signed", Terms()) as pair:
        return {"signed_per_s": await rates(pair, "signed", options, "cpa-0")}


async def unsigned(options: Options) -> Figures:
    """Reliable without signatures."""
    async with running(options, "unsigned", Terms(signed=False)) as pair:
        return {"unsigned_per_s": await rates(pair, "unsigned", options, "cpa-0")}


async def larger_keys(options: Options) -> Figures:
    """The signed rate with other sizes of RSA keys."""
    figures = {}
    for bits in (3072, 4096):
        async with running(options, f"signed-{bits}", Terms(), key_bits=bits) as pair:
            figures[f"signed_{bits}_per_s"] = await rates(pair, f"signed, RSA-{bits}", options, "cpa-0")
    return figures


async def latency(options: Options) -> Figures:
    """From submission to the acknowledgment stored, when little is going on."""
    async with running(options, "latency", Terms()) as pair:
        found = []
        for run in range(options.runs + 1):
            answer = await pair.ask(do="latency", cpas=["cpa-0"], messages=100, per_second=PACE, size=SIZE)
            if run:  # the first one warms up
                found.append(1000 * statistics.median(answer["seconds"]))
                tell(f"latency, run {run}: {found[-1]:.1f} ms (worst {1000 * max(answer['seconds']):.0f} ms)")
        return {"ack_p50_ms": statistics.median(found)}


async def silent(options: Options) -> Figures:
    """Throughput to a partner while another one takes connections and never answers, against that without him."""
    ratios = []
    for run in range(options.runs):
        folder = options.folder / f"silent-{run}"
        async with silent_partner() as (port, connected), Pair(folder, silent_port=port) as pair:
            await pair.agree("cpa-0", Terms())
            await pair.agree("cpa-silent", Terms(partner=SILENT))
            await pair.start()
            await rate(pair, WARM_UP, "cpa-0")
            alone = await rate(pair, options.messages, "cpa-0")
            await pair.ask(do="submit_only", cpas=["cpa-silent"], messages=FOR_THE_SILENT, size=SIZE)
            async with asyncio.timeout(30):
                await connected.wait()
            beside = await rate(pair, options.messages, "cpa-0")
        ratios.append(beside / alone)
        tell(f"silent partner, run {run + 1}: {beside:.0f} beside him, {alone:.0f} without, ratio {ratios[-1]:.3f}")
    return {"healthy_ratio": statistics.median(ratios)}


@asynccontextmanager
async def silent_partner() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port of a listener that reads and never answers, and whether somebody connected."""
    connected = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        while await reader.read(65536):
            pass
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], connected


async def large(options: Options) -> Figures:
    """One large signed payload: seconds from taking it in to the acknowledgment stored, and growth of memory.

    The growth is that of the side that grew most, from just before to the peak.
    """
    file = options.folder / "large"
    await asyncio.to_thread(_fill, file, options.mib)
    async with running(options, "large-pair", Terms()) as pair:
        await rate(pair, WARM_UP, "cpa-0")
        seconds, growth = [], []
        for run in range(options.runs):
            before = {side: pair.resident_mib(side) for side in (SENDER, RECEIVER)}
            pair.forget_peaks()
            answer = await pair.ask(do="large", cpas=["cpa-0"], file=str(file))
            seconds.append(float(answer["acknowledged"]))
            growth.append(max(pair.resident_mib(side, "VmHWM") - rss for side, rss in before.items()))
            tell(f"{options.mib} MB payload, run {run + 1}: {seconds[-1]:.1f} s, {growth[-1]:.0f} MiB more memory")
    return {"large_s": statistics.median(seconds), "large_growth_mib": statistics.median(growth)}


def _fill(file: Path, megabytes: int) -> None:
    with file.open("wb") as opened:
        for _ in range(megabytes):
            opened.write(os.urandom(1_000_000))


async def scale(options: Options) -> Figures:
    """Throughput with many CPAs and much history, spread over some of them, against one CPA and an empty database."""
    async with running(options, "small", Terms()) as pair:
        small = await rates(pair, "one CPA, empty database", options, "cpa-0")
    async with Pair(options.folder / "full", profile=options.profile) as pair:
        await pair.agree("cpa-0", Terms())
        started = time.monotonic()
        await load_history(pair, options.cpas, options.history)
        tell(f"{options.cpas} CPAs and {options.history} messages loaded in {time.monotonic() - started:.0f} s")
        await pair.start()
        every = max(1, options.cpas // CPAS_IN_USE)
        used = [f"cpa-{number}" for number in range(0, options.cpas, every)][:CPAS_IN_USE]
        full = await rates(pair, f"{options.cpas} CPAs, {options.history} messages", options, *used)
    return {"scale_ratio": full / small}


FIGURES: Final[dict[str, Callable[[Options], Awaitable[Figures]]]] = {
    "signed": signed,
    "unsigned": unsigned,
    "latency": latency,
    "silent": silent,
    "large": large,
    "keys": larger_keys,
    "memory": memory,
    "scale": scale,
}


async def measure(names: Sequence[str], options: Options) -> Figures:
    """All figures that were asked for."""
    figures: Figures = {}
    for name in names:
        figures |= await FIGURES[name](options)
    return figures


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", choices=[[], *FIGURES], help="which; all without")
    parser.add_argument("--messages", type=int, default=2000, help="in each run")
    parser.add_argument("--runs", type=int, default=int(os.environ.get("BENCH_RUNS", "5")), help="of which the median")
    parser.add_argument("--mib", type=int, default=300, help="size of the large payload, in MB")
    parser.add_argument("--cpas", type=int, default=10_000, help="on record, for scale")
    parser.add_argument("--history", type=int, default=1_000_000, help="messages on record, for scale")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and databases, as when it fails")
    parser.add_argument("--profile", action="store_true", help="leave sender.prof of the sending side; slower")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-ebms-"))
    folder.chmod(0o711)
    options = Options(given.messages, given.runs, given.mib, given.cpas, given.history, folder, given.profile)
    keep = True
    try:
        figures = asyncio.run(measure(given.figures or list(FIGURES), options))
        keep = given.keep or given.profile
    finally:
        if keep:
            tell(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({name: round(figure, 3 if "ratio" in name else 1) for name, figure in figures.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
