"""Handing a verzoek that is whole to the case system of its aansluiting.

The case system makes a repeated delivery one case; only then is the verzoek delivered in our own record. A crash
between the two repeats the delivery, never the case.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.attempts import Outcome, attempt
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.intake_states import VerzoekState
from digikoppelaar.flows.ports import (
    Aansluiting,
    BlobStore,
    CaseSystem,
    Clock,
    FileKind,
    Verzoek,
    VerzoekStore,
)
from digikoppelaar.stam.verzoek import as_json, read_verzoek

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers verzoeken with these parts; `case_system_for` gives the case system of one aansluiting."""

    store: VerzoekStore
    case_system_for: Callable[[Aansluiting], CaseSystem]
    blobs: BlobStore
    clock: Clock

    async def attempt(self, verzoek_id: int, number: int) -> Outcome:
        """Attempt number `number` (from 1) to deliver; what went wrong is on record when this returns."""

        async def tell(*, reason: str, advice: str, parked: bool) -> None:
            await self.store.trouble(
                verzoek_id=verzoek_id, reason=reason, advice=advice, parked=parked, now=self.clock.now()
            )

        return await attempt(lambda: self.deliver(verzoek_id), number, tell)

    async def deliver(self, verzoek_id: int) -> None:
        """Deliver this version, unless it was delivered before.

        Raises CaseSystemError, ConfigError, or StorageError (also when not every file is there yet).
        """
        verzoek = await self.store.verzoek(verzoek_id)
        if verzoek.state == VerzoekState.DELIVERED:
            return
        xml = await self._xml(verzoek)
        document = await aside(lambda: as_json(read_verzoek(xml)))
        case_system = self.case_system_for(verzoek.aansluiting)
        reference = await case_system.deliver(verzoek, document, self.blobs, DeliverySteps())
        await self.store.verzoek_delivered(verzoek_id, reference, self.clock.now())
        log.info("verzoek_delivered", verzoek=verzoek.id, volgnummer=verzoek.volgnummer)

    async def _xml(self, verzoek: Verzoek) -> bytes:
        if any(file.blob is None for file in verzoek.files):
            raise StorageError(f"verzoek {verzoek.id} is not whole yet")
        blob = next((file.blob for file in verzoek.files if file.kind is FileKind.XML), None)
        if blob is None:
            raise StorageError(f"verzoek {verzoek.id} has no XML")
        return b"".join([chunk async for chunk in self.blobs.get(blob)])
