"""Where kennisgevingen are made: drafted, checked, approved by somebody who may, and planned.

    verzoek ──▶ draft ──▶ checks ──▶ approved ──▶ planned
    document ──┘                └── blocked: only with a reason, on record with who gave it

The program approves what an aansluiting set to be sent by itself, and only when every check was done and is good. It
judges before it drafts, and draft and judgment are one transaction: who dies leaves both or neither.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from digikoppelaar.drop import personal_data
from digikoppelaar.drop.checks import check
from digikoppelaar.drop.checks_places import size
from digikoppelaar.drop.document import from_document, to_document
from digikoppelaar.drop.envelope import request
from digikoppelaar.drop.findings import Checked, Finding, Given, Severity
from digikoppelaar.drop.model import AlsVlak, Kennisgeving
from digikoppelaar.drop.personal_data import PrivacyChecked
from digikoppelaar.drop.terms import is_working_day
from digikoppelaar.errors import (
    CaseSystemError,
    ConfigError,
    Conflict,
    ContentLost,
    DigikoppelaarError,
    PartnerError,
    StorageError,
    SubmissionError,
    TemplateBroken,
    told,
)
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.drafting import AMSTERDAM, Occasion, Texts, drafted, followed, why_none, why_not_by_itself
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.place_names import place_names, without_place_names
from digikoppelaar.flows.ports import Aansluiting, BlobStore, Clock, PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import (
    Facts,
    Judged,
    KennisgevingFilter,
    KennisgevingStore,
    Key,
    NotDrafted,
    Origin,
    StoredKennisgeving,
    Undrafted,
    check_move,
)
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.privacy import Checked as Compared
from digikoppelaar.flows.targets import zaaktype_of
from digikoppelaar.stam.model import Verzoek
from digikoppelaar.stam.verzoek import read_verzoek

log = structlog.get_logger()

PROGRAM: Final = "digikoppelaar"
"""Who approved what is sent by itself."""
SEND_FROM: Final = time(8)
"""Dutch time, on the working day before the wished day: what KOOP has too early it might publish too early."""
LONGEST_NUMBER: Final = 200
"""Characters of a referentienummer."""
MOST_POSITIONS: Final = 10_000
"""Of all its places together: each is held against each edge of an area."""
_ADVICE_WAITS: Final = (
    "Bekijk haar met `kennisgeving preview` en `kennisgeving check`; geef haar vrij met `kennisgeving publish`, "
    "of verbeter haar eerst met `kennisgeving edit`."
)
NO_PUBLISHER: Final = "Het bevoegd gezag publiceert in deze omgeving niet via digikoppelaar."


class Compare(Protocol):
    """Whether a text holds personal data of the applicant; see flows.privacy.PrivacyCheck.matches."""

    async def __call__(self, aansluiting_id: int, verzoeknummer: str, text: str) -> Compared: ...


class AreaOf(Protocol):
    """Where the organisatie with this OIN decides, in RD; empty when nobody said."""

    async def __call__(self, organisatie_oin: str) -> tuple[AlsVlak, ...]: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Works with these parts; `publishers` are the aansluitingen of kind `drop`."""

    store: KennisgevingStore
    publishers: Sequence[Aansluiting]
    texts: Texts
    compare: Compare
    area_of: AreaOf
    blobs: BlobStore
    clock: Clock

    async def draft(
        self,
        kennisgeving: Kennisgeving,
        publisher: Aansluiting,
        who: Who,
        number: int = 1,
        origin: Origin | None = None,
    ) -> tuple[StoredKennisgeving, bool]:
        """Put a kennisgeving on record, and whether it is new. Raises SubmissionError when `publisher` is another."""
        return await self.store.draft(_key(kennisgeving, publisher, number), to_document(kennisgeving), who, origin)

    async def edit(self, kennisgeving_id: int, kennisgeving: Kennisgeving, who: Who) -> StoredKennisgeving:
        """Put another text in its place. Raises SubmissionError when that is about another case, moment or blad."""
        row = await self.store.kennisgeving(kennisgeving_id)
        if _key(kennisgeving, self.publisher_of(row), row.key.number) != row.key:
            raise SubmissionError(
                f"kennisgeving {kennisgeving_id} is about another case, moment or blad",
                advice="Trek deze kennisgeving in (`kennisgeving cancel`) en maak een nieuwe voor de andere zaak.",
            )
        return await self.store.edit(kennisgeving_id, to_document(kennisgeving), who)

    async def draft_of(self, verzoek: Undrafted, who: Who) -> StoredKennisgeving | str:
        """The draft of a verzoek that came in; or, in Dutch, why it gets none."""
        read = await self._read(verzoek.xml)
        publisher = self._publisher(verzoek, read)
        if publisher is None:
            return why_none(read, None) or NO_PUBLISHER
        return await self._drafted(verzoek, read, publisher, who, by_itself=False)

    async def _drafted(
        self, verzoek: Undrafted, read: Verzoek, publisher: Aansluiting, who: Who, *, by_itself: bool
    ) -> StoredKennisgeving | str:
        if why := why_none(read, publisher.publishing):
            return why
        made = drafted(read, publisher, self.texts, zaaktype_of(verzoek.case_system, read))
        return await self._put(made, publisher, who, verzoek.origin, by_itself=by_itself)

    async def _put(
        self, made: Kennisgeving, publisher: Aansluiting, who: Who, origin: Origin, *, by_itself: bool
    ) -> StoredKennisgeving:
        judged = await self._judged(made, publisher, origin) if by_itself else None
        return (await self.store.draft(_key(made, publisher, 1), to_document(made), who, origin, judged))[0]

    async def before(self, origin: Origin) -> tuple[Kennisgeving, Aansluiting] | str:
        """The newest kennisgeving about a verzoek, or else one as it would be drafted, and who publishes it.

        In Dutch why, when it gets none. Raises ConfigError when its content was deleted, CaseSystemError when it is
        being delivered again, SubmissionError for a value that nobody set.
        """
        rows = await self.store.kennisgevingen(KennisgevingFilter(verzoeknummer=origin.verzoeknummer))
        if row := next((each for each in rows if each.origin == origin), None):
            return from_document(row.document), self.publisher_of(row)
        undrafted = await self.store.undrafted(100, origin.verzoeknummer)
        verzoek = next((each for each in undrafted if each.origin == origin), None)
        if verzoek is None:
            raise CaseSystemError(
                f"verzoek {origin.verzoeknummer} is not delivered now",
                advice="Het verzoek wordt opnieuw bezorgd; daarna volgt dit vanzelf.",
            )
        read = await self._read(verzoek.xml)
        publisher = self._publisher(verzoek, read)
        if why := why_none(read, publisher.publishing if publisher else None):
            return why
        if publisher is None:
            return NO_PUBLISHER
        return drafted(read, publisher, self.texts, zaaktype_of(verzoek.case_system, read)), publisher

    async def draft_later(
        self,
        before: Kennisgeving,
        occasion: Occasion,
        publisher: Aansluiting,
        who: Who,
        origin: Origin,
        zaaktype: str | None,
    ) -> StoredKennisgeving:
        """The draft of what happened later in the case of `before`; the one that is there, when there is one."""
        made = followed(before, occasion, publisher, self.texts, zaaktype)
        return await self._put(made, publisher, who, origin, by_itself=True)

    async def _judged(self, made: Kennisgeving, publisher: Aansluiting, origin: Origin) -> Judged | None:
        """Whether it is sent without a person, or why not; None where nothing goes by itself."""
        if made.moment not in _settings(publisher).automatic.split(","):
            return None
        checked = await self._checked(made, publisher, origin)
        codes = _codes(checked.findings)
        if checked.good:
            return Judged(True, Facts(due_at=self._send_at(made.data.publicatie), detail=codes))
        return Judged(False, Facts(reason=f"it does not go by itself: {codes}", advice=_ADVICE_WAITS, detail=codes))

    async def draft_new(self, limit: int) -> int:
        """Draft what came in since, and approve what is to be sent by itself; how many drafts. Raises StorageError.

        Only of verzoeken that were submitted on or after the day that the aansluiting set. What cannot be drafted is on
        record as such, and holds up no other. While a template of an organisatie is broken its verzoeken wait; raises
        ConfigError when one is that everybody uses.
        """
        made = ended = waiting = 0
        broken: set[str] = set()
        while undrafted := await self.store.undrafted(limit - ended, skip=waiting):
            self.texts.templates(None)
            before = waiting
            for verzoek in undrafted:
                try:
                    made += await self._try(verzoek)
                    ended += 1
                except TemplateBroken as error:
                    waiting += 1
                    broken.add(told(error))
            if waiting == before:
                break
        for reason in sorted(broken):
            log.warning("kennisgevingen_wait_for_template", reason=reason)
        return made

    async def _try(self, verzoek: Undrafted) -> bool:
        """Whether there is a draft. Raises StorageError, and TemplateBroken when it waits."""
        publisher: Aansluiting | None = None
        try:
            read = await self._read(verzoek.xml)
            publisher = self._publisher(verzoek, read)
            return await self._draft_one(verzoek, read, publisher, Who(PROGRAM, self.clock.now()))
        except TemplateBroken:
            raise
        except Exception as error:
            if isinstance(error, StorageError) and not isinstance(error, ContentLost):
                raise
            await self._not_drafted(verzoek.origin, publisher, error)
        return False

    async def _not_drafted(self, origin: Origin, publisher: Aansluiting | None, error: Exception) -> None:
        about = {"aansluiting": origin.aansluiting_id, "verzoek": origin.verzoeknummer}
        log.warning("kennisgeving_not_drafted", reason=told(error), **about)
        advice = error.advice if isinstance(error, DigikoppelaarError) else DigikoppelaarError.default_advice
        why = NotDrafted(told(error), advice, publisher.id if publisher else None)
        await self.store.not_drafted(origin, why, self.clock.now())

    async def _draft_one(self, verzoek: Undrafted, read: Verzoek, publisher: Aansluiting | None, who: Who) -> bool:
        if publisher is None:
            made: StoredKennisgeving | str = why_none(read, None) or NO_PUBLISHER
        elif why := why_not_by_itself(read, _settings(publisher).drafts_from):
            made = why
        else:
            made = await self._drafted(verzoek, read, publisher, who, by_itself=True)
        if isinstance(made, str):
            await self.store.none_for(verzoek.origin, made, None, who.at)
            return False
        return True

    async def check(self, row: StoredKennisgeving) -> Checked:
        """What is to be said of it now."""
        return await self._checked(from_document(row.document), self.publisher_of(row), row.origin)

    async def _checked(self, kennisgeving: Kennisgeving, publisher: Aansluiting, origin: Origin | None) -> Checked:
        settings = _settings(publisher)
        given = Given(
            today=self.today(),
            regels=self.texts.rules,
            lists=self.texts.lists,
            profile=self.texts.profile(settings.profile),
            privacy=await self._compared(kennisgeving, origin),
            area=await self.area_of(kennisgeving.publicist.oin),
            own=frozenset(filter(None, [settings.telefoon])),
            places=tuple(filter(None, [settings.inzage_plaats])),
            severities=self.texts.severities,
        )
        return await aside(partial(check, kennisgeving, given))

    async def approve(
        self, kennisgeving_id: int, who: Who, *, override: str = "", publish_on: date | None = None
    ) -> StoredKennisgeving:
        """Plan it to be sent. `publish_on` is the wished day, instead of its own; not before the checks are passed.

        Raises Conflict when a check blocks it and `override` gives no reason, when it was changed while it was checked,
        or when it is too late; SubmissionError for what cannot be sent at all: no reason is good enough for that.
        """
        row = await self.store.kennisgeving(kennisgeving_id)
        kennisgeving = from_document(row.document)
        if publish_on:
            kennisgeving = replace(kennisgeving, data=replace(kennisgeving.data, publicatie=publish_on))
        detail = await self._passed(row, kennisgeving, override)
        facts = Facts(due_at=self._send_at(kennisgeving.data.publicatie), detail=detail)
        if publish_on:
            row = await self.store.edit(row.id, to_document(kennisgeving), who, row.document)
        return await self.store.move(row.id, KennisgevingEvent.APPROVED, who, facts, row.document)

    async def resume(self, kennisgeving_id: int, who: Who, *, override: str = "") -> StoredKennisgeving:
        """Let go on, at its own time, what was held or refused. Raises as `approve`: its days may be over by now."""
        row = await self.store.kennisgeving(kennisgeving_id)
        check_move(row, KennisgevingEvent.RESUMED, None)
        facts = Facts(detail=await self._passed(row, from_document(row.document), override))
        return await self.store.move(row.id, KennisgevingEvent.RESUMED, who, facts, row.document)

    async def _passed(self, row: StoredKennisgeving, kennisgeving: Kennisgeving, override: str) -> str:
        """For the log: what was found and why it may go. Raises Conflict, and SubmissionError, as `approve`."""
        publisher = self.publisher_of(row)
        checked = await self._checked(kennisgeving, publisher, row.origin)
        blocking = _codes(finding for finding in checked.findings if finding.severity is Severity.BLOCK)
        if blocking and not override:
            raise Conflict(
                f"kennisgeving {row.id} is held up by {blocking}",
                advice="Bekijk met `kennisgeving check` wat er mis is en verbeter het, "
                "of geef een reden om toch te publiceren (--override).",
            )
        await aside(partial(request, kennisgeving, self.texts.profile(_settings(publisher).profile)))
        codes = _codes(checked.findings)
        return f"{codes}; {override}" if override else codes

    def _send_at(self, publish_on: date | None) -> datetime:
        now = self.clock.now()
        if publish_on is None or publish_on <= self.today():
            return now
        day = publish_on - timedelta(days=1)
        while not is_working_day(day, self.texts.rules.gelijkgesteld):
            day -= timedelta(days=1)
        return max(now, datetime.combine(day, SEND_FROM, AMSTERDAM))

    async def _compared(self, kennisgeving: Kennisgeving, origin: Origin | None) -> PrivacyChecked | None:
        if origin is None:
            return None
        text = personal_data.joined(personal_data.published(kennisgeving))
        compared = await self.compare(origin.aansluiting_id, origin.verzoeknummer, text)
        return without_place_names(compared, text, place_names(kennisgeving))

    def publisher_of(self, row: StoredKennisgeving) -> Aansluiting:
        """Who publishes it. Raises ConfigError when its aansluiting does not any more."""
        for each in self.publishers:
            if each.id == row.key.aansluiting_id:
                return each
        raise ConfigError(
            f"the aansluiting of kennisgeving {row.id} does not publish any more",
            advice="Geef de aansluiting van soort drop haar tabel [aansluiting.publishing] terug.",
        )

    def _publisher(self, verzoek: Undrafted, read: Verzoek) -> Aansluiting | None:
        """Of the bevoegd gezag, in the omgeving in which the verzoek came in."""
        oin = read.bevoegd_gezag.oin if read.bevoegd_gezag else None
        of = (each for each in self.publishers if each.organisatie_oin == oin and each.omgeving == verzoek.omgeving)
        return next(of, None)

    async def _read(self, xml: str | None) -> Verzoek:
        if xml is None:
            raise ConfigError(
                "the content of the verzoek was deleted",
                advice="De inhoud van het verzoek is verwijderd: lever de kennisgeving aan met `kennisgeving draft "
                "--file` en zeg met `kennisgeving none` dat er geen concept meer hoeft te komen.",
            )
        document = b"".join([chunk async for chunk in self.blobs.get(xml)])
        try:
            return await aside(lambda: read_verzoek(document))
        except PartnerError as error:
            raise ConfigError(f"the verzoek XML cannot be read: {error}", advice=error.advice) from error

    def today(self) -> date:
        """In the Netherlands."""
        return self.clock.now().astimezone(AMSTERDAM).date()


