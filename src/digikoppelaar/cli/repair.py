"""`digikoppelaar verzoek redeliver|refetch|park|release`: repairing by hand what did not go by itself.

With --dry-run a command says what would move, and what that would do to the case system; it changes nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, WhichOmgeving, WhichOrganisatie, configuration
from digikoppelaar.cli.verzoek import aansluiting_of
from digikoppelaar.errors import ConfigError, ContentPurged
from digikoppelaar.flows.deliver import ELSEWHERE, Preview
from digikoppelaar.flows.ports import Parked
from digikoppelaar.flows.ports.kennisgevingen import Origin
from digikoppelaar.flows.ports.repair import Moved, ParkedFilter, Redelivery, Replayed, Which, Who
from digikoppelaar.flows.reading import VerzoekFilter
from digikoppelaar.flows.repair import NEWER, Released, is_damaged, notification_in, release_all
from digikoppelaar.flows.targets import targets_of
from digikoppelaar.flows.telling import tell_again, tell_all_again
from digikoppelaar.stam.rules import SET_ASIDE
from digikoppelaar.wiring import Stores

OnlyTarget = Annotated[str | None, typer.Option("--target", help="Only at this target.")]
MOST = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to the case system with one version."""

    volgnummer: int
    targets: tuple[Preview, ...]


