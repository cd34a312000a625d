"""Roles, and the in-memory twin of the stores."""

import pytest
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.access_store_contract import ELSEWHERE, AccessStoreContract, Stores

from digikoppelaar.adapters.memory.access import MemoryAccounts, MemorySessions
from digikoppelaar.flows.access import EVERYTHING, MAY, NOTHING, AccountRole, Grant, Permission, Scope, scope_of


@pytest.fixture
def stores() -> Stores:
    accounts = MemoryAccounts({GEMEENTE})
    return Stores(accounts, MemorySessions(accounts))


class TestMemoryAccess(AccessStoreContract):
    """See the contract."""


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", AccountRole)
def test_a_rol_holds_for_its_organisatie_or_for_all(role: AccountRole, permission: Permission) -> None:
    here, everywhere = scope_of([Grant(role, GEMEENTE)], permission), scope_of([Grant(role)], permission)
    if permission not in MAY[role]:
        assert here == everywhere == NOTHING
    elif permission is Permission.INSTALLATION:
        assert (here, everywhere) == (NOTHING, EVERYTHING)
    else:
        assert (here, everywhere) == (Scope(frozenset({GEMEENTE})), EVERYTHING)


def test_roles_add_up_and_do_not_leak_into_each_other() -> None:
    grants = [Grant(AccountRole.LEZER, GEMEENTE), Grant(AccountRole.BEHANDELAAR, ELSEWHERE)]
    assert scope_of(grants, Permission.READ).listed == sorted([GEMEENTE, ELSEWHERE])
    assert scope_of(grants, Permission.HANDLE).listed == [ELSEWHERE]
    assert not scope_of(grants, Permission.HANDLE).has(GEMEENTE)
    assert scope_of(grants, Permission.PUBLISH).empty
    assert scope_of([], Permission.READ).empty
    assert EVERYTHING.has(GEMEENTE)
    assert EVERYTHING.listed is None


def test_only_who_runs_all_runs_the_installation_and_a_reader_only_reads() -> None:
    assert MAY[AccountRole.LEZER] == {Permission.READ}
    assert [role for role in AccountRole if Permission.INSTALLATION in MAY[role]] == [AccountRole.BEHEERDER]
    assert [str(Grant(AccountRole.LEZER, GEMEENTE)), str(Grant(AccountRole.LEZER))] == [f"lezer:{GEMEENTE}", "lezer"]
