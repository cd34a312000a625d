"""`digikoppelaar aansluiting evidence|ping`: what proves the steps of onboarding, as files."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import By, OfKind, Oin, There, subject_of, told_by
from digikoppelaar.cli.context import Json, Yes, can_answer, configuration
from digikoppelaar.errors import ConfigError, PartnerUnreachable
from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.flows.ping_trouble import Trouble
from digikoppelaar.onboarding.evidence import omgeving_in_words
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.proving import Files, Proving, open_proving, read_picture

_NOT_YET: Final = "No evidence yet: the step waits for others, see `digikoppelaar aansluiting show`."
MASK: Final = "Maak eerst alle persoonsgegevens op de afbeelding onleesbaar: zij gaat mee met het bewijs."


@dataclass(frozen=True, slots=True)
class Made:
    """The files that prove a step; with `step` empty, all steps together."""

    step: str
    files: Files


def evidence(
    oin: Oin,
    omgeving: There,
    kind: OfKind = Kind.STAM,
    step: Annotated[str, typer.Option(help="Of this step; without it: of all steps together.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Of every step that is done, and of all together.")] = False,
    screenshot: Annotated[
        Path | None, typer.Option(help="PNG or JPEG of the verzoek in the case system, for step 7.1.")
    ] = None,
    by: By = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make the evidence of what is done: PDF, PNG, and JSON with hashes. Again gives the same, unless there is news.

    With --screenshot you say that it shows the omgeving, the authority and the verzoeknummer, and no personal data.
    """
    if (step and every) or (screenshot and not step):
        raise ConfigError("--all, --step and --screenshot do not fit", advice="Geef --all, of --step met --screenshot.")
    subject = subject_of(oin, kind, omgeving)
    if screenshot:
        read_picture(screenshot)
        _confirm_picture(subject, yes=yes, json=json)

    async def make(proving: Proving) -> list[Made]:
        told = told_by(by)
        who = told.by or ""
        if screenshot:
            return [Made(step, await proving.shown(subject, step, screenshot, told))]
        if step:
            return [Made(step, await proving.step(subject, step, who))]
        made = [Made(*each) for each in (await proving.every(subject, who)).items()] if every else []
        return [*made, Made("", await proving.whole(subject, who))]

    async def opened() -> list[Made]:
        async with open_proving(configuration()) as proving:
            return await make(proving)

    made = asyncio.run(opened())
    if json:
        output.print_json(made)
        return
    for each in made:
        for file in each.files:
            output.console.print(str(file), markup=False)


def ping(
    oin: Oin,
    omgeving: There,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the Pong.")] = 30.0,
    by: By = "",
    json: Json = False,
) -> None:
    """Send DSO a Ping through the running gateway, wait for the Pong, and make the evidence of that step."""
    subject, config = subject_of(oin, Kind.STAM, omgeving), configuration()

    async def opened() -> tuple[PingResult, Trouble | None, Files]:
        async with open_proving(config) as proving:
            send = partial(wiring.ping, config, timeout=timeout)
            return await proving.ping_pong(subject, send, told_by(by).by or "")

    result, trouble, files = asyncio.run(opened())
    if json:
        output.print_json({"ping": result, "trouble": trouble, "evidence": files})
    elif result.pong:
        output.console.print(f"Pong after {result.seconds:.2f} s (Ping {result.message_id}).", markup=False)
        output.console.print("\n".join(map(str, files)) or _NOT_YET, markup=False)
    if trouble:
        raise PartnerUnreachable(
            f"no Pong within {timeout:g} s (Ping {result.message_id} is {result.state}: {result.reason or '-'})",
            advice=f"{trouble.says} {trouble.advice} Aan zet: {trouble.who}.",
        )


def _confirm_picture(subject: Subject, *, yes: bool, json: bool) -> None:
    """Let the person say what the picture shows, with the verzoeknummer that we know of."""
    if yes:
        return
    can_answer(json=json)

    async def known() -> tuple[Status, str]:
        async with open_proving(configuration()) as proving:
            status = await proving.onboarding.status(subject)
            return status, await proving.proofs.verzoeknummer(status)

    status, nummer = asyncio.run(known())
    output.console.print(MASK, style="yellow")
    typer.confirm(
        f"Toont de afbeelding de {omgeving_in_words(subject.omgeving)}, {status.authority.naam} en verzoeknummer "
        f"{nummer or '(nog onbekend)'}, en geen persoonsgegevens?",
        abort=True,
    )
