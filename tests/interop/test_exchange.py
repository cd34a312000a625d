"""Messages between the gateway and the Java peer, both ways, in every way of working, over http and mutual TLS."""

import hashlib
from dataclasses import replace

import pytest
import pytest_asyncio
from ebms_adapter_client import EbMSMessageStatus, MessageEventType
from tests.interop.agreements import AES256_CBC, AES256_GCM, Member, Terms, cpa
from tests.interop.gateway import Gateway
from tests.interop.peer import Peer
from tests.interop.way import PAYLOADS, Way, contents

from digikoppelaar.ebms.agreement import Tolerances

LARGE = 20 * 1024 * 1024
WAYS = (
    Terms("best-effort", reliable=False),
    Terms("best-effort-signed", reliable=False, signed=True),
    Terms("reliable"),
    Terms("reliable-signed", signed=True),
    Terms("signed-receipts", signed=True, sign_receipts=True),
    Terms("synchronous", synchronous=True),
    Terms("synchronous-signed", signed=True, sign_receipts=True, synchronous=True),
    Terms("encrypted", signed=True, cipher=AES256_GCM),
    Terms("encrypted-legacy", signed=True, cipher=AES256_CBC),
)
BOTH = tuple(
    replace(way, cpa_id=f"{way.cpa_id}-{scheme}", scheme=scheme) for way in WAYS for scheme in ("http", "https")
)
LEGACY = Tolerances(legacy_encryption=True)


@pytest_asyncio.fixture(params=BOTH, ids=lambda terms: terms.cpa_id, scope="session", loop_scope="session")
async def way(request: pytest.FixtureRequest, us: Member, them: Member, gateway: Gateway, peer: Peer) -> Way:
    """Each way of working, over http and over mutual TLS."""
    terms: Terms = request.param
    document = cpa(terms, us, them)
    await peer.add_cpa(document)
    await gateway.add_cpa(terms, document, LEGACY if terms.cipher == AES256_CBC else None)
    return Way(terms, gateway, peer, them)


@pytest.mark.statement(110)
async def test_a_message_of_the_peer_reaches_our_application_and_is_acknowledged(way: Way) -> None:
    message_id = await way.to_us()
    assert contents(await way.taken(message_id)) == list(PAYLOADS)
    outcome = await way.peer.outcome(message_id)
    assert outcome["state"] == ("ACKNOWLEDGED" if way.terms.reliable else "DELIVERED")
    assert outcome["attempts"] == 1
    assert outcome["answerSigned"] is way.terms.sign_receipts


@pytest.mark.statement(86, 142, 143)
async def test_a_message_of_our_application_reaches_the_peer_and_is_acknowledged(way: Way) -> None:
    message_id = await way.to_them()
    received = await way.peer.received(message_id)
    assert received["error"] is None
    assert received["signed"] is way.terms.signed
    assert [(one["contentType"], one["sha256"]) for one in received["payloads"]] == [
        (kind, hashlib.sha256(content).hexdigest()) for kind, content in PAYLOADS
    ]
    assert bool(received["encryption"]) is way.terms.encrypted
    assert await way.gateway.event(way.terms, message_id) is MessageEventType.DELIVERED


async def test_a_message_without_payload_passes_both_ways(way: Way) -> None:
    ours, theirs = await way.to_them(()), await way.to_us(())
    assert (await way.peer.received(ours))["payloads"] == []
    assert contents(await way.taken(theirs)) == []
    assert (await way.peer.outcome(theirs))["state"] in {"ACKNOWLEDGED", "DELIVERED"}


@pytest.mark.statement(153)
async def test_a_ping_is_answered_both_ways(way: Way) -> None:
    assert (await way.peer.outcome(await way.peer.ping(way.terms.cpa_id)))["state"] == "PONG"
    assert await way.gateway.ping(way.terms, way.them)


@pytest.mark.statement(155)
async def test_a_status_is_told_both_ways(way: Way) -> None:
    ours, theirs = await way.to_them(), await way.to_us()
    await way.peer.received(ours)
    assert await way.gateway.status(way.terms, ours) is EbMSMessageStatus.RECEIVED
    await way.peer.outcome(theirs)
    asked = await way.peer.outcome(await way.peer.status(way.terms.cpa_id, theirs))
    assert (asked["state"], asked["detail"]) == ("STATUS", "Received")
    await way.taken(theirs)
    asked = await way.peer.outcome(await way.peer.status(way.terms.cpa_id, theirs))
    assert (asked["state"], asked["detail"]) == ("STATUS", "Processed")


@pytest.mark.statement(96, 97)
async def test_a_repeated_message_is_answered_again_and_not_delivered_again(way: Way) -> None:
    if not way.terms.reliable:
        pytest.skip("without duplicate elimination a repeat is another delivery")
    message_id = await way.to_us()
    await way.taken(message_id)
    await way.peer.outcome(message_id)
    assert await way.peer.repeat(message_id) == (200 if way.terms.synchronous else 204)
    first, second = await way.peer.answers(message_id, 2)
    assert first == second
    assert message_id not in await way.gateway.unprocessed(way.terms)


async def test_an_altered_payload_is_refused_as_a_security_failure(way: Way) -> None:
    if not way.terms.signed:
        pytest.skip("only a signature shows it")
    message_id = await way.to_us(wrong="payload")
    outcome = await way.peer.outcome(message_id, {"FAILED"})
    assert outcome["detail"].startswith("SecurityFailure")
    assert message_id not in await way.gateway.unprocessed(way.terms)


async def test_an_unknown_action_is_refused_with_value_not_recognized(way: Way) -> None:
    outcome = await way.peer.outcome(await way.to_us(wrong="action"), {"FAILED"})
    assert outcome["detail"].startswith("ValueNotRecognized //Header/MessageHeader/Action")


async def test_twenty_mebibytes_pass_both_ways(way: Way) -> None:
    large = [("application/octet-stream", hashlib.sha256(way.terms.cpa_id.encode()).digest() * (LARGE // 32))]
    ours, theirs = await way.to_them(large), await way.to_us(large)
    received = await way.peer.received(ours)
    assert received["payloads"][0]["sha256"] == hashlib.sha256(large[0][1]).hexdigest()
    assert contents(await way.taken(theirs)) == large
    assert (await way.peer.outcome(theirs))["state"] in {"ACKNOWLEDGED", "DELIVERED"}
