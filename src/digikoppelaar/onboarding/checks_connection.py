"""The checks of onboarding on the connection: CPA, endpoint, firewall, API key and mandate. Pure; see `checks`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from digikoppelaar.onboarding.checks import ENDS_SOON, Who, in_dutch
from digikoppelaar.onboarding.findings import found
from digikoppelaar.onboarding.model import Finding
from digikoppelaar.pki.certificate import Use
from digikoppelaar.pki.oin import fits_party

_TLS: Final = (Use.TLS_SERVER, Use.TLS_CLIENT)

# --- cpa -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remark:
    """What the rules for CPAs say of one (ebms.cpa_findings); `error`: it must not be used."""

    rule: str
    sentence: str
    error: bool


@dataclass(frozen=True, slots=True)
class Cpa:
    """A CPA on record as we see it. Certificates are DER; `party` is our PartyId in it.

    `named` are our certificates for TLS in it, `needs_key` those for which we need the key. `foreign` says by what it
    shows to be of another omgeving, and of which: `("prod", "...")`.
    """

    cpa_id: str
    starts_at: datetime
    ends_at: datetime
    party: str
    endpoints: frozenset[str]
    named: frozenset[bytes] = field(default=frozenset(), repr=False)
    needs_key: frozenset[tuple[Use, bytes]] = field(default=frozenset(), repr=False)
    remarks: tuple[Remark, ...] = ()
    foreign: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ours:
    """What a CPA is held against. `public_url` empty: not known. `certificates` have their key here, by use."""

    who: Who
    public_url: str
    certificates: frozenset[tuple[Use, bytes]] = field(repr=False)


def cpa(facts: Cpa | None, ours: Ours, now: datetime) -> list[Finding]:
    """Whether the CPA that counts fits what is on record here; None: there is none."""
    if facts is None:
        return [found("cpa-missing")]
    who, until = ours.who, f"{facts.ends_at:%d-%m-%Y}"
    told = [*_period(facts, now)]
    if facts.foreign:
        other, reason = facts.foreign
        told.append(found("cpa-other-omgeving", cpa_id=facts.cpa_id, other=other, omgeving=who.omgeving, reason=reason))
    else:  # of a CPA that belongs elsewhere this would say nothing new
        told += [*_against(facts, ours), *_remarks(facts)]
    if not fits_party(who.organisatie, facts.party):
        told.append(found("cpa-party", cpa_id=facts.cpa_id, party=facts.party, organisatie=who.organisatie))
    if not any(each.holds_up for each in told):
        told.append(found("cpa-good", cpa_id=facts.cpa_id, until=until))
    return told


def _remarks(facts: Cpa) -> list[Finding]:
    return [
        found("cpa-rule" if each.error else "cpa-remark", cpa_id=facts.cpa_id, rule=each.rule, sentence=each.sentence)
        for each in facts.remarks
    ]


def _period(facts: Cpa, now: datetime) -> list[Finding]:
    until, left = f"{facts.ends_at:%d-%m-%Y}", facts.ends_at - now
    if now >= facts.ends_at:
        return [found("cpa-expired", cpa_id=facts.cpa_id, until=until)]
    told = [found("cpa-ends", cpa_id=facts.cpa_id, until=until, days=left.days)] if left <= ENDS_SOON else []
    if now < facts.starts_at:
        told.append(found("cpa-not-started", cpa_id=facts.cpa_id, since=f"{facts.starts_at:%d-%m-%Y}"))
    return told


def _against(facts: Cpa, ours: Ours) -> list[Finding]:
    """Endpoint and certificates."""
    told = []
    if ours.public_url and facts.endpoints != {ours.public_url}:
        urls = ", ".join(sorted(facts.endpoints)) or "niets"
        told.append(found("cpa-endpoint", cpa_id=facts.cpa_id, url=urls, expected=ours.public_url))
    if facts.named and not facts.named & {der for use, der in ours.certificates if use in _TLS}:
        told.append(found("cpa-certificate", cpa_id=facts.cpa_id))
    if without := facts.needs_key - ours.certificates:
        uses = in_dutch(use for use in Use if use in {each for each, _ in without})
        told.append(found("cpa-no-key", cpa_id=facts.cpa_id, uses=uses))
    return told


# --- endpoint and firewall -------------------------------------------------------------------------------------------


class Reach(Enum):
    """How far somebody who comes from outside gets at an endpoint."""

    NOWHERE = "nowhere"
    """No connection."""
    NO_TLS = "no-tls"
    NO_CHAIN = "no-chain"
    """What it shows does not lead to an anchor by itself."""
    OTHER_HOST = "other-host"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Reached:
    """What a greeting of our own endpoint showed. `reason` and `tls` are for people.

    `certificate` is the DER that it showed, `anonymous`: it also answered a caller without certificate.
    """

    reach: Reach
    reason: str = ""
    tls: str = ""
    certificate: bytes = field(default=b"", repr=False)
    anonymous: bool = False


def endpoint(url: str, omgeving: str, reached: Reached | None, recorded: frozenset[bytes]) -> list[Finding]:
    """Whether DSO-LV can bring messages at `url`; empty: it is not known. `reached` None: it is no https address.

    `recorded` are the certificates (DER) on record for the server.
    """
    if not url:
        return [found("endpoint-unknown", omgeving=omgeving)]
    if reached is None:
        return [found("endpoint-not-https", url=url, omgeving=omgeving)]
    if code := _NOT_REACHED.get(reached.reach):
        return [found(code, url=url, omgeving=omgeving, reason=reached.reason)]
    told = []
    if reached.anonymous:
        told.append(found("endpoint-no-client-certificate", url=url))
    if recorded and reached.certificate not in recorded:
        told.append(found("endpoint-other-certificate", url=url))
    return told or [found("endpoint-good", url=url, tls=reached.tls)]


_NOT_REACHED: Final = {
    Reach.NOWHERE: "endpoint-not-reached",
    Reach.NO_TLS: "endpoint-tls",
    Reach.NO_CHAIN: "endpoint-chain",
    Reach.OTHER_HOST: "endpoint-host",
}


@dataclass(frozen=True, slots=True)
class DsoAddress:
    """An address from which DSO-LV comes; `says`, in Dutch, from when. `until`: the last day, where one is known."""

    address: str
    says: str
    until: date | None = None


def firewall(addresses: Sequence[DsoAddress], url: str, today: date) -> list[Finding]:
    """What to ask of a network administrator: never known to be done, so always a warning."""
    counting = [f"{each.address} ({each.says})" for each in addresses if each.until is None or today <= each.until]
    parts = urlsplit(url)
    target = f"{parts.hostname}, poort {parts.port or 443}" if parts.hostname else "het endpoint, poort 443"
    return [found("firewall-addresses", target=target, addresses="; ".join(counting))]


# --- API key and mandate ---------------------------------------------------------------------------------------------


class NotAsked(Enum):
    """Why DSO-LV was not asked anything, or did not answer."""

    NO_AANSLUITING = "api-key-no-aansluiting"
    NO_KEY = "api-key-no-file"
    NO_CERTIFICATE = "dso-not-asked"
    NO_CONNECTION = "dso-not-reached"


@dataclass(frozen=True, slots=True)
class Answer:
    """What DSO-LV answered to a question with API key and certificate; `broken`: it is not what was asked for."""

    status: int
    media_type: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Of DSO-LV: why not, with a reason for people, or what it answered."""

    why_not: NotAsked | None = None
    reason: str = ""
    answer: Answer | None = None


