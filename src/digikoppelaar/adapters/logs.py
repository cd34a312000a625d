"""Logs: one JSON object a line on standard error, with identifiers and never payload or personal data.

A line that cannot be written (a full disk, a reader that is gone) is lost, and nothing else: work never fails for it.
"""

import logging
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def _where(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places it passed: its text could hold anything that was sent to us."""
    match event.pop("exc_info", None):
        case True:
            error = sys.exc_info()[1]
        case (_, BaseException() as error, _) | (BaseException() as error):
            pass
        case _:
            error = None
    if error is not None:
        event["exception"] = type(error).__name__
        event["where"] = _places(error.__traceback__)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of a library's message only the first line: asyncio quotes the text of an exception in the next."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


class _Lossy:
    """A text file for writing that loses what it cannot write."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()


_SHARED: Final[list[Processor]] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _where,
]


def configure(level: str) -> None:
    """Send everything that this process logs to standard error, as JSON; libraries only from warning on."""
    lossy = _Lossy(sys.stderr)
    structlog.configure(
        processors=[*_SHARED, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", lossy)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lossy)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[*_SHARED, _first_line, structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, _LEVELS[level]))
