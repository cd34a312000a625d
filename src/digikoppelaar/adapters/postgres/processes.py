"""Which processes run, as /proc tells: by pid and start time, so that a recycled pid is never taken for an old one.

Only what every user may read of every process is used (stat and cmdline): /proc/<pid>/cwd and exe are closed to
root in a container without CAP_SYS_PTRACE. Nothing is signalled here.
"""

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE = 0
_START_TIME = 19
"""Positions in /proc/<pid>/stat after the command name: fields 3 and 22 of proc_pid_stat(5)."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was alive when it was looked up. `started` is in clock ticks since boot."""

    pid: int
    started: int


def supported() -> bool:
    """Whether this system has the /proc of Linux."""
    return (_PROC / "self" / "stat").exists()


def find(pid: int) -> Process | None:
    """The process with this pid; None when there is none or only a zombie of it is left."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in {"Z", "X"} else Process(pid, int(fields[_START_TIME]))


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return find(process.pid) == process


def command(pid: int) -> list[str]:
    """Its command line, or its title when it sets one; empty when it is gone or a zombie."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def titled(prefix: str) -> list[Process]:
    """Live processes whose title starts with `prefix`."""
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())
    found = (find(pid) for pid in pids if (command(pid) or [""])[0].startswith(prefix))
    return [process for process in found if process is not None]
