"""Signatures that this core makes hold for Apache Santuario and the reverse, and both refuse the same tampering."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.interop.agreements import Member, Terms, cpa
from tests.interop.peer import DEADLINE, Peer

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.answers import acknowledgment, business_message
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import ReceivedEnvelope
from digikoppelaar.ebms.packaging import Packaged, Payload, package, part_of, read_package
from digikoppelaar.ebms.signature import Verified, verify
from digikoppelaar.errors import SignatureError

PAYLOADS = (
    ("application/xml", b"<a>gr\xc3\xb6\xc3\x9fer</a>\r\n"),
    ("application/octet-stream", bytes(range(256)) * 40),
)
HASHES = {names.RSA_SHA256: hashes.SHA256(), names.RSA_SHA384: hashes.SHA384(), names.RSA_SHA512: hashes.SHA512()}
_NUMBERS = count(1)


@dataclass
class Mailbox:
    """An endpoint that takes whatever comes and answers nothing."""

    url: str = ""
    arrived: asyncio.Queue[tuple[str, bytes]] = field(default_factory=asyncio.Queue)

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        await self.arrived.put((request.headers["Content-Type"], await request.read()))
        return web.Response(status=204)

    async def next(self) -> tuple[ReceivedEnvelope, list[Payload]]:
        """What came, read by our core."""
        content_type, body = await asyncio.wait_for(self.arrived.get(), DEADLINE)
        document, payloads = read_package(content_type, body)
        return read_envelope(document), payloads


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mailbox on a free port."""
    box = Mailbox()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/ebms", box.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    box.url = f"http://{host}:{port}/ebms"
    yield box
    await runner.cleanup()


@dataclass(frozen=True)
class Pair:
    """Our core with a key on one side, the peer on the other, under a CPA with signed messages and acknowledgments."""

    us: Member
    agreement: Agreement
    mailbox: Mailbox

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Our raw signature."""
        key = self.us.issued["sign"].key
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(data, padding.PKCS1v15(), HASHES[algorithm])

    def verified(self, received: ReceivedEnvelope, payloads: list[Payload]) -> Verified:
        """What the signature of a business message of the peer vouches for."""
        signing = self.agreement.receives[0].channel.signing
        assert signing is not None
        parts = [part_of(each, signing.digest_method) for each in payloads]
        return verify(received, parts, signing, now=SystemClock().now())

    def message(self) -> tuple[str, Packaged]:
        """A signed business message of ours."""
        action, message_id = self.agreement.sends[0], f"{uuid4()}@interop.example"
        payloads = [Payload(f"part-{number}@interop.example", *each) for number, each in enumerate(PAYLOADS)]
        envelope = business_message(
            self.agreement,
            action,
            message_id=message_id,
            conversation_id=f"{uuid4()}",
            now=SystemClock().now(),
            hrefs=tuple(f"cid:{each.content_id}" for each in payloads),
        )
        signing = action.channel.signing
        return message_id, package(
            envelope, payloads, signing=signing, sign=self.sign, boundary=f"{uuid4()}", soap_content_id=message_id
        )

    def receipt(self, verified: Verified) -> Packaged:
        """Our signed acknowledgment."""
        message_id = f"{uuid4()}@interop.example"
        envelope = acknowledgment(
            verified.envelope,
            self.agreement,
            message_id=message_id,
            now=SystemClock().now(),
            references=verified.references,
        )
        signing = self.agreement.our_signals.signing
        return package(envelope, signing=signing, sign=self.sign, boundary="", soap_content_id=message_id)

    async def post(self, packaged: Packaged) -> int:
        """To the peer."""
        headers = {"Content-Type": packaged.content_type, "SOAPAction": names.SOAP_ACTION}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.agreement.our_signals.endpoint, data=packaged.body, headers=headers) as answer,
        ):
            return answer.status


@pytest_asyncio.fixture(params=[names.RSA_SHA256, names.RSA_SHA384, names.RSA_SHA512], loop_scope="session")
async def pair(request: pytest.FixtureRequest, us: Member, them: Member, peer: Peer, mailbox: Mailbox) -> Pair:
    """For each signature algorithm that Digikoppeling allows with RSA."""
    ours = Member(us.key, us.name, us.oin, us.role, us.action, us.authority, {"http": mailbox.url})
    digest = names.SHA512 if request.param == names.RSA_SHA512 else names.SHA256
    terms = Terms(
        f"core-{next(_NUMBERS)}", signed=True, sign_receipts=True, signature=request.param, digest=digest, retries=0
    )
    document = cpa(terms, ours, them)
    await peer.add_cpa(document)
    return Pair(ours, read_agreement(document, [ours.oin]), mailbox)


@pytest.mark.statement(116, 117, 118)
async def test_what_we_sign_holds_for_santuario_and_its_signed_acknowledgment_for_us(pair: Pair, peer: Peer) -> None:
    message_id, packaged = pair.message()
    assert await pair.post(packaged) == 204
    judged = await peer.received(message_id)
    assert (judged["error"], judged["signed"]) == (None, True)
    assert [each["size"] for each in judged["payloads"]] == [len(content) for _, content in PAYLOADS]
    received, _ = await pair.mailbox.next()
    signing = pair.agreement.their_signals.signing
    assert signing is not None
    receipt = verify(received, [], signing, now=SystemClock().now()).envelope.acknowledgment
    assert receipt is not None
    assert receipt.ref_to_message_id == message_id
    assert len(receipt.references) == 1 + len(PAYLOADS)


async def test_what_santuario_signs_holds_for_us_and_our_signed_acknowledgment_for_it(pair: Pair, peer: Peer) -> None:
    message_id = await peer.send(pair.agreement.cpa_id, pair.agreement.receives[0].action, PAYLOADS)
    verified = pair.verified(*await pair.mailbox.next())
    assert verified.envelope.header.message_id == message_id
    assert len(verified.references) == 1 + len(PAYLOADS)
    assert await pair.post(pair.receipt(verified)) == 204
    outcome = await peer.outcome(message_id)
    assert (outcome["state"], outcome["answerSigned"]) == ("ACKNOWLEDGED", True)


@pytest.mark.parametrize("wrong", ["payload", "header"])
async def test_what_was_altered_after_signing_holds_for_neither_when_santuario_signed(
    pair: Pair, peer: Peer, wrong: str
) -> None:
    await peer.send(pair.agreement.cpa_id, pair.agreement.receives[0].action, PAYLOADS, wrong=wrong)
    received, payloads = await pair.mailbox.next()
    with pytest.raises(SignatureError):
        pair.verified(received, payloads)


@pytest.mark.parametrize(("old", "new"), [(b"<a>gr", b"<a>Gr"), (b"<eb:ConversationId>", b"<eb:ConversationId>x")])
async def test_what_was_altered_after_signing_holds_for_neither_when_we_signed(
    pair: Pair, peer: Peer, old: bytes, new: bytes
) -> None:
    message_id, packaged = pair.message()
    assert old in packaged.body
    assert await pair.post(Packaged(packaged.content_type, packaged.body.replace(old, new))) == 204
    assert (await peer.received(message_id))["error"].startswith("SecurityFailure")
    received, _ = await pair.mailbox.next()
    assert [error.code for error in received.envelope.errors] == ["SecurityFailure"]
