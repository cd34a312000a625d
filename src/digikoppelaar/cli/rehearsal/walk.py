"""From step to step, by the one next action of the product itself, until all is done or a step does not get done.

A step that is done by a check is judged after its deed; one that is seen is looked for; and for the rest the other
party is asked and answers, where it has one, before somebody gives his word.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from digikoppelaar.cli.rehearsal.deeds import STAM, Deed, Doer
from digikoppelaar.cli.rehearsal.drop_deeds import DROP
from digikoppelaar.cli.rehearsal.picture import picture
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.errors import DigikoppelaarError, Fault
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.onboarding.model import Finding, How, Kind, Rol, Severity, Step
from digikoppelaar.onboarding.progress import StepProgress, Told
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.sandbox.folder import LEVERANCIER

PATIENCE: Final = timedelta(seconds=60)
"""That something may take which is waited for."""
LOOK_EVERY: Final = 0.1
DEEDS: Final[Mapping[Kind, Mapping[str, Deed]]] = {Kind.STAM: STAM, Kind.DROP: DROP}

Tell = Callable[[Doer, StepProgress], None]
"""Called for each step that was tried, or got done with it, with how far it is then."""


@dataclass(frozen=True, slots=True)
class Walked:
    """How far somebody came. `stuck` is the number of the step that did not get done, with why; empty: all are done."""

    status: Status
    stuck: str = ""
    why: tuple[Finding, ...] = ()

    @property
    def done(self) -> bool:
        """Whether all steps are."""
        return self.status.progress.complete


async def walk(doer: Doer, tell: Tell) -> Walked:
    """Do every step of a subject in its turn. Raises StorageError."""
    flow, subject = doer.world.onboarding, doer.subject
    status = await flow.status(subject)
    while turn := status.progress.next:
        number, before = turn.step.number, status
        why: tuple[Finding, ...] = ()
        try:
            await _do(doer, turn)
        except DigikoppelaarError as error:
            why = (_finding(error, turn.step),)
        status = await flow.status(subject)
        for each in status.progress.steps:
            if each.step.number == number or each.done > before.step(each.step.number).done:
                tell(doer, each)
        if not status.step(number).done:
            return Walked(status, number, why or status.step(number).held_up_for)
    return Walked(status)


async def _do(doer: Doer, turn: StepProgress) -> None:
    """One step, up to its evidence."""
    step = turn.step
    if not turn.lacks_evidence:
        if deed := DEEDS[step.kind].get(step.number):
            await deed(doer)
        await _FULFIL[step.how](doer, step)
    if (await doer.world.onboarding.status(doer.subject)).step(step.number).lacks_evidence:
        await doer.world.proving.step(doer.subject, step.number, LEVERANCIER.name)


async def _checked(doer: Doer, step: Step) -> None:
    flow = doer.world.onboarding
    await flow.judged(doer.subject, step.number, await flow.judge(doer.subject, step), Told(doer.world.clock.now()))


async def _seen(doer: Doer, step: Step) -> None:
    """Look until it was seen, or for too long."""
    flow, until = doer.world.onboarding, doer.world.clock.now() + PATIENCE
    while True:
        await flow.look(Told(doer.world.clock.now()), doer.who.oin)
        state = (await flow.status(doer.subject)).step(step.number).record.state
        if state is StepState.DONE or doer.world.clock.now() > until:
            return
        await asyncio.sleep(LOOK_EVERY)


async def _said(doer: Doer, step: Step) -> None:
    """Ask, let the other answer, and put that on record; or show it."""
    flow, subject, by = doer.world.onboarding, doer.subject, LEVERANCIER.name
    if step.mail:
        nowhere = None if doer.fault.mail_works else free_ports(1)[0]
        await doer.world.mail(subject, step.number, by, nowhere)
    elif step.asks:
        await flow.asked(subject, step.number, Told(doer.world.clock.now(), by))
    if step.asks is Rol.AANSLUITTEAM:
        await doer.national.approve_step(doer.who.oin, step.number)
    told = Told(doer.world.clock.now(), by, f"antwoord van {step.asks}" if step.asks else "")
    if step.evidence:
        await doer.world.proving.shown(subject, step.number, await picture(doer), told)
    else:
        await flow.word(subject, step.number, told)


_FULFIL: Final = {How.CHECK: _checked, How.SEEN: _seen, How.WORD: _said}


def _finding(error: DigikoppelaarError, step: Step) -> Finding:
    """An error as what holds a step up: of somebody else, unless an administrator can mend it."""
    other = Rol.AANSLUITTEAM if step.kind is Kind.STAM else Rol.KOOP
    who = other if error.fault in (Fault.FACILITY, Fault.PARTNER) else Rol.DIGIKOPPELAAR
    return Finding(_code(error), Severity.WRONG, f"{error}.", advice=error.advice, who=who)


def _code(error: DigikoppelaarError) -> str:
    """`FacilityRefused` is `facility-refused`."""
    name = type(error).__name__
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name).lstrip("-")
