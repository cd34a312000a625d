"""`digikoppelaar kennisgeving`: notices from draft to publication, and who did what to them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.http_out import MtlsSessions
from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.adapters.public_tls import PublicContexts
from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, OnlyOmgeving, OnlyOrganisatie, WhichOmgeving, configuration, known_state
from digikoppelaar.cli.files import MEBIBYTE, read_file
from digikoppelaar.drop.characters import shown
from digikoppelaar.drop.document import from_document, read_document
from digikoppelaar.drop.envelope import request
from digikoppelaar.drop.findings import Checked
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.preview import as_html, as_text
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import Attempt, KennisgevingFilter, LogLine, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.ports.tellings import StoredTelling
from digikoppelaar.opening import open_keyring, open_proxies, open_sessions
from digikoppelaar.publishing import Publisher, desk
from digikoppelaar.wiring import Stores

app = typer.Typer(no_args_is_help=True, help="Kennisgevingen: draft, check, publish, and follow until they are there.")

Number = Annotated[int, typer.Argument(help="The number of the kennisgeving, as `kennisgeving list` shows it.")]
Override = Annotated[
    str, typer.Option("--override", help="Publish although a check blocks it: why. It stays on record.")
]
LARGEST: Final = 4 * MEBIBYTE
_PAGE: Final = 1000
"""Read at once, to find those of one omgeving or organisatie."""
COLUMNS: Final = {
    "number": "id",
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "case": "referentienummer",
    "moment": "moment",
    "state": "state",
    "due": "due_at",
    "dossier": "dossiernummer",
    "publication": "publication",
    "reason": "reason",
}
FINDING_COLUMNS: Final = {"severity": "severity", "code": "code", "where": "where", "what": "sentence"}
ATTEMPT_COLUMNS: Final = {
    "attempt": "number",
    "stage": "stage",
    "begun": "begun_at",
    "request (sha256)": "request_sha256",
    "answered": "answered_at",
    "status": "status",
    "bytes": "answer_size",
}
TELLING_COLUMNS: Final = {
    "tell": "state",
    "target": "target",
    "told": "told_at",
    "due": "due_at",
    "left out": "note",
    "reason": "reason",
}
LOG_COLUMNS: Final = {"at": "at", "event": "event", "state": "state", "by": "by", "detail": "detail"}


@dataclass(frozen=True, slots=True)
class Row:
    """A kennisgeving as a list shows it."""

    id: int
    omgeving: str
    organisatie_oin: str
    referentienummer: str
    moment: str
    blad: str
    state: str
    titel: str
    due_at: object
    dossiernummer: str | None
    publication: str | None
    publication_url: str | None
    differences: tuple[str, ...]
    reason: str | None
    advice: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One kennisgeving with what happened to it, what was sent of it when, and who is told of it."""

    kennisgeving: Row
    document: Mapping[str, object]
    log: tuple[LogLine, ...]
    attempts: tuple[Attempt, ...]
    tellings: tuple[StoredTelling, ...]


