"""Why a CPA that can be read must not be used: what Digikoppeling or this version does not allow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Characteristic
from digikoppelaar.ebms.algorithms import DIGESTS, SIGNATURE_METHODS


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason not to use a CPA. `code` is stable, `where` an action or endpoint, `sentence` Dutch."""

    code: str
    where: str
    sentence: str


def findings(agreement: Agreement, *, now: datetime, lab: bool = False) -> tuple[Finding, ...]:
    """Why this CPA must not be imported; empty when it may. `lab` allows http endpoints (KS-05, statement 194)."""
    found: dict[Finding, None] = {}
    if agreement.ends_at <= now:
        found[Finding("expired", agreement.cpa_id, "De CPA is verlopen; vraag de partner om een nieuwe.")] = None
    for action in (*agreement.sends, *agreement.receives):
        found.update(dict.fromkeys(_action_findings(action)))
        found.update(dict.fromkeys(_channel_findings(action.channel, action.action, lab=lab)))
    for channel in (agreement.our_signals, agreement.their_signals):
        found.update(dict.fromkeys(_channel_findings(channel, "MSH-signalen", lab=lab)))
    return tuple(found)


def _action_findings(action: Action) -> Iterator[Finding]:
    where = action.action
    if action.encrypted:
        yield Finding("encrypted", where, "Versleutelde berichten (profiel -e) worden nog niet ondersteund.")
    if action.channel.ack_requested is not Characteristic.ALWAYS:
        yield Finding("best-effort", where, "Best-effortberichten (osb-be) worden nog niet ondersteund.")
    signing = action.channel.signing if action.sender_signs else None
    if signing and (signing.signature_algorithm not in SIGNATURE_METHODS or signing.digest_method not in DIGESTS):
        yield Finding("weak-signature", where, "De CPA schrijft een handtekening voor zonder SHA-2 (SIGN001).")


def _channel_findings(channel: Channel, where: str, *, lab: bool) -> Iterator[Finding]:
    if channel.sync_reply_mode != "none":
        yield Finding(
            "sync-reply", where, f"Synchrone antwoorden ({channel.sync_reply_mode}) worden nog niet ondersteund."
        )
    if not lab and not channel.endpoint.lower().startswith("https://"):
        yield Finding("http", channel.endpoint, "Het adres moet met https:// beginnen (KS-05).")
