"""What goes wrong, as an HTTP answer: a status and one line of text, as users of ebms-core expect it.

What is ours tells on a second line what to do, in Dutch.
"""

from typing import Final

import structlog
from starlette.responses import PlainTextResponse, Response

from digikoppelaar.errors import (
    ConfigError,
    Conflict,
    ContentPurged,
    DigikoppelaarError,
    PartnerError,
    StorageError,
    SubmissionError,
    TooLarge,
    TrustError,
    told,
)

log = structlog.get_logger(__name__)

_STATUS: Final = (
    (TooLarge, 413),
    (StorageError, 503),
    (ContentPurged, 410),
    (Conflict, 409),
    (TrustError, 500),
    (ConfigError, 400),
    (SubmissionError, 400),
    (PartnerError, 400),
)
"""The first that fits; any other error is a 500."""


class Problem(Exception):
    """The request cannot be answered as asked. `text` holds identifiers only."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def not_found(what: str) -> Problem:
    """It is not there, or not this application's: nothing tells the two apart."""
    return Problem(404, f"{what} not found")


def answer_to(error: Exception, *, advise: bool) -> Response:
    """The answer that tells an application what went wrong and, when asked, what to do; no more than it may know."""
    if isinstance(error, Problem):
        return PlainTextResponse(error.text, error.status)
    if not isinstance(error, DigikoppelaarError):
        log.error("rest_failed", exc_info=error)
        return PlainTextResponse("internal error", 500)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        log.warning("rest_failed", reason=told(error))
    text = f"{error}\n{error.advice}" if advise and status < 500 else str(error)
    return PlainTextResponse("no answer from storage" if status == 503 else text, status)
