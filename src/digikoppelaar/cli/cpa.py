"""`digikoppelaar cpa` and `digikoppelaar ping`: the agreements, and whether the partner answers.

Commands that take FILE need no database; those that take CPAID work on what was imported. Making a CPA is in
`cpa_build`.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, Yes, can_answer, configuration
from digikoppelaar.ebms.agreement import Action, Agreement, Tolerances
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.ebms.cpa_subject import Finding, Judgement, Severity
from digikoppelaar.ebms.cpa_summary import Difference, difference, summary
from digikoppelaar.errors import ConfigError, CpaError, PartnerUnreachable, XmlError
from digikoppelaar.flows import cpas
from digikoppelaar.flows.cpas import TOLERANCES, ImportChoice, action_named, names_of, preview, tolerances_of
from digikoppelaar.flows.outbound import domain_of
from digikoppelaar.flows.ports import Consumer, CpaRecord
from digikoppelaar.pki.policy import Policy

app = typer.Typer(no_args_is_help=True, help="CPAs: the agreements under which messages go.")

OmgevingOption = Annotated[str | None, typer.Option(help="The omgeving, when more than one fits.")]
ConsumerOption = Annotated[Consumer | None, typer.Option(help="Who takes what comes in.")]
TolerateOption = Annotated[
    list[str] | None, typer.Option(help=f"Allow beyond the standard, again or with commas: {', '.join(TOLERANCES)}.")
]
_SIGNS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: None}


@app.command("import")
def import_cpa(
    file: Annotated[Path, typer.Argument(help="The CPA as the CPA register gave it.")],
    omgeving: OmgevingOption = None,
    kind: Annotated[str | None, typer.Option(help="stam or ebms, when both fit.")] = None,
    organisatie: Annotated[str | None, typer.Option(help="OIN, when both parties are of this installation.")] = None,
    consumer: ConsumerOption = None,
    tolerate: TolerateOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Other content under a known CPAId takes its place.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge it and tell what would change.")] = False,
    json: Json = False,
) -> None:
    """Import a CPA for the aansluiting whose organisatie is one of its parties. The same file again changes nothing."""
    choice = ImportChoice(
        omgeving=omgeving,
        kind=kind,
        organisatie=organisatie,
        consumer=consumer,
        tolerances=None if tolerate is None else tolerances_of(_listed(tolerate)),
        replace=replace,
        dry_run=dry_run,
    )
    try:
        imported = asyncio.run(wiring.import_cpa(configuration(), _read(file), choice))
    except XmlError as error:
        raise CpaError(f"{file}: {error}") from error
    if json:
        said = {"changed": imported.changed, "dry_run": dry_run, "findings": imported.findings}
        output.print_json({**said, **_facts(imported.cpa)})
        return
    _print_findings(imported.findings)
    done = "Would import" if dry_run else "Imported"
    what = done if imported.changed else "Already there, unchanged:"
    output.console.print(f"{what} {imported.cpa.agreement.cpa_id}", markup=False)


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="A CPA.")],
    policy: Annotated[Policy, typer.Option(help="How strict to be.")] = Policy.STRICT,
    json: Json = False,
) -> None:
    """Judge a CPA, without a database: every finding with its place and what to do. Exit status 1 with an error."""
    found = findings(_read(file), Judgement(SystemClock().now(), policy))
    if json:
        output.print_json(found)
    else:
        _print_findings(found)
        counted = {severity: sum(one.severity is severity for one in found) for severity in Severity}
        output.console.print(", ".join(f"{severity.value}: {number}" for severity, number in counted.items()))
    if any(one.severity is Severity.ERROR for one in found):
        raise typer.Exit(1)


@app.command()
def show(
    cpa: Annotated[str | None, typer.Argument(help="A CPAId or the file of a CPA; without it, all.")] = None,
    omgeving: OmgevingOption = None,
    json: Json = False,
) -> None:
    """Show what a CPA says: one that was imported, or one in a file."""
    if cpa and Path(cpa).is_file():
        _print_summary(Path(cpa).read_bytes(), json=json)
        return
    found = asyncio.run(_find(cpa, omgeving))
    if cpa and not found:
        raise ConfigError(f"there is no CPA {cpa}", advice="Zie `digikoppelaar cpa list`.")
    if json:
        output.print_json([_facts(each) for each in found])
        return
    if not found:
        output.console.print("No CPAs.")
    for each in found:
        output.print_fields(_facts(each))
        output.console.print()


@app.command("list")
def list_cpas(omgeving: OmgevingOption = None, json: Json = False) -> None:
    """List the CPAs that are in use, a line each."""
    found = [_facts(each) for each in asyncio.run(_find(None, omgeving))]
    if json:
        output.print_json(found)
        return
    for facts in found:
        words = (str(facts[name]) for name in ("cpa_id", "omgeving", "organisatie", "partner_id", "consumer"))
        output.console.print(f"{'  '.join(words)}  until {output.cell(facts['ends_at'])}", markup=False)
    if not found:
        output.console.print("No CPAs.")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A CPAId or the file of a CPA.")],
    after: Annotated[str, typer.Argument(help="The same, to compare with.")],
    omgeving: OmgevingOption = None,
    json: Json = False,
) -> None:
    """Say what the second CPA says otherwise: parties, certificates, addresses, retries, actions."""
    changes = difference(_document(before, omgeving), _document(after, omgeving))
    if json:
        output.print_json(changes)
        return
    for change in changes:
        output.console.print(told_difference(change), markup=False)
    if not changes:
        output.console.print("No difference.")


@app.command("preview")
def preview_message(
    cpa: Annotated[str, typer.Argument(help="A CPAId or the file of a CPA.")],
    action: Annotated[str, typer.Argument(help="The action that would be sent.")],
    service: Annotated[str | None, typer.Option(help="Its service, when more than one has this action.")] = None,
    sender: Annotated[str | None, typer.Option("--as", help="PartyId of who sends, for a file.")] = None,
    omgeving: OmgevingOption = None,
    json: Json = False,
) -> None:
    """Show the exact envelope that a message would get, with stand-ins for its identifiers and one payload."""
    agreement, domain = _seen_by_sender(cpa, action, sender, omgeving)
    found = action_named(agreement, service, action)
    if found is None:
        known = ", ".join(sorted({each.action for each in agreement.sends})) or "nothing"
        raise ConfigError(
            f"{action} cannot be sent by us under {agreement.cpa_id}; what can is: {known}",
            advice="Kies een actie die deze CPA ons laat zenden, of een andere CPA.",
        )
    envelope = preview(agreement, found, domain=domain, now=SystemClock().now()).decode()
    if json:
        told = {"cpa_id": agreement.cpa_id, "endpoint": found.channel.endpoint, "profile": found.profile}
        output.print_json({**told, "signed": found.sender_signs, "encrypted": found.encrypted, "envelope": envelope})
        return
    output.console.out(envelope, highlight=False)


@app.command("set")
def set_cpa(
    cpa_id: Annotated[str, typer.Argument(help="The CPAId.")],
    omgeving: OmgevingOption = None,
    consumer: ConsumerOption = None,
    tolerate: TolerateOption = None,
    no_tolerate: Annotated[list[str] | None, typer.Option(help="No longer allow this.")] = None,
    json: Json = False,
) -> None:
    """Give an imported CPA another consumer, or more or fewer tolerances."""
    more, fewer = set(_listed(tolerate or [])), set(_listed(no_tolerate or []))
    tolerances_of(more | fewer)
    changed = asyncio.run(_set(cpa_id, omgeving, consumer, more, fewer))
    if json:
        output.print_json(_facts(changed))
    else:
        output.print_fields(_facts(changed))


@app.command()
def remove(
    cpa_id: Annotated[str, typer.Argument(help="The CPAId.")],
    omgeving: OmgevingOption = None,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Also while messages under it wait.")] = False,
    json: Json = False,
) -> None:
    """Stop using a CPA: nothing is received or sent under it any more. Its messages stay readable."""
    if not yes:
        can_answer(json=json)
        typer.confirm(f"Stop using {cpa_id}?", abort=True)
    removed = asyncio.run(_remove(cpa_id, omgeving, force=force))
    if json:
        output.print_json({"cpa_id": cpa_id, "removed": removed})
    else:
        output.console.print(f"Removed {cpa_id}; its messages stay.", markup=False)


def ping(
    cpa_id: Annotated[str, typer.Argument(help="The CPAId under which to ping.")],
    omgeving: OmgevingOption = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the Pong.")] = 30.0,
    json: Json = False,
) -> None:
    """Send a Ping through the running gateway and wait for the partner's Pong."""
    cpa = one_cpa(asyncio.run(_find(cpa_id, omgeving)), cpa_id)
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


