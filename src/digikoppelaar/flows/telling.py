"""Telling case systems and applications what became of a kennisgeving.

    kennisgeving moves ──▶ a row for each who must know, in that transaction ──claim──▶ attempt, on record first
        ──▶ a target that took the verzoek: keeps number, day and address with the case
        ──▶ the webhook of the aansluiting that publishes: a signed post
        ──▶ told; or again, later; or parked and on the worklist, until a person says so

A target is tried again as a delivery is, a webhook as other webhooks are. Whoever dies in the middle leaves an attempt
that is made once more: receivers look before they make, or know a post by its id.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.errors import CaseSystemError, DigikoppelaarError, PartnerUnreachable, told
from digikoppelaar.flows.attempts import GOES_ON, Done, attempt
from digikoppelaar.flows.intake_states import Retry
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports import Aansluiting, CaseSystem, Clock, News, Receiver
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, KennisgevingStore, Origin
from digikoppelaar.flows.ports.repair import ParkedFilter, Who
from digikoppelaar.flows.ports.tellings import Case, Telling, TellingStore
from digikoppelaar.flows.targets import Target, fits, targets_of
from digikoppelaar.flows.under_way import UnderWay
from digikoppelaar.flows.webhooks import PAUSES, Poster, Secrets, is_taken, post_signed
from digikoppelaar.stam.model import Instantie, Verzoek

log = structlog.get_logger()

NO_TARGET: Final = "De bestemming staat niet meer in de instellingen, dus er is niets verteld."
NO_WEBHOOK: Final = "De aansluiting heeft geen webhook_url meer, dus er is niets verteld."
_ADVICE_WEBHOOK: Final = (
    "Controleer of de applicatie op webhook_url luistert en laat het haar daarna opnieuw vertellen met "
    "`digikoppelaar kennisgeving tell`."
)
_MOST: Final = 0.9
"""Of `forsaken`: an attempt ends before another may make it."""


@dataclass(frozen=True, slots=True)
class TellSettings:
    """`slots` of one receiver, in all processes together; an attempt that took `forsaken` was left by who made it."""

    slots: int = 2
    forsaken: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells with these parts; `case_system_for` gives the case system that is a target."""

    store: TellingStore
    aansluitingen: Callable[[], Awaitable[Sequence[Aansluiting]]]
    case_system_for: Callable[[Aansluiting, Target], CaseSystem]
    poster: Poster
    secrets: Secrets
    clock: Clock
    settings: TellSettings = TellSettings()

    async def run(self, stop: asyncio.Event, interval: float) -> None:
        """Tell what is due until `stop`, looking every `interval` seconds. It can be cancelled at any moment."""
        async with UnderWay("telling") as under_way:
            await under_way.repeat(lambda: self.tell_due(under_way), stop, interval, at_ends=True)

    async def tell_due(self, under_way: UnderWay) -> int:
        """Begin to tell what is due, as far as there is room; how many attempts it began. Raises StorageError.

        To be called again whenever one ends, and by as many processes as there are.
        """
        claimed = await self.store.claim(self.clock.now(), self.settings.forsaken, self.settings.slots)
        known = {each.id: each for each in await self.aansluitingen()} if claimed else {}
        for telling in claimed:
            under_way.start(telling.row.id, self._tell(telling, known[telling.row.aansluiting_id]))
        return len(claimed)

    async def _tell(self, telling: Telling, aansluiting: Aansluiting) -> None:
        note, row = "", telling.row

        async def step() -> None:
            nonlocal note
            async with asyncio.timeout(_MOST * self.settings.forsaken.total_seconds()):
                tell = self._tell_application if row.target is None else self._tell_case_system
                note = await tell(telling, aansluiting)

        failed = await (self._posted(step, row.attempts) if row.target is None else self._tried(step, row.attempts))
        log.info("telling_tried", telling=row.id, kennisgeving=row.kennisgeving_id, told=failed is None)
        if failed is None:
            await self.store.told(row, note, self.clock.now())
            return
        due_at = None if failed.after is None else self.clock.now() + failed.after
        await self.store.failed(row, failed.reason, failed.advice, due_at)

    async def _tried(self, step: Callable[[], Awaitable[None]], number: int) -> "_Failed | None":
        """Attempt `number` at a target: what follows stands in flows.intake_states, as for a delivery."""
        why = ("", "")

        async def tell(*, reason: str, advice: str, parked: bool) -> None:
            nonlocal why
            del parked
            why = (reason, advice)

        outcome = await attempt(step, number, tell)
        if isinstance(outcome, Done):
            return None
        return _Failed(*why, timedelta(seconds=outcome.after) if isinstance(outcome, Retry) else None)

    async def _posted(self, step: Callable[[], Awaitable[None]], number: int) -> "_Failed | None":
        """Attempt `number` at a webhook, as flows.webhooks has them."""
        try:
            await step()
        except Exception as error:  # whatever it was, nothing says that the application took it
            if not isinstance(error, DigikoppelaarError | TimeoutError):
                log.exception("webhook_broke")
            if number <= len(PAUSES):
                return _Failed(told(error), f"{_ADVICE_WEBHOOK} {GOES_ON}", PAUSES[number - 1])
            return _Failed(told(error), _ADVICE_WEBHOOK, None)
        return None

    async def _tell_case_system(self, telling: Telling, aansluiting: Aansluiting) -> str:
        """What of it there was no place for."""
        row, found = telling.kennisgeving, telling.kennisgeving.publication
        assert found, "case systems are told of what was published"
        if telling.case is None:
            raise CaseSystemError(
                f"verzoek {row.key.referentienummer} is being delivered again",
                advice="Het verzoek wordt opnieuw bij deze bestemming afgeleverd; daarna volgt dit vanzelf.",
            )
        kennisgeving, case = from_document(row.document), telling.case
        target = _target(aansluiting, telling.row.target or "", _as_known(case, kennisgeving))
        if target is None:
            return NO_TARGET
        news = News(aansluiting, case.verzoeknummer, case.reference, row.id, kennisgeving, found, telling.newest)
        return await self.case_system_for(aansluiting, target).tell(news)

    async def _tell_application(self, telling: Telling, aansluiting: Aansluiting) -> str:
        """Raises PartnerUnreachable, also when it refuses."""
        settings = aansluiting.publishing
        if settings is None or not settings.webhook_url:
            return NO_WEBHOOK
        receiver = Receiver(settings.webhook_url, settings.webhook_secret_file)
        body, event = body_of(telling, aansluiting), event_of(telling)
        status = await post_signed(self.poster, self.secrets, receiver, event, body, self.clock.now())
        if not is_taken(status):
            raise PartnerUnreachable(f"HTTP status {status}")
        return ""


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why it failed; `after` is when it is tried again, None when it is parked."""

    reason: str
    advice: str
    after: timedelta | None


def event_of(telling: Telling) -> str:
    """The id of what is posted: the same when it is posted again."""
    return f"kennisgeving-{telling.row.id}"


def body_of(telling: Telling, aansluiting: Aansluiting) -> bytes:
    """What is posted to an application: identifiers, and where the kennisgeving can be read; never its text."""
    row, kennisgeving = telling.row, telling.kennisgeving
    found = kennisgeving.publication if row.state == KennisgevingState.PUBLISHED else None
    return json.dumps(
        {
            "id": event_of(telling),
            "type": f"kennisgeving.{row.state}",
            "at": row.at.isoformat(),
            "omgeving": aansluiting.omgeving,
            "oin": aansluiting.organisatie_oin,
            "kennisgevingId": kennisgeving.id,
            "referentienummer": kennisgeving.key.referentienummer,
            "moment": kennisgeving.key.moment,
            "blad": kennisgeving.key.blad,
            "number": kennisgeving.key.number,
            "state": row.state,
            "verzoeknummer": kennisgeving.origin.verzoeknummer if kennisgeving.origin else None,
            "publication": found
            and {"number": found.number, "url": found.url, "publishedOn": found.published_on.isoformat()},
            "href": f"/api/v1/kennisgevingen/{kennisgeving.id}",
        }
    ).encode()


async def tell_again(
    kennisgevingen: KennisgevingStore, tellings: TellingStore, origin: Origin, who: Who, *, dry_run: bool
) -> Sequence[int]:
    """Release what is parked of the kennisgevingen about a verzoek; their numbers. `dry_run` only says which."""
    rows = await kennisgevingen.kennisgevingen(KennisgevingFilter(verzoeknummer=origin.verzoeknummer))
    parked = [
        row.id
        for row in rows
        if row.origin == origin
        and any(each.due_at is None and each.told_at is None for each in await tellings.of(row.id))
    ]
    if not dry_run:
        for each in parked:
            await tellings.again(each, who)
    return parked


async def tell_all_again(tellings: TellingStore, wanted: ParkedFilter, who: Who, *, dry_run: bool) -> Sequence[int]:
    """Release what is parked of each kennisgeving of which something fits; their numbers. `dry_run` says which."""
    parked = await tellings.parked(wanted)
    if not dry_run:
        for each in parked:
            await tellings.again(each, who)
    return parked


def _target(aansluiting: Aansluiting, name: str, known: Verzoek) -> Target | None:
    """The target of this name; of more with one name the first that fits, or the last, which takes the rest."""
    named = [each for each in targets_of(aansluiting.case_system) if each.name == name]
    return next((each for each in named if fits(each, known)), named[-1] if named else None)


def _as_known(case: Case, kennisgeving: Kennisgeving) -> Verzoek:
    """What is left of the verzoek when its content was deleted: enough for every condition but that on activiteit."""
    return Verzoek(
        None,
        case.verzoeknummer,
        0,
        case.doel,
        case.type,
        bevoegd_gezag=Instantie(kennisgeving.publicist.oin),
        uitvoerende_instantie=Instantie(kennisgeving.behandelaar_oin),
    )
