"""A verzoek with everything in it, a double to deliver it to, and what of it must be there in the end."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.doubles.zgw.access import CLIENT_ID, SECRET
from tests.doubles.zgw.double import Version, ZgwDouble
from tests.doubles.zgw.types import ZAAKTYPEN
from tests.doubles.zgw.world import Quirks
from tests.unit.adapters.casesystems.handovers import AANSLUITING, NUMMER, remembering

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.zgw.mapping import Source
from digikoppelaar.adapters.casesystems.zgw.settings import ZgwSettings, read_settings
from digikoppelaar.adapters.casesystems.zgw.system import Shared, ZgwCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.flows.ports import File, FileKind, Handover, PlannedStep, Verzoek
from digikoppelaar.stam.geometry import converted
from digikoppelaar.stam.model import (
    Adres,
    Document,
    Geometrie,
    GevraagdeBijlage,
    Instantie,
    Perceel,
    Persoon,
    Project,
    Projectactiviteit,
    Projectlocatie,
    Specificatie,
)
from digikoppelaar.stam.model import Verzoek as Read
from digikoppelaar.stam.rules import Action

NOW: Final = datetime(2026, 6, 3, 9, 30, tzinfo=UTC)
INGEDIEND: Final = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
"""Half past midnight on the second of June in the Netherlands."""
RSIN: Final = "999990019"
"""Passes the elfproef and is not issued."""
BSN: Final = "999990019"
TITLE: Final = (
    "Het plaatsen van een dakkapel met openslaande ramen aan de achterzijde en het vernieuwen van de kozijnen"
)

HOUSE: Final = Adres(
    "adresAanduiding",
    (("straatnaam", "Voorbeeldlaan"),),
    nummeraanduiding="0999200000000001",
    straatnaam="Voorbeeldlaan",
    huisnummer="12",
    huisletter="a",
    postcode="9999 xx",
    woonplaats="Voorbeeldstad",
)
PERCEEL: Final = Perceel((("perceelnummer", "1234"),), gemeente="VBS00", sectie="A", perceelnummer="1234")
SQUARE: Final = Geometrie(
    "EPSG:28992", vlakken=((((155000, 463000), (155100, 463000), (155100, 463100), (155000, 463000)),),)
)
LOCATIES: Final = (
    Projectlocatie(adres=HOUSE, etrs=converted(SQUARE, "EPSG:4258")),
    Projectlocatie(percelen=(PERCEEL,)),
)
APPLICANT: Final = Persoon(
    "natuurlijk",
    bsn=BSN,
    voorletters="A.B.",
    voorvoegsel="van",
    achternaam="Voorbeeld",
    emailadres="a@example.org",
    telefoonnummer="0201234567",
    adressen=(replace(HOUSE, soort="verblijfsadres"),),
)
COMPANY: Final = Persoon(
    "nietNatuurlijk",
    kvk_nummer="99999999",
    vestigingsnummer="000099999999",
    handelsnaam="Voorbeeld Architecten",
    adressen=(replace(HOUSE, soort="bezoekadres"),),
)
CONTACT: Final = Persoon("contactpersoon", achternaam="Contact", emailadres="contact@example.org")

FILES: Final[tuple[tuple[FileKind, str, str, bytes], ...]] = (
    (FileKind.XML, "xml", "verzoek.xml", b"<verzoek/>"),
    (FileKind.PDF, "pdf", "verzoek.pdf", b"%PDF-1.7"),
    (FileKind.BIJLAGE, "d1", "gevel é.png", b"png" * 1000),
    (FileKind.BIJLAGE, "d2", "gevel é.png", b"x"),
    (FileKind.BIJLAGE, "d3", "", b""),
)
READ: Final = Read(
    4,
    NUMMER,
    0,
    "initieren",
    "Aanvraag vergunning",
    naam=TITLE,
    indien_datum=INGEDIEND,
    project=Project("Verbouwing"),
    bevoegd_gezag=Instantie("00000099000000001000", "Gemeente Voorbeeldstad"),
    initiatiefnemer=APPLICANT,
    gemachtigde=COMPANY,
    contactpersoon=CONTACT,
    projectlocaties=LOCATIES,
    projectactiviteiten=(
        Projectactiviteit(
            "Bouwactiviteit (technisch)",
            specificaties=(
                Specificatie("284856", "Wat kost het?", "€ 12.500,50"),
                Specificatie(
                    gevraagde_bijlage=GevraagdeBijlage("Tekening", (Document("d1", "gevel é.png", vertrouwelijk=True),))
                ),
            ),
        ),
    ),
    toelichting="Graag voor de zomer.",
    referentie_aanvrager="REF-1",
)
TABLES: Final = {
    "veld.titel": "projectnaam",
    "veld.verzoeknummer": "verzoeknummer",
    "veld.ingetrokken": "test",
    "eigenschap.284856": "bouwkosten",
    "informatieobjecttype": "Bijlage",
    "informatieobjecttypen.xml": "Aanvraag",
    "roltype.gemachtigde": "Gemachtigde",
    "intrekking_statustype": "Ingetrokken",
}


class StoppedClock:
    """A clock that only goes on when told."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return self.moment


