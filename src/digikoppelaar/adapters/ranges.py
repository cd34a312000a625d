"""Going on with a download where it was cut: Range and If-Range (RFC 9110, sections 13.1.5 and 14). Pure.

The rest is only asked of a version that can be told from every other; a server that knows no ranges, or has another
version by now, answers with the whole.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from digikoppelaar.flows.ports import Have

STATUSES: Final = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})
"""What may come of asking the rest. 416: there is no rest, so that the whole has to be asked."""

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.ASCII | re.IGNORECASE)
_STRONG_TAG: Final = re.compile(r'"[!#-~]{1,200}"', re.ASCII)
_SECOND: Final = timedelta(seconds=1)


def asking(have: Have | None) -> dict[str, str]:
    """The headers that ask for the rest; none when there is nothing, or no telling of what version it is."""
    if have is None or not have.size or not have.tag:
        return {}
    return {"Range": f"bytes={have.size}-", "If-Range": have.tag}


def goes_on(status: int, headers: Mapping[str, str], have: Have) -> bool:
    """Whether this answer can be used: the whole, or just the rest of this version up to its end."""
    if status != HTTPStatus.PARTIAL_CONTENT:
        return status == HTTPStatus.OK
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None or int(found[1]) != have.size or int(found[2]) < have.size:
        return False
    to_the_end = found[3] == "*" or int(found[2]) + 1 == int(found[3])
    said = validator(headers)
    return to_the_end and (not said or said == have.tag)


def whole_length(headers: Mapping[str, str], length: int | None, start: int) -> int | None:
    """Bytes of the whole, of an answer with 206 that `goes_on` and begins at `start`."""
    total = headers.get("content-range", "").strip().rpartition("/")[2]
    if total != "*":
        return int(total)
    return None if length is None else start + length


def validator(headers: Mapping[str, str]) -> str:
    """What tells this version from every other: a strong ETag, or a date that is old enough; else empty.

    Within a second of its Last-Modified a file may have changed again (RFC 9110, section 8.8.2.2).
    """
    tag, modified = headers.get("etag", ""), headers.get("last-modified", "")
    if tag:
        return tag if _STRONG_TAG.fullmatch(tag) else ""
    try:
        settled = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified) >= _SECOND
    except (ValueError, TypeError, OverflowError):
        return ""
    return modified if settled else ""
