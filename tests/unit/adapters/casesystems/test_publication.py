"""Where a kennisgeving was published stays with the case, in each kind of case system but ZGW: once, and whole."""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from tests.doubles.objecten.double import Quirks
from tests.doubles.s3 import S3
from tests.unit.adapters.casesystems import test_objecten, test_objectstore
from tests.unit.adapters.casesystems.handovers import NUMMER, OIN, Countdown, Crash, handed, news
from tests.unit.adapters.casesystems.supplier import NOW, PLAIN, Supplier, connected
from tests.unit.adapters.casesystems.test_folder import names_in
from tests.unit.adapters.casesystems.test_webhook import Dying

from digikoppelaar.adapters.casesystems import folder
from digikoppelaar.adapters.casesystems.casefolder import case_path, publication_path
from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.webhooks import signature

CASE = f"pre/{OIN}/{NUMMER}-0"
FILE = f"pre/{OIN}/{NUMMER}-publicatie-gmb-2026-1.json"
SAID = {
    "actie": "publicatie",
    "omgeving": "pre",
    "oin": OIN,
    "organisatie": "Gemeente Voorbeeldstad",
    "verzoeknummer": NUMMER,
    "zaak": CASE,
    "kennisgeving": {
        "id": 3,
        "referentienummer": "Z2026-000123",
        "moment": "aanvraag",
        "blad": "gmb",
        "titel": "Aanvraag omgevingsvergunning, kappen van een boom, Dorpsstraat 1 te Voorbeeldstad",
    },
    "publicatie": {
        "nummer": "gmb-2026-1",
        "datum": "2026-06-04",
        "url": "https://publicaties.example/gmb-2026-1.html",
        "verschillen": [],
    },
}


# --- Folder and object store -----------------------------------------------------------------------------------------


async def test_a_file_beside_the_case_folder_says_it_and_the_case_folder_stays_as_it_is(tmp_path: Path) -> None:
    blobs, system = MemoryBlobs(), FolderCaseSystem(tmp_path)
    await system.deliver(await handed(blobs), blobs, DeliverySteps())
    before = {path: path.read_bytes() for path in (tmp_path / CASE).rglob("*") if path.is_file()}
    for _ in range(2):
        assert await system.tell(news(CASE)) == ""
    assert json.loads((tmp_path / FILE).read_bytes()) == SAID
    assert {path: path.read_bytes() for path in (tmp_path / CASE).rglob("*") if path.is_file()} == before
    assert names_in(tmp_path / f"pre/{OIN}") == [Path(each).name for each in (CASE, FILE)]


async def test_a_publication_is_written_when_the_case_folder_was_taken_away(tmp_path: Path) -> None:
    await FolderCaseSystem(tmp_path).tell(news(CASE))
    assert json.loads((tmp_path / FILE).read_bytes()) == SAID
    with pytest.raises(CaseSystemError, match="is not there"):
        await FolderCaseSystem(tmp_path / "not-mounted").tell(news(CASE))


