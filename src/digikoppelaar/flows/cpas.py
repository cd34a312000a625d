"""What an administrator does with CPAs: judge, import, set, remove, choose the one to send under, and preview.

The rules are in `ebms.cpa_findings`; storing is for the registry. What an application does with its own CPAs is in
`application_cpas`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.ebms import answers
from digikoppelaar.ebms.agreement import Action, Agreement, Side, Tolerances
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_findings import check_usable, findings
from digikoppelaar.ebms.cpa_subject import Finding, Judgement
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, Consumer, CpaRecord, is_sandbox
from digikoppelaar.pki.oin import without_environment_suffix
from digikoppelaar.pki.policy import policy_of

WITH_CPA: Final = frozenset({"stam", "ebms"})
"""Kinds of aansluiting that go over ebMS; DROP is SOAP without a CPA."""
TOLERANCES: Final = tuple(field.name.replace("_", "-") for field in fields(Tolerances))
"""The tolerances by the names that people give."""


class Machtigingen(Protocol):
    """Who may act for whom."""

    async def machtigingen(self, omgeving: str, now: datetime) -> Mapping[str, frozenset[str]]:
        """By OIN: for which OINs its holder may act in this omgeving."""


class CpaRecords(Machtigingen, Protocol):
    """The CPAs on record; every method is one transaction and raises StorageError."""

    async def aansluitingen(self, oin: str | None = None) -> Sequence[Aansluiting]:
        """All aansluitingen, or those of this organisatie."""

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """The CPA under this name in this omgeving."""

    async def import_cpa(
        self,
        aansluiting_id: int,
        document: bytes,
        agreement: Agreement,
        now: datetime,
        *,
        replace: bool = False,
        consumer: Consumer | None = None,
        tolerances: Tolerances | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Keep the CPA; whether anything changed, or with `dry_run` would change.

        Raises ConfigError when its CPAId is there with other content and `replace` is False.
        """

    async def set_cpa(self, row_id: int, *, consumer: Consumer | None, tolerances: Tolerances | None) -> bool:
        """Give it another consumer or other tolerances; None leaves them."""

    async def remove_cpa(self, row_id: int, now: datetime) -> bool:
        """Stop using it; its messages stay readable. Whether anything changed."""

    async def waiting_under(self, row_id: int) -> int:
        """How many messages under it are not settled."""


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What the administrator says beside the document; None leaves it to what is on record and to the omgeving.

    `organisatie` is an OIN, needed when both parties of the CPA are of this installation.
    """

    omgeving: str | None = None
    kind: str | None = None
    organisatie: str | None = None
    consumer: Consumer | None = None
    tolerances: Tolerances | None = None
    policies: Mapping[str, str] | None = None
    """The policy that is configured, by omgeving; others have the default (pki.policy)."""
    replace: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or with `dry_run` would do. The row id of a CPA that is not there yet is 0."""

    cpa: CpaRecord
    changed: bool
    findings: tuple[Finding, ...] = ()
    """Warnings and information: with an error it is not imported."""


def tolerances_of(switched_on: Iterable[str]) -> Tolerances:
    """The tolerances with these names, such as `next-msh`. Raises ConfigError for an unknown one."""
    found = set(switched_on)
    if unknown := found - set(TOLERANCES):
        raise ConfigError(
            f"unknown tolerance {', '.join(sorted(unknown))}; there are {', '.join(TOLERANCES)}",
            advice="Kies een van deze toleranties.",
        )
    return Tolerances(**{name.replace("-", "_"): True for name in found})


def names_of(tolerances: Tolerances) -> tuple[str, ...]:
    """The names of the tolerances that are switched on."""
    return tuple(name.replace("_", "-") for name, on in asdict(tolerances).items() if on)


async def import_cpa(records: CpaRecords, document: bytes, choice: ImportChoice, *, now: datetime) -> Imported:
    """Import a CPA for the aansluiting whose organisatie is one of its two parties.

    Raises CpaError when it cannot be used, XmlError when it is no document, ConfigError when not exactly one
    aansluiting fits.
    """
    names = cpa_names(document)
    own = [each for oin in sorted(_oins(document)) for each in await records.aansluitingen(oin)]
    aansluiting = _aansluiting_of(_oins(document), own, choice)
    known = await records.cpa(aansluiting.omgeving, names.cpa_id)
    tolerances = choice.tolerances or (known.agreement.tolerances if known else Tolerances())
    judgement = await judgement_in(aansluiting.omgeving, records, choice.policies or {}, now)
    found = findings(document, replace(judgement, tolerances=tolerances))
    check_usable(found)
    agreement = replace(read_agreement(document, _our_party_ids(document, aansluiting)), tolerances=tolerances)
    changed = await records.import_cpa(
        aansluiting.id,
        document,
        agreement,
        now,
        replace=choice.replace,
        consumer=choice.consumer,
        tolerances=choice.tolerances,
        dry_run=choice.dry_run,
    )
    kept = None if choice.dry_run else await records.cpa(aansluiting.omgeving, agreement.cpa_id)
    return Imported(kept or _would_be(known, aansluiting, agreement, choice), changed, found)


