"""`aansluiting evidence`: what it makes of what is on record, once, and what it refuses."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pypdf import PdfReader
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.adapters.test_evidence import a_png
from tests.unit.cli.test_aansluiting import THERE, aansluiting, installation, refusal, said
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.cli.app import app
from digikoppelaar.errors import StorageError
from digikoppelaar.onboarding.evidence import MARK
from digikoppelaar.onboarding.model import Finding, Kind, Severity, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent as Event

__all__ = ["installation"]
PRE = Subject(GEMEENTE, Kind.STAM, "sandbox-pre")
BEFORE_THE_PICTURE = (
    *("0.1", "0.2", "0.3", "0.4", "1.2", "2.1", "2.2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7"),
    *("4.1", "5.1", "5.2", "6.1", "6.2"),
)


async def ready_for_the_picture(world: World) -> None:
    store = PostgresOnboarding(world.pool)
    good = (Finding("oin", Severity.GOOD, "Het OIN klopt."), Finding("spaces", Severity.WARNING, "Met spaties."))
    for number in BEFORE_THE_PICTURE:
        await store.tell(PRE, number, Event.FULFILLED, Told(NOW, "een ander", findings=good, evidence=("/weg.pdf",)))


def text_of(files: list[str]) -> str:
    [pdf] = [file for file in files if file.endswith(".pdf")]
    return "\n".join(page.extract_text() for page in PdfReader(pdf).pages)


def picture(folder: Path) -> Path:
    file = folder / "scherm.bin"  # what it is, its content says
    file.write_bytes(a_png())
    return file


def evidence(installation: Installation, *arguments: str) -> Any:
    return said(installation, "evidence", GEMEENTE, *THERE, *arguments)


def test_a_step_is_proven_by_who_did_it_and_what_was_good(installation: Installation) -> None:
    installation.ask(ready_for_the_picture)
    [made] = evidence(installation, "--step", "0.1")
    text = text_of(made["files"])
    for part in (MARK, "Gemeente Voorbeeldstad", GEMEENTE, "Het OIN klopt.", "gedaan door een ander"):
        assert part in text
    assert "Met spaties." not in text
    assert all(Path(file).is_absolute() for file in made["files"])
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", *THERE)
    assert page["preparation"][0]["evidence"] == ["/weg.pdf", *made["files"]]
    assert evidence(installation, "--step", "0.1") == [made]
    assert aansluiting(installation, "evidence", GEMEENTE, *THERE, "--step", "0.1").output.split() == made["files"]


def test_a_crash_between_writing_and_telling_leaves_one_set_of_files(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.ask(ready_for_the_picture)

    async def dies(*_: object) -> None:
        raise StorageError("gone")

    with monkeypatch.context() as dying:
        dying.setattr(PostgresOnboarding, "tell", dies)
        assert isinstance(
            aansluiting(installation, "evidence", GEMEENTE, *THERE, "--step", "0.1").exception, StorageError
        )
    left = {str(file) for file in (installation.file.parent / "evidence").rglob("*") if file.is_file()}
    assert left
    [made] = evidence(installation, "--step", "0.1")
    assert set(made["files"]) == left


def test_all_steps_together_name_the_hash_of_each_proof(installation: Installation) -> None:
    installation.ask(ready_for_the_picture)
    [step] = evidence(installation, "--step", "0.2")
    [whole] = evidence(installation)
    assert whole["step"] == ""
    said_there = json.loads(Path(whole["files"][0]).read_text())
    steps, hashes = [section["rows"] for section in said_there["sections"]]
    assert ["0.2", f"eHerkenning: gedaan, {NOW:%Y-%m-%d %H:%M:%S} UTC, door een ander"] in steps
    assert ["7.1", "Bewijs gemaakt: te doen"] in steps
    seal = Path(step["files"][0])
    assert ["0.2", f"{seal.name}: {hashlib.sha256(seal.read_bytes()).hexdigest()}"] in hashes
    assert ["0.2", "weg.pdf: ontbreekt"] in hashes


def test_a_person_shows_the_case_system_and_is_named(installation: Installation, tmp_path: Path) -> None:
    installation.ask(ready_for_the_picture)
    shown = ("--step", "7.1", "--screenshot", str(picture(tmp_path)))
    assert "--json needs --yes" in str(refusal(installation, "evidence", GEMEENTE, *THERE, *shown, "--json"))
    asked = CliRunner().invoke(
        app, ["--config", str(installation.file), "aansluiting", "evidence", GEMEENTE, *THERE, *shown], input="n\n"
    )
    assert asked.exit_code == 1
    assert "Maak eerst alle persoonsgegevens" in asked.output
    assert said(installation, "log", GEMEENTE, *THERE, "--step", "7.1") == []
    [made] = evidence(installation, *shown, "--yes", "--by", "J. Jansen")
    assert evidence(installation, *shown, "--yes", "--by", "J. Jansen") == [made]
    assert "gedaan door J. Jansen" in text_of(made["files"])
    [pdf] = [file for file in made["files"] if file.endswith(".pdf")]
    assert sum(len(page.images) for page in PdfReader(pdf).pages) == 1
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", *THERE)
    assert [each["done"] for each in page["steps"] if each["step"] == "7.1"] == [True]


def test_what_is_not_so_is_not_proven(installation: Installation, tmp_path: Path) -> None:
    where = ("evidence", GEMEENTE, *THERE)
    assert "step 3.6 is not done" in str(refusal(installation, *where, "--step", "3.6"))
    assert "there is no step 9.9" in str(refusal(installation, *where, "--step", "9.9"))
    assert "step 7.1 needs a picture" in str(refusal(installation, *where, "--step", "7.1"))
    shown = ("--screenshot", str(picture(tmp_path)), "--yes")
    assert "held up by stap 6.2" in str(refusal(installation, *where, "--step", "7.1", *shown))
    assert "takes no picture" in str(refusal(installation, *where, "--step", "3.6", *shown))
    assert "do not fit" in str(refusal(installation, *where, *shown))
    assert "do not fit" in str(refusal(installation, *where, "--all", "--step", "3.6"))
    assert not (tmp_path / "evidence").exists()


@pytest.mark.parametrize(("content", "reason"), [(b"GIF89a", "no PNG or JPEG"), (None, "No such file")])
def test_a_picture_that_is_none_is_refused(
    installation: Installation, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "scherm.png"
    if content is not None:
        file.write_bytes(content)
    shown = ("--step", "7.1", "--screenshot", str(file), "--yes")
    assert reason in str(refusal(installation, "evidence", GEMEENTE, *THERE, *shown))


def test_a_picture_that_is_too_large_is_refused_unread(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "scherm.png"
    with file.open("wb") as large:
        large.truncate(20 * 1024**2 + 1)
    error = refusal(installation, "evidence", GEMEENTE, *THERE, "--step", "7.1", "--screenshot", str(file), "--yes")
    assert "20 MiB" in error.advice


def test_a_ping_needs_the_cpa_of_the_organisatie(installation: Installation) -> None:
    error = refusal(installation, "ping", GEMEENTE, "--omgeving", "pre")
    assert "has 0 CPAs of stam in pre" in str(error)


def test_a_ping_that_nobody_sends_says_who_must_act(installation: Installation) -> None:
    result: Result = aansluiting(installation, "ping", GEMEENTE, *THERE, "--timeout", "0.2", "--json")
    told = json.loads(result.output)
    assert (told["trouble"]["code"], told["trouble"]["who"], told["evidence"]) == ("not-sent", "digikoppelaar", [])
    assert "Aan zet: digikoppelaar." in result.exception.advice  # type: ignore[union-attr]
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", *THERE)
    assert not any(each["done"] for each in page["steps"])
