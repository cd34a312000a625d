"""What `digikoppelaar check` finds: the rules by which measured facts become a verdict with what to do. Pure.

Measuring is done at the edge (`checkup`); here a fact comes in and a Diagnosis goes out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from digikoppelaar.ebms.agreement import Action, Agreement
from digikoppelaar.ebms.cpa_subject import Finding, Severity
from digikoppelaar.flows.lines import PATIENCE
from digikoppelaar.flows.ports.trust import StoredCrl
from digikoppelaar.flows.reading import PartnerRow
from digikoppelaar.onboarding.checks import CLOCK_WARNING, CLOCK_WRONG
from digikoppelaar.pki.crl import is_overdue
from digikoppelaar.pki.expiry import Expiry, Kind

DISK_WARNING: Final = 5 * 1024**3
DISK_FULL: Final = 256 * 1024**2
"""Bytes; under this the gateway calls itself not ready."""
SHORT_OUTAGE: Final = timedelta(hours=24)
"""KS-31: retries should outlast an outage until the next working day."""


class Verdict(StrEnum):
    """How serious a finding is; `wrong` makes the command fail."""

    GOOD = "good"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding. `says` is English and holds identifiers only; `advice` is Dutch, absent when all is well."""

    subject: str
    verdict: Verdict
    says: str
    advice: str | None = None


def clock(name: str, theirs: datetime, ours: datetime) -> Diagnosis:
    """How far our clock is from that of `name`; signatures and CPAs are judged by the clock (7t)."""
    apart = abs(theirs - ours)
    verdict = Verdict.WRONG if apart > CLOCK_WRONG else Verdict.WARNING if apart > CLOCK_WARNING else Verdict.GOOD
    direction = "behind" if theirs > ours else "ahead of"
    says = f"our clock is {apart.total_seconds():.0f} s {direction} the one of {name}"
    return _diagnosis("clock", verdict, says, "Zet de klok van deze machine gelijk met een tijdserver (NTP).")


def disk(free: int) -> Diagnosis:
    """Whether there is room for what comes in; `free` in bytes."""
    verdict = Verdict.WRONG if free < DISK_FULL else Verdict.WARNING if free < DISK_WARNING else Verdict.GOOD
    says = f"{free / 1024**3:.1f} GiB is free in the data folder"
    return _diagnosis("disk", verdict, says, "Maak ruimte vrij op de schijf van de gegevensmap of vergroot hem.")


def expiry(found: Expiry) -> Diagnosis:
    """Something that ends soon, or has ended."""
    ending = found.ending
    verdict = Verdict.WRONG if found.threshold == 0 else Verdict.WARNING
    when = "ended" if found.threshold == 0 else f"ends in {found.days_left} days, on"
    says = f"{ending.subject} {when} {ending.ends_at:%Y-%m-%d}"
    return Diagnosis(f"{ending.kind.value} {ending.omgeving}", verdict, says, _RENEWAL[ending.kind])


_RENEWAL: Final = {
    Kind.CERTIFICATE: "Vraag een nieuw certificaat aan en zet het naast het oude; maak daarna nieuwe CPA's.",
    Kind.PARTNER_CERTIFICATE: "Vraag de partner om een nieuw certificaat en een nieuwe CPA.",
    Kind.TRUST_ANCHOR: "Zet het nieuwe stamcertificaat van PKIoverheid naast het oude.",
    Kind.CPA: "Spreek met de partner een nieuwe CPA af en importeer die naast de oude.",
}