def settings(**changes: str) -> ZgwSettings:
    """Settings of a server that nobody calls."""
    names = {f"{api}_url": f"https://zgw.example.org/{api}" for api in ("zaken", "documenten", "catalogi")}
    needed = {"zaaktype": ZAAKTYPEN[0], "client_id": "x", "secret_file": "/s", "bronorganisatie": RSIN}
    return read_settings({**names, **needed, **TABLES, **changes})


def source(*, test: bool = False, action: Action = Action.DELIVER_NEW, volgnummer: int = 0, **changes: Any) -> Source:
    """What the pure mapping gets; `changes` are settings by their name, or fields of the verzoek as understood."""
    ours = {name: value for name, value in changes.items() if isinstance(value, str) and name not in _FIELDS}
    read = replace(READ, volgnummer=volgnummer, **{name: each for name, each in changes.items() if name not in ours})
    return Source(Handover(verzoek(read, (), action, test=test), read), settings(**ours), "map", NOW)


_FIELDS: Final = frozenset({"naam", "doel", "type", "toelichting", "referentie_aanvrager", "verzoeknummer"})


def verzoek(read: Read, files: tuple[File, ...], action: Action, *, test: bool = False) -> Verzoek:
    """The version on record that goes with what was understood."""
    return Verzoek(
        read.volgnummer + 1,
        AANSLUITING,
        read.verzoeknummer,
        read.volgnummer,
        read.type,
        read.doel,
        read.naam or "",
        test,
        "fetched",
        files,
        action=action,
    )


@dataclass
class World:
    """A double, a case system of ours in front of it, and what was recorded of each version."""

    double: ZgwDouble
    http: CaseSystemHttp
    values: Mapping[str, str]
    clock: StoppedClock
    shared: Shared = field(default_factory=Shared)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    records: dict[int, dict[str, Mapping[str, str]]] = field(default_factory=dict)

    def system(self, **changes: str) -> ZgwCaseSystem:
        """As a process makes it anew for each delivery."""
        return ZgwCaseSystem(read_settings({**self.values, **changes}), "map", self.http, self.clock, self.shared)

    async def handover(
        self,
        volgnummer: int = 0,
        action: Action = Action.DELIVER_NEW,
        *,
        files: tuple[tuple[FileKind, str, str, bytes], ...] = FILES,
        lapsed: tuple[str, ...] = (),
        case: str | None = None,
        test: bool = False,
        **changes: Any,
    ) -> Handover:
        """A version with its files in the blob store."""
        stored = []
        for number, (kind, document_id, naam, content) in enumerate(files, volgnummer * 10 + 1):
            blob = await self.blobs.put(f"verzoeken/7/{number}", _once(content))
            media_type = {FileKind.XML: "application/xml", FileKind.PDF: "application/pdf"}.get(kind, "image/png")
            own = f"{document_id}-{volgnummer}" if kind is not FileKind.BIJLAGE else document_id
            stored.append(File(number, kind, own, naam, media_type, "", blob.name, blob.size, blob.sha256))
        read = replace(READ, volgnummer=volgnummer, **changes)
        return Handover(replace(verzoek(read, tuple(stored), action, test=test), lapsed=lapsed), read, case)

    async def deliver(self, handover: Handover, **changes: str) -> str:
        """As a new process does: with what was recorded by those before it."""
        record = self.records.setdefault(handover.verzoek.volgnummer, {})
        return await self.system(**changes).deliver(handover, self.blobs, remembering(record))

    async def preview(self, handover: Handover, **changes: str) -> list[PlannedStep]:
        """What it would do now."""
        record = self.records.setdefault(handover.verzoek.volgnummer, {})
        return list(await self.system(**changes).preview(handover, remembering(record)))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


@asynccontextmanager
async def world(
    folder: Path, version: Version = "openzaak", quirks: Quirks | None = None, *, checked: bool = True, **values: str
) -> AsyncIterator[World]:
    """A double that listens, and settings to reach it. Every call is held against the OpenAPI files in the end."""
    clock, secret = StoppedClock(), folder / "secret"
    secret.write_text(SECRET)
    async with (
        ZgwDouble(version, quirks, now=clock.now, checked=checked).running() as double,
        CaseSystemHttp() as http,
    ):
        found = {
            "zaken_url": double.addresses["zaken"],
            "documenten_url": double.addresses["documenten"],
            "catalogi_url": double.addresses["catalogi"],
            "zaaktype": ZAAKTYPEN[0],
            "client_id": CLIENT_ID,
            "secret_file": str(secret),
            "bronorganisatie": RSIN,
            **TABLES,
            **values,
        }
        yield World(double, http, found, clock)


def sha256(content: bytes) -> str:
    """As the double tells it."""
    return hashlib.sha256(content).hexdigest()
