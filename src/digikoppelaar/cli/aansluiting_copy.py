"""`digikoppelaar aansluiting copy`: what is connected in PRE, connected in PROD too."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.profiles import base_url_of
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import OnlyKind
from digikoppelaar.cli.context import DryRun, Json, Yes, configuration
from digikoppelaar.cli.organisatie import applied, checked, tell
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import copying
from digikoppelaar.flows.copying import Wishes
from digikoppelaar.flows.registration import Entry
from digikoppelaar.onboarding.model import Kind


def copy(
    source: Annotated[str, typer.Option("--from", help="pre or sandbox-pre.")],
    target: Annotated[str, typer.Option("--to", help="prod or sandbox-prod.")],
    organisatie: Annotated[list[str] | None, typer.Option(help="The OIN of one; may be repeated.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every organisatie that is connected there.")] = False,
    kind: OnlyKind = None,
    base_url: Annotated[str, typer.Option(help="Of DSO-LV; without it that of the profile.")] = "",
    api_key_file: Annotated[str, typer.Option(help="Name of the file, with {oin} and {omgeving}.")] = "",
    replacing: Annotated[
        list[str] | None, typer.Option("--replace", help="OLD=NEW, in every setting; may be repeated.")
    ] = None,
    same_case_system: Annotated[
        bool, typer.Option("--same-case-system", help="Both omgevingen deliver to the same place.")
    ] = False,
    recorded_by: Annotated[
        str, typer.Option(help="Who says that each machtiging holds there too, from today on.")
    ] = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make the aansluitingen in PROD out of those in PRE, and tell what people must still do. All, or none.

    What is there in PROD already stays as it is, so doing it twice is harmless. A person at a terminal is asked first.
    """
    copying.check_way(source, target)
    if bool(organisatie) == everyone:
        raise ConfigError(
            "give --organisatie or --all", advice="Noem met --organisatie wie, of kies met --all iedereen."
        )
    pattern = str(Path(api_key_file).resolve()) if api_key_file else ""
    wishes = Wishes(source, target, base_url, pattern, _pairs(replacing or ()), same_case_system)
    known = asyncio.run(_entries())
    lacking, there = copying.to_copy(known, wishes, organisatie or (), [kind] if kind else list(Kind))
    made = copying.copies(lacking, wishes, base_url_of)
    machtigingen = copying.machtigingen(made, known, recorded_by, SystemClock().now()) if recorded_by else []
    changes = applied(checked([*machtigingen, *made]), yes=yes, dry_run=dry_run, json=json)
    to_do = copying.still_to_do(made, [*known, *machtigingen], lambda file: Path(file).is_file())
    tell(changes, {"there_already": len(there), "to_do": to_do}, dry_run=dry_run, json=json)
    if not json:
        _tell(to_do, len(there))


async def _entries() -> Sequence[Entry]:
    async with wiring.open_stores(configuration()) as stores:
        return await stores.registry.entries()


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in texts]
    if not all(old and equals and new for old, equals, new in pairs):
        raise ConfigError("--replace is written as OLD=NEW", advice="Bijvoorbeeld --replace pre.zaken=zaken.")
    return {old: new for old, _, new in pairs}


def _tell(to_do: Mapping[str, Sequence[str]], there: int) -> None:
    if there:
        output.console.print(f"{there} there already, left as they are.")
    for what, oins in to_do.items():
        output.console.print(f"Nog te doen voor {oins[0] if len(oins) == 1 else len(oins)}: {what}", markup=False)
