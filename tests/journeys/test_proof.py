"""What proves that an authority is connected: a ping-pong, a test verzoek and a picture, read back from the paper."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest_asyncio
from pypdf import PdfReader
from tests.journeys import steps
from tests.journeys.steps import gateway_command
from tests.unit.adapters.test_evidence import a_png

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.reading import VerzoekFilter
from digikoppelaar.onboarding.evidence import MARK
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent, StepState
from digikoppelaar.pki.certificate import read_certificates
from digikoppelaar.sandbox.folder import GEMEENTE, LEVERANCIER
from digikoppelaar.wiring import Stores, onboarding, open_stores

THERE: Final = (GEMEENTE.oin, "--omgeving", "sandbox-pre")
PRE: Final = Subject(GEMEENTE.oin, Kind.STAM, "sandbox-pre")
BEFORE_THE_PING: Final = ("0.1", "0.2", "0.3", "0.4", "1.2", "2.1", "2.2", "3.1", "3.2", "3.3", "3.4", "3.5")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connecting(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial of its own: what is said of its steps is no business of other journeys."""
    async with steps.running_trial(trial_folders) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(connecting: Trial) -> AsyncIterator[Stores]:
    """A look into its database, in which all is done that comes before the ping-pong."""
    async with open_stores(connecting.config) as opened:
        for number in BEFORE_THE_PING:
            oin = LEVERANCIER.oin if number == "0.3" else GEMEENTE.oin
            told = Told(SystemClock().now(), "een medewerker")
            await opened.onboarding.tell(Subject(oin, Kind.STAM, "sandbox-pre"), number, StepEvent.FULFILLED, told)
        yield opened


async def said(trial: Trial, *arguments: str | Path) -> Any:
    return (await gateway_command(trial, "aansluiting", *arguments, "--json")).document


def read(files: list[str]) -> tuple[Any, str, dict[str, bytes]]:
    """What the JSON and the PDF say, and every file by its name; each has the hash that the JSON gives."""
    contents = {Path(file).name: Path(file).read_bytes() for file in files}
    seal = json.loads(Path(files[0]).read_text())
    assert {each["name"] for each in seal["files"]} == set(contents) - {Path(files[0]).name}
    for each in seal["files"]:
        assert each["sha256"] == hashlib.sha256(contents[each["name"]]).hexdigest()
    [pdf] = [file for file in files if file.endswith(".pdf")]
    return seal, "\n".join(page.extract_text() for page in PdfReader(pdf).pages), contents


def rows(seal: Any) -> dict[str, str]:
    return {name: text for section in seal["sections"] for name, text in section["rows"]}


async def test_one_command_pings_and_proves_it(connecting: Trial, stores: Stores) -> None:
    told = await said(connecting, "ping", *THERE)
    assert (told["ping"]["pong"], told["trouble"]) == (True, None)
    seal, text, contents = read(told["evidence"])
    message_id = told["ping"]["message_id"]
    assert seal["sandbox"]
    for part in (MARK, message_id, "TLSv1.", GEMEENTE.oin, "Gemeente Oeverloo", "Certificaat van de server", "Verloop"):
        assert part in text
    sent = [name for name in contents if name.startswith("ping.")]
    assert message_id.encode() in contents[sent[0]]
    assert message_id.encode() in contents["pong.xml"], "it refers to the Ping"
    shown = {section["heading"].partition(" (")[0]: dict(section["rows"]) for section in seal["sections"]}
    ours = shown["Ons certificaat"]
    assert ours["OIN"] == LEVERANCIER.oin
    pem = Path(connecting.facts["tls_certificate_file"]).read_text()
    leaf = read_certificates(pem.encode())[0]
    assert (ours["SHA-256"], ours["Serienummer"]) == (leaf.sha256, leaf.serial)
    status = await onboarding(stores).status(PRE)
    assert status.step("3.6").done
    assert status.step("3.6").record.evidence == tuple(told["evidence"])
    [again] = await said(connecting, "evidence", *THERE, "--step", "3.6")
    assert again["files"] == told["evidence"], "there is nothing new"


async def test_the_mail_reaches_the_mailbox_of_the_sandbox_with_the_same_files(
    connecting: Trial, stores: Stores
) -> None:
    mail = ("mail", *THERE, "--step", "3.7", "--send", "--sandbox", connecting.folder / "sandbox")
    async with steps.without_faults(connecting):
        await connecting.fault(kind="answer", target="mail", status=451)
        refused = await gateway_command(connecting, "aansluiting", *mail)
        assert (refused.status, "er is niets vastgelegd" in refused.err) == (1, True)
    assert (await onboarding(stores).status(PRE)).step("3.7").record.state is StepState.OPEN
    told = await said(connecting, *mail)
    async with connecting.http.get(f"{connecting.facts['management_url']}/mailbox") as answer:
        [received] = await answer.json()
    assert (received["to"], received["subject"]) == (told["to"], told["subject"])
    proven = (await onboarding(stores).status(PRE)).step("3.6").record.evidence
    hashes = {Path(file).name: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in proven}
    attached = {each["naam"]: each["sha256"] for each in received["attachments"]}
    assert len(attached) == 3
    assert attached.items() <= hashes.items()
    assert (await onboarding(stores).status(PRE)).step("3.7").record.state is StepState.WAITING


async def test_one_command_submits_a_test_verzoek_and_follows_it_into_the_case_system(
    connecting: Trial, stores: Stores
) -> None:
    await onboarding(stores).word(PRE, "3.7", Told(SystemClock().now(), "aansluitteam"))
    told = await said(connecting, "follow", *THERE, "--submit", "--sandbox", connecting.folder / "sandbox")
    assert (told["arrived"], told["state"], told["type"]) == (True, "delivered", "Melding")
    names = [step["name"] for step in told["steps"]]
    assert names.index("received") < names.index("fetched") < names.index("delivered")
    status = await onboarding(stores).status(PRE)
    assert [number for number in ("4.1", "5.1", "5.2", "6.1", "6.2") if not status.step(number).done] == []
    [made] = await said(connecting, "evidence", *THERE, "--step", "6.2")
    seal, text, _ = read(made["files"])
    shown = rows(seal)
    assert shown["Verzoeknummer"] == told["verzoeknummer"]
    assert (shown["Testverzoek"], shown["Bijlagen"]) == ("ja", "0")
    assert shown["Kenmerk in het zaaksysteem"] in text
    assert "-" not in (shown["Ontvangen"], shown["Opgehaald"], shown["Afgeleverd"])
    [row] = await stores.reading.verzoeken(VerzoekFilter(verzoeknummer=told["verzoeknummer"]))
    assert row.naam
    assert row.naam not in text, "what an applicant wrote is nobody's proof"


async def test_a_picture_and_all_steps_together(connecting: Trial, stores: Stores) -> None:
    file = connecting.folder / "scherm.png"
    file.write_bytes(a_png())
    shown = ("--step", "7.1", "--screenshot", file, "--yes")
    [picture] = await said(connecting, "evidence", *THERE, *shown)
    seal, _, contents = read(picture["files"])
    assert contents["schermafbeelding.png"] == a_png()
    assert rows(seal)["Afgeleverd"] != "-"
    every = await said(connecting, "evidence", *THERE, "--all")
    whole = read(every[-1]["files"])[1]
    assert {"3.6", "4.1", "6.2", ""} <= {each["step"] for each in every}
    assert hashlib.sha256(Path(picture["files"][0]).read_bytes()).hexdigest() in "".join(whole.split())
