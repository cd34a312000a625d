"""A rehearsal from the start of its processes to what is said of it."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from digikoppelaar.cli import output
from digikoppelaar.cli.rehearsal import report
from digikoppelaar.cli.rehearsal.country import everybody, one
from digikoppelaar.cli.rehearsal.course import Course, Phases, go, go_all
from digikoppelaar.cli.rehearsal.deeds import Doer
from digikoppelaar.cli.rehearsal.faults import CERTIFICATE, fault_called
from digikoppelaar.cli.rehearsal.walk import Tell
from digikoppelaar.cli.rehearsal.world import PRE, World, opened_world
from digikoppelaar.cli.run_folder import own_folder
from digikoppelaar.cli.trial import peak_memory_mib, seconds_since_start
from digikoppelaar.flows.onboarding_report import state
from digikoppelaar.onboarding.progress import StepProgress

KEPT: Final = 20
"""Folders of earlier runs that stay, for what they prove."""


def run(base: Path, bestuurslaag: str | None, fault: str | None, *, json: bool) -> bool:
    """Rehearse one authority, or without a bestuurslaag all, in a folder below `base`; whether all got done."""
    with own_folder(base, KEPT) as own:
        return asyncio.run(_one(own, bestuurslaag, fault, json=json) if bestuurslaag else _all(own, json=json))


async def _one(folder: Path, bestuurslaag: str, fault: str | None, *, json: bool) -> bool:
    chosen, phases = fault_called(fault), Phases()
    people = one(bestuurslaag, alone=chosen.step == CERTIFICATE)
    async with opened_world(folder, people) as world:
        phases.seconds["start"] = round(seconds_since_start(), 2)
        course = await go(world, people[0], _teller(json=json), phases, chosen)
        ended = seconds_since_start()
    _end(folder, phases, ended)
    preparation, steps = report.rows(course.walked)
    result = report.Rehearsal(
        bestuurslaag=bestuurslaag,
        organisatie_oin=course.who.oin,
        organisatie_naam=course.who.naam,
        done=course.done,
        seconds=round(seconds_since_start(), 2),
        phases=phases.seconds,
        stuck=report.stuck(course.walked),
        preparation=preparation,
        steps=steps,
        whole=course.whole,
        folder=str(folder),
        fault=fault,
    )
    _tell([course], phases)
    if json:
        output.print_json(result)
    return course.done


async def _all(folder: Path, *, json: bool) -> bool:
    people, phases = everybody(), Phases()
    async with opened_world(folder, people) as world:
        phases.seconds["start"] = round(seconds_since_start(), 2)
        courses = await go_all(world, _counter(len(people), json=json), phases)
        peak, ended = _peak(world), seconds_since_start()
    _end(folder, phases, ended)
    stuck = [(each.who, found) for each in courses if (found := report.stuck(each.walked))]
    result = report.Everybody(
        organisaties=len(courses),
        done=sum(each.done for each in courses),
        seconds=round(seconds_since_start(), 2),
        peak_rss_mib=round(peak, 1),
        steps=sum(walked.status.progress.done for each in courses for walked in each.walked),
        phases=phases.seconds,
        stuck=[{"organisatie_oin": who.oin, **asdict(found)} for who, found in stuck],
        folder=str(folder),
    )
    _tell(courses, phases)
    if json:
        output.print_json(result)
    return not stuck


def _peak(world: World) -> float:
    gateway = world.trials[PRE].gateway
    return peak_memory_mib(gateway.pid) if gateway else 0.0


def _end(folder: Path, phases: Phases, ended: float) -> None:
    """Of a run whose last step was done at `ended`, what it proved stays, and its database goes."""
    shutil.rmtree(folder / "gateway" / "postgres", ignore_errors=True)
    phases.seconds["stop"] = round(seconds_since_start() - ended, 2)


def _teller(*, json: bool) -> Tell:
    """Tells every step, a line each."""
    console = output.errors if json else output.console

    def tell(doer: Doer, step: StepProgress) -> None:
        where = f"{doer.subject.kind.upper()} {doer.subject.omgeving}"
        console.print(
            f"{seconds_since_start():6.1f} s  {where:<17} {step.step.number:<4} {step.step.title}: {state(step)}",
            markup=False,
        )

    return tell


def _counter(everyone: int, *, json: bool) -> Tell:
    """Tells only the last step of each authority, and every one that does not get done."""
    console, done = output.errors if json else output.console, set()

    def tell(doer: Doer, step: StepProgress) -> None:
        if not step.done:
            console.print(f"{doer.who.naam}: {step.step.number} {step.step.title}: {state(step)}", markup=False)
        elif step.step.number == "7.2" and doer.subject.omgeving != PRE:
            done.add(doer.who.oin)
            console.print(f"{seconds_since_start():6.1f} s  {len(done)} van {everyone}: {doer.who.naam}", markup=False)

    return tell


def _tell(courses: Sequence[Course], phases: Phases) -> None:
    """How it ended, who must act where it did not, and where the time went."""
    console = output.errors
    for each in courses:
        for walked in each.walked:
            for finding in walked.why:
                console.print(
                    f"{each.who.naam}, stap {walked.stuck}: {finding.says} {finding.advice} Aan zet: {finding.who}.",
                    markup=False,
                )
    spent = ", ".join(f"{name} {seconds:g} s" for name, seconds in phases.seconds.items())
    console.print(f"{sum(each.done for each in courses)} van {len(courses)} aangesloten; {spent}", markup=False)
