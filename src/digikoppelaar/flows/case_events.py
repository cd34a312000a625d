"""A status or besluit in a case system becomes the draft of a kennisgeving.

    told (ZGW Notificaties) ──▶ a row, durable before the answer ──claim──▶ read at the case system
        ──▶ about no verzoek of ours, or of no trigger: ended, with a line in the log
        ──▶ draft of the moment that the trigger names ──▶ waits for a person, or goes by itself where that was set
        ──▶ trouble: again, later; or parked and on the worklist

Every step can run twice: the same URL is one row, and one case, moment and blad has one draft.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from digikoppelaar.errors import ConfigError, Conflict, DigikoppelaarError, told
from digikoppelaar.flows.desk import PROGRAM, Desk
from digikoppelaar.flows.intake_states import Retry, retry_plan
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.flows.ports.case_events import CaseEvent, CaseEventStore, CaseReader, Happened
from digikoppelaar.flows.ports.kennisgevingen import Origin
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.targets import Target, targets_of
from digikoppelaar.flows.triggers import triggers_of
from digikoppelaar.flows.under_way import UnderWay

log = structlog.get_logger()

KEPT: Final = timedelta(days=31)
"""So long it is known that something was told before: no case system tells again later than that."""
AT_ONCE: Final = 10
NOT_OURS: Final = "Het gaat niet over een verzoek dat hier is bezorgd."
NO_TRIGGER: Final = "Voor dit type is geen trigger ingesteld."
_ADDRESSES: Final = ("zaken_url", "besluiten_url")
_ADVICE_NO_ZGW: Final = (
    "Alleen een bestemming van soort zgw vertelt over een zaak; controleer de bestemmingen van de aansluiting."
)


@dataclass(frozen=True, slots=True)
class CaseEvents:
    """Works with these parts; `reader_for` gives what reads at a target, `desk` makes drafts."""

    store: CaseEventStore
    aansluitingen: Callable[[], Awaitable[Sequence[Aansluiting]]]
    reader_for: Callable[[Target], CaseReader]
    desk_of: Callable[[Sequence[Aansluiting]], Desk]
    clock: Clock
    forsaken: timedelta = timedelta(minutes=10)

    async def run(self, stop: asyncio.Event, interval: float) -> None:
        """Follow what is due until `stop`, looking every `interval` seconds. It can be cancelled at any moment."""
        async with UnderWay("case events") as under_way:
            await under_way.repeat(lambda: self.follow_due(under_way), stop, interval, at_ends=True)

    async def follow_due(self, under_way: UnderWay) -> int:
        """Begin with what is due, as far as there is room; how many. Raises StorageError."""
        await self.store.forget(self.clock.now() - KEPT)
        room = AT_ONCE - len(under_way.about())
        claimed = await self.store.claim(self.clock.now(), self.forsaken, room) if room > 0 else []
        for event in claimed:
            under_way.start(event.id, self.follow(event))
        return len(claimed)

    async def follow(self, event: CaseEvent) -> None:
        """One attempt. Raises StorageError: then it is made again."""
        try:
            await self._attempt(event)
        except Exception as error:  # whatever it was, it must not get lost
            plan = retry_plan(error, event.attempts)
            advice = error.advice if isinstance(error, DigikoppelaarError) else DigikoppelaarError.default_advice
            due_at = self.clock.now() + timedelta(seconds=plan.after) if isinstance(plan, Retry) else None
            log.warning("case_event_failed", case_event=event.id, reason=told(error), plan=plan)
            await self.store.failed(event, told(error), advice, due_at)

    async def _attempt(self, event: CaseEvent) -> None:
        outcome, kennisgeving_id = await self._followed(event)
        if not await self.store.ended(event, outcome, kennisgeving_id, self.clock.now()):
            raise Conflict(
                f"another event led to kennisgeving {kennisgeving_id}",
                advice=f"In deze zaak is van dit moment vaker iets gebeurd; van de vorige keer is kennisgeving "
                f"{kennisgeving_id}. Maak zo nodig een volgende (`kennisgeving draft --file` met `--number 2`).",
            )
        log.info("case_event_followed", case_event=event.id, kennisgeving=kennisgeving_id)

    async def _followed(self, event: CaseEvent) -> tuple[str, int | None]:
        """What became of it, and the kennisgeving that it led to."""
        if event.zaak and await self._verzoek(event, event.zaak) is None:
            return NOT_OURS, None
        aansluitingen = await self.aansluitingen()
        aansluiting = next(each for each in aansluitingen if each.id == event.aansluiting_id)
        target = _target(aansluiting, event.url)
        happened = await self.reader_for(target).read(event.resource, event.url)
        verzoeknummer = await self._verzoek(event, happened.zaak) if happened.zaak else None
        if verzoeknummer is None:
            return NOT_OURS, None
        desk = self.desk_of([each for each in aansluitingen if each.publishing])
        origin = Origin(aansluiting.id, verzoeknummer)
        return await self._drafted(desk, origin, event, happened, _zaaktype(target))

    async def _verzoek(self, event: CaseEvent, zaak: str) -> str | None:
        return await self.store.verzoek_of(event.aansluiting_id, zaak.rstrip("/").rpartition("/")[2])

    async def _drafted(
        self, desk: Desk, origin: Origin, event: CaseEvent, happened: Happened, zaaktype: str | None
    ) -> tuple[str, int | None]:
        found = await desk.before(origin)
        if isinstance(found, str):
            return found, None
        before, publisher = found
        triggers = triggers_of(publisher.publishing.trigger if publisher.publishing else "")
        trigger = next((each for each in triggers if each.fits(event.resource, happened)), None)
        if trigger is None:
            return NO_TRIGGER, None
        occasion = trigger.occasion(happened, desk.texts.rules, desk.today())
        made = await desk.draft_later(before, occasion, publisher, Who(PROGRAM, self.clock.now()), origin, zaaktype)
        return f"Er is een concept van {trigger.moment}.", made.id


def _target(aansluiting: Aansluiting, url: str) -> Target:
    """The target at which it stands: of several the one whose address it begins with, else the first."""
    targets = [each for each in targets_of(aansluiting.case_system) if each.kind == "zgw"]
    if not targets:
        raise ConfigError(f"aansluiting {aansluiting.id} has no target of kind zgw", advice=_ADVICE_NO_ZGW)
    at = (each for each in targets if any(url.startswith(each.settings.get(name, " ")) for name in _ADDRESSES))
    return next(at, targets[0])


def _zaaktype(target: Target) -> str | None:
    """Its identificatie, as a template is found by it."""
    zaaktype = target.settings["zaaktype"]
    return None if "://" in zaaktype else zaaktype
