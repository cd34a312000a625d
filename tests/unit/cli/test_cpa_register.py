"""Asking for a CPA, offering it, and both by hand: the commands, over a real database and against TLS."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from starlette.responses import HTMLResponse
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Shape
from tests.doubles.cpa_register import Offering, Register, problem
from tests.servers import server_tls, serving
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError, FacilityAnswerBroken, FacilityError

SANDBOX = Authority(sandbox=True)
ENDPOINT = "https://localhost/ebms"
APPLY = f"""
[[organisatie]]
oin = "{GEMEENTE}"
naam = "Gemeente Voorbeeldstad"
bestuurslaag = "gemeente"

[[partij]]
oin = "{LEVERANCIER}"
naam = "SANDBOX Leverancier"

[[partij.certificate]]
omgeving = "OMGEVING"
uses = ["tls-server", "tls-client", "sign", "decrypt"]
certificate_file = "ours.pem"
key_file = "ours.key"

[[machtiging]]
omgeving = "OMGEVING"
gemachtigde_oin = "{LEVERANCIER}"
namens_oin = "{GEMEENTE}"
since = 2024-01-01
recorded_by = "een beheerder"

[[aansluiting]]
organisatie_oin = "{GEMEENTE}"
kind = "stam"
omgeving = "OMGEVING"
partij_oin = "{LEVERANCIER}"

[aansluiting.dso]
base_url = "https://dso.example/v2"
api_key_file = "api-key"
ADDRESSES

