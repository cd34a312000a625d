"""A small world for the intake: DSO-LV as a DsoClient, and doors in which a process can die.

DSO-LV here is a fake of the other side: it has verzoeken, and faults that a test asks for.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.errors import FacilityAnswerBroken, FacilityNotFound
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings, Download, FileKind, Have, Link

OIN = "00000099000000001000"
NUMBER = "2026060200019"
NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
FOLDER = CaseSystemSettings("folder", {"path": "cases"})
AANSLUITING = Aansluiting(7, OIN, "Gemeente Voorbeeldstad", "stam", "sandbox-pre", OIN, None, FOLDER)
PDF = b"%PDF-1.7 samenvatting"
BIJLAGEN = {
    "d1": ("gevel.png", b"png" * 200_000),
    "d2": ("constructie é.pdf", b"%PDF constructie"),
    "d3": ("leeg.txt", b""),
}
PIECE = 64 * 1024


class Standstill:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Always NOW."""
        return NOW


@dataclass(slots=True)
class FakeDso:
    """flows.ports.DsoClient of a DSO-LV that has one verzoek in its newest version.

    `faults` are raised, one for each call of `summary`, before it answers. `cut` maps an address to the number of
    bytes after which the answer breaks off, once. `downloads` counts how often an address was fetched, and `sent` the
    bytes. `tag` is that of every file; when it is empty, there are no ranges. The summary `announces` sizes, those in
    `sizes` instead of the true ones.
    """

    volgnummer: int = 0
    xml: bytes = b""
    faults: list[Exception] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    lengths: bool = True
    announces: bool = True
    downloads: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    bijlagen: dict[str, tuple[str, bytes]] = field(default_factory=lambda: dict(BIJLAGEN))
    tag: str = '"v1"'

    def __post_init__(self) -> None:
        self.xml = self.xml or self.document(self.volgnummer)

    @staticmethod
    def document(volgnummer: int, verzoeknummer: str = NUMBER) -> bytes:
        """The XML of a version that names all bijlagen."""
        doel = "aanvullen" if volgnummer else "initieren"
        names = {key: naam for key, (naam, _) in BIJLAGEN.items()}
        return verzoek_xml(verzoeknummer, str(volgnummer), doel, documents=names)

    @property
    def contents(self) -> dict[str, bytes]:
        """Everything that can be fetched, by address."""
        documents = {f"/d/{key}": content for key, (_, content) in self.bijlagen.items()}
        return {"/xml": self.xml, "/pdf": PDF, **documents}

    async def summary(self, verzoeknummer: str) -> Sequence[Link]:
        """See flows.ports.DsoClient."""
        if self.faults:
            raise self.faults.pop(0)
        if verzoeknummer != NUMBER:
            raise FacilityNotFound("no such verzoek")
        documents = [(FileKind.BIJLAGE, key, naam, f"/d/{key}") for key, (naam, _) in self.bijlagen.items()]
        files = [
            (FileKind.XML, "xml", "verzoek.xml", "/xml"),
            (FileKind.PDF, "pdf-1", "verzoek.pdf", "/pdf"),
            *documents,
        ]
        return [
            Link(kind, key, naam, "", href, self._announced(href))
            for kind, key, naam, href in files
            if key not in self.unlinked
        ]

    def _announced(self, href: str) -> int | None:
        return self.sizes.get(href, len(self.contents[href]) if self.announces else None)

    @asynccontextmanager
    async def download(self, href: str, have: Have | None = None) -> AsyncIterator[Download]:
        """See flows.ports.DsoClient."""
        self.downloads[href] = self.downloads.get(href, 0) + 1
        content = self.contents[href]
        start = have.size if have and self.tag and have.tag == self.tag else 0
        yield Download(len(content) if self.lengths else None, self._chunks(href, content[start:]), start, self.tag)

    async def _chunks(self, href: str, content: bytes) -> AsyncIterator[bytes]:
        end = self.cut.pop(href, None)
        for start in range(0, len(content), PIECE):
            if end is not None and start >= end:
                raise FacilityAnswerBroken("the answer broke off")
            piece = content[start : start + PIECE] if end is None else content[start : min(start + PIECE, end)]
            self.sent[href] = self.sent.get(href, 0) + len(piece)
            yield piece


class Crash(BaseException):
    """The process dies: nothing of ours may catch it."""


@dataclass(slots=True)
class Doom:
    """Dies at door number `at`, where every call of a port has a door before it and a door after it."""

    at: int
    passed: int = 0

    def door(self) -> None:
        """Go through a door."""
        self.passed += 1
        if self.passed == self.at:
            raise Crash


class Doomed:
    """A port with doors: every coroutine method may die before or after its effect."""

    def __init__(self, port: Any, doom: Doom) -> None:
        self._port = port
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._port, name)
        if name in ("get", "download") or not callable(method):  # a stream: the caller's steps in between matter
            return method
        if name == "part":
            return partial(self._part, method)

        async def through(*args: Any, **kwargs: Any) -> Any:
            self._doom.door()
            result = await method(*args, **kwargs)
            self._doom.door()
            return result

        return through

    @asynccontextmanager
    async def _part(self, method: Callable[..., Any], name: str) -> AsyncIterator["Doomed"]:
        async with method(name) as part:
            yield Doomed(part, self._doom)
