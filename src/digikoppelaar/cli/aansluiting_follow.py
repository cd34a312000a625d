"""`digikoppelaar aansluiting follow`: the functional test, steps 4 to 6 of STAM, line by line."""

import asyncio
from typing import Annotated, Final

import typer

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import Oin, There, subject_of
from digikoppelaar.cli.aansluiting_mail import SandboxFolder
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.cli.sandbox_load import management_url, submit
from digikoppelaar.errors import ConfigError, Conflict, PartnerUnreachable
from digikoppelaar.flows.following import Followed, Following, activiteit
from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.flows.reading import StepRow
from digikoppelaar.onboarding.model import Kind
from digikoppelaar.proving import open_proving

LOKET: Final = "4.1"
"""The step that says what to choose in the Omgevingsloket."""
FACTS: Final = ("verzoeknummer", "type", "state", "received_at", "delivered_at", "case_reference", "reason", "advice")


def follow(
    oin: Oin,
    omgeving: There,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until it is delivered.")] = 1800.0,
    by_itself: Annotated[bool, typer.Option("--submit", help="In a sandbox: submit the verzoek by itself.")] = False,
    sandbox: SandboxFolder = None,
    json: Json = False,
) -> None:
    """Say what to submit in the Omgevingsloket, and follow the TEST verzoek until the case system has it."""
    subject = subject_of(oin, Kind.STAM, omgeving)
    if by_itself and not is_sandbox(omgeving):
        raise ConfigError(f"--submit is not for {omgeving}", advice="Dien het verzoek zelf in, in het Omgevingsloket.")
    address = management_url(sandbox) if by_itself else ""

    def tell(step: StepRow) -> None:
        if not json:
            output.console.print(f"{output.cell(step.at)}  {step.name}  {step.detail}", markup=False)

    async def followed() -> Followed:
        async with open_proving(configuration()) as proving:
            flow, since = proving.onboarding, SystemClock().now()
            status, nummer = await flow.status(subject), None
            if (subject.kind, omgeving) not in status.authority.partijen:
                raise ConfigError(
                    f"{oin} has no aansluiting {subject.kind} in {omgeving}: no notification can come",
                    advice="Leg haar eerst vast met `digikoppelaar organisatie apply`.",
                )
            if by_itself:
                chosen = activiteit(flow, subject, status.authority.bestuurslaag)
                wish = {"oin": oin, "activiteiten": [chosen], "soort": chosen.rpartition(" ")[2].lower()}
                nummer = (await submit(address, wish))[0]["verzoeknummer"]
            elif not json:
                output.console.print(f"{status.step(LOKET).step.text}\n", markup=False)
            following = Following(flow, proving.proofs.reading, SystemClock())
            return await following.follow(subject, since, tell, timeout=timeout, verzoeknummer=nummer)

    found = asyncio.run(followed())
    if json:
        facts = {name: getattr(found.row, name, None) for name in FACTS}
        output.print_json({"arrived": found.arrived, **facts, "steps": found.steps})
    elif found.arrived and found.row:
        output.console.print(f"{found.row.verzoeknummer} is {found.row.state}: {found.row.case_reference or '-'}.")
    _refuse_what_did_not_arrive(found, timeout)


def _refuse_what_did_not_arrive(found: Followed, timeout: float) -> None:
    if found.row is None:
        raise PartnerUnreachable(
            f"no notification of a test verzoek within {timeout:g} s",
            advice="Is het verzoek definitief ingediend, met deze activiteit en dit adres? Doe ook `aansluiting ping`.",
        )
    if not found.arrived:
        reason = f": {found.row.reason}" if found.row.reason else ""
        raise Conflict(
            f"verzoek {found.row.verzoeknummer} is {found.row.state} after {timeout:g} s{reason}",
            advice=found.row.advice or "Volg het verder met `digikoppelaar verzoek show`.",
        )
