"""The Dutch words of the loket for what the sandbox knows. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from digikoppelaar.ebms.reliability import State
from digikoppelaar.sandbox.dso_lv import Progress
from digikoppelaar.sandbox.model import Locatie
from digikoppelaar.sandbox.routing import Toedeling

TITLES: Final = {
    "wat": "Wat en waar",
    "vragen": "Vragen en bijlagen",
    "wie": "Wie",
    "controle": "Controleren en indienen",
}
"""The steps by their name in an address."""

_STATES: Final = {
    State.CREATED: "wacht op verzending",
    State.SENDING: "wordt verzonden",
    State.SENT: "verzonden, nog niet bevestigd",
    State.ACKNOWLEDGED: "bevestigd",
    State.DELIVERED: "afgeleverd",
    State.FAILED: "niet aangekomen",
    State.EXPIRED: "niet op tijd aangekomen",
}


def told(progress: Progress) -> str:
    """How far a notification is."""
    text = _STATES.get(State(progress.state), progress.state)
    return f"{text} (poging {progress.attempts})" if progress.attempts > 1 else text


def clock_time(moment: datetime) -> str:
    """A moment for people; the sandbox shows UTC, for it has no time zone."""
    return f"{moment:%d-%m-%Y %H:%M:%S} UTC"


def size(count: int) -> str:
    """A number of bytes."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB".replace(".", ",")


def place(locaties: Sequence[Locatie]) -> str:
    """Where it is, in a line."""
    return "; ".join(filter(None, map(_place, locaties))) or "onbekend"


def handled(toedeling: Toedeling) -> str:
    """Who gets a verzoek."""
    gezag, dienst = toedeling.bevoegd_gezag.naam, toedeling.behandeldienst
    if dienst is None:
        return f"{gezag} behandelt het verzoek"
    return f"{dienst.naam} behandelt het verzoek voor {gezag}" + (", dat een kopie krijgt" if toedeling.kopie else "")


def _place(locatie: Locatie) -> str:
    parts = []
    if adres := locatie.adres:
        parts.append(
            f"{adres.straatnaam} {adres.huisnummer}{adres.huisletter} {adres.toevoeging}".rstrip()
            + f", {adres.postcode} {adres.woonplaats}"
        )
    if locatie.kadaster:
        parts.append(f"perceel {locatie.kadaster}")
    if locatie.punt:
        parts.append(f"punt {locatie.punt[0]:.1f}, {locatie.punt[1]:.1f} (RD)")
    if locatie.vlak:
        parts.append(f"vlak met {len(locatie.vlak[0]) - 1} hoekpunten")
    return ", ".join(parts)
