"""DSO-LV itself: takes verzoeken from applicants who do not exist, in versions, and tells the authorities over ebMS.

It sends and receives with the same flows and core as the gateway, over the store that forgets.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from digikoppelaar.adapters.memory.messages import MemoryMessages
from digikoppelaar.ebms.reliability import State
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.sandbox.announcing import Announcer, awaited
from digikoppelaar.sandbox.bijlagen import Bijlage, Wish, make_bijlagen
from digikoppelaar.sandbox.content import invent
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.model import BevoegdGezag, Head, Inhoud, Route
from digikoppelaar.sandbox.routing import Toedeling, route
from digikoppelaar.sandbox.state import Announcement, SandboxState, Submitted, Version
from digikoppelaar.sandbox.verzoek_document import (
    AANVULLEN,
    INTREKKEN,
    WITHDRAWN,
    notification_xml,
    verzoeknummer,
)
from digikoppelaar.sandbox.wishes import SubmitWish, changed

_ENDED: Final = "Een ingetrokken verzoek kan niet meer worden aangevuld of ingetrokken; dien een nieuw verzoek in."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the notification about a verzoek is; `attempts` were made."""

    state: str
    attempts: int
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Submission:
    """What an applicant sends in. `chosen` is the OIN that was taken instead of the derived bevoegd gezag."""

    inhoud: Inhoud
    bijlagen: tuple[Bijlage, ...] = ()
    chosen: str | None = None
    stam: int = 4


