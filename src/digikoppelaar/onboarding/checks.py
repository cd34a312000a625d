"""The checks of onboarding on who somebody is: OIN, machtiging, certificates, clock, PRE before PROD, stages. Pure.

Facts, measured at the edge (`measuring`), come in and findings go out. What the other side must do with us is in
`checks_connection`; what can be said in `findings`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.onboarding.findings import found
from digikoppelaar.onboarding.model import SANDBOX, Finding, plays
from digikoppelaar.pki.certificate import Certificate, Use, check_purpose, issued, names_host
from digikoppelaar.pki.expiry import THRESHOLDS
from digikoppelaar.pki.oin import check_oin

CLOCK_WARNING: Final = timedelta(seconds=30)
CLOCK_WRONG: Final = timedelta(minutes=5)
"""A Timestamp that lies further ahead of the partner's clock than this is refused there, as it is here."""
ENDS_SOON: Final = timedelta(days=THRESHOLDS[1])
_TEST_OIN: Final = "00000099"


@dataclass(frozen=True, slots=True)
class Who:
    """Whose connection it is: OINs of the organisatie and of the partij that makes it, in an omgeving."""

    organisatie: str
    partij: str
    omgeving: str


def oin(who: Who) -> list[Finding]:
    """Whether both OINs are OINs, and no test OINs where only real ones count."""
    return [each for oin in sorted({who.organisatie, who.partij}) for each in _oin(oin, who.omgeving)] or [
        found("oin-good")
    ]


def _oin(text: str, omgeving: str) -> Iterator[Finding]:
    try:
        check_oin(text)
    except OinError:
        yield found("oin-invalid", oin=text[:40])
        return
    if omgeving == "prod" and text.startswith(_TEST_OIN):
        yield found("oin-test", oin=text, omgeving=omgeving)


def machtiging(who: Who, acts_for: frozenset[str]) -> list[Finding]:
    """Whether the partij may act; `acts_for` are the OINs for which it has a machtiging on record there."""
    if who.organisatie == who.partij:
        return [found("machtiging-own")]
    code = "machtiging-good" if who.organisatie in acts_for else "machtiging-missing"
    return [found(code, organisatie=who.organisatie, partij=who.partij)]


def clock(source: str, theirs: datetime, ours: datetime) -> list[Finding]:
    """How far our clock is from that of `source`."""
    apart = abs(theirs - ours)
    code = "clock-wrong" if apart > CLOCK_WRONG else "clock-off" if apart > CLOCK_WARNING else "clock-good"
    return [found(code, source=source, seconds=f"{apart.total_seconds():.0f}")]


def pre_complete(open_steps: Sequence[str]) -> list[Finding]:
    """Whether nothing is left to do in PRE; `open_steps` are the numbers of what is."""
    return [found("pre-not-complete", steps=f"stap {', '.join(open_steps)}")] if open_steps else [found("pre-complete")]


def stage(number: str, undelivered: Sequence[str], unconfirmed: Sequence[str]) -> list[Finding]:
    """Whether a stage of 3PAS is done: names of documenttypen that were not delivered, or not found good yet."""
    missing = (("stage-undelivered", undelivered), ("stage-unconfirmed", unconfirmed))
    findings = [found(code, number=number, documenttypen=", ".join(names)) for code, names in missing if names]
    return findings or [found("stage-good", number=number)]


