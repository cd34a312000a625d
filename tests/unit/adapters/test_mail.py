"""Mail over a real SMTP server: what it gets, and what is told when it will not take it."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from tests.certificates import Authority, Shape
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.adapters.mail import MailServer, SmtpMailer
from digikoppelaar.errors import ConfigError, MailNotSent
from digikoppelaar.flows.worklist_mail import Mail

TO = ("vth@gemeente.example", "weg@gemeente.example")
MAIL = Mail(TO, "Werkvoorraad: één punt", "Verzoek 42 wacht – kijk.\n", "ab12", NOW)
LOGIN = LoginPassword(b"koppelaar", b"geheim")


class Inbox:
    """Takes mail for everybody but `refused`."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.taken = refused, list[Any]()

    async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd looks for
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """One recipient."""
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # likewise
        """The whole mail."""
        self.taken.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@asynccontextmanager
async def listening(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[MailServer]:
    """A server on loopback, and the settings that lead to it; `tls` from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    try:
        yield MailServer("127.0.0.1", server.sockets[0].getsockname()[1], "koppelaar@voorbeeld.example", "none")
    finally:
        server.close()


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS of a server, and the anchor under it."""
    authority = Authority()
    chain, key = authority.issue(Shape(names=("127.0.0.1",))).write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, authority.write_root(folder)


async def test_a_mail_arrives_as_it_was_written() -> None:
    inbox = Inbox()
    async with listening(inbox) as server:
        await SmtpMailer(server).send(MAIL)
    [(to, message)] = inbox.taken
    assert tuple(to) == TO
    assert (message["From"], message["Subject"]) == ("koppelaar@voorbeeld.example", MAIL.subject)
    assert message["Message-ID"] == "<ab12@voorbeeld.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == MAIL.text.splitlines()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it does not see TLS below it
@pytest.mark.parametrize("way", ["tls", "starttls"])
async def test_a_password_goes_over_tls_of_a_trusted_server(way: Any, tmp_path: Path) -> None:
    context, anchor = certified(tmp_path)
    credentials = tmp_path / "credentials"
    credentials.write_text("koppelaar:geheim\n")
    seen = []

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        seen.append(login)
        return AuthResult(success=login == LOGIN, handled=False)

    options: dict[str, Any] = {"authenticator": check, "auth_required": True}
    options |= {"tls_context": context} if way == "starttls" else {"auth_require_tls": False}
    inbox = Inbox()
    async with listening(inbox, tls=context if way == "tls" else None, **options) as plain:
        server = replace(plain, tls=way, credentials_file=credentials, trust_anchors=(anchor,))
        await SmtpMailer(server).send(MAIL)
        with pytest.raises(MailNotSent):
            await SmtpMailer(replace(server, trust_anchors=())).send(MAIL)
        credentials.write_text("koppelaar:fout\n")
        with pytest.raises(MailNotSent, match="535"):
            await SmtpMailer(server).send(MAIL)
    assert len(inbox.taken) == 1
    assert seen[0] == LOGIN


async def test_who_is_refused_keeps_the_mail_from_nobody_else() -> None:
    inbox = Inbox(TO[1])
    async with listening(inbox) as server:
        await SmtpMailer(server).send(MAIL)
    assert [to for to, _ in inbox.taken] == [[TO[0]]]


async def test_what_was_not_taken_is_told_without_an_address() -> None:
    async with listening(Inbox(*TO)) as server:
        with pytest.raises(MailNotSent) as refused:
            await SmtpMailer(server).send(MAIL)
        assert "gemeente.example" not in str(refused.value)
        with pytest.raises(MailNotSent):  # this server has no TLS
            await SmtpMailer(replace(server, tls="starttls")).send(MAIL)
    with pytest.raises(MailNotSent):
        await SmtpMailer(server).send(MAIL)


@pytest.mark.parametrize("content", [None, b"zonder dubbele punt\n", b"naam:geh\xe9im\n"])
async def test_credentials_that_cannot_be_read_are_told(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="credentials_file"):
        await SmtpMailer(MailServer("127.0.0.1", 1, "a@b.example", "none", file)).send(MAIL)
