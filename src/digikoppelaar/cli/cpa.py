"""`digikoppelaar cpa` and `digikoppelaar ping`: the agreements, and whether the partner answers."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.ebms.agreement import Action
from digikoppelaar.errors import ConfigError, CpaError, PartnerUnreachable, XmlError
from digikoppelaar.flows.ports import CpaRecord

app = typer.Typer(no_args_is_help=True, help="CPAs: the agreements under which messages go.")

OmgevingOption = Annotated[str | None, typer.Option(help="The omgeving, when more than one fits.")]


@app.command("import")
def import_cpa(
    file: Annotated[Path, typer.Argument(help="The CPA as the CPA register gave it.")],
    omgeving: OmgevingOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Other content under a known CPAId takes its place.")
    ] = False,
    json: Json = False,
) -> None:
    """Import a CPA for the aansluiting whose organisatie is one of its parties. The same file again changes nothing."""
    try:
        document = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    try:
        imported = asyncio.run(wiring.import_cpa(configuration(), document, omgeving=omgeving, replace=replace))
    except XmlError as error:
        raise CpaError(f"{file}: {error}") from error
    if json:
        output.print_json({"changed": imported.changed, **_facts(imported.cpa)})
        return
    what = "Imported" if imported.changed else "Already there, unchanged:"
    output.console.print(f"{what} {imported.cpa.agreement.cpa_id}", markup=False)


@app.command()
def show(
    cpa_id: Annotated[str | None, typer.Argument(help="The CPAId; without it, all.")] = None,
    omgeving: OmgevingOption = None,
    json: Json = False,
) -> None:
    """Show what an imported CPA says."""
    found = asyncio.run(_find(cpa_id, omgeving))
    if cpa_id and not found:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Zie `digikoppelaar cpa show`.")
    if json:
        output.print_json([_facts(cpa) for cpa in found])
        return
    if not found:
        output.console.print("No CPAs.")
    for cpa in found:
        output.print_fields(_facts(cpa))
        output.console.print()


def ping(
    cpa_id: Annotated[str, typer.Argument(help="The CPAId under which to ping.")],
    omgeving: OmgevingOption = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the Pong.")] = 30.0,
    json: Json = False,
) -> None:
    """Send a Ping through the running gateway and wait for the partner's Pong."""
    cpa = _one(asyncio.run(_find(cpa_id, omgeving)), cpa_id)
    answered = asyncio.run(wiring.ping(configuration(), cpa, timeout=timeout))
    if json:
        output.print_json(answered)
    elif answered.pong:
        output.console.print(f"Pong after {answered.seconds:.2f} s (Ping {answered.message_id}).", markup=False)
    if not answered.pong:
        raise PartnerUnreachable(
            f"no Pong within {timeout:g} s (Ping {answered.message_id} is {answered.state}: {answered.reason or '-'})",
            advice="Draait `digikoppelaar serve`? Zie `digikoppelaar message show` met dit berichtnummer.",
        )


async def _find(cpa_id: str | None, omgeving: str | None) -> list[CpaRecord]:
    async with wiring.open_stores(configuration()) as stores:
        return [
            cpa
            for cpa in await stores.registry.cpas()
            if cpa_id in {None, cpa.agreement.cpa_id} and omgeving in {None, cpa.aansluiting.omgeving}
        ]


def _one(found: list[CpaRecord], cpa_id: str) -> CpaRecord:
    if not found:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Zie `digikoppelaar cpa show`.")
    if len(found) > 1:
        raise ConfigError(f"CPA {cpa_id} is in more than one omgeving", advice="Kies met --omgeving.")
    return found[0]


def _facts(cpa: CpaRecord) -> dict[str, object]:
    agreement = cpa.agreement
    return {
        "cpa_id": agreement.cpa_id,
        "omgeving": cpa.aansluiting.omgeving,
        "organisatie": cpa.aansluiting.organisatie_oin,
        "partner": agreement.theirs.name,
        "partner_id": agreement.theirs.party_ids[0].value,
        "starts_at": agreement.starts_at,
        "ends_at": agreement.ends_at,
        "receives": [_action(action) for action in agreement.receives],
        "sends": [_action(action) for action in agreement.sends],
        "their_endpoint": agreement.our_signals.endpoint,
        "our_endpoint": agreement.their_signals.endpoint,
    }


def _action(action: Action) -> str:
    return f"{action.service.value} {action.action} ({action.profile})"
