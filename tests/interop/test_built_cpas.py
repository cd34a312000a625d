"""The CPAs that digikoppelaar makes are valid and clear to the Java peer, and messages go under them both ways."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from ebms_adapter_client import MessageEventType
from tests.interop.agreements import SERVICE, Member, Terms
from tests.interop.gateway import Gateway
from tests.interop.peer import Peer
from tests.interop.way import PAYLOADS, Way, contents

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.ebms.cpa_build import PROFILES, BuildParty, BuildService, CpaOrder, build
from digikoppelaar.pki.certificate import Use

USES = {"tls": (Use.TLS_CLIENT, Use.TLS_SERVER), "sign": (Use.SIGN,), "decrypt": (Use.DECRYPT,)}


def party(member: Member) -> BuildParty:
    """A member as the builder wants it."""
    certificates = {
        use: (issued.der, *(above.public_bytes(Encoding.DER) for above in issued.above))
        for name, issued in member.issued.items()
        for use in USES[name]
    }
    return BuildParty(member.name, member.oin, member.role, member.endpoints["https"], certificates)


@pytest.mark.parametrize("synchronous", [False, True], ids=["asynchronous", "synchronous"])
@pytest.mark.parametrize("profile", PROFILES)
async def test_under_a_cpa_of_our_own_making_messages_pass_both_ways(
    profile: str, synchronous: bool, us: Member, them: Member, gateway: Gateway, peer: Peer
) -> None:
    if synchronous and "-be" in profile:
        pytest.skip("only reliable messages have a signal to wait for (EB015)")
    terms = Terms(f"built-{profile}-{'sync' if synchronous else 'async'}", scheme="https")
    now = SystemClock().now()
    order = CpaOrder(
        cpa_id=terms.cpa_id,
        first=party(us),
        second=party(them),
        services=(BuildService(SERVICE, profile, (us.action,), (them.action,)),),
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=30),
        retries=4,
        retry_interval=timedelta(seconds=2),
        synchronous=synchronous,
        anchors=(us.authority.root.der,),
    )
    document = build(order)
    await peer.add_cpa(document)
    await gateway.add_cpa(terms, document)
    way = Way(terms, gateway, peer, them)
    ours, theirs = await way.to_them(), await way.to_us()
    assert (await peer.received(ours))["error"] is None
    assert await way.ended(ours) is MessageEventType.DELIVERED
    assert contents(await way.taken(theirs)) == list(PAYLOADS)
    assert (await peer.outcome(theirs))["state"] in {"ACKNOWLEDGED", "DELIVERED"}