async def remove_cpa(records: CpaRecords, cpa: CpaRecord, *, force: bool, now: datetime) -> bool:
    """Stop using a CPA; whether anything changed.

    Raises ConfigError while messages under it wait, unless `force`: their acknowledgments would be refused.
    """
    waiting = 0 if force else await records.waiting_under(cpa.id)
    if waiting:
        raise ConfigError(
            f"{waiting} messages under CPA {cpa.agreement.cpa_id} are not settled",
            advice="Wacht tot ze zijn bevestigd (zie `digikoppelaar message list`), of verwijder toch met --force: "
            "bevestigingen onder deze CPA worden dan geweigerd.",
        )
    return await records.remove_cpa(cpa.id, now)


def _would_be(
    known: CpaRecord | None, aansluiting: Aansluiting, agreement: Agreement, choice: ImportChoice
) -> CpaRecord:
    usual = Consumer.INTAKE if aansluiting.kind == "stam" else Consumer.REST
    consumer = choice.consumer or (known.consumer if known else usual)
    return CpaRecord(known.id if known else 0, aansluiting, agreement, consumer)


async def judgement_in(omgeving: str, records: Machtigingen, policies: Mapping[str, str], now: datetime) -> Judgement:
    """By what CPAs are judged in an omgeving: its policy, as configured in `policies`, and its machtigingen.

    Tolerances belong to one CPA: the caller adds them.
    """
    return Judgement(
        now,
        policy_of(omgeving, policies.get(omgeving), sandbox=is_sandbox(omgeving)),
        await records.machtigingen(omgeving, now),
        production=omgeving == "prod",
    )


def _aansluiting_of(parties: set[str], aansluitingen: Sequence[Aansluiting], choice: ImportChoice) -> Aansluiting:
    fitting = [
        each
        for each in aansluitingen
        if each.organisatie_oin in parties
        and each.kind in WITH_CPA
        and choice.omgeving in {None, each.omgeving}
        and choice.kind in {None, each.kind}
        and choice.organisatie in {None, each.organisatie_oin}
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        where = f" in {choice.omgeving}" if choice.omgeving else ""
        raise ConfigError(
            f"no aansluiting{where} of {' or '.join(sorted(parties))}",
            advice="Leg de aansluiting van deze organisatie eerst vast met `digikoppelaar organisatie apply`.",
        )
    raise ConfigError(
        "more than one aansluiting fits: "
        + ", ".join(f"{each.organisatie_oin} {each.kind} {each.omgeving}" for each in fitting),
        advice="Kies met --omgeving, --kind of --organisatie.",
    )


def _oins(document: bytes) -> set[str]:
    return {without_environment_suffix(value) for value in _party_ids(document)}


def _our_party_ids(document: bytes, aansluiting: Aansluiting) -> set[str]:
    ours = aansluiting.organisatie_oin
    return {value for value in _party_ids(document) if without_environment_suffix(value) == ours}


def _party_ids(document: bytes) -> set[str]:
    return {party_id.value for side in cpa_names(document).parties for party_id in side.party_ids}


# --- Using ---------------------------------------------------------------------------------------------------


def choose(cpas: Iterable[CpaRecord], service: str, action: str, now: datetime) -> CpaRecord | None:
    """The CPA to send this action under: of those that hold at `now`, the one with the newest Start (statement 205).

    Of two with the same Start the one that was imported last. The caller gives only CPAs between the right parties.
    """
    fitting = [
        cpa
        for cpa in cpas
        if cpa.agreement.starts_at <= now < cpa.agreement.ends_at and action_named(cpa.agreement, service, action)
    ]
    return max(fitting, key=lambda cpa: (cpa.agreement.starts_at, cpa.id), default=None)


def between(cpas: Iterable[CpaRecord], ours: str | None, theirs: str | None) -> list[CpaRecord]:
    """Those between these party ids; None fits any."""
    return [cpa for cpa in cpas if _is(cpa.agreement.ours, ours) and _is(cpa.agreement.theirs, theirs)]


def _is(side: Side, wanted: str | None) -> bool:
    return wanted is None or any(party_id.value == wanted for party_id in side.party_ids)


def action_named(agreement: Agreement, service: str | None, action: str) -> Action | None:
    """What we may send under this name; without `service`, of any service."""
    return next(
        (each for each in agreement.sends if each.action == action and service in {None, each.service.value}), None
    )


def preview(agreement: Agreement, action: Action, *, domain: str, now: datetime) -> bytes:
    """The envelope that a message under this action would get, with stand-ins for identifiers and one payload.

    A signature (`action.sender_signs`) is put in at submission, for it covers the payload.
    """
    envelope = answers.business_message(
        agreement,
        action,
        message_id=f"00000000-0000-0000-0000-000000000000@{domain}",
        conversation_id="00000000-0000-0000-0000-000000000000",
        now=now,
        hrefs=[f"cid:payload-1@{domain}"],
    )
    return write_envelope(envelope)
