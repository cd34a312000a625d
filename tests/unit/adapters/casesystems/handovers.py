"""Verzoeken to hand over in the tests of case systems, steps that remember, and a process that dies on cue."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import Aansluiting, File, FileKind, Handover, News, Verzoek
from digikoppelaar.flows.ports.kennisgevingen import Publication
from digikoppelaar.stam import model
from digikoppelaar.stam.rules import Action

OIN = "00000099000000001000"
AANSLUITING = Aansluiting(7, OIN, "Gemeente Voorbeeldstad", "stam", "pre", OIN, None, None)
NUMMER = "2026060200019"
XML = b"<verzoek><verzoeknummer>2026060200019</verzoeknummer></verzoek>"
FILES: tuple[tuple[FileKind, str, str, bytes], ...] = (
    (FileKind.XML, "verzoek.xml", "application/xml", XML),
    (FileKind.PDF, "samenvatting.pdf", "application/pdf", b"%PDF-1.7"),
    (FileKind.BIJLAGE, "gevel é.png", "image/png", b"png" * 100_000),
    (FileKind.BIJLAGE, "GEVEL é.png", "image/png", b"another"),
    (FileKind.BIJLAGE, "leeg.txt", "", b""),
)


async def handed(
    blobs: MemoryBlobs,
    *,
    files: tuple[tuple[FileKind, str, str, bytes], ...] = FILES,
    action: Action = Action.DELIVER_NEW,
    volgnummer: int = 0,
    case: str | None = None,
    **read: Any,
) -> Handover:
    """A verzoek version with these files in the blob store; `read` are fields of the verzoek as it was understood."""
    stored = [await _stored(blobs, volgnummer * 100 + number, *each) for number, each in enumerate(files, start=1)]
    verzoek = Verzoek(
        volgnummer + 1,
        AANSLUITING,
        NUMMER,
        volgnummer,
        "Melding",
        "initieren",
        "Dakkapel é",
        test=False,
        state="fetched",
        files=tuple(stored),
        action=action,
    )
    understood = replace(model.Verzoek(4, NUMMER, volgnummer, "initieren", "Melding", naam="Dakkapel é"), **read)
    return Handover(verzoek, understood, case)


async def _stored(blobs: MemoryBlobs, number: int, kind: FileKind, naam: str, media_type: str, content: bytes) -> File:
    async def once() -> AsyncIterator[bytes]:
        yield content

    blob = await blobs.put(f"verzoeken/7/{number}", once())
    return File(number, kind, f"d{number}", naam, media_type, "", blob.name, blob.size, blob.sha256)


def news(case: str, **changes: Any) -> News:
    """A kennisgeving about the same verzoek that was published."""
    found = Publication("gmb-2026-1", "https://publicaties.example/gmb-2026-1.html", date(2026, 6, 4))
    return replace(News(AANSLUITING, NUMMER, case, 3, KENNISGEVING, found), **changes)


class Crash(BaseException):
    """The process dies here: no clean-up of ours may count on running after it."""


@dataclass(slots=True)
class Countdown:
    """Dies at the `left`-th point that is passed."""

    left: int

    def tick(self) -> None:
        """A point at which the process may die."""
        self.left -= 1
        if self.left == 0:
            raise Crash


def remembering(record: dict[str, Mapping[str, str]], tick: Callable[[], None] = lambda: None) -> DeliverySteps:
    """Steps that are durable in `record`; `tick` is called before each is, and after."""

    async def write(name: str, outcome: Mapping[str, str]) -> None:
        tick()
        record[name] = dict(outcome)
        tick()

    return DeliverySteps(dict(record), write)
