"""A KOOP endpoint that takes connections and never answers holds up the kennisgevingen of its own aansluiting only."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest_asyncio
from tests.journeys import steps
from tests.journeys.steps import eventually, logged
from tests.journeys.test_kills import kill
from tests.journeys.test_publishing import application, dossiers, in_state

from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent, KennisgevingState
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingFilter, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.wiring import Stores, open_stores

HEALTHY, HANGING, UNSEARCHED = (f"0000009900000000{number}000" for number in (2, 5, 7))
"""Three organisaties, of which later one has a 3PAS and one a search that hangs."""
PLACES = 2
SETTINGS = f"""
[publishing]
interval = 0.2
look_soonest = 0.2
at_once = {PLACES}
per_aansluiting = {PLACES}
"""
"""What hangs takes every place; that an attempt was left while sending is not seen while the test lasts."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def three(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial of three organisaties whose notices go by themselves."""
    trial = steps.new_trial(trial_folders)
    trial.publishes, trial.publishing = True, SETTINGS
    trial.organisaties = [f"{oin}=Voorbeeld{oin[16]}=gemeente" for oin in (HEALTHY, HANGING, UNSEARCHED)]
    async with trial:
        await trial.start()
        yield trial


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(three: Trial) -> AsyncIterator[Stores]:
    """A look into its database."""
    async with open_stores(three.config) as opened:
        yield opened


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """The address of a server that never answers, until the end of the block, when it closes every connection."""
    end = asyncio.Event()

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.wait()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        end.set()


async def change(stores: Stores, oin: str, **publishing: str) -> None:
    """Change how an organisatie publishes."""
    values = (json.dumps(publishing), oin)
    async with stores.pool.connection() as connection:
        await connection.execute(
            "UPDATE aansluiting SET publishing = publishing || %s WHERE kind = 'drop' AND organisatie_oin = %s", values
        )


async def of(stores: Stores, oin: str, state: KennisgevingState) -> list[StoredKennisgeving]:
    """The notices of this organisatie in this state."""
    [aansluiting] = [
        each for each in await stores.registry.aansluitingen() if each.publishing and each.organisatie_oin == oin
    ]
    return list(await stores.kennisgevingen.kennisgevingen(KennisgevingFilter(aansluiting.id, state)))


async def test_while_one_3pas_and_one_search_hang_the_others_notices_are_drafted_sent_and_found(
    three: Trial, stores: Stores
) -> None:
    async with hanging() as address:
        await change(stores, HANGING, address=f"{address}/3pas")
        await change(stores, UNSEARCHED, sru_url=f"{address}/sru")
        await three.submit(soort="vergunningaanvraag", count=PLACES + 1, oin=HANGING)
        await three.submit(soort="vergunningaanvraag", oin=UNSEARCHED)
        await eventually(
            lambda: of(stores, HANGING, KennisgevingState.SENDING),
            lambda rows: len(rows) == PLACES,
            "every place hangs",
        )
        published = await in_state(stores, await application(three), "published")
        assert published.publication
        assert len(await of(stores, HANGING, KennisgevingState.SENDING)) == PLACES
        assert len(await of(stores, HANGING, KennisgevingState.PLANNED)) == 1
        await eventually(lambda: of(stores, UNSEARCHED, KennisgevingState.ACCEPTED), what="its search hangs")
    unknown = await eventually(lambda: of(stores, HANGING, KennisgevingState.UNKNOWN), lambda rows: len(rows) >= PLACES)
    assert {row.attempts for row in unknown} == {1}


async def test_what_is_being_sent_when_the_gateway_stops_is_sent_to_its_end(three: Trial, stores: Stores) -> None:
    await three.fault(kind="delay", target="3pas", seconds=2, count=1)
    verzoek = await application(three)
    await in_state(stores, verzoek, "sending")
    assert await kill(three, signal.SIGTERM) == 0
    row = await in_state(stores, verzoek, "accepted")
    [dossier] = await dossiers(three, verzoek)
    assert (row.dossiernummer, dossier["received"]) == (dossier["dossiernummer"], 1)
    await three.start_gateway()
    await in_state(stores, verzoek, "published")


async def test_while_the_database_refuses_to_tell_what_came_in_what_is_planned_is_published(
    three: Trial, stores: Stores
) -> None:
    [model, *_] = await of(stores, HEALTHY, KennisgevingState.PUBLISHED)
    async with stores.pool.connection() as connection:
        await connection.execute("ALTER TABLE no_kennisgeving RENAME TO away")
    try:
        waiting = await application(three)
        await logged(three, "gateway", lambda line: (line["event"], line.get("part")) == ("part_waits", "drafts"))
        who = Who("een medewerker", (await stores.kennisgevingen.log(model.id))[0].at)
        case = replace(model.key, referentienummer="Z2026-000001")
        made, _ = await stores.kennisgevingen.draft(case, {**model.document, "referentienummer": "Z2026-000001"}, who)
        await stores.kennisgevingen.move(made.id, KennisgevingEvent.APPROVED, who, Facts(due_at=who.at))
        await eventually(
            lambda: stores.kennisgevingen.kennisgeving(made.id), lambda row: row.state == "published", "it is found"
        )
    finally:
        async with stores.pool.connection() as connection:
            await connection.execute("ALTER TABLE away RENAME TO no_kennisgeving")
    await in_state(stores, waiting, "published")
