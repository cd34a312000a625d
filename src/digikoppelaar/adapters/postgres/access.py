"""Accounts and sessions in PostgreSQL. Every method is one transaction and raises StorageError when that fails."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.flows.access import AccountRole, Grant, not_on_record
from digikoppelaar.flows.login_states import Stage
from digikoppelaar.flows.ports.access import Account, Attempts, Credentials, Session

_SQL: Final = queries.load("access")
_OF_ACCOUNT: Final = [each.name for each in fields(Account) if each.name != "grants"]


@dataclass(frozen=True, slots=True)
class PostgresAccounts:
    """See flows.ports.access.AccountStore."""

    pool: Pool

    async def accounts(self) -> Sequence[Account]:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            return await _accounts(connection, await _all(connection, "accounts"))

    async def create(self, name: str, password_hash: str, grants: Sequence[Grant], now: datetime) -> bool:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            made = await _all(connection, "create", name=name, password_hash=password_hash, now=now)
            if made:
                await _grant(connection, made[0]["id"], grants)
            return bool(made)

    async def set_grants(self, name: str, grants: Sequence[Grant]) -> bool:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            found = await _all(connection, "lock_local", name=name)
            if found:
                await connection.execute(_SQL["forget_grants"], {"account_id": found[0]["id"]})
                await _grant(connection, found[0]["id"], grants)
            return bool(found)

    async def set_password(self, name: str, password_hash: str) -> bool:
        """See flows.ports.access.AccountStore."""
        return await self._changed(name, "set_password", password_hash=password_hash)

    async def set_disabled(self, name: str, at: datetime | None) -> bool:
        """See flows.ports.access.AccountStore."""
        return await self._changed(name, "set_disabled", at=at)

    async def forget_code(self, name: str) -> bool:
        """See flows.ports.access.AccountStore."""
        return await self._changed(name, "set_code", code_secret=None)

    async def set_code(self, account_id: int, code_secret: bytes) -> None:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["set_code"], {"account_id": account_id, "code_secret": code_secret})

    async def credentials(self, name: str) -> Credentials | None:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "credentials", name=name)
            if not rows:
                return None
            [account] = await _accounts(connection, rows)
        return Credentials(account, rows[0]["password_hash"], rows[0]["code_secret"])

    async def use_code(self, account_id: int, step: int) -> bool:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            used = await connection.execute(_SQL["use_code"], {"account_id": account_id, "step": step})
        return bool(used.rowcount)

    async def rehash(self, account_id: int, password_hash: str) -> None:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            values = {"account_id": account_id, "password_hash": password_hash}
            await connection.execute(_SQL["set_password"], values)

    async def known_by_provider(
        self, issuer: str, subject: str, name: str, grants: Sequence[Grant], now: datetime
    ) -> Account | None:
        """See flows.ports.access.AccountStore."""
        async with transaction(self.pool) as connection:
            about = {"issuer": issuer, "subject": subject, "name": name, "now": now}
            [row] = await _all(connection, "provided", **about)
            if row["disabled_at"]:
                return None
            known = await _known(connection, grants)
            await connection.execute(_SQL["forget_grants"], {"account_id": row["id"]})
            await _grant(connection, row["id"], [grant for grant in grants if not grant.oin or grant.oin in known])
            return await _account(connection, row["id"])

    async def _changed(self, name: str, query: str, **values: object) -> bool:
        """What changes who may get in ends the sessions that are open."""
        async with transaction(self.pool) as connection:
            found = await _all(connection, "lock_local", name=name)
            for row in found:
                await connection.execute(_SQL[query], {"account_id": row["id"], **values})
                await connection.execute(_SQL["end_sessions"], {"account_id": row["id"]})
            return bool(found)


@dataclass(frozen=True, slots=True)
class PostgresSessions:
    """See flows.ports.access.SessionStore."""

    pool: Pool

    async def open(self, token: bytes, account_id: int, stage: Stage, now: datetime, instead_of: bytes | None) -> None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            if instead_of is not None:
                await connection.execute(_SQL["end"], {"token": instead_of})
            values = {"token": token, "account_id": account_id, "stage": stage, "now": now}
            await connection.execute(_SQL["open"], values)
            if stage is Stage.IN:
                await connection.execute(_SQL["was_in"], values)

    async def session(self, token: bytes, began_after: datetime, seen_after: datetime) -> Session | None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "session", token=token, began_after=began_after, seen_after=seen_after)
            if not rows:
                return None
            account = await _account(connection, rows[0]["account_id"])
        return Session(account, Stage(rows[0]["stage"]), rows[0]["began_at"], rows[0]["seen_at"])

    async def seen(self, token: bytes, now: datetime) -> None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["seen"], {"token": token, "now": now})

    async def end(self, token: bytes) -> None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["end"], {"token": token})

    async def attempt(self, name: str, address: str, now: datetime, since: datetime) -> Attempts:
        """See flows.ports.access.SessionStore. On record in a transaction of its own: those at once see each other."""
        values: dict[str, Any] = {"name": digest_of(name), "address": address, "now": now, "since": since}
        async with transaction(self.pool) as connection:
            [made] = await _all(connection, "attempt", **values)
        async with transaction(self.pool) as connection:
            [counted] = await _all(connection, "failures", **values, id=made["id"])
        return Attempts(made["id"], **counted)

    async def succeeded(self, attempt_id: int) -> None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["succeeded"], {"id": attempt_id})

    async def sweep(self, began_before: datetime, seen_before: datetime) -> None:
        """See flows.ports.access.SessionStore."""
        async with transaction(self.pool) as connection:
            for query in ("sweep_sessions", "sweep_attempts"):
                await connection.execute(_SQL[query], {"began_before": began_before, "seen_before": seen_before})


def digest_of(name: str) -> bytes:
    """Of what somebody typed as his name."""
    return hashlib.sha256(name.lower().encode(errors="replace")).digest()


async def _all(connection: Connection, query: str, **values: object) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


async def _account(connection: Connection, account_id: int) -> Account:
    [account] = await _accounts(connection, await _all(connection, "account", account_id=account_id))
    return account


async def _accounts(connection: Connection, rows: Sequence[Row]) -> list[Account]:
    grants: Mapping[int, list[Grant]] = {row["id"]: [] for row in rows}
    for row in await _all(connection, "grants", ids=list(grants)):
        grants[row["account_id"]].append(Grant(AccountRole(row["role"]), row["oin"]))
    return [Account(**{name: row[name] for name in _OF_ACCOUNT}, grants=tuple(grants[row["id"]])) for row in rows]


async def _known(connection: Connection, grants: Sequence[Grant]) -> set[str]:
    oins = [grant.oin for grant in grants if grant.oin]
    return {row["oin"] for row in await _all(connection, "organisaties", oins=oins)}


async def _grant(connection: Connection, account_id: int, grants: Sequence[Grant]) -> None:
    known = await _known(connection, grants)
    for grant in dict.fromkeys(grants):
        if grant.oin and grant.oin not in known:
            raise not_on_record(grant.oin)
        values = {"account_id": account_id, "role": grant.role, "oin": grant.oin or None}
        await connection.execute(_SQL["grant"], values)
