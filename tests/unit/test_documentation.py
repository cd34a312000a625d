"""The texts say what is so: commands, links, words and records are held against the repository."""

import importlib.util
import re
import shlex
import textwrap
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.profiles import base_url_of
from digikoppelaar.cli.app import app
from digikoppelaar.config import Config
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.authorities import read_authorities
from digikoppelaar.flows.authority_template import expanded
from digikoppelaar.flows.registration import KEYS, AansluitingEntry
from digikoppelaar.sandbox.faults import APPLIES, Kind, Target
from digikoppelaar.sandbox.folder import LEVERANCIER

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "digikoppelaar"
ADR = ROOT / "docs" / "adr"
ADRS = [path for path in sorted(ADR.glob("[0-9]*.md")) if path.name != "0000-template.md"]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PACKAGES = [found.parent for found in sorted(SOURCE.rglob("__init__.py")) if found.parent != SOURCE]

HEADINGS = ("## Context", "## Decision", "## Alternatives", "## Consequences")
LINES_ON_A_PAGE = 75


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def layers() -> list[str]:
    """The layers of the import contract, the highest first, as names under digikoppelaar."""
    contracts = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    return [re.sub(r"digikoppelaar\.", "", layer).replace(" | ", ", ") for layer in contracts[0]["layers"]]


@cache
def project() -> dict[str, Any]:
    return tomllib.loads(read(ROOT / "pyproject.toml"))["project"]


def code_blocks(markdown: str, language: str) -> list[str]:
    return [
        textwrap.dedent(block)
        for block in re.findall(rf"^ *```{language}\n(.*?)^ *```", markdown, flags=re.MULTILINE | re.DOTALL)
    ]


def prose(markdown: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.MULTILINE | re.DOTALL)


def table_rows(markdown: str) -> list[list[str]]:
    """The cells of every row below a ruler; header rows are left out."""
    rows: list[list[str]] = []
    in_body = False
    for line in markdown.splitlines():
        if not line.startswith("|"):
            in_body = False
        elif set(line) <= set("|-: "):
            in_body = True
        elif in_body:
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def anchors(markdown: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(markdown), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def names_something(dotted: str) -> bool:
    """Whether `dotted` is a module under digikoppelaar, or a name in one."""
    module, _, name = f"digikoppelaar.{dotted}".rpartition(".")
    return hasattr(importlib.import_module(module), name) or importlib.util.find_spec(f"{module}.{name}") is not None


# --- commands and links ------------------------------------------------------------------------------------


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), flags=re.MULTILINE))


def test_the_readme_tells_to_run_the_demo_and_the_tests() -> None:
    commands = [
        line.split("#")[0].strip()
        for block in code_blocks(read(ROOT / "README.md"), "sh")
        for line in block.splitlines()
    ]
    assert commands[:2] == ["make demo", "make test"]


def found_in_texts(pattern: str) -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), found)
        for path in TEXTS
        for found in dict.fromkeys(re.findall(pattern, read(path), re.MULTILINE))
    ]


@pytest.mark.parametrize(("text", "target"), found_in_texts(r"(?:^|`)make ([a-z][a-z-]*)"))
def test_every_make_command_in_the_texts_is_a_target(text: str, target: str) -> None:
    assert target in make_targets(), f"{text} tells to run it"


@pytest.mark.parametrize(("text", "target"), found_in_texts(r"\]\((?![a-z]+:)([^)\s]+)\)"))
def test_every_link_within_the_texts_leads_somewhere(text: str, target: str) -> None:
    file, _, anchor = target.partition("#")
    found = (ROOT / text).parent / file if file else ROOT / text
    assert found.exists()
    assert not anchor or anchor in anchors(read(found))


def cli_commands() -> list[tuple[str, str]]:
    in_blocks = found_in_texts(r"^ *(?:\.venv/bin/)?(digikoppelaar [a-z-].*)$")
    return in_blocks + found_in_texts(r"`(?:\.venv/bin/)?(digikoppelaar [a-z-][^`]*)`")


def unknown_word(line: str) -> str | None:
    """The first word of a command line in the texts that the program would not understand."""
    command = typer.main.get_command(app)
    words = [word for word in shlex.split(line, comments=True)[1:] if word != "--help"]
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            option = next((option for option in command.params if word in option.opts), None)
            if option is None:
                return word
            del words[: 0 if option.is_flag else 1]
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word
            command = command.commands[word]
    return None


@pytest.mark.parametrize(("text", "line"), cli_commands())
def test_every_command_in_the_texts_is_one_of_the_program(text: str, line: str) -> None:
    assert unknown_word(line) is None, text


def test_the_tutorial_names_the_partij_that_the_sandbox_makes() -> None:
    assert f'partij = "{LEVERANCIER.oin}"' in read(ROOT / "docs" / "tutorial.md")


def test_ci_runs_the_checks_and_the_test_command_of_the_readme() -> None:
    script = read(ROOT / ".ci" / "run")
    assert all(f"make {target}" in script for target in ("check", "interop", "fuzz"))
    assert "README.md" in script
    assert len(script.splitlines()) < 30


# --- decision records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_record_has_a_numbered_title_a_status_and_its_headings(path: Path) -> None:
    lines = read(path).splitlines()
    assert lines[0].startswith(f"# {int(path.name[:4])}. ")
    assert any(re.match(r"Status: (proposed|accepted|superseded by )", line) for line in lines)
    assert [line for line in lines if line.startswith("## ")] == list(HEADINGS)
    assert "\nNegative:\n" in read(path)


