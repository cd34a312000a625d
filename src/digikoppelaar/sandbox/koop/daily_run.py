"""The daily run of KOOP: what is planned is published when its calendar passes the time of the run."""

import asyncio
from contextlib import suppress
from typing import Final

from digikoppelaar.sandbox.koop.koop import Koop

LOOK_EVERY: Final = 5.0
"""Seconds. By the clock on the wall, for that is what may jump: a machine that slept."""


async def publish_daily(koop: Koop, stop: asyncio.Event) -> None:
    """Publish what is due, until `stop`."""
    while not stop.is_set():
        koop.publish_due()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY)
