"""`digikoppelaar cpa request`, `status`, `download`, `regenerate` and `machtiging`: what is asked of the CPA register.

The register's REST API is not public: how it is spoken to is provisional, and everything can be done by hand too.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.cpa_register import register_for, register_sessions, register_url
from digikoppelaar.adapters.onboarding_profiles import load_register_profile
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.cli.cpa_build import aansluiting_with_cpa, our_certificates
from digikoppelaar.flows.cpa_request import CpaRequests, numbers_for
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.errands import Errand
from digikoppelaar.onboarding.register import CpaRequest, RegisterMachtiging, RegisterOrder, check_order, fields_by_hand
from digikoppelaar.opening import open_keyring, open_proxies
from digikoppelaar.pki.certificate import Use
from digikoppelaar.wiring import Stores

Organisatie = Annotated[str, typer.Option("--organisatie", help="The OIN of the organisatie.")]
Omgeving = Annotated[str | None, typer.Option("--omgeving", help="The omgeving, when there are more.")]
RequestId = Annotated[str, typer.Argument(help="The number of the request at the register: see `cpa status`.")]

STAM: Final = frozenset({"stam"})
PROVISIONAL: Final = "The REST API of the CPA register is not public: how it is asked is provisional."
_UNKNOWN: Final = "onbekend: vraag het aansluitteam"


@dataclass(frozen=True, slots=True)
class _Desk:
    """The register, as one aansluiting meets it."""

    stores: Stores
    aansluiting: Aansluiting
    requests: CpaRequests

    async def order(self, endpoint: str, specification: str, server_participant: str) -> RegisterOrder:
        """With the certificates on record, and with the numbers that were not given as they are known."""
        known = load_register_profile()
        numbers = (specification, server_participant)
        if not all(numbers):
            numbers = await numbers_for(self.requests.register, known, self.aansluiting.omgeving)
        return RegisterOrder(*numbers, self.aansluiting.organisatie_oin, endpoint, await self.certificates())

    async def certificates(self) -> Mapping[Use, tuple[bytes, ...]]:
        """The newest of each use."""
        return our_certificates(await self.stores.registry.certificates(self.aansluiting.omgeving), self.aansluiting)


def request(
    organisatie: Organisatie,
    endpoint: Annotated[str, typer.Option(help="The https URL at which DSO-LV reaches us.")],
    omgeving: Omgeving = None,
    specification: Annotated[str, typer.Option(help="Its number at the register, when it is another.")] = "",
    server_participant: Annotated[str, typer.Option(help="The number of DSO-LV there, when it is another.")] = "",
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Tell what to fill in at the page of the register.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Ask the CPA register for a CPA with the certificates on record. The same again gives the same request."""
    if by_hand:
        _tell_by_hand(*asyncio.run(_by_hand(organisatie, omgeving, endpoint, specification, server_participant)), json)
        return
    found = asyncio.run(_request(organisatie, omgeving, endpoint, (specification, server_participant), dry_run=dry_run))
    if json:
        output.print_json({"asked": not dry_run, "request": found and _facts(found), "provisional": True})
    elif found is None:
        output.console.print(f"Would be asked: this is not there yet. {PROVISIONAL}")
    else:
        output.print_fields(_facts(found))


def status(organisatie: Organisatie, omgeving: Omgeving = None, json: Json = False) -> None:
    """Show every request for a CPA of this organisatie at the register, and what we asked that has no answer."""
    found, errands = asyncio.run(_status(organisatie, omgeving))
    if json:
        output.print_json({"requests": [_facts(each) for each in found], "errands": errands})
        return
    for each in found:
        output.print_fields(_facts(each))
        output.console.print()
    for errand in errands:
        if errand.reason:
            output.console.print(f"{errand.key.kind} failed at {output.cell(errand.changed_at)}: {errand.reason}")
            output.console.print(f"wat te doen: {errand.advice}", markup=False)
    if not found:
        output.console.print("No requests at the register.")


def download(
    request_id: RequestId,
    organisatie: Organisatie,
    out: Annotated[Path, typer.Option(help="Where to write the CPA.")],
    omgeving: Omgeving = None,
    json: Json = False,
) -> None:
    """Fetch the CPA that the register made, when it is what was asked for. Nothing is imported."""
    found, document = asyncio.run(_download(organisatie, omgeving, request_id))
    out.write_bytes(document)
    if json:
        output.print_json({"file": out, "request": _facts(found), "document": document.decode()})
    else:
        output.console.print(f"Wrote {out}; import it with `digikoppelaar cpa import {out}`.", markup=False)


