"""An object store that speaks S3 over a socket, as far as putting and getting objects goes; no signature is checked.

Held against moto by hand when it was made (ADR 19); no test compares the two.
"""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class S3:
    """The ASGI application; `objects` by bucket and key, `uploads` are those that were not completed.

    `refuse`: it answers everything with this status.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuse: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        body = b""
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        query = dict(part.partition("=")[::2] for part in scope["query_string"].decode().split("&"))
        key = unquote(scope["raw_path"].decode().lstrip("/"))
        self.requests.append(f"{scope['method']} {key}")
        ranged = dict(scope["headers"]).get(b"range", b"").decode()
        answer = (self.refuse, {}, b"") if self.refuse else self.answer(scope["method"], key, query, body, ranged)
        status, headers, content = answer
        headers = {"content-length": str(len(content)), **headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def answer(self, method: str, key: str, query: dict[str, str], body: bytes, ranged: str) -> Answer:
        """What S3 says to this; 405 to what no test needs."""
        match method:
            case "PUT" if "uploadId" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
                return 200, {"etag": _etag(body)}, b""
            case "PUT":
                self.objects[key] = body
                return 200, {"etag": _etag(body)}, b""
            case "POST" if "uploads" in query:
                upload = str(len(self.requests))
                self.uploads[upload] = {}
                return 200, {}, _xml("InitiateMultipartUploadResult", UploadId=upload, Key=key, Bucket="b")
            case "POST" if "uploadId" in query:
                parts = self.uploads.pop(query["uploadId"])
                self.objects[key] = b"".join(parts[number] for number in sorted(parts))
                return 200, {}, _xml("CompleteMultipartUploadResult", ETag=_etag(self.objects[key]), Key=key)
            case "DELETE" if "uploadId" in query:
                self.uploads.pop(query["uploadId"], None)
                return 204, {}, b""
            case "GET" | "HEAD":
                return self._read(method, key, ranged)
        return 405, {}, b""

    def _read(self, method: str, key: str, ranged: str) -> Answer:
        if key not in self.objects:
            return 404, {}, b""
        content = self.objects[key]
        headers = {"etag": _etag(content), "last-modified": "Tue, 02 Jun 2026 12:00:00 GMT"}
        if method == "HEAD":
            return 200, {**headers, "content-length": str(len(content))}, b""
        if not ranged:
            return 200, headers, content
        first, _, last = ranged.removeprefix("bytes=").partition("-")
        end = min(int(last), len(content) - 1)
        headers["content-range"] = f"bytes {first}-{end}/{len(content)}"
        return 206, headers, content[int(first) : end + 1]


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(root: str, **texts: str) -> bytes:
    inside = "".join(f"<{name}>{text.replace('&', '&amp;')}</{name}>" for name, text in texts.items())
    return f"<{root}>{inside}</{root}>".encode()
