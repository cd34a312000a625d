"""What the operations work with, put together once by whoever serves them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.ebms.messages import StatusResponse
from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.announce import Announced
from digikoppelaar.flows.api_keys import ApiKeyStore
from digikoppelaar.flows.application import Application, ApplicationStore, StoredMessage
from digikoppelaar.flows.application_cpas import OwnCpas
from digikoppelaar.flows.own_kennisgevingen import OwnKennisgevingen
from digikoppelaar.flows.ports import BlobStore, Clock, CpaRecord, Ids, Registry
from digikoppelaar.flows.ports.case_events import NewCaseEvent
from digikoppelaar.flows.submit import Submission
from digikoppelaar.flows.views import View, Viewer, ViewerKind, ViewLog, Way

CPA_BYTES: Final = 4 * 1024**2
"""Of a CPA that is uploaded."""
SMALL_BYTES: Final = 64 * 1024
"""Of a mapping."""


class Submits(Protocol):
    """flows.submit.Submitter."""

    async def submit(self, cpa: CpaRecord, submission: Submission) -> str:
        """The MessageId of what is sent from now on."""

    async def resend(self, cpa: CpaRecord, message_id: str) -> str:
        """The MessageId of the new message."""


Announces = Callable[[Application, bytes], Awaitable[Announced]]
"""Takes in a notification for this application's organisatie; raises as flows.announce.announce does."""
Kennisgevingen = Callable[[Application], Awaitable[OwnKennisgevingen]]
"""Those of this application, as the registration is now."""
TakeCaseEvent = Callable[[Application, NewCaseEvent], Awaitable[bool]]
"""Puts on record what the case system of this application told, and whether that is new; ConfigError when it cannot."""
Ping = Callable[[CpaRecord], Awaitable[PingResult]]
AskStatus = Callable[[CpaRecord, str], Awaitable[StatusResponse | None]]
"""What the partner says of a message of ours; None when no answer came in time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes: `json` of a message with base64 payloads, which is held in memory; `upload` of a streamed one."""

    json: int = 32 * 1024**2
    upload: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the operations need."""

    store: ApplicationStore
    keys: ApiKeyStore
    views: ViewLog
    registry: Registry
    cpas: OwnCpas
    submitter: Submits
    blobs: BlobStore
    announce: Announces
    kennisgevingen: Kennisgevingen
    take_case_event: TakeCaseEvent
    ping: Ping
    ask_status: AskStatus
    ids: Ids
    clock: Clock
    limits: Limits = Limits()

    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    async def seen_by(self, who: Application, message: StoredMessage) -> None:
        """Put on record that its content goes to this application. Raises StorageError: then it may not go."""
        view = View(
            Viewer(ViewerKind.API_KEY, who.key),
            Way.MESSAGE_FETCH,
            who.omgeving,
            who.organisatie_oin,
            message_id=message.message_id,
        )
        await self.views.record(view, self.now())
