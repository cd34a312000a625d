"""Trying a target with a verzoek that is made up: TEST in everything that people see, and nowhere on record with us.

Its verzoeknummer begins with TEST-, which none of DSO-LV does: those begin with a date (stam.md 1.3).
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import (
    Aansluiting,
    BlobStore,
    CaseSystem,
    Clock,
    File,
    FileKind,
    Handover,
    PlannedStep,
    Verzoek,
)
from digikoppelaar.flows.targets import Target
from digikoppelaar.stam.codes import CONCEPTVERZOEK, INITIEREN
from digikoppelaar.stam.verzoek import read_verzoek

PREFIX: Final = "TEST-"
"""Of every verzoeknummer that is made up here."""
_NUMBER: Final = re.compile(r"TEST-([0-9]{14})-[0-9a-f]{6}", re.ASCII)
NAAM: Final = "TEST proefverzoek van digikoppelaar"
BSN: Final = "999990019"
"""Passes the eleven-test and was never given to anybody."""
_TEXT: Final = "TEST: gemaakt met `digikoppelaar casesystem test`; dit mag worden verwijderd."
_BIJLAGEN: Final = ("TEST bijlage.txt", 'TEST gevel é "2".txt')
"""The second one has what receivers stumble over."""


@dataclass(frozen=True, slots=True)
class TriedStep:
    """A step as it was taken; `seconds` since the one before it."""

    name: str
    what: str
    seconds: float


def new_verzoeknummer(now: datetime, unique: str) -> str:
    """One that no verzoek has; `unique` makes that so within a second."""
    return f"{PREFIX}{now:%Y%m%d%H%M%S}-{unique[:6]}"


def made_at(number: str) -> datetime:
    """When this number was made. Raises ConfigError when it was not made here: a test never touches a real verzoek."""
    found = _NUMBER.fullmatch(number)
    try:
        return datetime.strptime(found[1] if found else "", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"a test verzoek has a verzoeknummer such as {PREFIX}20260131120000-a1b2c3") from None


async def made_up(aansluiting: Aansluiting, target: Target, number: str, blobs: BlobStore) -> Handover:
    """A verzoek with this number that meets the conditions of `target`, with its files in `blobs`.

    The same number gives the same verzoek, to the byte. Raises ConfigError for a number that was not made here.
    """
    document = _xml(aansluiting, target.when, number)
    contents = [
        (FileKind.XML, f"TEST {number}.xml", "application/xml", document),
        (FileKind.PDF, f"TEST {number}.pdf", "application/pdf", _pdf(f"{NAAM} {number}")),
        *((FileKind.BIJLAGE, naam, "text/plain", f"{_TEXT}\n{naam}\n".encode()) for naam in _BIJLAGEN),
    ]
    files = [await _stored(blobs, position, *each) for position, each in enumerate(contents, start=1)]
    read = read_verzoek(document)
    verzoek = Verzoek(
        0, aansluiting, number, 0, read.type, read.doel, NAAM, test=True, state="fetched", files=tuple(files)
    )
    return Handover(verzoek, read)


async def preview(system: CaseSystem, handover: Handover) -> tuple[PlannedStep, ...]:
    """What trying would do; see flows.ports.CaseSystem.preview."""
    return tuple(await system.preview(handover, DeliverySteps()))


async def try_out(
    system: CaseSystem, handover: Handover, blobs: BlobStore, clock: Clock, tell: Callable[[TriedStep], None]
) -> str:
    """Deliver it, tell each step once it is done, and return its reference there. Raises what the delivery raises.

    A case system that records no steps, as the folder, is told as what it planned, in the end.
    """
    planned = {each.name: each.what for each in await preview(system, handover)}
    since = clock.now()

    def told(name: str) -> None:
        nonlocal since
        now = clock.now()
        tell(TriedStep(name, planned.pop(name, ""), (now - since).total_seconds()))
        since = now

    async def write(name: str, outcome: Mapping[str, str]) -> None:
        del outcome
        told(name)

    reference = await system.deliver(handover, blobs, DeliverySteps(write=write))
    for name in tuple(planned):
        told(name)
    return reference


async def _stored(blobs: BlobStore, position: int, kind: FileKind, naam: str, media_type: str, content: bytes) -> File:
    async def once() -> AsyncIterator[bytes]:
        yield content

    blob = await blobs.put(f"casesystem-test/{position}", once())
    return File(position, kind, f"TEST-{position}", naam, media_type, "", blob.name, blob.size, blob.sha256)


def _xml(aansluiting: Aansluiting, when: Mapping[str, str], number: str) -> bytes:
    """A verzoekbericht with the elements that stam.md 1.5 to 1.9 names."""
    own = aansluiting.organisatie_oin
    text = {
        "number": number,
        "doel": CONCEPTVERZOEK if when.get("concept") == "ja" else INITIEREN,
        "type": when.get("type", "Melding"),
        "naam": NAAM,
        "moment": made_at(number).isoformat(),
        "tekst": _TEXT,
        "gezag": when.get("bevoegd_gezag", own),
        "activiteit": when.get("activiteit", "Aansluitactiviteit TEST"),
        "bsn": BSN,
        "bijlage": _BIJLAGEN[0],
        "overige": _BIJLAGEN[1],
    }
    escaped = {name: escape(value) for name, value in text.items()}
    dienst = _DIENST.format(escape(when["behandeldienst"])) if "behandeldienst" in when else ""
    return _TEMPLATE.format_map({**escaped, "dienst": dienst}).encode()


_DIENST: Final = "<uitvoerendeInstantie><oin>{}</oin><naam>TEST behandeldienst</naam></uitvoerendeInstantie>"


_TEMPLATE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<verzoek xmlns="http://www.omgevingswet.nl/koppelvlak/stam-v4/verzoek" xmlns:gml="http://www.opengis.net/gml/3.2">
  <verzoeknummer>{number}</verzoeknummer><volgnummer>0</volgnummer><doel>{doel}</doel><type>{type}</type>
  <naam>{naam}</naam><indienDatum>{moment}</indienDatum><ambtshalve>false</ambtshalve>
  <project><naam>{naam}</naam><omschrijving>{tekst}</omschrijving></project>
  <toelichtingVerzoek>{tekst}</toelichtingVerzoek>
  <bevoegdGezag><oin>{gezag}</oin><naam>TEST bevoegd gezag</naam></bevoegdGezag>
  {dienst}
  <initiatiefnemer><natuurlijkPersoon>
    <bsn>{bsn}</bsn><voorletters>T.</voorletters><achternaam>TEST</achternaam>
    <emailadres>test@example.org</emailadres>
    <verblijfsadres><straatnaam>TEST</straatnaam><huisnummer>1</huisnummer><postcode>1234AB</postcode>
      <woonplaats>TEST</woonplaats></verblijfsadres>
  </natuurlijkPersoon></initiatiefnemer>
  <projectlocaties><projectlocatie>
    <adresAanduiding><straatnaam>TEST</straatnaam><huisnummer>1</huisnummer><postcode>1234AB</postcode>
      <woonplaats>TEST</woonplaats></adresAanduiding>
    <coordinatenOpgegeven><gml:Point srsName="urn:ogc:def:crs:EPSG::28992"><gml:pos>155000 463000</gml:pos></gml:Point>
    </coordinatenOpgegeven>
  </projectlocatie></projectlocaties>
  <projectactiviteiten><projectactiviteit>
    <activiteitNaam>{activiteit}</activiteitNaam>
    <specificaties>
      <specificatie><vraagId>TEST</vraagId><vraagtekst>TEST: wat is uw naam?</vraagtekst><antwoord>TEST</antwoord>
      </specificatie>
      <specificatie><vraagtekst>TEST: bijlage</vraagtekst><gevraagdeBijlage><documentsoortDSO>TEST</documentsoortDSO>
        <documenten><document><documentId>TEST-3</documentId><bestandsnaam>{bijlage}</bestandsnaam></document>
        </documenten></gevraagdeBijlage></specificatie>
    </specificaties>
  </projectactiviteit></projectactiviteiten>
  <verzoekbijlages><document><documentId>TEST-4</documentId><bestandsnaam>{overige}</bestandsnaam></document>
  </verzoekbijlages>
</verzoek>
"""


def _pdf(line: str) -> bytes:
    """One page with one line of ASCII, by the PDF reference: a header, objects, where they stand, a trailer."""
    stream = f"BT /F 18 Tf 72 720 Td ({line}) Tj ET".encode("ascii")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    written, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(b"%010d 00000 n \n" % len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, b"".join(places))
    return b"%b%btrailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        written,
        table,
        len(objects) + 1,
        len(written),
    )
