"""Deleting what was delivered, some days after that (zgw.md 1.9): content goes, metadata and hashes stay.

    due ──▶ keyed hashes ──▶ on record, database emptied (one transaction) ──▶ blobs unlinked ──▶ completed

A kill before the record leaves everything, after it blobs that the next run unlinks: nothing is deleted that is not on
record, and no blob is forgotten. Unlinking may run twice. A blob that is newer than the record is never touched: a
refetch may have stored it under the same name.

What has not ended (parked, waiting, not taken by its application) is kept, whatever its age, and reported.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from digikoppelaar.errors import PartnerError, told
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.retention import (
    Due,
    ErasableBlobs,
    FingerprintKeys,
    FingerprintSet,
    KeptRow,
    Purge,
    RetentionStore,
    What,
)
from digikoppelaar.stam.fingerprints import fingerprints, scope_of
from digikoppelaar.stam.verzoek import read_verzoek

log = structlog.get_logger()

SOME: Final = 200
"""Looked up at once."""
LOOK_EVERY: Final = 600.0
"""Seconds between two looks of the worker whether a run is due."""
FEW_LEFTOVERS: Final = 20
"""Up to so many blobs without a row are what kills leave."""
MONTH: Final = timedelta(days=30)
"""At most a month, whichever month."""
_DELETED: Final = (What.VERZOEK, What.NOTIFICATION, What.INBOUND, What.OUTBOUND)
"""In this order: a notification goes after its version."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """`days` after the end, unless the aansluiting has its own number. `leftovers`: how old a blob without a row is.

    `fingerprint_months`: how long keyed hashes are kept, from the deletion on.
    """

    days: int = 31
    fingerprint_months: int = 12
    leftovers: timedelta = timedelta(days=8)
    """Longer than any series of attempts: five days."""
    interval: timedelta = timedelta(days=1)


@dataclass(slots=True)
class Ran:
    """What a run did, or with `dry_run` would do. `problems` (English, ids only) are left for the next run."""

    run_id: int | None = None
    dry_run: bool = False
    resumed: int = 0
    """Deletions that an earlier run did not complete."""
    verzoeken: int = 0
    messages: int = 0
    leftovers: int = 0
    size: int = 0
    """Bytes that were deleted; not known in a dry run."""
    fingerprints_forgotten: int = 0
    problems: list[str] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)
    """In a dry run: of what the content would go."""

    def count(self, what: What) -> None:
        """One more."""
        if what is What.VERZOEK:
            self.verzoeken += 1
        else:
            self.messages += 1


@dataclass(frozen=True, slots=True)
class Retention:
    """Deletes with these parts."""

    store: RetentionStore
    blobs: ErasableBlobs
    keys: FingerprintKeys
    clock: Clock
    settings: RetentionSettings = field(default_factory=RetentionSettings)

    async def watch(self, stop: asyncio.Event) -> None:
        """Run once an interval until `stop`; of many nodes one does it."""
        while not stop.is_set():
            ran = await self.run("worker", unless=self.clock.now() - self.settings.interval)
            if ran is not None:
                log.info("retention_ran", **asdict(ran))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY)

    async def run(self, by: str, *, unless: datetime | None = None) -> Ran | None:
        """Delete everything that is due; `by` is on record. None when it is not the time, see RetentionStore.begin.

        Raises StorageError when the database fails; what is done stays done.
        """
        run_id = await self.store.begin(by, self.clock.now(), unless)
        if run_id is None:
            return None
        ran = Ran(run_id)
        for purge in await self.store.unfinished():
            if await self._tried(ran, f"deletion {purge.id}", partial(self._finish, purge)):
                ran.resumed += 1
        for what in _DELETED:
            await self._delete(ran, what)
        await self._delete_leftovers(ran)
        await self.blobs.sweep(self.clock.now())
        ran.fingerprints_forgotten = await self.store.forget_fingerprints(self.clock.now())
        await self.keys.keep_only(await self.store.keys_in_use())
        await self.store.ended(run_id, self.clock.now())
        return ran

    async def dry_run(self) -> Ran:
        """What a run would do now; nothing changes."""
        ran = Ran(dry_run=True)
        ran.resumed = len(await self.store.unfinished())
        for what in _DELETED:
            async for due in self._due(what):
                ran.due.append(due)
                ran.count(what)
        leftovers, _ = await self._leftovers()
        ran.leftovers, ran.size = len(leftovers), sum(size for _, size in leftovers)
        return ran

    async def kept(self) -> list[KeptRow]:
        """What is older than its period and kept, for a person has to decide or an application to take it."""
        return list(await self.store.kept(self.settings.days, self.clock.now()))

    async def _due(self, what: What) -> AsyncIterator[Due]:
        after = 0
        while found := await self.store.due(what, self.settings.days, self.clock.now(), after, SOME):
            for due in found:
                yield due
            after = found[-1].id

    async def _delete(self, ran: Ran, what: What) -> None:
        async for due in self._due(what):
            if await self._tried(ran, f"{what} {due.id}", partial(self._delete_one, ran, due)):
                ran.count(what)

    async def _delete_one(self, ran: Ran, due: Due) -> bool:
        assert ran.run_id is not None
        kept = await self._fingerprints(due) if due.what is What.VERZOEK else None
        purge = await self.store.purge(ran.run_id, due, self.settings.days, self.clock.now(), kept)
        if purge is None:
            return False
        ran.size += purge.size
        return await self._finish(purge)

    async def _finish(self, purge: Purge) -> bool:
        """Unlink what no row names, and only then say that it is done."""
        if purge.blobs:
            await self.blobs.erase(await self.store.unnamed(purge.blobs), purge.recorded_at)
        await self.store.completed(purge.id, self.clock.now())
        return True

    async def _fingerprints(self, due: Due) -> FingerprintSet | None:
        """The hashes of a version; None when its XML is gone, or cannot be understood, and so nobody can make them."""
        if due.xml is None or not await self.blobs.has(due.xml) or due.verzoeknummer is None:
            return None
        xml = b"".join([piece async for piece in self.blobs.get(due.xml)])
        try:
            read = await aside(partial(read_verzoek, xml))
        except PartnerError:
            return None
        key = await self.keys.current()
        made = fingerprints(read, key, scope_of(due.aansluiting_id, due.verzoeknummer))
        return FingerprintSet(key.id, made, self.clock.now() + self.settings.fingerprint_months * MONTH)

    async def _delete_leftovers(self, ran: Ran) -> None:
        assert ran.run_id is not None
        leftovers, stored = await self._leftovers()
        if suspicious(len(leftovers), stored):
            ran.problems.append(
                f"{len(leftovers)} of {stored} blobs are named by no row: is this the database of this data folder?"
            )
            return
        for start in range(0, len(leftovers), SOME):
            some = leftovers[start : start + SOME]
            purge = await self.store.purge_leftovers(ran.run_id, some, self.clock.now())
            if await self._tried(ran, f"deletion {purge.id}", partial(self._finish, purge)):
                ran.leftovers += len(some)
                ran.size += sum(size for _, size in some)

    async def _leftovers(self) -> tuple[list[tuple[str, int]], int]:
        """Name and size of the old blobs that no row names, and how many old blobs there are."""
        found: list[tuple[str, int]] = []
        stored = 0
        at_work = {blob for purge in await self.store.unfinished() for blob in purge.blobs}
        async for some in self.blobs.stored(self.clock.now() - self.settings.leftovers):
            stored += len(some)
            unnamed = set(await self.store.unnamed([name for name, _ in some])) - at_work
            found += [(name, size) for name, size in some if name in unnamed]
        return found, stored

    async def _tried(self, ran: Ran, name: str, step: Callable[[], Awaitable[bool]]) -> bool:
        """Whether it was done; what goes wrong with one must not keep the others."""
        try:
            return await step()
        except Exception as error:  # also what nobody thought of: the periods of the others are over too
            ran.problems.append(f"{name}: {told(error)}")
            return False


def suspicious(leftovers: int, stored: int) -> bool:
    """Whether so many blobs without a row are no leftovers of kills, but content whose rows are elsewhere."""
    return leftovers > FEW_LEFTOVERS and leftovers * 2 > stored
