"""From notification to delivered, for verzoeken without a large file, one after the other.

    make bench-latency
    python bench/latency.py --verzoeken 50

Two intervals, seen from outside: submitted at DSO-LV until the case folder is there, and until DSO-LV has the
acknowledgment. The last line on standard output is one JSON object (milliseconds).
"""

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from digikoppelaar.cli.trial import Trial

BIJLAGEN = ("pdf", "png", 100_000)


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds."""

    verzoeken: int
    delivered_median: float
    delivered_worst: float
    acknowledged_median: float
    acknowledged_worst: float


async def one(trial: Trial) -> tuple[float, float]:
    """Seconds until delivered and until acknowledged."""
    [verzoek] = await trial.submit(bijlagen=BIJLAGEN)
    nummer, submitted_at = verzoek["verzoeknummer"], datetime.fromisoformat(verzoek["submitted_at"]).timestamp()
    while not trial.case(nummer).is_dir():
        await asyncio.sleep(0.002)
    delivered = time.time() - submitted_at
    while not (found := await trial.submitted(nummer))["acknowledged"]:
        await asyncio.sleep(0.01)
    return delivered, datetime.fromisoformat(found["acknowledged_at"]).timestamp() - submitted_at


async def measure(folder: Path, count: int) -> Result:
    """Submit one verzoek after the other; the first one warms up and does not count."""
    async with Trial(folder) as trial:
        await trial.migrate()
        await trial.start_sandbox()
        await trial.connect()
        await trial.start_gateway()
        await one(trial)
        delivered, acknowledged = zip(*[await one(trial) for _ in range(count)], strict=True)
        return Result(count, *_milliseconds(delivered), *_milliseconds(acknowledged))


def _milliseconds(seconds: Sequence[float]) -> tuple[float, float]:
    return round(1000 * statistics.median(seconds), 1), round(1000 * max(seconds), 1)


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verzoeken", type=int, default=30)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-latency-"))
    folder.chmod(0o711)
    try:
        result = asyncio.run(measure(folder, options.verzoeken))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
