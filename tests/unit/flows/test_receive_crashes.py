"""Receiving while our own side fails: a key or the database is away, the process dies, another worker is first."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.ebms.exchanges import NOW, SIGNED_THEIRS, notification
from tests.unit.flows.ebms_world import (
    LARGE,
    NOTIFICATION,
    NUMBER,
    Blobs,
    Party,
    altered,
    dso,
    gemeente,
    message_of,
    plain,
    sent,
)

from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.ebms import answers
from digikoppelaar.ebms.packaging import Packaged
from digikoppelaar.ebms.reliability import State
from digikoppelaar.errors import StorageError, TrustError
from digikoppelaar.flows.ports import NewInbound, NewNotification, NewOutbound, Recorded
from digikoppelaar.flows.receive import RECEIVED


async def test_without_a_key_to_sign_with_nothing_is_stored_and_the_sender_sends_again() -> None:
    ours = gemeente()
    key, ours.keys.key = ours.keys.key, None
    with pytest.raises(TrustError) as caught:
        await ours.receive(message_of(payloads=[LARGE]))
    assert caught.value.wire.http_status == 500
    assert (ours.came, ours.goes, ours.blobs.names) == ([], [], set())
    ours.keys.key = key
    assert await ours.receive(message_of(payloads=[LARGE])) == RECEIVED
    assert ours.notified == [NUMBER]


class Away(MemoryRegistry):
    """A registry whose database is away."""

    async def cpa(self, *_: object) -> Any:
        """See flows.ports.Registry."""
        raise StorageError("the database failed")


async def test_a_database_that_is_away_is_told_before_anything_is_spooled() -> None:
    ours = gemeente()
    ours.registry = Away()
    with pytest.raises(StorageError) as caught:
        await ours.receive(message_of(payloads=[LARGE]))
    assert caught.value.wire.http_status == 503
    assert (ours.blobs.written, ours.woken) == ([], 0)


class Breaks(MemoryMessages):
    """A store that dies before it commits."""

    async def record_inbound(self, *_: object) -> Any:
        """See flows.ports.MessageStore."""
        raise StorageError("the connection is lost")


async def test_a_payload_stays_when_nobody_knows_whether_the_commit_took_place() -> None:
    ours = gemeente()
    ours.messages = Breaks()
    with pytest.raises(StorageError):
        await ours.receive(message_of(payloads=[LARGE]))
    assert ours.blobs.names == set(ours.blobs.written)
    assert ours.woken == 0


class DiesAfterCommit(MemoryMessages):
    """A store that commits and does not live to tell, once."""

    dead = False

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> Recorded | None:
        """See flows.ports.MessageStore."""
        stored = await super().record_inbound(inbound, answer, job)
        if not self.dead:
            self.dead = True
            raise StorageError("the connection is lost")
        return stored


@pytest.mark.parametrize("payload", [NOTIFICATION, LARGE], ids=["in-memory", "spooled"])
async def test_a_crash_between_commit_and_answer_delivers_once_and_acknowledges_once(payload: bytes) -> None:
    ours, theirs = gemeente(), dso()
    ours.messages = DiesAfterCommit()
    await theirs.queue(notification(SIGNED_THEIRS), message_of(payloads=[payload]))
    with pytest.raises(StorageError):
        await ours.receive(message_of(payloads=[payload]))
    assert await ours.receive(message_of(payloads=[payload])) == RECEIVED
    assert (len(ours.came), len(ours.goes), ours.notified) == (1, 1, [NUMBER])
    kept = ours.came[0].message.payloads[0].blob
    assert ours.blobs.names == ({kept} if kept else set()), "what the row refers to is there"
    await theirs.receive(sent(ours.goes[0]))
    assert theirs.goes[0].state is State.ACKNOWLEDGED


class Raced(MemoryMessages):
    """A store in which `rival` is committed by another worker just before our own commit."""

    rival: NewInbound | None = None

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> Recorded | None:
        """See flows.ports.MessageStore."""
        if self.rival is not None:
            rival, self.rival = self.rival, None
            theirs = replace(answer, message_id="rival@g") if answer else None
            assert await super().record_inbound(rival, theirs, job)
        return await super().record_inbound(inbound, answer, job)


PING = plain(answers.ping(SIGNED_THEIRS, message_id="m1@dso", conversation_id="c2", now=NOW))
RACES = pytest.mark.parametrize(
    "message", [message_of(payloads=[LARGE]), altered(message_of(payloads=[LARGE])), PING], ids=["good", "bad", "ping"]
)


async def raced(message: Packaged, **other: Any) -> Party:
    """A gemeente where `message` was committed by another worker while we decided on it."""
    probe, ours = gemeente(), gemeente()
    await probe.receive(message)
    ours.messages = Raced()
    ours.messages.rival = replace(probe.came[0].message, **other)
    return ours


@RACES
async def test_whoever_loses_the_race_answers_as_for_a_duplicate(message: Packaged) -> None:
    ours = await raced(message)
    assert await ours.receive(message) == RECEIVED
    assert (len(ours.came), [stored.message.message_id for stored in ours.goes]) == (1, ["rival@g"])
    assert (ours.woken, ours.blobs.names) == (1, set())


@RACES
async def test_whoever_loses_the_race_to_another_message_is_told(message: Packaged) -> None:
    ours = await raced(message, fingerprint=bytes(32))
    answer = await ours.receive(message)
    assert (answer.status, b"MessageId" in answer.body) == (500, True)
    assert (len(ours.came), ours.blobs.names) == (1, set())


class Stuck(Blobs):
    """A blob store that removes nothing."""

    async def delete(self, name: str) -> None:
        """See flows.ports.BlobStore."""
        raise StorageError("blob store: Input/output error")


async def test_a_blob_that_cannot_be_removed_does_not_undo_what_was_committed() -> None:
    ours = gemeente(signed=False)
    ours.blobs = Stuck()
    assert await ours.receive(message_of(signed=False, payloads=[NOTIFICATION, LARGE, LARGE])) == RECEIVED
    assert ours.notified == [NUMBER]
