"""The way out of the sandbox's DSO-LV, with its faults in between."""

import asyncio
from dataclasses import dataclass

from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.ports import Reply, Streamed, Transport
from digikoppelaar.sandbox.faults import Fault, Faults, Kind, Target


@dataclass(frozen=True, slots=True)
class FaultyTransport:
    """flows.ports.Transport: `real`, except when a fault on notifications strikes. Signals always pass."""

    real: Transport
    faults: Faults

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """Post it, or do what the fault says."""
        is_notification = content_type.startswith("multipart/")  # a signal has no payload (statement 3)
        match self.faults.strike(Target.NOTIFICATION) if is_notification else None:
            case Fault(kind=Kind.LOSE):
                raise PartnerUnreachable("the sandbox lost this notification, as was asked")
            case Fault(kind=Kind.DELAY, seconds=seconds):
                await asyncio.sleep(seconds)
            case Fault(kind=Kind.REPEAT):
                await self.real.post(omgeving, partij_oin, endpoint, content_type, body)
        return await self.real.post(omgeving, partij_oin, endpoint, content_type, body)
