"""The OnboardingStore in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, statement, transaction
from digikoppelaar.ebms import names
from digikoppelaar.flows.ports.onboarding import NOTED, Authority, LogLine, Seen, refused_event
from digikoppelaar.onboarding.model import Finding, Kind, Rol, Severity, Sight, Subject
from digikoppelaar.onboarding.progress import NOTHING, Record, Told, is_news, moved
from digikoppelaar.onboarding.states import StepEvent, StepState

_SQL: Final = queries.load("onboarding")


@dataclass(frozen=True, slots=True)
class PostgresOnboarding:
    """Steps and their log."""

    pool: Pool

    async def authorities(self, oin: str | None = None) -> Sequence[Authority]:
        """See flows.ports.onboarding.OnboardingStore."""
        return [
            Authority(
                row["oin"],
                row["naam"],
                row["bestuurslaag"],
                {(kind, omgeving): partij for kind, omgeving, partij in row["partijen"]},
                row["only_partij"],
            )
            for row in await self._all("authorities", {"oin": oin})
        ]

    async def records(self, subjects: Collection[Subject] | None = None) -> Mapping[Subject, Mapping[str, Record]]:
        """See flows.ports.onboarding.OnboardingStore."""
        found: dict[Subject, dict[str, Record]] = {}
        for row in await self._all("records", _arrays(subjects)):
            found.setdefault(_subject(row), {})[row["number"]] = _record(row)
        return found

    async def tell(self, subject: Subject, number: str, event: StepEvent | None, told: Told) -> Record:
        """See flows.ports.onboarding.OnboardingStore."""
        key = {**asdict(subject), "number": number}
        async with transaction(self.pool) as connection:
            while True:
                row = await (await connection.execute(_SQL["locked"], key)).fetchone()
                record = _record(row) if row else NOTHING
                after = moved(record, event, told)
                if after is None:
                    raise refused_event(subject, number, record.state, event)
                if not is_news(record, event, after):
                    return record
                if await _put(connection, "put" if row else "put_first", key, after):
                    break  # else another one put the first, and is to be seen now
            line = {"at": told.at, "event": event or NOTED, "state": after.state, "by": told.by, "detail": told.detail}
            await connection.execute(_SQL["tell"], {**key, **line})
        return after

    async def log(self, subject: Subject, number: str | None = None) -> Sequence[LogLine]:
        """See flows.ports.onboarding.OnboardingStore."""
        return [LogLine(**row) for row in await self._all("log", {**asdict(subject), "number": number})]

    async def another_has_done(self, subject: Subject, partij_oin: str, number: str) -> bool:
        """See flows.ports.onboarding.OnboardingStore."""
        values = {**asdict(subject), "partij_oin": partij_oin, "number": number}
        return bool(await self._all("another_has_done", values))

    async def sights(self, subjects: Collection[Subject]) -> Mapping[Subject, Mapping[Sight, Seen]]:
        """See flows.ports.onboarding.OnboardingStore."""
        found: dict[Subject, dict[Sight, Seen]] = {}
        for row in await self._all("sights", {**_arrays(subjects), "msh": names.MSH_SERVICE}):
            found.setdefault(_subject(row), {})[Sight(row["sight"])] = Seen(row["at"], row["detail"])
        return found

    async def _all(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with statement(self.pool) as connection:
            return await (await connection.execute(_SQL[query], values)).fetchall()


async def _put(connection: Connection, query: str, key: Row, record: Record) -> bool:
    values = {each: getattr(record, each) for each in ("state", "since", "was_done", "changed_at")}
    findings, evidence = Jsonb([asdict(each) for each in record.findings]), list(record.evidence)
    written = await connection.execute(_SQL[query], {**key, **values, "findings": findings, "evidence": evidence})
    return written.rowcount > 0


def _arrays(subjects: Collection[Subject] | None) -> dict[str, list[str] | None]:
    if subjects is None:
        return {"oins": None, "kinds": None, "omgevingen": None}
    return {
        "oins": [each.oin for each in subjects],
        "kinds": [each.kind for each in subjects],
        "omgevingen": [each.omgeving for each in subjects],
    }


def _subject(row: Row) -> Subject:
    return Subject(row["oin"], Kind(row["kind"]), row["omgeving"])


def _record(row: Row) -> Record:
    return Record(
        state=StepState(row["state"]),
        findings=tuple(map(_finding, row["findings"])),
        evidence=tuple(row["evidence"]),
        **{name: row[name] for name in ("since", "was_done", "changed_at")},
    )


def _finding(values: Row) -> Finding:
    who = values["who"]
    return Finding(**{**values, "severity": Severity(values["severity"]), "who": Rol(who) if who else None})
