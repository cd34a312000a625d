"""A verzoek is sent on by one change, which is on record before it is asked and after it was done."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, Crash, Doom, Doomed, Standstill

from digikoppelaar.adapters.memory.reroutes import MemoryReroutes
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import ConfigError, FacilityRefused, StorageError
from digikoppelaar.flows.ports import NewNotification
from digikoppelaar.flows.ports.reroute import Reroute, Role
from digikoppelaar.flows.reroute import send_on, wanted

OTHER = "00000099000000005000"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((OTHER, None), Reroute(Role.BEVOEGD_GEZAG, OTHER)),
        ((None, OTHER), Reroute(Role.BEHANDELDIENST, OTHER)),
        ((None, "none"), Reroute(Role.BEHANDELDIENST, None)),
        ((None, "None"), Reroute(Role.BEHANDELDIENST, None)),
    ],
)
def test_a_person_asks_for_one_change(asked: Any, expected: Reroute) -> None:
    assert wanted(*asked) == expected


@pytest.mark.parametrize("asked", [(None, None), (OTHER, OTHER), ("none", None), ("", None), (None, "x")])
def test_anything_else_is_refused(asked: Any) -> None:
    with pytest.raises(ConfigError):
        wanted(*asked)


@dataclass(slots=True)
class Dso:
    """DSO-LV that takes a re-route, or fails."""

    fault: Exception | None = None
    asked: list[tuple[str, Reroute]] = field(default_factory=list)

    async def reroute(self, verzoeknummer: str, to: Reroute) -> None:
        """See flows.ports.reroute.Rerouting."""
        if self.fault:
            raise self.fault
        self.asked.append((verzoeknummer, to))


async def sent_on(dso: Dso, wrap: Callable[[Any], Any] = lambda port: port) -> MemoryReroutes:
    verzoeken = MemoryVerzoeken()
    verzoeken.announce(AANSLUITING, NewNotification(NUMBER), NOW)
    record = MemoryReroutes(verzoeken)
    with suppress(Crash, FacilityRefused):
        await send_on(wrap(record), wrap(dso), AANSLUITING, NUMBER, wanted(None, "none"), Standstill())
    return record


async def test_it_is_on_record_before_and_after() -> None:
    dso = Dso()
    record = await sent_on(dso)
    assert dso.asked == [(NUMBER, Reroute(Role.BEHANDELDIENST, None))]
    assert record.lines == [(NUMBER, step, "behandeldienst none") for step in ("reroute_asked", "rerouted")]


async def test_a_refusal_leaves_that_it_was_asked() -> None:
    record = await sent_on(Dso(FacilityRefused("DSO-LV answered 403")))
    assert [step for _, step, _ in record.lines] == ["reroute_asked"]


async def test_wherever_it_dies_nothing_is_asked_that_is_not_on_record() -> None:
    for at in range(1, 7):
        dso, doom = Dso(), Doom(at)
        record = await sent_on(dso, lambda port, doom=doom: Doomed(port, doom))
        assert len(dso.asked) <= len(record.lines)


async def test_what_never_came_in_cannot_be_noted() -> None:
    with pytest.raises(StorageError):
        await MemoryReroutes(MemoryVerzoeken()).noted(1, NUMBER, "rerouted", "", NOW)
