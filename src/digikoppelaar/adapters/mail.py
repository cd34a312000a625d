"""Mail over SMTP (aiosmtplib), to one server that relays it."""

import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal

import aiosmtplib
import structlog

from digikoppelaar.errors import ConfigError, MailNotSent
from digikoppelaar.flows.worklist_mail import Mail

log = structlog.get_logger()

TIMEOUT: Final = 30.0
"""Seconds for one step of the conversation."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. `tls`: `starttls`, `tls` from the first byte, or `none`; `trust_anchors` beside the machine's.

    The first line of `credentials_file` is name:password.
    """

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "tls", "none"] = "starttls"
    credentials_file: Path | None = None
    trust_anchors: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """See flows.worklist_mail.Mailer."""

    server: MailServer

    async def send(self, mail: Mail) -> None:
        """See flows.worklist_mail.Mailer. Raises ConfigError when a file of the settings cannot be read."""
        server, (name, password) = self.server, _credentials(self.server.credentials_file)
        try:
            refused, _ = await aiosmtplib.send(
                message_of(mail, server.sender),
                recipients=[*mail.to, *mail.cc],
                sender=server.sender,
                hostname=server.host,
                port=server.port,
                username=name,
                password=password,
                use_tls=server.tls == "tls",
                start_tls=server.tls == "starttls",
                tls_context=_context(server) if server.tls != "none" else None,
                timeout=TIMEOUT,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # What a server says can quote the addresses.
            code = f" ({error.code})" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
            raise MailNotSent(f"mail server {server.host}: {type(error).__name__}{code}") from error
        if refused and mail.by_hand:
            raise MailNotSent(f"mail server {server.host} refused {len(refused)} of {len(mail.to + mail.cc)} addresses")
        if refused:
            log.warning("mail_partly_refused", recipients=len(mail.to), refused=len(refused))


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it is sent; the same mail has the same Message-ID, so that a repeat is known as one."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ", ".join(mail.to), mail.subject
    if mail.cc:
        message["Cc"] = ", ".join(mail.cc)
    message["Message-ID"] = f"<{mail.name}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(mail.at)
    if not mail.by_hand:
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    for each in mail.attachments:
        kind, _, form = each.media_type.partition("/")
        message.add_attachment(each.content, maintype=kind, subtype=form, filename=each.name)
    return message


def as_draft(mail: Mail, sender: str) -> bytes:
    """The mail as a file that a mail program opens to be looked at and sent (.eml)."""
    message = message_of(mail, sender)
    message["X-Unsent"] = "1"
    return message.as_bytes(policy=SMTP)


def _credentials(file: Path | None) -> tuple[str | None, str | None]:
    if file is None:
        return None, None
    try:
        name, found, password = next(iter(file.read_text(encoding="utf-8").splitlines()), "").partition(":")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"mail.credentials_file {file}: {reason}") from None  # the cause can hold the password
    if not found:
        raise ConfigError(f"mail.credentials_file {file}: its first line must be name:password")
    return name, password


def _context(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for file in server.trust_anchors:
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"mail.trust_anchors {file}: {error.strerror or type(error).__name__}") from error
    return context