@pytest.mark.parametrize("path", [*ADRS, ADR / "0000-template.md"], ids=lambda path: path.stem)
def test_a_decision_record_fits_on_a_page(path: Path) -> None:
    assert len(read(path).splitlines()) <= LINES_ON_A_PAGE


def test_every_decision_record_is_in_the_index_once_in_order() -> None:
    assert re.findall(r"\]\((\d{4}-[^)]*\.md)\) \|", read(ADR / "README.md")) == [path.name for path in ADRS]


def test_decision_records_are_numbered_without_holes() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("dependency", project()["dependencies"])
def test_every_dependency_has_its_reason_in_the_first_decision_record(dependency: str) -> None:
    name = re.match(r"[A-Za-z0-9-]+", dependency)
    assert name
    reasons = table_rows(read(ADR / "0001-one-program-with-pure-cores.md"))
    assert name.group() in {package.strip() for packages, _ in reasons for package in packages.split(",")}


# --- words -------------------------------------------------------------------------------------------------


def glossary() -> list[list[str]]:
    return table_rows(read(ROOT / "docs" / "glossary.md"))


def test_the_glossary_has_each_term_once() -> None:
    assert [term for term, count in Counter(row[0].lower() for row in glossary()).items() if count > 1] == []


@pytest.mark.parametrize("row", glossary(), ids=lambda row: row[0])
def test_a_glossary_term_has_a_meaning_and_a_place_in_the_code(row: list[str]) -> None:
    _, meaning, place = row
    assert len(meaning.split()) > 3
    assert names_something(place.strip("`"))


# --- contributing, changelog, metadata ---------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_contributing_says_what_every_package_is_for(package: Path) -> None:
    assert f"{package.relative_to(SOURCE)}/" in read(ROOT / "CONTRIBUTING.md")


def test_the_picture_in_contributing_shows_the_layers_of_the_import_contract() -> None:
    [picture] = code_blocks(read(ROOT / "CONTRIBUTING.md"), "text")
    names_column = [line[:77] for line in picture.splitlines()]
    assert [", ".join(re.findall(r"(\w+)(?:/|\.py)", names)) for names in names_column] == layers()


def test_the_first_decision_record_gives_the_layers_of_the_import_contract() -> None:
    assert " > ".join(layers()) in " ".join(read(ADR / "0001-one-program-with-pure-cores.md").split())


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    versions = re.findall(r"^## \[(.+?)\]", read(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == "Unreleased"


def test_publiccode_names_the_version_and_licence_of_the_project() -> None:
    metadata = read(ROOT / "publiccode.yml")
    assert f'softwareVersion: "{project()["version"]}"' in metadata
    assert f"license: {project()['license']}" in metadata
    assert f"SPDX-License-Identifier: {project()['license']}" in read(ROOT / "LICENSE")


def toml_examples(name: str) -> list[str]:
    blocks = [block for path in TEXTS for block in code_blocks(read(path), "toml")]
    return [block for block in blocks if block.startswith(f"# {name}\n")]


@pytest.mark.parametrize("example", toml_examples("digikoppelaar.toml"))
def test_a_configuration_in_the_texts_is_accepted_by_the_program(example: str) -> None:
    assert Config.model_validate(tomllib.loads(example)).model_fields_set == set(tomllib.loads(example))


@pytest.mark.parametrize("example", toml_examples("aansluitingen.toml"))
def test_a_file_of_aansluitingen_in_the_texts_shows_every_kind_of_entry(example: str) -> None:
    entries = read_registration(tomllib.loads(example), "/etc/digikoppelaar")
    assert {type(entry) for entry in entries} == set(KEYS)


@pytest.mark.parametrize("example", toml_examples("sjabloon.toml"))
def test_a_template_in_the_texts_connects_a_list_of_authorities(example: str) -> None:
    authorities = read_authorities(b"oin;naam;bestuurslaag\n00000099000000101000;Gemeente A;gemeente\n")
    content = expanded(tomllib.loads(example), authorities, "/etc/digikoppelaar", base_url_of)
    assert {each["kind"] for each in content["aansluiting"]} == {"stam", "drop"}


@pytest.mark.parametrize("example", toml_examples("in aansluitingen.toml"))
def test_a_case_system_in_the_texts_can_be_made(example: str) -> None:
    [whole, *_] = toml_examples("aansluitingen.toml")
    without = whole.partition("[aansluiting.case_system]")[0]
    entries = read_registration(tomllib.loads(f"{without}\n{example}"), "/etc/digikoppelaar")
    for entry in entries:
        if isinstance(entry, AansluitingEntry):
            kinds.check(entry)


def test_the_faults_of_the_sandbox_are_told_with_what_they_can_strike() -> None:
    told = table_rows(read(ROOT / "docs" / "howto" / "make-the-sandbox-misbehave.md"))
    strikes = {Kind(kind.strip("`")): {Target(target) for target in targets.split(", ")} for kind, targets, _ in told}
    assert strikes == APPLIES


# --- what is supported -------------------------------------------------------------------------------------


def test_what_is_supported_fits_on_a_page_or_two_and_leads_to_its_proof() -> None:
    text = read(ROOT / "docs" / "supported.md")
    assert len(text.splitlines()) <= 90
    assert "(conformance.md)" in text
    for profile in ("osb-be", "osb-rm", "mshSignalsOnly", "RSA-OAEP", "PKIoverheid", "REST v19"):
        assert profile in text
