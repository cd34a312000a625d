"""Errors become one clear line and an exit status, whatever the command; a traceback is only for --debug."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from digikoppelaar import __version__
from digikoppelaar.cli.app import execute, told
from digikoppelaar.errors import ConfigError, DigikoppelaarError

NOBODY_LISTENS = 'data_folder = "data"\n[database]\nurl = "postgresql://gebruiker:geheim@127.0.0.1:1/x"\n'


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in a folder of its own, with a configuration whose database does not answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGIKOPPELAAR_CONFIG", raising=False)
    Path("digikoppelaar.toml").write_text(NOBODY_LISTENS)

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["digikoppelaar", *arguments])
        with pytest.raises(SystemExit) as ended:
            execute()
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return call


ENDPOINT = ("--gateway-endpoint", "https://127.0.0.1:18443/ebms")
FILES = {
    "broken.toml": b"x = ",
    "unknown.toml": b"unknown = 1",
    "two.toml": b"unknown = 1\n[web]\nhost = '0.0.0.0'",
    "binary.toml": b"\xff\xfe",
    "[red]markup.toml": b"x = ",
    "entry.toml": b"[[organisatie]]\noin = '99'",
}
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no configuration": (("--config", "nowhere.toml", "verzoek", "list"), "nowhere.toml"),
    "a folder": (("--config", ".", "verzoek", "list"), "no such file"),
    "no TOML": (("--config", "broken.toml", "verzoek", "list"), "broken.toml"),
    "no text": (("--config", "binary.toml", "verzoek", "list"), "binary.toml"),
    "unknown key": (("--config", "unknown.toml", "verzoek", "list"), "unknown"),
    "two mistakes": (("--config", "two.toml", "verzoek", "list"), "web: must be"),
    "a name with markup": (("--config", "[red]markup.toml", "verzoek", "list"), "[red]markup.toml"),
    "a database that is away": (("verzoek", "list"), "127.0.0.1:1"),
    "the same with --json": (("message", "list", "--json"), "127.0.0.1:1"),
    "a schema that cannot be made": (("migrate",), "Connection refused"),
    "a role that nobody plays": (("serve", "--role", "nonsense"), "nonsense"),
    "a CPA that is not there": (("cpa", "import", "nowhere.xml"), "nowhere.xml"),
    "a CPA that is a folder": (("cpa", "import", "."), "directory"),
    "an apply file that is not there": (("organisatie", "apply", "nowhere.toml"), "nowhere.toml"),
    "an apply file that is no TOML": (("organisatie", "apply", "broken.toml"), "broken.toml"),
    "an apply file that is no text": (("organisatie", "apply", "binary.toml"), "binary.toml"),
    "a database that refuses, with its reason": (("verzoek", "list"), "Connection refused"),
    "a state that no verzoek has": (("verzoek", "list", "--state", "nonsense"), "delivered"),
    "a state that no message has": (("message", "list", "--state", "nonsense"), "accepted"),
    "a folder for demos that is a file": (("demo", "--once", "--folder", "broken.toml"), "broken.toml: File exists"),
    "a folder for a sandbox that is a file": (
        ("sandbox", "serve", "--folder", "broken.toml", "--case-folder", "zaken", *ENDPOINT),
        "broken.toml",
    ),
    "a sandbox that would write to a gateway without TLS": (
        ("sandbox", "serve", "--folder", "s", "--case-folder", "zaken", "--gateway-endpoint", "http://127.0.0.1/"),
        "https",
    ),
    "an apply file with a mistake": (("organisatie", "apply", "entry.toml"), "oin must have 20 positions"),
}


@pytest.mark.parametrize("columns", ["40", "200"])
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_advice_and_status_1(
    name: str, columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for file, content in FILES.items():
        Path(file).write_bytes(content)
    arguments, mentioned = MISTAKES[name]
    ended = run(*arguments)
    assert (ended.status, ended.out) == (1, "")
    reason, advice = ended.err.splitlines()
    assert reason.startswith("error: ")
    assert mentioned in reason
    assert advice.startswith("wat te doen: ")
    assert "geheim" not in ended.err


def test_a_traceback_is_for_who_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["digikoppelaar", "--debug", "--config", "nowhere.toml", "verzoek", "list"])
    with pytest.raises(ConfigError):
        execute()
    assert run("--config", "nowhere.toml", "verzoek", "list").status == 1, "asked once, not for ever"


@pytest.mark.parametrize(
    "arguments",
    [
        ("verzoek", "list", "--limit", "0"),
        ("message", "list", "--limit", "-1"),
        ("--nonsense",),
        ("nonsense",),
        ("verzoek", "show"),
        ("ping", "x", "--timeout", "y"),
    ],
)
def test_a_command_that_is_used_wrongly_ends_with_status_2(arguments: tuple[str, ...], run: Run) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err


def test_the_version_is_told_without_a_configuration(run: Run) -> None:
    Path("digikoppelaar.toml").unlink()
    assert run("--version") == Ended(0, f"{__version__}\n", "")


def test_the_configuration_may_be_named_by_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIKOPPELAAR_CONFIG", "elsewhere.toml")
    assert "elsewhere.toml" in run("verzoek", "list").err


COMMANDS = ("demo", "serve", "sandbox", "migrate", "organisatie", "cpa", "ping", "verzoek", "message")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, run: Run) -> None:
    ended = run(command, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert command in ended.out
    assert command in run("--help").out


def test_a_fault_of_ours_is_told_by_its_type_and_quotes_nothing() -> None:
    what, advice = told(ValueError("J. Jansen, Kerkstraat 1"))
    assert what.startswith("unexpected ValueError")
    assert "Jansen" not in what + advice
    assert advice == DigikoppelaarError.default_advice