@dataclass(frozen=True, slots=True)
class DsoLv:
    """`chance` invents content; `next_serial` numbers the verzoeken of a day; `wake` tells the sender of new work."""

    state: SandboxState
    messages: MemoryMessages
    faults: Faults
    announcer: Announcer
    clock: Clock
    chance: random.Random
    next_serial: Callable[[date], int]
    wake: Callable[[], None]

    async def invent(self, wish: SubmitWish) -> Submission:
        """A submission with what is wished, and the rest invented.

        Without an OIN it goes to the only authority, or to where its place and activities lead. Raises ConfigError when
        DSO-LV does not know that authority, or the wish makes no sense.
        """
        connected = self.state.organisaties
        only = (
            next(iter(connected))
            if len(connected) == 1 and not {"activiteiten", "locaties"} & {*wish.content}
            else None
        )
        chosen = wish.oin or only
        if chosen and chosen not in connected:
            raise ConfigError(f"OIN {chosen} is not connected to this sandbox")
        layer = connected[chosen].bestuurslaag if chosen else "gemeente"
        chance = self.chance if wish.seed is None else random.Random(wish.seed)  # noqa: S311  # no secrets
        inhoud = changed(invent(wish.soort, chance, layer), wish.content)
        return Submission(inhoud, await self.bijlagen(wish.bijlagen, inhoud.bijlagen, chance), chosen, wish.stam)

    async def bijlagen(
        self, wanted: Sequence[Wish], titels: Sequence[str], chance: random.Random | None = None
    ) -> tuple[Bijlage, ...]:
        """Generated bijlagen; see `make_bijlagen`."""
        own = random.Random((chance or self.chance).random())  # noqa: S311  # of its own, for it is used in a thread
        return tuple(await asyncio.to_thread(make_bijlagen, wanted, titels, own))

    def routed(self, submission: Submission) -> tuple[Toedeling, ...]:
        """The verzoeken that it would become; raises ConfigError when nobody is bevoegd gezag."""
        inhoud = submission.inhoud
        return route(inhoud.activiteiten, inhoud.locaties, self.state.organisaties, submission.chosen)

    async def submit(self, submission: Submission) -> tuple[Submitted, ...]:
        """Take it in: one verzoek for each pair of bevoegd gezag and behandeldienst. Raises ConfigError as `routed`."""
        now = self.clock.now()
        made = [self._first(submission, toedeling, now) for toedeling in self.routed(submission)]
        nummers = tuple(each.verzoeknummer for each in made)
        for each in made:
            each.related = tuple(nummer for nummer in nummers if nummer != each.verzoeknummer)
            self.state.submitted(each)
            await self.announce(each)
        return tuple(made)

    async def supplement(
        self, nummer: str, inhoud: Inhoud, bijlagen: Sequence[Bijlage], kept: Collection[str] | None = None
    ) -> Submitted:
        """An aanvulling: a complete new version with the bijlagen whose ids are `kept` (None: all) and new ones.

        Raises ConfigError when there is no such verzoek, or it was withdrawn.
        """
        verzoek = self._open(nummer)
        before = verzoek.current
        stay = [each for each in before.bijlagen if kept is None or each.document_id in kept]
        volgnummer = before.head.volgnummer + 1
        head = replace(before.head, volgnummer=volgnummer, doel=AANVULLEN, submitted_at=self.clock.now())
        verzoek.versions.append(Version(head, replace(inhoud, doel=AANVULLEN), (*stay, *bijlagen)))
        await self.announce(verzoek)
        return verzoek

    async def withdraw(self, nummer: str, *, by_notification: bool = False) -> Submitted:
        """The applicant takes it back. `by_notification`: there is no verzoekbericht behind it (stam.md 1.2).

        Raises ConfigError when there is no such verzoek, or it was withdrawn before.
        """
        verzoek = self._open(nummer)
        before = verzoek.current
        head = replace(before.head, volgnummer=WITHDRAWN, doel=INTREKKEN, submitted_at=self.clock.now())
        inhoud = replace(before.inhoud, doel=INTREKKEN)
        verzoek.versions.append(Version(head, inhoud, before.bijlagen, served=not by_notification))
        await self.announce(verzoek)
        return verzoek

    async def announce(self, verzoek: Submitted, to: Sequence[BevoegdGezag] | None = None) -> None:
        """Tell these of the newest version, as far as they are connected; None: everybody who gets it."""
        version = verzoek.newest
        payload = notification_xml(verzoek.verzoeknummer, stam=version.head.stam, withdrawn=not version.served)
        for named in verzoek.route.told if to is None else to:
            authority = self.state.authorities.get(named.oin)
            if authority is None or authority.cpa is None:
                continue
            outbound = self.announcer.notification(payload, authority.cpa, self.clock.now())
            outbound_id = await self.messages.queue_outbound(outbound)
            assert outbound_id is not None, "its MessageId is fresh"
            self.state.announced(version, Announcement(authority, outbound_id, awaited(outbound, authority)))
        self.wake()

    def progress(self, announcement: Announcement) -> Progress:
        """How far the notification is now."""
        stored = self.messages.outbound[announcement.outbound_id]
        acknowledged = stored.settled_at if stored.state is State.ACKNOWLEDGED else None
        return Progress(stored.state.value, stored.attempts, acknowledged)

    def _first(self, submission: Submission, toedeling: Toedeling, now: datetime) -> Submitted:
        gezag, dienst = toedeling.bevoegd_gezag, toedeling.behandeldienst
        handler = self.state.authorities[dienst.oin].named if dienst else None
        route = Route(self.state.authorities[gezag.oin].named, handler, toedeling.kopie)
        head = Head(
            verzoeknummer=verzoeknummer(now.date(), self.next_serial(now.date())),
            volgnummer=0,
            doel=submission.inhoud.doel,
            submitted_at=now,
            bevoegd_gezag=route.bevoegd_gezag,
            behandeldienst=route.behandeldienst,
            stam=submission.stam,
        )
        inhoud = replace(submission.inhoud, activiteiten=toedeling.activiteiten)
        return Submitted(route, [Version(head, inhoud, submission.bijlagen)])

    def _open(self, nummer: str) -> Submitted:
        verzoek = self.state.verzoek(nummer)
        if verzoek.withdrawn:
            raise ConfigError(f"verzoek {nummer} was withdrawn", advice=_ENDED)
        return verzoek