@app.command("list")
def list_kennisgevingen(
    omgeving: OnlyOmgeving = None,
    organisatie: OnlyOrganisatie = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    verzoeknummer: Annotated[str | None, typer.Option(help="Only those about this verzoek.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
) -> None:
    """List kennisgevingen, the newest first."""
    wanted = KennisgevingFilter(
        state=known_state(state, [each.value for each in KennisgevingState]), verzoeknummer=verzoeknummer, limit=limit
    )
    rows = asyncio.run(_list(wanted, omgeving, organisatie))
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No kennisgevingen.")


@app.command("show")
def show(number: Number, json: Json = False) -> None:
    """Show one kennisgeving: how far it is, why it waits, who did what to it, and what was sent when.

    Requests and answers are kept as they were: `export` gives them.
    """
    page = asyncio.run(_show(number))
    if json:
        output.print_json(page)
        return
    output.print_fields({name: value for name, value in asdict(page.kennisgeving).items() if value})
    output.print_table(LOG_COLUMNS, page.log, "Nothing happened to it.")
    output.print_table(ATTEMPT_COLUMNS, page.attempts, "Nothing was sent.")
    output.print_table(TELLING_COLUMNS, page.tellings, "Nobody is to be told.")


@app.command("draft")
def draft(
    verzoeknummer: Annotated[
        str | None, typer.Argument(help="The verzoek that it is about.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="A kennisgeving as JSON, in place of one made of a verzoek.")
    ] = None,
    omgeving: WhichOmgeving = None,
    number: Annotated[int, typer.Option(min=1, help="The how manieth of its moment, for --file.")] = 1,
    json: Json = False,
) -> None:
    """Draft a kennisgeving: of a verzoek that was delivered, or from a file. Nothing is sent before `publish`.

    Drafting the same again changes nothing.
    """
    if (verzoeknummer is None) == (file is None):
        raise ConfigError("give VERZOEKNUMMER or --file", advice="Geef een van beide.")
    made = asyncio.run(_draft_file(file, omgeving, number) if file else _draft_of(verzoeknummer or "", omgeving))
    print_row(made, json=json, told=f"kennisgeving {made.id}: {made.state}")


@app.command("edit")
def edit(
    number: Number,
    file: Annotated[Path, typer.Option("--file", help="The kennisgeving as JSON; `show --json` gives it as it is.")],
    json: Json = False,
) -> None:
    """Put another text in the place of this one. It is a draft again, also when it was approved."""
    row = asyncio.run(_edit(number, from_document(_document(file))))
    print_row(row, json=json, told=f"kennisgeving {number} is a draft with the text of {file}")


@app.command("preview")
def preview(
    number: Number,
    xml: Annotated[bool, typer.Option("--xml", help="As it would be sent to KOOP.")] = False,
    html: Annotated[bool, typer.Option("--html", help="As a reader sees it, as HTML.")] = False,
) -> None:
    """Show the kennisgeving as its reader will see it."""
    kennisgeving, publisher = asyncio.run(_kennisgeving(number))
    if xml:
        assert publisher.publishing, "it is of kind drop"
        typer.echo(request(kennisgeving, load_drop_profile(publisher.publishing.profile).envelope).body.decode())
    else:
        typer.echo(shown((as_html if html else as_text)(kennisgeving.titel, kennisgeving.tekst)))


@app.command("check")
def check(number: Number, json: Json = False) -> None:
    """Check a kennisgeving against the law and for personal data. Exit status 1 when it may not be sent like this."""
    checked = asyncio.run(_check(number))
    if json:
        output.print_json({"good": checked.good, "blocked": checked.blocked, "findings": checked.findings})
    else:
        output.print_table(FINDING_COLUMNS, checked.findings, "Nothing to be said of it.")
    if checked.blocked:
        raise typer.Exit(1)


@app.command("publish")
def publish(
    number: Number,
    on: Annotated[str | None, typer.Option(help="The day on which it is to appear, as 2026-06-02.")] = None,
    override: Override = "",
    json: Json = False,
) -> None:
    """Approve a kennisgeving: the gateway sends it to KOOP when its time has come."""
    row, provisional = asyncio.run(_publish(number, _day(on), override))
    print_row(row, json=json, told=f"kennisgeving {number} is planned and will be sent at {output.cell(row.due_at)}")
    if provisional and not json:
        output.console.print("How KOOP takes it is provisional: profile koop-3pas says which facts are assumed.")


@app.command("verify")
def verify(number: Number, json: Json = False) -> None:
    """Look at KOOP now whether a kennisgeving is published. Exit status 1 when it is not there."""
    row = asyncio.run(_verify(number))
    found = row.publication
    print_row(row, json=json, told=f"published as {found.number}: {found.url}" if found else "not there yet")
    if found is None:
        raise typer.Exit(1)


# --- What they do ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The stores, and who publishes."""

    stores: Stores
    publishers: Mapping[int, Aansluiting]
    desk: Desk


@asynccontextmanager
async def opened_desk() -> AsyncIterator[Opened]:
    """The desk of this installation, for one command."""
    config = configuration()
    async with wiring.open_stores(config) as stores:
        found = {each.id: each for each in await stores.registry.aansluitingen() if each.publishing}
        yield Opened(stores, found, desk(config, stores, [*found.values()], SystemClock()))


def who() -> Who:
    """Whoever runs this command, now."""
    return Who(os_user(), SystemClock().now())


async def _list(wanted: KennisgevingFilter, omgeving: str | None, organisatie: str | None) -> list[Row]:
    found: list[Row] = []
    async with opened_desk() as opened:
        page = replace(wanted, limit=max(wanted.limit, _PAGE))
        while rows := await opened.stores.kennisgevingen.kennisgevingen(page):
            named = [_row(each, opened.publishers) for each in rows]
            found += [
                each
                for each in named
                if omgeving in {None, each.omgeving} and organisatie in {None, each.organisatie_oin}
            ]
            if len(found) >= wanted.limit:
                break
            page = replace(page, before=rows[-1].id)
    return found[: wanted.limit]


async def _show(number: int) -> Page:
    async with opened_desk() as opened:
        store = opened.stores.kennisgevingen
        row = await store.kennisgeving(number)
        log, attempts = tuple(await store.log(number)), tuple(await store.attempts(number))
        tellings = tuple(await opened.stores.tellings.of(number))
        return Page(_row(row, opened.publishers), row.document, log, attempts, tellings)


async def _draft_of(verzoeknummer: str, omgeving: str | None) -> StoredKennisgeving:
    async with opened_desk() as opened:
        store = opened.stores.kennisgevingen
        known = await store.kennisgevingen(KennisgevingFilter(verzoeknummer=verzoeknummer))
        there = [each for each in known if omgeving in {None, _row(each, opened.publishers).omgeving}]
        found = [each for each in await store.undrafted(100, verzoeknummer) if omgeving in {None, each.omgeving}]
        if not found and there:
            return there[0]
        if not found:
            raise ConfigError(
                f"no kennisgeving can be drafted of verzoek {verzoeknummer}",
                advice="Het verzoek moet zijn bezorgd, en zijn organisatie moet een aansluiting van soort drop hebben: "
                "zie `digikoppelaar verzoek show`.",
            )
        if len(found) > 1:
            raise ConfigError(f"there is more than one verzoek {verzoeknummer}", advice="Kies met --omgeving.")
        made = await opened.desk.draft_of(found[0], who())
        if isinstance(made, str):
            raise ConfigError(f"verzoek {verzoeknummer} gets no kennisgeving", advice=made)
        return made


async def _draft_file(file: Path, omgeving: str | None, number: int) -> StoredKennisgeving:
    kennisgeving = from_document(_document(file))
    async with opened_desk() as opened:
        oin = kennisgeving.publicist.oin
        found = [
            each
            for each in opened.publishers.values()
            if each.organisatie_oin == oin and omgeving in {None, each.omgeving}
        ]
        if len(found) != 1:
            raise ConfigError(
                f"{len(found)} aansluitingen of kind drop of organisatie {oin}",
                advice="Leg de aansluiting vast, of kies met --omgeving.",
            )
        return (await opened.desk.draft(kennisgeving, found[0], who(), number=number))[0]


async def _edit(number: int, kennisgeving: Kennisgeving) -> StoredKennisgeving:
    async with opened_desk() as opened:
        return await opened.desk.edit(number, kennisgeving, who())


async def _kennisgeving(number: int) -> tuple[Kennisgeving, Aansluiting]:
    async with opened_desk() as opened:
        row = await opened.stores.kennisgevingen.kennisgeving(number)
        return from_document(row.document), opened.desk.publisher_of(row)


async def _check(number: int) -> Checked:
    async with opened_desk() as opened:
        return await opened.desk.check(await opened.stores.kennisgevingen.kennisgeving(number))


async def _publish(number: int, on: date | None, override: str) -> tuple[StoredKennisgeving, bool]:
    """The planned kennisgeving, and whether how it will be sent is assumed."""
    async with opened_desk() as opened:
        row = await opened.desk.approve(number, who(), override=override, publish_on=on)
        settings = opened.desk.publisher_of(row).publishing
        return row, settings is not None and load_drop_profile(settings.profile).provisional


async def _verify(number: int) -> StoredKennisgeving:
    config = configuration()
    async with (
        wiring.open_stores(config) as stores,
        open_sessions(config, await open_keyring(config, stores)) as mtls,
        MtlsSessions(PublicContexts(), proxies=open_proxies(config)) as public,
    ):
        verification = Publisher(config, stores, mtls, public).verification()
        await verification.look_for(await stores.kennisgevingen.kennisgeving(number))
        return await stores.kennisgevingen.kennisgeving(number)


def _row(row: StoredKennisgeving, publishers: Mapping[int, Aansluiting]) -> Row:
    publisher, found = publishers.get(row.key.aansluiting_id), row.publication
    return Row(
        id=row.id,
        omgeving=publisher.omgeving if publisher else "",
        organisatie_oin=publisher.organisatie_oin if publisher else "",
        referentienummer=row.key.referentienummer,
        moment=row.key.moment,
        blad=row.key.blad,
        state=row.state,
        titel=str(row.document.get("titel", "")),
        due_at=row.due_at,
        dossiernummer=row.dossiernummer,
        publication=found.number if found else None,
        publication_url=found.url if found else None,
        differences=found.differences if found else (),
        reason=row.reason,
        advice=row.advice,
    )


def print_row(row: StoredKennisgeving, *, json: bool, told: str) -> None:
    """The kennisgeving as JSON, or one line."""
    if json:
        output.print_json(row)
    else:
        output.console.print(told, markup=False)


def _document(file: Path) -> Mapping[str, object]:
    document = read_document(read_file(file, LARGEST, "a kennisgeving"))
    kept = document.get("document", document)  # of `show --json` only what can be changed
    return kept if isinstance(kept, Mapping) else document


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"--on {text!r} is no date", advice="Schrijf bijvoorbeeld 2026-06-02.") from None
