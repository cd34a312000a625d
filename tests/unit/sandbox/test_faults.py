"""The switchboard of faults."""

import random
from typing import Any

import pytest

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.faults import APPLIES, Faults, Kind, Target


@pytest.fixture
def faults() -> Faults:
    return Faults(random.Random(1))


def test_a_fault_strikes_its_target_only(faults: Faults) -> None:
    faults.switch_on({"kind": "cut", "target": "pdf"})
    assert faults.strike(Target.XML) is None
    struck = faults.strike(Target.PDF)
    assert struck is not None
    assert struck.kind is Kind.CUT


def test_a_fault_with_a_count_strikes_that_often_and_is_still_listed(faults: Faults) -> None:
    faults.switch_on({"kind": "lose", "target": "notification", "count": 2})
    struck = [faults.strike(Target.NOTIFICATION) is not None for _ in range(4)]
    assert struck == [True, True, False, False]
    assert [(fault.left, fault.struck) for fault in faults.listed()] == [(0, 2)]


def test_when_the_first_is_spent_the_next_on_the_same_target_strikes(faults: Faults) -> None:
    faults.switch_on({"kind": "answer", "target": "summary", "status": 500, "count": 1})
    faults.switch_on({"kind": "answer", "target": "summary", "status": 404, "count": 1})
    struck = [faults.strike(Target.SUMMARY) for _ in range(3)]
    assert [fault and fault.status for fault in struck] == [500, 404, None]


def test_a_probability_is_about_how_often_it_strikes(faults: Faults) -> None:
    faults.switch_on({"kind": "delay", "target": "bijlage", "probability": 0.25})
    struck = sum(faults.strike(Target.BIJLAGE) is not None for _ in range(4000))
    assert 800 < struck < 1200


def test_switching_off_one_leaves_the_others_on(faults: Faults) -> None:
    first = faults.switch_on({"kind": "silence", "target": "xml"})
    second = faults.switch_on({"kind": "silence", "target": "pdf"})
    faults.switch_off(first.id)
    assert faults.listed() == [second]
    faults.switch_off()
    assert faults.listed() == []


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"kind": "explode", "target": "pdf"},
        {"kind": "cut", "target": "moon"},
        {"kind": "cut", "target": "pdf", "colour": "red"},
        {"kind": "cut", "target": "pdf", "count": "many"},
        {"kind": "cut", "target": "pdf", "probability": []},
        {"kind": "say", "target": "3pas", "headers": "text/html"},
        {"kind": "repeat", "target": "pdf"},
        {"kind": "length", "target": "summary"},
    ],
)
def test_what_is_no_fault_is_refused_and_switches_nothing_on(faults: Faults, wish: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        faults.switch_on(wish)
    assert faults.listed() == []


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_switched_on_for_what_it_applies_to(faults: Faults, kind: Kind) -> None:
    for target in APPLIES[kind]:
        assert faults.switch_on({"kind": kind.value, "target": target.value}).target is target