def redeliver(
    verzoeknummer: str,
    since: Annotated[
        int | None, typer.Option("--since", min=0, help="This volgnummer and every later one, not only the newest.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Only at this target, and at one that was added since.")
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Forget what was done, for a case system that lost it.")
    ] = False,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Deliver again what was delivered. Steps that are on record are not repeated, unless --from-scratch.

    A case system looks before it makes, so that nothing that is there is made twice. A target that was added since gets
    the verzoek too, also with --target.
    """
    wanted = Redelivery(Which(0, verzoeknummer, since), target, from_scratch)
    moved, plans = asyncio.run(_redeliver(wanted, _filter(verzoeknummer, omgeving, organisatie), dry_run=dry_run))
    if json:
        output.print_json({"redelivered": bool(moved) and not dry_run, "versions": moved, "plans": plans})
        return
    for each in moved:
        output.console.print(f"deliver volgnummer {each.volgnummer} again")
    _print_plans(plans)
    _print_end(bool(moved), "It will be delivered again.", "Nothing of it is delivered.", dry_run=dry_run)


def refetch(
    verzoeknummer: Annotated[str, typer.Argument(show_default=False)] = "",
    from_message: Annotated[
        str | None, typer.Option("--from-message", help="Take the notification in this stored message in again.")
    ] = None,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Fetch a verzoek again from DSO-LV: files that are away or damaged are replaced, and a new version is taken in."""
    if bool(verzoeknummer) == bool(from_message):
        raise ConfigError("give VERZOEKNUMMER or --from-message", advice="Geef een van beide.")
    if from_message:
        _replay(from_message, omgeving, dry_run=dry_run, json=json)
        return
    damaged = asyncio.run(_refetch(_filter(verzoeknummer, omgeving, organisatie), dry_run=dry_run))
    if json:
        output.print_json({"refetches": not dry_run, "damaged": damaged})
        return
    for volgnummer, names in damaged.items():
        output.console.print(f"volgnummer {volgnummer}: {', '.join(names)} away or damaged", markup=False)
    _print_end(True, "It will be fetched again.", "", dry_run=dry_run)


def park(
    verzoeknummer: str,
    reason: Annotated[str, typer.Option("--reason", help="Why, in one line without personal data; it is shown.")],
    volgnummer: Annotated[int | None, typer.Option("--volgnummer", min=0, help="Only this version.")] = None,
    target: OnlyTarget = None,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Park a verzoek: nothing is done for it until `verzoek release`, also when it is announced again.

    What is under way at this very moment may still succeed.
    """
    which = Which(0, verzoeknummer, volgnummer)
    moved = asyncio.run(_park(which, target, reason, _filter(verzoeknummer, omgeving, organisatie), dry_run=dry_run))
    if json:
        output.print_json({"parked": bool(moved) and not dry_run, "what": moved})
        return
    for each in moved:
        what = "a notification" if each.volgnummer is None else f"volgnummer {each.volgnummer}"
        output.console.print(f"park {what}, which is {each.before}")
    _print_end(bool(moved), "Parked.", "Nothing of it goes on.", dry_run=dry_run)


def release(
    verzoeknummer: Annotated[str | None, typer.Argument(show_default=False)] = None,
    all_that_failed: Annotated[bool, typer.Option("--all", help="Every verzoek that failed and fits.")] = False,
    state: Annotated[str, typer.Option("--state", help="With --all: only parked can be released.")] = "parked",
    target: Annotated[str | None, typer.Option("--target", help="With --all: that failed at this target.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="With --all: with this text in its reason.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="With --all: at most so many.")] = 100,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Show what of a verzoek is parked, and let it go on from a first attempt. Doing it twice is harmless.

    With --all everything that failed, those that wait longest first, and then what case systems and applications could
    not be told of kennisgevingen. What a person or a rule parked is not among them:
    release that one by one.
    """
    if all_that_failed == (verzoeknummer is not None) or state != "parked":
        raise ConfigError("give VERZOEKNUMMER, or --all with state parked", advice="Geef een van beide.")
    if all_that_failed:
        fits = ParkedFilter(omgeving, organisatie, target, reason, limit)
        _print_all(*asyncio.run(_release_all(fits, dry_run=dry_run)), dry_run=dry_run, json=json)
        return
    wanted = _filter(verzoeknummer or "", omgeving, organisatie)
    parked, plans, untold = asyncio.run(_release(wanted, dry_run=dry_run))
    any_parked = bool(parked or untold)
    if json:
        plan = {"plans": plans} if dry_run else {}
        output.print_json({"released": any_parked and not dry_run, "parked": parked, "untold": untold, **plan})
        return
    _print_parked(parked)
    _print_untold(untold)
    _print_plans(plans)
    _print_end(any_parked, "Released.", "Nothing of it is parked.", dry_run=dry_run)


# --- What they do -----------------------------------------------------------------------------------------------


def _filter(verzoeknummer: str, omgeving: str | None, organisatie: str | None) -> VerzoekFilter:
    return VerzoekFilter(omgeving=omgeving, organisatie_oin=organisatie, verzoeknummer=verzoeknummer)


def _who() -> Who:
    return Who(os_user(), SystemClock().now())


async def _redeliver(
    wanted: Redelivery, where: VerzoekFilter, *, dry_run: bool
) -> tuple[Sequence[Moved], Sequence[Plan]]:
    async with wiring.open_stores(configuration()) as stores:
        which = replace(wanted.which, aansluiting_id=await aansluiting_of(stores.reading, where))
        await _check_target(stores, which.aansluiting_id, wanted.target)
        found = replace(wanted, which=which)
        moved = await stores.repairs.redeliver(found, _who(), dry_run=dry_run)
        plans = await _plans(stores, [(each.id, each.volgnummer) for each in moved], found) if dry_run else ()
        return moved, plans


async def _check_target(stores: Stores, aansluiting_id: int, target: str | None) -> None:
    """A name with a typing error must not be silently without effect. Raises ConfigError."""
    aansluiting = next(each for each in await stores.registry.aansluitingen() if each.id == aansluiting_id)
    names = {each.name for each in targets_of(aansluiting.case_system)}
    if target not in {None, *names}:
        known = ", ".join(sorted(names)) or "none"
        raise ConfigError(
            f"there is no target {target}; there is {known}", advice="Zie `digikoppelaar casesystem list`."
        )


async def _plans(
    stores: Stores, versions: Iterable[tuple[int, int | None]], wanted: Redelivery | None = None
) -> tuple[Plan, ...]:
    """What would be done to the case system with these versions (id, volgnummer)."""
    from digikoppelaar import gateway  # heavy, and only a dry run needs it

    async with gateway.open_delivery(configuration(), stores) as delivery:
        return tuple(
            [
                Plan(volgnummer, await delivery.preview(verzoek_id, wanted))
                for verzoek_id, volgnummer in versions
                if volgnummer is not None
            ]
        )


async def _refetch(where: VerzoekFilter, *, dry_run: bool) -> dict[int, list[str]]:
    """What of each version is damaged, by kind and DSO-LV's id: names of files are the applicant's."""
    config = configuration()
    blobs = FolderBlobs(config.data_folder / "blobs")
    async with wiring.open_stores(config) as stores:
        aansluiting_id = await aansluiting_of(stores.reading, where)
        found: dict[int, list[str]] = {}
        which = Which(aansluiting_id, where.verzoeknummer or "")
        versions = [await stores.verzoeken.verzoek(each) for each in await stores.repairs.versions(which)]
        if versions and (gone := versions[-1].purged_at) and versions[-1].action not in SET_ASIDE:
            raise ContentPurged(f"volgnummer {versions[-1].volgnummer}", gone, advice=f"{ELSEWHERE} {NEWER}")
        for verzoek in versions:
            fetched = [file for file in verzoek.files if file.blob is not None]
            damaged = [f"{file.kind.value} {file.document_id}" for file in fetched if await is_damaged(blobs, file)]
            if damaged:
                found[verzoek.volgnummer] = damaged
        if not dry_run:
            await stores.repairs.refetch(which, _who())
        return found


def _replay(message_id: str, omgeving: str | None, *, dry_run: bool, json: bool) -> None:
    verzoeknummer, outcome = asyncio.run(_replayed(message_id, omgeving, dry_run=dry_run))
    if json:
        output.print_json({"verzoeknummer": verzoeknummer, "outcome": outcome, "changed": not dry_run})
        return
    says = {
        Replayed.TAKEN_IN: "it will be fetched.",
        Replayed.WAITS: "it waits to be fetched already.",
        Replayed.FETCHED_AGAIN: "it will be fetched again.",
    }[outcome]
    output.console.print(f"Verzoek {verzoeknummer}: {says}", markup=False)
    if dry_run:
        output.console.print("Nothing changed: --dry-run.")


async def _replayed(message_id: str, omgeving: str | None, *, dry_run: bool) -> tuple[str, Replayed]:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        found = await stores.repairs.inbound(message_id, omgeving)
        if not found:
            raise ConfigError(f"there is no accepted message {message_id}", advice="Zie `digikoppelaar message list`.")
        if len(found) > 1:
            raise ConfigError(f"message {message_id} came in more than once", advice="Kies met --omgeving.")
        new = await notification_in(found[0].payload, FolderBlobs(config.data_folder / "blobs"))
        outcome = await stores.repairs.replay(found[0].id, new, _who(), dry_run=dry_run)
        return new.verzoeknummer, outcome


async def _park(
    which: Which, target: str | None, reason: str, where: VerzoekFilter, *, dry_run: bool
) -> Sequence[Moved]:
    async with wiring.open_stores(configuration()) as stores:
        found = replace(which, aansluiting_id=await aansluiting_of(stores.reading, where))
        if target is not None:
            return await stores.repairs.park_target(found, target, reason, _who(), dry_run=dry_run)
        return await stores.repairs.park(found, reason, _who(), dry_run=dry_run)


async def _release(where: VerzoekFilter, *, dry_run: bool) -> tuple[Sequence[Parked], Sequence[Plan], Sequence[int]]:
    """What was parked, what would be done with it, and the kennisgevingen about it of which somebody was not told."""
    if not where.verzoeknummer:
        raise ConfigError(
            "a notification without verzoeknummer cannot be released: there is nothing to ask DSO-LV for",
            advice="Zoek het bericht op met `digikoppelaar message list` en vraag DSO-LV om een nieuwe notificatie.",
        )
    async with wiring.open_stores(configuration()) as stores:
        aansluiting_id, who = await aansluiting_of(stores.reading, where), _who()
        parked = await stores.verzoeken.release(
            aansluiting_id, where.verzoeknummer, who.at, by=who.name, dry_run=dry_run
        )
        plans = await _plans(stores, [(each.id, each.volgnummer) for each in parked]) if dry_run else ()
        origin = Origin(aansluiting_id, where.verzoeknummer)
        return parked, plans, await tell_again(stores.kennisgevingen, stores.tellings, origin, who, dry_run=dry_run)


async def _release_all(wanted: ParkedFilter, *, dry_run: bool) -> tuple[Sequence[Released], Sequence[int]]:
    """Both together at most `limit`."""
    async with wiring.open_stores(configuration()) as stores:
        who = _who()
        released = await release_all(stores.repairs, stores.verzoeken, wanted, who, dry_run=dry_run)
        rest = replace(wanted, limit=max(0, wanted.limit - len(released)))
        return released, await tell_all_again(stores.tellings, rest, who, dry_run=dry_run)


# --- What they say ----------------------------------------------------------------------------------------------


def _print_parked(parked: Sequence[Parked]) -> None:
    for each in parked:
        what = "fetch it" if each.volgnummer is None else f"deliver volgnummer {each.volgnummer}"
        output.console.print(f"{what} again; it was parked because: {each.reason}", markup=False)


def _print_untold(untold: Sequence[int]) -> None:
    for kennisgeving in untold:
        output.console.print(f"tell again what became of kennisgeving {kennisgeving}")


def _print_all(released: Sequence[Released], untold: Sequence[int], *, dry_run: bool, json: bool) -> None:
    count = len(released) + len(untold)
    if json:
        output.print_json({"released": bool(count) and not dry_run, "verzoeken": released, "untold": untold})
        return
    for each in released:
        output.console.print(f"verzoek {each.which.verzoeknummer}", markup=False)
        _print_parked(each.parked)
    _print_untold(untold)
    _print_end(bool(count), f"Released: {count}.", "Nothing that failed fits.", dry_run=dry_run)


def _print_plans(plans: Iterable[Plan]) -> None:
    for plan in plans:
        for preview in plan.targets:
            where = f"volgnummer {plan.volgnummer}" + (f", target {preview.target}" if preview.target else "")
            output.console.print(f"{where}:", markup=False)
            for line in _lines(preview):
                output.console.print(f"  {line}", markup=False)


def _lines(preview: Preview) -> Iterable[str]:
    if preview.problem:
        yield f"cannot be told: {preview.problem}"
        yield f"wat te doen: {preview.advice}"
    elif preview.delivered:
        yield "has it; nothing would be done"
    for step in preview.steps:
        yield f"[{'done' if step.done else 'to do'}] {step.name}: {step.what}"


def _print_end(any_moved: bool, done: str, nothing: str, *, dry_run: bool) -> None:
    if not any_moved:
        output.console.print(nothing)
    else:
        output.console.print("Nothing changed: --dry-run." if dry_run else done)
