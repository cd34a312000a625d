"""From an envelope of ours with its bytes to the row of the sender: which channel, which partner, which name."""

from datetime import datetime

from digikoppelaar.ebms.agreement import Action
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Packaged
from digikoppelaar.flows.ports import CpaRecord, NewOutbound


def to_send(
    cpa: CpaRecord, envelope: Envelope, packaged: Packaged, now: datetime, action: Action | None = None
) -> NewOutbound:
    """A message as it goes into the store: a business message over the channel of its `action`.

    Without `action` it is an MSH signal: over our default MSH channel, with no acknowledgment awaited.
    """
    header = envelope.header
    channel = action.channel if action else cpa.agreement.our_signals
    return NewOutbound(
        cpa=cpa,
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        ref_to_message_id=header.ref_to_message_id,
        service=header.service.value,
        action=header.action,
        timestamp=header.timestamp,
        partner=partner_of(cpa),
        endpoint=channel.endpoint,
        content_type=packaged.content_type,
        body=packaged.body,
        reliable=channel.reliable_messaging if action else None,
        time_to_live=header.time_to_live,
        due_at=now,
    )


def partner_of(cpa: CpaRecord) -> str:
    """The key of the partner's slots in the sender: the same party in another omgeving is another partner."""
    return f"{cpa.aansluiting.omgeving}/{cpa.agreement.theirs.party_ids[0].value}"


def domain_of(cpa: CpaRecord) -> str:
    """The right-hand side of our MessageIds under this CPA: our party id as a host name (EB013)."""
    return f"{cpa.agreement.ours.party_ids[0].value}.digikoppelaar"