# --- Finding and changing ------------------------------------------------------------------------------------


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error


def _listed(names: list[str]) -> list[str]:
    return [name for each in names for name in each.split(",") if name]


async def _find(cpa_id: str | None, omgeving: str | None) -> list[CpaRecord]:
    async with wiring.open_stores(configuration()) as stores:
        return [cpa for cpa in await stores.registry.cpas(omgeving) if cpa_id in {None, cpa.agreement.cpa_id}]


def one_cpa(found: list[CpaRecord], cpa_id: str) -> CpaRecord:
    """The only one; raises ConfigError when there is none, or more."""
    if not found:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Zie `digikoppelaar cpa list`.")
    if len(found) > 1:
        raise ConfigError(f"CPA {cpa_id} is in more than one omgeving", advice="Kies met --omgeving.")
    return found[0]


def _document(cpa: str, omgeving: str | None) -> bytes:
    """The document in a file, or of an imported CPA."""
    return _read(Path(cpa)) if Path(cpa).is_file() else asyncio.run(_imported_document(cpa, omgeving))


async def _imported_document(cpa_id: str, omgeving: str | None) -> bytes:
    async with wiring.open_stores(configuration()) as stores:
        found = [each for each in await stores.registry.cpas(omgeving) if each.agreement.cpa_id == cpa_id]
        return await stores.registry.cpa_document(one_cpa(found, cpa_id).id)


