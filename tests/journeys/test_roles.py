"""A gateway of four processes, one for each role, over one database; under profile osb-rm, for this is the other trial.

What one process commits, another must hear of: the acknowledgment is stored by the endpoint and sent by the sender.
"""

import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from tests.journeys.steps import (
    acknowledged,
    answered,
    assert_once,
    assert_whole,
    delivered,
    eventually,
    new_trial,
)

from digikoppelaar.cli.trial import Trial, free_ports
from digikoppelaar.flows.send import SAFETY_POLL
from digikoppelaar.gateway import ROLES
from digikoppelaar.sandbox.model import Soort
from digikoppelaar.wiring import Stores, open_stores


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def divided(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial under osb-rm of which the gateway is four processes."""
    async with new_trial(trial_folders, profile="osb-rm") as trial:
        async with trial.prepared():
            processes = await started_roles(trial)
        yield trial
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [await process.wait() for process in processes] == [0] * len(ROLES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def look(divided: Trial) -> AsyncIterator[Stores]:
    """A look into the database of the divided gateway."""
    async with open_stores(divided.config) as opened:
        yield opened


async def started_roles(trial: Trial) -> list[Process]:
    """A process for each role, all ready; each has a management listener of its own."""
    processes, urls = [], []
    for role, port in zip(ROLES, free_ports(len(ROLES)), strict=True):
        file = trial.folder / f"{role}.toml"
        whole = trial.config_file.read_text()
        file.write_text(whole.replace(f"port = {trial.ports['management']}\n", f"port = {port}\n"))
        processes.append(await trial.spawn(role, "--config", str(file), "serve", "--role", role))
        urls.append(f"http://127.0.0.1:{port}/health/ready")
    for url in urls:
        await eventually(lambda url=url: ready(trial, url), what=f"{url} says that it is ready")
    return processes


async def ready(trial: Trial, url: str) -> bool:
    """Whether the process behind this management listener is ready."""
    try:
        async with trial.http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_a_verzoek_flows_through_four_processes_under_osb_rm(divided: Trial, look: Stores) -> None:
    verzoeken = [
        each for soort in Soort for each in await divided.submit(soort=soort.value, bijlagen=["pdf", 2_000_000])
    ]
    await delivered(divided, *verzoeken)
    for verzoek in verzoeken:
        assert_whole(divided, verzoek)
        assert (await acknowledged(divided, verzoek))["acknowledged"]
        answer = await answered(look, verzoek)
        assert b"SignatureValue" not in answer.document, "osb-rm has no signatures"
    assert_once(divided, *verzoeken)
    assert await divided.refusals() == []


async def test_every_process_does_its_own_part_only(divided: Trial) -> None:
    told = {role: {line["event"] for line in log(divided, role)} for role in ROLES}
    assert "message_decided" in told["endpoint"]
    assert "attempt_made" in told["sender"]
    assert {"verzoek_fetched", "verzoek_delivered"} <= told["worker"]
    assert not {"message_decided", "attempt_made", "verzoek_fetched"} & told["web"]
    assert not {"attempt_made", "verzoek_fetched"} & told["endpoint"]


async def test_a_commit_of_the_endpoint_wakes_the_sender_in_its_own_process(divided: Trial, look: Stores) -> None:
    waits = []
    for _ in range(5):
        [verzoek] = await divided.submit()
        answer = await answered(look, verzoek)
        waits.append((answer.attempts[0].started_at - answer.message.at).total_seconds())
    assert sorted(waits)[2] < SAFETY_POLL / 4, "the median of what polling alone would make half of the poll"


async def test_the_pages_are_served_by_the_process_for_them(divided: Trial) -> None:
    async with divided.http.get(divided.web_url + "verzoeken") as answer:
        assert answer.status == 200
        assert "afgeleverd" in await answer.text()


def log(trial: Trial, role: str) -> list[dict[str, Any]]:
    """What the process of this role logged."""
    lines = trial.log_file(role).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]
