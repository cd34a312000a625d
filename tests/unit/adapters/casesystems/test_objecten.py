"""A delivery to the Objecten API against doubles of it and of the Documenten API, each call held against its file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.objecten.double import ObjectenDouble, Quirks
from tests.doubles.zgw.access import CLIENT_ID, SECRET
from tests.doubles.zgw.double import ZgwDouble
from tests.shared import shared_data
from tests.unit.adapters.casesystems.handovers import (
    AANSLUITING,
    FILES,
    NUMMER,
    OIN,
    Countdown,
    Crash,
    handed,
    remembering,
)

from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.objecten.settings import read_settings
from digikoppelaar.adapters.casesystems.objecten.system import ObjectenCaseSystem
from digikoppelaar.adapters.casesystems.zgw.system import Shared
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import FileKind
from digikoppelaar.flows.targets import Target
from digikoppelaar.flows.tryout import TriedStep, made_up, try_out
from digikoppelaar.stam.model import Persoon
from digikoppelaar.stam.rules import Action

RSIN = "999990019"
WHO = Persoon("natuurlijk", bsn="999990019", achternaam="Voorbeeld")


class Dying(CaseSystemHttp):
    """Calls before and after which the process may die."""

    countdown = Countdown(0)

    async def send(self, call: Call, *rest: Any) -> Answer:
        self.countdown.tick()
        answer = await super().send(call, *rest)
        self.countdown.tick()
        return answer


@dataclass
class World:
    """Both doubles, and a target in front of them."""

    objecten: ObjectenDouble
    zgw: ZgwDouble
    http: Dying
    values: Mapping[str, str]
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    shared: Shared = field(default_factory=Shared)

    def system(self, **changes: str) -> ObjectenCaseSystem:
        settings = read_settings({**self.values, **{name.replace("__", "."): text for name, text in changes.items()}})
        return ObjectenCaseSystem(settings, "vth", self.http, SystemClock(), self.shared)

    def data(self) -> list[dict[str, Any]]:
        """Of every object."""
        return [each["record"]["data"] for each in self.objecten.objects]

    def documents(self) -> int:
        """How many there are whole: one that was begun again under another name stays unfinished."""
        return sum(bool(each.sha256) for each in self.zgw.documenten)


@asynccontextmanager
async def world(folder: Path, quirks: Quirks | None = None, **changes: str) -> AsyncIterator[World]:
    shared_data("zgw", "objects-api")
    objecten, zgw = ObjectenDouble(quirks), ZgwDouble()
    async with objecten.running(), zgw.running(), Dying() as http:
        (folder / "token").write_text(objecten.token)
        (folder / "secret").write_text(SECRET)
        values = {
            "objecten_url": objecten.addresses["objecten"],
            "objecttype": objecten.type_url,
            "token_file": str(folder / "token"),
            "documenten_url": zgw.addresses["documenten"],
            "client_id": CLIENT_ID,
            "secret_file": str(folder / "secret"),
            "informatieobjecttype": next(iter(zgw.world.catalogus["informatieobjecttypen"].values()))["url"],
            "bronorganisatie": RSIN,
            **changes,
        }
        yield World(objecten, zgw, http, values)


async def test_one_object_says_what_a_consumer_needs_and_where_the_documents_are(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        handover = await handed(here.blobs, initiatiefnemer=WHO)
        reference = await here.system().deliver(handover, here.blobs, DeliverySteps())
        (made,) = here.objecten.objects
        data = made["record"]["data"]
        assert reference == made["url"]
        assert here.documents() == len(FILES)
        assert data["bron"]["kenmerk"].startswith(f"DSO-{NUMMER}-0-")
        assert data["betrokkenen"] == [{"rolOmschrijvingGeneriek": "initiator", "inpBsn": "999990019"}]
        assert (data["type"], data["taal"]) == ("Melding", "nld")
        assert data["aanvraaggegevens"]["dso"]["actie"] == "nieuw"
        assert data["aanvraaggegevens"]["verzoek"]["naam"] == "Dakkapel é"
        urls = [data["pdf"], *data["bijlagen"]]
        assert len(set(urls)) == len(FILES)
        assert all(url.startswith(here.values["documenten_url"]) for url in urls)
        assert len(here.objecten.published) == 1
        assert here.objecten.notificaties == []


async def test_a_notification_is_sent_when_the_server_does_not_do_so_itself(tmp_path: Path) -> None:
    async with world(tmp_path, Quirks(publishes=False)) as here:
        here.objecten.secret = SECRET
        notifying = {"notificaties_url": here.objecten.addresses["notificaties"], "notificaties_kanaal": "verzoeken"}
        record: dict[str, Mapping[str, str]] = {}
        handover = await handed(here.blobs)
        for _ in range(2):
            reference = await here.system(**notifying).deliver(handover, here.blobs, remembering(record))
        (said,) = here.objecten.notificaties
        assert (said["kanaal"], said["hoofdObject"], said["actie"]) == ("verzoeken", reference, "create")
        assert said["kenmerken"] == {"objectType": here.objecten.type_url}


@pytest.mark.parametrize("above", ["8", "0.001"])
async def test_a_crash_at_any_point_makes_one_object_and_each_document_once(tmp_path: Path, above: str) -> None:
    files = (FILES[1], (FileKind.BIJLAGE, "groot.bin", "", b"large" * 500))
    async with world(tmp_path, parts_above_mb=above) as here:
        for point in range(1, 100):
            handover = await handed(here.blobs, files=files)
            handover = replace(handover, verzoek=replace(handover.verzoek, verzoeknummer=f"{NUMMER}-{point}"))
            objects, documents = len(here.objecten.records), here.documents()
            record: dict[str, Mapping[str, str]] = {}
            here.http.countdown = Countdown(point)
            try:
                await here.system().deliver(handover, here.blobs, remembering(record, here.http.countdown.tick))
                died = False
            except Crash:
                died = True
                await here.system().deliver(handover, here.blobs, remembering(record))
            here.http.countdown = Countdown(0)
            assert len(here.objecten.records) == objects + 1
            assert here.documents() == documents + len(files)
            if not died:
                break
    assert point > 15


async def test_an_object_that_its_consumer_removed_is_not_made_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        record: dict[str, Mapping[str, str]] = {}
        handover = await handed(here.blobs)
        await here.system().deliver(handover, here.blobs, remembering(record))
        here.objecten.delete(here.objecten.objects[0]["uuid"])
        await here.system().deliver(handover, here.blobs, remembering(record))
        assert here.objecten.objects == []


async def test_a_server_that_gives_uuids_itself_is_asked_by_kenmerk(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        handover = await handed(here.blobs)
        await here.system().deliver(handover, here.blobs, DeliverySteps())
        ((uuid, records),) = here.objecten.records.items()
        here.objecten.records = {uuid.replace(uuid[:8], "00000000"): records}
        await here.system().deliver(handover, here.blobs, DeliverySteps())
        assert len(here.objecten.objects) == 1


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("updates", [False, True])
async def test_an_aanvulling_is_an_object_of_its_own_or_changes_the_one_that_is_there(
    tmp_path: Path, updates: bool, removed: bool
) -> None:
    async with world(tmp_path, aanvulling="bijwerken" if updates else "nieuw") as here:
        first = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        if removed:
            here.objecten.delete(first.rpartition("/")[2])
        more = (*FILES, (FileKind.BIJLAGE, "nieuw.txt", "text/plain", b"nieuw"))
        again = await handed(here.blobs, volgnummer=1, action=Action.DELIVER_AANVULLING, case=first, files=more)
        for _ in range(2):
            reference = await here.system().deliver(again, here.blobs, DeliverySteps())
        assert (reference == first) == (updates and not removed)
        assert len(here.objecten.objects) == (1 if updates or removed else 2)
        newest = next(each for each in here.data() if each["aanvraaggegevens"]["dso"]["volgnummer"] == 1)
        assert newest["aanvraaggegevens"]["dso"]["vorige"] == first
        records = here.objecten.records[reference.rpartition("/")[2]]
        assert len(records) == (2 if updates and not removed else 1)


async def test_a_template_makes_the_data(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(
        '{"bron": {"kenmerk": {{ kenmerk }}}, "wie": {{ initiator }}, "titel": {{ verzoek.naam }},'
        ' "links": [{% for b in bestanden %}{{ b.url }}{% if not loop.last %},{% endif %}{% endfor %}]}'
    )
    async with world(tmp_path, data_file=str(tmp_path / "data.json"), objecttype_version="2") as here:
        await here.system().deliver(await handed(here.blobs, naam='"}'), here.blobs, DeliverySteps())
        (data,) = here.data()
    assert (data["wie"], data["titel"], len(data["links"])) == (None, '"}', len(FILES))


@pytest.mark.parametrize(
    ("template", "complaint"),
    [('{"a": {{ naam }}}', "must hold the kenmerk at bron.kenmerk"), ('{"a": "{{ naam }}"}', "the result is no json")],
)
async def test_a_template_that_does_not_fit_is_told_by_a_preview(tmp_path: Path, template: str, complaint: str) -> None:
    (tmp_path / "data.json").write_text(template)
    blobs = MemoryBlobs()
    values = {**SETTINGS, "data_file": str(tmp_path / "data.json")}
    system = ObjectenCaseSystem(read_settings(values), "vth", CaseSystemHttp(), SystemClock(), Shared())
    with pytest.raises(ConfigError, match=complaint):
        await system.preview(await handed(blobs), DeliverySteps())


async def test_a_preview_tells_each_step_and_sends_nothing() -> None:
    values = {**SETTINGS, "notificaties_url": "https://notificaties.example.org/api/v1"}
    system = ObjectenCaseSystem(read_settings(values), "vth", CaseSystemHttp(), SystemClock(), Shared())
    planned = await system.preview(await handed(MemoryBlobs()), DeliverySteps({"document:1": {"url": "x"}}))
    names = [*(f"document:{number}" for number in range(1, 6)), "object", "notificatie"]
    assert [(each.name, each.done) for each in planned] == [(name, name == "document:1") for name in names]


@pytest.mark.parametrize(
    ("when", "status", "error"),
    [
        ("POST documenten/*", 503, CaseSystemError),
        ("POST objecten/*", 400, CaseSystemRefused),
        ("POST objecten/*", 403, CaseSystemRefused),
        ("GET objecten/*", 429, CaseSystemError),
    ],
)
async def test_what_a_server_does_not_take_is_told_by_its_step(
    tmp_path: Path, when: str, status: int, error: type[Exception]
) -> None:
    async with world(tmp_path) as here:
        (here.zgw if "documenten" in when else here.objecten).fail(when, status=status, times=None)
        with pytest.raises(error) as told:
            await here.system().deliver(await handed(here.blobs, files=FILES[:1]), here.blobs, DeliverySteps())
        assert OIN not in str(told.value)


SETTINGS = {
    "objecten_url": "https://objecten.example.org/api/v2/",
    "objecttype": "https://objecttypen.example.org/api/v2/objecttypes/1",
    "token_file": "/token",
    "documenten_url": "https://documenten.example.org/api/v1",
    "client_id": "digikoppelaar",
    "secret_file": "/secret",
    "informatieobjecttype": "https://catalogi.example.org/api/v1/informatieobjecttypen/1",
    "bronorganisatie": RSIN,
}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"objecten_url": ""}, "objecten_url is missing"),
        ({"objecten_url": "http://objecten.example.org"}, "must use https"),
        ({"documenten_url": ""}, "documenten_url is missing"),
        ({"informatieobjecttype": ""}, "informatieobjecttypen.xml, must be the URL"),
        ({"informatieobjecttypen.pdf": "Aanvraag"}, "informatieobjecttypen.pdf, must be the URL"),
        ({"objecttype_version": "een"}, "whole number"),
        ({"aanvulling": "misschien"}, "aanvulling must be one of"),
        ({"bronorganisatie": "1"}, "bronorganisatie is not an RSIN"),
        ({"data_file": "/nergens"}, "cannot be read"),
        ({"zaaktype": "x"}, "there is no setting zaaktype"),
    ],
)
def test_settings_that_are_wrong_are_told_by_name(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_settings({name: text for name, text in {**SETTINGS, **changes}.items() if text})


def test_a_template_may_use_what_it_is_given_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{{ documenten.pdf }} {{ zaaktype }}")
    with pytest.raises(ConfigError, match="there is no zaaktype"):
        read_settings({**SETTINGS, "data_file": str(tmp_path / "data.json")})


async def test_a_made_up_verzoek_is_delivered_and_told_step_by_step(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        target = Target("vth", "objecten", here.values, {"type": "Informatie"})
        handover = await made_up(AANSLUITING, target, "TEST-20260602120000-abcdef", here.blobs)
        told: list[TriedStep] = []
        await try_out(here.system(), handover, here.blobs, SystemClock(), told.append)
        (data,) = here.data()
    assert [each.name for each in told] == [*(f"document:{number}" for number in range(1, 5)), "object"]
    assert all(each.what for each in told)
    assert data["aanvraaggegevens"]["dso"]["test"] is True
