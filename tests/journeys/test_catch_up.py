"""Notifications are lost, and a search brings every verzoek once; what is of others leaves no trace."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from tests.journeys.steps import (
    Output,
    Verzoek,
    assert_once,
    assert_whole,
    delivered,
    eventually,
    gateway_command,
    listed,
)

from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.catch_up_report import dutch_day
from digikoppelaar.sandbox.search import NEIGHBOUR
from digikoppelaar.wiring import Stores

RING = [[130_000, 440_000], [140_000, 440_000], [140_000, 455_000], [130_000, 455_000], [130_000, 440_000]]
"""Every place of the sandbox is in it."""
BEHANDELDIENST = "00000099000000007000"


@pytest_asyncio.fixture(name="area", loop_scope="session")
async def imported_area(trial: Trial, stores: Stores, tmp_path: Path) -> None:
    """The organisatie of the trial has an area on record."""
    oin = trial.facts["organisatie_oin"]
    if await stores.catch_up.area(oin) is None:
        file = tmp_path / "gebied.json"
        await asyncio.to_thread(file.write_text, json.dumps({"type": "Polygon", "coordinates": [RING]}))
        told = await gateway_command(trial, "verzoek", "area", "import", file, "--organisatie", oin, "--json")
        assert told.document["polygons"] == 1


async def unannounced(trial: Trial, count: int) -> list[Verzoek]:
    """Verzoeken of which no notification comes."""
    await trial.fault(kind="lose", target="notification")
    return await trial.submit(bijlagen=["pdf"], count=count)


async def catch_up(trial: Trial) -> Output:
    return await gateway_command(trial, "verzoek", "catch-up", "--omgeving", trial.omgeving, "--json")


async def searches_struck(trial: Trial) -> int:
    """How often a fault of the search struck."""
    async with trial.http.get(f"{trial.facts['management_url']}/faults") as answer:
        return sum(fault["struck"] for fault in await answer.json() if fault["target"] == "search")


def missed(told: Output) -> list[str]:
    [searched] = told.document
    assert searched["problem"] is None
    assert searched["seen"] >= 2 * searched["ours"] > 0
    return [each["verzoeknummer"] for each in searched["missed"]]


async def traces(stores: Stores, word: str) -> list[str]:
    """The tables in which a row has this word."""
    async with transaction(stores.pool) as connection:
        listed = await connection.execute("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        names = [row["name"] for row in await listed.fetchall()]
        found = []
        for name in names:
            query = f"SELECT count(*) AS rows FROM {name} AS each WHERE each::text LIKE %(word)s"
            row = await (await connection.execute(query.encode(), {"word": f"%{word}%"})).fetchone()
            assert row
            found += [name] * bool(row["rows"])
    return found


@pytest.mark.usefixtures("area")
async def test_what_was_never_announced_is_found_once_and_what_is_of_others_leaves_no_trace(
    trial: Trial, stores: Stores
) -> None:
    lost = await unannounced(trial, 3)
    numbers = {verzoek["verzoeknummer"] for verzoek in lost}
    found = await catch_up(trial)
    assert numbers <= set(missed(found))
    await delivered(trial, *lost)
    for verzoek in lost:
        assert_whole(trial, verzoek)
    assert missed(await catch_up(trial)) == []
    assert_once(trial, *lost)
    assert await traces(stores, min(numbers))  # it does look
    for word in (NEIGHBOUR.oin, *(f"{number[:8]}{100_000 - int(number[8:]):05}" for number in numbers)):
        assert await traces(stores, word) == []
        assert word not in found.out + found.err
        assert word not in await asyncio.to_thread(trial.log_file("gateway").read_text)


@pytest.mark.usefixtures("area")
async def test_a_search_that_is_killed_or_breaks_off_loses_nothing(trial: Trial) -> None:
    lost = await unannounced(trial, 1)
    await trial.fault(kind="silence", target="search", count=1)
    searching = await trial.spawn(
        "killed-search", "--config", str(trial.config_file), "verzoek", "catch-up", "--omgeving", trial.omgeving
    )
    await eventually(lambda: searches_struck(trial), bool, "the search is under way")
    searching.kill()
    await searching.wait()
    await trial.fault(kind="cut", target="search", count=1)
    broken = await catch_up(trial)
    assert broken.status == 1
    assert "broke off" in json.loads(broken.out)[0]["problem"]
    assert [verzoek["verzoeknummer"] for verzoek in lost] == missed(await catch_up(trial))
    await delivered(trial, *lost)
    assert_once(trial, *lost)


async def test_the_worker_keeps_the_report_of_yesterday(trial: Trial, stores: Stores) -> None:
    [verzoek] = await trial.submit()
    await delivered(trial, verzoek)
    received = (await listed(stores, verzoek)).received_at
    reports = await eventually(lambda: stores.catch_up.reports(dutch_day(received) - timedelta(days=1)))
    assert [each.organisatie_oin for each in reports] == [trial.facts["organisatie_oin"]]


async def test_a_verzoek_is_sent_on_and_its_timeline_says_so(trial: Trial, stores: Stores) -> None:
    [verzoek] = await trial.submit()
    await delivered(trial, verzoek)
    which = ("verzoek", "reroute", verzoek["verzoeknummer"], "--json", "--yes")
    sent = await gateway_command(trial, *which, "--behandeldienst", BEHANDELDIENST)
    assert (sent.document["oin"], sent.document["done"]) == (BEHANDELDIENST, True)
    await trial.fault(kind="answer", target="reroute", status=403, count=1)
    refused = await gateway_command(trial, *which, "--bevoegd-gezag", BEHANDELDIENST)
    assert (refused.status, "mandaat" in refused.err) == (1, True)
    row = await listed(stores, verzoek)
    page = await stores.reading.verzoek(row.aansluiting_id, row.verzoeknummer)
    assert page
    steps = [(step.name, step.detail) for step in page.versions[0].steps if "rerout" in step.name]
    handled, decided = f"behandeldienst {BEHANDELDIENST}", f"bevoegd gezag {BEHANDELDIENST}"
    assert steps == [("reroute_asked", handled), ("rerouted", handled), ("reroute_asked", decided)]