def _key(kennisgeving: Kennisgeving, publisher: Aansluiting, number: int) -> Key:
    publicist, settings = kennisgeving.publicist, publisher.publishing
    assert settings, "only an aansluiting that publishes has kennisgevingen"
    if publicist.oin != publisher.organisatie_oin:
        raise SubmissionError(
            f"the kennisgeving is of {publicist.oin}, the aansluiting of {publisher.organisatie_oin}",
            advice="Lever de kennisgeving aan bij de aansluiting van de organisatie die publiceert.",
        )
    if (publicist.naam, publicist.bestuurslaag) != (settings.naam, settings.bestuurslaag):
        raise SubmissionError(
            "the publicist has another name or bestuurslaag than the aansluiting says",
            advice=f"Noem als publicist {settings.naam}, {settings.bestuurslaag}: zo staat het in de aansluiting.",
        )
    if len(kennisgeving.referentienummer) > LONGEST_NUMBER:
        raise SubmissionError(
            f"a referentienummer of {len(kennisgeving.referentienummer)} characters is over {LONGEST_NUMBER}",
            advice="Geef het zaaknummer zonder omschrijving, en bied de kennisgeving opnieuw aan.",
        )
    if size(kennisgeving) > MOST_POSITIONS:
        raise SubmissionError(
            f"a kennisgeving with {size(kennisgeving)} positions is over {MOST_POSITIONS}",
            advice="Vereenvoudig de lijnen en vlakken van de locaties, en bied de kennisgeving opnieuw aan.",
        )
    return Key(publisher.id, kennisgeving.referentienummer, kennisgeving.moment, kennisgeving.blad, number)


def _codes(findings: Iterable[Finding]) -> str:
    return ", ".join(sorted({finding.code for finding in findings}))


def _settings(publisher: Aansluiting) -> PublishingSettings:
    assert publisher.publishing, "only an aansluiting that publishes has kennisgevingen"
    return publisher.publishing
