"""A step counts as done once it is durable, and not before."""

from collections.abc import Mapping

import pytest

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.delivery_steps import DeliverySteps


async def test_a_step_is_done_once_it_is_recorded_and_says_its_outcome() -> None:
    steps = DeliverySteps()
    assert steps.done("zaak") is None
    await steps.record("zaak", {"url": "https://zaken.example/1"})
    assert steps.done("zaak") == {"url": "https://zaken.example/1"}


async def test_a_step_that_could_not_be_written_is_not_done() -> None:
    async def broken(name: str, outcome: Mapping[str, str]) -> None:
        raise StorageError(f"{name}: the database is away")

    steps = DeliverySteps(write=broken)
    with pytest.raises(StorageError):
        await steps.record("zaak", {})
    assert steps.done("zaak") is None


async def test_steps_of_an_earlier_attempt_are_known_at_once() -> None:
    assert DeliverySteps({"zaak": {"url": "u"}}).done("zaak") == {"url": "u"}
