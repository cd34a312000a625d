"""What an applicant does at DSO-LV is in the case systems: zaken of ZGW, a case folder, a supplier's own, objects."""

import hashlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio
from tests.doubles.zgw.double import Zaak
from tests.doubles.zgw.types import BESLUITTYPE
from tests.journeys import steps
from tests.journeys.casesystems import BOUW, DIENST, EAST, MILIEU, WEST, Place, running_place, zaken_of

OVER_A_MEBIBYTE = 1_500_000
"""Goes in bestandsdelen."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_place(trial_folders: list[Path]) -> AsyncIterator[Place]:
    """One installation for all of these. Ask for `place`."""
    async with running_place(trial_folders) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def place(shared_place: Place) -> AsyncIterator[Place]:
    """With every case system alive afterwards."""
    yield shared_place
    for double in (shared_place.west, shared_place.east, shared_place.dienst):
        double.heal()


def hashes(verzoek: steps.Verzoek) -> list[str]:
    """What DSO-LV serves of a verzoek."""
    return sorted(file["sha256"] for file in verzoek["files"])


def held(zaak: Zaak) -> list[str]:
    """What the zaak has; every document is whole and unlocked."""
    assert not any(document.locked for document in zaak.documenten)
    return sorted(document.sha256 for document in zaak.documenten)


async def test_a_first_version_is_one_whole_case_in_every_case_system_of_the_organisatie(place: Place) -> None:
    [verzoek] = await place.submit(WEST, bijlagen=["pdf", "txt", OVER_A_MEBIBYTE], activiteiten=[BOUW])
    await place.until(verzoek, "delivered")
    [zaak] = zaken_of(place.west, verzoek)
    assert held(zaak) == hashes(verzoek)
    assert zaak.statussen == ["Ontvangen"]
    assert zaak.eigenschappen["verzoeknummer"] == [verzoek["verzoeknummer"]]
    assert [rol["omschrijvingGeneriek"] for rol in zaak.rollen].count("initiator") == 1
    steps.assert_whole(place.trial, verzoek)
    [document] = place.supplier.about(verzoek)
    assert document["actie"] == "nieuw"
    assert sorted(each["sha256"] for each in document["bestanden"]) == hashes(verzoek)
    uploaded = {hashlib.sha256(body).hexdigest() for body in place.supplier.files.values()}
    assert uploaded >= set(hashes(verzoek))
    [data] = place.objects_about(verzoek)
    assert place.archived(data) == hashes(verzoek)


async def test_an_aanvulling_goes_to_the_same_case_and_marks_what_lapsed(place: Place) -> None:
    [first] = await place.submit(WEST, bijlagen=["pdf", "txt"], activiteiten=[BOUW])
    await place.until(first, "delivered")
    kept, gone = (file["document_id"] for file in first["files"] if file["kind"] == "bijlage")
    second = await place.supplement(first, behouden=[kept], bijlagen=["png"], naam="Andere naam")
    row = await place.until(second, "delivered")
    assert row.volgnummer == 1
    [zaak] = zaken_of(place.west, first)
    assert set(held(zaak)) == {*hashes(first), *hashes(second)}
    assert zaak.eigenschappen["projectnaam"] == ["Andere naam"]
    lapsed = [link for link in zaak.links if link["beschrijving"].startswith("VERVALLEN")]
    assert [gone in link["beschrijving"] for link in lapsed] == [True]
    assert "Aanvulling 1" in zaak.resource["toelichting"]
    assert [each["actie"] for each in place.supplier.about(first)] == ["nieuw", "aanvulling"]
    assert place.supplier.about(first)[1]["vervallenDocumenten"] == [gone]
    manifest = json.loads((place.trial.case(first["verzoeknummer"], 1) / "manifest.json").read_text())
    assert manifest["vervallenDocumenten"] == [gone]
    before, after = (each["aanvraaggegevens"]["dso"] for each in place.objects_about(first))
    assert [before["vorige"], after["actie"], after["vervallenDocumenten"]] == [None, "aanvulling", [gone]]
    assert after["vorige"] in [each["url"] for each in place.objecten.objects]


async def test_an_intrekking_is_told_in_the_case_and_closes_nothing(place: Place) -> None:
    [first] = await place.submit(WEST, activiteiten=[BOUW])
    await place.until(first, "delivered")
    withdrawn = await place.withdraw(first)
    await place.until(withdrawn, "delivered")
    [zaak] = zaken_of(place.west, first)
    assert zaak.statussen == ["Ontvangen", "Ingetrokken"]
    assert zaak.resource["einddatum"] is None
    assert "Ingetrokken door de aanvrager" in zaak.resource["toelichting"]
    assert [each["actie"] for each in place.supplier.about(first)] == ["nieuw", "intrekking"]
    assert place.trial.case(first["verzoeknummer"], 999).is_dir()
    assert place.objects_about(first)[1]["aanvraaggegevens"]["dso"]["actie"] == "intrekking"


async def test_a_version_waits_until_the_one_before_it_is_delivered(place: Place) -> None:
    place.west.cut("POST zaken/zaken", carried_out=False, times=None)
    [first] = await place.submit(WEST, activiteiten=[BOUW])
    await place.until(first, "fetched")
    second = await place.supplement(first, naam="Andere naam")
    await place.until(second, "waiting")
    place.west.heal()
    await place.until(second, "delivered")
    [zaak] = zaken_of(place.west, first)
    assert zaak.eigenschappen["projectnaam"] == ["Andere naam"]
    assert [each["actie"] for each in place.supplier.about(first)] == ["nieuw", "aanvulling"]


async def test_a_notification_that_comes_twice_at_once_is_one_case_everywhere(place: Place) -> None:
    await place.trial.fault(kind="repeat", target="notification", count=1)
    [verzoek] = await place.submit(WEST, activiteiten=[BOUW])
    await steps.struck(place.trial)
    await place.until(verzoek, "delivered")
    await place.trial.no_faults()
    [zaak] = zaken_of(place.west, verzoek)
    assert held(zaak) == hashes(verzoek)
    assert len(place.supplier.about(verzoek)) == len(place.objects_about(verzoek)) == 1
    steps.assert_once(place.trial, verzoek)


async def test_a_conceptverzoek_has_the_zaaktype_for_concepts(place: Place) -> None:
    [concept] = await place.submit(WEST, soort="conceptverzoek", activiteiten=[BOUW])
    await place.until(concept, "delivered")
    [zaak] = zaken_of(place.west, concept)
    assert zaak.resource["zaaktype"] == place.west.zaaktype("OMGEVING-CONCEPT")["url"]


async def test_a_verzoek_to_try_out_a_connection_is_marked_in_every_case_system(place: Place) -> None:
    [verzoek] = await place.submit(WEST, soort="informatie", activiteiten=["Aansluitactiviteit Gemeentes - Informatie"])
    await place.until(verzoek, "delivered")
    [zaak] = zaken_of(place.west, verzoek)
    assert zaak.resource["omschrijving"].startswith("TEST")
    assert place.supplier.about(verzoek)[0]["test"] is True
    manifest = json.loads((place.trial.case(verzoek["verzoeknummer"]) / "manifest.json").read_text())
    assert manifest["test"] is True
    assert place.objects_about(verzoek)[0]["aanvraaggegevens"]["dso"]["test"] is True


async def test_one_submission_for_two_who_handle_it_becomes_a_case_with_each_and_a_copy_becomes_none(
    place: Place,
) -> None:
    verzoeken = await place.submit(WEST, activiteiten=[BOUW, MILIEU])
    own, handled = sorted(verzoeken, key=lambda each: MILIEU in each["activiteiten"])
    await place.until(own, "delivered")
    await place.until(handled, "delivered", DIENST)
    row = await place.until(handled, "ignored", WEST)
    assert row.organisatie_oin == WEST
    assert len(zaken_of(place.west, own)) == 1
    assert zaken_of(place.dienst, own) == []
    assert place.supplier.about(handled) == place.objects_about(handled) == []


async def test_the_dienst_and_the_bevoegd_gezag_each_get_a_zaak_in_a_server_of_their_own(place: Place) -> None:
    [verzoek] = await place.submit(WEST, activiteiten=[MILIEU])
    await place.until(verzoek, "delivered", DIENST)
    [of_dienst], [of_gezag] = zaken_of(place.dienst, verzoek), zaken_of(place.west, verzoek)
    assert held(of_dienst) == held(of_gezag) == hashes(verzoek)
    assert of_dienst.resource["zaaktype"] == place.dienst.zaaktype("OMGEVING-MELDING")["url"]
    assert of_gezag.resource["zaaktype"] == place.west.zaaktype("OMGEVING-AANVRAAG")["url"]


async def test_what_comes_for_a_closed_zaak_waits_for_a_person_and_goes_on_when_released(place: Place) -> None:
    [first] = await place.submit(WEST, activiteiten=[BOUW])
    await place.until(first, "delivered")
    [zaak] = zaken_of(place.west, first)
    place.west.close(zaak.resource["identificatie"])
    second = await place.supplement(first, bijlagen=["png"])
    row = await place.until(second, "parked")
    assert "gesloten" in (row.advice or "").lower()
    [closed] = zaken_of(place.west, first)
    assert held(closed) == hashes(first)
    place.west.reopen(zaak.resource["identificatie"])
    released = await steps.gateway_command(place.trial, "verzoek", "release", first["verzoeknummer"])
    assert released.status == 0, released.err
    await place.until(second, "delivered")
    [reopened] = zaken_of(place.west, first)
    assert set(held(reopened)) == {*hashes(first), *hashes(second)}


async def test_a_dead_case_system_of_one_organisatie_delays_no_other(place: Place) -> None:
    place.east.cut(carried_out=False, times=None)
    late = await place.submit(EAST, count=6, activiteiten=[BOUW])
    on_time = await place.submit(WEST, count=2, activiteiten=[BOUW])
    for verzoek in on_time:
        await place.until(verzoek, "delivered")
    assert place.east.zaken == []
    assert [(await place.rows(each, EAST))[0].state for each in late] == ["fetched"] * 6
    place.east.heal()  # its circuit breaker is open for a while: a test below waits for these


async def test_a_gateway_that_dies_in_the_middle_of_a_delivery_makes_one_zaak_with_each_document_once(
    place: Place,
) -> None:
    documents = "POST documenten/enkelvoudiginformatieobjecten"
    before = len(place.dienst.called(documents))
    place.dienst.cut("POST zaken/zaakinformatieobjecten", carried_out=True, skip=1)
    [verzoek] = await place.submit(WEST, bijlagen=["txt", "pdf", "png"], activiteiten=[MILIEU])

    async def made() -> int:
        return len(place.dienst.called(documents)) - before

    await steps.eventually(made, lambda number: number >= 2, "two documents are made")
    assert place.trial.gateway is not None
    place.trial.gateway.send_signal(signal.SIGKILL)
    await place.trial.gateway.wait()
    await place.trial.start_gateway()
    await place.until(verzoek, "delivered", DIENST)
    for double in (place.dienst, place.west):
        [zaak] = zaken_of(double, verzoek)
        assert held(zaak) == hashes(verzoek)


async def test_what_a_dead_case_system_kept_waiting_is_delivered_once_it_lives(place: Place) -> None:
    for verzoek in [each for each in await place.trial.submitted() if each["bevoegd_gezag"] == EAST]:
        await place.until(verzoek, "delivered", EAST, seconds=60)  # the pause of its circuit breaker is 30
        [zaak] = zaken_of(place.east, verzoek)
        assert held(zaak) == hashes(verzoek)
    assert len(place.east.zaken) == 6


async def test_in_the_end_nothing_is_in_any_case_system_twice(place: Place) -> None:
    for double in (place.west, place.east, place.dienst):
        figures = double.figures()
        assert {kind: number for kind, number in figures["duplicates"].items() if number} == {}
        assert (figures["incomplete"], figures["unlinked"]) == (0, 0)
    assert place.archief.figures()["incomplete"] == 0
    assert len(place.objecten.published) == len(place.objecten.objects), "one notification for each object"


async def test_a_besluit_in_the_zaak_is_told_and_becomes_one_draft_about_its_verzoek(place: Place) -> None:
    [verzoek] = await place.submit(WEST, activiteiten=[BOUW], soort="vergunningaanvraag")
    await place.until(verzoek, "delivered")
    [zaak] = zaken_of(place.west, verzoek)
    besluit = place.west.besluiten.add(zaak.resource["url"], BESLUITTYPE, "2026-07-20", verzenddatum="2026-07-21")
    whose = ("--organisatie", WEST, "--omgeving", place.trial.omgeving, "--name", "zgw", "--right", "draft")
    key = (await steps.gateway_command(place.trial, "api-key", "create", *whose, "--json")).document["key"]
    told = {"kanaal": "besluiten", "resource": "besluit", "actie": "create", "kenmerken": {}}
    told |= {"hoofdObject": besluit["url"], "resourceUrl": besluit["url"], "aanmaakdatum": "2026-07-20T09:00:00Z"}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        for _ in range(2):
            assert (await http.post(f"{place.api}/zgw/notificaties", json=told)).status_code == 204

        async def drafts() -> list[dict[str, object]]:
            found = (await http.get(f"{place.api}/kennisgevingen?referentienummer={verzoek['verzoeknummer']}")).json()
            return list(found)

        [row] = await steps.eventually(drafts, bool, "a draft")
    assert (row["moment"], row["state"], row["verzoeknummer"]) == ("besluit", "draft", verzoek["verzoeknummer"])
    [event] = (await steps.gateway_command(place.trial, "case-event", "list", "--json")).document
    assert (event["kennisgeving_id"], event["outcome"]) == (row["id"], "Er is een concept van besluit.")
