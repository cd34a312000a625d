"""A notice goes from the verzoek to the blad, once: also when KOOP gives no answer, and when the gateway is killed."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.journeys import steps
from tests.journeys.notices import koop
from tests.journeys.steps import Verzoek, eventually, gateway_command
from tests.journeys.test_kills import kill

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.cli.trial import Trial
from digikoppelaar.drop.receiving import fault_body
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.wiring import Stores, open_stores


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_publisher(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial whose notices go by themselves. Ask for `publisher`."""
    trial = steps.new_trial(trial_folders)
    trial.publishes = True
    async with trial:
        await trial.start()
        yield trial


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(shared_publisher: Trial) -> AsyncIterator[Trial]:
    """With all faults switched off before and after."""
    async with steps.without_faults(shared_publisher) as quiet:
        yield quiet


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(shared_publisher: Trial) -> AsyncIterator[Stores]:
    """A look into its database."""
    async with open_stores(shared_publisher.config) as opened:
        yield opened


async def application(trial: Trial) -> Verzoek:
    """An application for a permit."""
    [verzoek] = await trial.submit(soort="vergunningaanvraag")
    return verzoek  # type: ignore[no-any-return]


async def in_state(stores: Stores, verzoek: Verzoek, *states: str) -> StoredKennisgeving:
    """Wait until there is one notice of this verzoek, in one of these states."""

    async def look() -> list[StoredKennisgeving]:
        wanted = KennisgevingFilter(verzoeknummer=verzoek["verzoeknummer"])
        return list(await stores.kennisgevingen.kennisgevingen(wanted))

    [row] = await eventually(look, lambda rows: [row.state for row in rows if row.state in states] != [], str(states))
    return row


async def dossiers(trial: Trial, verzoek: Verzoek) -> list[Any]:
    """What KOOP has of this verzoek."""
    return [each for each in await koop(trial, "dossiers") if each["referentienummer"] == verzoek["verzoeknummer"]]


async def test_the_notice_of_an_application_is_published_where_anybody_can_read_it(
    publisher: Trial, stores: Stores
) -> None:
    verzoek = await application(publisher)
    row = await in_state(stores, verzoek, "published")
    assert row.publication
    assert row.publication.differences == ()
    async with publisher.http.get(row.publication.url) as page:
        text = await page.text()
    assert verzoek["verzoeknummer"] in text
    [dossier] = await dossiers(publisher, verzoek)
    assert dossier["dossiernummer"] == row.dossiernummer
    shown = (await gateway_command(publisher, "kennisgeving", "show", str(row.id), "--json")).document
    assert [line["state"] for line in shown["log"]] == ["draft", "planned", "sending", "accepted", "published"]


async def test_what_is_no_application_gets_no_notice(publisher: Trial, stores: Stores) -> None:
    [melding] = await publisher.submit(soort="informatie")
    later = await application(publisher)
    await in_state(stores, later, "published")
    wanted = KennisgevingFilter(verzoeknummer=melding["verzoeknummer"])
    assert await stores.kennisgevingen.kennisgevingen(wanted) == []


SERVER_FAULT = fault_body("Server", "DRP-1", "er ging iets mis", load_drop_profile("koop-3pas-2020-01").envelope)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "cut"},
        {"kind": "say", "status": 500, "text": SERVER_FAULT.decode(), "headers": {"content-type": "text/xml"}},
        {"kind": "say", "status": 502, "text": "Bad Gateway"},
    ],
    ids=["html", "empty", "cut", "Server", "gateway"],
)
async def test_what_koop_took_without_a_clear_answer_is_found_and_not_sent_again(
    publisher: Trial, stores: Stores, fault: Mapping[str, object]
) -> None:
    await publisher.fault(**fault, target="3pas", count=1)
    verzoek = await application(publisher)
    row = await in_state(stores, verzoek, "published")
    events = [line.event for line in await stores.kennisgevingen.log(row.id)]
    assert events[2:] == ["claimed", "unanswered", "found"]
    assert [each["received"] for each in await dossiers(publisher, verzoek)] == [1]


@pytest.mark.parametrize("fault", [{"kind": "answer", "status": 500}, {"kind": "soap-fault", "code": "Server"}])
async def test_what_koop_did_not_take_and_gave_no_clear_answer_to_waits_for_a_persons_word(
    publisher: Trial, stores: Stores, fault: Mapping[str, object]
) -> None:
    await publisher.fault(**fault, target="3pas", count=1)
    verzoek = await application(publisher)
    row = await in_state(stores, verzoek, "unknown")
    assert row.advice
    assert "DROP" in row.advice
    assert await dossiers(publisher, verzoek) == []
    again = await gateway_command(publisher, "kennisgeving", "again", str(row.id), "--reason", "staat niet in DROP")
    assert again.status == 0
    await in_state(stores, verzoek, "published")
    assert len(await dossiers(publisher, verzoek)) == 1


async def test_what_koop_refuses_waits_with_its_words_and_goes_on_when_a_person_says_so(
    publisher: Trial, stores: Stores
) -> None:
    await publisher.fault(kind="soap-fault", target="3pas", code="SBX-RUBRIEK", count=1)
    verzoek = await application(publisher)
    row = await in_state(stores, verzoek, "refused")
    assert row.reason
    assert re.search("SBX-RUBRIEK", row.reason)
    assert row.advice
    items = (await gateway_command(publisher, "worklist", "list", "--json")).document
    assert any(verzoek["verzoeknummer"] in item["what"] for item in items)
    assert (await gateway_command(publisher, "kennisgeving", "resume", str(row.id))).status == 0
    await in_state(stores, verzoek, "published")


async def test_while_koop_is_away_a_notice_waits_and_goes_out_once(publisher: Trial, stores: Stores) -> None:
    await publisher.fault(kind="answer", target="3pas", status=503, count=2)
    verzoek = await application(publisher)
    row = await in_state(stores, verzoek, "published")
    assert row.attempts == 3
    assert len(await dossiers(publisher, verzoek)) == 1


async def test_while_the_search_is_away_what_is_published_is_found_later(publisher: Trial, stores: Stores) -> None:
    await publisher.fault(kind="answer", target="sru", status=400, count=2)
    verzoek = await application(publisher)
    await in_state(stores, verzoek, "published")


async def test_a_gateway_that_is_killed_while_it_sends_sends_nothing_twice(publisher: Trial, stores: Stores) -> None:
    await publisher.fault(kind="silence", target="3pas", count=1)
    verzoek = await application(publisher)
    await in_state(stores, verzoek, "sending")
    await eventually(lambda: dossiers(publisher, verzoek), what="KOOP has it")
    await kill(publisher)
    await publisher.start_gateway()
    row = await in_state(stores, verzoek, "published")
    assert row.dossiernummer is None, "no answer came"
    [attempt] = await stores.kennisgevingen.attempts(row.id)
    assert (attempt.stage, attempt.status) == ("tst-organisatie", None)
    assert [each["received"] for each in await dossiers(publisher, verzoek)] == [1]
    assert row.attempts == 1
