"""The commands on CPAs, over a real database and over files alone."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import NOW, Authority, Shape
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, cpa_document

from digikoppelaar.cli.app import execute
from digikoppelaar.ebms.envelope import read_envelope

ORGANISATIE = f"""
[[organisatie]]
oin = "{GEMEENTE}"
naam = "Gemeente Voorbeeldstad"
bestuurslaag = "gemeente"

[[partij]]
oin = "{GEMEENTE}"
naam = "Gemeente Voorbeeldstad"

[[partij.certificate]]
omgeving = "sandbox-pre"
uses = ["tls-server", "tls-client", "sign", "decrypt"]
certificate_file = "ours.pem"
key_file = "ours.key"

[[aansluiting]]
organisatie_oin = "{GEMEENTE}"
kind = "ebms"
omgeving = "sandbox-pre"
partij_oin = "{GEMEENTE}"
"""
ORDER = f"""
[ours]
organisatie = "{GEMEENTE}"
role = "Ontvanger"
endpoint = "https://gemeente.example/ebms"

[partner]
name = "Partner"
party_id = "{DSO}"
role = "Bronhouder"
endpoint = "https://dso.example/ebms"
certificate_file = "theirs.pem"

[terms]
profile = "osb-rm-s"
retries = 5
retry_interval_minutes = 5

[[service]]
name = "voorbeeld:dienst:1"
sends = ["antwoord"]
receives = ["meld"]
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command in a folder of its own that has a CPA in `cpa.xml`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGIKOPPELAAR_CONFIG", raising=False)
    Path("cpa.xml").write_text(cpa_document())
    Path("longer.xml").write_text(cpa_document().replace("2027-01-01", "2029-01-01"))

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["digikoppelaar", *arguments])
        with pytest.raises(SystemExit) as ended:
            execute()
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def run(call: Run, database_url: str) -> Run:
    """The same with a database in which an organisatie has an aansluiting of kind ebms."""
    Path("digikoppelaar.toml").write_text(f'data_folder = "data"\n[database]\nurl = "{database_url}"\n')
    issuer = Authority(sandbox=True)
    shape = Shape(oin=GEMEENTE, names=("gemeente.example",), usages=None, sandbox=True, organisation="SANDBOX G")
    chain, key = issuer.issue(shape).write(Path(), "ours")
    assert (chain.name, key.name) == ("ours.pem", "ours.key")
    theirs = Shape(oin=DSO, names=("dso.example",), usages=None, sandbox=True, organisation="SANDBOX D")
    issuer.issue(theirs).write(Path(), "theirs")
    Path("organisatie.toml").write_text(ORGANISATIE)
    Path("order.toml").write_text(ORDER)
    assert call("organisatie", "apply", "organisatie.toml").status == 0
    return call


# --- Without a database --------------------------------------------------------------------------------------


def test_lint_says_where_and_what_to_do_and_fails_with_an_error(call: Run) -> None:
    strict = call("cpa", "lint", "cpa.xml")
    assert strict.status == 1
    assert "certificate-unreadable" in strict.out
    assert "line " in strict.out
    lab = call("cpa", "lint", "cpa.xml", "--policy", "lab", "--json")
    assert lab.status == 0
    assert {one["severity"] for one in lab.said} == {"warning", "info"}
    assert all(one["sentence"] and one["source"] for one in lab.said)


def test_a_file_is_shown_compared_and_previewed(call: Run) -> None:
    shown = call("cpa", "show", "cpa.xml", "--json").said
    assert shown["cpa id"] == CPA_ID
    assert call("cpa", "diff", "cpa.xml", "cpa.xml").out == "No difference.\n"
    assert call("cpa", "diff", "cpa.xml", "longer.xml").out == "~ end: 2027-01-01 -> 2029-01-01\n"
    [change] = call("cpa", "diff", "cpa.xml", "longer.xml", "--json").said
    assert change == {"what": "end", "before": "2027-01-01", "after": "2029-01-01"}
    envelope = read_envelope(call("cpa", "preview", "cpa.xml", "notificeer").out.strip().encode()).envelope
    assert envelope.header.from_party.party_ids[0].value == DSO
    assert (envelope.header.cpa_id, envelope.header.action) == (CPA_ID, "notificeer")
    assert envelope.ack_requested is not None
    refused = call("cpa", "preview", "cpa.xml", "onbekend")
    assert refused.status == 1
    assert "cannot be sent" in refused.err


