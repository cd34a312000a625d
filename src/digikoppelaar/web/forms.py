"""Forms that a page sends: small, of text, and from a page of ours in this very session."""

import asyncio
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST: Final = 64 * 1024
"""Bytes of a form."""
WITHIN: Final = 30.0
"""Seconds in which a form must come: nobody needs to be known to send one."""
_MOST_FIELDS: Final = 200
FIELD: Final = "csrf"
"""The field that says that a page of ours made the form."""


async def read_form(request: Request, within: float = WITHIN) -> Mapping[str, str]:
    """The fields; of a repeated one the last. `within`: seconds.

    Raises HTTPException: 400 when it is none, 408 when it comes too slowly, 413 when it is too long.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(400)
    try:
        async with asyncio.timeout(within):
            body = await _whole(request)
    except TimeoutError as error:
        raise HTTPException(408) from error
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(400) from error


async def _whole(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise HTTPException(413)
    return body


def require_token(form: Mapping[str, str], token: str) -> None:
    """Raises HTTPException (403) unless the form carries the token of this session."""
    if not hmac.compare_digest(form.get(FIELD, "").encode(errors="replace"), token.encode()):
        raise HTTPException(403)


def local_address(wanted: str) -> str:
    """`wanted` when it is an address of these pages, else the start: nobody is led elsewhere after logging in."""
    inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if inside else "/"
