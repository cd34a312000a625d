"""Calls to the ZGW API's: who we are, in which coordinates, what an answer means. Answers are read leniently.

A resource is always asked for below the address in the settings, by the id at the end of its URL: what a server calls
itself may be a name that only it knows.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from digikoppelaar.adapters.casesystems.answers import check
from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.zgw.auth import Tokens, identity
from digikoppelaar.adapters.casesystems.zgw.problems import refused
from digikoppelaar.adapters.casesystems.zgw.settings import ZgwSettings
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import Clock, Streamed

Resource = dict[str, Any]

CRS: Final = "EPSG:4326"
_MOST: Final = 10_000
"""Resources in one list: more is no zaak, but a server that never ends."""
_SLOWEST: Final = 256 * 1024
"""Bytes a second; a large document gets the time that it needs at this speed."""
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)
_LATER: Final = frozenset({408, 409, 423, 425, 429})
"""409 and 423: somebody else is at it."""
_UNKNOWN_TOKEN: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Zgw:
    """The three API's of one target; `audit` is what their audit trail shows with every change."""

    settings: ZgwSettings
    http: CaseSystemHttp
    tokens: Tokens
    clock: Clock
    audit: str = ""

    def zaken(self, *path: str) -> str:
        """An address in the Zaken API."""
        return "/".join((self.settings.zaken_url, *path))

    def documenten(self, *path: str) -> str:
        """An address in the Documenten API."""
        return "/".join((self.settings.documenten_url, *path))

    def catalogi(self, *path: str) -> str:
        """An address in the Catalogi API."""
        return "/".join((self.settings.catalogi_url, *path))

    async def get(self, url: str) -> Resource:
        """A resource. Raises ZgwRefused, CaseSystemError or ConfigError, as every call here."""
        return _resource(await self._call("GET", url), url)

    async def list(self, url: str, filters: Mapping[str, str]) -> list[Resource]:
        """Every resource of a list, whether it comes in pages or whole."""
        found: list[Resource] = []
        for page in count(1):
            query = urlencode({**filters, **({"page": str(page)} if page > 1 else {})})
            answer = _json(await self._call("GET", f"{url}?{query}" if query else url), url)
            results = answer.get("results") if isinstance(answer, dict) else answer
            if not isinstance(results, list):
                raise CaseSystemError(f"GET {name_of(url)}: the answer is not a list")
            found += [each for each in results if isinstance(each, dict)]
            if len(found) > _MOST or page > _MOST:
                raise CaseSystemError(f"GET {name_of(url)}: the list has more than {_MOST} resources")
            if not (isinstance(answer, dict) and answer.get("next")) or not _is_page(str(answer["next"]), page + 1):
                break
        return found

    async def post(self, url: str, body: Resource | Streamed, content_type: str = "application/json") -> Resource:
        """Make something; what it became, or nothing when the answer is empty."""
        return await self._change("POST", url, body, content_type)

    async def patch(self, url: str, body: Resource) -> Resource:
        """Change some fields."""
        return await self._change("PATCH", url, body, "application/json")

    async def put(self, url: str, body: Streamed, content_type: str) -> Resource:
        """Put a part of a document."""
        return await self._change("PUT", url, body, content_type)

    async def delete(self, url: str) -> None:
        """Remove it."""
        await self._call("DELETE", url)

    async def sha256(self, url: str, expected: int) -> tuple[int, bytes]:
        """Length and digest of the content at `url`, in constant memory and in the time that `expected` bytes need."""
        digest, size = hashlib.sha256(), 0

        def take(chunk: bytes) -> None:
            nonlocal size
            digest.update(chunk)
            size += len(chunk)

        await self._call("GET", url, take=take, expected=expected)
        return size, digest.digest()

    async def _change(self, method: str, url: str, body: Resource | Streamed, content_type: str) -> Resource:
        octets = body if isinstance(body, Streamed) else json.dumps(body, ensure_ascii=False).encode()
        answer = await self._call(method, url, octets, content_type)
        return _resource(answer, url) if answer.body.strip() else {}

    async def _call(
        self,
        method: str,
        url: str,
        body: bytes | Streamed | None = None,
        content_type: str = "",
        take: Callable[[bytes], None] | None = None,
        expected: int = 0,
    ) -> Answer:
        """One call; when the server does not know the token, once more with another one."""
        seconds = self.settings.timeout + (body.size if isinstance(body, Streamed) else expected) / _SLOWEST
        token = await self.tokens.token(self.settings, self.http, self.clock)
        answer = await self.http.send(self._as_call(method, url, body, content_type, token, seconds), take)
        if answer.status in _UNKNOWN_TOKEN:
            self.tokens.forget(self.settings, token)
            token = await self.tokens.token(self.settings, self.http, self.clock)
            answer = await self.http.send(self._as_call(method, url, body, content_type, token, seconds), take)
        said = f"{method} {name_of(url)}"
        if 400 <= answer.status < 500 and answer.status not in _LATER:
            raise refused(said, answer.status, answer.body)
        if answer.status in _LATER:
            answer = Answer(429, answer.headers, b"")
        check(answer, said, self.clock.now())
        return answer

    def _as_call(
        self, method: str, url: str, body: bytes | Streamed | None, content_type: str, token: str, seconds: float
    ) -> Call:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if url.startswith(self.settings.zaken_url):  # without them 412, with another one 406 (zgw.md 1.2)
            headers |= {"Accept-Crs": CRS, "Content-Crs": CRS}
        if body is not None:
            headers["Content-Type"] = content_type
        if self.audit and method != "GET":
            headers["X-Audit-Toelichting"] = self.audit
        return Call(method, url, headers, body, self.settings.ca_file, identity(self.settings), seconds)


def id_of(url: object) -> str:
    """The id at the end of the URL of a resource. Raises CaseSystemError when there is none."""
    found = urlsplit(str(url or "")).path.rstrip("/").rpartition("/")[2]
    if not _ID.fullmatch(found):
        raise CaseSystemError("the case system gave a URL without an id")
    return found


def name_of(url: str) -> str:
    """What the last part of an address is called: for messages, without ids and queries."""
    parts = [part for part in urlsplit(url).path.split("/") if part.replace("_", "").replace("-", "").isalpha()]
    return parts[-1] if parts else "?"


def _is_page(url: str, number: int) -> bool:
    """Whether there is a next page; one that leads elsewhere would never end."""
    return parse_qs(urlsplit(url).query).get("page", [str(number)]) == [str(number)]


def _resource(answer: Answer, url: str) -> Resource:
    """An object; one that is alone in a list too, as Zaken 1.7 gives a reserved number."""
    found = _json(answer, url)
    found = found[0] if isinstance(found, list) and len(found) == 1 else found
    if not isinstance(found, dict):
        raise CaseSystemError(f"{name_of(url)}: the answer is not an object")
    return found


def _json(answer: Answer, url: str) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise CaseSystemError(f"{name_of(url)}: the answer is not JSON") from error
