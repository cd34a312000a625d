"""Verzoeken that somebody is filling in: what was typed so far, and the files. Kept as long as the sandbox runs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.loket.form import CHECKS, Form
from digikoppelaar.sandbox.loket.typed import Typed
from digikoppelaar.sandbox.model import Inhoud

MOST: Final = 200
"""Drafts at the same time; the oldest one goes."""
MOST_FILES: Final = 500
"""Of one draft."""


_NOT_SENT: Final[Mapping[str, tuple[str, ...]]] = {"wat": ("doel", "activiteit"), "wie": ("i-soort", "g-soort")}
"""Fields of a step that a browser leaves out when nothing is chosen."""


@dataclass(slots=True)
class Draft:
    """One verzoek in the making.

    `supplements` is the verzoeknummer of which it is an aanvulling, and `before` the content of that; `bijlagen` are
    those that it has now, `uploaded` the ids of those that were added here.
    """

    id: str
    typed: Typed = field(default_factory=dict, repr=False)
    bijlagen: list[Bijlage] = field(default_factory=list)
    supplements: str | None = None
    before: Inhoud | None = field(default=None, repr=False)
    uploaded: set[str] = field(default_factory=set)

    @property
    def form(self) -> Form:
        """What was typed so far."""
        return Form(self.typed)

    def take(self, step: str, typed: Typed) -> None:
        """Take over the fields of a step."""
        self.typed |= {name: [] for name in _NOT_SENT.get(step, ())} | typed

    def first_wrong(self) -> str | None:
        """The first step that is not filled in as it should be."""
        return next((step for step, check in CHECKS.items() if check(self.form)), None)

    def add(self, bijlagen: Sequence[Bijlage]) -> None:
        """Add documents that were uploaded."""
        self.bijlagen += bijlagen
        self.uploaded |= {each.document_id for each in bijlagen}

    def remove(self, document_ids: Collection[str]) -> None:
        """Leave documents out; the file of one that was uploaded here is deleted."""
        for bijlage in self.bijlagen:
            if bijlage.document_id in self.uploaded & set(document_ids) and bijlage.stored:
                bijlage.stored.unlink(missing_ok=True)
        self.bijlagen = [each for each in self.bijlagen if each.document_id not in document_ids]


@dataclass(slots=True)
class Drafts:
    """All of them."""

    new_id: Callable[[], str]
    _all: dict[str, Draft] = field(default_factory=dict)

    def new(self) -> Draft:
        """An empty draft."""
        draft = self._all.setdefault(new := self.new_id(), Draft(new))
        for oldest in list(self._all)[:-MOST]:
            dropped = self._all.pop(oldest)
            dropped.remove(dropped.uploaded)
        return draft

    def get(self, draft_id: str) -> Draft | None:
        """The draft with this id, if it is still there."""
        return self._all.get(draft_id)

    def submitted(self, draft: Draft) -> None:
        """It became a verzoek, which has its files now."""
        self._all.pop(draft.id, None)
