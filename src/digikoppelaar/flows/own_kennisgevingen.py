"""Kennisgevingen of an application: those of the organisatie and the omgeving of its key; nobody else's are there.

It writes, stops and lets go. What became of one that KOOP may have, only a person says who looked in DROP
(`kennisgeving again`, `kennisgeving arrived`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from digikoppelaar.drop.document import to_document
from digikoppelaar.drop.findings import Checked
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.errors import ConfigError, Conflict, SubmissionError
from digikoppelaar.flows.application import Application
from digikoppelaar.flows.desk import NO_PUBLISHER, Desk
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingFilter, LogLine, Origin, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who


@dataclass(frozen=True, slots=True)
class OwnKennisgevingen:
    """`publisher` and `receiver` are the aansluitingen of kind `drop` and `stam` of the application."""

    application: Application
    desk: Desk
    publisher: Aansluiting | None
    receiver: Aansluiting | None

    async def draft(
        self, kennisgeving: Kennisgeving, *, number: int, verzoeknummer: str | None
    ) -> tuple[StoredKennisgeving, bool]:
        """Put it on record, and whether it is new: the same again is fine. `verzoeknummer`: which it is about.

        Raises Conflict when there is another one of this case, moment, blad and number; SubmissionError for another
        publicist or for bijlagen; ConfigError when the organisatie does not publish, or receives no verzoeken.
        """
        if self.publisher is None:
            raise ConfigError(f"{self.application.organisatie_oin} does not publish here", advice=NO_PUBLISHER)
        _refuse_bijlagen(kennisgeving)
        origin = self._origin(verzoeknummer) if verzoeknummer else None
        row, new = await self.desk.draft(kennisgeving, self.publisher, self._who(), number, origin)
        if not new and (row.document, row.origin) != (to_document(kennisgeving), origin):
            raise Conflict(
                f"kennisgeving {row.id} is of this case, moment, blad and number, and says something else",
                advice=f"Wijzig kennisgeving {row.id}, of geef een ander volgnummer (`number`) als dit een volgende "
                "kennisgeving van hetzelfde moment is.",
            )
        return row, new

    async def find(self, kennisgeving_id: int) -> StoredKennisgeving | None:
        """The kennisgeving; None when it is not there, or somebody else's."""
        try:
            row = await self.desk.store.kennisgeving(kennisgeving_id)
        except ConfigError:
            return None
        return row if self.publisher and row.key.aansluiting_id == self.publisher.id else None

    async def some(
        self, *, state: str | None, referentienummer: str | None, limit: int, before: int | None
    ) -> Sequence[StoredKennisgeving]:
        """Those that fit, the newest first; `before` is an id."""
        if self.publisher is None:
            return []
        wanted = KennisgevingFilter(self.publisher.id, state, referentienummer, limit=limit, before=before)
        return await self.desk.store.kennisgevingen(wanted)

    async def log(self, row: StoredKennisgeving) -> Sequence[LogLine]:
        """What happened to it, in order."""
        return await self.desk.store.log(row.id)

    async def edit(self, row: StoredKennisgeving, kennisgeving: Kennisgeving) -> StoredKennisgeving:
        """Put another text in its place. Raises SubmissionError for bijlagen, and as Desk.edit does."""
        _refuse_bijlagen(kennisgeving)
        return await self.desk.edit(row.id, kennisgeving, self._who())

    async def check(self, row: StoredKennisgeving) -> Checked:
        """What is to be said of it now."""
        return await self.desk.check(row)

    async def approve(self, row: StoredKennisgeving, override: str, publish_on: date | None) -> StoredKennisgeving:
        """Plan it to be sent. Raises as Desk.approve does."""
        return await self.desk.approve(row.id, self._who(), override=override, publish_on=publish_on)

    async def resume(self, row: StoredKennisgeving, override: str) -> StoredKennisgeving:
        """Let it go on; when it is to be sent stays as it was. Raises as Desk.resume does."""
        return await self.desk.resume(row.id, self._who(), override=override)

    async def move(self, row: StoredKennisgeving, event: KennisgevingEvent, reason: str) -> StoredKennisgeving:
        """Stop it; when it was to be sent stays as it was. Raises Conflict."""
        return await self.desk.store.move(row.id, event, self._who(), Facts(detail=reason))

    def _origin(self, verzoeknummer: str) -> Origin:
        if self.receiver is None:
            raise ConfigError(
                f"{self.application.organisatie_oin} receives no verzoeken here",
                advice="Laat `verzoeknummer` weg: deze organisatie ontvangt in deze omgeving geen verzoeken.",
            )
        return Origin(self.receiver.id, verzoeknummer)

    def _who(self) -> Who:
        return Who(self.application.signature, self.desk.clock.now())


def _refuse_bijlagen(kennisgeving: Kennisgeving) -> None:
    if kennisgeving.bijlagen:  # their content is a name in a blob store that holds everybody's
        raise SubmissionError(
            "a kennisgeving with bijlagen cannot be sent over 3PAS",
            advice="Hoe 3PAS bijlagen aanneemt is niet openbaar. Verwijs ernaar in de tekst.",
        )


def own_kennisgevingen(
    application: Application, aansluitingen: Sequence[Aansluiting], desk_of: Callable[[Sequence[Aansluiting]], Desk]
) -> OwnKennisgevingen:
    """Those of this application, with a desk that knows its publisher and no other."""
    whose = (application.organisatie_oin, application.omgeving)
    own = {each.kind: each for each in aansluitingen if (each.organisatie_oin, each.omgeving) == whose}
    publisher = own.get("drop")
    publishers = [publisher] if publisher and publisher.publishing else []
    return OwnKennisgevingen(application, desk_of(publishers), next(iter(publishers), None), own.get("stam"))
