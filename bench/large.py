"""A bijlage of 1 GiB passes from DSO-LV into the case folder: how long, and how much memory the gateway needs.

    make bench-large
    python bench/large.py --mib 2048

The last line on standard output is one JSON object; exit status 1 when the file in the case folder is not the one
that the sandbox generated.
"""

import argparse
import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from digikoppelaar.cli.trial import Trial, peak_memory_mib

MIB = 1024**2
GIVE_UP = 1800.0


@dataclass(frozen=True, slots=True)
class Result:
    """Memory and size in MiB, `idle_rss_mib` before and `gateway_rss_mib` (peak) after the file passed."""

    bijlage_mib: int
    seconds_to_delivered: float
    mib_per_second: float
    idle_rss_mib: float
    gateway_rss_mib: float
    verified: bool


async def measure(folder: Path, mib: int) -> Result:
    """Submit one verzoek with a bijlage of this size, and wait until it is delivered."""
    async with Trial(folder) as trial:
        await trial.migrate()
        await trial.start_sandbox()
        await trial.connect()
        gateway = await trial.start_gateway()
        idle = peak_memory_mib(gateway.pid)
        [verzoek] = await trial.submit(bijlagen=[mib * MIB])
        started = time.monotonic()
        case = trial.case(verzoek["verzoeknummer"])
        while not case.is_dir():
            if time.monotonic() - started > GIVE_UP:
                raise SystemExit(f"not delivered after {GIVE_UP:g} s; see {trial.log_file('gateway')}")
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - started
        [bijlage] = [file for file in verzoek["files"] if file["kind"] == "bijlage"]
        hashes = {await asyncio.to_thread(sha256, file) for file in (case / "bijlagen").iterdir()}
        return Result(
            mib,
            round(seconds, 1),
            round(mib / seconds, 1),
            round(idle, 1),
            round(peak_memory_mib(gateway.pid), 1),
            hashes == {bijlage["sha256"]},
        )


def sha256(file: Path) -> str:
    """In hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-large-"))
    folder.chmod(0o711)
    try:
        result = asyncio.run(measure(folder, options.mib))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(asdict(result)))
    return 0 if result.verified else 1


if __name__ == "__main__":
    sys.exit(main())
