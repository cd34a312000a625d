"""Asking DSO-LV beside the intake: the searches of the worker, over and over, and what a command asks once.

What there is to do stands in flows/catch_up.py and flows/catch_up_report.py; only when, and with which parts, is here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.adapters.dso_search import DsoRestSearch
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config
from digikoppelaar.config.work import CatchUpConfig
from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.flows.catch_up import CatchUp, CatchUpSettings, Progress, no_progress, searchable
from digikoppelaar.flows.catch_up_report import report_of_yesterday
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.wiring import Stores

log = structlog.get_logger()

LOOK_EVERY: Final = 60.0
"""Seconds between two looks for aansluitingen whose time to search has come."""


def dso_calls(sessions: MtlsSessions, aansluiting: Aansluiting, clock: Clock) -> DsoCalls:
    """Calls of *Verzoek afhandelen* as the partij of this aansluiting. Raises ConfigError without DSO settings."""
    if aansluiting.dso is None:
        raise ConfigError(f"aansluiting {aansluiting.id} has no dso settings")
    http = MtlsHttp(sessions, aansluiting.omgeving, aansluiting.partij_oin)
    return DsoCalls(http, aansluiting, load_profile(aansluiting.dso.profile), clock)


def catch_up(config: Config, stores: Stores, sessions: MtlsSessions, progress: Progress = no_progress) -> CatchUp:
    """The search of this installation."""
    clock = SystemClock()
    search_for = lambda aansluiting: DsoRestSearch(dso_calls(sessions, aansluiting, clock))  # noqa: E731
    return CatchUp(stores.catch_up, search_for, clock, settings(config.catch_up), progress)


def settings(chosen: CatchUpConfig) -> CatchUpSettings:
    """What the configuration says, as the flow takes it."""
    return CatchUpSettings(
        interval=timedelta(seconds=chosen.interval),
        overlap=timedelta(seconds=chosen.overlap),
        first=timedelta(days=chosen.first_days),
        grace=timedelta(seconds=chosen.grace),
    )


@dataclass(frozen=True, slots=True)
class Searching:
    """The searches of the worker, `at_once` of them at the same time; `aansluitingen` are those on record."""

    aansluitingen: Callable[[], Awaitable[Sequence[Aansluiting]]]
    catch_up: CatchUp
    clock: Clock
    at_once: int

    async def run(self, stop: asyncio.Event) -> None:
        """Look for what is due until `stop`. A database that is away is waited for."""
        while not stop.is_set():
            try:
                await self.look()
            except DigikoppelaarError as error:
                log.warning("catch_up_waits", reason=str(error))
            await _wait(stop, LOOK_EVERY)

    async def look(self) -> None:
        """Search for every aansluiting whose time it is, and make the reports of yesterday that are not there yet.

        What goes wrong with one aansluiting is logged and delays no other. Raises StorageError.
        """
        aansluitingen = searchable(await self.aansluitingen())
        room = asyncio.Semaphore(self.at_once)

        async def search(aansluiting: Aansluiting) -> None:
            async with room:
                await self.catch_up.due(aansluiting)

        ended = await asyncio.gather(*map(search, aansluitingen), return_exceptions=True)
        for aansluiting, failure in zip(aansluitingen, ended, strict=True):
            if isinstance(failure, DigikoppelaarError):
                log.warning("catch_up_failed", aansluiting=aansluiting.id, reason=str(failure))
            elif isinstance(failure, BaseException):
                raise failure
        await report_of_yesterday(self.catch_up.store, aansluitingen, self.clock.now())


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
