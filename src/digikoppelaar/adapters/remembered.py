"""A Registry that is not asked for every message again what it said a moment ago."""

import asyncio
from typing import Final

from digikoppelaar.flows.ports import CpaRecord, Registry

REMEMBERED: Final = 1.0
"""Seconds. A CPA that is replaced or removed counts until then; one that is added counts at once."""


class RememberedRegistry:
    """flows.ports.Registry over another one: a CPA that was found is remembered for a second."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._found: dict[tuple[str, str], tuple[CpaRecord, float]] = {}

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """See flows.ports.Registry."""
        now, name = asyncio.get_running_loop().time(), (omgeving, cpa_id)
        if name in self._found and now < self._found[name][1] + REMEMBERED:
            return self._found[name][0]
        found = await self._registry.cpa(omgeving, cpa_id)
        if found is None:
            self._found.pop(name, None)
        else:
            self._found[name] = found, now
        return found

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """See flows.ports.Registry; asked for each message of a gemachtigde, for taking a machtiging back is urgent."""
        return await self._registry.acts_for(omgeving, oin)
