"""`aansluiting mail` over a real SMTP server: who gets what, what is on record then, and what never goes out."""

import email
import json
from collections.abc import Callable, Iterator, Sequence
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.adapters.test_mail import Inbox
from tests.unit.cli.test_aansluiting import aansluiting, installation, refusal, said
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE

from digikoppelaar.adapters.evidence import write_evidence
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.errors import ConfigError, MailNotSent
from digikoppelaar.onboarding.evidence import MARK, Evidence
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent as Event

__all__ = ["installation"]
BEFORE = ("0.1", "0.3", "1.2", "2.1", "2.2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6")
TEAM, COLLEAGUE = "team@aansluit.example", "collega@leverancier.example"
ADDRESSES = f"""
[onboarding.mail]
aansluitteam = ["{TEAM}"]
koop_servicedesk = ["desk@koop.example"]
cc = ["{COLLEAGUE}"]
"""


class Server:
    """A mail server in a thread of its own."""

    def __init__(self, *refused: str) -> None:
        self.inbox = Inbox(*refused)
        [self.port] = free_ports(1)
        self.controller = Controller(self.inbox, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Listen, until `stop`."""
        self.controller.start()

    def stop(self) -> None:
        """Be away; twice is harmless."""
        if not self.controller.loop.is_closed():
            self.controller.stop()

    @property
    def settings(self) -> str:
        """The table of the configuration that leads to it."""
        return f'[mail]\nhost = "127.0.0.1"\nport = {self.port}\ntls = "none"\nfrom = "koppelaar@leverancier.example"\n'


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[Server] = []

    def started(*refused: str) -> Server:
        servers.append(Server(*refused))
        servers[-1].start()
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


def configure(installation: Installation, *tables: str) -> None:
    installation.file.write_text(installation.file.read_text() + "".join(tables))


def proven(installation: Installation, omgeving: str, oin: str = GEMEENTE, step: str = "3.6") -> tuple[str, ...]:
    """Everything up to the ping-pong is done in this omgeving, with evidence that may be of another."""
    subject = Subject(oin, Kind.STAM, omgeving)
    made = Evidence(subject, "Gemeente Voorbeeldstad", step, "Ping-pong", NOW, "een ander", ())
    files = tuple(map(str, write_evidence(installation.file.parent / "bewijs", made)))

    async def done(world: World) -> None:
        store = PostgresOnboarding(world.pool)
        for number in BEFORE:
            told = Told(NOW, "een ander", evidence=files if number == "3.6" else ())
            await store.tell(Subject(GEMEENTE, Kind.STAM, omgeving), number, Event.FULFILLED, told)

    installation.ask(done)
    return files


def arguments(omgeving: str, *more: str, step: str = "3.7") -> Sequence[str]:
    return ("mail", GEMEENTE, "--omgeving", omgeving, "--step", step, *more)


def state(installation: Installation, omgeving: str, number: str = "3.7") -> str:
    [page] = said(installation, "show", GEMEENTE, "--kind", "stam", "--omgeving", omgeving)
    return str(next(each["state"] for each in page["steps"] if each["step"] == number))


def parts(message: Any) -> dict[str, bytes]:
    return {each.get_filename(): each.get_payload(decode=True) for each in message.iter_attachments()}


def test_the_mail_goes_with_its_evidence_and_the_step_waits(installation: Installation, start: Start) -> None:
    server, files = start(), proven(installation, "pre")
    configure(installation, server.settings, ADDRESSES)
    told = said(installation, *arguments("pre", "--send", "--by", "J. Jansen"))
    [(to, message)] = server.inbox.taken
    assert tuple(to) == (TEAM, COLLEAGUE)
    assert (message["To"], message["Cc"], message["Auto-Submitted"]) == (TEAM, COLLEAGUE, None)
    assert message["Subject"] == "Koppeling van Gemeente Voorbeeldstad is technisch in orde, oefenomgeving (PRE)"
    text = message.get_body().get_content()
    assert GEMEENTE in text
    assert "J. Jansen" in text
    assert parts(message) == {Path(file).name: Path(file).read_bytes() for file in files}
    assert told["sent"]
    assert state(installation, "pre") == "wacht op antwoord"
    line = said(installation, "log", GEMEENTE, "--omgeving", "pre", "--step", "3.7")[-1]
    assert (line["event"], line["detail"]) == ("asked", f"mail {told['name']}")
    reminder = said(installation, *arguments("pre", "--send"))
    assert reminder["name"] != told["name"], "it is a mail of its own"


def test_a_server_that_is_down_or_refuses_somebody_marks_nothing(installation: Installation, start: Start) -> None:
    server = start(COLLEAGUE)
    proven(installation, "pre")
    configure(installation, server.settings, ADDRESSES)
    partly = aansluiting(installation, *arguments("pre", "--send")).exception
    assert isinstance(partly, MailNotSent)
    assert "refused 1 of 2 addresses" in str(partly)
    server.stop()
    down = aansluiting(installation, *arguments("pre", "--send")).exception
    assert isinstance(down, MailNotSent)
    assert "niet verstuurd en er is niets vastgelegd" in down.advice
    assert "beheerder" in down.advice
    assert state(installation, "pre") == "te doen"
    assert said(installation, "log", GEMEENTE, "--omgeving", "pre", "--step", "3.7") == []


def test_that_of_a_sandbox_goes_to_its_own_mailbox_alone(
    installation: Installation, start: Start, tmp_path: Path
) -> None:
    configured, mailbox = start(), start()
    proven(installation, "sandbox-pre")
    configure(installation, configured.settings, ADDRESSES)
    assert "which sandbox" in str(refusal(installation, *arguments("sandbox-pre", "--send")))
    facts = tmp_path / "sandbox.json"
    facts.write_text(json.dumps({"mail_host": "mail.example", "mail_port": mailbox.port}))
    there = ("--send", "--sandbox", str(tmp_path))
    assert "no mailbox on this machine" in str(refusal(installation, *arguments("sandbox-pre", *there)))
    facts.write_text(json.dumps({"mail_host": "127.0.0.1", "mail_port": mailbox.port}))
    said(installation, *arguments("sandbox-pre", *there))
    assert configured.inbox.taken == []
    [(to, message)] = mailbox.inbox.taken
    assert to == ["postbus@sandbox.invalid"]
    assert message["Cc"] is None
    assert message["Subject"].startswith("SANDBOX: ")
    assert message.get_body().get_content().startswith(MARK)
    assert state(installation, "sandbox-pre") == "wacht op antwoord"


def test_a_draft_is_saved_for_a_mail_program_and_marks_nothing(installation: Installation, tmp_path: Path) -> None:
    proven(installation, "pre")
    configure(installation, ADDRESSES)
    file = tmp_path / "gereed.eml"
    assert said(installation, *arguments("pre", "--save", str(file), "--dry-run"))["saved"] is None
    assert not file.exists()
    assert "Not sent." in aansluiting(installation, *arguments("pre", "--save", str(file))).output
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert (message["X-Unsent"], message["To"]) == ("1", TEAM)
    assert len(parts(message)) == 3
    assert "File exists" in str(refusal(installation, *arguments("pre", "--save", str(file))))
    assert "no [mail]" in str(refusal(installation, *arguments("pre", "--send")))
    assert state(installation, "pre") == "te doen"


def test_addresses_come_from_the_configuration_alone(installation: Installation) -> None:
    proven(installation, "pre")
    error = refusal(installation, *arguments("pre"))
    assert "no address for aansluitteam" in str(error)
    assert "[onboarding.mail]" in error.advice
    assert "no mail goes with step 3.6" in str(refusal(installation, *arguments("pre", step="3.6")))
    configure(installation, '[onboarding.mail]\naansluitteam = ["a@b.example, c@d.example"]\n')
    assert "onboarding.mail.aansluitteam" in str(refusal(installation, *arguments("pre")))


def test_what_proves_something_else_or_was_changed_is_never_sent(installation: Installation) -> None:
    configure(installation, ADDRESSES)
    proven(installation, "pre", oin="00000099000000009999")
    assert "is evidence of something else" in str(refusal(installation, *arguments("pre")))
    proven(installation, "pre", step="3.5")
    assert "is evidence of something else" in str(refusal(installation, *arguments("pre")))
    files = proven(installation, "pre")
    assert len(said(installation, *arguments("pre"))["attachments"]) == 3
    Path(files[1]).write_bytes(b"%PDF nagemaakt")
    assert "was changed" in str(refusal(installation, *arguments("pre")))


def test_who_need_not_be_asked_gets_no_mail(installation: Installation, start: Start) -> None:
    server = start()
    configure(installation, server.settings, ADDRESSES)
    early = refusal(installation, *arguments("pre", "--send", step="1.2"))
    assert early.advice == "Eerst moet klaar zijn: stap 0.1."
    without = refusal(installation, *arguments("pre", "--send"))
    assert "held up by stap 3.6" in str(without)
    undone = refusal(installation, *arguments("pre"))
    assert "step 3.6 has no evidence" in str(undone)
    assert "Stap 3.6 moet eerst gedaan zijn" in undone.advice
    proven(installation, "pre")

    async def answered(world: World) -> None:
        await PostgresOnboarding(world.pool).tell(
            Subject(GEMEENTE, Kind.STAM, "pre"), "3.7", Event.FULFILLED, Told(NOW, "een ander")
        )

    installation.ask(answered)
    assert "nobody is to be asked" in str(refusal(installation, *arguments("pre", "--send")))
    assert server.inbox.taken == []


def test_koop_is_asked_by_draft_too(installation: Installation) -> None:
    configure(installation, ADDRESSES)
    for step in ("0.1", "0.2", "0.4", "1"):
        told = said(installation, *arguments("pre", "--kind", "drop", step=step))
        assert told["to"] == ["desk@koop.example"]
        assert told["cc"] == []
    error: ConfigError = refusal(installation, *arguments("pre", "--kind", "drop", step="0.3"))
    assert "koop_functioneel_beheer" in str(error)
