"""An in-memory twin of the port `Reading`: what was stored, filtered and ordered as the port says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.reading import (
    Direction,
    MessageFilter,
    MessagePage,
    MessageRow,
    VerzoekFilter,
    VerzoekPage,
    VerzoekRow,
)


@dataclass(slots=True)
class Archive:
    """`failing` is a database that is gone."""

    verzoek_pages: list[VerzoekPage] = field(default_factory=list)
    message_pages: list[MessagePage] = field(default_factory=list)
    failing: bool = False

    async def verzoeken(self, wanted: VerzoekFilter) -> Sequence[VerzoekRow]:
        self._be_there()
        rows = [version.verzoek for page in self.verzoek_pages for version in page.versions]
        found = [row for row in rows if _fits_verzoek(row, wanted)]
        return sorted(found, key=lambda row: row.received_at, reverse=True)[: wanted.limit]

    async def verzoek(self, aansluiting_id: int, verzoeknummer: str) -> VerzoekPage | None:
        self._be_there()
        asked = (aansluiting_id, verzoeknummer)
        return next((page for page in self.verzoek_pages if (page.aansluiting_id, page.verzoeknummer) == asked), None)

    async def messages(self, wanted: MessageFilter) -> Sequence[MessageRow]:
        self._be_there()
        found = [page.message for page in self.message_pages if _fits_message(page.message, wanted)]
        return sorted(found, key=lambda row: row.at, reverse=True)[: wanted.limit]

    async def message(self, direction: Direction, message_row_id: int) -> MessagePage | None:
        self._be_there()
        asked = (direction, message_row_id)
        return next((page for page in self.message_pages if (page.message.direction, page.message.id) == asked), None)

    def _be_there(self) -> None:
        if self.failing:
            raise StorageError("the database does not answer")


def _fits_verzoek(row: VerzoekRow, wanted: VerzoekFilter) -> bool:
    return (
        wanted.omgeving in (None, row.omgeving)
        and wanted.organisatie_oin in (None, row.organisatie_oin)
        and (wanted.oins is None or row.organisatie_oin in wanted.oins)
        and wanted.verzoeknummer in (None, row.verzoeknummer)
        and wanted.state in (None, row.state)
        and (wanted.before is None or row.received_at < wanted.before)
    )


def _fits_message(row: MessageRow, wanted: MessageFilter) -> bool:
    return (
        wanted.omgeving in (None, row.omgeving)
        and wanted.organisatie_oin in (None, row.organisatie_oin)
        and (wanted.oins is None or row.organisatie_oin in wanted.oins)
        and wanted.direction in (None, row.direction)
        and wanted.state in (None, row.state)
        and wanted.message_id in (None, row.message_id)
        and (wanted.before is None or row.at < wanted.before)
    )
