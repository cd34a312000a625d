"""`digikoppelaar aansluiting rehearse`: whole aansluitingen as a visitor runs them, and what can be wrong in one."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from pypdf import PdfReader
from tests.journeys.steps import Output, command, new_folder, remove

from digikoppelaar.adapters.steps import load_process
from digikoppelaar.cli.rehearsal import report
from digikoppelaar.cli.rehearsal.country import alone, everybody
from digikoppelaar.cli.rehearsal.course import Course, Phases, go, go_all
from digikoppelaar.cli.rehearsal.faults import FAULTS
from digikoppelaar.cli.rehearsal.world import World, opened_world
from digikoppelaar.onboarding.evidence import MARK
from digikoppelaar.onboarding.model import Kind, Rol

OMGEVINGEN: Final = ("sandbox-pre", "sandbox-prod")
WHO: Final = {"other-oin": Rol.BEVOEGD_GEZAG, "api-key-refused": Rol.LEVERANCIER}
WHO |= dict.fromkeys(("dso-409", "dso-500", "dso-html"), Rol.AANSLUITTEAM)
"""Who must act; for all others that is who runs digikoppelaar."""
SOME: Final = {"gemeente": 2, "waterschap": 1, "provincie": 1, "omgevingsdienst": 1, "samenwerkingsverband": 1}

pytestmark = pytest.mark.timeout(600)  # a whole aansluiting takes half a minute, on a machine that does nothing else


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where rehearsals make their folders."""
    made = new_folder()
    yield made
    remove([made])


async def rehearsed(folder: Path, *options: str) -> tuple[Output, dict[str, Any]]:
    """The command with these options, and what it said last."""
    output = await command("aansluiting", "rehearse", "--json", "--folder", folder, *options)
    return output, json.loads(output.out.splitlines()[-1])


def numbers(kind: Kind, omgeving: str, bestuurslaag: str) -> list[str]:
    """Of the steps as the data files have them."""
    return [each.number for each in load_process(kind).steps_for(omgeving, bestuurslaag)]


def assert_complete(found: dict[str, Any], bestuurslaag: str, kinds: tuple[Kind, ...]) -> None:
    """Every step that there is, done, nothing wrong with it, and its evidence is there."""
    rows = [*found["preparation"], *found["steps"]]
    for kind in kinds:
        for omgeving in OMGEVINGEN:
            own = [each["step"] for each in rows if (each["kind"], each["omgeving"]) == (kind, omgeving)]
            assert own == numbers(kind, omgeving, bestuurslaag)
    assert {each["kind"] for each in rows} == set(kinds)
    assert [each["step"] for each in rows if not each["done"]] == []
    assert {each["severity"] for row in rows for each in row["findings"]} <= {"good", "warning"}
    proven = [each for each in rows if each["evidence"]]
    assert {each["step"] for each in proven} >= {"3.6", "7.1"}
    files = [Path(file) for each in proven for file in each["evidence"]] + [Path(file) for file in found["whole"]]
    assert all(file.is_absolute() and file.is_file() for file in files)
    for seal in (file for file in files if file.suffix == ".json"):
        for each in json.loads(seal.read_bytes())["files"]:
            assert hashlib.sha256((seal.parent / each["name"]).read_bytes()).hexdigest() == each["sha256"]


def paper(found: dict[str, Any], omgeving: str, step: str) -> str:
    """The text of the PDF that proves a step."""
    [row] = [each for each in found["steps"] if (each["omgeving"], each["step"]) == (omgeving, step)]
    pdf = next(file for file in row["evidence"] if file.endswith(".pdf"))
    return "\n".join(page.extract_text() for page in PdfReader(pdf).pages)


async def test_a_gemeente_goes_every_step_in_pre_and_in_prod_and_each_is_proven(folder: Path) -> None:
    output, found = await rehearsed(folder, "--bestuurslaag", "gemeente")
    assert (output.status, found["done"], found["stuck"]) == (0, True, None), output.err
    assert_complete(found, "gemeente", (Kind.STAM, Kind.DROP))
    for omgeving, words in (("sandbox-pre", "oefenomgeving"), ("sandbox-prod", "productieomgeving")):
        pinged, shown = (paper(found, omgeving, step) for step in ("3.6", "7.1"))
        for text in (pinged, shown):
            assert all(each in text for each in (MARK, words, found["organisatie_naam"], found["organisatie_oin"]))
        assert "TLSv1" in pinged
        cases = Path(found["folder"], *(() if omgeving == "sandbox-pre" else ("prod",)), "zaken", omgeving)
        nummers = {each.name.rpartition("-")[0] for each in cases.glob(f"{found['organisatie_oin']}/*-0")}
        assert any(nummer in shown for nummer in nummers)
    published = paper(found, "sandbox-prod", "4")
    assert "Productie" in published
    assert found["seconds"] >= sum(found["phases"].values()) - 1
    assert all(f"{name} " in output.err for name in found["phases"])
    assert "Traceback" not in output.err


