"""What the Java peer refuses of us is a failed message for our application, by an error in either direction."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from ebms_adapter_client import MessageEventType
from tests.interop.agreements import Member, Terms, base64_of, cpa
from tests.interop.gateway import Gateway
from tests.interop.peer import Peer
from tests.interop.way import Way


@dataclass(frozen=True)
class Disagreement:
    """What the CPA of the peer says otherwise than ours, and the error that it sends about our message then."""

    name: str
    code: str

    def apply(self, document: bytes, us: Member, them: Member) -> bytes:
        """The CPA as the peer has it."""
        if self.name == "action":
            return document.replace(us.action.encode(), b"meldIetsAnders")
        ours, theirs = (base64_of(member.issued["sign"].certificate).encode() for member in (us, them))
        return document.replace(ours, theirs)


DISAGREEMENTS = (Disagreement("action", "ValueNotRecognized"), Disagreement("certificate", "SecurityFailure"))


@pytest_asyncio.fixture(params=[False, True], ids=["asynchronous", "synchronous"], loop_scope="session")
async def synchronous(request: pytest.FixtureRequest) -> bool:
    """Where the error comes back: in the response, or as a message of its own."""
    return bool(request.param)


@pytest.mark.statement(83, 111)
@pytest.mark.parametrize("disagreement", DISAGREEMENTS, ids=lambda one: one.name)
async def test_an_error_of_the_peer_ends_our_message_as_failed(
    disagreement: Disagreement, synchronous: bool, us: Member, them: Member, gateway: Gateway, peer: Peer
) -> None:
    name = f"disagree-{disagreement.name}-{'sync' if synchronous else 'async'}"
    terms = Terms(name, signed=True, synchronous=synchronous)
    document = cpa(terms, us, them)
    await gateway.add_cpa(terms, document)
    await peer.add_cpa(disagreement.apply(document, us, them))
    way = Way(terms, gateway, peer, them)
    message_id = await way.to_them()
    assert (await peer.received(message_id))["error"].startswith(disagreement.code)
    assert await way.ended(message_id) is MessageEventType.FAILED
