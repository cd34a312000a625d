"""Every rule of docs/intake-rules.md with all parts real: what it does is in all four case systems, or in none.

West delivers to zaken of ZGW, a case folder, a supplier's own interface and objects; North too, and chose otherwise
where a rule leaves a choice. `@journey` says which rule a test is about; the last test finds a rule without one.
Marks of a version, versions that come at once, and case systems that fail: test_casesystems.py.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import pytest_asyncio
from tests.journeys import steps
from tests.journeys.casesystems import (
    BOUW,
    DIENST,
    EAST,
    MILIEU,
    NORTH,
    SLOOP,
    SOUTH,
    WEST,
    Place,
    running_place,
    zaken_of,
)
from tests.journeys.judging import NOTHING, assert_done, assert_ruled, assert_whole, one
from tests.journeys.partner import client_context

from digikoppelaar.adapters.system import RandomSecrets, SystemClock
from digikoppelaar.flows import api_keys
from digikoppelaar.flows.reading import VerzoekRow
from digikoppelaar.sandbox.verzoek_document import notification_xml
from digikoppelaar.stam.rules import RULES

UNDER_WAY: Final = "SELECT count(*) AS number FROM notification WHERE verzoeknummer = %s AND state = 'received'"
EVERYWHERE: Final = [[100_000, 400_000], [200_000, 400_000], [200_000, 500_000], [100_000, 500_000], [100_000, 400_000]]
"""Every place of the sandbox is in it (RD)."""
Test = TypeVar("Test", bound=Callable[..., object])
JOURNEYS: dict[str, list[str]] = {}


def journey(rule: str) -> Callable[[Test], Test]:
    """Say that a test is about this rule."""

    def about(test: Test) -> Test:
        JOURNEYS.setdefault(rule, []).append(test.__name__)
        return test

    return about


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_place(trial_folders: list[Path]) -> AsyncIterator[Place]:
    """One installation for all of these. Ask for `place`."""
    async with running_place(trial_folders) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def place(shared_place: Place) -> AsyncIterator[Place]:
    """With all faults switched off afterwards."""
    yield shared_place
    await shared_place.trial.no_faults()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def key(shared_place: Place) -> str:
    """Of an application that acts for West."""
    whose = {"omgeving": shared_place.trial.omgeving, "organisatie_oin": WEST, "name": "adapter"}
    applications, now = shared_place.stores.applications, SystemClock().now()
    return await api_keys.create(applications, RandomSecrets(), **whose, now=now)


# --- What happens to notifications -------------------------------------------------------------------------


async def come_in(place: Place, verzoek: steps.Verzoek) -> None:
    """Wait until DSO-LV has every acknowledgment about a verzoek, and nothing of it is to be fetched any more."""

    async def waiting() -> int:
        versions = (await place.trial.submitted(verzoek["verzoeknummer"]))["versions"]
        sent = [each["acknowledged"] for version in versions for each in version["notifications"]]
        fetching = await one(place, UNDER_WAY, verzoek["verzoeknummer"])
        return sent.count(False) + int(fetching["number"])

    await steps.eventually(waiting, lambda number: not number, "every notification is done with")


async def posted(place: Place, key: str, payload: bytes) -> Mapping[str, Any]:
    """What the gateway says to an adapter that passes a notification on."""
    headers = {"x-api-key": key, "content-type": "application/xml"}
    async with place.trial.http.post(f"{place.api}/notifications", data=payload, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        return dict(await answer.json())


async def from_file(place: Place, payload: bytes) -> Mapping[str, Any]:
    """What the command says that takes a notification in from a file."""
    file = place.trial.folder / "notificatie.xml"
    file.write_bytes(payload)
    which = ("--organisatie", WEST, "--omgeving", place.trial.omgeving, "--json")
    return dict((await steps.gateway_command(place.trial, "verzoek", "notify", file, *which)).document)


async def reroute(place: Place, verzoek: steps.Verzoek, oin: str, to: str) -> None:
    """This authority sends the verzoek on to another bevoegd gezag, by the command."""
    which = (verzoek["verzoeknummer"], "--omgeving", place.trial.omgeving, "--organisatie", oin)
    sent = await steps.gateway_command(
        place.trial, "verzoek", "reroute", *which, "--bevoegd-gezag", to, "--yes", "--json"
    )
    assert sent.document["done"] is True


async def hand_back(place: Place, verzoek: steps.Verzoek, oin: str) -> None:
    """This behandeldienst gives the verzoek back to its bevoegd gezag, at DSO-LV."""
    trial, facts = place.trial, place.trial.facts
    context = client_context(trial, Path(facts["tls_certificate_file"]), Path(facts["tls_key_file"]))
    headers = {"x-oin": oin, "x-api-key": Path(facts["api_key_file"]).read_text()}
    url = f"{facts['rest_base_url']}/verzoeken/{verzoek['verzoeknummer']}/_rerouteer"
    async with trial.http.post(url, json={"behandeldienst": None}, headers=headers, ssl=context) as answer:
        assert answer.status == 200, await answer.text()


async def searched(place: Place) -> list[str]:
    """What a search by hand says that West missed."""
    which = ("--organisatie", WEST, "--omgeving", place.trial.omgeving, "--json")
    [told] = (await steps.gateway_command(place.trial, "verzoek", "catch-up", *which)).document
    assert told["problem"] is None
    return [each["verzoeknummer"] for each in told["missed"]]


async def passed(place: Place, verzoek: steps.Verzoek, state: str) -> VerzoekRow:
    """Wait until the one notification of this verzoek of South is in this state."""

    async def look() -> list[VerzoekRow]:
        return [*(await place.rows(verzoek, SOUTH)).values()]

    [row] = await steps.eventually(look, lambda rows: [row.state for row in rows] == [state], f"it is {state}")
    return row


def closing(verzoek: steps.Verzoek) -> bytes:
    """A withdrawal in the form of an intermediary (stam.md 1.2)."""
    nummer = verzoek["verzoeknummer"]
    return f"<root><oin>{WEST}</oin><verzoeknummer>{nummer}</verzoeknummer><actie>close</actie></root>".encode()


# --- Rules -------------------------------------------------------------------------------------------------


@journey("first_version")
async def test_a_first_version_is_new(place: Place) -> None:
    [verzoek] = await place.submit(WEST, bijlagen=["pdf", "txt"], activiteiten=[BOUW])
    await place.until(verzoek, "delivered")
    await assert_ruled(place, verzoek, "first_version")
    assert_done(place, verzoek, WEST, {0: "nieuw"})
    await assert_whole(place, verzoek, WEST)


@journey("conceptverzoek")
@pytest.mark.parametrize("stam", [2, 4])
async def test_a_conceptverzoek_or_vooroverleg_is_new(place: Place, stam: int) -> None:
    [concept] = await place.submit(WEST, soort="conceptverzoek", activiteiten=[BOUW], stam=stam)
    await place.until(concept, "delivered")
    await assert_ruled(place, concept, "conceptverzoek")
    assert_done(place, concept, WEST, {0: "nieuw"})
    await assert_whole(place, concept, WEST)


@journey("aanvulling")
async def test_an_aanvulling_replaces_what_every_case_system_has(place: Place) -> None:
    [first] = await place.submit(WEST, bijlagen=["pdf", "txt"], activiteiten=[BOUW])
    await place.until(first, "delivered")
    kept = next(each["document_id"] for each in first["files"] if each["kind"] == "bijlage")
    second = await place.supplement(first, behouden=[kept], bijlagen=["png"])
    await place.until(second, "delivered")
    await assert_ruled(place, second, "aanvulling")
    assert_done(place, first, WEST, {0: "nieuw", 1: "aanvulling"})
    await assert_whole(place, second, WEST)


@journey("withdrawal")
@pytest.mark.parametrize("only_told", [False, True])
async def test_a_withdrawal_is_told_to_every_case_system_also_when_no_verzoekbericht_is_behind_it(
    place: Place, only_told: bool
) -> None:
    [first] = await place.submit(WEST, activiteiten=[BOUW])
    await place.until(first, "delivered")
    withdrawn = await place.withdraw(first, alleen_notificatie=only_told)
    await place.until(withdrawn, "delivered")
    await assert_ruled(place, withdrawn, "withdrawal")
    assert_done(place, first, WEST, {0: "nieuw", 999: "intrekking"})


@journey("kopiebericht")
@pytest.mark.parametrize(("oin", "state"), [(WEST, "ignored"), (NORTH, "kept_apart")])
async def test_a_copy_is_for_no_case_system_and_the_same_verzoek_is_new_to_who_handles_it(
    place: Place, oin: str, state: str
) -> None:
    [verzoek] = await place.submit(oin, bijlagen=["pdf"], activiteiten=[SLOOP])
    await place.until(verzoek, "delivered", EAST)
    await place.until(verzoek, state, oin)
    await assert_ruled(place, verzoek, "kopiebericht", oin)
    await assert_ruled(place, verzoek, "first_version", EAST)
    assert_done(place, verzoek, oin, NOTHING)
    [zaak] = zaken_of(place.east, verzoek)
    assert sorted(each.sha256 for each in zaak.documenten) == sorted(each["sha256"] for each in verzoek["files"])


@journey("kopiebericht")
@pytest.mark.parametrize(("oin", "state"), [(WEST, "ignored"), (NORTH, "kept_apart")])
async def test_a_copy_that_is_handed_back_is_new_to_its_bevoegd_gezag(place: Place, oin: str, state: str) -> None:
    [first] = await place.submit(oin, bijlagen=["pdf"], activiteiten=[SLOOP])
    await place.until(first, "delivered", EAST)
    await place.until(first, state, oin)
    await hand_back(place, first, EAST)
    await place.until(first, "delivered", oin)
    await assert_ruled(place, first, "first_version", oin)
    await come_in(place, first)
    assert_done(place, first, oin, {0: "nieuw"})
    await assert_whole(place, first, oin)
    second = await place.supplement(first, bijlagen=["png"])
    await place.until(second, "delivered", oin)
    assert_done(place, first, oin, {0: "nieuw", 1: "aanvulling"})
    await assert_whole(place, second, oin)
    assert len(zaken_of(place.east, first)) == 1


@journey("kopiebericht")
async def test_a_copy_that_was_handed_back_without_a_notification_is_found_by_a_search(place: Place) -> None:
    file = place.trial.folder / "gebied.json"
    file.write_text(json.dumps({"type": "Polygon", "coordinates": [EVERYWHERE]}))
    await steps.gateway_command(place.trial, "verzoek", "area", "import", file, "--organisatie", WEST, "--json")
    [verzoek] = await place.submit(WEST, bijlagen=["pdf"], activiteiten=[SLOOP])
    await place.until(verzoek, "delivered", EAST)
    await place.until(verzoek, "ignored")
    assert verzoek["verzoeknummer"] not in await searched(place)
    await place.lose()
    await hand_back(place, verzoek, EAST)
    assert verzoek["verzoeknummer"] in await searched(place)
    await place.until(verzoek, "delivered")
    assert verzoek["verzoeknummer"] not in await searched(place)
    await place.found()
    await come_in(place, verzoek)
    assert_done(place, verzoek, WEST, {0: "nieuw"})
    await assert_whole(place, verzoek, WEST)


@journey("withdrawal_of_what_was_set_aside")
@pytest.mark.parametrize(("oin", "state"), [(WEST, "ignored"), (NORTH, "kept_apart")])
async def test_the_withdrawal_of_a_copy_goes_where_the_copy_went(place: Place, oin: str, state: str) -> None:
    [copy] = await place.submit(oin, activiteiten=[SLOOP])
    await place.until(copy, "delivered", EAST)
    await place.until(copy, state, oin)
    await place.lose()
    await hand_back(place, copy, EAST)  # else its withdrawal is a copy too
    withdrawn = await place.withdraw(copy)
    await place.found()
    await place.until(withdrawn, state, oin)
    await come_in(place, copy)
    await assert_ruled(place, withdrawn, "withdrawal_of_what_was_set_aside", oin)
    assert_done(place, copy, oin, NOTHING)


@journey("withdrawal_of_the_unknown")
async def test_a_withdrawal_of_what_never_came_waits_for_a_person(place: Place) -> None:
    await place.lose()
    [verzoek] = await place.submit(WEST, activiteiten=[BOUW])
    withdrawn = await place.withdraw(verzoek)
    await place.found()
    row = await place.until(withdrawn, "parked")
    await come_in(place, verzoek)
    assert "onbekend verzoek" in (row.advice or "")
    await assert_ruled(place, withdrawn, "withdrawal_of_the_unknown")
    assert_done(place, verzoek, WEST, NOTHING)


@journey("after_withdrawal")
async def test_a_version_that_comes_after_its_withdrawal_waits_for_a_person(place: Place, key: str) -> None:
    [first] = await place.submit(WEST, activiteiten=[BOUW])
    await place.until(first, "delivered")
    await place.lose()
    second = await place.supplement(first, bijlagen=["png"])
    withdrawn = await place.withdraw(first, alleen_notificatie=True)
    assert (await posted(place, key, closing(first)))["intrekking"] is True
    await place.until(withdrawn, "delivered")
    await place.found()
    row = await place.until(second, "parked")
    await come_in(place, first)
    assert "na de intrekking" in (row.advice or "")
    await assert_ruled(place, second, "after_withdrawal")
    assert_done(place, first, WEST, {0: "nieuw", 999: "intrekking"})


@journey("older_than_known")
async def test_a_version_that_comes_after_a_newer_one_is_kept_apart(place: Place, key: str) -> None:
    await place.lose()
    [first] = await place.submit(WEST, bijlagen=["pdf"], activiteiten=[BOUW])
    second = await place.supplement(first, bijlagen=["png"])
    await posted(place, key, notification_xml(first["verzoeknummer"]))
    await place.until(second, "delivered")
    await place.trial.fault(kind="stale", target="summary")
    await place.found()
    await place.until(first, "kept_apart")
    await come_in(place, first)
    await assert_ruled(place, first, "older_than_known")
    assert_done(place, first, WEST, {1: "nieuw"})
    await place.trial.no_faults()
    await assert_whole(place, second, WEST)


@journey("rerouted_aanvulling")
@pytest.mark.parametrize(("oin", "waits"), [(WEST, False), (NORTH, True)])
async def test_an_aanvulling_that_was_sent_on_is_new_or_waits_for_a_person_who_lets_it_be_new(
    place: Place, oin: str, waits: bool
) -> None:
    [first] = await place.submit(EAST, activiteiten=[BOUW])
    await place.until(first, "delivered", EAST)
    second = await place.supplement(first, bijlagen=["png"])
    await place.until(second, "delivered", EAST)
    await reroute(place, first, EAST, oin)
    if waits:
        row = await place.until(second, "parked", oin)
        assert "ander bevoegd gezag" in (row.advice or "")
        assert_done(place, first, oin, NOTHING)
        await place.stores.verzoeken.release(row.aansluiting_id, row.verzoeknummer, SystemClock().now())
    await place.until(second, "delivered", oin)
    await assert_ruled(place, second, "rerouted_aanvulling", oin)
    assert_done(place, first, oin, {1: "nieuw"})
    await assert_whole(place, second, oin)
    third = await place.supplement(first, bijlagen=["txt"])
    await place.until(third, "delivered", oin)
    assert_done(place, first, oin, {1: "nieuw", 2: "aanvulling"})
    [zaak] = zaken_of(place.east, first)
    assert "Aanvulling 2" not in zaak.resource["toelichting"]


# --- Ways in and out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["post", "file"])
async def test_a_notification_of_another_adapter_counts_once_beside_the_one_that_comes_over_ebms(
    place: Place, key: str, way: str
) -> None:
    await place.lose()
    [verzoek] = await place.submit(WEST, bijlagen=["pdf"], activiteiten=[BOUW])
    payload = notification_xml(verzoek["verzoeknummer"])
    ask = partial(posted, place, key, payload) if way == "post" else partial(from_file, place, payload)
    told = await asyncio.gather(ask(), ask())
    assert [each["verzoeknummer"] for each in told] == [verzoek["verzoeknummer"]] * 2
    new = [each["new"] if way == "post" else each["notification_id"] is not None for each in told]
    assert sorted(new) == [False, True]
    await place.until(verzoek, "delivered")
    assert_done(place, verzoek, WEST, {0: "nieuw"})
    await place.found()
    await come_in(place, verzoek)
    assert_done(place, verzoek, WEST, {0: "nieuw"})
    await assert_whole(place, verzoek, WEST)


async def test_a_notification_is_passed_on_signed_and_again_when_it_was_not_taken(place: Place) -> None:
    place.receiver.refusals += [503, 429]
    [verzoek] = await place.submit(SOUTH, activiteiten=[BOUW])
    await passed(place, verzoek, "passed_on")
    came = place.receiver.about(verzoek)
    (event, body), *again = [(headers["digikoppelaar-event"], body) for headers, body in came]
    assert again == [(event, body)] * 2
    for headers, content in came:
        moment, signed = (part.partition("=")[2] for part in headers["digikoppelaar-signature"].split(","))
        wanted = hmac.new(place.receiver.secret.encode(), f"{moment}.".encode() + content, hashlib.sha256)
        assert hmac.compare_digest(wanted.hexdigest(), signed)
    said = json.loads(body)
    assert (said["verzoeknummer"], said["oin"], said["intrekking"]) == (verzoek["verzoeknummer"], SOUTH, False)
    assert verzoek["verzoeknummer"].encode() in base64.b64decode(said["notification"])
    assert_done(place, verzoek, SOUTH, NOTHING)


async def test_a_notification_that_the_receiver_refuses_waits_for_a_person_and_goes_on_when_released(
    place: Place,
) -> None:
    place.receiver.refusals += [400]
    [verzoek] = await place.submit(SOUTH, activiteiten=[BOUW])
    row = await passed(place, verzoek, "parked")
    assert "weigert de notificatie" in (row.advice or "")
    await place.stores.verzoeken.release(row.aansluiting_id, row.verzoeknummer, SystemClock().now())
    await passed(place, verzoek, "passed_on")
    assert len(place.receiver.about(verzoek)) == 2


async def test_a_notification_of_who_shows_no_key_is_not_taken(place: Place) -> None:
    await place.lose()
    [verzoek] = await place.submit(WEST, activiteiten=[BOUW])
    payload = notification_xml(verzoek["verzoeknummer"])
    for headers in ({}, {"x-api-key": "dk_000000000000_verzonnen"}):
        async with place.trial.http.post(f"{place.api}/notifications", data=payload, headers=headers) as answer:
            assert answer.status == 401
    assert await place.rows(verzoek, WEST) == {}


async def test_a_submission_is_split_over_bevoegd_gezag_and_behandeldiensten_and_each_part_is_one_case(
    place: Place,
) -> None:
    parts = await place.submit(WEST, activiteiten=[BOUW, MILIEU, SLOOP])
    own, environment, demolition = parts
    for verzoek, oin in ((own, WEST), (environment, DIENST), (demolition, EAST)):
        await place.until(verzoek, "delivered", oin)
        assert set(verzoek["related"]) == {each["verzoeknummer"] for each in parts} - {verzoek["verzoeknummer"]}
    await place.until(environment, "ignored")
    await place.until(demolition, "ignored")
    assert_done(place, own, WEST, {0: "nieuw"})
    assert_done(place, demolition, WEST, NOTHING)
    assert (len(zaken_of(place.dienst, environment)), len(zaken_of(place.east, demolition))) == (1, 1)
    assert place.supplier.about(environment) == place.objects_about(environment) == []


async def test_two_documents_with_one_name_are_two_in_every_case_system(place: Place) -> None:
    twice = [{"naam": "gevel.png", "inhoud": "png"}] * 2
    [verzoek] = await place.submit(WEST, bijlagen=twice, activiteiten=[BOUW])
    await place.until(verzoek, "delivered")
    assert_done(place, verzoek, WEST, {0: "nieuw"})
    await assert_whole(place, verzoek, WEST)


async def test_in_the_end_nothing_is_in_any_case_system_twice_or_in_part(place: Place) -> None:
    for double in (place.west, place.east, place.dienst):
        figures = double.figures()
        assert {kind: number for kind, number in figures["duplicates"].items() if number} == {}
        assert (figures["incomplete"], figures["unlinked"]) == (0, 0)
    assert place.archief.figures()["incomplete"] == 0


async def test_every_rule_has_a_journey() -> None:
    assert {rule.name for rule in RULES} == set(JOURNEYS)