def regenerate(
    request_id: RequestId,
    organisatie: Organisatie,
    omgeving: Omgeving = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Ask for a CPA again with the certificates that are on record now. The same again gives the same request."""
    found = asyncio.run(_regenerate(organisatie, omgeving, request_id, dry_run=dry_run))
    if json:
        output.print_json({"asked": not dry_run, "request": _facts(found), "provisional": True})
    else:
        output.print_fields(_facts(found))
        output.console.print("Nothing was asked: --dry-run." if dry_run else PROVISIONAL)


def machtiging(
    organisatie: Organisatie,
    omgeving: Omgeving = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for one, when there is none.")] = False,
    json: Json = False,
) -> None:
    """Show whether the partij may ask for CPAs of the organisatie; the bevoegd gezag grants it at the register."""
    found = asyncio.run(_machtiging(organisatie, omgeving, ask=ask))
    if json:
        output.print_json(found)
    elif found is None:
        output.console.print("There is no machtiging; ask for one with --ask.")
    else:
        output.print_fields({"gemachtigde": found.gemachtigde, "namens": found.namens, "state": found.state})


@asynccontextmanager
async def _opened(organisatie: str, omgeving: str | None) -> AsyncIterator[_Desk]:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        aansluiting = aansluiting_with_cpa(
            await stores.registry.aansluitingen(organisatie), organisatie, omgeving, STAM
        )
        keyring = await open_keyring(config, stores)
        async with register_sessions(keyring, aansluiting.omgeving, open_proxies(config)) as sessions:
            clock = SystemClock()
            register = register_for(sessions, aansluiting, clock)
            yield _Desk(stores, aansluiting, CpaRequests(stores.errands, register, aansluiting, clock))


async def _request(
    organisatie: str, omgeving: str | None, endpoint: str, numbers: tuple[str, str], *, dry_run: bool
) -> CpaRequest | None:
    async with _opened(organisatie, omgeving) as desk:
        order = await desk.order(endpoint, *numbers)
        if not dry_run:
            return await desk.requests.request(order)
        check_order(order)
        return await desk.requests.known(order)


async def _by_hand(
    organisatie: str, omgeving: str | None, endpoint: str, specification: str, server_participant: str
) -> tuple[str, Mapping[str, str]]:
    """The address of the page and what to fill in there; the register is not asked anything."""
    async with wiring.open_stores(configuration()) as stores:
        aansluiting = aansluiting_with_cpa(
            await stores.registry.aansluitingen(organisatie), organisatie, omgeving, STAM
        )
        certificates = our_certificates(await stores.registry.certificates(aansluiting.omgeving), aansluiting)
    profile = load_register_profile()
    first = specification or profile.specification(aansluiting.omgeving)
    second = server_participant or profile.server_participant(aansluiting.omgeving)
    order = RegisterOrder(first or _UNKNOWN, second or _UNKNOWN, organisatie, endpoint, certificates)
    check_order(order)
    pages = aansluiting.dso.register_pages_url if aansluiting.dso else ""
    site = pages or profile.site(register_url(aansluiting))
    return profile.page(site, first, second) if first and second else site, fields_by_hand(order)


async def _status(organisatie: str, omgeving: str | None) -> tuple[list[CpaRequest], list[Errand]]:
    async with _opened(organisatie, omgeving) as desk:
        found = list(await desk.requests.register.requests(organisatie))
        return found, list(await desk.stores.errands.errands(desk.aansluiting.id))


async def _download(organisatie: str, omgeving: str | None, request_id: str) -> tuple[CpaRequest, bytes]:
    async with _opened(organisatie, omgeving) as desk:
        return await desk.requests.download(request_id)


async def _regenerate(organisatie: str, omgeving: str | None, request_id: str, *, dry_run: bool) -> CpaRequest:
    async with _opened(organisatie, omgeving) as desk:
        if dry_run:
            return await desk.requests.look_up(request_id)
        return await desk.requests.regenerate(request_id, await desk.certificates())


async def _machtiging(organisatie: str, omgeving: str | None, *, ask: bool) -> RegisterMachtiging | None:
    async with _opened(organisatie, omgeving) as desk:
        return await (desk.requests.ask_machtiging() if ask else desk.requests.machtiging())


def _facts(found: CpaRequest) -> dict[str, object]:
    order = found.order
    return {
        "request": found.id,
        "state": found.state,
        "cpa_id": found.cpa_id or None,
        "reason": found.reason or None,
        "replaces": found.replaces or None,
        "specification": order.specification,
        "server_participant": order.server_participant,
        "organisatie": order.oin,
        "endpoint": order.endpoint,
        "uses": [use.value for use in order.certificates],
    }


def _tell_by_hand(page: str, fields: Mapping[str, str], json: bool) -> None:
    if json:
        output.print_json({"page": page, "fields": fields})
        return
    output.console.print(f"Open {page} en log in met eHerkenning. Vul in:\n", markup=False)
    output.print_fields(fields)
    output.console.print(
        "\nHaal de gemaakte CPA daar op en lees haar ongewijzigd in met `digikoppelaar cpa import BESTAND`; bied haar "
        "daarna aan met `digikoppelaar cpa offer CPAID`.",
        markup=False,
    )
