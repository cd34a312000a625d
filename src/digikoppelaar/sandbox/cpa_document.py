"""Makes the CPA between the sandbox's DSO-LV and an authority. Only values come in; certificates are DER.

The real service, action, roles and profile of STAM are not public (stam.md, 2.1): all names here are plainly made
up, so that nobody takes them for known. A gateway must read them from the CPA.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import Service
from digikoppelaar.sandbox.documents import render

PROFILES: Final = ("osb-rm", "osb-rm-s")
SERVICE: Final = Service("sandbox:bedachte-verzoekdienst:1", "urn:osb:services")
ACTION: Final = "sandboxMeldVerzoek"
DSO_ROLE: Final = "SandboxLandelijkeVoorziening"
AUTHORITY_ROLE: Final = "SandboxOntvanger"


@dataclass(frozen=True, slots=True)
class CpaParty:
    """One party. `party_id` is an OIN, in `sandbox-pre` perhaps with a suffix (EB004). `chain`: TSP and domain CA."""

    key: str
    """Start of the XML ids of this party."""
    name: str
    party_id: str
    endpoint: str
    transport_certificate: bytes = field(repr=False)
    signing_certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class CpaTerms:
    """What the parties agreed. `retries` counts resends; `cpa_id` empty: made from the content."""

    profile: str
    retries: int
    retry_interval: timedelta
    starts_at: datetime
    ends_at: datetime
    root: bytes = field(repr=False)
    """The trust anchor."""
    cpa_id: str = ""

    @property
    def signed(self) -> bool:
        """Messages and acknowledgments are signed."""
        return self.profile.endswith("-s")

    @property
    def persist_duration(self) -> timedelta:
        """Longer than the sender keeps trying (statement 202), for it is also the base of TimeToLive (7g)."""
        return (self.retries + 2) * self.retry_interval


def build_cpa(terms: CpaTerms, dso: CpaParty, authority: CpaParty) -> bytes:
    """The CPA in which `dso` sends ACTION and `authority` receives it, as XML."""
    if terms.profile not in PROFILES:
        raise ValueError(f"the sandbox makes no CPA for profile {terms.profile}")
    if terms.cpa_id:
        return _render(terms, dso, authority)
    digest = hashlib.sha256(_render(terms, dso, authority)).hexdigest()
    cpa_id = f"sandbox-verzoekdienst_{dso.party_id}_{authority.party_id}_{digest[:12]}"
    return _render(replace(terms, cpa_id=cpa_id), dso, authority)


def _render(terms: CpaTerms, dso: CpaParty, authority: CpaParty) -> bytes:
    return render(
        "cpa.xml.jinja",
        names=names,
        terms=terms,
        service=SERVICE,
        action=ACTION,
        starts_at=_instant(terms.starts_at),
        ends_at=_instant(terms.ends_at),
        retry_interval=_duration(terms.retry_interval),
        persist_duration=_duration(terms.persist_duration),
        parties=[
            _party(dso, DSO_ROLE, "CanSend", "S", f"{authority.key}_R"),
            _party(authority, AUTHORITY_ROLE, "CanReceive", "R", f"{dso.key}_S"),
        ],
        root=_base64([terms.root])[0],
    )


def _party(party: CpaParty, role: str, direction: str, binding: str, other_binding: str) -> dict[str, object]:
    return {
        "key": party.key,
        "name": party.name,
        "party_id": party.party_id,
        "endpoint": party.endpoint,
        "role": role,
        "direction": direction,
        "binding": f"{party.key}_{binding}",
        "other_binding": other_binding,
        "certificates": {
            "Transport": _base64([party.transport_certificate, *party.chain]),
            "Signing": _base64([party.signing_certificate, *party.chain]),
        },
    }


def _base64(certificates: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(certificate).decode() for certificate in certificates]


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _duration(duration: timedelta) -> str:
    return f"PT{duration.total_seconds():g}S"
