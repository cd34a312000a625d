"""Asking for a certificate and taking in what was issued, on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.certificates import GEMEENTE, LEVERANCIER, Authority, Shape
from tests.unit.adapters.test_key_requests import HOST, issue
from typer.testing import CliRunner

from digikoppelaar.adapters.key_requests import read_key_request
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError, TrustError

WHO = ("--partij", LEVERANCIER, "--organisation", "Leverancier")
G1 = ("request", *WHO, "--omgeving", "prod", "--host", HOST)
NAME = f"prod-g1-server-{LEVERANCIER}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without a database."""
    monkeypatch.chdir(tmp_path)
    Path("digikoppelaar.toml").write_text('data_folder = "data"\n')
    return tmp_path


def certificate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["--config", "digikoppelaar.toml", "certificate", *map(str, arguments)])


def said(*arguments: str | Path) -> Any:
    result = certificate(*arguments, "--json")
    assert result.exit_code == 0, result.exception or result.output
    return json.loads(result.output)


def issued(folder: Path, shape: Shape | None = None) -> Path:
    """A file with what the TSP made."""
    request = read_key_request(folder / "data" / "keys", NAME)
    file = folder / "issued.pem"
    file.write_bytes(issue(request, shape).chain_pem())
    return file


def test_a_request_is_made_shown_and_never_its_key(folder: Path) -> None:
    dry = said(*G1, "--dry-run")
    assert (dry["made"], dry["request_file"]) == (False, None)
    assert not (folder / "data").exists()
    made = said(*G1)
    assert made["uses"] == ["tls-server", "tls-client", "sign", "decrypt"]
    assert made["request"] == Path(made["request_file"]).read_text()
    assert made["folder"] == str(folder / "data" / "keys" / NAME)
    shown = certificate(*G1, "--name", "tweede", "--keys", folder / "elders")
    secrets = [(folder / where / "key.pem").read_text() for where in (f"data/keys/{NAME}", "elders/tweede")]
    for secret in secrets:
        for line in secret.splitlines()[1:-1]:
            assert line not in json.dumps(made) + shown.output
    assert "the key stays here" in shown.output


def test_a_request_again_is_refused(folder: Path) -> None:
    said(*G1)
    assert isinstance(certificate(*G1).exception, ConfigError)


def test_g4_has_a_kind_for_each_purpose(folder: Path) -> None:
    of_g4 = ("--omgeving", "pre", "--generation", "g4", "--kvk", "12345678")
    made = said("request", *WHO, *of_g4, "--kind", "sign")
    assert (made["uses"], made["provisional"], made["hosts"]) == (["sign"], True, [])
    unknown = certificate("request", *WHO, *of_g4)
    assert isinstance(unknown.exception, ConfigError)
    assert "g4: tls, client, sign, decrypt" in str(unknown.exception)
    assert isinstance(certificate("request", *WHO, *of_g4, "--kind", "server").exception, ConfigError)
    assert isinstance(certificate("request", *WHO, *of_g4, "--generation", "g9").exception, ConfigError)


def test_what_was_issued_is_kept_and_says_what_to_add_to_the_apply_file(folder: Path) -> None:
    said(*G1)
    file = issued(folder)
    assert not said("import", NAME, file, "--dry-run")["kept"]
    told = said("import", NAME, file)
    assert (told["kept"], told["applied"], told["oin"]) == (True, False, LEVERANCIER)
    assert not said("import", NAME, file)["kept"]
    shown = certificate("import", NAME, file).output
    assert "[[partij.certificate]]" in shown
    assert f'key_file = "{folder}/data/keys/{NAME}/key.pem"' in shown


def test_what_was_not_asked_for_is_refused_and_not_kept(folder: Path) -> None:
    said(*G1)
    wrong = certificate("import", NAME, issued(folder, Shape(oin=GEMEENTE, names=(HOST,))))
    assert isinstance(wrong.exception, TrustError)
    assert not (folder / "data" / "keys" / NAME / "certificate.pem").exists()
    assert isinstance(certificate("import", "geen", folder / "issued.pem").exception, ConfigError)


def test_it_is_put_on_record_at_once_when_asked(folder: Path, database_url: str) -> None:
    (folder / "digikoppelaar.toml").write_text(f'data_folder = "data"\n[database]\nurl = "{database_url}"\n')
    (folder / "organisatie.toml").write_text(f'[[partij]]\noin = "{LEVERANCIER}"\nnaam = "Leverancier"\n')
    apply = ["--config", "digikoppelaar.toml", "organisatie", "apply", "organisatie.toml"]
    assert CliRunner().invoke(app, apply).exit_code == 0
    said(*G1)
    file = issued(folder)
    assert "Nothing changed" in certificate("import", NAME, file, "--apply", "--dry-run").output
    assert "+ certificate" in certificate("import", NAME, file, "--apply").output
    assert "No difference." in certificate("import", NAME, file, "--apply").output
    checked = json.loads(certificate("check", "--json").output)
    assert [each["problem"] for each in checked] == [None] * 4


def test_the_certificate_of_the_sandbox_is_of_the_sandbox(folder: Path) -> None:
    said("request", *WHO, "--omgeving", "sandbox-pre", "--host", HOST, "--name", NAME)
    real = certificate("import", NAME, issued(folder))
    assert isinstance(real.exception, TrustError)
    request = read_key_request(folder / "data" / "keys", NAME)
    shape = Shape(oin=LEVERANCIER, names=(HOST,), sandbox=True, organisation="SANDBOX")
    (folder / "issued.pem").write_bytes(issue(request, shape, Authority(sandbox=True)).chain_pem())
    assert said("import", NAME, folder / "issued.pem")["kept"]
