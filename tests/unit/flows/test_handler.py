"""What a handler keeps up over its whole life: names remembered, clocks that move, payloads and keys that stay private.

Two whole handlers over the twins, with real signatures; what travels is looked at, and what they log.
"""

import asyncio
import logging
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs
from tests.unit.ebms.cpas import DSO
from tests.unit.ebms.exchanges import KEY, SIGNED_THEIRS, notification
from tests.unit.flows.ebms_world import OMGEVING, gemeente, message_of, until
from tests.unit.flows.stored_messages import LEASE
from tests.unit.flows.two_handlers import Keys, Network, Side, World, encrypted, two_handlers

from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.reliability import State
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.handler import HandlerSettings
from digikoppelaar.flows.ports import CpaRecord, NewInbound, NewNotification, NewOutbound, Recorded, Reply, Streamed
from digikoppelaar.flows.receive import RECEIVED, Answer

CENTURY = timedelta(days=36_500)
"""Longer than any PersistDuration or retry window of a CPA."""
SECOND = timedelta(seconds=1)
SECRET = b"J. Jansen, Kerkstraat 1"
BOMB = b'<!DOCTYPE b [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]><b>&b;&c;'
NOT_FOR_PARSERS = {
    "entities": BOMB,
    "deep": b"<n>" * 50_000,
    "half-a-document": b"<?xml version='1.0' encoding='x'?><a",
    "an-envelope": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
    "octets": bytes(range(256)),
}


async def delivered(world: World) -> None:
    """Their message is acknowledged and ours has gone out."""
    await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
    await until(lambda: world.ours.goes[0].state is State.DELIVERED)


@pytest.mark.statement(96, 97, 101)
async def test_a_message_id_is_remembered_for_good() -> None:
    async with two_handlers() as world:
        await world.theirs.submit(b"<een/>")
        await delivered(world)
        asked, answered = world.network.posts
        world.ours.watch.time += CENTURY
        await world.network.post(OMGEVING, world.theirs.oin, *asked)
        await until(lambda: len(world.network.posts) == 4)
        assert world.network.posts[3] == answered
        assert (len(world.ours.came), world.ours.told) == (1, ["RECEIVED"])


class Slow(MemoryMessages):
    """A store that commits when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> Recorded | None:
        """See flows.ports.MessageStore."""
        self.asked.set()
        await self.may.wait()
        return await super().record_inbound(inbound, answer, job)


@pytest.mark.statement(87, 164, 165)
async def test_2xx_and_acknowledgment_come_only_after_the_commit() -> None:
    ours = gemeente()
    ours.messages = store = Slow()
    receiving = asyncio.create_task(ours.receive(message_of()))
    await asyncio.wait_for(store.asked.wait(), 10)
    for _ in range(100):
        await asyncio.sleep(0)
    assert (receiving.done(), ours.goes, ours.woken) == (False, [], 0)
    store.may.set()
    assert await receiving == RECEIVED == Answer(204)
    assert (len(ours.came), len(ours.goes), ours.woken) == (1, 1, 1)


@pytest.mark.statement(105)
async def test_one_message_id_under_two_cpas_is_two_messages() -> None:
    ours = gemeente(signed=False)
    other = CpaRecord(2, ours.cpa.aansluiting, replace(ours.agreement, cpa_id="cpa-2"))
    ours.registry = MemoryRegistry([ours.cpa, other])
    first = notification()
    for envelope in (first, replace(first, header=replace(first.header, cpa_id="cpa-2"))):
        for _ in range(2):
            assert await ours.receive(message_of(envelope, signed=False)) == RECEIVED
    assert [(stored.message.cpa.id, stored.message.message_id) for stored in ours.came] == [
        (1, "m1@dso"),
        (2, "m1@dso"),
    ]
    assert len(ours.notified) == len(ours.goes) == 2


class Nobody(Network):
    """A network at whose other end nobody answers."""

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """See flows.ports.Transport."""
        raise PartnerUnreachable("no connection")


@pytest.mark.statement(65, 70, 214)
async def test_a_clock_that_is_set_back_causes_no_early_resend() -> None:
    theirs, stop = Side(DSO, SIGNED_THEIRS, Nobody()), asyncio.Event()
    running = asyncio.create_task(theirs.handler.sender.run(stop))
    await theirs.submit(b"<een/>")
    await until(lambda: theirs.goes[0].outcomes)
    reliable = theirs.goes[0].message.reliable
    assert reliable
    due = theirs.watch.time + reliable.retry_interval
    for back in (timedelta(0), timedelta(hours=1), timedelta(days=400)):
        assert await theirs.messages.claim(due - back - SECOND, LEASE, {}, 4) == []
    assert theirs.goes[0].due_at == due
    theirs.watch.time = due
    theirs.handler.sender.wake()
    await until(lambda: len(theirs.goes[0].outcomes) == 2)
    stop.set()
    theirs.handler.sender.wake()
    await asyncio.wait_for(running, 10)


@pytest.mark.statement(8, 222)
@pytest.mark.parametrize("name", NOT_FOR_PARSERS)
async def test_a_payload_is_carried_and_never_parsed(name: str) -> None:
    payload = NOT_FOR_PARSERS[name]
    async with two_handlers() as world:
        await world.theirs.submit(payload)
        await delivered(world)
        [came] = world.ours.came[0].message.payloads
        assert (came.content_type, came.data) == ("application/xml", payload)
        assert world.ours.told == ["RECEIVED"]


@pytest.mark.statement(218)
@pytest.mark.parametrize("trouble", ["none", "altered", "undecryptable", "refused", "unexpected"])
async def test_no_payload_and_no_key_is_in_a_log_whatever_happens(
    trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    def spoiled(_: str, reply: Reply) -> Reply:
        if trouble == "unexpected":
            raise ValueError(SECRET)
        return replace(reply, status=400, body=SECRET) if trouble == "refused" else reply

    change = encrypted if trouble == "undecryptable" else as_agreed
    with capture_logs() as lines, caplog.at_level(logging.DEBUG):
        async with two_handlers(change) as world:
            if trouble == "undecryptable":
                world.ours.keys = WrongKey()
                world.ours.handler = world.ours.started(HandlerSettings(sends=False))
            world.network.spoil = spoiled
            await world.theirs.submit(SECRET, message_id="m1@dso")
            await until(lambda: world.theirs.goes[0].outcomes)
            if trouble == "altered":
                endpoint, content_type, body = world.network.posts[0]
                changed = body.replace(b"Kerkstraat 1", b"Kerkstraat 2").replace(b"m1@dso", b"m2@dso")
                await world.network.post(OMGEVING, world.theirs.oin, endpoint, content_type, changed)
    told = repr(lines) + caplog.text
    assert {"message_submitted", "message_decided", "attempt_made"} <= {line["event"] for line in lines}
    for secret in (SECRET, b64encode(SECRET), b"Kerkstraat", *key_lines()):
        assert secret.decode() not in told
    assert str(SECRET) not in told


def as_agreed(agreement: Agreement) -> Agreement:
    """No change."""
    return agreement


class WrongKey(Keys):
    """Opens nothing: what it unwraps is another key."""

    def unwrap(self, wrapped: bytes, transport: object) -> bytes:
        """See flows.ports.Decrypter."""
        return b"\0" * 32


def key_lines() -> list[bytes]:
    """The lines of the private key that signs and decrypts here, as its file would have them."""
    pem = KEY.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [line for line in pem.splitlines() if b"-" not in line]
