"""`aansluiting` over a real database: what it lists, what it does, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.certificates import Authority
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.cli.test_link import nothing
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import CertificateEntry, difference
from digikoppelaar.onboarding.model import Finding, Kind, Severity, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent as Event

PRE, PROD = Subject(GEMEENTE, Kind.STAM, "sandbox-pre"), Subject(GEMEENTE, Kind.STAM, "sandbox-prod")
THERE = ("--omgeving", "sandbox-pre")


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    made.ask(nothing)
    return made


def aansluiting(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), "aansluiting", *arguments])


def said(installation: Installation, *arguments: str) -> Any:
    result = aansluiting(installation, *arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def refusal(installation: Installation, *arguments: str) -> ConfigError:
    error = aansluiting(installation, *arguments).exception
    assert isinstance(error, ConfigError)
    return error


async def done_until_the_cpa(world: World) -> None:
    store = PostgresOnboarding(world.pool)
    for number in ("0.1", "0.2", "0.3", "0.4", "1.2", "2.1", "2.2", "3.1", "3.2"):
        await store.tell(PRE, number, Event.FULFILLED, Told(NOW))


def test_the_list_has_a_line_for_each_with_its_next_action(installation: Installation) -> None:
    rows = said(installation, "list")
    assert [(row["kind"], row["omgeving"], row["done"]) for row in rows] == [
        ("drop", "sandbox-pre", 0),
        ("drop", "sandbox-prod", 0),
        ("stam", "sandbox-pre", 0),
        ("stam", "sandbox-prod", 0),
    ]
    assert rows[2]["total"] == 21
    assert rows[2]["next_action"].startswith("Stap 0.1: ")
    assert rows[1]["next_action"] == "Wacht tot sandbox-pre compleet is."
    text = aansluiting(installation, "list", "--kind", "stam", *THERE).output
    assert "Gemeente Voorbeeldstad" in text
    assert "0/21" in text


def test_the_list_is_narrowed_and_unknown_words_are_refused(installation: Installation) -> None:
    assert said(installation, "list", "--bestuurslaag", "waterschap") == []
    assert len(said(installation, "list", "--open", "--kind", "drop", *THERE)) == 1
    assert "unknown bestuurslaag dorp" in str(refusal(installation, "list", "--bestuurslaag", "dorp"))
    assert "unknown omgeving test" in str(refusal(installation, "list", "--omgeving", "test"))
    assert aansluiting(installation, "list", "--kind", "stop").exit_code == 2


def test_a_word_is_kept_with_who_gave_it(installation: Installation) -> None:
    for _ in range(2):
        told = said(installation, "confirm", GEMEENTE, "0.2", *THERE, "--by", "J. Jansen", "--remark", "per mail")
        assert (told["step"]["state"], told["step"]["done"], told["row"]["done"]) == ("gedaan", True, 1)
    [line] = said(installation, "log", GEMEENTE, *THERE)
    assert (line["step"], line["event"], line["detail"]) == ("0.2", "fulfilled", "per mail")
    assert line["by"].startswith("J. Jansen (")
    assert said(installation, "log", GEMEENTE, *THERE, "--step", "0.3") == []
    assert "gedaan" in aansluiting(installation, "confirm", GEMEENTE, "0.3", *THERE).output
    assert "fulfilled" in aansluiting(installation, "log", GEMEENTE, *THERE).output


def test_what_is_too_early_or_never_by_a_word_is_refused_with_what_to_do(installation: Installation) -> None:
    early = refusal(installation, "ask", GEMEENTE, "1.2", *THERE)
    assert early.advice == "Eerst moet klaar zijn: stap 0.1."
    assert "a word does not make step 3.6 done" in str(refusal(installation, "confirm", GEMEENTE, "3.6", *THERE))
    assert "held up by sandbox-pre" in str(
        refusal(installation, "confirm", GEMEENTE, "2.1", "--omgeving", PROD.omgeving)
    )
    assert "no organisatie" in str(refusal(installation, "confirm", "0" * 20, "0.2", *THERE))
    assert said(installation, "log", GEMEENTE, *THERE) == []


def test_another_party_is_asked_and_refuses(installation: Installation) -> None:
    assert said(installation, "ask", GEMEENTE, "0.4", *THERE)["step"]["turn"] == "aansluitteam"
    told = said(installation, "confirm", GEMEENTE, "0.4", *THERE, "--refused", "--remark", "geen tijd")
    assert told["step"]["state"] == "niet goed"
    assert told["row"]["next_step"] == "0.4"
    assert "geen tijd" in told["row"]["next_action"]


def test_every_step_is_shown_with_its_text_findings_and_evidence(installation: Installation) -> None:
    async def some(world: World) -> None:
        store = PostgresOnboarding(world.pool)
        finding = Finding("expired", Severity.WRONG, "Het certificaat is verlopen.", advice="Vernieuw het.")
        await store.tell(PRE, "3.2", Event.FAILED, Told(NOW, findings=(finding,)))
        await store.tell(PRE, "3.6", None, Told(NOW, evidence=("/bewijs/3.6.pdf",)))

    installation.ask(some)
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", *THERE)
    assert [each["step"] for each in page["preparation"]] == ["0.1", "0.2", "0.3", "0.4"]
    steps = {each["step"]: each for each in page["steps"]}
    assert set(steps["3.2"]) >= {"kind", "omgeving", "step", "done", "findings", "evidence", "sources", "text"}
    assert steps["3.2"]["findings"][0]["code"] == "expired"
    assert steps["3.6"]["evidence"] == ["/bewijs/3.6.pdf"]
    assert "'Aansluitactiviteit Gemeentes - Melding'" in steps["4.1"]["text"]
    text = aansluiting(installation, "show", GEMEENTE, *THERE).output
    for part in ("Het certificaat is verlopen. Vernieuw het.", "bewijs: /bewijs/3.6.pdf", "3.6  Ping-pong: nog niet"):
        assert part in text
    assert "nothing to show" in str(refusal(installation, "show", "0" * 20))


def test_what_traffic_shows_is_put_on_record_once(installation: Installation) -> None:
    async def ready(world: World) -> None:
        await done_until_the_cpa(world)
        store = PostgresOnboarding(world.pool)
        for number in ("3.3", "3.4", "3.5", "3.6", "3.7"):
            await store.tell(PRE, number, Event.FULFILLED, Told(NOW, evidence=("/bewijs.pdf",)))
        await world.notify(0, "2026060200019")

    installation.ask(ready)
    [row] = said(installation, "look", GEMEENTE)
    assert row["next_step"] == "5.2"
    assert said(installation, "look") == []
    assert aansluiting(installation, "look").output == "Nothing new was seen.\n"


def test_a_change_is_shown_first_and_then_made(installation: Installation) -> None:
    installation.ask(done_until_the_cpa)
    where = (GEMEENTE, *THERE)
    shown = said(installation, "change", *where, "--dry-run")
    assert (shown["changed"], shown["opened"]["sandbox-pre"][0]) == (False, "3.4")
    assert said(installation, "log", *where)[-1]["event"] == "fulfilled"
    assert "--json needs --yes" in str(refusal(installation, "change", *where, "--json"))
    assert aansluiting(installation, "change", *where).exit_code == 1, "nobody answered"
    assert said(installation, "change", *where, "--yes", "--remark", "ander endpoint")["changed"]
    assert said(installation, "log", *where)[-1]["event"] == "changed"
    assert "Open again." in aansluiting(installation, "change", *where, "--yes").output


def test_the_help_tells_every_command() -> None:
    told = CliRunner().invoke(app, ["aansluiting", "--help"]).output
    assert all(f" {name} " in told for name in ("list", "show", "ask", "confirm", "look", "change", "log"))


# --- check -----------------------------------------------------------------------------------------------------------


def test_a_check_tells_and_puts_on_record_what_it_found(installation: Installation) -> None:
    [found] = said(installation, "check", "--organisatie", GEMEENTE, "--kind", "drop", *THERE)
    assert (found["wrong"], {each["code"] for step in found["steps"] for each in step["findings"]}) == (
        False,
        {"stage-no-aansluiting"},
    )
    result = aansluiting(installation, "check", "--organisatie", GEMEENTE, "--kind", "stam", *THERE, "--json")
    assert result.exit_code == 1, "the same CPA is on record in both omgevingen"
    [found] = json.loads(result.output)
    codes = {step["step"]: [each["code"] for each in step["findings"]] for step in found["steps"]}
    assert codes["2.2"] == ["api-key-no-file", "mandate-not-judged"]
    assert codes["3.2"][0] == "certificate-no-anchors"
    assert "cpa-other-omgeving" in codes["3.3"]
    text = aansluiting(installation, "check", "--all", *THERE).output
    assert "wrong stam sandbox-pre Gemeente Voorbeeldstad" in text
    assert "[leverancier]" in text
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", *THERE)
    assert {step["step"]: step["state"] for step in page["steps"]}["3.3"] == "niet goed"


def test_what_is_wrong_ends_a_check_with_status_1(installation: Installation, tmp_path: Path) -> None:
    files = (str(tmp_path / name) for name in ("gone.pem", "gone.key"))
    wrong = CertificateEntry(GEMEENTE, "sandbox-pre", "tls-client", *files)
    root = Authority(sandbox=True).write_root(tmp_path)
    with installation.file.open("a") as file:
        file.write(f'\n[endpoint.sandbox-pre]\npartij = "{GEMEENTE}"\ntrust_anchors = ["{root}"]\n')

    async def put(world: World) -> None:
        await world.registry.apply(difference(await world.registry.entries(), [wrong]), NOW)

    installation.ask(put)
    result = aansluiting(installation, "check", "--all", "--kind", "stam", *THERE, "--json")
    assert result.exit_code == 1
    [found] = json.loads(result.output)
    findings = [each for step in found["steps"] for each in step["findings"] if each["severity"] == "wrong"]
    assert ("certificate-unreadable", "digikoppelaar") in [(each["code"], each["who"]) for each in findings]
    assert str(tmp_path) not in result.output, "a name of a file is enough"


def test_a_check_is_of_one_or_of_all(installation: Installation) -> None:
    assert "choose" in str(refusal(installation, "check"))
    assert "choose" in str(refusal(installation, "check", "--all", "--organisatie", GEMEENTE))
    assert "nothing to check" in str(refusal(installation, "check", "--organisatie", "00000099000000009999"))
