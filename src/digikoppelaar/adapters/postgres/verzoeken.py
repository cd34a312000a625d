"""The VerzoekStore in PostgreSQL. Which state follows which is in `flows.intake_states`; here it is made durable.

Every method is one transaction and raises StorageError when the database fails or a row is not there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import interventions, jobs, queries, version_order
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, statement, transaction
from digikoppelaar.adapters.postgres.registry import aansluiting_of
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import (
    NOTIFICATION_ENDED,
    NotificationEvent,
    NotificationState,
    VerzoekEvent,
    VerzoekState,
    needs_fetch_job,
    notification_after,
    verzoek_after,
)
from digikoppelaar.flows.ports import (
    Aansluiting,
    Blob,
    File,
    FileKind,
    NewFile,
    NewNotification,
    NewVerzoek,
    Notification,
    Original,
    Parked,
    Verzoek,
)
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.ports.verzoeken import Judge
from digikoppelaar.flows.version_order import taken_up
from digikoppelaar.stam.rules import Action, taken_as_new

_SQL: Final = queries.load("verzoeken")


@dataclass(frozen=True, slots=True)
class PostgresVerzoeken:
    """Notifications, verzoek versions and their files."""

    pool: Pool

    async def notification(self, notification_id: int) -> Notification:
        """See flows.ports.VerzoekStore."""
        async with statement(self.pool) as connection:
            row = await _found(connection, "notification", notification_id)
        return Notification(
            row["notification_id"],
            aansluiting_of(row),
            row["verzoeknummer"],
            row["received_at"],
            row["state"],
            row["withdrawal"],
            row["stopped"],
            row["again"],
        )

    async def announced(
        self, aansluiting: Aansluiting, new: NewNotification, document: bytes, now: datetime
    ) -> int | None:
        """See flows.ports.VerzoekStore."""
        values = {"aansluiting_id": aansluiting.id, "verzoeknummer": new.verzoeknummer, "withdrawal": new.withdrawal}
        received = {**values, "document": document, "now": now, "state": NotificationState.RECEIVED}
        async with transaction(self.pool) as connection:
            row = await (await connection.execute(_SQL["insert_announced"], received)).fetchone()
            if row is None:
                return None
            await jobs.defer_about(connection, jobs.FETCH, row)
            await _tell(connection, row, "received", now, notification_id=row["id"])
            return int(row["id"])

    async def original(self, notification_id: int) -> Original:
        """See flows.ports.VerzoekStore."""
        async with statement(self.pool) as connection:
            return Original(**await _found(connection, "original", notification_id))

    async def passed_on(self, notification_id: int, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        async with transaction(self.pool) as connection:
            row = await _found(connection, "lock_notification", notification_id)
            after = notification_after(row["state"], NotificationEvent.PASSED_ON)
            if after != row["state"]:
                await connection.execute(_SQL["passed_on"], {"id": notification_id, "state": after, "now": now})
                await _tell(connection, row, "passed_on", now, notification_id=notification_id)

    async def start_verzoek(
        self,
        notification_id: int,
        verzoek: NewVerzoek,
        files: Sequence[NewFile],
        now: datetime,
        judge: Judge = taken_as_new,
    ) -> Verzoek:
        """See flows.ports.VerzoekStore."""
        async with transaction(self.pool) as connection:
            notification = await version_order.lock_after_notification(
                connection, notification_id, verzoek.verzoeknummer
            )
            announced = [{**asdict(file), "kind": file.kind.value} for file in files]
            verzoek_id, open_ = await _made_or_found(connection, notification, verzoek, announced, judge, now)
            # DSO-LV may announce a file later than its verzoek: it belongs to the version until that is whole.
            started = {"id": notification_id, "verzoek_id": verzoek_id, "files": Jsonb(announced if open_ else [])}
            await connection.execute(_SQL["start"], {**started, "aansluiting_id": notification["aansluiting_id"]})
            return await _verzoek(connection, verzoek_id)

    async def file_fetched(self, file_id: int, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """See flows.ports.VerzoekStore."""
        return file_id in await self.files_fetched({file_id: Blob(blob, size, sha256)}, now)

    async def files_fetched(self, blobs: Mapping[int, Blob], now: datetime) -> Collection[int]:
        """See flows.ports.VerzoekStore."""
        found = blobs.values()
        values = {
            "ids": list(blobs),
            "blobs": [each.name for each in found],
            "sizes": [each.size for each in found],
            "hashes": [each.sha256 for each in found],
            "now": now,
        }
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["files_fetched"], values)).fetchall()
        if len(rows) < len(blobs):
            raise StorageError(f"there is no file {min(set(blobs) - {row['id'] for row in rows})}")
        return {row["id"] for row in rows if row["recorded"]}

    async def file_replaced(self, file_id: int, gone: str, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """See flows.ports.VerzoekStore."""
        values = {"id": file_id, "gone": gone, "blob": blob, "size": size, "sha256": sha256, "now": now}
        async with transaction(self.pool) as connection:
            if not (await connection.execute(_SQL["file_replaced"], values)).rowcount:
                return False
            await connection.execute(_SQL["insert_file_step"], values)
            return True

    async def verzoek_fetched(self, notification_id: int, verzoek_id: int, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        async with transaction(self.pool) as connection:
            row = await _found(connection, "lock_notification", notification_id)
            key = await version_order.lock_of(connection, verzoek_id)
            await version_order.whole(connection, verzoek_id, key, notification_id, now)
            state = notification_after(row["state"], NotificationEvent.FETCHED)
            values = {"id": notification_id, "state": state, "verzoek_id": verzoek_id}
            await connection.execute(_SQL["notification_fetched"], values)

    async def verzoek(self, verzoek_id: int) -> Verzoek:
        """See flows.ports.VerzoekStore."""
        async with statement(self.pool) as connection:
            return await _verzoek(connection, verzoek_id)

    async def verzoek_delivered(self, verzoek_id: int, case_reference: str, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        async with transaction(self.pool) as connection:
            key = await version_order.lock_of(connection, verzoek_id)
            await version_order.delivered(connection, verzoek_id, key, case_reference, now)

    async def trouble(
        self,
        *,
        notification_id: int | None = None,
        verzoek_id: int | None = None,
        reason: str,
        advice: str,
        parked: bool,
        now: datetime,
    ) -> None:
        """See flows.ports.VerzoekStore."""
        told = {"reason": reason, "advice": advice}
        async with transaction(self.pool) as connection:
            if notification_id is not None:
                await _trouble_of_notification(connection, notification_id, told, parked, now)
            if verzoek_id is not None:
                await _trouble_of_verzoek(connection, verzoek_id, told, parked, now)

    async def release(
        self, aansluiting_id: int, verzoeknummer: str, now: datetime, *, by: str = "", dry_run: bool = False
    ) -> Sequence[Parked]:
        """See flows.ports.VerzoekStore."""
        which = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer}
        async with transaction(self.pool) as connection:
            notifications = await (await connection.execute(_SQL["lock_parked_notifications"], which)).fetchall()
            await version_order.lock(connection, which)
            verzoeken = await (await connection.execute(_SQL["lock_parked_verzoeken"], which)).fetchall()
            if not dry_run:
                for row in notifications:
                    await _release_notification(connection, row, now)
                for row in verzoeken:
                    await version_order.release(connection, row, now)
                await connection.execute(_SQL["let_go"], which)
                if by and (notifications or verzoeken):
                    await interventions.told(connection, aansluiting_id, verzoeknummer, "released", Who(by, now))
        return [Parked(row["id"], row["volgnummer"], row["reason"]) for row in (*notifications, *verzoeken)]


async def _found(connection: Connection, query: str, row_id: int) -> dict[str, Any]:
    row = await (await connection.execute(_SQL[query], {"id": row_id})).fetchone()
    if row is None:
        raise StorageError(f"there is no {query.removeprefix('lock_')} {row_id}")
    return row


async def _verzoek(connection: Connection, verzoek_id: int) -> Verzoek:
    row = await _found(connection, "verzoek", verzoek_id)
    return Verzoek(
        id=row["verzoek_id"],
        aansluiting=aansluiting_of(row),
        verzoeknummer=row["verzoeknummer"],
        volgnummer=row["volgnummer"],
        type=row["type"],
        doel=row["doel"],
        naam=row["naam"],
        test=row["test"],
        state=row["state"],
        files=tuple(map(_file, row["files"])),
        case_reference=row["case_reference"],
        action=Action(row["action"]),
        rule=row["rule"],
        lapsed=tuple(row["lapsed"]),
        purged_at=row["purged_at"],
    )


def _file(values: Row) -> File:
    sha256 = values["sha256"]
    return File(**{**values, "kind": FileKind(values["kind"]), "sha256": sha256 and bytes.fromhex(sha256)})


async def _made_or_found(
    connection: Connection, notification: Row, new: NewVerzoek, files: Sequence[Row], judge: Judge, now: datetime
) -> tuple[int, bool]:
    """The id of the version, and whether it can still get files."""
    values = {
        **asdict(new),
        "findings": Jsonb([asdict(each) for each in new.findings]),
        "aansluiting_id": notification["aansluiting_id"],
        "received_at": notification["received_at"],
        "state": VerzoekState.FETCHING,
    }
    found = await version_order.on_record(connection, values)
    if new.volgnummer in found.versions:
        verzoek_id, state = found.versions[new.volgnummer]
        ruling = taken_up(new.volgnummer, found.known, judge)
        if ruling is not None:
            bijlagen = [file["document_id"] for file in files if file["kind"] == FileKind.BIJLAGE.value]
            told = {"id": verzoek_id, "bijlagen": bijlagen, "name": VerzoekEvent.TAKEN_UP, "now": now}
            await connection.execute(_SQL["take_up"], {**values, **version_order.columns(ruling), **told})
        return verzoek_id, ruling is not None or state == VerzoekState.FETCHING
    judged = {**values, **version_order.columns(judge(found.known))}
    made = await (await connection.execute(_SQL["insert_verzoek"], judged)).fetchone()
    assert made is not None
    return int(made["id"]), True


async def _trouble_of_notification(
    connection: Connection, notification_id: int, told: Row, parked: bool, now: datetime
) -> None:
    row = await _found(connection, "lock_notification", notification_id)
    if row["state"] in NOTIFICATION_ENDED or row["stopped"]:
        return
    after = notification_after(row["state"], NotificationEvent.PARKED) if parked else row["state"]
    await connection.execute(_SQL["trouble_of_notification"], {"id": notification_id, "state": after, **told})
    name = "parked" if parked else "fetch_failed"
    await _tell(connection, row, name, now, detail=told["reason"], notification_id=notification_id)


async def _trouble_of_verzoek(connection: Connection, verzoek_id: int, told: Row, parked: bool, now: datetime) -> None:
    row = await _found(connection, "lock_verzoek", verzoek_id)
    if row["state"] not in (VerzoekState.FETCHED, VerzoekState.PARKED) or row["stopped"]:
        return
    after = verzoek_after(row["state"], VerzoekEvent.PARKED) if parked else row["state"]
    await connection.execute(_SQL["trouble_of_verzoek"], {"id": verzoek_id, "state": after, **told})
    name = "parked" if parked else "delivery_failed"
    await _tell(connection, row, name, now, detail=told["reason"], verzoek_id=verzoek_id)


async def _release_notification(connection: Connection, row: Row, now: datetime) -> None:
    after = notification_after(row["state"], NotificationEvent.RELEASED)
    await connection.execute(_SQL["release_notification"], {"id": row["id"], "state": after})
    if needs_fetch_job(row["state"], after):
        await jobs.defer_about(connection, jobs.FETCH, row)
    await _tell(connection, row, "released", now, notification_id=row["id"])


async def _tell(
    connection: Connection,
    row: Row,
    name: str,
    at: datetime,
    *,
    detail: str = "",
    notification_id: int | None = None,
    verzoek_id: int | None = None,
) -> None:
    values = {"aansluiting_id": row["aansluiting_id"], "name": name, "at": at, "detail": detail}
    await connection.execute(
        _SQL["insert_step"], {**values, "notification_id": notification_id, "verzoek_id": verzoek_id}
    )
