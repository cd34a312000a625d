"""The running trials that journeys share: starting one costs seconds."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.journeys import steps
from tests.journeys.bad_input.gateway import Gateway
from tests.journeys.partner import GatewayUnderAttack, Partner, dso_context

from digikoppelaar.cli.trial import Trial
from digikoppelaar.wiring import Stores, open_stores

HERE = Path(__file__).parent
LAST = "test_privacy.py"
"""Looks at what all others left in the logs."""
SMALL_BODIES = (
    steps.SETTINGS
    + """
[limits]
body = 67108864
"""
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one event loop, for their processes belong to it, and the look at all logs after the rest."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    last = [item for item in ours if item.path.name == LAST]
    items[:] = [item for item in items if item not in last] + last


@pytest.fixture(scope="session")
def trial_folders() -> Iterator[list[Path]]:
    """The folder of every trial so far; they stay until the end of the session."""
    folders: list[Path] = []
    yield folders
    steps.remove(folders)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_trial(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """The trial of all journeys that leave it as it was. Ask for `trial`."""
    async with steps.running_trial(trial_folders) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def trial(shared_trial: Trial) -> AsyncIterator[Trial]:
    """The shared trial, with all faults switched off before and after."""
    async with steps.without_faults(shared_trial) as quiet:
        yield quiet


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(shared_trial: Trial) -> AsyncIterator[Stores]:
    """A look into the database of the shared trial."""
    async with open_stores(shared_trial.config) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(trial_folders: list[Path]) -> AsyncIterator[Gateway]:
    """A gateway of its own for bad input: nothing else may move what it stores."""
    async with (
        steps.running_trial(trial_folders, settings=SMALL_BODIES) as running,
        open_stores(running.config) as opened,
    ):
        yield GatewayUnderAttack(running, opened, Partner.of(running), dso_context(running))
