"""Submitting: what an application may ask, what is made of it, and what asking twice does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.unit.ebms.exchanges import KEY, SIGNED_THEIRS, best_effort
from tests.unit.flows.ebms_world import until
from tests.unit.flows.two_handlers import Keys, Side, encrypted, two_handlers

from digikoppelaar.ebms.agreement import Agreement, Characteristic
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import Envelope, Service
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.ebms.reliability import State
from digikoppelaar.errors import StorageError, SubmissionError, TrustError
from digikoppelaar.flows import send
from digikoppelaar.flows.handler import HandlerSettings
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.ports import NewOutbound, StoredPayload
from digikoppelaar.flows.submit import Submission, SubmissionLimits, Wishes

[ACTION] = SIGNED_THEIRS.sends
LARGE = b"<x>" + b"y" * 600_000 + b"</x>"


def envelope_of(side: Side, number: int = 0) -> Envelope:
    """What goes out, as its receiver reads it."""
    message = side.goes[number].message
    document, _ = read_package(message.content_type, message.body)
    return read_envelope(document).envelope


async def content_of(side: Side, payload: StoredPayload) -> bytes:
    """The bytes of a payload that came in."""
    if payload.data is not None:
        return payload.data
    assert payload.blob is not None
    return b"".join([piece async for piece in side.blobs.get(payload.blob)])


async def acknowledged(side: Side, number: int = 0) -> None:
    """The partner confirmed it."""
    await until(lambda: side.goes[number].state is State.ACKNOWLEDGED)


@pytest.mark.parametrize("slots", [1, 3, 16])
async def test_many_at_once_pass_through_few_slots_without_a_look_in_vain(
    slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "SAFETY_POLL", 3600.0)
    async with two_handlers(settings=HandlerSettings(slots=slots)) as world:
        await asyncio.gather(*(world.theirs.submit(b"<een/>") for _ in range(60)))
        await until(lambda: all(stored.state is State.ACKNOWLEDGED for stored in world.theirs.goes))
        await until(lambda: all(stored.state is State.DELIVERED for stored in world.ours.goes))
        assert len(world.ours.came) == 60


@pytest.mark.statement(46, 54, 55)
async def test_a_submission_travels_signed_and_its_acknowledgment_tells_the_application() -> None:
    async with two_handlers() as world:
        name = await world.theirs.submit(b"<een/>", b"<twee/>")
        await acknowledged(world.theirs)
        assert world.theirs.goes[0].message.message_id == name
        [came] = world.ours.came
        assert [await content_of(world.ours, each) for each in came.message.payloads] == [b"<een/>", b"<twee/>"]
        assert (world.theirs.told, world.ours.told) == (["DELIVERED"], ["RECEIVED"])
        assert (came.message.from_role, came.message.to_role) == (ACTION.sender_role, ACTION.receiver_role)


async def test_what_is_committed_with_a_free_slot_has_its_attempt_in_the_same_transaction() -> None:
    async with two_handlers() as world:
        await until(lambda: world.theirs.handler.sender._running)
        await world.theirs.submit(b"<een/>")
        born = world.theirs.goes[0]
        assert (born.message.state, born.attempts) == (State.SENDING, 1)
        await acknowledged(world.theirs)


@pytest.mark.statement(9)
async def test_a_large_payload_is_a_hole_in_the_body_and_arrives_whole() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield LARGE

    async with two_handlers() as world:
        blob = await world.theirs.blobs.put("upload/1", chunks())
        payload = NewPayload("application/xml", blob, content_id="groot", name="groot é.xml")
        small = NewPayload("text/plain", b"klein")
        await world.theirs.handler.submitter.submit(
            world.theirs.cpa, Submission(ACTION.service, ACTION.action, (payload, small))
        )
        await acknowledged(world.theirs)
        sent = world.theirs.goes[0].message
        assert [(hole.blob, hole.size) for hole in sent.holes] == [("upload/1", len(LARGE))]
        assert len(sent.body) < 20_000
        [large, little] = world.ours.came[0].message.payloads
        assert (large.content_id, large.name, large.content_type) == ("groot", "groot é.xml", "application/xml")
        assert await content_of(world.ours, large) == LARGE
        assert (little.name, await content_of(world.ours, little)) == (None, b"klein")


async def test_bytes_that_are_too_many_for_a_row_go_to_the_blob_store() -> None:
    async with two_handlers() as world:
        await world.theirs.submit(b"<klein/>", LARGE)
        await acknowledged(world.theirs)
        assert world.theirs.blobs.names == {hole.blob for hole in world.theirs.goes[0].message.holes}
        assert await content_of(world.ours, world.ours.came[0].message.payloads[1]) == LARGE


@pytest.mark.statement(57, 142, 150)
@pytest.mark.parametrize("payload", [b"<een/>", LARGE], ids=["in-memory", "spooled"])
async def test_an_encrypted_message_arrives_in_clear_with_its_own_type(payload: bytes) -> None:
    async with two_handlers(encrypted) as world:
        await world.theirs.submit(payload)
        await acknowledged(world.theirs)
        [came] = world.ours.came[0].message.payloads
        assert (came.content_type, await content_of(world.ours, came)) == ("application/xml", payload)
        [(_, _, travelled)] = [post for post in world.network.posts if "gemeente" in post[0]]
        assert payload not in travelled
        assert b"EncryptedData" in travelled
        assert len(world.ours.blobs.names) == len(world.theirs.blobs.names) == (payload is LARGE)


@pytest.mark.statement(148, 149, 95)
async def test_a_payload_that_does_not_decrypt_is_answered_with_an_error() -> None:
    class Wrong(Keys):
        def unwrap(self, wrapped: bytes, transport: object) -> bytes:
            return b"\0" * 32

    async with two_handlers(encrypted) as world:
        world.ours.keys = Wrong()
        world.ours.handler = world.ours.started(HandlerSettings(sends=False))
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.ours.came)
        assert world.ours.came[0].message.error_code == "SecurityFailure"
        assert world.ours.told == []


@pytest.mark.statement(152)
async def test_nothing_is_encrypted_for_a_certificate_that_is_not_trusted() -> None:
    async with two_handlers(encrypted) as world:
        world.theirs.verdicts.problems = {KEY.certificate: "it was revoked"}
        with pytest.raises(TrustError, match="revoked"):
            await world.theirs.submit(LARGE)
        assert (world.theirs.goes, world.theirs.blobs.names) == ([], set())


@pytest.mark.statement(52)
async def test_a_best_effort_message_asks_for_nothing_and_is_delivered_by_a_2xx() -> None:
    async with two_handlers(best_effort) as world:
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.theirs.goes[0].state is State.DELIVERED)
        sent = envelope_of(world.theirs)
        assert (sent.ack_requested, sent.header.duplicate_elimination, sent.sync_reply) == (None, False, None)
        assert world.theirs.told == ["DELIVERED"]
        assert world.ours.goes == []


@pytest.mark.statement(59)
@pytest.mark.parametrize("wanted", [True, False])
async def test_what_the_cpa_leaves_to_each_message_is_as_the_application_wishes(wanted: bool) -> None:
    def per_message(agreement: Agreement) -> Agreement:
        def changed(channel: object) -> object:
            per = Characteristic.PER_MESSAGE
            return replace(channel, ack_requested=per, ack_signature_requested=per, duplicate_elimination=per)  # type: ignore[type-var]

        return replace(
            agreement,
            sends=tuple(replace(action, channel=changed(action.channel)) for action in agreement.sends),
            receives=tuple(replace(action, channel=changed(action.channel)) for action in agreement.receives),
        )

    async with two_handlers(per_message) as world:
        await world.theirs.submit(b"<een/>", wishes=Wishes(wanted, wanted, wanted))
        await until(lambda: world.theirs.goes[0].settled_at)
        sent = envelope_of(world.theirs)
        assert (sent.ack_requested is not None, sent.header.duplicate_elimination) == (wanted, wanted)
        assert (sent.ack_requested is not None and sent.ack_requested.signed) is wanted
        assert world.theirs.goes[0].state is (State.ACKNOWLEDGED if wanted else State.DELIVERED)


# --- What is refused -----------------------------------------------------------------------------------------


@pytest.mark.statement(45)
@pytest.mark.parametrize("action", ["onbekend", "noti ficeer", ACTION.action + " "])
async def test_an_action_that_the_cpa_does_not_let_us_send_is_refused_and_the_others_are_named(action: str) -> None:
    async with two_handlers() as world:
        with pytest.raises(SubmissionError, match=r"lets us send: dso:notificaties:1\.0 notificeer"):
            await world.theirs.handler.submitter.submit(world.theirs.cpa, Submission(ACTION.service, action))
        assert world.theirs.goes == []


async def test_a_service_without_type_stands_for_the_one_of_the_cpa() -> None:
    async with two_handlers() as world:
        service = Service(ACTION.service.value)
        await world.theirs.handler.submitter.submit(world.theirs.cpa, Submission(service, ACTION.action))
        assert envelope_of(world.theirs).header.service == ACTION.service


@pytest.mark.parametrize("name", ["", "met spatie", "<haken>", "x" * 1000, "regel\n"])
@pytest.mark.parametrize("which", ["message_id", "conversation_id", "ref_to_message_id"])
async def test_an_identifier_that_cannot_be_written_is_refused(which: str, name: str) -> None:
    async with two_handlers() as world:
        with pytest.raises(SubmissionError):
            await world.theirs.submit(b"<een/>", **{which: name})


@pytest.mark.parametrize("limits", [SubmissionLimits(payloads=1), SubmissionLimits(total=10)])
async def test_what_is_over_a_limit_is_refused(limits: SubmissionLimits) -> None:
    async with two_handlers() as world:
        world.theirs.handler = world.theirs.started(HandlerSettings(sends=False, submission=limits))
        with pytest.raises(SubmissionError):
            await world.theirs.submit(b"<een/>", b"<twee/>")


async def test_without_the_key_nothing_is_stored_and_nothing_stays_in_the_blob_store() -> None:
    async with two_handlers() as world:
        world.theirs.keys = Keys(None)
        world.theirs.handler = world.theirs.started(HandlerSettings(sends=False))
        with pytest.raises(TrustError):
            await world.theirs.submit(LARGE)
        assert (world.theirs.goes, world.theirs.blobs.names) == ([], set())
        assert len(world.theirs.blobs.written) == 1


# --- The same again ------------------------------------------------------------------------------------------


@pytest.mark.statement(41, 43)
async def test_identifiers_of_the_application_are_used_and_others_are_made() -> None:
    async with two_handlers() as world:
        name = await world.theirs.submit(b"<een/>", message_id="eigen@app", conversation_id="gesprek")
        assert name == "eigen@app"
        header = envelope_of(world.theirs).header
        assert (header.message_id, header.conversation_id, header.ref_to_message_id) == ("eigen@app", "gesprek", None)
        made = await world.theirs.submit(b"<een/>")
        assert made.endswith("@00000099000000001000.digikoppelaar")


async def test_submitting_the_same_again_sends_it_once() -> None:
    async with two_handlers() as world:
        for _ in range(3):
            assert await world.theirs.submit(b"<een/>", message_id="eigen@app") == "eigen@app"
        await acknowledged(world.theirs)
        assert (len(world.theirs.goes), len(world.ours.came)) == (1, 1)


@pytest.mark.parametrize("payload", [b"<twee/>", LARGE], ids=["in-memory", "spooled"])
async def test_another_message_under_the_same_name_is_refused(payload: bytes) -> None:
    async with two_handlers() as world:
        await world.theirs.submit(b"<een/>", message_id="eigen@app")
        with pytest.raises(SubmissionError, match="another message"):
            await world.theirs.submit(payload, message_id="eigen@app")
        assert (len(world.theirs.goes), world.theirs.blobs.names) == (1, set())


async def test_a_crash_between_commit_and_answer_costs_the_application_one_more_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_handlers() as world:
        real, calls = world.theirs.messages.queue_outbound, 0

        async def dies_after_the_commit(self: object, message: NewOutbound) -> int | None:
            nonlocal calls
            row, calls = await real(message), calls + 1
            if calls == 1:
                raise StorageError("the connection is lost")
            return row

        monkeypatch.setattr(type(world.theirs.messages), "queue_outbound", dies_after_the_commit)
        with pytest.raises(StorageError):
            await world.theirs.submit(LARGE, message_id="eigen@app")
        assert await world.theirs.submit(LARGE, message_id="eigen@app") == "eigen@app"
        [stored] = world.theirs.goes
        assert world.theirs.blobs.names == {hole.blob for hole in stored.message.holes}


# --- Sending again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [lambda agreement: agreement, encrypted], ids=["signed", "encrypted"])
async def test_a_message_is_sent_again_as_a_new_one_with_the_same_content(change: object) -> None:
    async with two_handlers(change) as world:  # type: ignore[arg-type]
        first = await world.theirs.submit(b"<een/>", LARGE)
        await acknowledged(world.theirs)
        second = await world.theirs.handler.submitter.resend(world.theirs.cpa, first)
        await acknowledged(world.theirs, 1)
        assert first != second
        contents = [
            [await content_of(world.ours, payload) for payload in stored.message.payloads] for stored in world.ours.came
        ]
        assert contents == [[b"<een/>", LARGE]] * 2


async def test_what_was_never_sent_cannot_be_sent_again() -> None:
    async with two_handlers() as world:
        with pytest.raises(SubmissionError, match="no message"):
            await world.theirs.handler.submitter.resend(world.theirs.cpa, "onbekend@app")


async def test_a_message_that_was_not_signed_is_not_sent_again_where_a_signature_is_due() -> None:
    async with two_handlers() as world:
        name = await world.theirs.submit(b"<een/>")
        stored = world.theirs.goes[0]
        document, _ = read_package(stored.message.content_type, stored.message.body)
        bare = document[: document.index(b"<ds:Signature")] + document[document.index(b"</ds:Signature>") + 15 :]
        stored.message = replace(stored.message, body=stored.message.body.replace(document, bare))
        with pytest.raises(SubmissionError, match="not signed"):
            await world.theirs.handler.submitter.resend(world.theirs.cpa, name)
