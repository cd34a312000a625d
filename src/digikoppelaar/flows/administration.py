"""What an administrator does: put on record who is connected to what, import a CPA, and ping a partner."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.ebms.packaging import package
from digikoppelaar.errors import ConfigError, CpaError
from digikoppelaar.flows.outbound import domain_of, to_send
from digikoppelaar.flows.ports import Aansluiting, Clock, CpaRecord, Ids, MessageStore, is_sandbox
from digikoppelaar.flows.reading import Direction, MessageFilter, Reading
from digikoppelaar.flows.registration import AansluitingEntry, Change, Entry, difference
from digikoppelaar.pki.oin import without_environment_suffix

LOOK_EVERY: Final = 0.1
"""Seconds between two looks for the Pong."""
_WITH_CPA: Final = frozenset({"stam"})
"""Kinds of aansluiting that go over ebMS; DROP is SOAP without a CPA."""
_NO_PONG_WILL_COME: Final = frozenset({"refused", "failed", "expired"})


class Records(Protocol):
    """The write side of the registry; every method is one transaction."""

    async def entries(self) -> Sequence[Entry]:
        """Everything on record."""

    async def apply(self, changes: Sequence[Change], now: datetime) -> None:
        """Make every change, or none. Raises ConfigError when an entry refers to something that is not there."""

    async def aansluitingen(self) -> Sequence[Aansluiting]:
        """All aansluitingen."""

    async def cpas(self) -> Sequence[CpaRecord]:
        """All CPAs."""

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """The CPA under this name in this omgeving."""

    async def import_cpa(
        self, aansluiting_id: int, document: bytes, agreement: Agreement, now: datetime, *, replace: bool = False
    ) -> bool:
        """Keep the CPA; whether anything changed.

        Raises ConfigError when its CPAId is there with other content and `replace` is False.
        """


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    cpa: CpaRecord
    changed: bool


@dataclass(frozen=True, slots=True)
class PingResult:
    """How a Ping went after `seconds`: `state` is answered, refused (by an error) or the state of the Ping itself."""

    message_id: str
    pong: bool
    seconds: float
    state: str
    reason: str | None


async def apply_registration(
    records: Records, entries: Sequence[Entry], *, dry_run: bool, embedded: bool, now: datetime
) -> tuple[Change, ...]:
    """The difference with what is on record, made so unless `dry_run`. Applying the same again changes nothing."""
    for entry in entries:
        if isinstance(entry, AansluitingEntry):
            refuse_embedded(entry.omgeving, embedded=embedded)
    changes = difference(await records.entries(), entries)
    if changes and not dry_run:
        await records.apply(changes, now)
    return changes


def refuse_embedded(omgeving: str, *, embedded: bool) -> None:
    """Raises ConfigError for a real omgeving on the embedded PostgreSQL, which is for trying out only (ADR 2)."""
    if embedded and not is_sandbox(omgeving):
        raise ConfigError(
            f"an aansluiting in {omgeving} needs database.url: the embedded PostgreSQL is for trying out",
            advice="Stel in digikoppelaar.toml database.url in op een eigen PostgreSQL-server met reservekopieën.",
        )


async def import_cpa(
    records: Records, document: bytes, *, omgeving: str | None, replace: bool, now: datetime
) -> Imported:
    """Import a CPA for the aansluiting whose organisatie is one of its two parties.

    Raises CpaError when it cannot be used, ConfigError when not exactly one aansluiting fits.
    """
    aansluiting = _aansluiting_of(document, await records.aansluitingen(), omgeving)
    agreement = read_agreement(document, _our_party_ids(document, aansluiting))
    lab = is_sandbox(aansluiting.omgeving)
    found = findings(agreement, now=now, lab=lab)
    if found:
        raise CpaError(
            "this CPA cannot be used: " + ", ".join(f"{finding.code} ({finding.where})" for finding in found),
            advice=" ".join(dict.fromkeys(finding.sentence for finding in found)),
        )
    changed = await records.import_cpa(aansluiting.id, document, agreement, now, replace=replace)
    cpa = await records.cpa(aansluiting.omgeving, agreement.cpa_id)
    assert cpa is not None, "it was imported a moment ago, and nothing is removed"
    return Imported(cpa, changed)


def _aansluiting_of(document: bytes, aansluitingen: Sequence[Aansluiting], omgeving: str | None) -> Aansluiting:
    parties = _oins(document)
    fitting = [
        each
        for each in aansluitingen
        if each.organisatie_oin in parties and each.kind in _WITH_CPA and omgeving in {None, each.omgeving}
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ConfigError(
            f"no aansluiting{f' in {omgeving}' if omgeving else ''} of {' or '.join(sorted(parties))}",
            advice="Leg de aansluiting van deze organisatie eerst vast met `digikoppelaar organisatie apply`.",
        )
    raise ConfigError(
        "more than one aansluiting fits: " + ", ".join(f"{each.organisatie_oin} {each.omgeving}" for each in fitting),
        advice="Kies de omgeving met --omgeving.",
    )


def _oins(document: bytes) -> set[str]:
    return {without_environment_suffix(value) for value in _party_ids(document)}


def _our_party_ids(document: bytes, aansluiting: Aansluiting) -> set[str]:
    ours = aansluiting.organisatie_oin
    return {value for value in _party_ids(document) if without_environment_suffix(value) == ours}


def _party_ids(document: bytes) -> set[str]:
    return {party_id.value for side in cpa_names(document).parties for party_id in side.party_ids}


async def ping(
    cpa: CpaRecord, messages: MessageStore, reading: Reading, ids: Ids, clock: Clock, *, timeout: float
) -> PingResult:
    """Have the running gateway send a Ping, and wait at most `timeout` seconds for the Pong (2.8)."""
    started = clock.now()
    envelope = answers.ping(
        cpa.agreement, message_id=ids.message_id(domain_of(cpa)), conversation_id=ids.conversation_id(), now=started
    )
    message_id = envelope.header.message_id
    packaged = package(envelope, signing=None, sign=None, boundary=message_id, soap_content_id=message_id)
    await messages.queue_outbound(to_send(cpa, envelope, packaged, started))
    while True:
        result = await _look(reading, cpa, message_id, (clock.now() - started).total_seconds())
        if result.pong or result.state in _NO_PONG_WILL_COME or not result.seconds < timeout:
            return result
        await asyncio.sleep(LOOK_EVERY)


async def _look(reading: Reading, cpa: CpaRecord, message_id: str, seconds: float) -> PingResult:
    aansluiting = cpa.aansluiting
    came = MessageFilter(aansluiting.omgeving, aansluiting.organisatie_oin, Direction.IN)
    for row in await reading.messages(came):
        if row.ref_to_message_id == message_id and row.action == names.PONG:
            return PingResult(message_id, pong=True, seconds=seconds, state="answered", reason=None)
        if row.ref_to_message_id == message_id:
            reason = f"the answer is {row.action} {row.message_id}"
            return PingResult(message_id, pong=False, seconds=seconds, state="refused", reason=reason)
    (sent,) = await reading.messages(MessageFilter(direction=Direction.OUT, message_id=message_id))
    return PingResult(message_id, pong=False, seconds=seconds, state=sent.state, reason=sent.reason)
