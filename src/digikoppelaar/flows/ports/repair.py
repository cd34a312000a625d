"""What people do to verzoeken by hand: linking a case that was made elsewhere, and the record of who did what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something by hand, and when; `name` is that of the user of the operating system."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseLink:
    """At `target` of this aansluiting, the verzoek is about a case that is there already.

    `case_reference` is spelled as that case system does; letters of the verzoeknummer compare without case.
    """

    aansluiting_id: int
    verzoeknummer: str
    target: str
    case_reference: str


@dataclass(frozen=True, slots=True)
class KeptLink:
    """A link on record."""

    link: CaseLink
    linked_at: datetime
    linked_by: str


class LinkStore(Protocol):
    """Cases that people linked. Every method is one transaction and raises StorageError."""

    async def links(self, aansluiting_id: int | None = None, verzoeknummer: str | None = None) -> Sequence[KeptLink]:
        """Those on record, in the order of aansluiting, verzoeknummer and target; None means of all."""

    async def link(self, links: Sequence[CaseLink], who: Who, *, replace: bool = False) -> Sequence[CaseLink]:
        """Put all of them on record, or none; those that were not there are returned. Safe to repeat.

        Raises ConfigError when one is linked to another case, unless `replace`.
        """

    async def unlink(self, aansluiting_id: int, verzoeknummer: str, target: str | None, who: Who) -> Sequence[CaseLink]:
        """Take away the link at this target, or at all; those that were there are returned."""
