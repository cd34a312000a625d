"""KOOP put together out of its profiles, for `sandbox.serve`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from digikoppelaar.adapters.profiles import (
    load_drop_profile,
    load_lists,
    load_rekenregels,
    load_sru_profile,
    load_stages,
)
from digikoppelaar.flows.ports import Clock
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.koop.calendar import Calendar
from digikoppelaar.sandbox.koop.koop import Koop, Switches
from digikoppelaar.sandbox.koop.management import KoopManagement
from digikoppelaar.sandbox.koop.pages import make_app
from digikoppelaar.sandbox.koop.service import PATH, ThreePas

_3PAS: Final = "koop-3pas-2020-01"
_SRU: Final = "koop-sru"


def make_koop(faults: Faults, clock: Clock, next_number: Callable[[int], int], *, publish_at_once: bool) -> Koop:
    """A KOOP that knows of nothing yet; see `Koop`."""
    calendar = Calendar(clock, load_rekenregels().gelijkgesteld)
    rubrieken = frozenset(load_lists().rubrieken)
    return Koop(faults, calendar, rubrieken, next_number, Switches(publish_at_once=publish_at_once))


def three_pas(koop: Koop) -> ASGIApp:
    """The service that takes kennisgevingen; see `ThreePas`."""
    return ThreePas(koop, load_drop_profile(_3PAS)).app()


def three_pas_urls(base: str) -> Mapping[str, str]:
    """The address of each stage on the listener at `base`."""
    return {stage: base + PATH.format(stage=stage) for stage in load_stages(_3PAS)}


def pages(koop: Koop, *, anywhere: bool) -> ASGIApp:
    """What anybody may read; see `pages.make_app`."""
    return make_app(koop, load_sru_profile(_SRU), load_stages(_3PAS), anywhere=anywhere)


def management_routes(koop: Koop) -> Sequence[BaseRoute]:
    """What the management port has of it; see `KoopManagement`."""
    return KoopManagement(koop, load_stages(_3PAS)).routes()
