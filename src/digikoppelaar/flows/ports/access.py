"""Accounts, sessions and attempts to log in (ADR 26)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from digikoppelaar.flows.access import Grant
from digikoppelaar.flows.login_states import Stage


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in. `name` is compared without case; of an identity provider it is what that calls them."""

    id: int
    name: str
    grants: tuple[Grant, ...]
    issuer: str = ""
    """The identity provider that says who it is; empty: a local account, with a password."""
    has_code: bool = False
    """Whether it has a second factor."""
    created_at: datetime | None = None
    last_in_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a local account is known by. `code_secret` is sealed (adapters.login_codes); None: no second factor yet."""

    account: Account
    password_hash: str = field(repr=False)
    code_secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logging in or logged in."""

    account: Account
    stage: Stage
    began_at: datetime
    seen_at: datetime


class AccountStore(Protocol):
    """Accounts. Every method is one transaction and raises StorageError."""

    async def accounts(self) -> Sequence[Account]:
        """All, disabled ones too, by name."""

    async def create(self, name: str, password_hash: str, grants: Sequence[Grant], now: datetime) -> bool:
        """A local account; False when there is one of this name. Raises ConfigError for an unknown organisatie."""

    async def set_grants(self, name: str, grants: Sequence[Grant]) -> bool:
        """Let it have these and no others; False when there is no such local account. Raises ConfigError as above."""

    async def set_password(self, name: str, password_hash: str) -> bool:
        """From now on this one; its sessions end. False when there is no such local account."""

    async def set_disabled(self, name: str, at: datetime | None) -> bool:
        """Let nobody in with it from now on, and end its sessions; None: let it in again. False when there is none."""

    async def set_code(self, account_id: int, code_secret: bytes) -> None:
        """Give it this second factor, which counts from the first code on."""

    async def forget_code(self, name: str) -> bool:
        """Let it get another second factor at the next login, and end its sessions; False when there is none."""

    async def credentials(self, name: str) -> Credentials | None:
        """Of the local account of this name, unless it is disabled."""

    async def use_code(self, account_id: int, step: int) -> bool:
        """Put on record that the code of this time step was used; False when it, or a later one, was used already.

        From the first on the account has a second factor: until then nobody knows that an app holds the secret.
        """

    async def rehash(self, account_id: int, password_hash: str) -> None:
        """Keep the same password under a newer hash; its sessions stay."""

    async def known_by_provider(
        self, issuer: str, subject: str, name: str, grants: Sequence[Grant], now: datetime
    ) -> Account | None:
        """The account of this subject, made when it is new, with this name and these grants; None when disabled.

        Grants for organisaties that are not on record are left out.
        """


class SessionStore(Protocol):
    """Sessions, by the SHA-256 of their token, and attempts. Every method is one transaction, raises StorageError."""

    async def open(self, token: bytes, account_id: int, stage: Stage, now: datetime, instead_of: bytes | None) -> None:
        """A new session; the one that it comes in the place of ends."""

    async def session(self, token: bytes, began_after: datetime, seen_after: datetime) -> Session | None:
        """The session with this token, unless it is too old, ended, or its account is disabled."""

    async def seen(self, token: bytes, now: datetime) -> None:
        """It was used."""

    async def end(self, token: bytes) -> None:
        """It is nobody's from now on. Again is fine."""

    async def attempt(self, name: str, address: str, now: datetime, since: datetime) -> "Attempts":
        """Put on record that somebody tries, as failed until it is `succeeded`, and tell how many failed since then."""

    async def succeeded(self, attempt_id: int) -> None:
        """That attempt was right: what failed with that name from that address counts no more."""

    async def sweep(self, began_before: datetime, seen_before: datetime) -> None:
        """Forget sessions that are too old, and attempts from before `seen_before`."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many failed, this one not counted."""

    id: int
    of_name_here: int
    """With this name from this address."""
    of_name: int
    of_address: int
