"""The network between the message services loses, delays and repeats: one delivery, and always the same answer."""

from collections.abc import Mapping

import pytest
from tests.journeys.steps import (
    acknowledged,
    answered,
    assert_once,
    assert_same_answer,
    assert_whole,
    delivered,
    in_state,
)

from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.reading import Direction, MessageFilter
from digikoppelaar.wiring import Stores

NOTIFICATION_FAULTS: tuple[Mapping[str, object], ...] = (
    {"kind": "lose", "count": 2},
    {"kind": "delay", "seconds": 1.5, "count": 1},
    {"kind": "repeat", "count": 1},
)
ACKNOWLEDGMENT_FAULTS: tuple[Mapping[str, object], ...] = (
    {"kind": "lose"},
    {"kind": "answer", "status": 500},
    {"kind": "cut"},
    {"kind": "silence"},
)


@pytest.mark.parametrize("fault", NOTIFICATION_FAULTS, ids=lambda fault: fault["kind"])
async def test_whatever_happens_to_a_notification_the_verzoek_is_delivered_once(
    trial: Trial, stores: Stores, fault: Mapping[str, object]
) -> None:
    await trial.fault(target="notification", **fault)
    [verzoek] = await trial.submit(bijlagen=["txt"])
    await delivered(trial, verzoek)
    await acknowledged(trial, verzoek)
    await in_state(stores, verzoek, "delivered")
    assert_whole(trial, verzoek)
    assert_once(trial, verzoek)
    await answered(stores, verzoek)


@pytest.mark.parametrize("fault", ACKNOWLEDGMENT_FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}")
async def test_a_repeated_notification_gets_the_very_same_acknowledgment_and_no_second_delivery(
    trial: Trial, stores: Stores, fault: Mapping[str, object]
) -> None:
    await trial.fault(target="acknowledgment", count=2, **fault)
    [verzoek] = await trial.submit(bijlagen=["txt"])
    after = await acknowledged(trial, verzoek)
    assert after["attempts"] >= 2, "DSO-LV repeated its notification"
    await assert_same_answer(trial, stores, verzoek, times=3)
    [arrived] = await stores.reading.messages(MessageFilter(message_id=verzoek["message_id"]))
    assert (arrived.direction, arrived.state) == (Direction.IN, "accepted")
    await in_state(stores, verzoek, "delivered")
    assert_whole(trial, verzoek)
    assert_once(trial, verzoek)
