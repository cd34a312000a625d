"""By what the sandbox judges the certificates in a CPA: its own PKI, and nothing that vouches for itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from digikoppelaar.errors import TrustError
from digikoppelaar.pki.certificate import Certificate, Use, read_certificate
from digikoppelaar.pki.chain import TrustStore, judge
from digikoppelaar.pki.policy import RULES, Policy

_NOT_TRUSTED: Final = (
    "{} wordt niet vertrouwd: het moet van PKIoverheid zijn, met de tussencertificaten erbij, en voor dit gebruik."
)


def check_trusted(chain: Sequence[bytes], use: Use, trust: TrustStore, now: datetime) -> Certificate:
    """The first certificate of the chain, DER, leaf first, when it may be used at `now`. Raises TrustError."""
    leaf, *above = map(read_certificate, chain)
    what = f"Het certificaat voor {use.value}"
    if leaf.not_after < now:
        advice = f"{what} is verlopen op {leaf.not_after:%d-%m-%Y}: vraag een nieuw aan."
        raise TrustError(f"the certificate for {use.value} has expired", advice=advice)
    if problem := judge(leaf, use, trust, now, above).at(now):
        raise TrustError(f"the certificate for {use.value}: {problem}", advice=_NOT_TRUSTED.format(what))
    return leaf


def strict_trust(root: Certificate, below: Sequence[Certificate] = ()) -> TrustStore:
    """Trust in `root`; CAs that are not `below` must come along with a certificate. It revokes none, so has no CRLs."""
    return TrustStore((root,), (root, *below), (), RULES[Policy.LEGACY], sandbox=True)