def revocations(omgeving: str, stored: StoredCrl, now: datetime) -> Diagnosis:
    """A list of revoked certificates: whether it still counts, and whether a newer one comes in time (3.4)."""
    subject, crl = f"crl {omgeving} {stored.source}", stored.crl
    why = f"; the last attempt: {stored.problem}" if stored.problem else ""
    if crl is None:
        return Diagnosis(subject, Verdict.WRONG, f"never fetched{why}", _CRL_ADVICE)
    until = f"{crl.next_update:%Y-%m-%d %H:%M}"
    if now > crl.next_update:
        return Diagnosis(subject, Verdict.WRONG, f"ended at {until}{why}", _CRL_ADVICE)
    late = stored.problem is not None and is_overdue(crl, now)
    return _diagnosis(subject, Verdict.WARNING if late else Verdict.GOOD, f"counts until {until}{why}", _CRL_ADVICE)


_CRL_ADVICE: Final = (
    "Laat de gateway dit adres bereiken (firewall of proxy): zonder geldige lijst weigert `strict` de certificaten."
)


def agreement_finding(omgeving: str, cpa_id: str, found: Finding) -> Diagnosis | None:
    """A remark about a CPA that is in use; None for mere information."""
    if found.severity not in _OF_SEVERITY:
        return None
    says = f"{found.code} at {found.where}"
    return Diagnosis(f"cpa {omgeving} {cpa_id}", _OF_SEVERITY[found.severity], says, found.sentence)


_OF_SEVERITY: Final = {Severity.ERROR: Verdict.WRONG, Severity.WARNING: Verdict.WARNING}


def queue(row: PartnerRow) -> Diagnosis | None:
    """A partner that is not reached while messages wait for it."""
    if not row.waiting or row.failures < PATIENCE:
        return None
    says = f"{row.waiting} messages wait, since {row.oldest:%Y-%m-%d %H:%M}; {row.failures} attempts in a row failed"
    advice = "Vraag de partner of zijn adres in de lucht is; zie `digikoppelaar partner list` voor de laatste fout."
    return Diagnosis(f"queue {row.omgeving} {row.party_id}", Verdict.WARNING, says, advice)


def outage(agreement: Agreement) -> Diagnosis | None:
    """How long we may be down before a partner gives up a message, by the Retries and RetryInterval of the CPA.

    None when we receive nothing under it.
    """
    if not agreement.receives:
        return None
    subject = f"outage {agreement.cpa_id}"
    shortest = min(map(patience, agreement.receives))
    if shortest == timedelta(0):
        says = "a message that comes while we are down is lost: the partner sends it once (best effort)"
        return Diagnosis(subject, Verdict.WARNING, says, "Spreek voor dit berichtenverkeer een osb-rm-profiel af.")
    verdict = Verdict.WARNING if shortest < SHORT_OUTAGE else Verdict.GOOD
    says = f"we may be down for {in_words(shortest)}: then the partner has sent for the last time"
    advice = (
        "Spreek in de CPA meer of langere herhalingen af, zodat een storing tot de volgende werkdag geen kwaad kan."
    )
    return _diagnosis(subject, verdict, says, advice)


def patience(action: Action) -> timedelta:
    """From the first send of a message until the last one: Retries x RetryInterval; nothing for best effort."""
    reliable = action.channel.reliable_messaging
    return (
        reliable.retries * reliable.retry_interval if reliable and action.profile.startswith("osb-rm") else timedelta(0)
    )


def in_words(duration: timedelta) -> str:
    """A duration as people say it, in its largest two units."""
    seconds = int(duration.total_seconds())
    parts = list(_parts(seconds))
    return " ".join(parts[:2]) if parts else "0 seconds"


def _parts(seconds: int) -> Iterator[str]:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            yield f"{count} {unit}"


def worst(found: Iterable[Diagnosis]) -> Verdict:
    """The most serious verdict among them."""
    verdicts = {diagnosis.verdict for diagnosis in found}
    return next((each for each in (Verdict.WRONG, Verdict.WARNING) if each in verdicts), Verdict.GOOD)


def _diagnosis(subject: str, verdict: Verdict, says: str, advice: str) -> Diagnosis:
    return Diagnosis(subject, verdict, says, None if verdict is Verdict.GOOD else advice)