[aansluiting.case_system]
kind = "folder"
path = "zaken"
"""
NAMES = ("register", "offering")
HERE = ("--organisatie", GEMEENTE)


@dataclass
class Place:
    """A leverancier with one aansluiting, the register and DSO-LV."""

    folder: Path
    register: Register
    dso: Offering

    async def cpa(self, *arguments: str | Path) -> Result:
        """Run `cpa ...` beside the event loop that serves the other side."""
        return await self.run("cpa", *arguments)

    async def run(self, *arguments: str | Path) -> Result:
        """Run a command."""
        line = ["--config", str(self.folder / "digikoppelaar.toml"), *map(str, arguments)]
        return await asyncio.to_thread(CliRunner().invoke, app, line)

    async def said(self, *arguments: str | Path) -> Any:
        """What `cpa ... --json` says; it must end well."""
        result = await self.cpa(*arguments, "--json")
        assert result.exit_code == 0, result.exception or result.output
        return json.loads(result.output.splitlines()[-1])  # after what the log says

    async def made(self) -> Path:
        """The file of a CPA that was asked for, made and fetched."""
        self.register.grant(LEVERANCIER, GEMEENTE)
        asked = await self.said("request", *HERE, "--endpoint", ENDPOINT)
        self.register.make(asked["request"]["request"])
        file = self.folder / "cpa.xml"
        await self.said("download", asked["request"]["request"], *HERE, "--out", file)
        return file


@asynccontextmanager
async def opened(database_url: str, folder: Path, omgeving: str) -> AsyncIterator[Place]:
    shape = Shape(organisation="SANDBOX", sandbox=True)
    SANDBOX.issue(replace(shape, oin=LEVERANCIER)).write(folder, "ours")
    register, dso = Register(SANDBOX), Offering()
    context = server_tls(folder, SANDBOX.issue(shape), SANDBOX)
    async with serving(register.app(), context) as first, serving(dso.app(), context) as second:
        addresses = [
            f'{name}_url = "https://localhost:{port}"' for name, port in zip(NAMES, (first, second), strict=True)
        ]
        content = APPLY.replace("OMGEVING", omgeving).replace("ADDRESSES", "\n".join(addresses))
        (folder / "organisatie.toml").write_text(content)
        (folder / "api-key").write_text("geheime-sleutel\n")
        (folder / "digikoppelaar.toml").write_text(
            f'data_folder = "data"\n[database]\nurl = "{database_url}"\n[endpoint.{omgeving}]\n'
            f'partij = "{LEVERANCIER}"\ntrust_anchors = ["{SANDBOX.write_root(folder, "anchor")}"]\n'
        )
        place = Place(folder, register, dso)
        result = await place.run("organisatie", "apply", folder / "organisatie.toml")
        assert result.exit_code == 0, result.exception
        yield place


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """In what plays PROD."""
    async with opened(database_url, tmp_path, "sandbox-prod") as place:
        yield place


async def test_a_cpa_is_asked_made_fetched_imported_offered_and_read_back(place: Place) -> None:
    file = await place.made()
    again = await place.said("request", *HERE, "--endpoint", ENDPOINT)
    assert (again["request"]["state"], again["provisional"], place.register.asked) == ("made", True, 1)
    cpa_id = again["request"]["cpa_id"]
    assert (await place.said("import", file))["changed"]
    assert not (await place.said("offer", cpa_id, "--dry-run"))["same"]
    assert (await place.cpa("offered", cpa_id)).exit_code == 1
    for _ in range(2):
        assert (await place.said("offer", cpa_id))["same"]
    assert place.dso.taken == {cpa_id: file.read_bytes()}
    assert place.dso.asked == 1
    assert (await place.said("offered", cpa_id))["differences"] == []
    told = await place.said("status", *HERE)
    assert [each["cpa_id"] for each in told["requests"]] == [cpa_id]
    assert {each["key"]["kind"]: each["state"] for each in told["errands"]} == {
        "cpa-request": "done",
        "cpa-offer": "done",
    }


async def test_in_pre_the_numbers_come_from_the_register(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, tmp_path, "sandbox-pre") as place:
        place.register.grant(LEVERANCIER, GEMEENTE)
        asked = (await place.said("request", *HERE, "--endpoint", ENDPOINT))["request"]
        assert (asked["specification"], asked["server_participant"]) == ("41", "42")
        chosen = ("--specification", "9", "--server-participant", "8")
        other = (await place.said("request", *HERE, "--endpoint", ENDPOINT, *chosen))["request"]
        assert (other["specification"], other["server_participant"]) == ("9", "8")


async def test_a_dry_run_asks_nothing(place: Place) -> None:
    place.register.grant(LEVERANCIER, GEMEENTE)
    dry = await place.said("request", *HERE, "--endpoint", ENDPOINT, "--dry-run")
    assert dry == {"asked": False, "request": None, "provisional": True}
    assert "Would be asked" in (await place.cpa("request", *HERE, "--endpoint", ENDPOINT, "--dry-run")).output
    assert place.register.asked == 0
    elsewhere = await place.cpa("request", *HERE, "--endpoint", "https://elders.example/ebms", "--dry-run")
    assert isinstance(elsewhere.exception, ConfigError)


async def test_by_hand_a_person_is_told_what_to_fill_in_and_the_register_is_not_asked(place: Place) -> None:
    place.register.instead = problem(500, "")
    told = await place.said("request", *HERE, "--endpoint", ENDPOINT, "--by-hand")
    assert told["page"].endswith("/cpa/aanvraag/specification/357/server_participant/4046")
    assert told["fields"]["OIN van uw organisatie"] == GEMEENTE
    assert LEVERANCIER in told["fields"]["Certificaat voor TLS als server"]
    shown = (await place.cpa("request", *HERE, "--endpoint", ENDPOINT, "--by-hand")).output
    assert "Vul in:" in shown
    assert any(line.startswith("Endpoint") and line.endswith(ENDPOINT) for line in shown.splitlines())


async def test_by_hand_a_person_is_sent_to_the_pages_where_the_aansluiting_says_they_are(place: Place) -> None:
    """Those of the sandbox are at an address of their own, which asks no certificate."""
    file = place.folder / "organisatie.toml"
    text = file.read_text()
    assert 'register_url = "' in text
    file.write_text(text.replace('register_url = "', 'register_pages_url = "http://127.0.0.1:8/"\nregister_url = "', 1))
    assert (await place.run("organisatie", "apply", file)).exit_code == 0
    told = await place.said("request", *HERE, "--endpoint", ENDPOINT, "--by-hand")
    assert told["page"] == "http://127.0.0.1:8/cpa/aanvraag/specification/357/server_participant/4046"


async def test_by_hand_in_pre_says_which_numbers_nobody_knows(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, tmp_path, "sandbox-pre") as place:
        told = await place.said("request", *HERE, "--endpoint", ENDPOINT, "--by-hand")
        assert told["fields"]["Specificatie"] == "onbekend: vraag het aansluitteam"
        assert "specification" not in told["page"]


async def test_without_a_machtiging_it_is_asked_and_the_failure_is_told(place: Place) -> None:
    assert (await place.said("machtiging", *HERE)) is None
    refused = await place.cpa("request", *HERE, "--endpoint", ENDPOINT)
    assert isinstance(refused.exception, ConfigError)
    assert "bevoegd gezag" in refused.exception.advice
    assert (await place.said("machtiging", *HERE, "--ask"))["state"] == "asked"
    place.register.grant(LEVERANCIER, GEMEENTE)
    assert "granted" in (await place.cpa("machtiging", *HERE)).output
    assert (await place.cpa("request", *HERE, "--endpoint", ENDPOINT)).exit_code == 0


async def test_what_failed_stays_to_be_seen_until_it_is_done(place: Place) -> None:
    file = await place.made()
    cpa_id = (await place.said("import", file))["cpa_id"]
    place.dso.instead = HTMLResponse("<html>Log in")
    failed = await place.cpa("offer", cpa_id)
    assert isinstance(failed.exception, FacilityAnswerBroken)
    shown = (await place.cpa("status", *HERE)).output
    assert "cpa-offer failed" in shown
    assert "wat te doen: " in shown
    place.dso.instead = None
    assert (await place.said("offer", cpa_id))["same"]
    assert "failed" not in (await place.cpa("status", *HERE)).output


async def test_another_cpa_at_dso_is_shown_with_its_differences(place: Place) -> None:
    file = await place.made()
    cpa_id = (await place.said("import", file))["cpa_id"]
    place.dso.taken[cpa_id] = file.read_bytes().replace(b"https://localhost/ebms", b"https://elders.example/ebms")
    shown = await place.cpa("offered", cpa_id)
    assert shown.exit_code == 1
    assert "-> https://elders.example/ebms" in shown.output
    assert isinstance((await place.cpa("offer", cpa_id)).exception, FacilityError)


async def test_a_new_certificate_gives_a_cpa_that_replaces_the_old_one(place: Place) -> None:
    await place.made()
    [old] = (await place.said("status", *HERE))["requests"]
    new = Shape(oin=LEVERANCIER, organisation="SANDBOX", sandbox=True, not_after=NOW + timedelta(days=300))
    SANDBOX.issue(new).write(place.folder, "ours")
    dry = await place.said("regenerate", old["request"], *HERE, "--dry-run")
    assert (dry["asked"], dry["request"]["request"]) == (False, old["request"])
    asked = [await place.said("regenerate", old["request"], *HERE) for _ in range(2)]
    assert {each["request"]["replaces"] for each in asked} == {old["request"]}
    assert place.register.asked == 2
