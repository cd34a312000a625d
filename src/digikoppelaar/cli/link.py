"""`digikoppelaar verzoek link` and `unlink`: tying a verzoeknummer to a case that was made elsewhere."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, WhichOmgeving, WhichOrganisatie, configuration
from digikoppelaar.cli.files import MEBIBYTE, read_file
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.linking import Asked, Judged, Verdict, aansluiting_for, judged, link_all, read_links
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, Who
from digikoppelaar.flows.reading import VerzoekFilter
from digikoppelaar.wiring import Stores

TargetName = Annotated[str, typer.Option("--target", help="The target that has the case, when there are more.")]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report."""

    line: int
    verzoeknummer: str
    zaak: str
    verdict: str
    problem: str
    advice: str


@dataclass(frozen=True, slots=True)
class Row:
    """A link on record, with whose it is."""

    omgeving: str
    organisatie_oin: str
    verzoeknummer: str
    target: str
    zaak: str
    linked_at: datetime
    linked_by: str


_LARGEST: Final = 16 * MEBIBYTE
"""Bytes: a hundred thousand lines."""
LINE_COLUMNS = {
    "line": "line",
    "verzoeknummer": "verzoeknummer",
    "zaak": "zaak",
    "verdict": "verdict",
    "problem": "problem",
}
LINK_COLUMNS = {
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "target": "target",
    "zaak": "zaak",
    "linked": "linked_at",
    "by": "linked_by",
}


def link(
    verzoeknummer: Annotated[str, typer.Argument(show_default=False)] = "",
    zaak: Annotated[str, typer.Argument(help="The case, as its case system refers to it.", show_default=False)] = "",
    target: TargetName = "",
    organisatie: WhichOrganisatie = None,
    omgeving: WhichOmgeving = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="A file with columns verzoeknummer, zaak and, if needed, target, oin, omgeving."),
    ] = None,
    replaces: Annotated[bool, typer.Option("--replace", help="Also when another case was linked.")] = False,
    shows: Annotated[bool, typer.Option("--list", help="Show what is linked and change nothing.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Tie a verzoeknummer to a case that was made by hand or by an earlier system.

    Whatever comes in under that number continues the case. Linking twice is harmless. A file is taken whole or not at
    all. A verzoek that is parked already goes on after `verzoek release`.
    """
    asked = Asked(verzoeknummer, zaak, target, organisatie or "", omgeving or "")
    if shows:
        rows = asyncio.run(_links(asked))
        output.print_json(rows) if json else output.print_table(LINK_COLUMNS, rows, "Nothing is linked.")
        return
    if (csv is None) == (not verzoeknummer or not zaak):
        raise ConfigError("give VERZOEKNUMMER and ZAAK, or --csv FILE", advice="Geef een van beide.")
    lines = asyncio.run(_link(asked, csv, replaces=replaces, dry_run=dry_run))
    if not _report(lines, dry_run=dry_run, json=json):
        raise typer.Exit(1)


def _report(lines: Sequence[Judged], *, dry_run: bool, json: bool) -> bool:
    """Tell each line and how it ended; False when nothing was linked because a line is refused."""
    refused = [each for each in lines if each.verdict is Verdict.REFUSED]
    told = [
        Line(each.asked.line, each.asked.verzoeknummer, each.asked.zaak, each.verdict, each.problem, each.advice)
        for each in lines
    ]
    if json:
        output.print_json({"linked": not refused and not dry_run, "lines": told})
        return not refused
    output.print_table(LINE_COLUMNS, told, "No lines.")
    for advice in dict.fromkeys(each.advice for each in refused):
        output.errors.print(f"wat te doen: {advice}", markup=False)
    output.console.print("Nothing changed: lines are refused." if refused else _ending("Linked.", dry_run=dry_run))
    return not refused


def _ending(done: str, *, dry_run: bool) -> str:
    return "Nothing changed: --dry-run." if dry_run else done


def unlink(
    verzoeknummer: str,
    target: TargetName = "",
    organisatie: WhichOrganisatie = None,
    omgeving: WhichOmgeving = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take the link of a verzoeknummer away; the case itself is left alone. Doing it twice is harmless."""
    gone = asyncio.run(_unlink(Asked(verzoeknummer, "", target, organisatie or "", omgeving or ""), dry_run=dry_run))
    if json:
        output.print_json({"unlinked": bool(gone) and not dry_run, "links": gone})
        return
    for each in gone:
        output.console.print(f"{each.verzoeknummer} at {each.target}: {each.case_reference}", markup=False)
    output.console.print(_ending("Unlinked.", dry_run=dry_run) if gone else "Nothing is linked.")


async def _link(asked: Asked, csv: Path | None, *, replaces: bool, dry_run: bool) -> Sequence[Judged]:
    async with wiring.open_stores(configuration()) as stores:
        wanted = [await _located(stores, asked)] if csv is None else _with_defaults(_read(csv), asked)
        kept = await stores.links.links()
        lines = judged(wanted, await stores.registry.aansluitingen(), kept, replace=replaces)
        if not dry_run:
            who = Who(os_user(), SystemClock().now())
            await link_all(stores.links, lines, who, replace=replaces)
        return lines


async def _unlink(asked: Asked, *, dry_run: bool) -> Sequence[CaseLink]:
    async with wiring.open_stores(configuration()) as stores:
        found = await _located(stores, asked)
        aansluiting = aansluiting_for(found, await stores.registry.aansluitingen())
        if dry_run:
            kept = [each.link for each in await stores.links.links(aansluiting.id, asked.verzoeknummer)]
            return [each for each in kept if asked.target in ("", each.target)]
        who = Who(os_user(), SystemClock().now())
        return await stores.links.unlink(aansluiting.id, asked.verzoeknummer, asked.target or None, who)


async def _links(asked: Asked) -> list[Row]:
    async with wiring.open_stores(configuration()) as stores:
        whose = {each.id: each for each in await stores.registry.aansluitingen()}
        kept = await stores.links.links(verzoeknummer=asked.verzoeknummer or None)
    rows = [_row(each, whose[each.link.aansluiting_id]) for each in kept]
    return [row for row in rows if asked.oin in ("", row.organisatie_oin) and asked.omgeving in ("", row.omgeving)]


def _row(kept: KeptLink, whose: Aansluiting) -> Row:
    link = kept.link
    place = (whose.omgeving, whose.organisatie_oin, link.verzoeknummer)
    return Row(*place, link.target, link.case_reference, kept.linked_at, kept.linked_by)


async def _located(stores: Stores, asked: Asked) -> Asked:
    """With the aansluiting in which the verzoek came in, when that is one and nothing else was said."""
    rows = await stores.reading.verzoeken(VerzoekFilter(asked.omgeving or None, asked.oin or None, asked.verzoeknummer))
    places = {(row.organisatie_oin, row.omgeving) for row in rows}
    if len(places) != 1:
        return asked
    [(oin, omgeving)] = places
    return replace(asked, oin=oin, omgeving=omgeving)


def _with_defaults(lines: Sequence[Asked], asked: Asked) -> list[Asked]:
    """What the command line says counts for lines that do not say it themselves."""
    return [
        replace(
            each,
            target=each.target or asked.target,
            oin=each.oin or asked.oin,
            omgeving=each.omgeving or asked.omgeving,
        )
        for each in lines
    ]


def _read(file: Path) -> Sequence[Asked]:
    content = read_file(file, _LARGEST, "a list of links")
    try:
        return read_links(content)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}", advice=error.advice) from error
