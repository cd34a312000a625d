"""Repairing a verzoek by hand: what may be said, what of a verzoek has not ended, and which blobs are damaged.

The moves themselves are in flows/intake_states.py and flows/version_order.py, and stores make them
(flows.ports.repair).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from digikoppelaar.errors import ConfigError, ContentPurged, DigikoppelaarError, StorageError, TooLarge
from digikoppelaar.flows.announce import read_announced
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.ports import BlobStore, File, StoredPayload
from digikoppelaar.flows.ports.repair import ParkedFilter, RepairStore, Replayed, Which, Who
from digikoppelaar.flows.ports.verzoeken import NewNotification, Parked, VerzoekStore
from digikoppelaar.stam.notification import LIMIT

GOING: Final = (VerzoekState.FETCHING, VerzoekState.WAITING, VerzoekState.FETCHED, VerzoekState.PARKED)
"""States of a version that has not ended."""
LONGEST: Final = 200
"""Characters of a reason."""
STOPPED_ADVICE: Final = (
    "Een beheerder heeft dit aangehouden; het gaat verder na een vrijgave met `digikoppelaar verzoek release`."
)

NEWER: Final = "Is er een nieuwere versie, dan vindt `digikoppelaar verzoek catch-up` die."
"""What to do about a verzoek whose newest version was deleted: DSO-LV hands out no older one."""


def stopped_reason(reason: str, who: Who) -> str:
    """What is shown of what a person parked. Raises ConfigError when `reason` is no line of text."""
    text = reason.strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        raise ConfigError(
            f"a reason is one line of 1 to {LONGEST} characters",
            advice="Geef met --reason in één regel aan waarom; noem geen persoonsgegevens.",
        )
    return f"parked by {who.name}: {text}"


def not_whole(volgnummer: int, purged_at: datetime | None = None) -> DigikoppelaarError:
    """What stores raise when a version cannot be delivered again; `purged_at`: when its content was deleted."""
    if purged_at is not None:
        return ContentPurged(f"volgnummer {volgnummer}", purged_at)
    return ConfigError(
        f"files of volgnummer {volgnummer} are not here any more",
        advice="Haal het verzoek eerst opnieuw op met `digikoppelaar verzoek refetch`.",
    )


def replayed(before: str | None) -> Replayed:
    """What taking a message in again comes to, when its notification is in state `before`; None: there is none."""
    match before:
        case NotificationState.RECEIVED:
            return Replayed.WAITS
        case NotificationState.FETCHED | NotificationState.PASSED_ON:
            return Replayed.FETCHED_AGAIN
        case _:
            return Replayed.TAKEN_IN


async def is_damaged(blobs: BlobStore, file: File) -> bool:
    """Whether the blob of a fetched file is away, or not what was recorded when it was fetched."""
    if file.blob is None:
        return True
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in blobs.get(file.blob):
            digest.update(chunk)
            size += len(chunk)
    except StorageError:
        return True
    return (size, digest.digest()) != (file.size, file.sha256)


async def notification_in(payload: StoredPayload | None, blobs: BlobStore) -> NewNotification:
    """What the stored payload of a message says, by the code that read it when it came in.

    Raises a PartnerError when it still cannot be read, ConfigError when there is no payload, StorageError.
    """
    if payload is None:
        raise ConfigError("the message has no payload", advice="Kies een bericht met een notificatie.")
    if payload.purged_at is not None:
        raise ContentPurged("the message", payload.purged_at)
    if payload.size > LIMIT:
        raise TooLarge(f"a notification of {payload.size} bytes is over the limit of {LIMIT} bytes")
    if payload.data is not None:
        return read_announced(payload.data)
    assert payload.blob is not None, "a payload is in its row or in the blob store"
    return read_announced(b"".join([chunk async for chunk in blobs.get(payload.blob)]))


@dataclass(frozen=True, slots=True)
class Released:
    """A verzoek of which something was parked."""

    which: Which
    parked: Sequence[Parked] = field(default_factory=tuple)


async def release_all(
    repairs: RepairStore, verzoeken: VerzoekStore, wanted: ParkedFilter, who: Who, *, dry_run: bool
) -> Sequence[Released]:
    """Release what failed and fits, each verzoek in a transaction of its own; `dry_run` only says what that is."""
    released = []
    for which in await repairs.failed(wanted):
        parked = await verzoeken.release(
            which.aansluiting_id, which.verzoeknummer, who.at, by=who.name, dry_run=dry_run
        )
        if parked:
            released.append(Released(which, parked))
    return released
