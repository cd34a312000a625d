"""What is kept of trust, for all nodes: CRLs, and which ends were told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from digikoppelaar.pki.crl import Crl
from digikoppelaar.pki.expiry import Expiry


@dataclass(frozen=True, slots=True)
class StoredCrl:
    """The latest CRL of one source, and how the last attempt to fetch it went."""

    source: str
    """URL."""
    crl: Crl | None = field(repr=False)
    """None: none ever came."""
    tried_at: datetime
    problem: str | None = None
    """Why the last attempt gave nothing; the CRL is then an earlier one."""


class TrustRecords(Protocol):
    """The store of CRLs and warnings. Every method is one transaction, so a kill leaves the old or the new."""

    async def crls(self, omgeving: str) -> Sequence[StoredCrl]:
        """Every source that was tried in this omgeving."""

    async def keep_crl(self, omgeving: str, source: str, crl: Crl, now: datetime) -> bool:
        """Keep a CRL that was checked, unless a newer one is there; tells the other nodes. Whether it is new."""

    async def crl_failed(self, omgeving: str, source: str, problem: str, now: datetime) -> None:
        """An attempt gave nothing; the CRL that is there stays."""

    async def forget_crls(self, omgeving: str, sources: Collection[str]) -> None:
        """Keep no other sources than these."""

    async def tell_once(self, expiry: Expiry, now: datetime) -> bool:
        """Whether nobody told this expiry at its threshold before; from now on somebody did."""


class CrlSource(Protocol):
    """Fetches a CRL over HTTP."""

    async def __call__(self, url: str) -> bytes:
        """The document; raises PartnerUnreachable or TooLarge."""