async def test_a_body_of_the_rijk_has_no_drop(folder: Path) -> None:
    output, found = await rehearsed(folder, "--bestuurslaag", "rijk")
    assert (output.status, found["done"]) == (0, True), output.err
    assert_complete(found, "rijk", (Kind.STAM,))


async def test_a_fault_ends_it_with_who_must_act(folder: Path) -> None:
    output, found = await rehearsed(folder, "--bestuurslaag", "waterschap", "--fault", "dso-500")
    assert (output.status, found["done"], found["fault"]) == (1, False, "dso-500")
    assert (found["stuck"]["step"], found["stuck"]["who"]) == ("3.4", [Rol.AANSLUITTEAM])
    assert f"Aan zet: {Rol.AANSLUITTEAM}" in output.err


async def test_a_certificate_is_judged_before_anybody_is_asked_with_it(folder: Path) -> None:
    output, found = await rehearsed(folder, "--bestuurslaag", "gemeente", "--fault", "self-signed")
    assert (output.status, found["stuck"]["step"], found["stuck"]["who"]) == (1, "3.2", [Rol.DIGIKOPPELAAR])


async def test_what_cannot_be_rehearsed_is_said(folder: Path) -> None:
    for options in (
        (),
        ("--all", "--bestuurslaag", "rijk"),
        ("--bestuurslaag", "land"),
        ("--all", "--fault", "expired"),
    ):
        output = await command("aansluiting", "rehearse", "--folder", folder, *options)
        assert (output.status, "Kies" in output.err) == (1, True)


# --- Many in one world -----------------------------------------------------------------------------------------------


async def test_all_kinds_go_side_by_side_behind_the_first(folder: Path) -> None:
    people = everybody(SOME)
    async with opened_world(folder / "some", people) as world:
        courses = await go_all(world, lambda doer, step: None, Phases())
    assert {each.who.bestuurslaag for each in courses} == set(SOME)
    assert [report.stuck(each.walked) for each in courses] == [None] * len(people)
    first, *others = courses
    together = [[step.step.number for step in each.walked[0].status.progress.steps] for each in courses]
    assert [("0.4" in each) for each in together] == [True, *[False] * len(others)]
    assert all(walked.status.alone for each in others for walked in each.walked)
    assert first.done


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def troubled(folder: Path) -> AsyncIterator[World]:
    """A world with an authority for each fault, who connects itself."""
    async with opened_world(folder / "troubled", alone(len(FAULTS))) as world:
        yield world


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_found_by_its_step_and_nothing_after_it_is_done(troubled: World, name: str) -> None:
    who, fault = troubled.people[[*FAULTS].index(name)], FAULTS[name]
    course: Course = await go(troubled, who, lambda doer, step: None, Phases(), fault)
    found = report.stuck(course.walked)
    assert found is not None
    assert (found.omgeving, found.step) == ("sandbox-pre", fault.step)
    assert WHO.get(name, Rol.DIGIKOPPELAAR) in found.who
    preparation, steps = report.rows(course.walked)
    rows = [*preparation, *steps]
    [stuck] = [
        each for each in rows if (each["kind"], each["omgeving"], each["step"]) == ("stam", "sandbox-pre", fault.step)
    ]
    assert stuck["done"] is False
    findings: Any = stuck["findings"]
    assert any(each["severity"] in ("wrong", "missing") and each["says"] and each["advice"] for each in findings)
    held_up = load_process(Kind.STAM).steps_for("sandbox-pre", "gemeente")
    after = {each.number for each in held_up if fault.step in each.first}
    assert not [
        each["step"] for each in rows if each["done"] and (each["step"] in after or each["omgeving"] != "sandbox-pre")
    ]
