"""The Registry in PostgreSQL, with what `organisatie apply` and `cpa import` write in it.

Every method is one transaction and raises StorageError when the database fails.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from psycopg import IntegrityError, Rollback
from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.agreements import Agreements
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.ebms.agreement import Agreement, Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.mappings import Mappings, mapped
from digikoppelaar.errors import ConfigError, StorageError
from digikoppelaar.flows.ports import (
    OMGEVINGEN,
    Aansluiting,
    CaseSystemSettings,
    Consumer,
    CpaRecord,
    DsoSettings,
    PublishingSettings,
    Receiver,
    is_sandbox,
)
from digikoppelaar.flows.registration import (
    PASSING_ON,
    AansluitingEntry,
    CertificateEntry,
    Change,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
)
from digikoppelaar.stam.rules import Action, RuleSettings

_SQL: Final = queries.load("registry")

_SOME: Final = 20
"""CPAs that are read in one go, beside the event loop: each takes milliseconds."""

_PUT: Final[Mapping[type[Entry], str]] = {
    OrganisatieEntry: "put_organisatie",
    PartijEntry: "put_partij",
    CertificateEntry: "put_certificate",
    MachtigingEntry: "put_machtiging",
    AansluitingEntry: "put_aansluiting",
}


@dataclass(frozen=True, slots=True)
class PostgresRegistry:
    """Who is connected to what. A lookup sees every change that was committed before it began."""

    pool: Pool
    agreements: Agreements = field(default_factory=Agreements, repr=False)

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """See flows.ports.Registry."""
        found = await self._cpas("cpa", {"omgeving": omgeving, "cpa_id": cpa_id})
        return found[0] if found else None

    async def cpas(self, omgeving: str | None = None, aansluiting_id: int | None = None) -> Sequence[CpaRecord]:
        """Every CPA in use, or those of one omgeving or aansluiting."""
        return await self._cpas("cpas", {"omgeving": omgeving, "aansluiting_id": aansluiting_id})

    async def valid_cpas(self, aansluiting_id: int, now: datetime) -> Sequence[CpaRecord]:
        """The CPAs of an aansluiting that hold at `now`, the newest Start first."""
        return await self._cpas("valid_cpas", {"aansluiting_id": aansluiting_id, "now": now})

    async def agreements_since(self, omgeving: str, row: int) -> Sequence[tuple[int, Agreement]]:
        """CPAs in use with a row id above `row`, in that order: some of them, none when there are no more."""
        values = {"omgeving": omgeving, "row": row, "some": _SOME}
        return [(row["cpa_row"], await self._agreement_aside(row)) for row in await self._all("cpas_since", values)]

    async def cpa_document(self, row_id: int) -> bytes:
        """The document of a CPA, byte for byte, also of one that was removed. Raises ConfigError."""
        rows = await self._all("cpa_document", {"id": row_id})
        if not rows:
            raise ConfigError(f"there is no CPA {row_id}")
        return bytes(rows[0]["document"])

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """See flows.ports.Registry."""
        rows = await self._all("acts_for", {"omgeving": omgeving, "oin": oin})
        return frozenset(row["namens_oin"] for row in rows)

    async def machtigingen(self, omgeving: str, now: datetime) -> Mapping[str, frozenset[str]]:
        """By OIN: for which OINs its holder may act in this omgeving at `now`."""
        rows = [
            row for row in await self._all("machtigingen", {}) if row["omgeving"] == omgeving and row["since"] <= now
        ]
        holders = {row["gemachtigde_oin"] for row in rows}
        return {
            holder: frozenset(row["namens_oin"] for row in rows if row["gemachtigde_oin"] == holder)
            for holder in holders
        }

    async def aansluitingen(self, oin: str | None = None) -> Sequence[Aansluiting]:
        """Every aansluiting, or those of the organisatie with this OIN."""
        return await self._aansluitingen(oin=oin)

    async def publishers(self) -> Sequence[Aansluiting]:
        """Every aansluiting that publishes: those of kind `drop`."""
        return await self._aansluitingen(publishing=True)

    async def partij(self, oin: str) -> str:
        """What the partij with this OIN is called; empty when it is not on record."""
        return "".join(row["naam"] for row in await self._all("partijen", {"oin": oin}))

    async def is_real(self) -> bool:
        """Whether there is an aansluiting in another omgeving than those of the sandbox."""
        return bool(await self._all("real", {"sandboxes": [each for each in OMGEVINGEN if is_sandbox(each)]}))

    async def certificates(self, omgeving: str | None = None) -> Sequence[CertificateEntry]:
        """The certificate files of every partij, or those for one omgeving."""
        return [CertificateEntry(**row) for row in await self._all("certificates", {"omgeving": omgeving})]

    async def remove_certificate(self, partij_oin: str, omgeving: str, certificate_file: str) -> bool:
        """Take a certificate out of use, for every use of it; the file stays. Whether it was on record."""
        values = {"partij_oin": partij_oin, "omgeving": omgeving, "certificate_file": certificate_file}
        async with transaction(self.pool) as connection:
            return bool((await connection.execute(_SQL["delete_certificate"], values)).rowcount)

    async def entries(self) -> Sequence[Entry]:
        """Everything on record, for `registration.difference`."""
        async with transaction(self.pool) as connection:
            return [
                *(_organisatie(row) for row in await _all(connection, "organisaties")),
                *(PartijEntry(**row) for row in await _all(connection, "partijen", {"oin": None})),
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
                cursor = connection.cursor()
                for kind, of_kind in groupby(changes, key=lambda change: type(change.after)):
                    await cursor.executemany(_SQL[_PUT[kind]], [_values(each.after, now) for each in of_kind])
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            raise ConfigError(
                f"the registration does not hold together: {error.__cause__.diag.constraint_name}",
                advice="Verwijst elke regel naar een organisatie en partij die bestaan, met een OIN van 20 cijfers?",
            ) from error

    async def import_cpa(
        self,
        aansluiting_id: int,
        document: bytes,
        agreement: Agreement,
        now: datetime,
        *,
        replace: bool = False,
        consumer: Consumer | None = None,
        tolerances: Tolerances | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Keep a CPA for an aansluiting; `agreement` is what `read_agreement` made of it. Whether anything changed.
        With `dry_run` it is done and undone.

        Without `consumer` a known CPA keeps its own, and a new one has the intake for `stam` and REST for others;
        without `tolerances` a known CPA keeps its own and a new one has none. One that was removed is used again.
        Raises ConfigError when this CPAId is known in the omgeving with other bytes (unless `replace`), or belongs to
        another aansluiting, or when there is no such aansluiting.
        """
        values = {**_facts(document, agreement), "aansluiting_id": aansluiting_id, "now": now}
        values |= _settings(consumer, tolerances)
        async with transaction(self.pool) as connection:
            known = await (await connection.execute(_SQL["lock_cpa"], values)).fetchone()
            if known is None:
                if not (await connection.execute(_SQL["insert_cpa"], values)).rowcount:
                    raise ConfigError(f"there is no aansluiting {aansluiting_id}")
            elif not _may_replace(known, values, replace=replace) and not _sets(known, consumer, tolerances):
                return False
            else:
                await connection.execute(_SQL["replace_cpa"], {**values, "id": known["id"]})
            if dry_run:
                raise Rollback
        return True

    async def set_cpa(self, row_id: int, *, consumer: Consumer | None, tolerances: Tolerances | None) -> bool:
        """Give a CPA another consumer or other tolerances; None leaves them. Whether it was there to be set."""
        return await self._changed("set_cpa", {"id": row_id, **_settings(consumer, tolerances)})

    async def waiting_under(self, row_id: int) -> int:
        """How many messages under this CPA are not settled."""
        [row] = await self._all("waiting_under_cpa", {"id": row_id})
        return int(row["waiting"])

    async def remove_cpa(self, row_id: int, now: datetime) -> bool:
        """Stop using a CPA; its messages stay (statement 207). Whether anything changed."""
        return await self._changed("remove_cpa", {"id": row_id, "now": now})

    async def _changed(self, query: str, values: Row) -> bool:
        async with transaction(self.pool) as connection:
            return (await connection.execute(_SQL[query], values)).rowcount > 0

    async def _aansluitingen(self, *, oin: str | None = None, publishing: bool = False) -> list[Aansluiting]:
        values = {"oin": oin, "publishing": publishing}
        return [aansluiting_of(row) for row in await self._all("aansluitingen", values)]

    async def _cpas(self, query: str, values: Row) -> list[CpaRecord]:
        async with transaction(self.pool) as connection:
            rows = await _all(connection, query, values)
            return [
                CpaRecord(
                    row["cpa_row"],
                    aansluiting_of(row),
                    mapped(await self._agreement(connection, row), _mappings(row)),
                    Consumer(row["consumer"]),
                )
                for row in rows
            ]

    async def _agreement(self, connection: Connection, row: Row) -> Agreement:
        tolerances = Tolerances(**row["tolerances"])
        kept = self.agreements.get((row["cpa_row"], row["sha256"], tolerances))
        if kept is not None:
            return kept
        [found] = await _all(connection, "cpa_document", {"id": row["cpa_row"]})
        key = (row["cpa_row"], found["sha256"], tolerances)  # the document may have been replaced since
        return self.agreements.keep(key, lambda: _read(found, tolerances))

    async def _agreement_aside(self, row: Row) -> Agreement:
        """As `_agreement`, for one of very many: read beside the event loop, which has messages to see to."""
        tolerances = Tolerances(**row["tolerances"])
        kept = self.agreements.get((row["cpa_row"], row["sha256"], tolerances))
        if kept is not None:
            return kept
        [found] = await self._all("cpa_document", {"id": row["cpa_row"]})
        read = await asyncio.to_thread(_read, found, tolerances)
        return self.agreements.keep((row["cpa_row"], found["sha256"], tolerances), lambda: read)

    async def _all(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with transaction(self.pool) as connection:
            return await _all(connection, query, values)


async def _all(connection: Connection, query: str, values: Row | None = None) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values or {})).fetchall()


