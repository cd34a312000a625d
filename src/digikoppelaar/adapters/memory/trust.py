"""The twin of adapters.postgres.trust."""

from collections.abc import Collection, Sequence
from datetime import datetime

from digikoppelaar.flows.ports.trust import StoredCrl
from digikoppelaar.pki.crl import Crl
from digikoppelaar.pki.expiry import Expiry


class MemoryTrust:
    """See flows.ports.trust.TrustRecords."""

    def __init__(self) -> None:
        self._crls: dict[tuple[str, str], StoredCrl] = {}
        self._told: set[tuple[object, ...]] = set()

    async def crls(self, omgeving: str) -> Sequence[StoredCrl]:
        """See TrustRecords."""
        return [stored for (where, _), stored in sorted(self._crls.items()) if where == omgeving]

    async def keep_crl(self, omgeving: str, source: str, crl: Crl, now: datetime) -> bool:
        """See TrustRecords."""
        before = self._crls.get((omgeving, source))
        known = before.crl if before else None
        fresh = known is None or known.this_update < crl.this_update
        self._crls[omgeving, source] = StoredCrl(source, crl if fresh else known, now)
        return fresh

    async def crl_failed(self, omgeving: str, source: str, problem: str, now: datetime) -> None:
        """See TrustRecords."""
        before = self._crls.get((omgeving, source))
        self._crls[omgeving, source] = StoredCrl(source, before.crl if before else None, now, problem)

    async def forget_crls(self, omgeving: str, sources: Collection[str]) -> None:
        """See TrustRecords."""
        for where, source in list(self._crls):
            if where == omgeving and source not in sources:
                del self._crls[where, source]

    async def tell_once(self, expiry: Expiry, now: datetime) -> bool:
        """See TrustRecords."""
        ending = expiry.ending
        name = (ending.kind, ending.omgeving, ending.name, ending.ends_at, expiry.threshold)
        fresh = name not in self._told
        self._told.add(name)
        return fresh