async def test_a_crash_at_any_point_leaves_no_half_file_and_a_rerun_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies in the write, before the rename and after it; nothing is cleared up by the one that died."""
    for call in ("fsync", "replace", None):
        with monkeypatch.context() as dying:

            def crash(*_: Any, **__: Any) -> None:
                raise Crash

            dying.setattr(Path, "unlink", lambda *_, **__: None)
            dying.setattr(*((folder, "_sync_above") if call is None else (os, call)), crash)
            with pytest.raises(Crash):
                folder._replace(_made(tmp_path / FILE), b"{}")
        assert (tmp_path / FILE).exists() == (call is None)
        await FolderCaseSystem(tmp_path).tell(news(CASE))
        assert json.loads((tmp_path / FILE).read_bytes()) == SAID
        assert names_in(tmp_path / f"pre/{OIN}") == [Path(FILE).name]
        (tmp_path / FILE).unlink()


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


async def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CaseSystemError, match="No space left"):
        await FolderCaseSystem(tmp_path).tell(news(CASE))
    assert names_in(tmp_path / f"pre/{OIN}") == []


async def test_an_object_store_has_the_same_file_under_the_same_name(tmp_path: Path) -> None:
    s3 = S3()
    async with test_objectstore.connected(s3) as system:
        for _ in range(2):
            assert await system.tell(news(CASE)) == ""
    await FolderCaseSystem(tmp_path).tell(news(CASE))
    assert s3.objects == {f"{test_objectstore.BUCKET}{FILE}": (tmp_path / FILE).read_bytes()}


@pytest.mark.parametrize("number", ["..", "gmb-2026-1/../..", "gmb 1", "", "a" * 81])
async def test_no_number_of_a_publication_leads_elsewhere(tmp_path: Path, number: str) -> None:
    told = news(CASE)
    with pytest.raises(CaseSystemError):
        await FolderCaseSystem(tmp_path).tell(replace(told, publication=replace(told.publication, number=number)))
    assert list(tmp_path.iterdir()) == []


async def test_the_name_of_a_publication_is_that_of_no_case_folder() -> None:
    verzoek = (await handed(MemoryBlobs())).verzoek
    assert publication_path(news(CASE)) != case_path(verzoek)
    assert publication_path(news(CASE)).startswith(case_path(verzoek).removesuffix("-0"))


# --- Webhook ---------------------------------------------------------------------------------------------------------

TOLD = {**PLAIN, "publication__url": "HOST/publicaties/{{ publicatie.nummer }}"}


async def test_a_webhook_is_told_by_a_signed_document_of_its_own(tmp_path: Path) -> None:
    supplier = Supplier()
    (tmp_path / "secret").write_text("een geheim van meer dan zestien bytes")
    async with connected(supplier, **TOLD, signature_secret_file=str(tmp_path / "secret")) as system:
        for _ in range(2):
            assert await system.tell(news(CASE)) == ""
    assert supplier.paths() == ["POST /publicaties/gmb-2026-1"] * 2
    [(key, body)] = supplier.effects.items()
    assert key == f"pre-{OIN}-{NUMMER}-publicatie-gmb-2026-1"
    assert json.loads(body) == SAID
    headers = supplier.requests[0][2]
    expected = signature(b"een geheim van meer dan zestien bytes", int(NOW.timestamp()), body)
    assert headers["digikoppelaar-signature"] == expected


async def test_a_webhook_has_a_form_of_its_own_by_templates() -> None:
    supplier = Supplier()
    form = {"publication__body": '{"zaak": {{ zaak }}, "waar": {{ publicatie.url }}}', "publication__method": "PUT"}
    async with connected(supplier, **TOLD, **form) as system:
        await system.tell(news("Z/2026 1"))
    [(method, _, _, body)] = supplier.requests
    assert (method, json.loads(body)) == ("PUT", {"zaak": "Z/2026 1", "waar": SAID["publicatie"]["url"]})  # type: ignore[index]


async def test_a_webhook_that_did_not_ask_for_it_is_sent_nothing() -> None:
    supplier = Supplier()
    async with connected(supplier, **PLAIN) as system:
        assert "publication.url" in await system.tell(news(CASE))
    assert supplier.requests == []


async def test_a_webhook_that_refuses_is_told_so_and_one_that_died_halfway_has_one_effect() -> None:
    supplier, http = Supplier(), Dying()
    async with connected(supplier, http, **TOLD) as system:
        http.countdown = Countdown(2)
        with pytest.raises(Crash):
            await system.tell(news(CASE))
        http.countdown = Countdown(0)
        await system.tell(news(CASE))
        assert (len(supplier.requests), len(supplier.effects)) == (2, 1)
    async with connected(supplier, publication__url="HOST/elders", **PLAIN) as other:
        supplier.says["/elders"] = Response(status_code=422)
        with pytest.raises(CaseSystemRefused):
            await other.tell(news(CASE))


async def test_the_address_for_publications_is_checked_as_the_others_are() -> None:
    with pytest.raises(ConfigError, match="https"):
        async with connected(Supplier(), **PLAIN, publication__url="http://elders.example/"):
            pass
    with pytest.raises(ConfigError, match="verzoek"):
        async with connected(Supplier(), **PLAIN, publication__url="HOST/{{ verzoek.naam }}"):
            pass


# --- Objecten --------------------------------------------------------------------------------------------------------

PATH = {"publicaties_path": "aanvraaggegevens.publicaties"}


async def test_the_object_lists_its_publications_each_once(tmp_path: Path) -> None:
    second = replace(news("").publication, number="gmb-2026-9")
    async with test_objecten.world(tmp_path, **PATH, geometry="ja") as here:
        case = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        for told in (news(case), news(case), news(case, publication=second), news(case)):
            assert await here.system().tell(told) == ""
        [data] = here.data()
        assert [each["nummer"] for each in data["aanvraaggegevens"]["publicaties"]] == ["gmb-2026-1", "gmb-2026-9"]
        first = data["aanvraaggegevens"]["publicaties"][0]
        assert first == {"moment": "aanvraag", **SAID["publicatie"]}  # type: ignore[dict-item]
        assert data["bron"]["kenmerk"].startswith(f"DSO-{NUMMER}")
        assert len(here.objecten.records[case.rpartition("/")[2]]) == 3


async def test_an_object_that_its_consumer_removed_and_a_target_without_a_path_are_left_alone(tmp_path: Path) -> None:
    async with test_objecten.world(tmp_path, **PATH) as here:
        case = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        assert "publicaties_path" in await here.system(publicaties_path="").tell(news(case))
        here.objecten.delete(case.rpartition("/")[2])
        assert "verwijderd" in await here.system().tell(news(case))
        assert here.objecten.objects == []


async def test_something_else_at_the_path_is_told_and_left_alone(tmp_path: Path) -> None:
    async with test_objecten.world(tmp_path) as here:
        case = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        before = here.data()
        for path in ("bron", "bron.kenmerk", "bron.kenmerk.diep"):
            with pytest.raises(ConfigError, match=f"no room for a list at {path}"):
                await here.system(publicaties_path=path).tell(news(case))
        assert here.data() == before


async def test_consumers_are_notified_when_the_server_does_not_do_so_itself(tmp_path: Path) -> None:
    async with test_objecten.world(tmp_path, Quirks(publishes=False), **PATH) as here:
        here.objecten.secret = test_objecten.SECRET
        case = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        notifying = {"notificaties_url": here.objecten.addresses["notificaties"]}
        assert await here.system(**notifying).tell(news(case)) == ""
        [said] = here.objecten.notificaties
    assert (said["hoofdObject"], said["actie"]) == (case, "update")


async def test_a_kill_between_looking_and_changing_adds_it_once(tmp_path: Path) -> None:
    async with test_objecten.world(tmp_path, **PATH) as here:
        case = await here.system().deliver(await handed(here.blobs), here.blobs, DeliverySteps())
        for point in range(1, 5):
            here.http.countdown = Countdown(point)
            with pytest.raises(Crash):
                await here.system().tell(news(case))
            here.http.countdown = Countdown(0)
        await here.system().tell(news(case))
        [data] = here.data()
        listed: list[Mapping[str, Any]] = data["aanvraaggegevens"]["publicaties"]
        assert len(listed) == 1