def _seen_by_sender(cpa: str, action: str, sender: str | None, omgeving: str | None) -> tuple[Agreement, str]:
    """The agreement as who sends sees it, and the domain of its identifiers."""
    if not Path(cpa).is_file():
        record = one_cpa(asyncio.run(_find(cpa, omgeving)), cpa)
        return record.agreement, domain_of(record)
    document = _read(Path(cpa))
    sides = [side.party_ids[0].value for side in cpa_names(document).parties]
    seen = [read_agreement(document, {side}) for side in sides if sender in {None, side}]
    able = [agreement for agreement in seen if action_named(agreement, None, action)]
    if not seen:
        raise ConfigError(f"{sender} is no party of this CPA", advice=f"Kies met --as: {' of '.join(sides)}.")
    return (able or seen)[0], "voorbeeld.invalid"


async def _set(
    cpa_id: str, omgeving: str | None, consumer: Consumer | None, more: set[str], fewer: set[str]
) -> CpaRecord:
    async with wiring.open_stores(configuration()) as stores:
        registry = stores.registry
        cpa = one_cpa([each for each in await registry.cpas(omgeving) if each.agreement.cpa_id == cpa_id], cpa_id)
        wanted: Tolerances | None = None
        if more or fewer:
            wanted = tolerances_of((set(names_of(cpa.agreement.tolerances)) | more) - fewer)
        await registry.set_cpa(cpa.id, consumer=consumer, tolerances=wanted)
        return one_cpa([each for each in await registry.cpas(omgeving) if each.id == cpa.id], cpa_id)


async def _remove(cpa_id: str, omgeving: str | None, *, force: bool) -> bool:
    async with wiring.open_stores(configuration()) as stores:
        found = [each for each in await stores.registry.cpas(omgeving) if each.agreement.cpa_id == cpa_id]
        return await cpas.remove_cpa(stores.registry, one_cpa(found, cpa_id), force=force, now=SystemClock().now())


# --- Printing ------------------------------------------------------------------------------------------------


def _print_findings(found: tuple[Finding, ...]) -> None:
    for one in found:
        place = f"line {one.line}, {one.element}" if one.line else (one.element or "-")
        text = f"{one.severity.value:<8} {one.code}  {one.where} ({place}; {one.source})"
        output.console.print(text, markup=False, style=_SIGNS[one.severity])
        output.console.print(f"         {one.sentence}", markup=False)


def _print_summary(document: bytes, *, json: bool) -> None:
    said = summary(document)
    if json:
        output.print_json(said)
    else:
        output.print_fields(said)


def told_difference(change: Difference) -> str:
    """One line."""
    if change.before is None:
        return f"+ {change.what}: {change.after}"
    if change.after is None:
        return f"- {change.what}: {change.before}"
    return f"~ {change.what}: {change.before} -> {change.after}"


def _facts(cpa: CpaRecord) -> dict[str, object]:
    agreement = cpa.agreement
    return {
        "cpa_id": agreement.cpa_id,
        "omgeving": cpa.aansluiting.omgeving,
        "organisatie": cpa.aansluiting.organisatie_oin,
        "kind": cpa.aansluiting.kind,
        "consumer": cpa.consumer.value,
        "tolerances": names_of(agreement.tolerances),
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
