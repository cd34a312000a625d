"""An agreement as values: which channel a signal takes, and what a profile is called."""

from dataclasses import replace

import pytest
from tests.unit.ebms.exchanges import OURS, best_effort

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Channel

ELSEWHERE = Channel("https://elders.example/ebms")


@pytest.mark.statement(90)
def test_a_signal_takes_the_default_channel_unless_the_cpa_names_one_for_it() -> None:
    assert OURS.our_signal(names.ACKNOWLEDGMENT) is OURS.our_signals
    assert OURS.their_signal(names.ACKNOWLEDGMENT) is OURS.their_signals
    other = replace(
        OURS,
        our_overrides={names.ACKNOWLEDGMENT: ELSEWHERE},
        their_overrides={names.MESSAGE_ERROR: ELSEWHERE},
    )
    assert other.our_signal(names.ACKNOWLEDGMENT) is ELSEWHERE
    assert other.our_signal(names.MESSAGE_ERROR) is OURS.our_signals
    assert other.their_signal(names.MESSAGE_ERROR) is ELSEWHERE
    assert other.their_signal(names.ACKNOWLEDGMENT) is OURS.their_signals


@pytest.mark.parametrize(
    ("sender_signs", "encrypted", "suffix"), [(False, False, ""), (True, False, "-s"), (True, True, "-e")]
)
def test_an_action_has_the_name_of_its_profile(sender_signs: bool, encrypted: bool, suffix: str) -> None:
    for agreement, reliability in ((OURS, "osb-rm"), (best_effort(OURS), "osb-be")):
        [action] = agreement.receives
        action = replace(action, sender_signs=sender_signs, encrypted=encrypted)
        assert action.profile == reliability + suffix
