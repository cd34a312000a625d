"""What proves that a step of onboarding is done, gathered from what is on record: nothing of it about an applicant.

A step is proven once it is done, so that its evidence says who did it and when. What is of a shared step is of the
partij: it names no organisatie.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from digikoppelaar.ebms import names
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import proof_rows as rows
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.flows.ports import Aansluiting, Clock, CpaRecord
from digikoppelaar.flows.ports.onboarding import NOTED, LogLine, Seen
from digikoppelaar.flows.reading import Direction, MessageFilter, MessagePage, Reading
from digikoppelaar.flows.stages import Stages
from digikoppelaar.onboarding.evidence import Attachment, Evidence, Section
from digikoppelaar.onboarding.model import Kind, Sight, Subject
from digikoppelaar.onboarding.progress import StepProgress
from digikoppelaar.onboarding.states import StepState

FUNCTIONAL_TEST: Final = ("4", "5", "6", "7")
"""The steps of STAM that are about one verzoek."""
_VERZOEK: Final = (Sight.DELIVERED, Sight.FETCHED, Sight.HANDED_ON, Sight.NOTIFICATION)
"""Where its number is looked for, in this order: how far it came."""
_SHOW: Final = "Bekijk met `digikoppelaar aansluiting show` wat er nog moet gebeuren."

Measure = Callable[[CpaRecord, str], Awaitable[rows.Measured]]
"""What the connection under a CPA to this URL is like now."""
Gathered = tuple[Evidence, tuple[Attachment, ...]]


class Connections(Protocol):
    """Who is connected to what. Every method raises StorageError."""

    async def partij(self, oin: str) -> str:
        """What a partij is called; empty when it is not on record."""

    async def aansluitingen(self, oin: str | None = None) -> Sequence[Aansluiting]:
        """Every aansluiting, or those of this organisatie."""

    async def publishers(self) -> Sequence[Aansluiting]:
        """Every aansluiting that publishes."""

    async def cpas(self, omgeving: str | None = None, aansluiting_id: int | None = None) -> Sequence[CpaRecord]:
        """Every CPA, or those of this omgeving or aansluiting."""


def subject_of(aansluiting: Aansluiting) -> Subject | None:
    """Whose steps are about this aansluiting; those of kind `ebms` have none."""
    known = {str(kind): kind for kind in Kind}
    kind = known.get(aansluiting.kind)
    return Subject(aansluiting.organisatie_oin, kind, aansluiting.omgeving) if kind else None


@dataclass(frozen=True, slots=True)
class Proofs:
    """Gathers from these parts. Every method raises StorageError."""

    onboarding: Onboarding
    reading: Reading
    connections: Connections
    stages_of: Callable[[Sequence[Aansluiting]], Stages]
    measure: Measure
    clock: Clock

    async def of_step(self, subject: Subject, number: str, by: str) -> Gathered:
        """What proves one step, with the files that go with it. Raises ConfigError when it is not done."""
        status = await self.onboarding.status(subject)
        step = status.step(number)
        if step.record.state is not StepState.DONE:
            raise ConfigError(f"step {number} is not done: nothing proves it", advice=_SHOW)
        sections, attached = await self._of(status, step)
        lines = [line for line in await self._log(status, step) if line.number == number]
        found = rows.good(step.record.findings)
        evidence = await self._evidence(status, step, by)
        return replace(evidence, sections=(*sections, *found, *rows.course(lines))), attached

    async def of_all(self, subject: Subject, by: str, hashed: Callable[[str], str]) -> Evidence:
        """How far all steps are, with `hashed` of each file that proves one."""
        status = await self.onboarding.status(subject)
        sections = rows.overview(status, await self.onboarding.log(subject), hashed)
        title = f"Aansluiting op {subject.kind.upper()}: alle stappen"
        return Evidence(subject, status.authority.naam, "", title, self.clock.now(), by, sections)

    async def verzoeknummer(self, status: Status) -> str:
        """Of the verzoek with which the functional test was done; empty when there is none yet."""
        found = await self._seen(status, *_VERZOEK)
        return found.detail if found else ""

    async def delivered(self, status: Status, step: StepProgress) -> str:
        """What was delivered at KOOP in the stage that the step is, a line for each documenttype."""
        return "\n".join(f"- {name}: {told}" for each in await self._stage(status, step) for name, told in each.rows)

    async def sent(self, subject: Subject, message_id: str) -> MessagePage:
        """A message of ours, as it is now. Raises ConfigError when it is not on record."""
        return await self._message(subject, MessageFilter(direction=Direction.OUT, message_id=message_id))

    # --- inside ---

    async def _of(self, status: Status, step: StepProgress) -> tuple[tuple[Section, ...], tuple[Attachment, ...]]:
        if step.step.sight is Sight.PING_PONG:
            return await self._ping_pong(status)
        if step.step.kind is Kind.STAM and step.step.number.startswith(FUNCTIONAL_TEST):
            return await self._verzoek(status), ()
        return await self._stage(status, step), ()

    async def _evidence(self, status: Status, step: StepProgress, by: str) -> Evidence:
        subject, naam = status.of(step.step), status.authority.naam
        if subject != status.subject:
            naam = await self.connections.partij(subject.oin)
        return Evidence(subject, naam, step.step.number, step.step.title, self.clock.now(), by, ())

    async def _log(self, status: Status, step: StepProgress) -> Sequence[LogLine]:
        """Of the step as it is now: what came before a change is of another connection."""
        since = step.record.changed_at
        lines = await self.onboarding.log(status.subject)
        return [line for line in lines if line.event != NOTED and (since is None or line.at > since)]

    async def _seen(self, status: Status, *sights: Sight) -> Seen | None:
        """The first of these that was seen, since the connection last changed."""
        found = (await self.onboarding.store.sights([status.subject])).get(status.subject, {})
        since = max((each.record.changed_at for each in status.progress.steps if each.record.changed_at), default=None)
        there = (found[sight] for sight in sights if sight in found)
        return next((seen for seen in there if since is None or seen.at > since), None)

    async def _ping_pong(self, status: Status) -> tuple[tuple[Section, ...], tuple[Attachment, ...]]:
        seen = await self._seen(status, Sight.PING_PONG)
        ping = await self.sent(status.subject, seen.detail if seen else "")
        answers = MessageFilter(direction=Direction.IN, ref_to_message_id=ping.message.message_id)
        pong = await self._message(status.subject, answers, names.PONG)
        sections = [rows.ping(ping), rows.pong(pong)]
        for cpa in await self.connections.cpas(aansluiting_id=ping.message.aansluiting_id):
            if cpa.agreement.cpa_id == ping.message.cpa_id:
                sections += rows.line(cpa, await self.measure(cpa, ping.endpoint or ""))
        return tuple(sections), (rows.as_kept("ping", ping), rows.as_kept("pong", pong))

    async def _message(self, subject: Subject, wanted: MessageFilter, action: str = "") -> MessagePage:
        """The message of this organisatie. Raises ConfigError when it is not on record any more."""
        mine = replace(wanted, omgeving=subject.omgeving, organisatie_oin=subject.oin)
        for row in await self.reading.messages(mine):
            page = await self.reading.message(row.direction, row.id) if action in ("", row.action) else None
            if page:
                return page
        raise ConfigError("the ping-pong is not on record any more", advice="Doe hem opnieuw: `aansluiting ping`.")

    async def _verzoek(self, status: Status) -> tuple[Section, ...]:
        """Of the verzoek, as far as it came here; none when an application takes the messages itself."""
        nummer = await self.verzoeknummer(status)
        for each in await self.connections.aansluitingen(status.subject.oin):
            if subject_of(each) == status.subject:
                page = await self.reading.verzoek(each.id, nummer) if nummer else None
                if page:
                    return rows.verzoek(page)
        return (Section("Bericht", (("Bericht-id", nummer),)),) if nummer else ()

    async def _stage(self, status: Status, step: StepProgress) -> tuple[Section, ...]:
        if "stage" not in step.step.checks:
            return ()
        publishers = await self.connections.publishers()
        for each in publishers:
            if subject_of(each) == status.subject:
                stages = await self.stages_of(publishers).progress(each)
                return tuple(rows.stage(stage) for stage in stages if str(stage.stage.order) == step.step.number)
        return ()
