"""Handing a verzoek that is whole to the targets of its aansluiting.

    job deliver ──▶ plan: a row `delivery` for each target ──▶ one target: at once; several: a job for each
                                                              ──▶ all delivered: so is the verzoek

Each target has its own row, steps, attempts, slots and circuit breaker, so that one that is dead holds up no other. The
case system makes a repeated delivery one case; only then is it delivered in our own record. A crash between the two
repeats a step, never the case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from digikoppelaar.errors import (
    CaseSystemError,
    ConfigError,
    ContentPurged,
    DigikoppelaarError,
    PartnerUnreachable,
    StorageError,
    told,
)
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.attempts import Done, Outcome, attempt
from digikoppelaar.flows.breaker import LOOK, TRIAL, Breaker, Standing
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.intake_states import Retry, VerzoekState
from digikoppelaar.flows.places import Places
from digikoppelaar.flows.ports import (
    Aansluiting,
    BlobStore,
    CaseSystem,
    Clock,
    DeliveryState,
    DeliveryStore,
    FileKind,
    Handover,
    PlannedStep,
    StoredDelivery,
    Verzoek,
    VerzoekStore,
)
from digikoppelaar.flows.ports.repair import Redelivery
from digikoppelaar.flows.targets import Target, chosen, targets_of
from digikoppelaar.stam import model
from digikoppelaar.stam.rules import when_released, with_case, withdraws
from digikoppelaar.stam.verzoek import read_verzoek

log = structlog.get_logger()

SLOTS: Final = 4
"""Attempts at once to one target, in one process."""
LOOK_AGAIN: Final = LOOK.total_seconds()
"""Seconds until a delivery looks again, at the least, whether its target has room; it costs no attempt."""
_NOT_NOW: Final = (VerzoekState.DELIVERED, VerzoekState.PARKED, VerzoekState.WAITING)
"""States in which a job that is left over has nothing to deliver."""
ELSEWHERE: Final = "Het verzoek is eerder afgeleverd: zoek het in het zaaksysteem of in het Omgevingsloket."
_NOT_REACHED: Final = (CaseSystemError, PartnerUnreachable, TimeoutError)


_Planned = tuple[Verzoek, StoredDelivery, model.Verzoek]


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done at one target; with `problem` (English) and `advice` (Dutch) when that cannot be said.

    `delivered`: it has the verzoek, so nothing would be done. Without target: none could be chosen.
    """

    target: str
    steps: tuple[PlannedStep, ...] = ()
    delivered: bool = False
    problem: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers verzoeken with these parts; `case_system_for` gives the case system that is a target."""

    store: VerzoekStore
    case_system_for: Callable[[Aansluiting, Target], CaseSystem]
    blobs: BlobStore
    clock: Clock
    deliveries: DeliveryStore
    slots: int = SLOTS
    places: Places = field(default_factory=Places)
    _breakers: dict[tuple[int, str], Breaker] = field(default_factory=dict)

    async def attempt(self, verzoek_id: int, number: int) -> Outcome:
        """Attempt number `number` (from 1) to plan, and to deliver when there is one target.

        What went wrong is on record when this returns.
        """
        planned: list[_Planned] = []

        async def plan() -> None:
            planned.extend(await self._plan(verzoek_id))

        outcome = await attempt(plan, number, partial(self._tell, verzoek_id))
        if isinstance(outcome, Done) and len(planned) == 1:
            return await self._enter(*planned[0])
        return outcome

    async def plan(self, verzoek_id: int) -> tuple[StoredDelivery, ...]:
        """The deliveries of this version; none when it was delivered before.

        Raises ConfigError when no target fits, or StorageError (also when not every file is there yet).
        """
        return tuple(delivery for _, delivery, _ in await self._plan(verzoek_id))

    async def _plan(self, verzoek_id: int) -> Sequence[_Planned]:
        verzoek = await self.store.verzoek(verzoek_id)
        if verzoek.state in _NOT_NOW:
            return ()
        read = await self._read(verzoek)
        names = [each.name for each in _chosen(verzoek, read)]
        planned = await self.deliveries.plan(verzoek_id, names, self.clock.now())
        return [(verzoek, each, read) for each in planned]

    async def preview(self, verzoek_id: int, wanted: Redelivery | None = None) -> tuple[Preview, ...]:
        """What a delivery would do now at each target, or, with `wanted`, when that is asked for; changes nothing."""
        try:
            verzoek = await self.store.verzoek(verzoek_id)
            read = await self._read(verzoek)
            targets = _chosen(verzoek, read)
            known = {row.target: row for row in await self.deliveries.planned(verzoek_id)}
        except DigikoppelaarError as error:
            return (Preview("", problem=told(error), advice=error.advice),)
        return tuple([await self._preview(verzoek, read, each, known.get(each.name), wanted) for each in targets])

    async def _preview(
        self,
        verzoek: Verzoek,
        read: model.Verzoek,
        target: Target,
        row: StoredDelivery | None,
        wanted: Redelivery | None,
    ) -> Preview:
        again = wanted is not None and wanted.target in (None, target.name)
        if row and row.state == DeliveryState.DELIVERED and not again:
            return Preview(target.name, delivered=True)
        forgets = wanted is not None and again and wanted.from_scratch
        steps = DeliverySteps({} if row is None or forgets else dict(row.steps))
        try:
            handover = handed_over(verzoek, read, await self.deliveries.case(verzoek.id, target.name))
            case_system = self.case_system_for(verzoek.aansluiting, target)
            return Preview(target.name, tuple(await case_system.preview(handover, steps)))
        except (DigikoppelaarError, TimeoutError) as error:
            advice = error.advice if isinstance(error, DigikoppelaarError) else CaseSystemError.default_advice
            return Preview(target.name, problem=told(error), advice=advice)

    async def attempt_target(self, delivery_id: int, verzoek_id: int) -> Outcome:
        """One attempt at one target; when that has no room, nothing is tried and no attempt is counted.

        Nothing is done of a delivery that is off the record: its target was taken out of the settings.
        """
        try:
            planned = await self.deliveries.planned(verzoek_id)
            verzoek = await self.store.verzoek(verzoek_id)
        except StorageError as error:
            log.warning("delivery_waits_for_storage", delivery=delivery_id, reason=str(error))
            return Retry(LOOK_AGAIN)
        delivery = next((each for each in planned if each.id == delivery_id), None)
        return Done() if delivery is None else await self._enter(verzoek, delivery)

    async def _enter(self, verzoek: Verzoek, delivery: StoredDelivery, read: model.Verzoek | None = None) -> Outcome:
        """An attempt when its target has room; `read` is the verzoek when it was read a moment ago."""
        if delivery.state == DeliveryState.PARKED or verzoek.state == VerzoekState.WAITING:
            return Done()  # a person, or an earlier version that is delivered again, comes first
        breaker = self._breakers.setdefault((verzoek.aansluiting.id, delivery.target), Breaker())
        slots, now = min(self.slots, self.places.half), self.clock.now()
        if not breaker.enter(slots, now):
            return Retry(breaker.wait(slots, now).total_seconds())
        standing = breaker.standing(tried=delivery.attempts > 0)
        if not self.places.enter(standing):
            breaker.leave(reached=None, now=now)
            return Retry((TRIAL if standing is Standing.SILENT else LOOK).total_seconds())
        try:
            return await self._tried(verzoek, delivery, breaker, read)
        finally:
            self.places.leave(standing)

    async def _tried(
        self, verzoek: Verzoek, delivery: StoredDelivery, breaker: Breaker, read: model.Verzoek | None
    ) -> Outcome:
        """An attempt under way; what became of it moves the breaker."""
        reached: bool | None = None
        since = self.clock.now()

        async def step() -> None:
            nonlocal reached
            try:
                await self._deliver(verzoek, delivery, read)
                reached = True
            except _NOT_REACHED:
                reached = False
                raise

        try:
            tell = partial(self._tell, verzoek.id, delivery_id=delivery.id)
            return await attempt(step, await self._number(delivery), tell)
        finally:
            breaker.leave(reached=reached, now=self.clock.now(), since=since)

    async def _number(self, delivery: StoredDelivery) -> int:
        """On record before the attempt is made; when that fails, so will the attempt, which then counts for nothing."""
        try:
            return await self.deliveries.started(delivery.id)
        except StorageError:
            return delivery.attempts + 1

    async def _deliver(self, verzoek: Verzoek, delivery: StoredDelivery, read: model.Verzoek | None) -> None:
        """Hand it to its target unless that has it, and settle the verzoek when every target does."""
        reference = delivery.case_reference
        if delivery.state != DeliveryState.DELIVERED or reference is None:
            read = read or await self._read(verzoek)
            target = _target(verzoek, read, delivery.target)
            steps = DeliverySteps(dict(delivery.steps), partial(self._record, delivery.id))
            case_system = self.case_system_for(verzoek.aansluiting, target)
            handover = handed_over(verzoek, read, await self.deliveries.case(verzoek.id, delivery.target))
            reference = await case_system.deliver(handover, self.blobs, steps)
        if await self.deliveries.delivered(delivery.id, reference, self.clock.now()):
            await self.store.verzoek_delivered(verzoek.id, reference, self.clock.now())
        log.info("verzoek_delivered", verzoek=verzoek.id, volgnummer=verzoek.volgnummer, target=delivery.target)

    async def _record(self, delivery_id: int, name: str, outcome: Mapping[str, str]) -> None:
        await self.deliveries.record(delivery_id, name, outcome, self.clock.now())

    async def _tell(
        self, verzoek_id: int, *, delivery_id: int | None = None, reason: str, advice: str, parked: bool
    ) -> None:
        now = self.clock.now()
        if delivery_id is not None:
            await self.deliveries.trouble(delivery_id, reason, advice, now, parked=parked)
        await self.store.trouble(verzoek_id=verzoek_id, reason=reason, advice=advice, parked=parked, now=now)

    async def _read(self, verzoek: Verzoek) -> model.Verzoek:
        xml = await self._xml(verzoek)
        return await aside(lambda: read_verzoek(xml))

    async def _xml(self, verzoek: Verzoek) -> bytes:
        if verzoek.purged_at is not None:
            raise ContentPurged(f"verzoek {verzoek.id}", verzoek.purged_at, advice=ELSEWHERE)
        if any(file.blob is None for file in verzoek.files):
            raise StorageError(f"verzoek {verzoek.id} is not whole yet")
        blob = next((file.blob for file in verzoek.files if file.kind is FileKind.XML), None)
        if blob is None:
            raise StorageError(f"verzoek {verzoek.id} has no XML")
        return b"".join([chunk async for chunk in self.blobs.get(blob)])


def handed_over(verzoek: Verzoek, read: model.Verzoek, case: str | None) -> Handover:
    """What the case system gets; the action is the one that fits the case that it has there.

    Of what a rule parked, that of its release: it is handed over only then, or in a preview.
    """
    released = when_released(
        verzoek.action, withdrawal=withdraws(verzoek.doel, verzoek.volgnummer), continues=case is not None
    )
    return Handover(replace(verzoek, action=with_case(released, case)), read, case)


def _chosen(verzoek: Verzoek, read: model.Verzoek) -> tuple[Target, ...]:
    return chosen(targets_of(verzoek.aansluiting.case_system), read)


def _target(verzoek: Verzoek, read: model.Verzoek, name: str) -> Target:
    targets = {each.name: each for each in _chosen(verzoek, read)}
    if name not in targets:  # the settings changed since it was planned
        raise ConfigError(
            f"verzoek {verzoek.id} no longer goes to target {name}",
            advice="De bestemmingen zijn gewijzigd; geef het verzoek vrij met `digikoppelaar verzoek release`.",
        )
    return targets[name]
