"""Logging in over the in-memory stores, with real hashes and real codes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from argon2 import PasswordHasher
from tests.unit.ebms.cpas import GEMEENTE

from digikoppelaar.adapters.login_codes import PERIOD, SealedCodes
from digikoppelaar.adapters.memory.access import MemoryAccounts, MemorySessions
from digikoppelaar.adapters.passwords import Argon2Passwords
from digikoppelaar.adapters.system import RandomSecrets
from digikoppelaar.flows import login as login_flow
from digikoppelaar.flows.access import AccountRole, Grant
from digikoppelaar.flows.login import Login, Opened, Refused, csrf_of, key_of
from digikoppelaar.flows.login_states import NEXT, Proof, Stage

PASSWORD = "een lange zin van Anna"
HERE, THERE = "192.0.2.1", "192.0.2.2"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
READER = Grant(AccountRole.LEZER, GEMEENTE)


@dataclass
class Clock:
    time: datetime = datetime(2026, 6, 2, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class World:
    """An account `Anna`, and a login over it."""

    def __init__(self, folder: Path, *, second_factor: bool = False) -> None:
        self.accounts = MemoryAccounts({GEMEENTE})
        self.sessions = MemorySessions(self.accounts)
        self.clock = Clock()
        self.codes = SealedCodes(folder / "code.key")
        self.passwords = Argon2Passwords(QUICK)
        parts = (self.accounts, self.sessions, self.passwords, self.codes, RandomSecrets(), self.clock)
        self.login = Login(*parts, second_factor=second_factor)

    async def anna(self) -> None:
        await self.accounts.create("Anna", await self.passwords.hash(PASSWORD), [READER], self.clock.time)

    async def opened(self, name: str = "Anna", password: str = PASSWORD, address: str = HERE) -> Opened:
        found = await self.login.password(name, password, address)
        assert isinstance(found, Opened)
        return found

    async def app_of(self, token: str) -> pyotp.TOTP:
        """The authenticator app of somebody who must get a second factor."""
        session = await self.login.visitor(token)
        assert session
        address = urlsplit(await self.login.enrol(session))
        return pyotp.TOTP(parse_qs(address.query)["secret"][0])

    def code(self, app: pyotp.TOTP) -> str:
        return app.at(self.clock.time)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    await made.anna()
    return made


@pytest.fixture
async def strict(tmp_path: Path) -> World:
    made = World(tmp_path, second_factor=True)
    await made.anna()
    return made


async def test_who_has_the_password_is_in_until_he_goes(world: World) -> None:
    opened = await world.opened("ANNA")
    assert opened.stage is Stage.IN
    session = await world.login.visitor(opened.token)
    assert session
    assert (session.account.name, session.account.grants) == ("Anna", (READER,))
    assert len(opened.token) == 43
    assert list(world.accounts.open_sessions) == [key_of(opened.token)]
    await world.login.log_out(opened.token)
    assert await world.login.visitor(opened.token) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Anna", PASSWORD + "x"),
        ("Anna", ""),
        ("Bert", PASSWORD),
        ("", PASSWORD),
        ("Anna\0", "\ud800"),
        ("Anna", "x" * 5000),
    ],
)
async def test_anything_else_is_refused_in_one_way(world: World, name: str, password: str) -> None:
    assert await world.login.password(name, password, HERE) == Refused()
    assert world.accounts.open_sessions == {}


async def test_a_long_password_is_not_cut_off(world: World) -> None:
    await world.accounts.set_password("Anna", await world.passwords.hash("x" * login_flow.LONGEST_PASSWORD))
    assert await world.login.password("Anna", "x" * (login_flow.LONGEST_PASSWORD + 1), HERE) == Refused()
    assert isinstance(await world.login.password("Anna", "x" * login_flow.LONGEST_PASSWORD, HERE), Opened)


async def test_a_session_that_is_not_used_ends_and_none_lasts_longer_than_a_day(world: World) -> None:
    opened, began = await world.opened(), world.clock.time
    while world.clock.time - began < login_flow.LONGEST - login_flow.IDLE:
        world.clock.time += login_flow.IDLE - timedelta(seconds=1)
        assert await world.login.visitor(opened.token)
    world.clock.time = began + login_flow.LONGEST
    assert await world.login.visitor(opened.token) is None
    idle = await world.opened()
    world.clock.time += login_flow.IDLE
    assert await world.login.visitor(idle.token) is None
    await world.login.sweep()
    assert world.accounts.open_sessions == {}


async def test_who_fails_too_often_waits_also_with_the_right_password_and_elsewhere_goes_on(world: World) -> None:
    for _ in range(login_flow.MOST_HERE):
        assert await world.login.password("Anna", "wrong", HERE) == Refused()
    assert await world.login.password("Anna", PASSWORD, HERE) == Refused(too_often=True)
    await world.opened(address=THERE)
    world.clock.time += login_flow.WINDOW
    await world.opened()


async def test_many_tries_at_once_get_no_more_than_one_after_the_other(world: World) -> None:
    tries = await asyncio.gather(*(world.login.password("Anna", f"wrong {each}", HERE) for each in range(30)))
    assert sum(each == Refused() for each in tries) == login_flow.MOST_HERE


async def test_an_address_that_tries_many_names_and_a_name_that_is_tried_from_everywhere_are_stopped(
    world: World,
) -> None:
    for number in range(login_flow.MOST_OF_ADDRESS):
        await world.login.password(f"name {number}", "wrong", HERE)
    assert await world.login.password("Anna", PASSWORD, HERE) == Refused(too_often=True)
    for number in range(login_flow.MOST_OF_NAME):
        await world.login.password("Anna", "wrong", f"198.51.100.{number}")
    assert await world.login.password("Anna", PASSWORD, THERE) == Refused(too_often=True)


async def test_who_is_right_is_not_held_up_by_the_mistakes_before(world: World) -> None:
    for _ in range(3):
        for _ in range(login_flow.MOST_HERE - 1):
            await world.login.password("Anna", "wrong", HERE)
        await world.opened()


async def test_an_older_hash_is_made_anew_when_the_password_was_right(world: World) -> None:
    world.login = Login(
        world.accounts,
        world.sessions,
        Argon2Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)),
        world.codes,
        RandomSecrets(),
        world.clock,
        second_factor=False,
    )
    before = world.accounts.of(1).password_hash
    await world.opened()
    after = world.accounts.of(1).password_hash
    assert "t=1" in before
    assert "t=2" in after
    await world.opened()
    assert world.accounts.of(1).password_hash == after


# --- The second factor -----------------------------------------------------------------------------------------------


async def test_who_has_no_second_factor_gets_one_and_is_asked_for_it_from_then_on(strict: World) -> None:
    first = await strict.opened()
    assert first.stage is Stage.ENROL
    app = await strict.app_of(first.token)
    assert (await strict.app_of(first.token)).secret == app.secret, "a page that is loaded again shows the same"
    opened = await strict.login.code(first.token, strict.code(app), HERE)
    assert isinstance(opened, Opened)
    assert opened.stage is Stage.IN
    assert opened.token != first.token
    assert await strict.login.visitor(first.token) is None
    strict.clock.time += timedelta(seconds=PERIOD)
    again = await strict.opened()
    assert again.stage is Stage.CODE
    assert isinstance(await strict.login.code(again.token, strict.code(app), HERE), Opened)


async def test_who_never_proved_to_have_the_app_is_not_locked_out(strict: World) -> None:
    first = await strict.opened()
    await strict.app_of(first.token)
    assert (await strict.opened()).stage is Stage.ENROL


async def enrolled(world: World) -> pyotp.TOTP:
    first = await world.opened()
    app = await world.app_of(first.token)
    assert isinstance(await world.login.code(first.token, world.code(app), HERE), Opened)
    return app


async def test_a_code_is_right_once_and_for_a_moment(strict: World) -> None:
    app = await enrolled(strict)
    used = strict.code(app)
    opened = await strict.opened()
    assert await strict.login.code(opened.token, used, HERE) == Refused()
    strict.clock.time += timedelta(seconds=3 * PERIOD)
    for wrong in (
        "",
        "000000x",
        used,
        app.at(strict.clock.time, counter_offset=-2),
        app.at(strict.clock.time, counter_offset=2),
        "½" * 6,
    ):
        assert await strict.login.code(opened.token, wrong, HERE) == Refused()
    spaced = strict.code(app)
    assert isinstance(await strict.login.code(opened.token, f"{spaced[:3]} {spaced[3:]}", HERE), Opened)


async def test_a_password_alone_opens_nothing_and_codes_cannot_be_tried_forever(strict: World) -> None:
    app = await enrolled(strict)
    strict.clock.time += login_flow.WINDOW
    opened = await strict.opened()
    tried = [await strict.login.code(opened.token, "123456", HERE) for _ in range(login_flow.MOST_HERE)]
    assert tried[-1] == Refused(too_often=True)
    assert await strict.login.code(opened.token, strict.code(app), HERE) == Refused(too_often=True)
    assert await strict.login.password("Anna", PASSWORD, HERE) == Refused(too_often=True)


async def test_a_code_is_asked_soon_after_the_password_and_of_nobody_else(strict: World) -> None:
    app = await enrolled(strict)
    opened = await strict.opened()
    strict.clock.time += login_flow.FOR_THE_CODE + timedelta(seconds=1)
    assert await strict.login.code(opened.token, strict.code(app), HERE) == Refused()
    assert await strict.login.code("nobody's", strict.code(app), HERE) == Refused()


async def test_who_is_in_cannot_go_in_again_with_a_code(strict: World) -> None:
    app = await enrolled(strict)
    opened = await strict.opened()
    strict.clock.time += timedelta(seconds=PERIOD)
    inside = await strict.login.code(opened.token, strict.code(app), HERE)
    assert isinstance(inside, Opened)
    strict.clock.time += timedelta(seconds=PERIOD)
    assert await strict.login.code(inside.token, strict.code(app), HERE) == Refused()


async def test_a_disabled_account_gets_no_further_with_the_password_known(strict: World) -> None:
    app = await enrolled(strict)
    opened = await strict.opened()
    await strict.accounts.set_disabled("Anna", strict.clock.time)
    assert await strict.login.code(opened.token, strict.code(app), HERE) == Refused()
    assert await strict.login.password("Anna", PASSWORD, HERE) == Refused()


async def test_who_the_provider_names_is_in_at_once_unless_disabled(strict: World) -> None:
    opened = await strict.login.provider("https://idp.example", "s1", "Anna", [READER])
    assert isinstance(opened, Opened)
    assert (opened.stage, opened.account.grants) == (Stage.IN, (READER,))


def test_every_stage_leads_in_and_in_leads_nowhere() -> None:
    for stage in Stage:
        ways = {after for (before, _), after in NEXT.items() if before is stage}
        assert bool(ways) == (stage is not Stage.IN)
    assert {proof for _, proof in NEXT} == set(Proof)


def test_the_token_of_a_form_is_of_one_session_and_tells_nothing_of_it() -> None:
    assert csrf_of("a") != csrf_of("b")
    assert csrf_of("a") == csrf_of("a")
    assert key_of("a").hex() != csrf_of("a")
