"""Receiving, over the twins and with real signatures: what each message makes durable, and what it is answered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document
from tests.unit.ebms.exchanges import CID, KEY, NOW, SIGNED_THEIRS, THEIRS, notification
from tests.unit.flows.ebms_world import (
    LARGE,
    NOTIFICATION,
    NUMBER,
    OMGEVING,
    Party,
    altered,
    dso,
    gemeente,
    message_of,
    plain,
    sent,
)

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.messages import EbxmlError, Envelope, Severity
from digikoppelaar.ebms.packaging import Packaged
from digikoppelaar.ebms.reliability import Event, State
from digikoppelaar.errors import EnvelopeError, MimeError, TooLarge
from digikoppelaar.flows.ports import Machtiging
from digikoppelaar.flows.receive import RECEIVED

STRANGER = "00000099000000009000"
UNKNOWN = replace(notification(SIGNED_THEIRS), header=replace(notification(SIGNED_THEIRS).header, cpa_id="cpa-x"))
UNSIGNED = message_of(notification(SIGNED_THEIRS), signed=False)
LATE = notification(SIGNED_THEIRS, now=NOW - timedelta(days=3))
"""A message that came after its TimeToLive."""


def from_dso(**header: Any) -> Envelope:
    """A notification with something else in its header."""
    envelope = notification(SIGNED_THEIRS)
    return replace(envelope, header=replace(envelope.header, **header))


async def delivered(sender: Party) -> None:
    """Everything of `sender` goes out and is taken."""
    for claimed in await sender.messages.claim(sender.watch.now(), timedelta(seconds=45), {}, 99):
        await sender.messages.settle_attempt(claimed, Event.DELIVERED, sender.watch.now(), status=204, detail="")


async def test_a_notification_is_stored_acknowledged_and_handed_over() -> None:
    ours = gemeente()
    message = message_of()
    assert await ours.receive(message) == RECEIVED
    [inbound], [acknowledgment] = ours.came, ours.goes
    assert (inbound.message.message_id, inbound.message.error_code) == ("m1@dso", None)
    assert inbound.message.document in message.body
    assert [(payload.content_id, payload.data) for payload in inbound.message.payloads] == [(CID, NOTIFICATION)]
    assert ours.notified == [NUMBER]
    assert inbound.answer_id == acknowledgment.id
    assert (acknowledgment.message.action, acknowledgment.message.ref_to_message_id) == ("Acknowledgment", "m1@dso")
    assert acknowledgment.message.endpoint == "https://dso.example/ebms"
    assert acknowledgment.message.due_at == ours.watch.now()
    assert ours.woken == 1


@pytest.mark.parametrize("signed", [True, False], ids=["osb-rm-s", "osb-rm"])
async def test_the_sender_takes_the_acknowledgment_for_what_it_is(signed: bool) -> None:
    ours, theirs = gemeente(signed=signed), dso(signed=signed)
    envelope, message = notification(theirs.agreement), message_of(signed=signed)
    await theirs.queue(envelope, message)
    await ours.receive(message)
    assert await theirs.receive(sent(ours.goes[0])) == RECEIVED
    assert theirs.goes[0].state is State.ACKNOWLEDGED
    assert [stored.answer_id for stored in theirs.came] == [None]
    assert theirs.notified == []


@pytest.mark.statement(96, 97)
async def test_a_duplicate_replays_the_same_acknowledgment_byte_for_byte() -> None:
    ours = gemeente()
    await ours.receive(message_of())
    first = sent(ours.goes[0])
    await delivered(ours)
    ours.watch.time += timedelta(minutes=5)
    assert await ours.receive(message_of()) == RECEIVED
    assert [sent(stored) for stored in ours.goes] == [first]
    assert (ours.goes[0].state, ours.goes[0].due_at) == (State.CREATED, ours.watch.now())
    assert (ours.notified, ours.woken) == ([NUMBER], 2)


async def test_another_message_under_a_known_message_id_is_refused() -> None:
    ours = gemeente()
    await ours.receive(message_of())
    answer = await ours.receive(message_of(payloads=[NOTIFICATION + b" "]))
    assert answer.status == 500
    assert b"faultcode>soap:Client" in answer.body
    assert (len(ours.came), len(ours.goes), ours.woken) == (1, 1, 1)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (altered(message_of()), "SecurityFailure"),
        (UNSIGNED, "SecurityFailure"),
        (message_of(LATE), "TimeToLiveExpired"),
        (message_of(from_dso(action="iets")), "ValueNotRecognized"),
    ],
    ids=["altered", "unsigned", "late", "unknown-action"],
)
async def test_a_message_that_is_wrong_is_kept_with_its_error_and_the_sender_hears_of_it(
    message: Packaged, code: str
) -> None:
    ours, theirs = gemeente(), dso()
    await theirs.queue(notification(SIGNED_THEIRS), message_of())
    assert await ours.receive(message) == RECEIVED
    [inbound], [error] = ours.came, ours.goes
    assert (inbound.message.error_code, inbound.job, inbound.message.payloads) == (code, None, ())
    assert inbound.answer_id == error.id
    assert error.message.action == "MessageError"
    assert ours.woken == 1
    await theirs.receive(sent(error))
    assert theirs.goes[0].state is State.FAILED
    assert theirs.goes[0].reason.startswith(code)


@pytest.mark.statement(98)
async def test_a_rejected_message_that_comes_again_gets_the_same_error_again() -> None:
    ours = gemeente()
    for _ in range(2):
        await ours.receive(altered(message_of()))
    assert (len(ours.came), len(ours.goes), ours.woken) == (1, 1, 2)


async def test_a_certificate_of_another_is_refused_with_both_oins() -> None:
    ours = gemeente()
    answer = await ours.receive(message_of(), oin=STRANGER)
    assert answer.status == 403
    assert STRANGER.encode() in answer.body
    assert DSO.encode() in answer.body
    assert (ours.came, ours.goes) == ([], [])


async def test_a_machtiging_lets_a_leverancier_send_with_its_own_certificate() -> None:
    ours = gemeente()
    ours.registry.machtigingen.append(Machtiging(OMGEVING, STRANGER, DSO, NOW, "A. Tester"))
    assert await ours.receive(message_of(), oin=STRANGER) == RECEIVED
    assert ours.notified == [NUMBER]


@pytest.mark.statement(34, 225)
async def test_an_unknown_cpa_stores_nothing() -> None:
    ours = gemeente()
    answer = await ours.receive(message_of(UNKNOWN))
    assert answer.status == 500
    assert b"cpa-x" in answer.body
    assert (ours.came, ours.goes, ours.woken) == ([], [], 0)


@pytest.mark.statement(161)
@pytest.mark.parametrize("value", [None, "", "ebxml", '"soap"'])
async def test_another_soap_action_is_refused_before_the_body_is_read(value: str | None) -> None:
    ours = gemeente()
    with pytest.raises(EnvelopeError) as refused:
        await ours.receive(message_of(payloads=[LARGE]), soap_action=value)
    assert (refused.value.wire.http_status, refused.value.wire.soap_fault) == (500, "Client")
    assert ours.blobs.written == []


async def test_a_soap_action_without_its_quotes_is_forgiven() -> None:
    ours = gemeente()
    assert await ours.receive(message_of(), soap_action="ebXML") == RECEIVED


# --- Signals -------------------------------------------------------------------------------------------------


@pytest.mark.statement(153, 154)
async def test_a_ping_is_answered_with_a_pong_that_settles_it() -> None:
    ours, theirs = gemeente(), dso()
    ping = answers.ping(THEIRS, message_id="ping@dso", conversation_id="c2", now=NOW)
    await theirs.queue(ping, plain(ping))
    assert await ours.receive(plain(ping)) == RECEIVED
    assert [stored.message.action for stored in ours.goes] == ["Pong"]
    assert ours.notified == []
    await theirs.receive(sent(ours.goes[0]))
    assert theirs.goes[0].state is State.ACKNOWLEDGED


async def test_an_acknowledgment_that_refers_only_in_its_element_settles_too() -> None:
    ours, theirs = gemeente(signed=False), dso(signed=False)
    await theirs.queue(notification(), message_of(signed=False))
    acknowledgment = answers.acknowledgment(notification(), ours.agreement, message_id="a1@g", now=NOW)
    header = replace(acknowledgment.header, ref_to_message_id=None)
    await theirs.receive(plain(replace(acknowledgment, header=header)))
    assert theirs.goes[0].state is State.ACKNOWLEDGED


async def test_a_signal_about_nothing_of_ours_is_dropped_without_a_trace() -> None:
    theirs = dso()
    error = EbxmlError("SecurityFailure", Severity.ERROR, "invalid", "//Header/Signature")
    for signal in (
        answers.message_error(notification(), gemeente().agreement, [error], message_id="e1@g", now=NOW),
        answers.acknowledgment(notification(), gemeente().agreement, message_id="a1@g", now=NOW),
    ):
        assert await theirs.receive(plain(signal)) == RECEIVED
    assert (theirs.came, theirs.goes, theirs.woken) == ([], [], 0)


async def test_an_acknowledgment_that_comes_twice_is_stored_once() -> None:
    ours, theirs = gemeente(), dso()
    await theirs.queue(notification(SIGNED_THEIRS), message_of())
    await ours.receive(message_of())
    for _ in range(2):
        assert await theirs.receive(sent(ours.goes[0])) == RECEIVED
    assert len(theirs.came) == 1


# --- What cannot be read is kept -----------------------------------------------------------------------------

UNREADABLE = {
    "no-number": b"<notificatie/>",
    "bad-number": b"<verzoeknummer>../../etc</verzoeknummer>",
    "not-xml": b"%PDF-1.7",
    "empty": b"",
    "doctype": b'<!DOCTYPE n [<!ENTITY e "x">]><n><verzoeknummer>&e;</verzoeknummer></n>',
    "deep": b"<n>" * 300 + b"</n>" * 300,
    "large": NOTIFICATION.replace(b"</notificatie>", b"<x>" + b"x" * 1_100_000 + b"</x></notificatie>"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_notification_that_cannot_be_read_is_acknowledged_and_kept_with_its_problem(name: str) -> None:
    ours = gemeente()
    assert await ours.receive(message_of(payloads=[UNREADABLE[name]])) == RECEIVED
    [inbound], [acknowledgment] = ours.came, ours.goes
    assert acknowledgment.message.action == "Acknowledgment"
    assert inbound.job
    assert inbound.job.verzoeknummer == ""
    assert inbound.job.problem
    assert [payload.size for payload in inbound.message.payloads] == [len(UNREADABLE[name])]


async def test_a_message_without_payload_is_kept_with_its_problem() -> None:
    ours, envelope = gemeente(signed=False), replace(notification(), manifest=None)
    assert await ours.receive(plain(envelope)) == RECEIVED
    assert [stored.job and stored.job.problem for stored in ours.came] != [None]
    assert ours.goes[0].message.action == "Acknowledgment"


# --- Large payloads ------------------------------------------------------------------------------------------


async def test_a_large_payload_stays_in_the_blob_store() -> None:
    ours = gemeente()
    assert await ours.receive(message_of(payloads=[LARGE])) == RECEIVED
    [payload] = ours.came[0].message.payloads
    assert (payload.data, payload.size, {payload.blob}) == (None, len(LARGE), ours.blobs.names)
    assert b"".join([piece async for piece in ours.blobs.get(payload.blob or "")]) == LARGE
    assert ours.notified == [NUMBER]


@pytest.mark.statement(14)
async def test_a_part_that_the_manifest_does_not_name_is_not_kept() -> None:
    ours = gemeente(signed=False)
    assert await ours.receive(message_of(signed=False, payloads=[NOTIFICATION, LARGE])) == RECEIVED
    assert [payload.content_id for payload in ours.came[0].message.payloads] == [CID]
    assert len(ours.blobs.written) == 1
    assert ours.blobs.names == set()


async def test_a_large_payload_that_is_not_taken_in_is_removed() -> None:
    ours = gemeente()
    await ours.receive(altered(message_of(payloads=[LARGE])))
    assert len(ours.blobs.written) == 1
    assert ours.blobs.names == set()


@pytest.mark.statement(225)
@pytest.mark.parametrize(
    ("message", "oin"),
    [(message_of(payloads=[LARGE]), STRANGER), (message_of(UNKNOWN, [LARGE]), DSO)],
    ids=["stranger", "unknown-cpa"],
)
async def test_nothing_is_spooled_for_whoever_may_not_send(message: Packaged, oin: str) -> None:
    ours = gemeente()
    assert (await ours.receive(message, oin=oin)).status >= 400
    assert ours.blobs.written == []


async def test_a_large_payload_of_a_duplicate_is_removed_and_that_of_the_first_stays() -> None:
    ours = gemeente()
    for _ in range(2):
        assert await ours.receive(message_of(payloads=[LARGE])) == RECEIVED
    assert len(ours.blobs.written) == 2
    assert ours.blobs.names == {ours.came[0].message.payloads[0].blob}


@pytest.mark.statement(13)
@pytest.mark.parametrize("end", [b"", b"\r\n--grens\r\nContent-Type: text/plain\r\n\r\nx"], ids=["cut-off", "part"])
async def test_a_large_payload_of_a_body_that_breaks_is_removed(end: bytes) -> None:
    ours, message = gemeente(), message_of(payloads=[LARGE])
    with pytest.raises(MimeError):
        await ours.receive(replace(message, body=message.body[: -len(b"\r\n--grens--\r\n")] + end))
    assert (ours.came, ours.blobs.names) == ([], set())


async def test_a_soap_part_over_its_limit_is_refused_wherever_it_stands() -> None:
    ours, message = gemeente(), message_of(payloads=[LARGE])
    ours.limits = replace(ours.limits, soap=1000)
    with pytest.raises(TooLarge):
        await ours.receive(message)
    assert ours.blobs.names == set()


# --- Where the SOAP part is, and how it was signed -----------------------------------------------------------


def soap_last(message: Packaged) -> Packaged:
    """The same message, its parts the other way round."""
    _, soap, other, _ = message.body.split(b"--grens")
    swapped = b"--grens".join([b"", other, soap, b"--\r\n"])
    assert swapped.index(b"<notificatie>") < swapped.index(b"eb:MessageHeader")
    return replace(message, body=swapped)


@pytest.mark.statement(4)
async def test_start_may_name_a_later_part() -> None:
    ours = gemeente()
    assert await ours.receive(soap_last(message_of())) == RECEIVED
    assert ours.notified == [NUMBER]


async def test_what_comes_before_the_soap_part_must_fit_in_memory() -> None:
    ours = gemeente()
    with pytest.raises(TooLarge):
        await ours.receive(soap_last(message_of(payloads=[LARGE])))
    assert ours.blobs.written == []


async def test_start_that_names_no_part_is_refused() -> None:
    message = message_of()
    with pytest.raises(MimeError):
        await gemeente().receive(replace(message, content_type=message.content_type.replace("soap@", "zeep@")))


@pytest.mark.parametrize("payload", [NOTIFICATION, LARGE], ids=["in-memory", "spooled"])
async def test_a_signature_with_sha_512_gets_the_digests_it_needs(payload: bytes) -> None:
    document = cpa_document(signed=True, ack_signed=True, certificate=KEY.certificate)
    sha512 = document.replace("xmlenc#sha256", "xmlenc#sha512").encode()
    ours = Party(GEMEENTE, read_agreement(sha512, {GEMEENTE}))
    envelope = notification(read_agreement(sha512, {DSO}))
    assert await ours.receive(message_of(envelope, [payload], digest_method=names.SHA512)) == RECEIVED
    assert ours.notified == [NUMBER]
    assert ours.came[0].message.error_code is None


async def test_a_digest_of_an_algorithm_that_is_not_allowed_is_the_sender_s_error() -> None:
    ours, message = gemeente(), message_of()
    weak = message.body.replace(b"xmlenc#sha256", b"xmldsig#sha1")
    assert await ours.receive(replace(message, body=weak)) == RECEIVED
    assert ours.came[0].message.error_code == "SecurityFailure"
