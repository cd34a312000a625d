"""The system of a leverancier takes its messages from the running gateway: by REST, and told by a webhook.

DSO-LV sends; the CPA is not for the intake here but for an application.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest_asyncio
from ebms_adapter_client import EbmsAdapterClient, EbmsAdapterClientConfig, EbMSMessageStatus
from starlette.types import Receive, Scope, Send
from tests.journeys.steps import SETTINGS, eventually, gateway_command, running_trial
from tests.servers import serving

from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.cli.trial import Trial, free_ports
from digikoppelaar.ebms.cpa import cpa_names
from digikoppelaar.wiring import open_stores


@dataclass
class Listening:
    """An application that is told; while `hangs` it answers nothing."""

    hangs: bool = False
    came: list[dict[str, str]] = field(default_factory=list)
    taken: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.came.append(json.loads(body))
        if self.hangs:
            await asyncio.sleep(60)
        self.taken.append(json.loads(body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Connected:
    """A trial of which the CPA is an application's, with its key."""

    trial: Trial
    port: int
    key: str
    cpa_id: str

    def client(self) -> EbmsAdapterClient:
        """The client package; the key is the password."""
        return EbmsAdapterClient(EbmsAdapterClientConfig(f"http://127.0.0.1:{self.port}", "x", self.key))

    async def execute(self, query: str) -> None:
        """Change a row by hand."""
        async with open_stores(self.trial.config) as stores, transaction(stores.pool) as connection:
            await connection.execute(query.encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connected(trial_folders: list[Path]) -> AsyncIterator[Connected]:
    """One for all of this file."""
    [port] = free_ports(1)
    settings = f"{SETTINGS}\n[application]\nport = {port}\nanswer_timeout = 20\n"
    async with running_trial(trial_folders, settings=settings) as trial:
        oin = trial.facts["organisatie_oin"]
        made = await gateway_command(
            trial, *("api-key", "create", "--organisatie", oin, "--omgeving", trial.omgeving, "--name", "x", "--json")
        )
        cpa_id = cpa_names(Path(trial.facts["cpa_file"]).read_bytes()).cpa_id
        connected = Connected(trial, port, made.document["key"], cpa_id)
        await connected.execute("UPDATE cpa SET consumer = 'rest'")
        yield connected


async def test_an_application_takes_a_message_and_says_so(connected: Connected) -> None:
    [verzoek] = await connected.trial.submit()
    with connected.client() as client:
        ids = await eventually(lambda: asyncio.to_thread(client.list_unprocessed_message_ids))
        assert ids == [verzoek["message_id"]]
        message = await asyncio.to_thread(lambda: client.get_message(ids[0]))
        assert verzoek["verzoeknummer"].encode() in message.data_sources[0].content
        [event] = await asyncio.to_thread(client.list_unprocessed_message_events)
        assert event.message_id == ids[0]
        await asyncio.to_thread(lambda: client.process_message_event(ids[0]))
        assert await asyncio.to_thread(client.list_unprocessed_message_ids) == []
        status = await asyncio.to_thread(lambda: client.get_message_status(ids[0]))
        assert status.status is EbMSMessageStatus.PROCESSED


async def test_an_application_pings_the_partner(connected: Connected) -> None:
    ours, theirs = connected.trial.facts["organisatie_oin"], connected.trial.facts["dso_oin"]
    async with open_stores(connected.trial.config) as stores:
        cpa = await stores.registry.cpa(connected.trial.omgeving, connected.cpa_id)
    assert cpa
    assert cpa.aansluiting.organisatie_oin == ours
    names = [f"urn:osb:oin:{side.party_ids[0].value}" for side in (cpa.agreement.ours, cpa.agreement.theirs)]
    assert theirs in names[1]
    with connected.client() as client:
        await asyncio.to_thread(lambda: client.ping(connected.cpa_id, *names))


async def test_a_webhook_that_was_being_told_when_the_gateway_was_killed_is_told_again(connected: Connected) -> None:
    trial, application = connected.trial, Listening(hangs=True)
    secret = trial.folder / "geheim"
    secret.write_text("0123456789abcdef")
    async with serving(application) as port:
        url = f"http://127.0.0.1:{port}/"
        command = ("webhook", "set", connected.cpa_id, "--url", url, "--secret-file", secret, "--json")
        assert (await gateway_command(trial, *command)).document["url"] == url
        [verzoek] = await trial.submit()
        await eventually(lambda: _seen(application.came))
        assert trial.gateway is not None
        trial.gateway.send_signal(signal.SIGKILL)
        await trial.gateway.wait()
        application.hangs = False
        await trial.start_gateway()
        await eventually(lambda: _seen(application.taken))
        tested = await gateway_command(trial, "webhook", "test", connected.cpa_id, "--json")
        assert tested.document == {"status": 204, "taken": True}
        [row] = (await gateway_command(trial, "webhook", "list", "--json")).document
        assert (row["waiting"], row["parked"]) == (0, [])
        assert (await gateway_command(trial, "webhook", "remove", connected.cpa_id, "--json")).document["changed"]
    first, second = [said for said in application.came if said["type"] == "RECEIVED"]
    assert first == second
    assert first["messageId"] == verzoek["message_id"]
    async with httpx.AsyncClient(headers={"X-API-Key": connected.key}) as http:
        shown = (await http.get(f"http://127.0.0.1:{connected.port}{first['href']}")).json()
        payload = await http.get(f"http://127.0.0.1:{connected.port}{shown['payloads'][0]['href']}")
    assert verzoek["verzoeknummer"].encode() in payload.content


async def test_a_revoked_key_is_refused(connected: Connected) -> None:
    trial = connected.trial
    [row] = (await gateway_command(trial, "api-key", "list", "--json")).document
    assert connected.key.startswith(f"dk_{row['prefix']}_")
    assert row["rights"] == ["messages"]
    await gateway_command(trial, "api-key", "revoke", row["prefix"])
    async with httpx.AsyncClient(headers={"X-API-Key": connected.key}) as http:
        answer = await http.get(f"http://127.0.0.1:{connected.port}/service/rest/v19/cpas")
    assert answer.status_code == 401


async def _seen(events: list[dict[str, str]]) -> bool:
    return bool(events)
