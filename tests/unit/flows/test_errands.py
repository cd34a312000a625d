"""The table of errands, and that an errand is never done blindly twice wherever a process dies."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

import pytest
from tests.unit.flows.dso_world import NOW, Crash, Doom, Doomed

from digikoppelaar.adapters.memory.errands import MemoryErrands
from digikoppelaar.errors import ConfigError, FacilityRefused, FacilityUnavailable
from digikoppelaar.flows import errands
from digikoppelaar.flows.errand_states import ErrandEvent, ErrandState, after
from digikoppelaar.flows.errands import PATIENCE
from digikoppelaar.flows.ports.errands import ErrandKey, ErrandKind

KEY = ErrandKey(7, ErrandKind.CPA_OFFER, "een-cpa")
S, E = ErrandState, ErrandEvent


def test_only_these_moves_are_refused() -> None:
    refused = {(state, event) for state, event in product((None, *S), E) if after(state, event) is None}
    assert refused == {(None, E.ANSWERED), (None, E.FAILED), (S.DONE, E.FAILED), (S.FAILED, E.FAILED)}


@dataclass
class Time:
    """A clock that a test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.at


@dataclass
class Other:
    """The other side; `faults` are raised, one a question, after it was taken or not."""

    has: str | None = None
    asked: int = 0
    faults: list[Exception] = field(default_factory=list)
    takes: bool = True

    async def look(self) -> str | None:
        """What it has."""
        return self.has

    async def ask(self) -> str:
        """Ask for it."""
        self.asked += 1
        if self.takes:
            self.has = "31"
        if self.faults:
            raise self.faults.pop()
        return "31"


async def run(records: object, other: object, clock: Time) -> str:
    return await errands.run(
        records,  # type: ignore[arg-type]
        KEY,
        clock,
        look=other.look,  # type: ignore[attr-defined]
        ask=other.ask,  # type: ignore[attr-defined]
        outcome=lambda found: {"id": found},
    )


async def state(records: MemoryErrands) -> ErrandState:
    [found] = await records.errands(KEY.aansluiting_id)
    return found.state


async def test_asking_twice_is_one_question_with_one_answer() -> None:
    records, other = MemoryErrands(), Other()
    assert [await run(records, other, Time()) for _ in range(2)] == ["31", "31"]
    assert (other.asked, await state(records)) == (1, S.DONE)


async def test_an_answer_that_was_lost_is_found_and_not_asked_again() -> None:
    records, other = MemoryErrands(), Other(faults=[FacilityUnavailable("no answer")])
    with pytest.raises(FacilityUnavailable):
        await run(records, other, Time())
    assert await state(records) is S.FAILED
    assert await run(records, other, Time()) == "31"
    assert (other.asked, await state(records)) == (1, S.DONE)


async def test_a_refusal_is_on_record_with_its_advice_and_may_be_asked_again() -> None:
    records, other = MemoryErrands(), Other(faults=[FacilityRefused("403", advice="Machtig eerst.")], takes=False)
    with pytest.raises(FacilityRefused):
        await run(records, other, Time())
    [found] = await records.errands(KEY.aansluiting_id)
    assert (found.state, found.advice) == (S.FAILED, "Machtig eerst.")
    assert await run(records, other, Time()) == "31"


async def test_while_another_is_about_it_nothing_is_asked() -> None:
    records, other, clock = MemoryErrands(), Other(), Time()
    await records.begin(KEY, NOW, forsaken=NOW)
    with pytest.raises(ConfigError, match="at this moment"):
        await run(records, other, clock)
    assert other.asked == 0
    clock.at += PATIENCE
    assert await run(records, other, clock) == "31"


async def test_wherever_it_dies_doing_it_again_gives_one_question_that_was_on_record_before() -> None:
    deaths = 0
    for at in range(1, 20):
        records, other, doom, clock = MemoryErrands(), Other(), Doom(at), Time()
        try:
            await run(Doomed(records, doom), Doomed(other, doom), clock)
        except Crash:
            deaths += 1
            assert other.asked == 0 or records.kept, "asked without a record"
        clock.at += PATIENCE + timedelta(seconds=1)
        assert await run(records, other, clock) == "31"
        assert (other.asked, await state(records)) == (1, S.DONE)
    assert deaths == 8