def _read(row: Row, tolerances: Tolerances) -> Agreement:
    return replace(read_agreement(row["document"], row["our_party_ids"]), tolerances=tolerances)


def _mappings(row: Row) -> Mappings:
    certificates = row["certificates"] or {}
    return Mappings(row["urls"] or {}, {bytes.fromhex(old): bytes.fromhex(new) for old, new in certificates.items()})


def aansluiting_of(row: Row) -> Aansluiting:
    """The Aansluiting in a row that has its columns and `organisatie_naam`."""
    dso = row["dso"]
    return Aansluiting(
        id=row["id"],
        organisatie_oin=row["organisatie_oin"],
        organisatie_naam=row["organisatie_naam"],
        kind=row["kind"],
        omgeving=row["omgeving"],
        partij_oin=row["partij_oin"],
        dso=DsoSettings(**dso) if dso else None,
        case_system=case_system_of(row["case_system"]),
        rules=RuleSettings(**{name: Action(value) for name, value in row["intake"].items() if name in _RULES}),
        pass_on=_receiver(row["intake"]),
        publishing=PublishingSettings(**row["publishing"]) if row["publishing"] else None,
    )


def case_system_of(settings: Mapping[str, str]) -> CaseSystemSettings | None:
    """As they are on record of an aansluiting."""
    others = {name: value for name, value in settings.items() if name != "kind"}
    return CaseSystemSettings(settings["kind"], others) if settings else None


