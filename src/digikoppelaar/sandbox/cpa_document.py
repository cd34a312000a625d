"""Makes the CPA between the sandbox's DSO-LV and an authority. Only values come in; certificates are DER.

The real service, action, roles and profile of STAM are not public (stam.md, 2.1): all names here are plainly made
up, so that nobody takes them for known. A gateway must read them from the CPA.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms.cpa_build import BuildParty, BuildService, Certificates, CpaOrder, build
from digikoppelaar.ebms.messages import Service
from digikoppelaar.pki.certificate import Use

PROFILES: Final = ("osb-rm", "osb-rm-s")
SERVICE: Final = Service("sandbox:bedachte-verzoekdienst:1", "urn:osb:services")
ACTION: Final = "sandboxMeldVerzoek"
DSO_ROLE: Final = "SandboxLandelijkeVoorziening"
AUTHORITY_ROLE: Final = "SandboxOntvanger"
_COMMENT: Final = "SANDBOX: dienst, actie en rollen zijn bedacht; de echte van STAM zijn niet openbaar."


@dataclass(frozen=True, slots=True)
class CpaParty:
    """One party. `party_id` is an OIN, in `sandbox-pre` perhaps with a suffix (EB004)."""

    key: str
    """Start of the XML ids of this party."""
    name: str
    party_id: str
    endpoint: str
    certificates: Certificates = field(repr=False)


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


def usual_certificates(tls: bytes, sign: bytes, *above: bytes) -> Certificates:
    """One certificate for both ends of TLS and one to sign; `above` are those of their TSP and its domain CA."""
    return {Use.TLS_CLIENT: (tls, *above), Use.TLS_SERVER: (tls, *above), Use.SIGN: (sign, *above)}


def build_cpa(terms: CpaTerms, dso: CpaParty, authority: CpaParty) -> bytes:
    """The CPA in which `dso` sends ACTION and `authority` receives it, as XML."""
    if terms.profile not in PROFILES:
        raise ValueError(f"the sandbox makes no CPA for profile {terms.profile}")
    order = _order(terms, dso, authority)
    if terms.cpa_id:
        return build(order)
    digest = hashlib.sha256(build(order)).hexdigest()
    cpa_id = f"sandbox-verzoekdienst_{dso.party_id}_{authority.party_id}_{digest[:12]}"
    return build(replace(order, cpa_id=cpa_id))


def _order(terms: CpaTerms, dso: CpaParty, authority: CpaParty) -> CpaOrder:
    return CpaOrder(
        cpa_id=terms.cpa_id,
        first=_party(dso, DSO_ROLE),
        second=_party(authority, AUTHORITY_ROLE),
        services=(BuildService(SERVICE, terms.profile, first_sends=(ACTION,)),),
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        retries=terms.retries,
        retry_interval=terms.retry_interval,
        anchors=(terms.root,),
        comment=_COMMENT,
    )


def _party(party: CpaParty, role: str) -> BuildParty:
    return BuildParty(party.name, party.party_id, role, party.endpoint, party.certificates, key=party.key)
