"""Verzoeken that are wrong in every way: each gets a clear word for the administrator, and nothing of it is lost.

A server on a socket hands out the verzoek; database, blobs and case folder are real. What cannot be delivered waits
with its reason, and goes through once the other side has mended it.
"""

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.unit.adapters.dso_server import Noon, answer, calling
from tests.unit.adapters.postgres.world import World, opened_world
from tests.unit.stam.documents import verzoek_xml
from tests.unit.stam.locations_xml import SQUARE, point, polygon

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.casesystems.folder import DONE, FolderCaseSystem
from digikoppelaar.adapters.dso_client import DsoRestClient
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.flows.attempts import Done, Outcome
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import Park, Retry
from digikoppelaar.flows.reading import VersionPage, VerzoekFilter

NUMBER = "2026060200019"
XML, PDF, PNG = verzoek_xml(documents={"d1": "gevel.png"}), b"%PDF-1.7 verzonnen", b"png" * 1000
JSON = "application/hal+json"


def zip_bomb() -> bytes:
    """Twenty MiB of zeros in twenty KiB, twice packed."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("nullen", bytes(20 * 1024**2))
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bom.zip", inner.getvalue())
    return outer.getvalue()


@dataclass
class Served:
    """What DSO-LV hands out: one bijlage, `d1`, unless told otherwise."""

    xml: bytes = XML
    name: str = "gevel.png"
    content: bytes = PNG
    linked: bool = True
    announced: int | None = None
    """The length in the summary, when it is another one than that of the content."""
    extra: dict[str, str] = field(default_factory=dict)
    """Headers of the bijlage."""

    def script(self, path: str, _: dict[str, str]) -> bytes:
        """See dso_server.Script."""
        if path.endswith("/samenvatting"):
            return answer(200, json.dumps(self._summary()).encode(), JSON)
        content, media_type = {
            "/v2/xml": (self.xml, "application/xml"),
            "/v2/pdf": (PDF, "application/pdf"),
            "/v2/d1": (self.content, "application/octet-stream"),
        }[path]
        return answer(200, content, media_type, **(self.extra if path == "/v2/d1" else {}))

    def _summary(self) -> dict[str, object]:
        size = len(self.content) if self.announced is None else self.announced
        document = {"href": "/v2/d1", "name": "d1", "title": self.name, "length": size}
        links = {"xml": {"href": "/v2/xml", "type": "application/xml"}, "pdf": {"href": "/v2/pdf"}}
        return {"verzoeknummer": NUMBER, "_links": {**links, "documenten": [document] if self.linked else []}}


@dataclass
class Gateway:
    """Fetches and delivers with everything real but the processes."""

    world: World
    folder: Path
    served: Served

    async def run(self) -> Outcome:
        """One attempt to fetch the notification that came in, and one to deliver what is there then."""
        (self.folder / "zaken").mkdir(exist_ok=True)
        blobs, store = FolderBlobs(self.folder / "blobs"), self.world.verzoeken
        async with calling(lambda path, headers: self.served.script(path, headers), self.folder) as calls:
            outcome = await Intake(store, lambda _: DsoRestClient(calls), blobs, Noon()).attempt(1, 1)
        if outcome != Done():
            return outcome
        case_system = FolderCaseSystem(self.folder / "zaken")
        delivery = Delivery(store, lambda *_: case_system, blobs, Noon(), PostgresDeliveries(self.world.pool))
        return await delivery.attempt(1, 1)

    async def shown(self) -> VersionPage:
        """What the administrator sees."""
        page = await self.world.reading.verzoek(self.world.pre.aansluiting.id, NUMBER)
        assert page
        return page.versions[0]

    def cases(self) -> list[Path]:
        """The case folders that are complete."""
        return [marker.parent for marker in (self.folder / "zaken").rglob(DONE)]


@pytest.fixture
async def gateway(database_url: str, tmp_path: Path) -> object:
    async with opened_world(database_url) as world:
        await world.notify(0, NUMBER)
        yield Gateway(world, tmp_path, Served())


def located(coordinates: str) -> bytes:
    """A verzoek with one more projectlocatie, at these coordinates."""
    inner = f"<vx:coordinatenOpgegeven>{coordinates}</vx:coordinatenOpgegeven>"
    extra = f"<vx:projectlocaties><vx:projectlocatie>{inner}</vx:projectlocatie></vx:projectlocaties>"
    return verzoek_xml(documents={"d1": "gevel.png"}, extra=extra)


TITLE = "Dakkapel " * 556
ODD_NAMES = [
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "x" * 300 + ".pdf",
    "factuur\u202egnp.exe",
    "a\x00b.png",
    "/abs.png",
]

DELIVERED = [
    ("unknown type", Served(XML.replace(b"Aanvraag vergunning", b"Aanvraag raket")), "type-unknown"),
    ("unknown doel", Served(XML.replace("Initiëren".encode(), b"Weggooien")), "doel-unknown"),
    (
        "a title of 5,000 characters",
        Served(XML.replace(b"Dakkapel aan de Veldweg", TITLE.strip().encode())),
        "naam-too-long",
    ),
    ("a polygon that is not closed", Served(located(polygon(SQUARE[:-1]))), "ring-not-closed"),
    ("coordinates in the sea", Served(located(point("20000 600000"))), "in-the-sea"),
    ("a zip bomb", Served(name="tekeningen.zip", content=zip_bomb()), None),
    *((f"a file called {name!r:.20}", Served(name=name), None) for name in ODD_NAMES),
]


@pytest.mark.parametrize(("what", "served", "code"), DELIVERED, ids=[row[0] for row in DELIVERED])
async def test_what_is_odd_is_delivered_whole_with_a_finding(
    gateway: Gateway, what: str, served: Served, code: str | None
) -> None:
    del what
    gateway.served = served
    assert await gateway.run() == Done()
    [case] = gateway.cases()
    assert (case / "verzoek.xml").read_bytes() == served.xml
    [bijlage] = (case / "bijlagen").iterdir()
    assert bijlage.read_bytes() == served.content
    assert {path.name for path in gateway.folder.iterdir()} == {"zaken", "blobs", "api-key"}
    found = await gateway.shown()
    assert found.verzoek.state == "delivered"
    if code:
        assert code in {finding.code for finding in found.findings}


REFUSED = [
    ("damaged XML", Served(XML[:-40]), Retry, "not well-formed"),
    ("no XML at all", Served(b"storing"), Retry, "cannot be read"),
    ("a DOCTYPE", Served(b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + XML[39:]), Retry, "DOCTYPE"),
    ("the verzoek of somebody else", Served(verzoek_xml("2026060200020")), Park, "2026060200020"),
    ("no number", Served(XML.replace(NUMBER.encode(), b"")), Park, "verzoeknummer"),
    ("a document that is not linked", Served(linked=False), Retry, "no link to 1"),
    ("a document that is too short", Served(announced=len(PNG) + 1), Retry, "different lengths"),
    ("a document that is too long", Served(announced=len(PNG) - 1), Retry, "different lengths"),
    ("a document that breaks off", Served(extra={"content_length": str(len(PNG) + 7)}, announced=3007), Retry, "after"),
]


@pytest.mark.parametrize(("what", "served", "outcome", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_cannot_be_taken_waits_with_its_reason_and_goes_through_once_it_is_mended(
    gateway: Gateway, what: str, served: Served, outcome: type[Retry | Park], reason: str
) -> None:
    del what
    gateway.served = served
    assert isinstance(await gateway.run(), outcome)
    assert gateway.cases() == []
    [row] = await gateway.world.reading.verzoeken(VerzoekFilter())
    assert reason in (row.reason or "")
    assert row.advice
    assert row.state == ("parked" if outcome is Park else row.state)
    gateway.served = replace(served, xml=XML, linked=True, announced=None, extra={})
    if outcome is Park:
        await gateway.world.verzoeken.release(gateway.world.pre.aansluiting.id, NUMBER, Noon().now())
    assert await gateway.run() == Done()
    assert len(gateway.cases()) == 1
