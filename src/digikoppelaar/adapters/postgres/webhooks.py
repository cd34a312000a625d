"""Webhooks and how far their events are, in PostgreSQL; `flows.webhooks` says when to try again.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, Row, transaction
from digikoppelaar.flows.webhooks import Told, Webhook, WebhookRow

CHANNEL: Final = "webhook"
"""On which a commit tells that a webhook has an event."""

_SQL: Final = queries.load("webhooks")


@dataclass(frozen=True, slots=True)
class PostgresWebhooks:
    """flows.webhooks.WebhookStore."""

    pool: Pool

    async def set_webhook(self, webhook: Webhook, now: datetime) -> bool:
        """See flows.webhooks.WebhookStore."""
        values = {**asdict(webhook), "now": now}
        async with transaction(self.pool) as connection:
            row = await (await connection.execute(_SQL["use_webhook"], values)).fetchone()
            if row is not None:
                await connection.execute(_SQL["set_webhook"], {**values, **row})
                await connection.execute(_SQL["wake"])
        return row is not None

    async def remove_webhook(self, omgeving: str, cpa_id: str) -> bool:
        """See flows.webhooks.WebhookStore."""
        return await self._run("remove_webhook", {"omgeving": omgeving, "cpa_id": cpa_id})

    async def webhooks(self) -> Sequence[WebhookRow]:
        """See flows.webhooks.WebhookStore."""
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["webhooks"])).fetchall()
        return [WebhookRow(**{**row, "parked": tuple(row["parked"])}) for row in rows]

    async def release(self, event_id: int, now: datetime) -> bool:
        """See flows.webhooks.WebhookStore."""
        async with transaction(self.pool) as connection:
            released = await connection.execute(_SQL["release"], {"event_id": event_id, "now": now})
            await connection.execute(_SQL["wake"])
        return bool(released.rowcount)

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Told]:
        """See flows.webhooks.WebhookStore."""
        found: list[Told] = []
        wanted = {"now": now, "slots": slots, "busy": Jsonb(dict(busy))}
        async with transaction(self.pool) as connection:
            for row in await (await connection.execute(_SQL["first_due"], wanted)).fetchall():
                start = {"event_id": row["event_id"], "now": now, "until": now + lease}
                # Another node may have started it between our look and our lock: then nothing comes back.
                started = await (await connection.execute(_SQL["start"], start)).fetchone()
                if started is not None:
                    found.append(_told({**row, "attempt": started["attempts"]}))
        return found

    async def taken(self, told: Told, now: datetime) -> None:
        """See flows.webhooks.WebhookStore."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["taken"], {"event_id": told.event_id, "now": now})
            await connection.execute(_SQL["forget"], {"event_id": told.event_id})

    async def refused(self, told: Told, due_at: datetime | None, now: datetime, status: int | None, why: str) -> None:
        """See flows.webhooks.WebhookStore."""
        values = {"event_id": told.event_id, "attempt": told.attempt, "due_at": due_at, "now": now}
        await self._run("refused", {**values, "status": status, "why": why})

    async def next_due(self) -> datetime | None:
        """See flows.webhooks.WebhookStore."""
        async with transaction(self.pool) as connection:
            row = await (await connection.execute(_SQL["next_due"])).fetchone()
        return row["due_at"] if row else None

    async def _run(self, query: str, values: Row) -> bool:
        """Whether it touched a row."""
        async with transaction(self.pool) as connection:
            return bool((await connection.execute(_SQL[query], values)).rowcount)


def _told(row: Mapping[str, Any]) -> Told:
    webhook = Webhook(row["cpa_id"], row["omgeving"], row["url"], row["secret_file"])
    ours = (
        "event_id",
        "attempt",
        "type",
        "at",
        "message_id",
        "ref_to_message_id",
        "conversation_id",
        "service",
        "action",
    )
    return Told(webhook=webhook, **{name: row[name] for name in ours})
