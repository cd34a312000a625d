"""Whatever dies, and wherever it was: after a restart every verzoek is delivered once, and whole.

`make crashtest` does this at random and under load; here each kill strikes where it was aimed.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.journeys.steps import (
    Verzoek,
    acknowledged,
    assert_once,
    assert_same_answer,
    assert_whole,
    delivered,
    eventually,
    gateway_command,
    logged,
    running_trial,
    struck,
)

from digikoppelaar.cli.trial import Trial
from digikoppelaar.wiring import open_stores

STOPPED_WITHIN = 10.0
"""Seconds after SIGTERM, whatever the gateway is doing: it grants running jobs five."""
STALL = 3.0
LONGER_TIMEOUT = "[sender]\ntimeout = 8\n"
"""Longer than a stall and than the patience at SIGTERM, so that it is the kill that ends a download."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mortal_trial(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial of which parts may be killed. Ask for `mortal`."""
    async with running_trial(trial_folders, settings=LONGER_TIMEOUT) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def mortal(mortal_trial: Trial) -> AsyncIterator[Trial]:
    """The mortal trial, with its gateway alive and all faults off before and after."""
    if mortal_trial.gateway is None or mortal_trial.gateway.returncode is not None:
        await mortal_trial.start_gateway()
    yield mortal_trial
    await mortal_trial.no_faults()


async def kill(trial: Trial, number: signal.Signals = signal.SIGKILL) -> int:
    """Send this signal to the gateway and wait for its end; its exit status."""
    assert trial.gateway is not None
    trial.gateway.send_signal(number)
    async with asyncio.timeout(STOPPED_WITHIN):
        return await trial.gateway.wait()


async def halfway(trial: Trial, verzoek: Verzoek) -> None:
    """Wait until half of the largest file of this verzoek is in; no two tests use the same size."""
    size = max(file["bytes"] for file in verzoek["files"])

    def is_half(line: Mapping[str, Any]) -> bool:
        return line.get("event") == "file_progress" and line["total"] == size and line["done"] >= 0.4 * size

    found = await logged(trial, "gateway", is_half)
    assert found["done"] < size, "the stall keeps the rest back"


async def assert_arrives(trial: Trial, *verzoeken: Verzoek) -> None:
    """Delivered, whole, once, acknowledged, and DSO-LV has nothing to complain about."""
    await delivered(trial, *verzoeken)
    for verzoek in verzoeken:
        await acknowledged(trial, verzoek)
        assert_whole(trial, verzoek)
    assert_once(trial, *verzoeken)
    assert await trial.refusals() == []


async def test_a_gateway_killed_in_the_middle_of_a_large_bijlage(mortal: Trial) -> None:
    await mortal.fault(kind="stall", target="bijlage", seconds=STALL, count=1)
    [verzoek] = await mortal.submit(bijlagen=["txt", 8_000_001])
    await halfway(mortal, verzoek)
    assert await kill(mortal) == -signal.SIGKILL
    assert not mortal.case(verzoek["verzoeknummer"]).exists()
    await mortal.start_gateway()
    await assert_arrives(mortal, verzoek)


async def test_a_gateway_killed_right_after_acknowledging(mortal: Trial) -> None:
    await mortal.fault(kind="delay", target="summary", seconds=STALL, count=1)
    [verzoek] = await mortal.submit(bijlagen=["pdf"])
    await acknowledged(mortal, verzoek)
    assert await kill(mortal) == -signal.SIGKILL
    assert not mortal.case(verzoek["verzoeknummer"]).exists()
    await mortal.start_gateway()
    await assert_arrives(mortal, verzoek)


async def test_a_gateway_killed_after_an_acknowledgment_that_did_not_count_sends_the_same_again(mortal: Trial) -> None:
    await mortal.fault(kind="lose", target="acknowledgment", count=1)
    [verzoek] = await mortal.submit(bijlagen=["pdf"])
    await struck(mortal)
    assert await kill(mortal) == -signal.SIGKILL
    await mortal.start_gateway()
    await assert_arrives(mortal, verzoek)
    async with open_stores(mortal.config) as stores:
        await assert_same_answer(mortal, stores, verzoek, times=2)


async def test_a_postgres_that_is_killed_comes_back_by_itself_and_the_gateway_goes_on(mortal: Trial) -> None:
    assert mortal.gateway is not None
    gateway = mortal.gateway.pid
    await mortal.fault(kind="stall", target="bijlage", seconds=1, count=1)
    [fetching] = await mortal.submit(bijlagen=[8_000_002])
    await halfway(mortal, fetching)
    before = postmaster(mortal)
    os.kill(before, signal.SIGKILL)
    meanwhile = await mortal.submit(bijlagen=["pdf"], count=3)
    await assert_arrives(mortal, fetching, *meanwhile)
    assert postmaster(mortal) != before
    assert (mortal.gateway.pid, mortal.gateway.returncode) == (gateway, None)


async def test_sigterm_ends_a_busy_gateway_in_time_with_status_0_and_loses_nothing(mortal: Trial) -> None:
    await mortal.fault(kind="stall", target="bijlage", seconds=60, count=2)
    busy = [(await mortal.submit(bijlagen=[size]))[0] for size in (8_000_003, 8_000_004)]
    for verzoek in busy:
        await halfway(mortal, verzoek)
    assert await kill(mortal, signal.SIGTERM) == 0
    await mortal.no_faults()
    await mortal.start_gateway()
    await assert_arrives(mortal, *busy)


async def test_after_all_these_kills_nothing_is_unfinished(mortal: Trial) -> None:
    rows = (await gateway_command(mortal, "verzoek", "list", "--json")).document
    assert {row["state"] for row in rows} == {"delivered"}
    assert len(rows) == len(await mortal.submitted())


async def test_sigterm_ends_an_idle_gateway_at_once_and_its_database_with_it(mortal: Trial) -> None:
    assert await kill(mortal, signal.SIGTERM) == 0

    async def postgres_runs() -> bool:
        return any((mortal.folder / "gateway" / "postgres").rglob("postmaster.pid"))

    await eventually(postgres_runs, lambda runs: not runs, "the last user of the embedded PostgreSQL stops it")


def postmaster(trial: Trial) -> int:
    """The pid of the embedded PostgreSQL."""
    [file] = (trial.folder / "gateway" / "postgres").rglob("postmaster.pid")
    return int(file.read_text().split()[0])