def api_key(asked: Asked, omgeving: str) -> list[Finding]:
    """Whether DSO-LV takes the key."""
    if asked.why_not:
        return [found(asked.why_not.value, reason=asked.reason)]
    assert asked.answer, "it was asked"
    status, media_type = asked.answer.status, asked.answer.media_type
    details = {"status": status, "media_type": media_type or "zonder type", "omgeving": omgeving}
    return [found(_key_code(asked.answer), **details)]


def _key_code(answer: Answer) -> str:
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return "api-key-refused"
        case HTTPStatus.FORBIDDEN:
            return "api-key-not-judged"
        case HTTPStatus.OK | HTTPStatus.NOT_FOUND:
            return "dso-other-answer" if answer.broken else "api-key-good"
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return "dso-trouble"
    return "dso-not-understood"


def mandate(asked: Asked, who: Who) -> list[Finding]:
    """Whether DSO-LV lets the partij act for the organisatie."""
    code = "mandate-not-judged"
    if asked.answer and asked.answer.status == HTTPStatus.FORBIDDEN:
        code = "mandate-refused"
    elif asked.answer and _key_code(asked.answer) == "api-key-good":
        code = "mandate-good"
    return [found(code, partij=who.partij, organisatie=who.organisatie, omgeving=who.omgeving)]
