"""The renewal drill: certificates are replaced under forty CPAs while messages go both ways, and nothing is lost.

Our certificate is replaced, rolled back and replaced again; then the partner's. Each time new certificate files stand
beside the old ones and new CPAs beside the old ones, on both sides before they start (4.5, statement 205).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from tests.certificates import GEMEENTE, LEVERANCIER, Authority
from tests.journeys.renewing import OMGEVING, Parties, RunningGateway, Side, cpa_id, registered, running
from tests.postgres import fresh_database

from digikoppelaar import gateway, renewal
from digikoppelaar.adapters.postgres.embedded import Lease
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.ebms.cpa_build import Certificates
from digikoppelaar.ebms.messages import Service

SIDES = (("ours", GEMEENTE, "vraag"), ("theirs", LEVERANCIER, "antwoord"))
"""Name, OIN, and the action that it sends."""
CPAS = 40
ENOUGH = 60
"""Messages of each side in each phase: more than one under every CPA."""
UNTIL_START = timedelta(seconds=25)
"""From making the successors until they start; importing eighty takes part of it."""


@pytest_asyncio.fixture(loop_scope="session")
async def parties(tmp_path: Path, migrated: Lease, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parties]:
    """Both gateways, running under the first CPAs. They look for new certificates a little more often than they do."""
    monkeypatch.setattr(gateway, "Gateway", RunningGateway)
    monkeypatch.setattr(renewal, "LOOK_AT_FILES", 0.2)
    authority = Authority(sandbox=True)
    authority.write_root(tmp_path)
    ports = free_ports(2)
    async with AsyncExitStack() as stack:
        sides, chains = [], {}
        for (name, oin, sends), port in zip(SIDES, ports, strict=True):
            url = stack.enter_context(fresh_database(migrated))
            side = Side(name, oin, sends, port, tmp_path, url, authority)
            _, chains[name] = await stack.enter_async_context(registered(side))
            sides.append(side)
        services = tuple(Service(f"oefening-{number}", "urn:osb:services") for number in range(CPAS))
        made = Parties(sides[0], sides[1], services, authority.root.der)
        await made.agree(chains)
        await stack.enter_async_context(running(sides))
        yield made


def refusals() -> float:
    """Everything that listeners turned away in this omgeving."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "digikoppelaar_refused_total" and sample.labels["omgeving"] == OMGEVING
    )


async def replaced(parties: Parties, side: Side, old: int, new: int) -> Certificates:
    """New certificates of one side and new CPAs with them, beside what there is; returns once they are used."""
    entries, chains = side.write_certificates(new)
    await side.record(entries)
    await side.in_use(chains)
    await parties.acknowledged(old, ENOUGH)  # TLS shows the new certificate, the old CPAs still sign with the old one
    await parties.renew(old, new, {side.oin: chains}, SystemClock().now() + UNTIL_START)
    await parties.acknowledged(new, ENOUGH)
    return chains


async def rolled_back(parties: Parties, side: Side, generation: int) -> None:
    """Back to the CPAs before these: first nothing more is sent under them, and they go when all is settled."""
    for each in parties.sides:
        each.not_in_use |= {cpa_id(number, generation) for number in range(CPAS)}
    await parties.acknowledged(generation - 1, ENOUGH)
    await parties.settled(generation)
    await parties.remove(generation)


async def retired(parties: Parties, generation: int) -> None:
    """The CPAs of before go when nothing under them waits any more."""
    await parties.settled(generation)
    await parties.remove(generation)


async def check(sender: Side, receiver: Side) -> None:
    """Every message of the sender is acknowledged, and was taken in and told once."""
    states = await sender.rows("SELECT state, reason FROM outbound_message WHERE message_id = ANY(%s)", sender.sent)
    assert Counter((row["state"], row["reason"]) for row in states) == {("acknowledged", None): len(sender.sent)}
    came = await receiver.rows("SELECT message_id FROM inbound_message WHERE action = %s", sender.sends)
    assert Counter(row["message_id"] for row in came) == Counter(sender.sent)
    told = await receiver.rows(
        """
        SELECT inbound_message.message_id FROM message_event
        JOIN inbound_message ON inbound_message.id = message_event.inbound_message_id
        WHERE message_event.type = 'RECEIVED'
        """
    )
    assert Counter(row["message_id"] for row in told) == Counter(sender.sent)
    errors = await receiver.rows("SELECT message_id FROM inbound_message WHERE error_code IS NOT NULL")
    assert errors == []


async def all_sent_by(parties: Parties, stop: asyncio.Event, traffic: Sequence["asyncio.Task[None]"]) -> None:
    stop.set()
    await asyncio.gather(*traffic)
    await parties.settled()


@pytest.mark.timeout(600)
@pytest.mark.statement(205)
async def test_certificates_are_replaced_under_forty_cpas_and_no_message_is_lost_refused_or_double(
    parties: Parties,
) -> None:
    before, stop = refusals(), asyncio.Event()
    traffic = [asyncio.create_task(side.send_until(stop, parties.services)) for side in parties.sides]
    await parties.acknowledged(0, ENOUGH)

    await replaced(parties, parties.ours, 0, 1)
    await rolled_back(parties, parties.ours, 1)
    await replaced(parties, parties.ours, 0, 2)
    await retired(parties, 0)
    await replaced(parties, parties.theirs, 2, 3)
    await retired(parties, 2)

    await all_sent_by(parties, stop, traffic)
    for sender, receiver in (parties.sides, parties.sides[::-1]):
        assert len(sender.sent) > 6 * ENOUGH
        await check(sender, receiver)
    assert refusals() == before
