"""Who may do what: a role, granted for one organisatie or for all of them (ADR 26).

Pages ask for a Permission and get a Scope: whose things the visitor may see or touch with it. What lies outside the
scope is answered as if it did not exist.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import ConfigError


class AccountRole(StrEnum):
    """What somebody is for an organisatie."""

    BEHEERDER = "beheerder"
    """Runs it: may do everything. For all organisaties: also what belongs to the installation itself."""
    BEHANDELAAR = "behandelaar"
    """Sees to it that verzoeken and messages arrive, and writes notices."""
    PUBLICEREN = "publiceren"
    """Stands for what is published."""
    LEZER = "lezer"
    """Looks."""


class Permission(StrEnum):
    """What a page or an action asks of who wants it."""

    READ = "read"
    """See verzoeken, notices, messages and how far onboarding is."""
    HANDLE = "handle"
    """Have verzoeken and messages go again, stand still or be linked; write notices."""
    PUBLISH = "publish"
    """Approve, plan, hold and withdraw notices."""
    CONNECT = "connect"
    """Do the steps of onboarding, with certificates, CPAs and case systems; read the audit log."""
    INSTALLATION = "installation"
    """Accounts, profiles, retention: what is nobody's own. Only who runs all organisaties has it."""


_P: Final = Permission
MAY: Final[Mapping[AccountRole, frozenset[Permission]]] = {
    AccountRole.BEHEERDER: frozenset(Permission),
    AccountRole.BEHANDELAAR: frozenset({_P.READ, _P.HANDLE}),
    AccountRole.PUBLICEREN: frozenset({_P.READ, _P.PUBLISH}),
    AccountRole.LEZER: frozenset({_P.READ}),
}
"""What each role may."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role for the organisatie with this OIN, in each omgeving; empty: for all organisaties, also those to come."""

    role: AccountRole
    oin: str = ""

    def __str__(self) -> str:
        """As people write it: `lezer` or `lezer:00000099000000001000`."""
        return f"{self.role}:{self.oin}" if self.oin else self.role


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose things: of all organisaties, or of those with these OINs."""

    oins: frozenset[str] | None
    """None: of all."""

    def has(self, oin: str) -> bool:
        """Whether those of this organisatie are in it."""
        return self.oins is None or oin in self.oins

    @property
    def empty(self) -> bool:
        """Whether it is nobody's."""
        return self.oins is not None and not self.oins

    @property
    def listed(self) -> list[str] | None:
        """For a query: None means no condition."""
        return None if self.oins is None else sorted(self.oins)


EVERYTHING: Final = Scope(None)
NOTHING: Final = Scope(frozenset())


def scope_of(grants: Iterable[Grant], permission: Permission) -> Scope:
    """Whose things somebody with these grants may touch with this permission."""
    fitting = [grant for grant in grants if permission in MAY[grant.role]]
    if any(not grant.oin for grant in fitting):
        return EVERYTHING
    if permission is Permission.INSTALLATION:
        return NOTHING
    return Scope(frozenset(grant.oin for grant in fitting))


def not_on_record(oin: str) -> ConfigError:
    """Somebody is to be something for an organisatie that is not there."""
    return ConfigError(
        f"organisatie {oin} is not on record",
        advice="Leg de organisatie eerst vast met `digikoppelaar organisatie apply`.",
    )
