"""Building what we send: signals that answer or ask, and business messages. Pure: identifiers and time are arguments.

Every builder returns the Envelope; `packaging.package` turns it into bytes, signed where the CPA says so. Signals have
no Role, no AckRequested, no DuplicateElimination, no TimeToLive and no Manifest (statement 89); on receipt we take
acknowledgments with and without Role, for peers differ in it (peer-ebms-core.md, 5.2).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Characteristic
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    AckRequested,
    EbxmlError,
    Envelope,
    Manifest,
    MessageHeader,
    Party,
    Service,
    SignedReference,
    StatusResponse,
    SyncReply,
)
from digikoppelaar.ebms.reliability import retry_window

TIME_TO_LIVE_MARGIN: Final = timedelta(minutes=1)
"""How much TimeToLive exceeds the retry window when PersistDuration does not (7g)."""


def acknowledgment(
    received: Envelope,
    agreement: Agreement,
    *,
    message_id: str,
    now: datetime,
    references: Sequence[SignedReference] = (),
) -> Envelope:
    """The acknowledgment of `received`.

    `references` are all ds:Reference elements of its signature, when a signed acknowledgment is asked: then the caller
    must sign the result with `agreement.our_signal("Acknowledgment").signing` (2.10, statement 136).
    """
    header = _reply(received, agreement, names.ACKNOWLEDGMENT, message_id=message_id, now=now)
    return Envelope(
        header=header,
        acknowledgment=Acknowledgment(
            timestamp=now,
            ref_to_message_id=received.header.message_id,
            from_party_ids=header.from_party.party_ids,
            references=tuple(references),
        ),
    )


def message_error(
    received: Envelope,
    agreement: Agreement,
    errors: Sequence[EbxmlError],
    *,
    message_id: str,
    now: datetime,
) -> Envelope:
    """The MessageError that tells what is wrong with `received` (2.7). `errors` has at least one error."""
    header = _reply(received, agreement, names.MESSAGE_ERROR, message_id=message_id, now=now)
    return Envelope(header=header, errors=tuple(errors))


def ping(agreement: Agreement, *, message_id: str, conversation_id: str, now: datetime) -> Envelope:
    """Are you there? The answer is a Pong (2.8)."""
    return Envelope(
        header=_question(agreement, names.PING, message_id=message_id, conversation_id=conversation_id, now=now)
    )


def status_request(
    agreement: Agreement, about: str, *, message_id: str, conversation_id: str, now: datetime
) -> Envelope:
    """What became of our message with MessageId `about`? The answer is a StatusResponse (2.8)."""
    header = _question(agreement, names.STATUS_REQUEST, message_id=message_id, conversation_id=conversation_id, now=now)
    return Envelope(header=header, status_request=about)


def pong(received: Envelope, agreement: Agreement, *, message_id: str, now: datetime) -> Envelope:
    """The answer to the Ping `received` (statement 153)."""
    return Envelope(header=_reply(received, agreement, names.PONG, message_id=message_id, now=now))


def status_response(
    received: Envelope, agreement: Agreement, told: StatusResponse, *, message_id: str, now: datetime
) -> Envelope:
    """The answer to the StatusRequest `received`; `told` comes from `status.status_of` (statements 155-157)."""
    header = _reply(received, agreement, names.STATUS_RESPONSE, message_id=message_id, now=now)
    return Envelope(header=header, status_response=told)


def business_message(
    agreement: Agreement,
    action: Action,
    *,
    message_id: str,
    conversation_id: str,
    now: datetime,
    hrefs: Sequence[str] = (),
    ref_to_message_id: str | None = None,
    acknowledge: bool | None = None,
    eliminate_duplicates: bool | None = None,
) -> Envelope:
    """A business message that we send as `action`, one of `agreement.sends`; `hrefs` name its payloads (`cid:...`).

    `acknowledge` and `eliminate_duplicates` are the application's wish; it counts where the CPA says perMessage, and no
    wish is yes (statement 59). Without AckRequested in the result the message is best effort: no ReliableMessaging of
    the channel applies to it. The caller signs when `action.sender_signs` and encrypts when `action.encrypted`.
    Header from CPA: digikoppeling-ebms2.md, 4.6.
    """
    channel = action.channel
    asked = _ack_requested(channel) if _present(channel.ack_requested, acknowledge) else None
    return Envelope(
        header=MessageHeader(
            from_party=Party(agreement.ours.party_ids, action.sender_role),
            to_party=Party(agreement.theirs.party_ids, action.receiver_role),
            cpa_id=agreement.cpa_id,
            conversation_id=conversation_id,
            service=action.service,
            action=action.action,
            message_id=message_id,
            timestamp=now,
            ref_to_message_id=ref_to_message_id,
            time_to_live=time_to_live(channel, now) if asked else None,
            duplicate_elimination=_present(channel.duplicate_elimination, eliminate_duplicates),
        ),
        sync_reply=SyncReply() if channel.synchronous else None,
        ack_requested=asked,
        manifest=Manifest(tuple(hrefs)) if hrefs else None,
    )


def time_to_live(channel: Channel, now: datetime) -> datetime | None:
    """Until when a message sent `now` may arrive: later than the last retry, so none when there are no retries.

    Timestamp + PersistDuration when that exceeds the retry window, else a little more than the window (7g).
    """
    if channel.ack_requested is Characteristic.NEVER or channel.reliable_messaging is None:
        return None
    window = retry_window(channel.reliable_messaging)
    persist = channel.persist_duration
    return now + (persist if persist is not None and persist > window else window + TIME_TO_LIVE_MARGIN)


def _present(agreed: Characteristic, wish: bool | None) -> bool:
    if agreed is Characteristic.PER_MESSAGE:
        return wish is not False
    return agreed is Characteristic.ALWAYS


def _ack_requested(channel: Channel) -> AckRequested:
    return AckRequested(signed=channel.ack_signature_requested is Characteristic.ALWAYS)


def _question(
    agreement: Agreement, action: str, *, message_id: str, conversation_id: str, now: datetime
) -> MessageHeader:
    """The header of a signal that we send of our own accord. It never has SyncReply, as the Java handler has it."""
    return MessageHeader(
        from_party=Party(agreement.ours.party_ids),
        to_party=Party(agreement.theirs.party_ids),
        cpa_id=agreement.cpa_id,
        conversation_id=conversation_id,
        service=Service(names.MSH_SERVICE),
        action=action,
        message_id=message_id,
        timestamp=now,
    )


def _reply(received: Envelope, agreement: Agreement, action: str, *, message_id: str, now: datetime) -> MessageHeader:
    """The header of a signal that answers `received`: parties reversed, same CPA and conversation (2.6, KS-14)."""
    asked = received.header
    # Parties that are not the CPA's are perhaps what is wrong with the message: then the CPA says who we are.
    ours = asked.to_party.party_ids if agreement.ours.owns(asked.to_party.party_ids) else agreement.ours.party_ids
    to = asked.from_party.party_ids
    return MessageHeader(
        from_party=Party(ours),
        to_party=Party(to if agreement.theirs.owns(to) else agreement.theirs.party_ids),
        cpa_id=agreement.cpa_id,
        conversation_id=asked.conversation_id,
        service=Service(names.MSH_SERVICE),
        action=action,
        message_id=message_id,
        timestamp=now,
        ref_to_message_id=asked.message_id,
    )
