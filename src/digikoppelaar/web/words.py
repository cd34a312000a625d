"""Dutch words for the English keys of the store, and Dutch forms of times, sizes and addresses of pages.

Only text lives here: no HTTP, no reading. A key that is not in a table is shown as it is: a page that lags behind
the store must still tell the truth.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from digikoppelaar.flows import onboarding_report
from digikoppelaar.flows.reading import Direction, MessageRow
from digikoppelaar.onboarding.states import StepState

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


class Tone(Enum):
    """How good or bad a state is; becomes the colour behind its word."""

    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"


class Word(NamedTuple):
    """A state in Dutch."""

    text: str
    tone: Tone


VERZOEK_STATES: Final = {
    "received": Word("ontvangen", Tone.BUSY),
    "passed_on": Word("doorgegeven aan de leverancier", Tone.GOOD),
    "fetching": Word("wordt opgehaald", Tone.BUSY),
    "waiting": Word("wacht op een eerdere versie", Tone.BUSY),
    "fetched": Word("opgehaald", Tone.BUSY),
    "delivered": Word("afgeleverd", Tone.GOOD),
    "parked": Word("wacht op een beheerder", Tone.BAD),
    "ignored": Word("niet afgeleverd: genegeerd", Tone.GOOD),
    "kept_apart": Word("niet afgeleverd: apart bewaard", Tone.GOOD),
}
"""States of a verzoek version, and of a notification without one (`flows.intake_states`)."""

MESSAGE_STATES: Final = {
    "accepted": Word("aangenomen", Tone.GOOD),
    "rejected": Word("afgewezen", Tone.BAD),
    "created": Word("wacht op verzending", Tone.BUSY),
    "sending": Word("wordt verzonden", Tone.BUSY),
    "sent": Word("verzonden, wacht op ontvangstbevestiging", Tone.BUSY),
    "acknowledged": Word("ontvangst bevestigd", Tone.GOOD),
    "delivered": Word("bezorgd", Tone.GOOD),
    "failed": Word("mislukt", Tone.BAD),
    "expired": Word("verlopen", Tone.BAD),
}
"""States of inbound messages (the first two) and of outbound ones (`ebms.reliability.State`)."""

KENNISGEVING_STATES: Final = {
    "draft": Word("concept", Tone.BUSY),
    "planned": Word("wacht op verzending", Tone.BUSY),
    "held": Word("aangehouden", Tone.BUSY),
    "sending": Word("wordt verzonden", Tone.BUSY),
    "unknown": Word("verzonden, niet bekend of KOOP haar heeft", Tone.BAD),
    "refused": Word("niet aangenomen", Tone.BAD),
    "accepted": Word("aangenomen door KOOP", Tone.BUSY),
    "published": Word("gepubliceerd", Tone.GOOD),
    "cancelled": Word("ingetrokken", Tone.GOOD),
}
"""States of a kennisgeving (`flows.kennisgeving_states`)."""

ONBOARDING_TONES: Final = {
    onboarding_report.STATES[StepState.WRONG]: Tone.BAD,
    onboarding_report.STATES[StepState.DONE]: Tone.GOOD,
    onboarding_report.COMPLETE: Tone.GOOD,
}
"""Of the states of onboarding that are no work in hand; its words are Dutch already."""

STEPS: Final = {
    "received": "Bericht ontvangen",
    "rejected": "Bericht afgewezen",
    "answer_repeated": "Antwoord opnieuw klaargezet",
    "outbound_acknowledged": "Ontvangst door de partner bevestigd",
    "outbound_delivered": "Antwoord bezorgd bij de partner",
    "outbound_failed": "Verzenden mislukt",
    "outbound_expired": "Verzenden te laat: de uiterste tijd is voorbij",
    "file_fetched": "Bestand opgehaald",
    "fetched": "Alles opgehaald bij DSO-LV",
    "passed_on": "Notificatie doorgegeven aan de leverancier",
    "delivered": "Afgeleverd in het zaaksysteem",
    "fetch_failed": "Ophalen niet gelukt, wordt herhaald",
    "delivery_failed": "Afleveren niet gelukt, wordt herhaald",
    "parked": "Wacht op een beheerder",
    "released": "Vrijgegeven door een beheerder",
    "waiting": "Wacht tot een eerdere versie is afgehandeld",
    "turn": "Aan de beurt: eerdere versies zijn afgehandeld",
    "ignored": "Genegeerd volgens de regels",
    "kept_apart": "Apart bewaard volgens de regels",
    "taken_up": "Opnieuw beoordeeld: dit verzoek is nu wel voor deze organisatie",
    "purged": "Inhoud verwijderd: de bewaartermijn was voorbij",
    "reroute_asked": "DSO-LV gevraagd om door te sturen",
    "rerouted": "Doorgestuurd door DSO-LV",
}
"""Lines of a timeline."""

EVENTS: Final = {
    "claimed": "begonnen",
    "transported": "overgedragen, wacht op ontvangstbevestiging",
    "delivered": "overgedragen",
    "unreachable": "niet bereikt, wordt herhaald",
    "refused": "geweigerd",
    "acknowledged": "ontvangst bevestigd",
    "error_received": "foutbericht ontvangen",
    "gave_up": "opgegeven",
    "time_to_live_passed": "te laat: de uiterste tijd is voorbij",
    "lease_lost": "afgebroken, uitkomst onbekend",
    "repeat": "opnieuw gevraagd",
}
"""What can happen to an outbound message (`ebms.reliability.Event`)."""

FILE_KINDS: Final = {"xml": "verzoek (XML)", "pdf": "verzoek (PDF)", "bijlage": "bijlage"}

DIRECTIONS: Final = {Direction.IN: "ontvangen", Direction.OUT: "verzonden"}

_SPECIAL_VERSIONS: Final = {0: "eerste indiening", 999: "intrekking"}


def verzoek_state(key: str) -> Word:
    """The state of a verzoek in Dutch."""
    return VERZOEK_STATES.get(key, Word(key, Tone.BUSY))


def kennisgeving_state(key: str) -> Word:
    """The state of a kennisgeving in Dutch."""
    return KENNISGEVING_STATES.get(key, Word(key, Tone.BUSY))


def message_state(key: str) -> Word:
    """The state of a message in Dutch."""
    return MESSAGE_STATES.get(key, Word(key, Tone.BUSY))


def step(key: str) -> str:
    """A line of a timeline in Dutch."""
    return STEPS.get(key, key)


def event(key: str | None) -> str:
    """How an attempt ended, in Dutch; None: it runs, or a crash cut it off."""
    return "nog geen uitkomst" if key is None else EVENTS.get(key, key)


def file_kind(key: str) -> str:
    """What a file of a verzoek is, in Dutch."""
    return FILE_KINDS.get(key, key)


def direction(way: Direction) -> str:
    """Which way a message went, in Dutch."""
    return DIRECTIONS[way]


def version(volgnummer: int | None) -> str:
    """The heading of a verzoek version: 0 is the first, 999 a withdrawal (stam.md, 1.3)."""
    if volgnummer is None:
        return "Nog niet opgehaald"
    return f"Versie {volgnummer} ({_SPECIAL_VERSIONS.get(volgnummer, 'aanvulling')})"


def options(states: Mapping[str, Word]) -> list[tuple[str, str]]:
    """The choices of a filter on state: value and text."""
    return [(key, word.text) for key, word in states.items()]


def clock_time(moment: datetime) -> str:
    """Date and time in the Netherlands, with the zone: 23-11-2025 18:27:03 CET."""
    return moment.astimezone(AMSTERDAM).strftime("%d-%m-%Y %H:%M:%S %Z")


def machine_time(moment: datetime) -> str:
    """The same moment for `<time datetime>` and for links: UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def grouped(number: int) -> str:
    """A whole number with points between the thousands."""
    return f"{number:,}".replace(",", ".")


def about(size: int) -> str:
    """A size in bytes, rounded for people: 25,0 MiB."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}".replace(".", ",")
    return f"{value / 1024:.1f} GiB".replace(".", ",")


def onboarding_state(text: str) -> Word:
    """The state of a step or of all steps of an organisatie."""
    return Word(text, ONBOARDING_TONES.get(text, Tone.BUSY))


def onboarding_address(row: onboarding_report.Row) -> str:
    """The page of one organisatie at one facility in one omgeving."""
    return f"/aansluitingen/{row.kind}/{row.omgeving}/{row.organisatie_oin}"


def verzoek_address(aansluiting_id: int, verzoeknummer: str) -> str:
    """The page of one verzoek."""
    return f"/verzoeken/{aansluiting_id}/{quote(verzoeknummer, safe='')}"


def message_address(row: MessageRow) -> str:
    """The page of one message."""
    return f"/berichten/{row.direction.value}/{row.id}"


def list_address(path: str, query: Mapping[str, str | None]) -> str:
    """A list with these filters; empty ones are left out."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path
