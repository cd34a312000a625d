"""The intake under load: how busy a slow case system is kept, how fast a free one, and whether kills lose anything.

    make bench-intake
    python bench/intake.py free --verzoeken 500

Real processes, PostgreSQL with fsync, mutual TLS; DSO-LV is `bench/intake_country.py`, and shares the machine.
Progress goes to standard error; the last line on standard output is one JSON object. Exit status 0 when no verzoek was
lost and none was doubled.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from intake_place import Terms, installation, tell

Figures = dict[str, float]
WORKERS = 2
"""Processes: one fills one core."""


async def free(folder: Path, options: argparse.Namespace) -> Figures:
    """Notifications already stored, into a folder in memory: verzoeken per second."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as cases:
        Path(cases).chmod(0o711)
        case_system = f'kind = "folder"\npath = "{cases}"'
        terms = Terms(50, options.verzoeken, options.bijlagen, lambda _oin: case_system, options.worker)
        async with installation(folder, terms) as place:
            await place.announce([*place.verzoeken])
            tell(f"{options.verzoeken} notifications stored")
            for _ in range(WORKERS):
                await place.start_worker()
            await place.until_begun()
            before, started = place.cpu_seconds(), time.monotonic()
            await place.until_delivered(options.verzoeken)
            seconds, after = time.monotonic() - started, place.cpu_seconds()
            spent = {
                f"cpu_ms_{part}": round(1000 * (after[part] - before[part]) / options.verzoeken, 1) for part in after
            }
            return {
                "verzoeken_per_s": round(options.verzoeken / seconds, 1),
                "peak_rss_mib": round(place.peak_rss_mib(), 1),
                **spent,
            }


PHASES: dict[str, Callable[[Path, argparse.Namespace], Awaitable[Figures]]] = {"free": free}


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phases", nargs="*", choices=[*PHASES], default=[*PHASES])
    parser.add_argument("--verzoeken", type=int, default=2000)
    parser.add_argument("--bijlagen", type=int, default=3)
    parser.add_argument("--worker", default="jobs = 16", help="table `worker` of the configuration, lines with ;")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-intake-"))
    folder.chmod(0o711)
    figures: Figures = {}
    try:
        for phase in options.phases:
            figures |= asyncio.run(PHASES[phase](folder / phase, options))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
