"""The command line beside a running gateway: one JSON document when it went well, one clear line when it did not."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from tests.certificates import Authority, Shape
from tests.journeys.steps import Output, Verzoek, acknowledged, command, delivered, gateway_command

from digikoppelaar.cli.trial import Trial, free_ports
from digikoppelaar.wiring import Stores

AT_ONCE = 2
UNKNOWN_OIN = "00000099000000007000"


async def run_all(calls: Mapping[str, tuple[str | Path, ...]]) -> Mapping[str, Output]:
    """What these commands print, by name; a few run at once, for each takes a second to start."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def run(arguments: tuple[str | Path, ...]) -> Output:
        async with slots:
            return await command(*arguments)

    outputs = await asyncio.gather(*(run(arguments) for arguments in calls.values()))
    return dict(zip(calls, outputs, strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def verzoek(shared_trial: Trial) -> Verzoek:
    """A verzoek to look at."""
    [submitted] = await shared_trial.submit(bijlagen=["txt"])
    await delivered(shared_trial, submitted)
    return await acknowledged(shared_trial, submitted)


# --- What goes well --------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outputs(shared_trial: Trial, verzoek: Verzoek) -> Mapping[str, Output]:
    """What each command prints with --json."""
    facts, config = shared_trial.facts, ("--config", shared_trial.config_file)
    calls: dict[str, tuple[str | Path, ...]] = {
        "migrate": ("migrate",),
        "organisatie apply": ("organisatie", "apply", facts["organisatie_file"]),
        "cpa import": ("cpa", "import", facts["cpa_file"]),
        "cpa show": ("cpa", "show", facts["cpa_id"]),
        "ping": ("ping", facts["cpa_id"]),
        "verzoek list": ("verzoek", "list", "--omgeving", shared_trial.omgeving, "--limit", "3"),
        "verzoek show": ("verzoek", "show", verzoek["verzoeknummer"]),
        "message list": ("message", "list", "--direction", "in"),
        "message show": ("message", "show", verzoek["message_id"]),
        "check": ("check",),
        "certificate list": ("certificate", "list"),
        "certificate check": ("certificate", "check"),
    }
    return await run_all({name: (*config, *arguments, "--json") for name, arguments in calls.items()})


async def test_every_command_gives_one_json_document_and_status_0(outputs: Mapping[str, Output]) -> None:
    for output in outputs.values():
        assert isinstance(output.document, dict | list)


async def test_what_is_there_already_changes_nothing(outputs: Mapping[str, Output], trial: Trial) -> None:
    assert outputs["migrate"].document == {"applied": []}
    assert outputs["organisatie apply"].document == {"applied": True, "changes": []}
    imported = outputs["cpa import"].document
    assert (imported["changed"], imported["cpa_id"]) == (False, trial.facts["cpa_id"])


async def test_certificates_and_fetched_crls_are_good_and_their_ends_are_known(outputs: Mapping[str, Output]) -> None:
    found = {finding["subject"].split()[0]: finding["problem"] for finding in outputs["certificate check"].document}
    assert found == {"tls-server": None, "tls-client": None, "sign": None, "CRL": None}
    kinds = {row["kind"] for row in outputs["certificate list"].document}
    assert kinds == {"certificate", "partner-certificate", "trust-anchor", "cpa"}


async def test_the_sandbox_answers_a_ping_with_a_pong(outputs: Mapping[str, Output]) -> None:
    answered = outputs["ping"].document
    assert (answered["pong"], answered["state"]) == (True, "answered")
    assert 0 < answered["seconds"] < 10


async def test_the_doctor_finds_the_parts_and_the_partner_well(outputs: Mapping[str, Output]) -> None:
    found = {each["subject"].split()[0]: each for each in outputs["check"].document}
    assert {"disk", "database", "clock", "key", "outage", "partner"} <= set(found)
    assert {name for name, each in found.items() if each["verdict"] == "wrong"} == set()
    assert "TLSv1.3" in found["partner"]["says"]


async def test_lists_and_pages_say_the_same(outputs: Mapping[str, Output], verzoek: Verzoek) -> None:
    rows, page = outputs["verzoek list"].document, outputs["verzoek show"].document
    shown = page["versions"][0]["verzoek"]
    assert shown.pop("naam"), "it is shown with the verzoek, where the view is put on record, and never in a list"
    assert rows[0] == shown
    [message] = outputs["message show"].document
    assert message["verzoeknummer"] == verzoek["verzoeknummer"]
    assert message["message"] in outputs["message list"].document


async def test_a_dry_run_shows_the_difference_and_changes_nothing(trial: Trial, stores: Stores, tmp_path: Path) -> None:
    before = await stores.registry.entries()
    changed = (
        Path(trial.facts["organisatie_file"])
        .read_text()
        .replace('naam = "Gemeente Oeverloo"', 'naam = "Gemeente Anders"', 1)
    )
    file = written(tmp_path / "organisatie.toml", changed)
    shown = (await gateway_command(trial, "organisatie", "apply", file, "--dry-run", "--json")).document
    [change] = shown["changes"]
    assert (shown["applied"], change["new"]) == (False, False)
    assert change["fields"] == {"naam": {"before": "Gemeente Oeverloo", "after": "Gemeente Anders"}}
    assert await stores.registry.entries() == before


async def test_people_get_a_table_without_json(trial: Trial, verzoek: Verzoek) -> None:
    output = await gateway_command(trial, "verzoek", "show", verzoek["verzoeknummer"])
    assert (output.status, output.err) == (0, "")
    for shown in (verzoek["verzoeknummer"], "delivered", "bijlage", "Acknowledgment"):
        assert shown in output.out


# --- What does not ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mistake:
    """A call that cannot succeed: patterns for its one line in English, and for its Dutch advice."""

    arguments: tuple[str | Path, ...]
    says: str
    advises: str


def mistakes_about_content(trial: Trial, folder: Path) -> dict[str, Mistake]:
    """What a running gateway does not have or does not take."""
    facts, config = trial.facts, ("--config", trial.config_file)
    organisatie = Path(facts["organisatie_file"]).read_text()
    strange_cpa = written(
        folder / "cpa.xml", Path(facts["cpa_file"]).read_text().replace("000099000000002", "000099000000007")
    )
    in_pre = written(folder / "pre.toml", organisatie.replace(f'omgeving = "{trial.omgeving}"', 'omgeving = "pre"'))
    broken = written(folder / "broken.toml", "[[organisatie]\noin = ")
    return {
        "unknown verzoek": Mistake((*config, "verzoek", "show", "42"), "there is no verzoek 42", "verzoek list"),
        "unknown organisatie": Mistake(
            (*config, "cpa", "import", strange_cpa), f"no aansluiting of .*{UNKNOWN_OIN}", "organisatie apply"
        ),
        "no CPA": Mistake(
            (*config, "cpa", "import", facts["organisatie_file"]),
            "organisatie.toml: .* not well-formed",
            "CPA-register",
        ),
        "broken apply file": Mistake((*config, "organisatie", "apply", broken), "broken.toml: .*line 1", ""),
        "pre on the embedded database": Mistake(
            (*config, "organisatie", "apply", in_pre), "an aansluiting in pre needs database.url", "database.url"
        ),
        "unknown role": Mistake((*config, "serve", "--role", "cook"), "unknown role cook; there are endpoint", ""),
    }


def mistakes_about_configuration(folder: Path) -> dict[str, Mistake]:
    """What is wrong before anything can be looked at."""
    [port] = free_ports(1)
    url = f"postgresql://somebody:secret@127.0.0.1:{port}/nothing"
    half = written(folder / "half.toml", "[web\n")
    gone = written(folder / "gone.toml", f'[database]\nurl = "{url}"')
    listing = ("verzoek", "list", "--json")
    return {
        "no configuration": Mistake(
            ("--config", folder / "absent.toml", *listing), "absent.toml: there is no such file", "--config"
        ),
        "broken configuration": Mistake(("--config", half, *listing), "half.toml: not valid TOML", ""),
        "database gone": Mistake(("--config", gone, *listing), f"somebody@127.0.0.1:{port}/nothing", "database"),
    }


def written(file: Path, text: str) -> Path:
    """The file, with this text."""
    file.write_text(text)
    return file


MISTAKES = (
    "unknown verzoek",
    "unknown organisatie",
    "no CPA",
    "broken apply file",
    "pre on the embedded database",
    "unknown role",
    "no configuration",
    "broken configuration",
    "database gone",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(shared_trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Mistake, Output]]:
    """Every mistake, and what came of it."""
    folder = tmp_path_factory.mktemp("mistakes")
    mistakes = mistakes_about_content(shared_trial, folder) | mistakes_about_configuration(folder)
    outputs = await run_all({name: mistake.arguments for name, mistake in mistakes.items()})
    return {name: (mistakes[name], outputs[name]) for name in mistakes}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_told_in_one_clear_line_with_advice(
    made: Mapping[str, tuple[Mistake, Output]], name: str
) -> None:
    assert_told(*made[name])


def assert_told(mistake: Mistake, output: Output) -> None:
    """Status 1, one line with the error and one with the advice on standard error, and nothing on standard output."""
    told, advice = output.err.splitlines()
    assert (output.status, output.out) == (1, "")
    assert re.match(rf"error: .*{mistake.says}", told)
    assert re.match(rf"wat te doen: .*{mistake.advises}", advice)
    assert "secret" not in output.err
    assert "Traceback" not in output.err


async def test_a_traceback_is_there_for_who_asks_for_it(trial: Trial) -> None:
    output = await command("--debug", "--config", trial.config_file, "verzoek", "show", "42")
    assert output.status == 1
    assert "Traceback" in output.err


async def test_the_root_of_the_sandbox_is_no_trust_anchor_for_pre(
    trial: Trial, database_url: str, tmp_path: Path
) -> None:
    oin = trial.facts["partij_oin"]
    certificate, key = Authority().issue(Shape(oin=oin)).write(tmp_path)
    partij = written(
        tmp_path / "partij.toml",
        f"""
        [[partij]]
        oin = "{oin}"
        naam = "Proefleverancier"
        [[partij.certificate]]
        omgeving = "pre"
        uses = ["tls-server"]
        certificate_file = "{certificate}"
        key_file = "{key}"
        """,
    )
    config = written(
        tmp_path / "pre.toml",
        f"""
        [database]
        url = "{database_url}"
        [endpoint.pre]
        partij = "{oin}"
        trust_anchors = ["{trial.facts["trust_anchor_file"]}"]
        """,
    )
    applied = (await command("--config", config, "organisatie", "apply", partij, "--json")).document
    assert len(applied["changes"]) == 2
    output = await command("--config", config, "serve")
    last = [line for line in output.err.splitlines() if not line.startswith("{")]
    assert_told(
        Mistake((), "root.pem: a certificate of the sandbox is refused in pre", "vertrouwde stamcertificaten"),
        Output(output.status, output.out, "\n".join(last)),
    )
    logged = [json.loads(line) for line in output.err.splitlines() if line.startswith("{")]
    assert [line for line in logged if line["level"] == "error"] == []
