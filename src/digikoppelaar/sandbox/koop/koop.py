"""KOOP itself: what it knows while it runs, and everything that changes that. Forgotten when the sandbox stops."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import structlog

from digikoppelaar.drop.inhoud import Flaw
from digikoppelaar.drop.model import Blad, Kennisgeving
from digikoppelaar.drop.sru_answer import Listed
from digikoppelaar.errors import AanleveringError, ConfigError
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.koop.calendar import Calendar, run_of
from digikoppelaar.sandbox.koop.dossiers import Dossier, Key, Status, Step, key_of
from digikoppelaar.sandbox.koop.judging import judge

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One request to 3PAS that was read to its end: of whom, by SHA-256, and what became of it.

    `key` is None when it could not be read so far; `code` and `reason` are empty when a dossier was made of it.
    """

    at: datetime
    stage: str
    oin: str
    sha256: bytes
    key: Key | None
    dossiernummer: str = ""
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """What is not known of KOOP, or wanted otherwise for a demonstration."""

    refuse_duplicates: bool = False
    publish_at_once: bool = False


@dataclass(slots=True)
class Koop:
    """Everything, in memory.

    `rubrieken` are those that there are. `next_number` numbers the dossiers of a year, also after a restart. `forget`
    goes back to the switches `at_start`.
    """

    faults: Faults
    calendar: Calendar
    rubrieken: frozenset[str]
    next_number: Callable[[int], int]
    at_start: Switches = Switches()
    switches: Switches = field(init=False)
    mandated: dict[str, frozenset[str]] = field(default_factory=dict)
    """By the OIN of an organisatie: whose certificates may publish for it."""
    user_name: str = field(default="", repr=False)
    """With a password behind it and a colon between them, for the stage that asks for it; empty: nobody got one yet."""
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    """By dossiernummer, oldest first."""
    receipts: list[Receipt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.switches = self.at_start

    # --- Who may come in -----------------------------------------------------------------------------------

    def give_user_name(self) -> str:
        """That for the stage which asks for it, with its password, made when nobody got one yet."""
        self.user_name = self.user_name or f"sandbox-leverancier:{secrets.token_urlsafe(24)}"
        return self.user_name

    def mandate(self, partij: str, organisatie: str) -> None:
        """Let the certificate of the partij publish for the organisatie. Raises ConfigError."""
        if organisatie not in self.mandated:
            raise ConfigError(f"OIN {organisatie} is not known to KOOP", advice=f"KOOP kent OIN {organisatie} niet.")
        self.mandated[organisatie] |= {partij}

    # --- Taking --------------------------------------------------------------------------------------------

    def check_caller(self, organisatie: str, oin: str | None) -> None:
        """Raises AanleveringError when the holder of a certificate with `oin` may not publish as the organisatie.

        None: it came with something else than a certificate of its own, which may publish as any of them.
        """
        if organisatie not in self.mandated:
            raise AanleveringError(f"OIN {organisatie} is not connected to this sandbox", reason=Flaw.CERTIFICAAT)
        if oin is not None and oin not in self.mandated[organisatie]:
            raise AanleveringError(
                f"certificate of OIN {oin} has no machtiging for OIN {organisatie}", reason=Flaw.CERTIFICAAT
            )

    def take(self, kennisgeving: Kennisgeving, stage: str, oin: str, *, put_ready: bool) -> Dossier:
        """A dossier of it. Raises AanleveringError.

        With `put_ready` somebody must still approve it; else it is planned, and published at once when that is
        switched on.
        """
        delivered = set(map(key_of, self._kept())) if self.switches.refuse_duplicates else set[Key]()
        judge(kennisgeving, self.rubrieken, delivered)
        now = self.calendar.now()
        nummer = self.next_number(now.year)
        dossiernummer = f"{now.year}{nummer:07d}"
        dossier = Dossier(dossiernummer, kennisgeving, now.year, nummer, stage, oin, now, Status.READY)
        self.dossiers[dossiernummer] = dossier
        if not put_ready:
            dossier.status = Status.PLANNED
            self._plan(dossier)
        return dossier

    def _kept(self) -> Iterator[Kennisgeving]:
        return (each.kennisgeving for each in self.dossiers.values() if each.status is not Status.CANCELLED)

    def received(self, key: Key) -> int:
        """How often this was delivered, taken or not."""
        return Counter(receipt.key for receipt in self.receipts)[key]

    def _plan(self, dossier: Dossier) -> None:
        dossier.planned = self.calendar.planned_day(dossier.kennisgeving.data.publicatie)
        if self.switches.publish_at_once:
            self._publish(dossier, self.calendar.now().date(), self.calendar.now())

    # --- Publishing ----------------------------------------------------------------------------------------

    def publish_due(self) -> list[Dossier]:
        """Publish what is planned for a day whose run has begun, each on its own day."""
        due = [each for each in self._planned() if each.planned and self.calendar.is_due(each.planned)]
        for dossier in due:
            assert dossier.planned is not None, "only these are due"
            self._publish(dossier, dossier.planned, run_of(dossier.planned))
        return due

    def publish_all(self) -> list[Dossier]:
        """Publish everything that is planned, today."""
        planned, now = self._planned(), self.calendar.now()
        for dossier in planned:
            self._publish(dossier, now.date(), now)
        return planned

    def _planned(self) -> list[Dossier]:
        return [each for each in self.dossiers.values() if each.status is Status.PLANNED]

    def _publish(self, dossier: Dossier, day: date, moment: datetime) -> None:
        dossier.move(Step.PUBLISH)
        dossier.published_on, dossier.published_at = day, moment
        log.info("koop_published", dossier=dossier.dossiernummer, identifier=dossier.identifier)

    @property
    def listed(self) -> list[Listed]:
        """What is published, the last first, as the search gives it."""
        published = [(each.published_at, each) for each in self.dossiers.values() if each.published_at is not None]
        published.sort(key=lambda pair: (pair[0], pair[1].nummer), reverse=True)
        return [Listed(each.publicatie, moment) for moment, each in published]

    def published(self, identifier: str) -> Dossier | None:
        """The published dossier with this number."""
        published = (each for each in self.dossiers.values() if each.published_at is not None)
        return next((each for each in published if each.identifier == identifier), None)

    # --- In DROP -------------------------------------------------------------------------------------------

    def offer(self, dossier: Dossier, naam: str, blad: Blad) -> None:
        """Somebody offers it for approval, for a blad. Raises ConfigError."""
        who = _named(naam)
        dossier.move(Step.OFFER)
        dossier.kennisgeving = replace(dossier.kennisgeving, blad=blad)
        dossier.offered_by = who

    def send_back(self, dossier: Dossier) -> None:
        """It is not approved, and can be offered again. Raises ConfigError."""
        dossier.move(Step.SEND_BACK)
        dossier.offered_by = ""

    def approve(self, dossier: Dossier, naam: str) -> None:
        """Somebody else approves it, so that it is published. Raises ConfigError."""
        who = _named(naam)
        if who.casefold() == dossier.offered_by.casefold():
            raise ConfigError(
                "who offered it cannot approve it", advice="Wie een dossier aanbiedt, keurt het niet zelf goed."
            )
        dossier.move(Step.APPROVE)
        dossier.approved_by = who
        self._plan(dossier)

    def cancel(self, dossier: Dossier) -> None:
        """It is not published. Raises ConfigError when it is."""
        dossier.move(Step.CANCEL)
        dossier.planned = None

    def confirm(self, dossier: Dossier, naam: str) -> None:
        """Somebody at KOOP finds that it came in rightly; who did so first counts. Raises ConfigError."""
        who = _named(naam)
        if not dossier.confirmed_by:
            dossier.confirmed_by, dossier.confirmed_at = who, self.calendar.now()

    def forget(self) -> None:
        """Everything that was delivered, what was switched, and how far the calendar was ahead. Numbers go on."""
        self.dossiers.clear()
        self.receipts.clear()
        self.calendar.reset()
        self.switches = self.at_start


def _named(naam: str) -> str:
    """A name as it is compared; raises ConfigError without one."""
    who = " ".join(naam.split())[:100]
    if not who:
        raise ConfigError("nobody is named", advice="Vul uw naam in.")
    return who
