"""Run every target for FUZZ_SECONDS (60), two at a time, and say how it went; exits with 1 when something was found."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).parent
TARGETS = ("mime", "envelope", "signature", "cpa", "encrypted_data", "koop")
AT_ONCE = 2
GRACE = 120
"""Seconds to start, to run the seeds and to end."""


def run(name: str) -> bool:
    """Whether nothing was found."""
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(FOLDER.parent), str(FOLDER)])}
    command = [sys.executable, str(FOLDER / f"{name}.py"), *sys.argv[1:]]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds + GRACE
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: did not end in time", flush=True)
        return False
    runs = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    print(f"{name}: {runs[1] if runs else '?'} inputs in {seconds} s, exit {done.returncode}", flush=True)
    if done.returncode:
        print(done.stdout[-4000:] + done.stderr[-8000:], flush=True)
    return done.returncode == 0


def main() -> int:
    """The exit code."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return 0 if all([*pool.map(run, TARGETS)]) else 1


if __name__ == "__main__":
    sys.exit(main())
