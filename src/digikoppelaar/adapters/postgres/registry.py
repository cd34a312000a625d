"""The Registry in PostgreSQL, with what `organisatie apply` and `cpa import` write in it.

Every method is one transaction and raises StorageError when the database fails.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import IntegrityError
from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.errors import ConfigError, StorageError
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings, CpaRecord, DsoSettings
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Change,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
)

_SQL: Final = queries.load("registry")
_AGREEMENTS_KEPT: Final = 2000

_PUT: Final[Mapping[type[Entry], str]] = {
    OrganisatieEntry: "put_organisatie",
    PartijEntry: "put_partij",
    CertificateEntry: "put_certificate",
    MachtigingEntry: "put_machtiging",
    AansluitingEntry: "put_aansluiting",
}


@dataclass(frozen=True, slots=True)
class PostgresRegistry:
    """Who is connected to what. An Agreement is read once for each version of a CPA document."""

    pool: Pool
    _agreements: dict[tuple[int, bytes], Agreement] = field(default_factory=dict, init=False, repr=False)

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """See flows.ports.Registry."""
        found = await self._cpas(omgeving, cpa_id)
        return found[0] if found else None

    async def cpas(self, omgeving: str | None = None) -> Sequence[CpaRecord]:
        """Every imported CPA, or those of one omgeving."""
        return await self._cpas(omgeving, None)

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """See flows.ports.Registry."""
        rows = await self._all("acts_for", {"omgeving": omgeving, "oin": oin})
        return frozenset(row["namens_oin"] for row in rows)

    async def aansluitingen(self) -> Sequence[Aansluiting]:
        """Every aansluiting."""
        return [aansluiting_of(row) for row in await self._all("aansluitingen", {})]

    async def certificates(self, omgeving: str | None = None) -> Sequence[CertificateEntry]:
        """The certificate files of every partij, or those for one omgeving."""
        return [CertificateEntry(**row) for row in await self._all("certificates", {"omgeving": omgeving})]

    async def entries(self) -> Sequence[Entry]:
        """Everything on record, for `registration.difference`."""
        async with transaction(self.pool) as connection:
            return [
                *(OrganisatieEntry(**row) for row in await _all(connection, "organisaties")),
                *(PartijEntry(**row) for row in await _all(connection, "partijen")),
                *(CertificateEntry(**row) for row in await _all(connection, "certificates", {"omgeving": None})),
                *(MachtigingEntry(**row) for row in await _all(connection, "machtigingen")),
                *(AansluitingEntry(**row) for row in await _all(connection, "aansluiting_entries")),
            ]

    async def apply(self, changes: Iterable[Change], now: datetime) -> None:
        """Put the `after` of every change on record, all or nothing; again changes nothing.

        Raises ConfigError when an entry points at an organisatie or partij that is not on record.
        """
        try:
            async with transaction(self.pool) as connection:
                for change in changes:
                    await connection.execute(_SQL[_PUT[type(change.after)]], _values(change.after, now))
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            raise ConfigError(
                f"the registration does not hold together: {error.__cause__.diag.constraint_name}",
                advice="Verwijst elke regel naar een organisatie en partij die bestaan, met een OIN van 20 cijfers?",
            ) from error

    async def import_cpa(
        self, aansluiting_id: int, document: bytes, agreement: Agreement, now: datetime, *, replace: bool = False
    ) -> bool:
        """Keep a CPA for an aansluiting; `agreement` is what `read_agreement` made of it. Whether anything changed.

        Raises ConfigError when this CPAId is known in the omgeving with other bytes (unless `replace`), or belongs to
        another aansluiting, or when there is no such aansluiting.
        """
        values = {**_facts(document, agreement), "aansluiting_id": aansluiting_id, "now": now}
        async with transaction(self.pool) as connection:
            known = await (await connection.execute(_SQL["lock_cpa"], values)).fetchone()
            if known is None:
                if not (await connection.execute(_SQL["insert_cpa"], values)).rowcount:
                    raise ConfigError(f"there is no aansluiting {aansluiting_id}")
                return True
            if not _may_replace(known, values, replace=replace):
                return False
            await connection.execute(_SQL["replace_cpa"], {**values, "id": known["id"]})
            return True

    async def _cpas(self, omgeving: str | None, cpa_id: str | None) -> list[CpaRecord]:
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "cpa", {"omgeving": omgeving, "cpa_id": cpa_id})
            return [
                CpaRecord(row["cpa_row"], aansluiting_of(row), await self._agreement(connection, row)) for row in rows
            ]

    async def _agreement(self, connection: Connection, row: Row) -> Agreement:
        key = (row["cpa_row"], row["sha256"])
        if key not in self._agreements:
            [found] = await _all(connection, "cpa_document", {"id": row["cpa_row"]})
            key = (row["cpa_row"], found["sha256"])  # it may have been replaced since
            if len(self._agreements) >= _AGREEMENTS_KEPT:
                self._agreements.clear()
            self._agreements[key] = read_agreement(found["document"], found["our_party_ids"])
        return self._agreements[key]

    async def _all(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with transaction(self.pool) as connection:
            return await _all(connection, query, values)


async def _all(connection: Connection, query: str, values: Row | None = None) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values or {})).fetchall()


def aansluiting_of(row: Row) -> Aansluiting:
    """The Aansluiting in a row that has its columns and `organisatie_naam`."""
    dso, case_system = row["dso"], dict(row["case_system"])
    return Aansluiting(
        id=row["id"],
        organisatie_oin=row["organisatie_oin"],
        organisatie_naam=row["organisatie_naam"],
        kind=row["kind"],
        omgeving=row["omgeving"],
        partij_oin=row["partij_oin"],
        dso=DsoSettings(**dso) if dso else None,
        case_system=CaseSystemSettings(case_system.pop("kind"), case_system) if case_system else None,
    )


def _values(entry: Entry, now: datetime) -> dict[str, Any]:
    values = asdict(entry)
    json = {name: Jsonb(dict(value)) for name, value in values.items() if isinstance(value, Mapping)}
    return {**values, **json, "now": now}


def _facts(document: bytes, agreement: Agreement) -> dict[str, Any]:
    return {
        "cpa_id": agreement.cpa_id,
        "document": document,
        "sha256": hashlib.sha256(document).digest(),
        "our_party_ids": [party_id.value for party_id in agreement.ours.party_ids],
        "starts_at": agreement.starts_at,
        "ends_at": agreement.ends_at,
    }


def _may_replace(known: Row, values: Row, *, replace: bool) -> bool:
    """False when there is nothing to change."""
    if known["aansluiting_id"] != values["aansluiting_id"]:
        raise ConfigError(
            f"CPA {values['cpa_id']} belongs to aansluiting {known['aansluiting_id']}",
            advice="Een CPA hoort bij één aansluiting in een omgeving; vraag een CPA met een eigen CPAId aan.",
        )
    if known["sha256"] == values["sha256"]:
        return False
    if not replace:
        raise ConfigError(
            f"CPA {values['cpa_id']} is known with other content",
            advice="Controleer welk bestand uit het CPA-register geldt; vervangen kan met --replace.",
        )
    return True
