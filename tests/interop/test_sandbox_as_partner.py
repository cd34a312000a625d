"""The sandbox sends its notifications to the Java peer as to anybody's adapter, and is content with its answers.

The steps are those of docs/howto/test-your-adapter-against-the-sandbox.md.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.certificates import Issued
from tests.interop.agreements import write_pkcs12
from tests.interop.peer import DEADLINE, LOOK_EVERY, Peer, PeerFiles

from digikoppelaar.cli.trial import Trial


@dataclass(frozen=True)
class Partnership:
    """A sandbox, and the peer as the authority that it sends its notifications to."""

    sandbox: Trial
    peer: Peer

    async def submit(self) -> Any:
        """A verzoek in the Omgevingsloket of the sandbox."""
        return (await self.sandbox.submit())[0]

    async def acknowledged(self, verzoek: Any) -> Any:
        """What the sandbox says of the verzoek once its notification was acknowledged."""

        async def look() -> Any:
            found = await self.sandbox.submitted(verzoek["verzoeknummer"])
            return found if found["acknowledged"] else None

        return await _eventually(look)

    async def refused(self) -> list[Any]:
        """What the sandbox did not take."""
        return await self.sandbox.refusals()


async def _eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while not (found := await look()):
            await asyncio.sleep(LOOK_EVERY)
        return found


def _pkcs12(facts: dict[str, str], use: str, file: Path) -> Path:
    """What `openssl pkcs12 -export` makes of the sandbox's PEM files."""
    leaf, *above = x509.load_pem_x509_certificates(Path(facts[f"{use}_certificate_file"]).read_bytes())
    key = load_pem_private_key(Path(facts[f"{use}_key_file"]).read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return write_pkcs12(file, Issued(leaf, key, tuple(above)))


@pytest_asyncio.fixture(params=["osb-rm", "osb-rm-s"], scope="module", loop_scope="session")
async def partnership(request: pytest.FixtureRequest, built: None, folder: Path) -> AsyncIterator[Partnership]:
    """Both running, under the CPA that the sandbox made."""
    own = folder / f"sandbox-{request.param}"
    async with Trial(own, profile=request.param, retries=20, retry_interval=0.5) as sandbox:
        await sandbox.start_sandbox()
        facts = sandbox.facts
        pkcs12 = {use: _pkcs12(facts, use, own / f"{use}.p12") for use in ("tls", "sign")}
        files = PeerFiles(
            facts["organisatie_oin"], pkcs12 | {"decrypt": pkcs12["sign"]}, Path(facts["trust_anchor_file"])
        )
        async with Peer(files, own, sandbox.ports["endpoint"]) as peer:
            await peer.add_cpa(Path(facts["cpa_file"]).read_bytes())
            yield Partnership(sandbox, peer)


async def test_a_notification_arrives_and_its_acknowledgment_is_taken(partnership: Partnership) -> None:
    verzoek = await partnership.submit()
    received = await partnership.peer.received(verzoek["message_id"])
    assert received["error"] is None
    assert received["signed"] is partnership.sandbox.profile.endswith("-s")
    [payload] = received["payloads"]
    assert payload["contentType"] == "application/xml"
    await partnership.acknowledged(verzoek)
    assert await partnership.refused() == []


async def test_the_certificate_that_the_sandbox_shows_is_that_of_its_dso_lv(partnership: Partnership) -> None:
    await partnership.peer.received((await partnership.submit())["message_id"])
    callers = {one["client"] for one in await partnership.peer.exchanges() if one["direction"] == "in"}
    assert len(callers) == 1
    assert partnership.sandbox.facts["dso_oin"] in callers.pop()


async def test_a_lost_acknowledgment_makes_the_sandbox_send_the_same_octets_again(partnership: Partnership) -> None:
    await partnership.sandbox.fault(kind="lose", target="acknowledgment", count=1)
    verzoek = await partnership.submit()
    assert (await partnership.acknowledged(verzoek))["attempts"] == 2
    marked = verzoek["message_id"]
    bodies = [one["requestBody"] for one in await partnership.peer.exchanges() if one["direction"] == "in"]
    copies = [hashlib.sha256(body).digest() for body in map(base64.b64decode, bodies) if marked.encode() in body]
    assert len(copies) == 2
    assert len(set(copies)) == 1


async def test_the_sandbox_answers_a_ping(partnership: Partnership) -> None:
    outcome = await partnership.peer.outcome(await partnership.peer.ping(partnership.sandbox.facts["cpa_id"]))
    assert outcome["state"] == "PONG", json.dumps(dict(outcome))
