"""A notification that came in a file or a POST, from another adapter or by hand, taken in as if it came over ebMS.

The same bytes for the same aansluiting are one notification, however often they are offered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, NewNotification, VerzoekStore
from digikoppelaar.stam.notification import read_notification


@dataclass(frozen=True, slots=True)
class Announced:
    """What was taken in; `notification_id` is None when the same bytes were there before."""

    verzoeknummer: str
    withdrawal: bool
    notification_id: int | None


async def announce(store: VerzoekStore, aansluiting: Aansluiting, payload: bytes, now: datetime) -> Announced:
    """Store the notification with the job that fetches its verzoek.

    Raises VerzoekError, XmlError or TooLarge when it cannot be read, and then stores nothing; StorageError.
    """
    new = read_announced(payload)
    found = await store.announced(aansluiting, new, payload, now)
    return Announced(new.verzoeknummer, new.withdrawal, found)


def read_announced(payload: bytes) -> NewNotification:
    """The notification in a payload. Raises VerzoekError, XmlError or TooLarge when it cannot be read."""
    facts = read_notification(payload)
    return NewNotification(facts.verzoeknummer, withdrawal=facts.withdrawal)


def stam_aansluiting(aansluitingen: Iterable[Aansluiting], organisatie_oin: str, omgeving: str) -> Aansluiting:
    """The one over which this organisatie receives verzoeken in this omgeving; ConfigError when there is none."""
    wanted = ("stam", organisatie_oin, omgeving)
    found = next((each for each in aansluitingen if (each.kind, each.organisatie_oin, each.omgeving) == wanted), None)
    if found is None:
        raise ConfigError(
            f"organisatie {organisatie_oin} has no aansluiting stam in {omgeving}",
            advice="Kies een organisatie en omgeving uit de registratie.",
        )
    return found
