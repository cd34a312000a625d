"""What the tests of retention share: verzoeken that ended some days ago, with blobs on a real disk, and a clock."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.unit.adapters.postgres.world import World
from tests.unit.flows.stored_messages import inbound_of
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.retention import PostgresRetention
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.flows.ports import FileKind, NewFile, NewNotification, NewVerzoek, StoredPayload
from digikoppelaar.flows.ports.retention import ErasableBlobs, PurgeFilter, PurgeRow, RetentionStore
from digikoppelaar.flows.retention import Ran, Retention, RetentionSettings
from digikoppelaar.stam.rules import Action, Known, Ruling

LATER = SystemClock().now() + timedelta(days=10)
"""What the clock of these tests says: every blob that they store is more than nine days old then."""
FILES = (
    NewFile(0, FileKind.XML, "x", "verzoek.xml", "application/xml", "https://dso.test/x"),
    NewFile(1, FileKind.BIJLAGE, "b", "brief van Fictief.pdf", "application/pdf", "https://dso.test/b"),
)


@dataclass
class MovingClock:
    """A clock that tests set."""

    moment: datetime = LATER

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return self.moment


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


@dataclass
class Keeping:
    """An installation with verzoeken, and what deletes them."""

    world: World
    folder: Path
    clock: MovingClock = field(default_factory=MovingClock)
    numbers: Any = field(default_factory=lambda: count(2026060200001))
    settings: RetentionSettings = field(default_factory=RetentionSettings)

    @property
    def store(self) -> PostgresRetention:
        return PostgresRetention(self.world.pool)

    @property
    def blobs(self) -> FolderBlobs:
        return FolderBlobs(self.folder / "blobs")

    @property
    def keys(self) -> FingerprintKeyFile:
        return FingerprintKeyFile(self.folder / "fingerprint.key")

    def retention(self, store: RetentionStore | None = None, blobs: ErasableBlobs | None = None) -> Retention:
        return Retention(store or self.store, blobs or self.blobs, self.keys, self.clock, self.settings)

    async def run(self) -> Ran:
        ran = await self.retention().run("test")
        assert ran is not None
        assert ran.problems == []
        return ran

    async def fetched(self, days: int, *, action: Action = Action.DELIVER_NEW, which: int = 0) -> tuple[int, str]:
        """A version whose notification came, and which was fetched whole, so many days ago; id and verzoeknummer."""
        number, moment = str(next(self.numbers)), self.clock.moment - timedelta(days=days)
        cpa = (self.world.pre, self.world.prod)[which]
        payload = StoredPayload("notificatie", "application/xml", 4, b"\3" * 32, data=b"<n/>", name="n.xml")
        inbound = inbound_of(cpa, f"{number}@dso.example")
        inbound = type(inbound)(**{**_fields(inbound), "payloads": (payload,), "received_at": moment})
        assert await self.world.messages.record_inbound(inbound, None, NewNotification(number))
        notification = await self.newest("notification")

        def judge(known: Known) -> Ruling:
            del known
            return Ruling(action, "rule", "because", "Doe iets.")

        new = NewVerzoek(number, 0, "Aanvraag vergunning", "initieren", "Dakkapel van Fictief", moment, False)
        verzoek = await self.world.verzoeken.start_verzoek(notification, new, FILES, moment, judge)
        for file in verzoek.files:
            content = verzoek_xml(number) if file.kind is FileKind.XML else b"bijlage"
            blob = await self.blobs.put(f"verzoeken/{verzoek.aansluiting.id}/{verzoek.id}/{file.id}-1", chunks(content))
            await self.world.verzoeken.file_fetched(file.id, blob.name, blob.size, blob.sha256, moment)
        await self.world.verzoeken.verzoek_fetched(notification, verzoek.id, moment)
        return verzoek.id, number

    async def delivered(self, days: int, *, targets: Sequence[str] = ("map",), which: int = 0) -> tuple[int, str]:
        """One that every target took so many days ago."""
        verzoek_id, number = await self.fetched(days, which=which)
        moment, deliveries = self.clock.moment - timedelta(days=days), PostgresDeliveries(self.world.pool)
        for each in await deliveries.plan(verzoek_id, targets, moment):
            await deliveries.delivered(each.id, f"zaak-{number}", moment)
        await self.world.verzoeken.verzoek_delivered(verzoek_id, f"zaak-{number}", moment)
        return verzoek_id, number

    async def newest(self, table: str) -> int:
        [row] = await self.rows(f"SELECT max(id) AS id FROM {table}")
        return int(row["id"])

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.world.pool.connection() as connection:
            return await (await connection.execute(query.encode())).fetchall()

    async def purges(self) -> list[PurgeRow]:
        """All that is on record, the oldest first."""
        return list(reversed(await self.store.purges(PurgeFilter(limit=10_000))))

    def on_disk(self) -> set[str]:
        """Names of the blobs that are there."""
        folder = self.folder / "blobs"
        return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
