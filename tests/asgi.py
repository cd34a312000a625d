"""A client that calls an ASGI application directly: no socket, no HTTP library of its own."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit


class Application(Protocol):
    """What ASGI asks of an application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one connection."""


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """A complete response; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()


async def request(
    app: Application,
    target: str,
    *,
    method: str = "GET",
    host: str = "localhost",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> AsgiResponse:
    """The response of `app` to one request; `target` is a path with an optional query."""
    url = urlsplit(target)
    fields = {"host": host, **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
    }
    sent: list[MutableMapping[str, Any]] = []

    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()  # the client stays, and says nothing more
        return incoming.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception:  # as in a server: an error after the answer went out is for the log
        if not sent:
            raise
    start, *rest = sent
    return AsgiResponse(
        status=start["status"],
        headers={name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in rest),
    )
