"""What every store of accounts and sessions does; the fixture `stores` gives both, with GEMEENTE on record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from tests.unit.ebms.cpas import GEMEENTE

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.access import AccountRole, Grant
from digikoppelaar.flows.login_states import Stage
from digikoppelaar.flows.ports.access import AccountStore, Attempts, SessionStore

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(hours=10)
ELSEWHERE = "00000099000000008000"
READER = Grant(AccountRole.LEZER, GEMEENTE)
EVERYBODY = Grant(AccountRole.BEHEERDER)
TOKEN, OTHER = bytes(32), b"x" * 32


class Stores(NamedTuple):
    accounts: AccountStore
    sessions: SessionStore


async def made(stores: Stores, name: str = "Anna Fictief", *grants: Grant) -> int:
    assert await stores.accounts.create(name, "hash", grants, NOW)
    return next(each.id for each in await stores.accounts.accounts() if each.name == name)


async def in_with(stores: Stores, token: bytes) -> int | None:
    found = await stores.sessions.session(token, LONG_AGO, LONG_AGO)
    return found and found.account.id


class AccessStoreContract:
    async def test_an_account_has_what_it_was_given_and_its_name_is_taken_in_any_case(self, stores: Stores) -> None:
        await made(stores, "Anna", READER, EVERYBODY, READER)
        assert not await stores.accounts.create("ANNA", "other", (), NOW)
        [found] = await stores.accounts.accounts()
        assert (found.name, set(found.grants), len(found.grants)) == ("Anna", {READER, EVERYBODY}, 2)
        assert (found.created_at, found.last_in_at, found.disabled_at, found.has_code) == (NOW, None, None, False)
        known = await stores.accounts.credentials("aNNa")
        assert known
        assert (known.account, known.password_hash, known.code_secret) == (found, "hash", None)
        assert "hash" not in repr(known)

    async def test_nobody_is_anything_for_an_organisatie_that_is_not_there(self, stores: Stores) -> None:
        with pytest.raises(ConfigError, match=ELSEWHERE):
            await stores.accounts.create("Anna", "hash", [Grant(AccountRole.LEZER, ELSEWHERE)], NOW)
        assert await stores.accounts.accounts() == []
        await made(stores, "Anna", READER)
        with pytest.raises(ConfigError, match=ELSEWHERE):
            await stores.accounts.set_grants("Anna", [EVERYBODY, Grant(AccountRole.LEZER, ELSEWHERE)])
        [found] = await stores.accounts.accounts()
        assert found.grants == (READER,)

    async def test_grants_are_replaced_and_count_in_a_session_that_is_open(self, stores: Stores) -> None:
        account = await made(stores, "Anna", READER)
        await stores.sessions.open(TOKEN, account, Stage.IN, NOW, None)
        assert await stores.accounts.set_grants("anna", [EVERYBODY])
        found = await stores.sessions.session(TOKEN, LONG_AGO, LONG_AGO)
        assert found
        assert found.account.grants == (EVERYBODY,)
        assert not await stores.accounts.set_grants("Bert", [])

    async def test_a_new_password_and_being_disabled_end_the_sessions_and_a_newer_hash_does_not(
        self, stores: Stores
    ) -> None:
        account = await made(stores, "Anna")
        for change in (
            lambda: stores.accounts.set_password("Anna", "new"),
            lambda: stores.accounts.forget_code("Anna"),
            lambda: stores.accounts.set_disabled("Anna", NOW),
        ):
            await stores.sessions.open(TOKEN, account, Stage.IN, NOW, None)
            assert await in_with(stores, TOKEN) == account
            assert await change()
            assert await in_with(stores, TOKEN) is None
        assert await stores.accounts.credentials("Anna") is None
        await stores.accounts.set_disabled("Anna", None)
        await stores.sessions.open(TOKEN, account, Stage.IN, NOW, None)
        await stores.accounts.rehash(account, "newer")
        known = await stores.accounts.credentials("Anna")
        assert known
        assert (known.password_hash, await in_with(stores, TOKEN)) == ("newer", account)
        assert not await stores.accounts.set_password("Bert", "x")
        assert not await stores.accounts.set_disabled("Bert", NOW)
        assert not await stores.accounts.forget_code("Bert")

    async def test_a_second_factor_counts_from_its_first_code_and_each_code_counts_once(self, stores: Stores) -> None:
        account = await made(stores, "Anna")
        assert not await stores.accounts.use_code(account, 100), "there is no secret yet"
        await stores.accounts.set_code(account, b"sealed")
        known = await stores.accounts.credentials("Anna")
        assert known
        assert (known.code_secret, known.account.has_code) == (b"sealed", False)
        assert [await stores.accounts.use_code(account, step) for step in (100, 100, 99, 101)] == [
            True,
            False,
            False,
            True,
        ]
        [found] = await stores.accounts.accounts()
        assert found.has_code
        assert await stores.accounts.forget_code("anna")
        assert not await stores.accounts.use_code(account, 200), "the old secret is gone"
        [found] = await stores.accounts.accounts()
        assert not found.has_code

    async def test_a_session_comes_in_the_place_of_the_one_before(self, stores: Stores) -> None:
        account = await made(stores, "Anna")
        await stores.sessions.open(TOKEN, account, Stage.CODE, NOW, None)
        [found] = await stores.accounts.accounts()
        assert found.last_in_at is None
        await stores.sessions.open(OTHER, account, Stage.IN, NOW + MINUTE, TOKEN)
        assert await in_with(stores, TOKEN) is None
        session = await stores.sessions.session(OTHER, LONG_AGO, LONG_AGO)
        assert session
        assert (session.stage, session.began_at, session.seen_at) == (Stage.IN, NOW + MINUTE, NOW + MINUTE)
        assert session.account.last_in_at == NOW + MINUTE

    async def test_a_session_ends_by_itself_by_use_or_by_word(self, stores: Stores) -> None:
        account = await made(stores, "Anna")
        await stores.sessions.open(TOKEN, account, Stage.IN, NOW, None)
        await stores.sessions.seen(TOKEN, NOW + MINUTE)
        await stores.sessions.seen(TOKEN, NOW)
        assert await stores.sessions.session(TOKEN, NOW - MINUTE, NOW)
        assert not await stores.sessions.session(TOKEN, NOW - MINUTE, NOW + MINUTE)
        assert not await stores.sessions.session(TOKEN, NOW, NOW)
        for _ in range(2):
            await stores.sessions.end(TOKEN)
            assert await in_with(stores, TOKEN) is None

    async def test_failures_are_counted_by_name_and_address_until_one_is_right(self, stores: Stores) -> None:
        async def tries(name: str, address: str, at: datetime = NOW) -> Attempts:
            return await stores.sessions.attempt(name, address, at, at - 15 * MINUTE)

        for _ in range(2):
            await tries("Anna", "192.0.2.1")
        await tries("anna", "192.0.2.2")
        last = await tries("ANNA", "192.0.2.1")
        assert (last.of_name_here, last.of_name, last.of_address) == (2, 3, 2)
        other = await tries("Bert", "192.0.2.1")
        assert (other.of_name_here, other.of_name, other.of_address) == (0, 0, 3)
        await stores.sessions.succeeded(last.id)
        after = await tries("Anna", "192.0.2.1")
        assert (after.of_name_here, after.of_name, after.of_address) == (0, 1, 1)
        later = await tries("Anna", "192.0.2.2", NOW + 15 * MINUTE)
        assert (later.of_name, later.of_address) == (0, 0)

    async def test_what_is_too_old_is_forgotten(self, stores: Stores) -> None:
        account = await made(stores, "Anna")
        for token, began in ((TOKEN, NOW), (OTHER, NOW + MINUTE)):
            await stores.sessions.open(token, account, Stage.IN, began, None)
            await stores.sessions.attempt("Anna", "192.0.2.1", began, LONG_AGO)
        await stores.sessions.sweep(began_before=LONG_AGO, seen_before=NOW)
        assert [await in_with(stores, token) for token in (TOKEN, OTHER)] == [None, account]
        assert (await stores.sessions.attempt("Anna", "192.0.2.1", NOW, LONG_AGO)).of_name == 1

    async def test_who_a_provider_names_has_what_it_says_now(self, stores: Stores) -> None:
        async def told(name: str, *grants: Grant) -> object:
            return await stores.accounts.known_by_provider("https://idp.example", "s1", name, grants, NOW)

        first = await told("Anna", READER, Grant(AccountRole.LEZER, ELSEWHERE))
        again = await told("Anna F.", EVERYBODY)
        [kept] = await stores.accounts.accounts()
        assert again == kept
        assert (kept.issuer, kept.name, kept.grants) == ("https://idp.example", "Anna F.", (EVERYBODY,))
        assert first == replace(kept, name="Anna", grants=(READER,))
        assert await stores.accounts.credentials("Anna F.") is None, "it has no password"
        assert not await stores.accounts.set_password("Anna F.", "hash")
        await made(stores, "Anna F.")
