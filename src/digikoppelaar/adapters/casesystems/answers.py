"""What an answer of a case system over HTTP means for a delivery, whatever its interface is. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from digikoppelaar.adapters.casesystems.http import Answer
from digikoppelaar.adapters.retry_after import retry_after
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused

_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_REFERENCE: Final = 500
"""Characters."""
_RELEASE: Final = "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
_ADVICE: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: f"Het zaaksysteem herkent ons niet: controleer gebruiker, wachtwoord of token, {_RELEASE}",
    HTTPStatus.FORBIDDEN: f"Het zaaksysteem staat dit niet toe: controleer de rechten van deze koppeling, {_RELEASE}",
    HTTPStatus.NOT_FOUND: f"Het adres bestaat niet bij het zaaksysteem: controleer het adres, {_RELEASE}",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Het zaaksysteem vindt een bestand te groot: vraag de leverancier om een "
    f"hogere grens, {_RELEASE}",
}
_ADVICE_MOVED: Final = f"Het zaaksysteem verwijst naar een ander adres: stel het juiste adres in, {_RELEASE}"


def check(answer: Answer, step: str, now: datetime) -> None:
    """Return when the step was taken, which is any 2xx.

    Raises CaseSystemError when it may be taken later (408, 425, 429 and 5xx, with the wait that was asked for), and
    CaseSystemRefused for what a person must look at. A redirect is one of those: personal data go where an
    administrator sent them, and nowhere else.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{step}: the case system answered {status}"
    if status in _LATER or status >= 500:
        raise CaseSystemError(said, retry_after=retry_after(answer.headers.get("retry-after", ""), now))
    raise CaseSystemRefused(said, advice=_ADVICE_MOVED if status < 400 else _ADVICE.get(status))


def text_at(answer: Answer, pointer: str) -> str | None:
    """The text or number in a JSON answer at a JSON pointer (RFC 6901); None when it is not there, or is no short text.

    The other side says it: what is too long for a reference, or holds control characters, is none.
    """
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    for part in pointer.split("/")[1:]:
        value = _child(value, part.replace("~1", "/").replace("~0", "~"))
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text = str(value)
    return text if 0 < len(text) <= _LONGEST_REFERENCE and text.isprintable() else None


def _child(value: object, name: str) -> object:
    match value:
        case dict():
            return value.get(name)
        case list() if name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(value):
            return value[int(name)]
    return None
