"""Mail that the gateway sends, in the mailbox of a running sandbox."""

from email.message import EmailMessage
from typing import Any

import aiohttp
import aiosmtplib
import pytest
from tests.unit.sandbox.gateway import CLOCK, Gateway

from digikoppelaar.adapters.mail import MailServer, SmtpMailer
from digikoppelaar.errors import MailNotSent
from digikoppelaar.flows.worklist_mail import Mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL = Mail(
    ("aansluitteam@sandbox.example",), "Gereed: één koppeling", "De ping-pong is gelukt.\n", "ab12", CLOCK.now()
)


def mailer(country: Gateway) -> SmtpMailer:
    return SmtpMailer(MailServer(country.ready.mail_host, country.ready.mail_port, "ons@voorbeeld.example", "none"))


async def mails(country: Gateway) -> list[Any]:
    async with aiohttp.ClientSession() as http, http.get(country.ready.management_url + "/mailbox") as answer:
        return list(await answer.json())


async def test_what_the_gateway_mails_is_there_with_what_was_attached(country: Gateway) -> None:
    await mailer(country).send(MAIL)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ons@voorbeeld.example", MAIL.to[0], "Bewijs"
    message.set_content("Zie bijlage.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bewijs.pdf")
    await aiosmtplib.send(message, hostname=country.ready.mail_host, port=country.ready.mail_port)
    first, second = (await mails(country))[-2:]
    assert (first["subject"], first["text"], first["to"]) == (MAIL.subject, "De ping-pong is gelukt.\n", [*MAIL.to])
    [attached] = second["attachments"]
    assert attached == {
        "naam": "bewijs.pdf",
        "media_type": "application/pdf",
        "bytes": 4,
        "sha256": "315d429b7714cedb6ad04ac31240145257692630457f3c88253c5beceac76027",
    }
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{country.ready.management_url}/mailbox/{second['id']}") as answer:
            assert b"Zie bijlage." in await answer.read()
        async with http.get(f"{country.ready.management_url}/mailbox/99999") as answer:
            assert answer.status == 404


async def test_a_mailbox_that_is_down_takes_nothing(country: Gateway) -> None:
    before = len(await mails(country))
    faults = country.ready.management_url + "/faults"
    async with aiohttp.ClientSession() as http:
        async with http.post(faults, json={"kind": "answer", "target": "mail", "status": 451, "count": 1}) as answer:
            assert answer.status == 201
        with pytest.raises(MailNotSent, match="451"):
            await mailer(country).send(MAIL)
        assert len(await mails(country)) == before
        await http.delete(faults)
    await mailer(country).send(MAIL)
    assert len(await mails(country)) == before + 1
