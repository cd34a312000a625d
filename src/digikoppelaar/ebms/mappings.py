"""A CPA with other addresses and certificates than it names: what an application set beside it.

So that a partner can move, or either side renew a certificate, before there is a new CPA (peer-ebms-core.md, 1.2). The
mapped Agreement is used in the place of the one in the CPA everywhere: to send, to sign, to verify and to encrypt.
Whether a certificate is trusted is judged as for any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Encryption, Side, Signing


@dataclass(frozen=True, slots=True)
class Mappings:
    """By what the CPA says: the URL of the partner, and certificates (DER) of either side; what counts instead."""

    urls: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.urls or self.certificates)


def mapped(agreement: Agreement, mappings: Mappings) -> Agreement:
    """The agreement with everything replaced that is mapped. Our own address is not: the partner sends there."""
    if not mappings:
        return agreement
    certificates = Mappings(certificates=mappings.certificates)
    return replace(
        agreement,
        ours=_side(agreement.ours, mappings),
        theirs=_side(agreement.theirs, mappings),
        sends=tuple(_action(action, mappings) for action in agreement.sends),
        receives=tuple(_action(action, certificates) for action in agreement.receives),
        our_signals=_channel(agreement.our_signals, mappings),
        their_signals=_channel(agreement.their_signals, certificates),
        our_overrides={name: _channel(each, mappings) for name, each in agreement.our_overrides.items()},
        their_overrides={name: _channel(each, certificates) for name, each in agreement.their_overrides.items()},
    )


def _side(side: Side, mappings: Mappings) -> Side:
    known = mappings.certificates
    return replace(side, transport_certificates=tuple(known.get(each, each) for each in side.transport_certificates))


def _action(action: Action, mappings: Mappings) -> Action:
    return replace(action, channel=_channel(action.channel, mappings))


def _channel(channel: Channel, mappings: Mappings) -> Channel:
    return replace(
        channel,
        endpoint=mappings.urls.get(channel.endpoint, channel.endpoint),
        signing=channel.signing and _signing(channel.signing, mappings),
        encryption=channel.encryption and _encryption(channel.encryption, mappings),
    )


def _signing(signing: Signing, mappings: Mappings) -> Signing:
    # The chain in the CPA is that of the old certificate; it harms nothing where the new one has the same issuers.
    return replace(signing, certificate=mappings.certificates.get(signing.certificate, signing.certificate))


def _encryption(encryption: Encryption, mappings: Mappings) -> Encryption:
    return replace(encryption, certificate=mappings.certificates.get(encryption.certificate, encryption.certificate))
