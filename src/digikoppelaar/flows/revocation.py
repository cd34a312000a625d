"""CRLs: fetched in time, believed only when an authority signed them, kept for all nodes (3.4, statements 179 and 180).

    source ──▶ due? ──▶ fetch ──▶ read, signature, dates ──▶ keep, unless a newer one is there

A source that fails costs nothing: what was there stays in use until its nextUpdate. It is told when half of that time
went by without a newer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.trust import CrlSource, StoredCrl, TrustRecords
from digikoppelaar.pki.certificate import Certificate
from digikoppelaar.pki.crl import check_crl, is_overdue, read_crl, refresh_at

log = structlog.get_logger()

AGAIN_AFTER: Final = timedelta(minutes=5)
"""Between two attempts at a source that failed."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Keeps the CRLs of every omgeving fresh; any number of nodes may do so at once."""

    records: TrustRecords
    fetch: CrlSource
    clock: Clock

    async def refresh(self, omgeving: str, sources: Sequence[str], authorities: Sequence[Certificate]) -> None:
        """Fetch what is due of `sources`, and forget every other one. `authorities` may sign CRLs here.

        Raises StorageError; whatever is wrong with a source is logged and recorded.
        """
        known = {stored.source: stored for stored in await self.records.crls(omgeving)}
        if known.keys() - set(sources):
            await self.records.forget_crls(omgeving, sources)
        for source in sources:
            stored = known.get(source)
            if stored is None or self.clock.now() >= next_attempt(stored):
                await self._refresh(omgeving, source, authorities)
                self._warn(omgeving, stored)

    async def _refresh(self, omgeving: str, source: str, authorities: Sequence[Certificate]) -> None:
        try:
            crl = read_crl(await self.fetch(source))
            check_crl(crl, authorities, self.clock.now())
        except DigikoppelaarError as error:
            log.warning("crl_not_fetched", omgeving=omgeving, source=source, reason=str(error))
            await self.records.crl_failed(omgeving, source, str(error), self.clock.now())
            return
        fresh = await self.records.keep_crl(omgeving, source, crl, self.clock.now())
        log.info("crl_fetched", omgeving=omgeving, source=source, until=crl.next_update, new=fresh)

    def _warn(self, omgeving: str, before: StoredCrl | None) -> None:
        """Called after an attempt: what was half over before it ought to have had a successor long ago."""
        if before is not None and before.crl is not None and is_overdue(before.crl, self.clock.now()):
            until = before.crl.next_update
            log.warning("crl_half_over", omgeving=omgeving, source=before.source, until=until)


def next_attempt(stored: StoredCrl) -> datetime:
    """When this source is due."""
    if stored.problem is not None:
        return stored.tried_at + AGAIN_AFTER
    return refresh_at(stored.crl, stored.tried_at)
