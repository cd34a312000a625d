"""A CPA as one of its two parties sees it: what may be sent, what may come in, and how.

`cpa.read_agreement` makes an Agreement out of a CPA document; nothing else in the program reads CPA XML.
Which side's settings rule what: digikoppeling-ebms2.md, 2.13 and 4.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from digikoppelaar.ebms.messages import PartyId, Service


class Characteristic(Enum):
    """When an element is present: by the CPA, or as the application asks (CPA s.8.4.23)."""

    ALWAYS = "always"
    NEVER = "never"
    PER_MESSAGE = "perMessage"


@dataclass(frozen=True, slots=True)
class ReliableMessaging:
    """`retries` counts resends after the first send; `retry_interval` is the least wait between two sends."""

    retries: int
    retry_interval: timedelta


@dataclass(frozen=True, slots=True)
class Signing:
    """How a sender signs. `certificate` is DER; only it may verify (2.10)."""

    signature_algorithm: str
    digest_method: str
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """DER of the certificates that the CPA gives along with it: its intermediates (statement 185)."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """How payloads to a receiver are encrypted: content cipher by URI, the receiver's certificate in DER (2.11)."""

    algorithm: str
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """As of Signing."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A sender's DeliveryChannel with all it refers to, plus the receiver's endpoint and PersistDuration."""

    endpoint: str
    """URL of the receiver."""
    sync_reply_mode: str = "none"
    ack_requested: Characteristic = Characteristic.NEVER
    ack_signature_requested: Characteristic = Characteristic.NEVER
    duplicate_elimination: Characteristic = Characteristic.NEVER
    reliable_messaging: ReliableMessaging | None = None
    persist_duration: timedelta | None = None
    """Of the receiver: how long it remembers a MessageId."""
    signing: Signing | None = None
    """How its sender signs, where something must be signed (`Action.sender_signs`). None: it cannot."""
    encryption: Encryption | None = None
    """How payloads to its receiver are encrypted, where they must be (`Action.encrypted`). None: they cannot."""

    @property
    def synchronous(self) -> bool:
        """Whether the signal about a message comes back in its HTTP response (2.5)."""
        return self.sync_reply_mode != "none"


@dataclass(frozen=True, slots=True)
class Action:
    """One action that one side may send and the other may receive."""

    service: Service
    action: str
    sender_role: str
    receiver_role: str
    channel: Channel
    sender_signs: bool
    """isNonRepudiationRequired of the sender's binding."""
    encrypted: bool = False
    """isConfidential is persistent: the payloads are encrypted."""

    @property
    def profile(self) -> str:
        """The Digikoppeling profile: osb-be or osb-rm, with -s or -e (section 1.1)."""
        reliable = "osb-rm" if self.channel.ack_requested is not Characteristic.NEVER else "osb-be"
        return reliable + ("-e" if self.encrypted else "-s" if self.sender_signs else "")


@dataclass(frozen=True, slots=True)
class Side:
    """One party of the CPA."""

    name: str
    party_ids: tuple[PartyId, ...]
    transport_certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """DER certificates that its ClientCertificateRef and ServerCertificateRef name; informative (3.5, step 4)."""

    def owns(self, party_ids: tuple[PartyId, ...]) -> bool:
        """Whether there are party ids and each, with its type, is one of this party's (2.3)."""
        return bool(party_ids) and set(party_ids) <= set(self.party_ids)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What an administrator allows under one CPA beyond the standard. Every use of the legacy ones is logged."""

    next_msh: bool = False
    """AckRequested of the next MSH is read as of the To Party MSH, instead of NotSupported (statement 61)."""
    legacy_encryption: bool = False
    """AES-CBC with RSA 1.5, both ways, instead of refused (statements 144 and 146, 7i). Never 3DES."""
    legacy_signature: bool = False
    """SHA-1 and rsa-sha1 verify, instead of refused (statement 119, 7c). Never used to sign."""
    best_effort_once: bool = False
    """A repeated best-effort message is a duplicate, as the Java handler has it, instead of delivered again (7f)."""
    exclusive_c14n: bool = False
    """We sign with exclusive canonicalization, instead of inclusive (7e). Both always verify."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The CPA `cpa_id` as `ours` sees it."""

    cpa_id: str
    starts_at: datetime
    ends_at: datetime
    ours: Side
    theirs: Side
    sends: tuple[Action, ...]
    """What we may send."""
    receives: tuple[Action, ...]
    """What we may receive."""
    our_signals: Channel
    """Our default MSH channel, for the acknowledgments, errors, pings and pongs that we send."""
    their_signals: Channel
    """Their default MSH channel, for the signals that we receive."""
    our_overrides: Mapping[str, Channel] = field(default_factory=dict)
    """By MSH action: the channel that OverrideMshActionBinding names for a signal of ours (statement 90)."""
    their_overrides: Mapping[str, Channel] = field(default_factory=dict)
    """The same for the signals that we receive."""
    tolerances: Tolerances = Tolerances()
    """Not from the CPA: a setting of ours."""

    def our_signal(self, action: str) -> Channel:
        """The channel over which we send the MSH signal `action`."""
        return self.our_overrides.get(action, self.our_signals)

    def their_signal(self, action: str) -> Channel:
        """The channel over which the partner sends the MSH signal `action`."""
        return self.their_overrides.get(action, self.their_signals)

    def sending(self, service: Service, action: str) -> Action | None:
        """The action that we may send under this name, if there is one."""
        return _find(self.sends, service, action)

    def receiving(self, service: Service, action: str) -> Action | None:
        """The action that we may receive under this name, if there is one."""
        return _find(self.receives, service, action)


def _find(actions: tuple[Action, ...], service: Service, action: str) -> Action | None:
    return next((found for found in actions if (found.service, found.action) == (service, action)), None)
