"""`aansluiting ask|confirm` for many at once: shown first, told of those of whom it can be, and of nobody else."""

import asyncio
import json
import os
import pty
import subprocess
import sys

import pytest
from tests.unit.cli.test_aansluiting_copy import LIST
from tests.unit.cli.test_organisatie_import import LEVERANCIER, imported, installation, run, said
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.stored_messages import NOW

from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent

__all__ = ["installation"]
OINS = [f"{LEVERANCIER[:-4]}{number}000" for number in range(5, 9)]
PRE = ("--omgeving", "pre")


@pytest.fixture
def connected(installation: Installation) -> Installation:
    """Three gemeenten and a waterschap in PRE, beside the gemeente of the sandbox."""
    text = LIST.replace("Gemeente 8;gemeente", "Waterschap 8;waterschap")
    said(imported(installation, text, *PRE, "--json"))
    return installation


def fates(installation: Installation, *arguments: str) -> dict[str, str]:
    lines = said(run(installation, "aansluiting", *arguments, *PRE, "--json"))
    return {line["organisatie_oin"]: line["fate"] for line in lines}


def done(installation: Installation) -> dict[str, int]:
    rows = said(run(installation, "aansluiting", "list", "--kind", "stam", *PRE, "--json"))
    return {row["organisatie_oin"]: row["done"] for row in rows}


def test_forty_are_told_at_once_after_a_look_and_again_changes_nothing(connected: Installation) -> None:
    one, two, three, water = OINS
    said(run(connected, "aansluiting", "confirm", one, "0.2", *PRE, "--json"))
    before = done(connected)
    command = ("confirm", "0.2", "--all", "--bestuurslaag", "gemeente")
    shown = fates(connected, *command, "--dry-run")
    assert (shown[one], shown[two], shown[three], water in shown) == ("left", "able", "able", False)
    assert done(connected) == before
    told = fates(connected, *command, "--yes", "--by", "F. Voorbeeld")
    assert (told[one], told[two], told[three]) == ("left", "told", "told")
    after = done(connected)
    assert [after[oin] - before[oin] for oin in OINS] == [0, 1, 1, 0]
    assert set(fates(connected, *command, "--yes").values()) == {"left"}
    assert [line["event"] for line in said(run(connected, "aansluiting", "log", two, *PRE, "--json"))] == ["fulfilled"]


def test_only_who_is_named_is_told_and_who_must_wait_is_told_why(connected: Installation) -> None:
    one, two, *_ = OINS
    assert fates(connected, "confirm", one, two, "0.2", "--yes") == {one: "told", two: "told"}
    assert {oin for oin, number in done(connected).items() if number} == {one, two}
    lines = said(run(connected, "aansluiting", "ask", one, two, "1.2", *PRE, "--yes", "--json"))
    assert [(line["fate"], line["says"]) for line in lines] == [("left", "eerst: 0.1")] * 2
    seen = said(run(connected, "aansluiting", "confirm", one, two, "3.6", *PRE, "--yes", "--json"))
    assert {line["says"] for line in seen} == {"deze stap wordt vanzelf gedaan"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("0.2",), "name organisaties before the step"),
        ((OINS[0], "0.2", "--all"), "name organisaties before the step"),
        ((OINS[0], GEMEENTE[:-1] + "9", "0.2"), "there is no stam in pre for"),
        (("9.9", "--all"), "nobody of these has a step 9.9"),
        (("0.2", "--all", "--json"), "--json needs --yes"),
        (("0.2", "--all", "--bestuurslaag", "dorp"), "unknown bestuurslaag dorp"),
    ],
)
def test_what_cannot_be_meant_tells_nobody_anything(
    connected: Installation, arguments: tuple[str, ...], complaint: str
) -> None:
    before = done(connected)
    assert complaint in str(run(connected, "aansluiting", "confirm", *arguments, *PRE).exception)
    assert done(connected) == before


def test_a_person_is_asked_after_the_look(connected: Installation) -> None:
    before = done(connected)
    command = [sys.executable, "-m", "digikoppelaar", "--config", str(connected.file), "aansluiting", "confirm"]
    for answer, more in ((b"n\n", 0), (b"y\n", 1)):
        ours, terminal = pty.openpty()
        os.write(ours, answer)
        with os.fdopen(ours, "rb"), os.fdopen(terminal, "rb") as stdin:
            command_of = [*command, *OINS[:2], "0.3", *PRE]
            asked = subprocess.run(command_of, stdin=stdin, capture_output=True, check=False)
        assert b"Tell this of step 0.3 of 2 organisaties?" in asked.stdout + asked.stderr
        assert done(connected)[OINS[0]] - before[OINS[0]] == more


def test_one_that_is_not_good_is_told_with_what_to_do_and_holds_up_no_other(connected: Installation) -> None:
    async def with_certificate() -> None:
        async with opened_pool(lambda: connected.url, 1) as pool:
            for oin in OINS[:2]:
                subject = Subject(oin, Kind.STAM, "pre")
                await PostgresOnboarding(pool).tell(subject, "3.2", StepEvent.FULFILLED, Told(NOW))

    asyncio.run(with_certificate())
    result = run(connected, "aansluiting", "confirm", *OINS[:3], "3.5", *PRE, "--yes", "--json")
    assert result.exit_code == 1
    lines = json.loads(result.output)
    assert [line["fate"] for line in lines] == ["failed", "failed", "left"]
    assert lines[0]["says"]
    assert not any(done(connected)[oin] > 1 for oin in OINS)
