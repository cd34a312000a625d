"""The twin of adapters.postgres.views."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from digikoppelaar.flows.views import View, ViewFilter, ViewRow


@dataclass(slots=True)
class MemoryViews:
    """See flows.views.ViewLog."""

    rows: list[ViewRow] = field(default_factory=list)

    async def record(self, view: View, now: datetime) -> None:
        """See flows.views.ViewLog."""
        viewer = view.viewer
        where = (view.omgeving, view.organisatie_oin)
        self.rows.append(ViewRow(now, viewer.kind, viewer.name, view.way, *where, view.verzoeknummer, view.message_id))

    async def views(self, wanted: ViewFilter) -> Sequence[ViewRow]:
        """See flows.views.ViewLog."""
        return [row for row in reversed(self.rows) if _fits(row, wanted)][: wanted.limit]


def _fits(row: ViewRow, wanted: ViewFilter) -> bool:
    return (
        wanted.omgeving in (None, row.omgeving)
        and wanted.organisatie_oin in (None, row.organisatie_oin)
        and wanted.verzoeknummer in (None, row.verzoeknummer)
        and wanted.message_id in (None, row.message_id)
        and wanted.viewer in (None, row.viewer)
    )
