"""The view log: who saw personal data of which verzoek or message, when, and in which way (AVG, BIO2).

Whoever shows personal data records the view first, and shows nothing when that fails: what was seen is then on record,
and now and then a view that did not come about. Views are added and read, never changed. What is no personal data
(states, numbers, the header of a message) is shown without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ViewerKind(StrEnum):
    """How we know who it is."""

    OS_USER = "os-user"
    """The account under which a command runs."""
    API_KEY = "api-key"
    """The prefix of the key of an application."""
    ACCOUNT = "account"
    """The name of the account with which somebody logged in to the pages."""
    PAGE = "pagina"
    """The address that asked for a page, where the pages have no login."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks."""

    kind: ViewerKind
    name: str


class Way(StrEnum):
    """In which way it was shown."""

    VERZOEK_SHOW = "verzoek show"
    """Name of the verzoek and names of its files, on the command line."""
    VERZOEK_PAGE = "verzoek page"
    """The same on a page."""
    MESSAGE_SHOW = "message show"
    """A message as it was received or is sent."""
    MESSAGE_EXPORT = "message export"
    """A message and its payloads, written into files."""
    MESSAGE_FETCH = "message fetch"
    """A message with its payloads, or one of them, given to an application."""


@dataclass(frozen=True, slots=True)
class View:
    """What is shown to whom: of which organisatie in which omgeving, and which verzoek or message, or both."""

    viewer: Viewer
    way: Way
    omgeving: str
    organisatie_oin: str
    verzoeknummer: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A view on record."""

    at: datetime
    viewer_kind: str
    viewer: str
    way: str
    omgeving: str
    organisatie_oin: str
    verzoeknummer: str | None
    message_id: str | None


@dataclass(frozen=True, slots=True)
class ViewFilter:
    """What to list; None means all."""

    omgeving: str | None = None
    organisatie_oin: str | None = None
    verzoeknummer: str | None = None
    message_id: str | None = None
    viewer: str | None = None
    limit: int = 100


class ViewLog(Protocol):
    """Every view of personal data. Every method raises StorageError."""

    async def record(self, view: View, now: datetime) -> None:
        """Durable before it returns. When it raises, the caller shows nothing."""

    async def views(self, wanted: ViewFilter) -> Sequence[ViewRow]:
        """The newest first."""