_RULES: Final = frozenset(each.name for each in fields(RuleSettings))


def _receiver(intake: Row) -> Receiver | None:
    if intake.get("mode") != PASSING_ON:
        return None
    return Receiver(intake["pass_on_url"], intake["pass_on_secret_file"])


def _organisatie(row: Row) -> OrganisatieEntry:
    return OrganisatieEntry(**{**row, "worklist_mail": tuple(row["worklist_mail"])})


def _values(entry: Entry, now: datetime) -> dict[str, Any]:
    values = asdict(entry)
    json = {name: Jsonb(dict(value)) for name, value in values.items() if isinstance(value, Mapping)}
    lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
    return {**values, **json, **lists, "now": now}


def _settings(consumer: Consumer | None, tolerances: Tolerances | None) -> dict[str, Any]:
    switched_on = None if tolerances is None else {name: True for name, on in asdict(tolerances).items() if on}
    return {"consumer": consumer, "tolerances": None if switched_on is None else Jsonb(switched_on)}


def _sets(known: Row, consumer: Consumer | None, tolerances: Tolerances | None) -> bool:
    """Whether the settings, or using it at all, would be news to the CPA that is known."""
    return (
        known["removed_at"] is not None
        or consumer not in {None, known["consumer"]}
        or tolerances not in {None, Tolerances(**known["tolerances"])}
    )


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