# --- certificates ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate on record with its key. `file` is its name alone.

    `chain`, leaf first, is what the file holds, empty when it cannot be read. `distrust` is what the rules of the
    omgeving (pki.chain) have against it, when anything.
    """

    file: str
    uses: tuple[Use, ...]
    chain: tuple[Certificate, ...] = ()
    key_fits: bool = True
    distrust: str | None = None


@dataclass(frozen=True, slots=True)
class Certificates:
    """What is known of the certificates of a partij in one omgeving, for one organisatie.

    `anchors` None: there are none to judge by. `acts_for`: by OIN, for whom its holder has a machtiging on record.
    `host` is that of the endpoint here, `other_host` that in the other omgeving; empty: not known.
    """

    who: Who
    held: tuple[Held, ...]
    needed: tuple[Use, ...]
    anchors: tuple[Certificate, ...] | None
    acts_for: dict[str, frozenset[str]]
    host: str
    other_host: str


def certificates(facts: Certificates, now: datetime) -> list[Finding]:
    """Of each use the certificate that serves it: the first without trouble, or else what is wrong with the last."""
    if facts.anchors is None:
        return [found("certificate-no-anchors", omgeving=facts.who.omgeving)]
    judged = {each: tuple(_held(each, facts, facts.anchors, now)) for each in facts.held}
    chosen: dict[Held, None] = {}
    missing = []
    for use in Use:
        serving = [each for each in facts.held if use in each.uses]
        good = [each for each in serving if not any(finding.holds_up for finding in judged[each])]
        if serving:
            chosen[(good or serving)[-1]] = None
        elif use in facts.needed:
            missing.append(use)
    findings = [found("certificate-missing", uses=in_dutch(missing))] if missing else []
    findings += [finding for each in chosen for finding in judged[each]]
    for each in chosen:
        if Use.TLS_SERVER in each.uses and not any(finding.holds_up for finding in judged[each]):
            findings.append(_both(each, facts))
    return findings


def _held(held: Held, facts: Certificates, anchors: Sequence[Certificate], now: datetime) -> Iterator[Finding]:
    """What there is to say of one; a good one when nothing holds it up."""
    file = held.file
    if not held.chain:
        yield found("certificate-unreadable", file=file)
        return
    leaf = held.chain[0]
    troubles = [*_key(held), *_holder(held, facts.who, facts.acts_for), *_period(held, now)]
    troubles += [*_path(held, facts.who.omgeving, anchors), *_purpose(held), *_host(held, facts)]
    if held.distrust and not any(each.holds_up for each in troubles):
        troubles.append(found("certificate-not-trusted", file=file, omgeving=facts.who.omgeving, reason=held.distrust))
    yield from troubles
    if not any(each.holds_up for each in troubles):
        days, until = (leaf.not_after - now).days, f"{leaf.not_after:%d-%m-%Y}"
        yield found(
            "certificate-good", file=file, uses=in_dutch(held.uses), oin=leaf.subject_serial, until=until, days=days
        )


def _key(held: Held) -> Iterator[Finding]:
    if not held.key_fits:
        yield found("certificate-wrong-key", file=held.file)


def _holder(held: Held, who: Who, acts_for: dict[str, frozenset[str]]) -> Iterator[Finding]:
    """That the OIN is of the organisatie, or of whoever it gave a machtiging; and of the partij that shows it."""
    holder = _oin_of(held.chain[0])
    if holder is None:
        yield found("certificate-no-oin", file=held.file)
        return
    if holder != who.organisatie and who.organisatie not in acts_for.get(holder, ()):
        yield found("certificate-other-oin", file=held.file, oin=holder, organisatie=who.organisatie)
    elif holder != who.partij:
        yield found("certificate-other-partij", file=held.file, oin=holder, partij=who.partij)


def _oin_of(certificate: Certificate) -> str | None:
    try:
        return certificate.oin
    except OinError:
        return None


def _period(held: Held, now: datetime) -> Iterator[Finding]:
    leaf = held.chain[0]
    until = f"{leaf.not_after:%d-%m-%Y}"
    if now < leaf.not_before:
        yield found("certificate-not-yet-valid", file=held.file, since=f"{leaf.not_before:%d-%m-%Y}")
    elif now > leaf.not_after:
        yield found("certificate-expired", file=held.file, until=until)
    elif leaf.not_after - now <= ENDS_SOON:
        yield found("certificate-ends", file=held.file, until=until, days=(leaf.not_after - now).days)


def _path(held: Held, omgeving: str, anchors: Sequence[Certificate]) -> Iterator[Finding]:
    """That what the file holds reaches an anchor by itself: nobody else need have the certificates in between."""
    leaf = held.chain[0]
    if leaf.self_signed:
        yield found("certificate-self-signed", file=held.file)
        return
    top = _top(held.chain)
    if top in anchors or any(issued(anchor, top) for anchor in anchors):
        return
    code = "certificate-other-hierarchy" if top.self_signed else "certificate-no-intermediate"
    yield found(code, file=held.file, omgeving=omgeving, issuer=top.issuer)


def _top(chain: Sequence[Certificate]) -> Certificate:
    """As far as the chain leads, from issued to issuer."""
    top, left = chain[0], list(chain[1:])
    while above := next((each for each in left if issued(each, top)), None):
        left.remove(above)
        top = above
    return top


def _purpose(held: Held) -> Iterator[Finding]:
    leaf = held.chain[0]
    if _oin_of(leaf) and (wrong := [use for use in held.uses if not _meant_for(leaf, use)]):
        yield found("certificate-purpose", file=held.file, uses=in_dutch(wrong))


def _meant_for(leaf: Certificate, use: Use) -> bool:
    try:
        check_purpose(leaf, use)
    except TrustError:
        return False
    return True


def _host(held: Held, facts: Certificates) -> Iterator[Finding]:
    leaf = held.chain[0]
    if Use.TLS_SERVER not in held.uses:
        return
    if not facts.host:
        yield found("certificate-host-unknown", file=held.file, omgeving=facts.who.omgeving)
    elif not names_host(leaf, facts.host):
        yield found("certificate-host", file=held.file, host=facts.host, names=", ".join(leaf.names) or "geen enkele")


def _both(held: Held, facts: Certificates) -> Finding:
    """Whether it can serve in the other omgeving too, and if not, why."""
    leaf, omgeving = held.chain[0], facts.who.omgeving
    other = "PRE" if plays(omgeving) == "prod" else "PROD"
    reason = ""
    if other == "PROD" and leaf.trial and not omgeving.startswith(SANDBOX):
        reason = "het is van TRIAL PKIoverheid"
    elif not facts.other_host:
        reason = f"welke host het endpoint van {other} heeft is niet bekend (`public_url`)"
    elif not names_host(leaf, facts.other_host):
        reason = f"het noemt {facts.other_host} niet"
    if reason:
        return found("certificate-one-omgeving", file=held.file, other=other, reason=reason)
    return found("certificate-pre-and-prod", file=held.file)


_USES: Final = {
    Use.TLS_SERVER: "TLS als server",
    Use.TLS_CLIENT: "TLS als client",
    Use.SIGN: "ondertekenen",
    Use.DECRYPT: "ontsleutelen",
}


def in_dutch(uses: Iterable[Use]) -> str:
    """What certificates are for, in words."""
    return ", ".join(_USES[use] for use in uses)
