"""A made-up verzoek says TEST wherever a person looks, meets the conditions of its target, and is told step by step."""

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.casesystems.handovers import AANSLUITING

from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemRefused, ConfigError
from digikoppelaar.flows.ports import BlobStore, FileKind, Handover, PlannedStep, Steps
from digikoppelaar.flows.targets import Target, chosen
from digikoppelaar.flows.tryout import TriedStep, made_at, made_up, new_verzoeknummer, try_out
from digikoppelaar.stam.findings import findings
from digikoppelaar.stam.verzoek import as_json

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
NUMBER = "TEST-20260602120000-abcdef"
NO_MARK = {"type", "doel", "stelsel", "soort", "vorm", "code", "path", "sentence"}
"""Fields whose values come out of a list, or say how the verzoek was read."""


class Ticking:
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        self.at += timedelta(seconds=1)
        return self.at


def target(**when: str) -> Target:
    return Target("vth", "folder", {}, when)


async def a_verzoek(blobs: BlobStore, **when: str) -> Handover:
    return await made_up(AANSLUITING, target(**when), NUMBER, blobs)


def texts(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Every text with the name of its field."""
    if isinstance(value, str):
        return [(name, value)]
    if is_dataclass(value):
        return [found for each in fields(value) for found in texts(getattr(value, each.name), each.name)]
    return [found for each in value for found in texts(each, name)] if isinstance(value, tuple) else []


async def test_everything_that_people_see_says_test() -> None:
    handover = await a_verzoek(MemoryBlobs())
    assert handover.verzoek.test
    assert handover.read.aansluitactiviteit
    seen = [(name, text) for name, text in texts(handover.read) if name not in NO_MARK and any(map(str.isalpha, text))]
    quiet = {"voorletters", "postcode", "waarden", "adres_aanduiding", "coordinaten_opgegeven"}
    assert [(name, text) for name, text in seen if "TEST" not in text.upper() and name not in quiet] == []
    assert len(seen) > 20
    assert all("TEST" in file.naam for file in handover.verzoek.files)


async def test_it_is_a_verzoek_like_a_real_one_with_every_kind_of_file() -> None:
    blobs = MemoryBlobs()
    handover = await a_verzoek(blobs)
    read = handover.read
    assert findings(read) == ()
    assert read.onbekend == ()
    assert read.uitvoerende_instantie is None
    assert read.initiatiefnemer is not None
    assert read.initiatiefnemer.bsn == "999990019"
    assert {each.document_id for each in read.documenten} == {"TEST-3", "TEST-4"}
    assert [each.bestandsnaam for each in read.documenten] == [file.naam for file in handover.verzoek.files[2:]]
    assert {file.kind for file in handover.verzoek.files} == set(FileKind)
    assert handover.verzoek.files[1].blob is not None
    pdf = b"".join([chunk async for chunk in blobs.get(handover.verzoek.files[1].blob)])
    assert pdf[int(pdf.split()[-2]) :].startswith(b"xref")
    assert json.dumps(as_json(read))


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"type": "Aanvraag vergunning", "concept": "ja"},
        {"type": "Informatie", "concept": "nee", "activiteit": "Kappen & <snoeien>"},
        {"bevoegd_gezag": "00000099000000002000", "behandeldienst": "00000099000000003000"},
    ],
)
async def test_it_meets_the_conditions_of_its_target(when: dict[str, str]) -> None:
    handover = await a_verzoek(MemoryBlobs(), **when)
    assert chosen([target(**when)], handover.read) == (target(**when),)


def test_a_number_is_never_that_of_a_real_verzoek() -> None:
    number = new_verzoeknummer(NOW, "abcdef01-2345")
    assert number == NUMBER
    assert made_at(number) == NOW
    for other in ("2026060200019", "TEST-1", "TEST-99999999999999-abcdef", f"{number}\n", f"{number}/.."):
        with pytest.raises(ConfigError, match="such as TEST-"):
            made_at(other)


class InSteps:
    """A case system of two steps, of which the second may fail."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    async def preview(self, handover: Handover, steps: Steps) -> tuple[PlannedStep, ...]:
        """See flows.ports.CaseSystem."""
        return (PlannedStep("een", "Het eerste."), PlannedStep("twee", "Het tweede."))

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """See flows.ports.CaseSystem."""
        await steps.record("een", {})
        if self.problem:
            raise self.problem
        await steps.record("twee", {})
        return "Z1"


async def test_each_step_is_told_with_how_long_it_took() -> None:
    blobs = MemoryBlobs()
    told: list[TriedStep] = []
    assert await try_out(InSteps(), await a_verzoek(blobs), blobs, Ticking(), told.append) == "Z1"
    assert told == [TriedStep("een", "Het eerste.", 1.0), TriedStep("twee", "Het tweede.", 1.0)]


async def test_what_was_done_is_told_also_when_the_rest_is_refused() -> None:
    blobs = MemoryBlobs()
    told: list[TriedStep] = []
    with pytest.raises(CaseSystemRefused):
        await try_out(InSteps(CaseSystemRefused("no")), await a_verzoek(blobs), blobs, Ticking(), told.append)
    assert [each.name for each in told] == ["een"]


async def test_a_case_system_that_records_no_steps_is_told_by_its_plan_and_a_repeat_has_one_effect(
    tmp_path: Path,
) -> None:
    blobs = MemoryBlobs()
    told: list[TriedStep] = []
    for _ in range(2):
        await try_out(FolderCaseSystem(tmp_path), await a_verzoek(blobs), blobs, Ticking(), told.append)
    assert [each.name for each in told] == ["folder", "folder"]
    (case,) = (tmp_path / "pre" / AANSLUITING.organisatie_oin).iterdir()
    assert case.name == f"{NUMBER}-0"
