"""The twin keeps the contract of OnboardingStore."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.flows.onboarding_store_contract import CONTRACT

from digikoppelaar.adapters.memory.onboarding import MemoryOnboarding
from digikoppelaar.flows.ports.onboarding import OnboardingStore


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[OnboardingStore], Awaitable[None]]) -> None:
    await promise(MemoryOnboarding())
