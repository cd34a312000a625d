"""Roles, and the in-memory twin of the stores."""

import pytest
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.access_store_contract import ELSEWHERE, AccessStoreContract, Stores

from digikoppelaar.adapters.memory.access import MemoryAccounts, MemorySessions
from digikoppelaar.flows.access import EVERYTHING, MAY, NOTHING, Grant, Permission, Rol, Scope, scope_of


@pytest.fixture
def stores() -> Stores:
    accounts = MemoryAccounts({GEMEENTE})
    return Stores(accounts, MemorySessions(accounts))


class TestMemoryAccess(AccessStoreContract):
    """See the contract."""


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("rol", Rol)
def test_a_rol_holds_for_its_organisatie_or_for_all(rol: Rol, permission: Permission) -> None:
    here, everywhere = scope_of([Grant(rol, GEMEENTE)], permission), scope_of([Grant(rol)], permission)
    if permission not in MAY[rol]:
        assert here == everywhere == NOTHING
    elif permission is Permission.INSTALLATION:
        assert (here, everywhere) == (NOTHING, EVERYTHING)
    else:
        assert (here, everywhere) == (Scope(frozenset({GEMEENTE})), EVERYTHING)


def test_roles_add_up_and_do_not_leak_into_each_other() -> None:
    grants = [Grant(Rol.LEZER, GEMEENTE), Grant(Rol.BEHANDELAAR, ELSEWHERE)]
    assert scope_of(grants, Permission.READ).listed == sorted([GEMEENTE, ELSEWHERE])
    assert scope_of(grants, Permission.HANDLE).listed == [ELSEWHERE]
    assert not scope_of(grants, Permission.HANDLE).has(GEMEENTE)
    assert scope_of(grants, Permission.PUBLISH).empty
    assert scope_of([], Permission.READ).empty
    assert EVERYTHING.has(GEMEENTE)
    assert EVERYTHING.listed is None


def test_only_who_runs_all_runs_the_installation_and_a_reader_only_reads() -> None:
    assert MAY[Rol.LEZER] == {Permission.READ}
    assert [rol for rol in Rol if Permission.INSTALLATION in MAY[rol]] == [Rol.BEHEERDER]
    assert [str(Grant(Rol.LEZER, GEMEENTE)), str(Grant(Rol.LEZER))] == [f"lezer:{GEMEENTE}", "lezer"]
