"""Rules about what goes from one party to the other: reliability, signing, encryption, signals (4.4)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from lxml import etree

from digikoppelaar.ebms import ciphers
from digikoppelaar.ebms.agreement import Channel, Characteristic, Signing
from digikoppelaar.ebms.algorithms import DIGESTS, KNOWN_DIGESTS, SIGNATURE_METHODS
from digikoppelaar.ebms.cpa_bindings import Exchange, Way
from digikoppelaar.ebms.cpa_document import (
    algorithm,
    attribute,
    child,
    children,
    count,
    duration,
    flag,
    is_persistent,
    tag,
    text,
)
from digikoppelaar.ebms.cpa_subject import Finding, Severity, Subject, finding, name_of
from digikoppelaar.ebms.names import RSA_SHA1
from digikoppelaar.pki.policy import Policy

_NEXT_WORKING_DAY: Final = timedelta(days=1)
_CHARACTERISTICS: Final = ("ackRequested", "ackSignatureRequested", "duplicateElimination", "syncReplyMode")


def _name(exchange: Exchange) -> str:
    return attribute(exchange.sending.element, "action")


def _said(way: Way, name: str) -> str:
    default = "none" if name == "syncReplyMode" else Characteristic.PER_MESSAGE.value
    return way.characteristics.get(tag(name), default).strip()


def _reliable(exchange: Exchange) -> bool:
    return _said(exchange.sending.way, "ackRequested") != "never"


# --- Pairs ---------------------------------------------------------------------------------------------------


def pairing(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.10-13: each binding points at the other."""
    paired = {id(exchange.receiving.element) for exchange in cpa.exchanges}
    for exchange in cpa.exchanges:
        back = next(exchange.receiving.element.itersiblings(tag("OtherPartyActionBinding")), None)
        if back is not None and text(back) != attribute(exchange.sending.element, "id"):
            sentence = "De twee kanten van deze actie verwijzen niet naar elkaar; laat de CPA opnieuw maken."
            yield finding("one-sided", Severity.WARNING, back, _name(exchange), sentence, "CPA s.8.4.13")
    for binding in cpa.root.iterfind(f".//{tag('ServiceBinding')}/{tag('CanReceive')}/{tag('ThisPartyActionBinding')}"):
        if id(binding) not in paired:
            sentence = "Deze partij kan dit ontvangen, maar de andere mag het niet sturen; laat de CPA opnieuw maken."
            where = attribute(binding, "action")
            yield finding("never-sent", Severity.WARNING, binding, where, sentence, "CPA s.8.4.13")