def test_a_file_that_is_not_there_is_named(call: Run) -> None:
    for arguments in (("lint", "weg.xml"), ("import", "weg.xml")):
        ended = call("cpa", *arguments)
        assert ended.status == 1
        assert "weg.xml" in ended.err


# --- With a database -----------------------------------------------------------------------------------------


@pytest.mark.statement(206)
def test_import_dry_run_replace_and_settings(run: Run) -> None:
    trial = run("cpa", "import", "cpa.xml", "--dry-run", "--json").said
    assert (trial["changed"], trial["consumer"]) == (True, "rest")
    assert run("cpa", "list", "--json").said == []
    first = run("cpa", "import", "cpa.xml", "--tolerate", "next-msh,exclusive-c14n", "--json").said
    assert (first["changed"], first["tolerances"]) == (True, ["next-msh", "exclusive-c14n"])
    assert not run("cpa", "import", "cpa.xml", "--json").said["changed"]
    assert run("cpa", "import", "longer.xml").status == 1
    assert run("cpa", "import", "longer.xml", "--replace", "--dry-run").status == 0
    assert run("cpa", "diff", CPA_ID, "longer.xml").out.startswith("~ end")
    assert run("cpa", "import", "longer.xml", "--replace", "--json").said["tolerances"] == [
        "next-msh",
        "exclusive-c14n",
    ]
    changed = run(
        "cpa",
        "set",
        CPA_ID,
        "--consumer",
        "webhook",
        "--no-tolerate",
        "next-msh",
        "--tolerate",
        "legacy-encryption",
        "--json",
    ).said
    assert (changed["consumer"], changed["tolerances"]) == ("webhook", ["legacy-encryption", "exclusive-c14n"])
    assert "unknown tolerance" in run("cpa", "set", CPA_ID, "--tolerate", "alles").err


@pytest.mark.statement(207)
def test_remove_asks_and_a_removed_cpa_is_gone_until_it_is_imported_again(run: Run) -> None:
    run("cpa", "import", "cpa.xml")
    assert run("cpa", "remove", CPA_ID).status == 1
    assert len(run("cpa", "list", "--json").said) == 1
    assert run("cpa", "remove", CPA_ID, "--yes", "--json").said == {"cpa_id": CPA_ID, "removed": True}
    assert run("cpa", "list").out == "No CPAs.\n"
    assert "there is no CPA" in run("cpa", "remove", CPA_ID, "--yes").err
    assert run("cpa", "import", "cpa.xml", "--json").said["changed"]


@pytest.mark.statement(205)
def test_build_and_renew_make_what_can_be_imported_side_by_side(run: Run) -> None:
    built = run("cpa", "build", "order.toml", "--out", "new.xml", "--json").said
    assert not [one for one in built["findings"] if one["severity"] == "error"]
    imported = run("cpa", "import", "new.xml", "--json").said
    assert imported["cpa_id"].startswith(f"voorbeeld-dienst-1_{GEMEENTE}_{DSO}_")
    assert imported["sends"] == ["voorbeeld:dienst:1 antwoord (osb-rm-s)"]
    assert imported["ends_at"].startswith((NOW.isoformat()[:4], str(NOW.year + 1)))
    renewed = run("cpa", "build", "--renew", imported["cpa_id"], "--out", "successor.xml")
    assert renewed.status == 0
    assert run("cpa", "import", "successor.xml").status == 0
    assert len(run("cpa", "list", "--json").said) == 2
    differences = {one["what"] for one in run("cpa", "diff", "new.xml", "successor.xml", "--json").said}
    assert differences <= {"cpa id", "start", "end"}


def test_an_order_that_lacks_something_says_what(run: Run) -> None:
    Path("order.toml").write_text(ORDER.replace('role = "Bronhouder"', ""))
    ended = run("cpa", "build", "order.toml")
    assert (ended.status, "partner: role is missing" in ended.err) == (1, True)
    assert run("cpa", "build").status == 1
