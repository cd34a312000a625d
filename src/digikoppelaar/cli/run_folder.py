"""A folder for each run of a command that shows the whole program at work, and what becomes of the older ones."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digikoppelaar.adapters.postgres.embedded import end_orphan
from digikoppelaar.adapters.system import SystemClock


@contextmanager
def own_folder(base: Path, kept: int) -> Iterator[Path]:
    """A new folder for this run, under a lock as long as it runs; folders of older runs are removed but for `kept`."""
    base.mkdir(mode=0o711, parents=True, exist_ok=True)
    _remove_old(base, kept)
    own = base / SystemClock().now().strftime("%Y%m%d-%H%M%S-%f")
    own.mkdir(mode=0o711)
    lock = os.open(own / "running", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield own
    finally:
        os.close(lock)


def _remove_old(base: Path, kept: int) -> None:
    runs = sorted((path.parent for path in base.glob("*/running")), reverse=True)
    for age, old in enumerate(runs, start=1):
        lock = os.open(old / "running", os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_orphan(old / "gateway" / "postgres")  # of a run in which everybody was killed
            if age >= kept:
                shutil.rmtree(old, ignore_errors=True)
        except BlockingIOError:
            continue  # it is still running
        finally:
            os.close(lock)
