"""Reading for pages and the command line. One page is read in one transaction, at one moment; nothing is written."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.ports import StoredPayload
from digikoppelaar.flows.reading import (
    AttemptRow,
    Direction,
    FileRow,
    InterventionRow,
    KennisgevingRow,
    LinkRow,
    MessageFilter,
    MessagePage,
    MessageRow,
    PartnerRow,
    PayloadRow,
    StepRow,
    VersionPage,
    VerzoekFilter,
    VerzoekPage,
    VerzoekRow,
)
from digikoppelaar.stam.model import Finding

_SQL: Final = queries.load("reading")

_ANY_MESSAGE: Final = {**asdict(MessageFilter()), "id": None}
_VERZOEK_FIELDS: Final = [each.name for each in fields(VerzoekRow)]
_MESSAGE_FIELDS: Final = [each.name for each in fields(MessageRow)]


@dataclass(frozen=True, slots=True)
class PostgresReading:
    """See flows.reading.Reading."""

    pool: Pool

    async def verzoeken(self, wanted: VerzoekFilter) -> Sequence[VerzoekRow]:
        """See flows.reading.Reading."""
        async with transaction(self.pool) as connection:
            return [_verzoek_row(row) for row in await _verzoeken(connection, wanted)]

    async def verzoek(self, aansluiting_id: int, verzoeknummer: str) -> VerzoekPage | None:
        """See flows.reading.Reading."""
        async with transaction(self.pool) as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            rows = await _verzoeken(connection, VerzoekFilter(verzoeknummer=verzoeknummer), aansluiting_id)
            if not rows:
                return None
            versions = [await _version(connection, row) for row in rows]
            messages = await _messages_of_verzoek(connection, rows)
            links = [LinkRow(**row) for row in await _all(connection, "links", rows[0])]
            by_hand = [InterventionRow(**row) for row in await _all(connection, "interventions", rows[0])]
            notices = [KennisgevingRow(**row) for row in await _all(connection, "kennisgevingen", rows[0])]
        about = {name: rows[0][name] for name in ("omgeving", "organisatie_oin", "organisatie_naam")}
        return VerzoekPage(
            aansluiting_id,
            **about,
            verzoeknummer=verzoeknummer,
            versions=tuple(versions),
            messages=messages,
            links=tuple(links),
            interventions=tuple(by_hand),
            kennisgevingen=tuple(notices),
        )

    async def messages(self, wanted: MessageFilter) -> Sequence[MessageRow]:
        """See flows.reading.Reading."""
        values = {**asdict(wanted), "id": None, "direction": wanted.direction and wanted.direction.value}
        async with transaction(self.pool) as connection:
            return [_message_row(row) for row in await _all(connection, "messages", values)]

    async def message(self, direction: Direction, message_row_id: int) -> MessagePage | None:
        """See flows.reading.Reading."""
        async with transaction(self.pool) as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = await _message(connection, direction, message_row_id)
            if row is None:
                return None
            return await (_inbound_page if direction is Direction.IN else _outbound_page)(connection, row)

    async def payloads(self, inbound_id: int) -> Sequence[StoredPayload]:
        """See flows.reading.Reading."""
        async with transaction(self.pool) as connection:
            return [StoredPayload(**row) for row in await _all(connection, "contents", {"id": inbound_id})]

    async def partners(self) -> Sequence[PartnerRow]:
        """See flows.reading.Reading."""
        async with transaction(self.pool) as connection:
            return [PartnerRow(**row) for row in await _all(connection, "partners", {})]


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


# --- verzoeken -----------------------------------------------------------------------------------------------


async def _verzoeken(
    connection: Connection, wanted: VerzoekFilter, aansluiting_id: int | None = None
) -> list[dict[str, Any]]:
    return await _all(connection, "verzoeken", {**asdict(wanted), "aansluiting_id": aansluiting_id})


def _verzoek_row(row: Row) -> VerzoekRow:
    return VerzoekRow(**{name: row[name] for name in _VERZOEK_FIELDS})


async def _version(connection: Connection, row: Row) -> VersionPage:
    files = await _all(connection, "files", row)
    steps = await _all(connection, "steps_of_verzoek", row)
    findings = [Finding(**each) for found in await _all(connection, "findings", row) for each in found["findings"]]
    return VersionPage(_verzoek_row(row), tuple(FileRow(**each) for each in files), _steps(steps), tuple(findings))


async def _messages_of_verzoek(connection: Connection, versions: Iterable[Row]) -> tuple[MessageRow, ...]:
    ids = {
        "verzoek_ids": [row["verzoek_id"] for row in versions if row["verzoek_id"]],
        "notification_ids": [row["notification_id"] for row in versions if row["notification_id"]],
    }
    keys = await _all(connection, "messages_of_verzoek", ids)
    found = [await _message(connection, Direction(key["direction"]), key["id"]) for key in keys]
    return tuple(sorted((row for row in found if row), key=lambda row: (row.at, row.direction.value, row.id)))


def _steps(rows: Iterable[Row]) -> tuple[StepRow, ...]:
    return tuple(StepRow(**row) for row in rows)


# --- messages ------------------------------------------------------------------------------------------------


def _message_row(row: Row) -> MessageRow:
    return MessageRow(**{**{name: row[name] for name in _MESSAGE_FIELDS}, "direction": Direction(row["direction"])})


async def _message(connection: Connection, direction: Direction, row_id: int) -> MessageRow | None:
    values = {**_ANY_MESSAGE, "direction": direction.value, "id": row_id}
    rows = await _all(connection, "messages", values)
    return _message_row(rows[0]) if rows else None


async def _inbound_page(connection: Connection, row: MessageRow) -> MessagePage:
    [content] = await _all(connection, "inbound_content", {"id": row.id})
    payloads = await _all(connection, "payloads", {"id": row.id})
    steps = await _all(connection, "steps_of_message", {"inbound_id": row.id, "outbound_id": None})
    agreement = read_agreement(content["cpa"], content["our_party_ids"])
    return MessagePage(
        message=row,
        partner=agreement.theirs.party_ids[0].value,
        endpoint=None,
        content_type=content["content_type"],
        document=content["document"],
        payloads=tuple(PayloadRow(**each) for each in payloads),
        steps=_steps(steps),
        verzoeknummer=content["verzoeknummer"],
        purged_at=content["purged_at"],
    )


async def _outbound_page(connection: Connection, row: MessageRow) -> MessagePage:
    [content] = await _all(connection, "outbound_content", {"id": row.id})
    attempts = await _all(connection, "attempts", {"id": row.id})
    steps = await _all(connection, "steps_of_message", {"inbound_id": None, "outbound_id": row.id})
    return MessagePage(
        message=row,
        partner=content["partner"],
        endpoint=content["endpoint"],
        content_type=content["content_type"],
        document=content["document"],
        attempts=tuple(AttemptRow(**each) for each in attempts),
        steps=_steps(steps),
        purged_at=content["purged_at"],
    )
