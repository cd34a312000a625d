"""The twins of adapters.postgres.access: accounts and sessions that look into each other, as tables do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digikoppelaar.flows.access import Grant, not_on_record
from digikoppelaar.flows.login_states import Stage
from digikoppelaar.flows.ports.access import Account, Attempts, Credentials, Session


@dataclass(slots=True)
class _Kept:
    account: Account
    subject: str = ""
    password_hash: str = ""
    code_secret: bytes | None = None
    code_step: int | None = None


@dataclass(slots=True)
class _Attempt:
    name: str
    address: str
    at: datetime
    failed: bool = True


@dataclass(slots=True)
class MemoryAccounts:
    """See flows.ports.access.AccountStore; `oins` are the organisaties on record."""

    oins: set[str]
    kept: list[_Kept] = field(default_factory=list)
    open_sessions: "dict[bytes, tuple[int, Stage, datetime, datetime]]" = field(default_factory=dict)

    async def accounts(self) -> Sequence[Account]:
        """See flows.ports.access.AccountStore."""
        return sorted((each.account for each in self.kept), key=lambda account: (account.name.lower(), account.id))

    async def create(self, name: str, password_hash: str, grants: Sequence[Grant], now: datetime) -> bool:
        """See flows.ports.access.AccountStore."""
        if self._local(name):
            return False
        account = Account(len(self.kept) + 1, name, self._granted(grants), created_at=now)
        self.kept.append(_Kept(account, password_hash=password_hash))
        return True

    async def set_grants(self, name: str, grants: Sequence[Grant]) -> bool:
        """See flows.ports.access.AccountStore."""
        if found := self._local(name):
            found.account = replace(found.account, grants=self._granted(grants))
        return bool(found)

    async def set_password(self, name: str, password_hash: str) -> bool:
        """See flows.ports.access.AccountStore."""
        if found := self._local(name):
            found.password_hash = password_hash
            self._end_sessions(found)
        return bool(found)

    async def set_disabled(self, name: str, at: datetime | None) -> bool:
        """See flows.ports.access.AccountStore."""
        if found := self._local(name):
            found.account = replace(found.account, disabled_at=at)
            self._end_sessions(found)
        return bool(found)

    async def forget_code(self, name: str) -> bool:
        """See flows.ports.access.AccountStore."""
        if found := self._local(name):
            found.code_secret = found.code_step = None
            found.account = replace(found.account, has_code=False)
            self._end_sessions(found)
        return bool(found)

    async def set_code(self, account_id: int, code_secret: bytes) -> None:
        """See flows.ports.access.AccountStore."""
        found = self.of(account_id)
        found.code_secret, found.code_step = code_secret, None
        found.account = replace(found.account, has_code=False)

    async def credentials(self, name: str) -> Credentials | None:
        """See flows.ports.access.AccountStore."""
        found = self._local(name)
        if not found or found.account.disabled_at:
            return None
        return Credentials(found.account, found.password_hash, found.code_secret)

    async def use_code(self, account_id: int, step: int) -> bool:
        """See flows.ports.access.AccountStore."""
        found = self.of(account_id)
        if found.code_secret is None or (found.code_step is not None and found.code_step >= step):
            return False
        found.code_step = step
        found.account = replace(found.account, has_code=True)
        return True

    async def rehash(self, account_id: int, password_hash: str) -> None:
        """See flows.ports.access.AccountStore."""
        self.of(account_id).password_hash = password_hash

    async def known_by_provider(
        self, issuer: str, subject: str, name: str, grants: Sequence[Grant], now: datetime
    ) -> Account | None:
        """See flows.ports.access.AccountStore."""
        found = next((each for each in self.kept if (each.account.issuer, each.subject) == (issuer, subject)), None)
        if not found:
            found = _Kept(Account(len(self.kept) + 1, name, (), issuer, created_at=now), subject)
            self.kept.append(found)
        known = self._granted([grant for grant in grants if not grant.oin or grant.oin in self.oins])
        found.account = replace(found.account, name=name, grants=known)
        return None if found.account.disabled_at else found.account

    def of(self, account_id: int) -> _Kept:
        """The account with this number."""
        return self.kept[account_id - 1]

    def _local(self, name: str) -> _Kept | None:
        fits = (each for each in self.kept if not each.subject and each.account.name.lower() == name.lower())
        return next(fits, None)

    def _granted(self, grants: Sequence[Grant]) -> tuple[Grant, ...]:
        for grant in grants:
            if grant.oin and grant.oin not in self.oins:
                raise not_on_record(grant.oin)
        return tuple(sorted(set(grants)))

    def _end_sessions(self, whose: _Kept) -> None:
        for token, (account_id, *_) in list(self.open_sessions.items()):
            if account_id == whose.account.id:
                del self.open_sessions[token]


@dataclass(slots=True)
class MemorySessions:
    """See flows.ports.access.SessionStore."""

    of: MemoryAccounts
    attempts: list[_Attempt] = field(default_factory=list)

    async def open(self, token: bytes, account_id: int, stage: Stage, now: datetime, instead_of: bytes | None) -> None:
        """See flows.ports.access.SessionStore."""
        if instead_of is not None:
            await self.end(instead_of)
        self.of.open_sessions[token] = (account_id, stage, now, now)
        if stage is Stage.IN:
            whose = self.of.of(account_id)
            whose.account = replace(whose.account, last_in_at=now)

    async def session(self, token: bytes, began_after: datetime, seen_after: datetime) -> Session | None:
        """See flows.ports.access.SessionStore."""
        if token not in self.of.open_sessions:
            return None
        account_id, stage, began_at, seen_at = self.of.open_sessions[token]
        account = self.of.of(account_id).account
        if account.disabled_at or began_at <= began_after or seen_at <= seen_after:
            return None
        return Session(account, stage, began_at, seen_at)

    async def seen(self, token: bytes, now: datetime) -> None:
        """See flows.ports.access.SessionStore."""
        if token in self.of.open_sessions:
            account_id, stage, began_at, seen_at = self.of.open_sessions[token]
            self.of.open_sessions[token] = (account_id, stage, began_at, max(seen_at, now))

    async def end(self, token: bytes) -> None:
        """See flows.ports.access.SessionStore."""
        self.of.open_sessions.pop(token, None)

    async def attempt(self, name: str, address: str, now: datetime, since: datetime) -> Attempts:
        """See flows.ports.access.SessionStore."""
        failed = [each for each in self.attempts if each.failed and each.at > since]
        self.attempts.append(_Attempt(name.lower(), address, now))
        of_name = [each for each in failed if each.name == name.lower()]
        here = sum(each.address == address for each in of_name)
        of_address = sum(each.address == address for each in failed)
        return Attempts(len(self.attempts), here, len(of_name), of_address)

    async def succeeded(self, attempt_id: int) -> None:
        """See flows.ports.access.SessionStore."""
        right = self.attempts[attempt_id - 1]
        for each in self.attempts:
            if (each.name, each.address) == (right.name, right.address):
                each.failed = False

    async def sweep(self, began_before: datetime, seen_before: datetime) -> None:
        """See flows.ports.access.SessionStore."""
        for token, (_, _, began_at, seen_at) in list(self.of.open_sessions.items()):
            if began_at <= began_before or seen_at <= seen_before:
                await self.end(token)
        for each in self.attempts:
            each.failed = each.failed and each.at > seen_before
