"""A CPA in words: what it says, line by line, and what another version of it says otherwise.

Whom it is shown to does not matter: both parties are named by their PartyId. Values are text for people.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Side
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.errors import TrustError
from digikoppelaar.pki.certificate import read_certificate


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes: `before` None is new, `after` None is gone."""

    what: str
    before: str | None
    after: str | None


def summary(document: bytes) -> Mapping[str, str]:
    """What the CPA says, by name. Raises CpaError, XmlError or TooLarge."""
    first, second = (side.party_ids[0].value for side in cpa_names(document).parties)
    agreement = read_agreement(document, {first})
    return dict(_lines(agreement, first, second))


def difference(before: bytes, after: bytes) -> tuple[Difference, ...]:
    """What `after` says otherwise than `before`. Raises CpaError, XmlError or TooLarge."""
    old, new = summary(before), summary(after)
    return tuple(
        Difference(what, old.get(what), new.get(what))
        for what in dict.fromkeys((*old, *new))
        if old.get(what) != new.get(what)
    )


def certificate_line(der: bytes) -> str:
    """Holder, last day and fingerprint of a certificate."""
    try:
        found = read_certificate(der)
    except TrustError:
        return "cannot be read"
    holder = found.subject_serial or found.subject
    return f"{holder} until {_day(found.not_after)} sha256 {found.sha256}"


def _lines(agreement: Agreement, first: str, second: str) -> Iterator[tuple[str, str]]:
    yield "cpa id", agreement.cpa_id
    yield "start", _day(agreement.starts_at)
    yield "end", _day(agreement.ends_at)
    for number, side in enumerate((agreement.ours, agreement.theirs), 1):
        yield from _party(f"party {number}", side)
    for action in agreement.sends:
        yield from _action(action, f"{first} -> {second}")
    for action in agreement.receives:
        yield from _action(action, f"{second} -> {first}")
    yield from _channel(f"signals {first} -> {second}", agreement.our_signals)
    yield from _channel(f"signals {second} -> {first}", agreement.their_signals)
    for sender, overrides in ((first, agreement.our_overrides), (second, agreement.their_overrides)):
        for name in overrides:
            yield from _channel(f"signal {name} of {sender}", overrides[name])


def _party(what: str, side: Side) -> Iterator[tuple[str, str]]:
    yield what, f"{side.name} ({', '.join(each.value for each in side.party_ids)})"
    for number, der in enumerate(side.transport_certificates, 1):
        yield f"{what} tls certificate {number}", certificate_line(der)


def _action(action: Action, direction: str) -> Iterator[tuple[str, str]]:
    what = f"{action.service.value} {action.action} {direction}"
    yield f"{what}: profile", action.profile
    yield f"{what}: roles", f"{action.sender_role} -> {action.receiver_role}"
    yield from _channel(what, action.channel)


def _channel(what: str, channel: Channel) -> Iterator[tuple[str, str]]:
    yield f"{what}: endpoint", channel.endpoint
    yield f"{what}: acknowledgment", f"{channel.ack_requested.value}, signed {channel.ack_signature_requested.value}"
    yield f"{what}: duplicate elimination", channel.duplicate_elimination.value
    yield f"{what}: synchronous", channel.sync_reply_mode
    if channel.reliable_messaging is not None:
        reliable = channel.reliable_messaging
        yield f"{what}: retries", f"{reliable.retries} every {reliable.retry_interval}"
    if channel.persist_duration is not None:
        yield f"{what}: persist duration", str(channel.persist_duration)
    if channel.signing is not None:
        yield f"{what}: signature", f"{channel.signing.signature_algorithm} with {channel.signing.digest_method}"
        yield f"{what}: signing certificate", certificate_line(channel.signing.certificate)
    if channel.encryption is not None:
        yield f"{what}: encryption", channel.encryption.algorithm
        yield f"{what}: encryption certificate", certificate_line(channel.encryption.certificate)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z" if moment.hour or moment.minute else f"{moment:%Y-%m-%d}"