def channels(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.12: only the first channel of an action is used."""
    for exchange in cpa.exchanges:
        for binding in (exchange.sending, exchange.receiving):
            if len(children(binding.element, "ChannelId")) > 1:
                sentence = "De actie heeft meer dan één kanaal; alleen het eerste wordt gebruikt."
                source = "CPA s.8.4.12"
                yield finding("several-channels", Severity.WARNING, binding.element, _name(exchange), sentence, source)


def same_connection(cpa: Subject) -> Iterator[Finding]:
    """Statement 60: a response in the same HTTP connection is never made."""
    for outer, inner in (("CanSend", "CanReceive"), ("CanReceive", "CanSend")):
        for element in cpa.root.iterfind(f".//{tag(outer)}/{tag(inner)}"):
            sentence = (
                "De CPA wil een antwoord in dezelfde verbinding; Digikoppeling kent dat niet en het gebeurt niet."
            )
            where = attribute(child(element, "ThisPartyActionBinding"), "action")
            yield finding("same-connection", Severity.WARNING, element, where, sentence, "KS-06, statement 60")


def both_sides(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.23: both sides must mean the same; what the sender says is followed (2.13)."""
    for exchange in cpa.exchanges:
        ways = exchange.sending.way, exchange.receiving.way
        differing = [name for name in _CHARACTERISTICS if _said(ways[0], name) != _said(ways[1], name)]
        characteristics = exchange.sending.characteristics, exchange.receiving.characteristics
        if any(flag(each, "isNonRepudiationRequired") for each in characteristics) and not all(
            flag(each, "isNonRepudiationRequired") for each in characteristics
        ):
            differing.append("isNonRepudiationRequired")
        if is_persistent(characteristics[0], "isConfidential") != is_persistent(characteristics[1], "isConfidential"):
            differing.append("isConfidential")
        if differing:
            sentence = f"De partijen verschillen in {', '.join(differing)}; de kant van de afzender wordt gevolgd."
            element = exchange.receiving.way.channel
            yield finding("sides-differ", Severity.WARNING, element, _name(exchange), sentence, "CPA s.8.4.23")


# --- Reliability ---------------------------------------------------------------------------------------------


def retry_window(cpa: Subject) -> Iterator[Finding]:
    """KS-30, KS-31, 7a and statement 202."""
    for exchange in cpa.exchanges:
        reliable = exchange.sending.way.of_sender("ReliableMessaging")
        persist = exchange.receiving.way.of_receiver("PersistDuration")
        if not _reliable(exchange) or reliable is None or not children(reliable, "Retries"):
            continue
        window = (count(child(reliable, "Retries")) + 1) * duration(child(reliable, "RetryInterval"))
        if persist is not None and duration(persist) < window:
            sentence = (
                "De ontvanger onthoudt korter dan de afzender herhaalt; digikoppelaar onthoudt het langste van de twee."
            )
            yield finding("persist-short", Severity.WARNING, persist, _name(exchange), sentence, "7a, statement 202")
        if window < _NEXT_WORKING_DAY:
            sentence = f"De afzender geeft het na {window} op: een storing moet binnen die tijd verholpen zijn."
            yield finding("window-short", Severity.INFO, reliable, _name(exchange), sentence, "KS-31")


def retries_agree(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.23, 8.4.41: what the receiver's side says of retries is not used, but should be the same."""
    for exchange in cpa.exchanges:
        ours = exchange.sending.way.of_sender("ReliableMessaging")
        theirs = exchange.receiving.way.of_receiver("ReliableMessaging")
        if _reliable(exchange) and ours is not None and theirs is not None and _written(ours) != _written(theirs):
            sentence = "De partijen noemen andere herhalingen; die van de afzender gelden."
            yield finding("retries-differ", Severity.WARNING, theirs, _name(exchange), sentence, "CPA s.8.4.41")


def _written(element: etree._Element) -> list[str]:
    return [text(each) for each in element]


def business_retries(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.14.11."""
    for exchange in cpa.exchanges:
        characteristics = exchange.sending.characteristics
        if _reliable(exchange) and characteristics.get(tag("retryCount"), "0").strip() != "0":
            sentence = "retryCount hoort niet bij betrouwbare berichten en wordt niet gebruikt."
            source = "CPA s.8.4.14.11"
            yield finding("retry-count", Severity.WARNING, characteristics, _name(exchange), sentence, source)


def chosen_per_message(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.23: the application chooses, so it must know."""
    for exchange in cpa.exchanges:
        way = exchange.sending.way
        if any(_said(way, name) == "perMessage" for name in ("ackRequested", "duplicateElimination")):
            sentence = "De toepassing kiest per bericht of bevestiging en ontdubbeling gewenst zijn."
            yield finding("per-message", Severity.INFO, way.channel, _name(exchange), sentence, "CPA s.8.4.23")


def synchronous(cpa: Subject) -> Iterator[Finding]:
    """KS-28, EB015 and 7m."""
    for exchange in cpa.exchanges:
        way = exchange.sending.way
        mode = _said(way, "syncReplyMode")
        if mode not in {"none", "mshSignalsOnly"}:
            severity = cpa.judgement.by_policy(strict=Severity.ERROR, legacy=Severity.ERROR)
            sentence = f"syncReplyMode {mode} bestaat niet in Digikoppeling; vraag een CPA met none of mshSignalsOnly."
            yield finding("sync-reply", severity, way.channel, _name(exchange), sentence, "7m, KS-28")
        elif mode == "mshSignalsOnly" and not _reliable(exchange):
            severity = cpa.judgement.by_policy(strict=Severity.ERROR, legacy=Severity.WARNING)
            sentence = "Synchrone signalen zijn er alleen voor betrouwbare berichten; vraag een CPA met none."
            yield finding("sync-best-effort", severity, way.channel, _name(exchange), sentence, "EB015")


# --- Signing and encryption ----------------------------------------------------------------------------------


def signing(cpa: Subject) -> Iterator[Finding]:
    """SIGN001, SIGN003, SIGN004, statement 196 and 7c; of what is signed: messages, and acknowledgments if asked."""
    for exchange in cpa.exchanges:
        if flag(exchange.sending.characteristics, "isNonRepudiationRequired"):
            yield from _signing(cpa, exchange.sending.way, _name(exchange))
    asked = any(_said(exchange.sending.way, "ackSignatureRequested") == "always" for exchange in cpa.exchanges)
    for party, way in zip(cpa.parties, cpa.default_ways, strict=True) if asked else ():
        yield from _signing(cpa, way, f"signalen van {name_of(party)}")


def _signing(cpa: Subject, way: Way, where: str) -> Iterator[Finding]:
    said = way.of_sender("SenderNonRepudiation")
    if said is None:
        return
    method, digest = algorithm(child(said, "SignatureAlgorithm")), text(child(said, "HashFunction"))
    if method in SIGNATURE_METHODS and digest in DIGESTS:
        return
    sentence = (
        "De CPA schrijft een handtekening voor zonder SHA-2. Vraag een nieuwe CPA; tot dan kan "
        "`--tolerate legacy-signature` zulke berichten laten binnenkomen."
    )
    known = (method in SIGNATURE_METHODS or method == RSA_SHA1) and digest in KNOWN_DIGESTS
    severity = _old_algorithm(cpa, known=known, tolerated=cpa.judgement.tolerances.legacy_signature)
    yield finding("weak-signature", severity, said, where, sentence, "SIGN001, statement 196, 7c")


def _old_algorithm(cpa: Subject, *, known: bool, tolerated: bool) -> Severity:
    """Refused in strict unless this CPA has the tolerance; one that we do not know is refused but for trying out."""
    if not known and cpa.judgement.policy is not Policy.LAB:
        return Severity.ERROR
    strict = Severity.WARNING if tolerated else Severity.ERROR
    return cpa.judgement.by_policy(strict=strict, legacy=Severity.WARNING)


def non_repudiation(cpa: Subject) -> Iterator[Finding]:
    """CPA s.8.4.14.1, 8.4.14.4, 8.4.14.6 and 8.4.43."""
    for exchange in cpa.exchanges:
        characteristics, where = exchange.sending.characteristics, _name(exchange)
        signed = flag(characteristics, "isNonRepudiationRequired")
        if signed and exchange.receiving.way.of_receiver("ReceiverNonRepudiation") is None:
            element = exchange.receiving.way.doc_exchange
            sentence = "De ontvanger noemt geen ReceiverNonRepudiation; wat de afzender noemt, wordt gevolgd."
            yield finding("no-receiver-signing", Severity.WARNING, element, where, sentence, "CPA s.8.4.14.1")
        if not signed and any(is_persistent(characteristics, name) for name in ("isAuthenticated", "isTamperProof")):
            sentence = "isAuthenticated of isTamperProof is persistent, maar berichten worden niet ondertekend."
            yield finding("unsigned", Severity.WARNING, characteristics, where, sentence, "CPA s.8.4.14.4")


def signed_acknowledgments(cpa: Subject) -> Iterator[Finding]:
    """7b: signed reliable messages should get signed acknowledgments."""
    for exchange in cpa.exchanges:
        signed = flag(exchange.sending.characteristics, "isNonRepudiationRequired")
        if signed and _reliable(exchange) and _said(exchange.sending.way, "ackSignatureRequested") == "never":
            sentence = (
                "De bevestiging van deze ondertekende berichten is zelf niet ondertekend; zo staat het in de CPA."
            )
            element = exchange.sending.way.channel
            yield finding("ack-unsigned", Severity.WARNING, element, _name(exchange), sentence, "7b")


def encryption(cpa: Subject) -> Iterator[Finding]:
    """ENC003, statement 197, 7c, 7i and CPA s.8.4.14.3."""
    for exchange in cpa.exchanges:
        if is_persistent(exchange.sending.characteristics, "isConfidential"):
            yield from _encryption(cpa, exchange, _name(exchange))


def _encryption(cpa: Subject, exchange: Exchange, where: str) -> Iterator[Finding]:
    wanted = exchange.receiving.way.of_receiver("ReceiverDigitalEnvelope")
    offered = exchange.sending.way.of_sender("SenderDigitalEnvelope")
    if wanted is None:
        return  # such a CPA is not read at all
    wishes = [algorithm(element) for element in children(wanted, "EncryptionAlgorithm")]
    can = [] if offered is None else [algorithm(element) for element in children(offered, "EncryptionAlgorithm")]
    if not set(wishes) & set(can):
        sentence = "Afzender en ontvanger noemen geen gezamenlijke versleuteling; die van de ontvanger wordt gevolgd."
        yield finding("encryption-differs", Severity.WARNING, wanted, where, sentence, "CPA s.8.4.48")
    chosen = next((wish for wish in wishes if wish in can), wishes[0])
    problem = ciphers.encryption_problem(chosen, legacy=False)
    if problem is not None:
        tolerated = cpa.judgement.tolerances.legacy_encryption
        severity = _old_algorithm(cpa, known=ciphers.is_allowed(chosen, legacy=True), tolerated=tolerated)
        yield finding("weak-encryption", severity, wanted, where, problem, "ENC003, statement 197, 7i")
    if not flag(exchange.sending.characteristics, "isNonRepudiationRequired"):
        severity = cpa.judgement.by_policy(strict=Severity.ERROR, legacy=Severity.WARNING)
        sentence = "Een versleuteld profiel is ook ondertekend; deze actie is dat niet. Vraag een andere CPA."
        yield finding("encrypted-unsigned", severity, exchange.sending.element, where, sentence, "KS2, table 1.1")


# --- Signals -------------------------------------------------------------------------------------------------


def one_profile(cpa: Subject) -> Iterator[Finding]:
    """KS-47, 7l and statement 204."""
    profiles = sorted({action.profile for action in (*cpa.agreement.sends, *cpa.agreement.receives)})
    if len(profiles) > 1:
        sentence = f"De CPA mengt de profielen {', '.join(profiles)}; alle acties van een CPA horen er één te hebben."
        yield finding("mixed-profiles", Severity.WARNING, cpa.root, cpa.agreement.cpa_id, sentence, "KS-47, 7l")
    kinds = {_kind(channel) for channel in (cpa.agreement.our_signals, cpa.agreement.their_signals)}
    if len(kinds) > 1:
        sentence = "De partijen hebben standaardkanalen van een ander profiel; elk volgt dat van zichzelf."
        element = cpa.default_ways[1].channel
        source = "KS-47, statement 204"
        yield finding("default-channels-differ", Severity.WARNING, element, cpa.agreement.cpa_id, sentence, source)


def _kind(channel: Channel) -> tuple[Characteristic, bool, str]:
    signs: Signing | None = channel.signing
    return channel.ack_requested, signs is not None, channel.sync_reply_mode


def default_channel(cpa: Subject) -> Iterator[Finding]:
    """BP3 and 7l: the default MSH channel has the profile of the actions."""
    reliable = any(map(_reliable, cpa.exchanges))
    for party, way in zip(cpa.parties, cpa.default_ways, strict=True):
        if reliable and _said(way, "ackRequested") == "never":
            sentence = (
                "Het standaardkanaal is best effort terwijl er betrouwbare acties zijn; dat komt veel voor en werkt."
            )
            yield finding("default-channel", Severity.INFO, way.channel, name_of(party), sentence, "7l, BP3")
