"""The mailbox of the national side: takes every mail over SMTP, without TLS, and shows it. Forgotten when it stops.

Evidence of a sandbox may go nowhere else. Aansluitteam, Functioneel beheer and Servicedesk all read this one.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.sandbox.faults import Fault, Faults, Kind, Target

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of one mail."""
MOST: Final = 2000
"""Mails that are kept; then the oldest goes."""
_HOST: Final = "mail.sandbox.localhost"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along."""

    naam: str
    media_type: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """In hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it came in; `content` are its octets."""

    id: int
    at: datetime
    sender: str
    to: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def message(self) -> EmailMessage:
        """What it says."""
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def subject(self) -> str:
        """On one line."""
        return str(self.message["subject"] or "")

    @property
    def text(self) -> str:
        """Its plain text; empty when it has none."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()).replace("\r\n", "\n") if body else ""

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """In their order."""
        return tuple(
            Attachment(
                part.get_filename() or "", part.get_content_type(), payload if isinstance(payload, bytes) else b""
            )
            for part in self.message.iter_attachments()
            for payload in [part.get_payload(decode=True)]
        )


@dataclass(slots=True)
class Mailbox:
    """What came in, oldest first. Its handle_ methods are what aiosmtpd calls."""

    faults: Faults
    clock: Clock
    received: list[Received] = field(default_factory=list)
    _last_id: int = 0

    async def handle_MAIL(  # noqa: N802  # the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A mail begins; here a fault strikes."""
        match self.faults.strike(Target.MAIL):
            case Fault(kind=Kind.ANSWER, status=status):
                return f"{status} a fault of the sandbox is switched on"
            case Fault(kind=Kind.DELAY, seconds=seconds):
                await asyncio.sleep(seconds)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A whole mail. It is kept before it is acknowledged."""
        assert isinstance(envelope.content, bytes)
        self._last_id += 1
        mail = Received(
            self._last_id, self.clock.now(), envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.content
        )
        self.received = [*self.received, mail][-MOST:]
        return "250 OK"


@asynccontextmanager
async def listening(mailbox: Mailbox, host: str, port: int) -> AsyncIterator[int]:
    """Take mail as long as the block lasts, on the port that is given; 0 takes a free one. Raises ConfigError."""

    def protocol() -> SMTP:
        return SMTP(mailbox, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname=_HOST, ident="SANDBOX")

    try:
        server = await asyncio.get_running_loop().create_server(protocol, host, port)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port} for mail: {error.strerror}") from error
    async with server:
        yield server.sockets[0].getsockname()[1]
