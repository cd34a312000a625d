"""Sending kennisgevingen that are planned, each attempt on record before its first byte goes out.

    planned ──claim──▶ sending ──▶ envelope ──▶ 3PAS ──▶ accepted, or refused
                          │                       └── no answer: unknown, and never sent again by itself
                          └── certainly not arrived: planned again, later

Whoever dies while sending leaves it sending; after a while it is unknown. Two that send at once claim different ones.
No attempt waits for another: an endpoint that hangs holds up what is of its own aansluiting.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.envelope import Accepted, RawAnswer, SoapRequest, answer, request
from digikoppelaar.drop.outcomes import Outcome
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.errors import (
    ConfigError,
    DigikoppelaarError,
    FacilityNotReached,
    FacilityOutcomeUnknown,
    FacilityUnavailable,
    StorageError,
    SubmissionError,
    told,
)
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.intake_states import Retry, retry_plan
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.kennisgevingen import (
    ANSWER_KEPT,
    Answer,
    Facts,
    KennisgevingStore,
    Sent,
    StoredKennisgeving,
)
from digikoppelaar.flows.under_way import UnderWay

log = structlog.get_logger()

_E = KennisgevingEvent
Settled = tuple[KennisgevingEvent, Facts]


class Post(Protocol):
    """Sends a request to 3PAS as one aansluiting."""

    async def __call__(self, request: SoapRequest) -> RawAnswer:
        """The answer as it came. FacilityNotReached and ConfigError say that nothing left; others leave it open."""


@dataclass(frozen=True, slots=True)
class Route:
    """How an aansluiting speaks to 3PAS, and in which stage."""

    profile: EnvelopeProfile
    post: Post
    stage: str


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """`at_once` of a process, `per_aansluiting` of an installation.

    An attempt that takes longer than `slow` seconds, and may hang for minutes, does not count for `at_once` any more.
    `forsaken` must be longer than any attempt takes; `first_look` is when something sent is first searched for.
    """

    at_once: int = 8
    per_aansluiting: int = 2
    slow: float = 5.0
    forsaken: timedelta = timedelta(minutes=10)
    first_look: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Publishing:
    """Sends with these parts; `route_for` gives the way of an aansluiting, and raises ConfigError without one."""

    store: KennisgevingStore
    route_for: Callable[[int], Awaitable[Route]]
    clock: Clock
    settings: PublishSettings = PublishSettings()

    async def send_due(self, under_way: UnderWay) -> int:
        """Begin to send what is due, as far as there is room; how many attempts it began. Raises StorageError.

        To be called again whenever one ends, and by as many processes as there are.
        """
        now = self.clock.now()
        lost = Facts(
            due_at=now,
            reason="whoever sent it ended before an answer came",
            advice=FacilityOutcomeUnknown.default_advice,
        )
        for kennisgeving_id in await self.store.forsaken(now, self.settings.forsaken, lost):
            log.warning("kennisgeving_forsaken", kennisgeving=kennisgeving_id)
        room = self.settings.at_once - under_way.begun_within(self.settings.slow)
        claimed = await self.store.claim(now, room, self.settings.per_aansluiting) if room > 0 else ()
        for row in claimed:
            under_way.start(row.id, self._send(row))
        return len(claimed)

    async def _send(self, row: StoredKennisgeving) -> None:
        event, facts = await self._attempt(row)
        # Without the reason: KOOP's words may quote the text, and stand with the kennisgeving.
        log.info("kennisgeving_sent", kennisgeving=row.id, attempt=row.attempts, outcome=event)
        try:
            await self.store.settle(row, event, facts, self.clock.now())
        except StorageError as error:  # it stays sending and then becomes unknown; the number is for whoever looks
            number = facts.dossiernummer
            log.warning("kennisgeving_not_settled", kennisgeving=row.id, dossiernummer=number, reason=str(error))

    async def _attempt(self, row: StoredKennisgeving) -> Settled:
        try:
            route = await self.route_for(row.key.aansluiting_id)
            kennisgeving = from_document(row.document)
            soap = await aside(partial(request, kennisgeving, route.profile))
            sent = Sent(route.stage, kennisgeving.documenttype, soap.body)
            if not await self.store.began(row, sent, self.clock.now()):
                return _E.NOT_SENT, Facts(detail="it was taken over by another")
        except StorageError as error:
            return self._later(error, row)
        except DigikoppelaarError as error:
            return _nothing_left(error)
        try:
            raw = await route.post(soap)
        except FacilityNotReached as error:
            return self._later(error, row)
        except ConfigError as error:  # no usable certificate or user name
            return _nothing_left(error)
        except Exception as error:  # whatever it was, KOOP may have it
            return self._unanswered(error)
        event, facts = self._answered(raw, route.profile, row)
        return event, replace(facts, answer=Answer(raw.status, raw.body[:ANSWER_KEPT], len(raw.body)))

    def _answered(self, raw: RawAnswer, profile: EnvelopeProfile, row: StoredKennisgeving) -> Settled:
        try:
            said = answer(raw, profile)
        except Exception as error:  # a fault of ours in reading it: KOOP may have it
            return self._unanswered(error)
        if isinstance(said, Accepted):
            look = self.clock.now() + self.settings.first_look
            return _E.ACCEPTED, Facts(due_at=look, dossiernummer=said.dossiernummer, detail=said.dossiernummer)
        match said.meaning.outcome:
            case Outcome.LATER:
                return self._later(FacilityUnavailable(said.reason, advice=said.meaning.advice), row)
            case Outcome.REFUSED:
                return _E.REFUSED, Facts(reason=said.reason, advice=said.meaning.advice, detail=said.code)
        return self._unanswered(FacilityOutcomeUnknown(said.reason, advice=said.meaning.advice))

    def _later(self, error: DigikoppelaarError, row: StoredKennisgeving) -> Settled:
        """Planned again, or for a person when it has failed often enough."""
        plan = retry_plan(error, row.attempts)
        if isinstance(plan, Retry):
            return _E.NOT_SENT, _why(error, due_in=timedelta(seconds=plan.after), clock=self.clock)
        return _E.REFUSED, _why(error)

    def _unanswered(self, error: Exception) -> Settled:
        unknown = error if isinstance(error, FacilityOutcomeUnknown) else FacilityOutcomeUnknown(told(error))
        return _E.UNANSWERED, replace(_why(unknown), due_at=self.clock.now() + self.settings.first_look)


def _nothing_left(error: DigikoppelaarError) -> Settled:
    """It is for whoever can mend it."""
    then = _TEXT_AT_FAULT if isinstance(error, SubmissionError) else _TEXT_GOOD
    return _E.REFUSED, Facts(reason=told(error), advice=f"{error.advice} {then}", detail=told(error))


_TEXT_AT_FAULT: Final = "Er is niets verzonden: wijzig haar met `kennisgeving edit` en keur haar opnieuw goed."
_TEXT_GOOD: Final = "Er is niets verzonden: geef haar vrij met `kennisgeving resume` als de oorzaak weg is."


def _why(error: DigikoppelaarError, due_in: timedelta | None = None, clock: Clock | None = None) -> Facts:
    due_at = clock.now() + due_in if clock and due_in is not None else None
    return Facts(due_at=due_at, reason=told(error), advice=error.advice, detail=told(error))
