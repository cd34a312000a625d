"""`digikoppelaar profile`: what is assumed about the national facilities, and official material in its place."""

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.adapters import profile_files
from digikoppelaar.adapters.official import LIMIT
from digikoppelaar.adapters.profile_changes import Proposal, facts_in, propose
from digikoppelaar.adapters.profiles import Fact
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.cli.files import read_file

app = typer.Typer(
    no_args_is_help=True,
    help="What is assumed about DSO-LV, KOOP and the CPA register, and putting facts in its place.",
)
Name = Annotated[str, typer.Argument(help="The profile, as `profile list` shows it.")]
Material = Annotated[
    Path,
    typer.Argument(
        help="A profile or some facts of one (.toml), a WSDL or schema (.wsdl, .xsd), OpenAPI (.json), or a list."
    ),
]
ListFact = Annotated[str | None, typer.Option("--fact", help="The file is a list of values, for this fact.")]


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile; `provisional` of its `facts` are assumed."""

    name: str
    facility: str
    facts: int
    provisional: int
    replaced: bool


@app.command("list")
def list_profiles(json: Json = False) -> None:
    """Every profile, how many of its facts are assumed, and whether another stands in the place of ours."""
    configuration()
    rows = [_row(name) for name in profile_files.names()]
    if json:
        output.print_json(rows)
        return
    output.print_table(
        {"profile": "name", "facility": "facility", "facts": "facts", "assumed": "provisional", "replaced": "replaced"},
        rows,
        "There is no profile.",
    )


@app.command()
def show(
    name: Name,
    provisional: Annotated[bool, typer.Option("--provisional", help="Only what is assumed.")] = False,
    json: Json = False,
) -> None:
    """Every fact of a profile, where it comes from, and whether it is assumed."""
    configuration()
    facts = facts_in(profile_files.text_of(name))
    chosen = {each: fact for each, fact in facts.items() if fact.provisional or not provisional}
    if json:
        output.print_json({each: asdict(fact) for each, fact in chosen.items()})
        return
    if not chosen:
        assumed = " that is assumed" if provisional else "; a list of steps has none"
        output.console.print(f"{name} has no fact{assumed}.", markup=False)
    for each, fact in chosen.items():
        output.console.print(f"{each} = {output.cell(fact.value)}", markup=False)
        output.console.print(f"    {_standing(fact)}: {output.cell(fact.source)}", markup=False)


@app.command()
def diff(name: Name, file: Material, fact: ListFact = None, json: Json = False) -> None:
    """What FILE says otherwise than the profile that is in force; nothing is changed."""
    configuration()
    _tell(_proposal(name, file, fact), json=json)


@app.command()
def replace(name: Name, file: Material, fact: ListFact = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Put what FILE says in the place of what was assumed. What runs takes it up when it is started again."""
    configuration()
    proposal = _proposal(name, file, fact)
    _tell(proposal, json=json)
    if dry_run or not proposal.changes:
        return
    written = profile_files.replace(name, proposal.text)
    if not json:
        output.console.print(f"{written} is in force. Start the gateway again to let it work by it.", markup=False)


@app.command()
def restore(name: Name, json: Json = False) -> None:
    """Let the profile that came with the program be in force again; the other one is kept as `.old`."""
    configuration()
    restored = profile_files.restore(name)
    if json:
        output.print_json({"name": name, "restored": restored})
    else:
        output.console.print(f"{name}: {'ours is in force again' if restored else 'nothing stood in its place'}")


def _row(name: str) -> ProfileRow:
    text = profile_files.text_of(name)
    facts = facts_in(text)
    assumed = sum(fact.provisional for fact in facts.values())
    return ProfileRow(name, _facility(text), len(facts), assumed, profile_files.replacement(name) is not None)


def _proposal(name: str, file: Path, fact: str | None) -> Proposal:
    in_force = profile_files.text_of(name) if name in profile_files.names() else None
    return propose(name, in_force, file.name, read_file(file, LIMIT, "official material"), fact)


def _facility(text: str) -> str:
    data = tomllib.loads(text)
    return str(data.get("facility", data.get("source", "")))


def _standing(fact: Fact) -> str:
    return "assumed" if fact.provisional else "known"


def _tell(proposal: Proposal, *, json: bool) -> None:
    if json:
        output.print_json(
            {
                "changes": [asdict(each) for each in proposal.changes],
                "missing": proposal.missing,
                "unknown": proposal.unknown,
            }
        )
        return
    for change in proposal.changes:
        output.console.print(change.name, markup=False)
        for sign, fact in (("-", change.before), ("+", change.after)):
            if fact:
                told = f"  {sign} {output.cell(fact.value)} ({_standing(fact)}: {output.cell(fact.source)})"
                output.console.print(told, markup=False)
    if not proposal.changes:
        output.console.print("It says nothing else than the profile that is in force.")
    for heading, names in (
        ("Not found in it, so as assumed as before", proposal.missing),
        ("In it, and named by no fact", proposal.unknown),
    ):
        if names:
            output.console.print(f"{heading}: {', '.join(map(output.cell, names))}", markup=False)
