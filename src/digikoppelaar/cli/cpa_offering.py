"""`digikoppelaar cpa offer` and `cpa offered`: loading an imported CPA into DSO-LV, and what DSO-LV has of it.

The interface is not public: how it is spoken to is provisional.
"""

import asyncio
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.cpa_offering import offering_for
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, WhichOmgeving, configuration
from digikoppelaar.cli.cpa import one_cpa, told_difference
from digikoppelaar.flows.cpa_offer import Offered
from digikoppelaar.flows.cpa_offer import offer as offer_cpa
from digikoppelaar.flows.cpa_offer import offered as offered_cpa
from digikoppelaar.opening import open_keyring, open_sessions

CpaId = Annotated[str, typer.Argument(help="The CPAId of an imported CPA.")]
PROVISIONAL: Final = "The interface CPA aanbieden of DSO-LV is not public: how it is spoken to is provisional."


def offer(cpa_id: CpaId, omgeving: WhichOmgeving = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Offer an imported CPA to DSO-LV, and read back that it accepted this one. The same again offers nothing."""
    found = asyncio.run(_ask(cpa_id, omgeving, only_look=dry_run))
    if json:
        output.print_json({"offered": not dry_run, **_facts(found)})
        return
    if dry_run:
        done = "DSO-LV has this CPA already." if found.same else "Would be offered."
    else:
        done = f"DSO-LV has accepted {cpa_id}."
    output.console.print(f"{done} {PROVISIONAL}", markup=False)


def offered(cpa_id: CpaId, omgeving: WhichOmgeving = None, json: Json = False) -> None:
    """Show whether DSO-LV has this CPA, and where it differs from ours. Exit status 1 unless it is the same."""
    found = asyncio.run(_ask(cpa_id, omgeving, only_look=True))
    if json:
        output.print_json(_facts(found))
    elif found.sha256 is None:
        output.console.print("DSO-LV has no CPA under this CPAId.")
    else:
        output.console.print("DSO-LV has the same CPA." if found.same else "DSO-LV has another CPA:")
        for difference in found.differences:
            output.console.print(told_difference(difference), markup=False)
    if not found.same:
        raise typer.Exit(1)


async def _ask(cpa_id: str, omgeving: str | None, *, only_look: bool) -> Offered:
    config, clock = configuration(), SystemClock()
    async with wiring.open_stores(config) as stores:
        cpa = one_cpa([c for c in await stores.registry.cpas(omgeving) if c.agreement.cpa_id == cpa_id], cpa_id)
        document = await stores.registry.cpa_document(cpa.id)
        async with open_sessions(config, await open_keyring(config, stores)) as sessions:
            dso = await offering_for(sessions, cpa.aansluiting, clock)
            if only_look:
                return await offered_cpa(dso, cpa_id, document)
            return await offer_cpa(stores.errands, dso, cpa.aansluiting, cpa_id, document, clock)


def _facts(found: Offered) -> dict[str, object]:
    accepted = {"cpa_id": found.cpa_id, "same": found.same, "accepted_sha256": found.sha256}
    return {**accepted, "differences": found.differences, "provisional": True}
