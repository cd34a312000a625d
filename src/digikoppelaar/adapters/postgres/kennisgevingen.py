"""The KennisgevingStore in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, statement, transaction
from digikoppelaar.adapters.postgres.registry import case_system_of
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import (
    TOLD_OF,
    KennisgevingEvent,
    KennisgevingState,
    after,
)
from digikoppelaar.flows.ports.kennisgevingen import (
    Attempt,
    Facts,
    Judged,
    KennisgevingFilter,
    Key,
    LogLine,
    NotDrafted,
    Origin,
    Publication,
    Sent,
    StoredKennisgeving,
    Undrafted,
    check_move,
    no_attempt,
)
from digikoppelaar.flows.ports.repair import Who

_SQL: Final = queries.load("kennisgevingen")
_E: Final = KennisgevingEvent


@dataclass(frozen=True, slots=True)
class PostgresKennisgevingen:
    """Kennisgevingen and their log."""

    pool: Pool

    async def draft(
        self,
        key: Key,
        document: Mapping[str, object],
        who: Who,
        origin: Origin | None = None,
        judged: Judged | None = None,
    ) -> tuple[StoredKennisgeving, bool]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        about = {
            "origin_aansluiting_id": origin.aansluiting_id if origin else None,
            "verzoeknummer": origin.verzoeknummer if origin else None,
            "reason": judged.facts.reason if judged else None,
            "advice": judged.facts.advice if judged else None,
        }
        async with transaction(self.pool) as connection:
            values = {**asdict(key), **about, "document": Jsonb(dict(document))}
            while (row := await _row(connection, "draft", values)) is None:
                if there := await _row(connection, "with_key", asdict(key)):
                    return stored(there), False
                # What was in the way was cancelled between the two.
            await _tell(connection, row, "drafted", who.at, who.name, judged.facts.detail if judged else "")
            if judged and judged.approved:
                return await _moved(connection, row, _E.APPROVED, who.at, judged.facts, by=who.name), True
        return stored(row), True

    async def edit(
        self,
        kennisgeving_id: int,
        document: Mapping[str, object],
        who: Who,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        return await self._by_hand(kennisgeving_id, _E.EDITED, who, Facts(), document=document, seen=seen)

    async def kennisgeving(self, kennisgeving_id: int) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            return stored(await _there(connection, "kennisgeving", kennisgeving_id))

    async def kennisgevingen(self, wanted: KennisgevingFilter) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            return await _all(connection, "kennisgevingen", asdict(wanted))

    async def log(self, kennisgeving_id: int) -> Sequence[LogLine]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["log"], {"id": kennisgeving_id})).fetchall()
        return [LogLine(**row) for row in rows]

    async def move(
        self,
        kennisgeving_id: int,
        event: KennisgevingEvent,
        who: Who,
        facts: Facts,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        return await self._by_hand(kennisgeving_id, event, who, facts, seen=seen)

    async def claim(self, now: datetime, limit: int, per_aansluiting: int) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        values = {"now": now, "limit": limit, "per_aansluiting": per_aansluiting}
        async with transaction(self.pool) as connection:
            due = await (await connection.execute(_SQL["due"], values)).fetchall()
            return [await _moved(connection, row, _E.CLAIMED, now, Facts()) for row in due]

    async def began(self, claimed: StoredKennisgeving, sent: Sent, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        values = {**asdict(sent), "id": claimed.id, "number": claimed.attempts, "now": now}
        async with statement(self.pool) as connection:
            return (await connection.execute(_SQL["began"], values)).rowcount > 0

    async def attempts(self, kennisgeving_id: int) -> Sequence[Attempt]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["attempts"], {"id": kennisgeving_id})).fetchall()
        return [Attempt(**row) for row in rows]

    async def exchange(self, kennisgeving_id: int, number: int) -> tuple[bytes, bytes | None]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            row = await _row(connection, "exchange", {"id": kennisgeving_id, "number": number})
        if row is None:
            raise no_attempt(kennisgeving_id, number)
        return row["request"], row["answer"]

    async def settle(self, sent: StoredKennisgeving, event: KennisgevingEvent, facts: Facts, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with transaction(self.pool) as connection:
            row = await _there(connection, "locked", sent.id)
            if facts.answer:
                values = {**asdict(facts.answer), "id": sent.id, "number": sent.attempts, "now": now}
                await connection.execute(_SQL["answered"], values)
            if row["attempts"] != sent.attempts or after(row["state"], event) is None:
                detail = f"attempt {sent.attempts}, too late: {facts.dossiernummer or facts.detail}"
                await _tell(connection, row, event, now, None, detail)
                return False
            await _moved(connection, row, event, now, facts)
        return True

    async def forsaken(self, now: datetime, after: timedelta, facts: Facts) -> Sequence[int]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["forsaken"], {"before": now - after})).fetchall()
            return [(await _moved(connection, row, _E.UNANSWERED, now, facts)).id for row in rows]

    async def sought(self, now: datetime, limit: int, but: Collection[int] = ()) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            return await _all(connection, "sought", {"now": now, "limit": limit, "but": list(but)})

    async def looked(
        self, kennisgeving_id: int, next_look: datetime, publication: Publication | None, now: datetime
    ) -> None:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with transaction(self.pool) as connection:
            row = await _there(connection, "locked", kennisgeving_id)
            if publication is None or after(row["state"], _E.FOUND) is None:
                if publication and row["state"] == KennisgevingState.CANCELLED:
                    await _tell(connection, row, _E.FOUND, now, None, f"too late: {publication.number}")
                await connection.execute(_SQL["look_again"], {"id": kennisgeving_id, "due_at": next_look})
                return
            found = Facts(publication=publication, detail=publication.number)
            try:
                async with connection.transaction():
                    await _moved(connection, row, _E.FOUND, now, found)
            except UniqueViolation:  # another of the aansluiting has it
                await connection.execute(_SQL["look_again"], {"id": kennisgeving_id, "due_at": next_look})

    async def undrafted(self, limit: int, verzoeknummer: str | None = None, skip: int = 0) -> Sequence[Undrafted]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        values = {"limit": limit, "verzoeknummer": verzoeknummer, "skip": skip}
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["undrafted"], values)).fetchall()
        return [
            Undrafted(
                Origin(row["aansluiting_id"], row["verzoeknummer"]),
                row["omgeving"],
                row["xml"],
                case_system_of(row["case_system"]),
            )
            for row in rows
        ]

    async def none_for(self, origin: Origin, reason: str, who: Who | None, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        values = {**asdict(origin), "reason": reason, "by": who.name if who else None, "now": now}
        async with statement(self.pool) as connection:
            return (await connection.execute(_SQL["none_for"], values)).rowcount > 0

    async def not_drafted(self, origin: Origin, why: NotDrafted, now: datetime) -> None:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        async with statement(self.pool) as connection:
            await connection.execute(_SQL["not_drafted"], {**asdict(origin), **asdict(why), "now": now})

    async def _by_hand(
        self,
        kennisgeving_id: int,
        event: KennisgevingEvent,
        who: Who,
        facts: Facts,
        *,
        document: Mapping[str, object] | None = None,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        async with transaction(self.pool) as connection:
            row = await _there(connection, "locked", kennisgeving_id)
            check_move(stored(row), event, seen)
            return await _moved(connection, row, event, who.at, facts, by=who.name, document=document)


async def _moved(
    connection: Connection,
    row: Row,
    event: KennisgevingEvent,
    now: datetime,
    facts: Facts,
    *,
    by: str | None = None,
    document: Mapping[str, object] | None = None,
) -> StoredKennisgeving:
    """The caller holds the row, and saw that the event can happen."""
    claimed, found = event is _E.CLAIMED, facts.publication
    values = {
        "id": row["id"],
        "state": after(row["state"], event),
        "document": None if document is None else Jsonb(dict(document)),
        "attempt": int(claimed),
        "begun_at": now if claimed else None,
        "due_at": facts.due_at,
        "dossiernummer": facts.dossiernummer,
        "publication": found.number if found else None,
        "publication_url": found.url if found else None,
        "published_on": found.published_on if found else None,
        "differences": list(found.differences) if found else None,
        "reason": facts.reason,
        "advice": facts.advice,
    }
    moved = await _row(connection, "moved", values)
    assert moved, "it is locked"
    await _tell(connection, moved, event, now, by, facts.detail)
    if moved["state"] in TOLD_OF:
        await _plan_tellings(connection, moved, now)
    return stored(moved)


async def _plan_tellings(connection: Connection, row: Row, now: datetime) -> None:
    """Who is to be told of the state that it came to.

    The verzoek is held while its targets are looked up, as it is by one that takes it: either sees the other.
    """
    values = {**row, "now": now}
    await connection.execute(_SQL["tell_application"], values)
    if row["state"] == KennisgevingState.PUBLISHED and row["verzoeknummer"] is not None:
        await connection.execute(_SQL["hold_verzoek"], values)
        await connection.execute(_SQL["tell_case_systems"], values)


async def _tell(connection: Connection, row: Row, event: str, at: datetime, by: str | None, detail: str = "") -> None:
    about = {name: row[name] for name in ("id", "aansluiting_id", "state")}
    await connection.execute(_SQL["tell"], {**about, "at": at, "event": event, "by": by, "detail": detail})


async def _row(connection: Connection, query: str, values: Row) -> dict[str, Any] | None:
    return await (await connection.execute(_SQL[query], values)).fetchone()


async def _there(connection: Connection, query: str, kennisgeving_id: int) -> dict[str, Any]:
    row = await _row(connection, query, {"id": kennisgeving_id})
    if row is None:
        raise ConfigError(
            f"there is no kennisgeving {kennisgeving_id}",
            advice="Zoek het nummer op met `digikoppelaar kennisgeving list`.",
        )
    return row


async def _all(connection: Connection, query: str, values: Row) -> Sequence[StoredKennisgeving]:
    return [stored(row) for row in await (await connection.execute(_SQL[query], values)).fetchall()]


def stored(row: Row) -> StoredKennisgeving:
    """The kennisgeving in a row."""
    key = Key(row["aansluiting_id"], row["referentienummer"], row["moment"], row["blad"], row["number"])
    about, number = row["origin_aansluiting_id"], row["publication"]
    return StoredKennisgeving(
        id=row["id"],
        key=key,
        document=row["document"],
        state=row["state"],
        origin=None if about is None else Origin(about, row["verzoeknummer"]),
        publication=None
        if number is None
        else Publication(number, row["publication_url"], row["published_on"], tuple(row["differences"])),
        **{name: row[name] for name in ("attempts", "due_at", "begun_at", "dossiernummer", "reason", "advice")},
    )
