"""Makes CPAs between the DSO-LV of one sandbox and an authority, on the terms of that sandbox."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms.cpa_build import Certificates
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.sandbox.cpa_document import CpaParty, CpaTerms, build_cpa
from digikoppelaar.sandbox.folder import DSO_LV

_LIFE: Final = timedelta(days=365)


@dataclass(slots=True)
class CpaMaker:
    """The terms and DSO-LV's own side. `root` is the trust anchor; `endpoint` is known once DSO-LV listens."""

    profile: str
    retries: int
    retry_interval: timedelta
    root: bytes = field(repr=False)
    certificates: Certificates = field(repr=False)
    endpoint: str = ""

    def make(self, oin: str, naam: str, endpoint: str, certificates: Certificates, now: datetime) -> bytes:
        """A CPA with the holder of `oin` at `endpoint`, good as long as its certificates and at most a year."""
        ends = [read_certificate(chain[0]).not_after for chain in certificates.values()]
        starts_at, ends_at = now - timedelta(days=1), min(now + _LIFE, *ends)
        terms = CpaTerms(self.profile, self.retries, self.retry_interval, starts_at, ends_at, self.root)
        dso = CpaParty("DSO", f"SANDBOX {DSO_LV.name}", DSO_LV.oin, self.endpoint, self.certificates)
        return build_cpa(terms, dso, CpaParty("BG", f"SANDBOX {naam}", oin, endpoint, certificates))
