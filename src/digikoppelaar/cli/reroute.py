"""`digikoppelaar verzoek reroute`: sends a verzoek on that DSO-LV should have sent to another authority."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from digikoppelaar import searching, wiring
from digikoppelaar.adapters.dso_search import DsoRestSearch
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, WhichOmgeving, WhichOrganisatie, Yes, can_answer, configuration
from digikoppelaar.cli.verzoek import aansluiting_of
from digikoppelaar.flows import reroute as flow
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.reroute import Reroute
from digikoppelaar.flows.reading import VerzoekFilter
from digikoppelaar.opening import open_keyring, open_sessions


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked of DSO-LV, and whether it was done."""

    verzoeknummer: str
    organisatie_oin: str
    omgeving: str
    role: str
    oin: str | None
    done: bool


def reroute(
    verzoeknummer: str,
    bevoegd_gezag: Annotated[
        str | None, typer.Option("--bevoegd-gezag", help="The OIN of the authority that should decide.")
    ] = None,
    behandeldienst: Annotated[
        str | None, typer.Option("--behandeldienst", help="The OIN of who should handle it, or none.")
    ] = None,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and ask nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Ask DSO-LV to give a verzoek to another bevoegd gezag or behandeldienst; one of the two at a time.

    What we hold of the verzoek, and its case, stay as they are.
    """
    to = flow.wanted(bevoegd_gezag, behandeldienst)
    wanted = VerzoekFilter(omgeving=omgeving, organisatie_oin=organisatie, verzoeknummer=verzoeknummer)
    if not (yes or dry_run):
        can_answer(json=json)
    told = asyncio.run(_reroute(wanted, to, ask=not yes, dry_run=dry_run, show=not json))
    if json:
        output.print_json(told)
    else:
        output.console.print("DSO-LV took it." if told.done else "Nothing was asked of DSO-LV.")


async def _reroute(wanted: VerzoekFilter, to: Reroute, *, ask: bool, dry_run: bool, show: bool) -> Told:
    config, number = configuration(), wanted.verzoeknummer or ""
    async with wiring.open_stores(config) as stores:
        which = await aansluiting_of(stores.reading, wanted)
        aansluiting = next(each for each in await stores.registry.aansluitingen() if each.id == which)
        if show:
            _print_what(number, aansluiting, to)
        done = not dry_run and (not ask or typer.confirm("Send it on?"))
        if done:
            async with open_sessions(config, await open_keyring(config, stores)) as sessions:
                clock = SystemClock()
                dso = DsoRestSearch(searching.dso_calls(sessions, aansluiting, clock))
                await flow.send_on(stores.reroutes, dso, aansluiting, number, to, clock)
        return Told(number, aansluiting.organisatie_oin, aansluiting.omgeving, to.role.value, to.oin, done)


def _print_what(verzoeknummer: str, aansluiting: Aansluiting, to: Reroute) -> None:
    what = f"get {to.oin} as {to.role.value}" if to.oin else f"have no {to.role.value} any more"
    output.console.print(
        f"At DSO-LV ({aansluiting.omgeving}), verzoek {verzoeknummer} of {aansluiting.organisatie_naam} "
        f"({aansluiting.organisatie_oin}) will {what}.\n"
        "After that DSO-LV may no longer give it to this organisatie, and only the new one can send it back.",
        markup=False,
    )
