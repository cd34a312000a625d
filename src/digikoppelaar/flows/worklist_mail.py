"""Mailing the worklist: at once what is new, and each morning all of it.

    items ──▶ keep: what is new is opened, what is gone is closed ──▶ claim ──▶ send ──▶ told

A claim is durable before its mail is sent, and lapses: after a crash, or when the mail server does not answer, the mail
goes again. So a mail goes at least once, a repeat with the same Message-ID, and no item is told twice without need.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

import structlog

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.worklist import AMSTERDAM, dutch_day, dutch_time
from digikoppelaar.flows.worklist_rows import Item
from digikoppelaar.onboarding.evidence import Attachment

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=10)
"""A mail that was claimed and not told for so long is sent again."""
SHOWN: Final = 50
"""Items in one mail; of the rest the number is told."""
DIGEST_HOURS: Final = 4
"""From its hour on, for so long the digest of a day may go: a later one would be no morning mail."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes out. `name` tells it from others, and is the same when it is sent again.

    `by_hand`: a person has it sent, and must know it when only some of those to whom it goes get it.
    """

    to: tuple[str, ...]
    subject: str
    text: str
    name: str
    at: datetime
    cc: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    by_hand: bool = False


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> None:
        """Hand it to the mail server. Raises MailNotSent; then it may have gone all the same."""


class WorklistStore(Protocol):
    """What is on record of items and mails. Every method is one transaction and raises StorageError."""

    async def recipients(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of each organisatie that has any, by its OIN."""

    async def keep(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """Open the items with these keys that are not open, and close every other one of this organisatie."""

    async def claim(self, organisatie_oin: str, now: datetime) -> Sequence[str]:
        """The keys of open items that no mail told of and nobody has claimed since LEASE; they are claimed now."""

    async def told(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """A mail about these items went out."""

    async def claim_digest(self, organisatie_oin: str, day: date, now: datetime) -> bool:
        """Whether the digest of this day is to be sent by whoever asks now: not sent, and not claimed since LEASE."""

    async def digest_told(self, organisatie_oin: str, day: date, now: datetime) -> None:
        """It went out, or there was nothing to tell."""


@dataclass(frozen=True, slots=True)
class WorklistMail:
    """Mails with these parts; `digest_hour` is an hour of Dutch time."""

    store: WorklistStore
    mailer: Mailer
    clock: Clock
    digest_hour: int = 7

    async def run(self, items: Sequence[Item]) -> None:
        """Tell each organisatie what is to be told of these, which are all there are. Raises StorageError.

        What cannot be sent to one organisatie keeps nothing from another, and is sent by a later run.
        """
        for oin, addresses in (await self.store.recipients()).items():
            own = [each for each in items if each.place.organisatie_oin == oin]
            await self.store.keep(oin, [each.key for each in own], self.clock.now())
            try:
                await self._tell_new(oin, addresses, own)
                await self._tell_all(oin, addresses, own)
            except DigikoppelaarError as error:
                log.warning("worklist_not_mailed", organisatie_oin=oin, reason=str(error))

    async def _tell_new(self, oin: str, addresses: tuple[str, ...], own: Sequence[Item]) -> None:
        keys = set(await self.store.claim(oin, self.clock.now()))
        new = [each for each in own if each.key in keys]
        if new:
            await self.mailer.send(new_items(addresses, new, self.clock.now()))
            await self.store.told(oin, [each.key for each in new], self.clock.now())
            log.info("worklist_mailed", organisatie_oin=oin, items=len(new))

    async def _tell_all(self, oin: str, addresses: tuple[str, ...], own: Sequence[Item]) -> None:
        now = self.clock.now().astimezone(AMSTERDAM)
        if not self.digest_hour <= now.hour < self.digest_hour + DIGEST_HOURS:
            return
        if await self.store.claim_digest(oin, now.date(), self.clock.now()):
            if own:
                await self.mailer.send(digest(addresses, own, self.clock.now()))
            await self.store.digest_told(oin, now.date(), self.clock.now())


def new_items(addresses: tuple[str, ...], new: Sequence[Item], now: datetime) -> Mail:
    """The mail about items that are new."""
    subject = f"Werkvoorraad {_naam(new)}: {_count(new)} nieuw"
    return Mail(addresses, subject, _text("Nieuw in de werkvoorraad:", new), _name([each.key for each in new]), now)


def digest(addresses: tuple[str, ...], items: Sequence[Item], now: datetime) -> Mail:
    """The mail of the day."""
    day = dutch_day(now)
    subject = f"Werkvoorraad {_naam(items)}: dagoverzicht {day}, {_count(items)}"
    text = _text(f"De werkvoorraad op {dutch_time(now)}:", items)
    return Mail(addresses, subject, text, _name([items[0].place.organisatie_oin, day]), now)


def _text(title: str, items: Sequence[Item]) -> str:
    lines = [line for each in items[:SHOWN] for line in _lines(each)]
    more = [f"En nog {len(items) - SHOWN} andere.", ""] if len(items) > SHOWN else []
    end = "Alles staat op de pagina Werkvoorraad, en in `digikoppelaar worklist list`."
    return "\n".join([title, "", *lines, *more, end, ""])


def _lines(item: Item) -> list[str]:
    return [
        f"- {item.what}",
        f"  Omgeving: {item.place.omgeving}. Sinds: {dutch_time(item.since)}.",
        f"  Wat te doen: {item.todo}",
        "",
    ]


def _naam(items: Sequence[Item]) -> str:
    """On one line, whatever it was put on record as."""
    return " ".join(items[0].place.organisatie_naam.split())


def _count(items: Sequence[Item]) -> str:
    return f"{len(items)} punten" if len(items) > 1 else "1 punt"


def _name(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
