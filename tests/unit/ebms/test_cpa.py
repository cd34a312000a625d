"""Reading CPAs: our own small one changed in one place at a time, and sixteen of other people (statements 190-211)."""

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.certificates import Authority
from tests.shared import shared_data
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, SERVICE, SERVICE_TYPE, changed, cpa_document

from digikoppelaar.ebms.agreement import Agreement, Characteristic, Encryption, ReliableMessaging
from digikoppelaar.ebms.cpa import DEFAULT_RELIABLE_MESSAGING, cpa_names, read_agreement
from digikoppelaar.ebms.messages import PartyId, Service
from digikoppelaar.errors import CpaError, XmlError

FIRST, SECOND = "00000000000000000000", "00000000000000000001"
"""The party ids in every sample CPA of the Java handler."""


def _read(document: str, ours: str = GEMEENTE) -> Agreement:
    return read_agreement(document.encode(), {ours})


def test_the_receiver_sees_what_it_may_receive_and_from_whom() -> None:
    agreement = _read(cpa_document())
    assert agreement.cpa_id == CPA_ID
    assert (agreement.starts_at, agreement.ends_at) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert agreement.ours.party_ids == (PartyId(GEMEENTE),)
    assert agreement.theirs.party_ids == (PartyId(DSO),)
    action = agreement.receiving(Service(SERVICE, SERVICE_TYPE), "notificeer")
    assert action is not None
    assert (action.sender_role, action.receiver_role) == ("Bronhouder", "Ontvanger")
    assert action.profile == "osb-rm"
    assert action.channel.ack_requested is Characteristic.ALWAYS
    assert action.channel.duplicate_elimination is Characteristic.ALWAYS
    assert action.channel.reliable_messaging == ReliableMessaging(5, timedelta(minutes=5))
    assert action.channel.persist_duration == timedelta(days=1)
    assert agreement.sending(Service(SERVICE, SERVICE_TYPE), "notificeer") is None


def test_both_sides_see_the_same_actions_from_opposite_ends() -> None:
    gemeente, dso = _read(cpa_document(), GEMEENTE), _read(cpa_document(), DSO)
    assert gemeente.receives == dso.sends
    assert gemeente.sends == dso.receives
    assert gemeente.our_signals == dso.their_signals
    assert (gemeente.ours, gemeente.theirs) == (dso.theirs, dso.ours)


def test_the_endpoint_is_the_receivers() -> None:
    agreement = _read(cpa_document())
    assert {action.channel.endpoint for action in agreement.receives} == {"https://gemeente.example/ebms"}
    assert agreement.our_signals.endpoint == "https://dso.example/ebms"


def test_retries_come_from_the_sender_and_persist_duration_from_the_receiver() -> None:
    document = changed(
        r"<tp:Retries>5</tp:Retries><tp:RetryInterval>PT5M<", "<tp:Retries>8</tp:Retries><tp:RetryInterval>PT3H<"
    )
    receiver = document.index('partyName="Gemeente')
    document = document[:receiver] + changed(
        r"(ebXMLReceiverBinding[^>]*><tp:PersistDuration>)P1D", r"\1P5D", document=document[receiver:]
    )
    agreement = _read(document)
    [received], [sent] = agreement.receives, agreement.sends
    assert received.channel.reliable_messaging == ReliableMessaging(8, timedelta(hours=3))
    assert received.channel.persist_duration == timedelta(days=5)
    assert sent.channel.reliable_messaging == ReliableMessaging(5, timedelta(minutes=5))
    assert sent.channel.persist_duration == timedelta(days=1)


def test_a_signed_action_names_algorithm_and_certificate_of_its_sender() -> None:
    [action] = _read(cpa_document(signed=True, certificate=b"\x30\x03\x02\x01\x07")).receives
    assert action.profile == "osb-rm-s"
    assert action.channel.signing is not None
    assert action.channel.signing.signature_algorithm.endswith("#rsa-sha256")
    assert action.channel.signing.digest_method.endswith("#sha256")
    assert action.channel.signing.certificate == b"\x30\x03\x02\x01\x07"


@pytest.mark.statement(209)
def test_text_between_line_breaks_is_trimmed() -> None:
    document = changed(
        r">(agreed|[a-z_]+_channel|PT5M|P1D|5|dso:notificaties:1.0|[a-z]+_notificeer)<", r">\n  \1\n<", count=0
    )
    document = changed("<tp:Start>([^<]*)<", r"<tp:Start>\n\1 <", document=document)
    assert _read(document) == _read(cpa_document())


def test_other_prefixes_mean_the_same() -> None:
    document = changed(r"\btp(?=[:=])", "ns7", count=0)
    assert _read(document) == _read(cpa_document())


def test_an_empty_reliable_messaging_means_five_days() -> None:
    document = changed(r"<tp:Retries>5</tp:Retries><tp:RetryInterval>PT5M</tp:RetryInterval>", "")
    [action] = _read(document).receives
    assert action.channel.reliable_messaging == DEFAULT_RELIABLE_MESSAGING


_ENVELOPE = """<tp:{side}DigitalEnvelope>
  <tp:DigitalEnvelopeProtocol tp:version="1.0">XMLENC</tp:DigitalEnvelopeProtocol>{algorithms}{ends}
  </tp:{side}DigitalEnvelope>"""
GCM, CBC = "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"


def _encrypted(receiver: str, sender: str) -> str:
    """Our CPA with encryption, the algorithms of both sides as they are written in it."""
    document = changed('isConfidential="transient"', 'isConfidential="persistent"', count=0, document=cpa_document())
    offered = _ENVELOPE.format(side="Sender", algorithms=sender, ends="")
    document = changed(r"(?=</tp:ebXMLSenderBinding>)", offered, count=0, document=document)
    for me in ("dso", "gemeente"):
        ends = f'<tp:EncryptionCertificateRef tp:certId="{me}_cert"/>'
        wanted = _ENVELOPE.format(side="Receiver", algorithms=receiver, ends=ends)
        pattern = rf'(?s)(docExchangeId="{me}_rm">.*?)(?=</tp:ebXMLReceiverBinding>)'
        document = changed(pattern, rf"\g<1>{wanted}", document=document)
    return document


def _algorithm(uri: str, attributes: str = "") -> str:
    return f"<tp:EncryptionAlgorithm{attributes}>{uri}</tp:EncryptionAlgorithm>"


@pytest.mark.parametrize(
    ("receiver", "sender", "chosen"),
    [
        (_algorithm(GCM), _algorithm(GCM), GCM),
        (_algorithm(CBC) + _algorithm(GCM), _algorithm(GCM), GCM),
        (_algorithm(CBC) + _algorithm(GCM), _algorithm("urn:iets-anders"), CBC),
        (_algorithm("AES-GCM", f' tp:w3c="{GCM}"'), _algorithm(GCM), GCM),
    ],
)
def test_an_encrypted_action_names_what_the_receiver_wants_and_the_sender_can(
    receiver: str, sender: str, chosen: str
) -> None:
    [action] = _read(_encrypted(receiver, sender)).receives
    assert action.encrypted
    assert action.channel.encryption == Encryption(chosen, b"\x30\x03\x02\x01")


def test_an_action_that_must_be_encrypted_needs_a_receiver_with_a_certificate_for_it() -> None:
    document = changed('isConfidential="transient"', 'isConfidential="transient-and-persistent"', count=0)
    with pytest.raises(CpaError, match="no ReceiverDigitalEnvelope"):
        _read(document)


@pytest.mark.statement(90)
def test_a_signal_goes_over_the_channel_that_an_override_names_for_it() -> None:
    override = r'\n<tp:OverrideMshActionBinding tp:action="Acknowledgment" tp:channelId="dso_channel"/></tp:PartyInfo>'
    agreement = _read(changed("</tp:PartyInfo>", override))
    assert agreement.their_signal("Acknowledgment").ack_requested is Characteristic.ALWAYS
    assert agreement.their_signal("MessageError") == agreement.their_signals
    assert agreement.our_signal("Acknowledgment").persist_duration == timedelta(days=1)
    assert agreement.our_signal("Acknowledgment").endpoint == agreement.our_signals.endpoint


def test_a_response_in_the_same_connection_is_passed_over() -> None:
    nested = re.search(r"(?s)<tp:CanReceive>.*?</tp:CanReceive>", cpa_document())
    assert nested
    inside = nested[0].replace('id="dso_', 'id="dso_synchroon_')
    document = changed(r"(gemeente_notificeer</tp:OtherPartyActionBinding>)", rf"\1{inside}")
    assert _read(document) == _read(cpa_document())


def test_of_a_chain_the_leaf_is_meant_in_whatever_order() -> None:
    issued = Authority().issue()
    chain = [each.public_bytes(Encoding.DER) for each in (*reversed(issued.above), issued.certificate)]
    written = "</ds:X509Certificate><ds:X509Certificate>".join(base64.b64encode(der).decode() for der in chain)
    for chained in (
        written,
        "</ds:X509Certificate><ds:X509Certificate>".join(
            reversed(written.split("</ds:X509Certificate><ds:X509Certificate>"))
        ),
    ):
        agreement = _read(changed("MAMCAQ==", chained, document=cpa_document(signed=True)))
        [action] = agreement.receives
        assert action.channel.signing is not None
        assert action.channel.signing.certificate == issued.der


def test_a_party_may_have_several_party_ids() -> None:
    extra = '<tp:PartyId tp:type="urn:oasis:names:tc:ebxml-cppa:partyid-type:duns">123456789</tp:PartyId><tp:PartyRef'
    agreement = _read(changed("<tp:PartyRef", extra))
    assert agreement.theirs.party_ids == (
        PartyId(DSO),
        PartyId("123456789", "urn:oasis:names:tc:ebxml-cppa:partyid-type:duns"),
    )


def test_names_can_be_read_before_knowing_which_side_is_ours() -> None:
    names = cpa_names(cpa_document().encode())
    assert names.cpa_id == CPA_ID
    assert [(side.name, side.party_ids) for side in names.parties] == [
        ("DSO-LV", (PartyId(DSO),)),
        ("Gemeente Voorbeeld", (PartyId(GEMEENTE),)),
    ]


@pytest.mark.parametrize("ours", [(), ("00000099000000003000",), (DSO, GEMEENTE)])
def test_exactly_one_party_must_be_ours(ours: tuple[str, ...]) -> None:
    with pytest.raises(CpaError, match=r"(neither|both) part"):
        read_agreement(cpa_document().encode(), ours)


_RECEIVER_BINDING = r'(ebXMLReceiverBinding tp:version="2.0"><tp:PersistDuration>)'
_NO_CAN_RECEIVE = "no CanReceive of the other party"
BROKEN = {
    "dangling_reference": (r"<tp:ChannelId>dso_channel<", "<tp:ChannelId>elders<", "ChannelId refers to 'elders'"),
    "reference_to_another_kind": (r"<tp:ChannelId>dso_channel<", "<tp:ChannelId>dso_rm<", "no DeliveryChannel"),
    "dangling_certificate": (r'(SigningCertificateRef tp:certId=)"dso_cert"', r'\1"x"', "refers to 'x'"),
    "double_id": (r'channelId="gemeente_msh"', 'channelId="dso_channel"', "two elements with the id 'dso_channel'"),
    "proposed": (r'value="agreed"', 'value="proposed"', "status 'proposed'"),
    "no_status": (r'<tp:Status tp:value="agreed"/>', "", "no Status"),
    "start_after_end": (r"<tp:Start>2026", "<tp:Start>2028", "starts after it ends"),
    "no_date": (r"<tp:Start>2026-01-01T00:00:00Z", "<tp:Start>2026-13-01T00:00:00Z", "not a date and time"),
    "retries_without_interval": (r"<tp:RetryInterval>PT5M</tp:RetryInterval>", "", "go together"),
    "interval_without_retries": (r"<tp:Retries>5</tp:Retries>", "", "go together"),
    "negative_retries": (r"<tp:Retries>5", "<tp:Retries>-5", "not a number"),
    "no_reliable_messaging": (r"(?s)<tp:ReliableMessaging>.*?</tp:ReliableMessaging>", "", "no ReliableMessaging"),
    "no_persist_duration": (r"(?s)<tp:ebXMLReceiverBinding.*?</tp:ebXMLReceiverBinding>", "", "no PersistDuration"),
    "duration_in_months": (_RECEIVER_BINDING + "P1D", r"\1P1M", "not a duration"),
    "empty_duration": (r"<tp:RetryInterval>PT5M", "<tp:RetryInterval>PT", "not a duration"),
    "no_time_at_all": (r"<tp:RetryInterval>PT5M", "<tp:RetryInterval>PT0S", "not a duration"),
    "ordered": (r"NotGuaranteed", "Guaranteed", "Guaranteed is not supported"),
    "password": (r"(<tp:TransportSender>)", r"\1<tp:AccessAuthentication/>", "AccessAuthentication"),
    "next_msh": (r"actor:toPartyMSH", "actor:nextMSH", "KS-36"),
    "odd_characteristic": (r'ackRequested="always"', 'ackRequested="soms"', "not always, never or perMessage"),
    "no_endpoint": (r"<tp:Endpoint [^>]*/>", "", "no Endpoint"),
    "paired_with_itself": (r"gemeente_notificeer</tp:Other", "dso_bevestig</tp:Other", _NO_CAN_RECEIVE),
    "paired_with_a_sender": (r"gemeente_notificeer</tp:Other", "gemeente_bevestig</tp:Other", _NO_CAN_RECEIVE),
    "other_action": (r'(id="gemeente_notificeer" tp:action=)"notificeer"', r'\1"meld"', "same service and name"),
    "service_with_space": (r">dso:notificaties:1.0<", ">dso notificaties<", "KS-16"),
    "action_with_space": (r'(id="dso_notificeer" tp:action=)"notificeer"', r'\1"notificeer nu"', "KS-17"),
    "one_party": (r"(?s)<tp:PartyInfo tp:partyName=\"Gemeente.*?</tp:PartyInfo>", "", "two PartyInfo"),
    "no_party_id": (r"(?s)<tp:PartyId.*?</tp:PartyId>", "", "no PartyId"),
    "broken_certificate": (r"MAMCAQ==", "MAMCAQ=", "no readable X509Certificate"),
    "other_document": (r"ProtocolAgreement\b", "ProtocolProfile", "not a CollaborationProtocolAgreement"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("dangling_reference", id="dangling_reference", marks=pytest.mark.statement(191)),
        pytest.param("reference_to_another_kind", id="reference_to_another_kind", marks=pytest.mark.statement(191)),
        pytest.param("dangling_certificate", id="dangling_certificate", marks=pytest.mark.statement(191)),
        pytest.param("double_id", id="double_id", marks=pytest.mark.statement(191)),
        pytest.param("proposed", id="proposed", marks=pytest.mark.statement(192)),
        pytest.param("start_after_end", id="start_after_end", marks=pytest.mark.statement(193)),
        pytest.param("retries_without_interval", id="retries_without_interval", marks=pytest.mark.statement(203)),
        pytest.param("interval_without_retries", id="interval_without_retries", marks=pytest.mark.statement(203)),
        pytest.param("no_reliable_messaging", id="no_reliable_messaging", marks=pytest.mark.statement(200)),
        pytest.param("no_persist_duration", id="no_persist_duration", marks=pytest.mark.statement(201)),
        pytest.param("ordered", id="ordered", marks=pytest.mark.statement(198)),
        pytest.param("password", id="password", marks=pytest.mark.statement(199)),
        pytest.param("service_with_space", id="service_with_space", marks=pytest.mark.statement(45)),
        pytest.param("action_with_space", id="action_with_space", marks=pytest.mark.statement(45)),
        "no_status",
        "no_date",
        "negative_retries",
        "duration_in_months",
        "empty_duration",
        "no_time_at_all",
        "next_msh",
        "odd_characteristic",
        "no_endpoint",
        "paired_with_itself",
        "paired_with_a_sender",
        "other_action",
        "one_party",
        "no_party_id",
        "broken_certificate",
        "other_document",
    ],
)
def test_a_cpa_that_cannot_be_worked_with_is_refused_by_name(name: str) -> None:
    pattern, replacement, reason = BROKEN[name]
    everywhere = 0 if name == "other_document" else 1
    with pytest.raises(CpaError, match=re.escape(reason)):
        _read(changed(pattern, replacement, count=everywhere))


def test_a_signed_action_without_a_way_to_sign_is_refused() -> None:
    document = changed(
        r"(?s)<tp:SenderNonRepudiation>.*?</tp:SenderNonRepudiation>", "", count=0, document=cpa_document(signed=True)
    )
    with pytest.raises(CpaError, match="no SenderNonRepudiation"):
        _read(document)


def test_signed_acknowledgments_need_a_receiver_that_can_sign() -> None:
    assert (
        _read(cpa_document(signed=True, ack_signed=True)).receives[0].channel.ack_signature_requested
        is Characteristic.ALWAYS
    )
    document = changed(
        r"(?s)(docExchangeId=\"gemeente_be\"><tp:ebXMLSenderBinding[^>]*>)\s*<tp:SenderNonRepudiation>.*?</tp:SenderNonRepudiation>",
        r"\1",
        document=cpa_document(signed=True, ack_signed=True),
    )
    with pytest.raises(CpaError, match="its receiver cannot sign"):
        _read(document)


@pytest.mark.statement(211)
def test_a_doctype_is_refused() -> None:
    document = changed(r"\?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>')
    with pytest.raises(XmlError, match="DOCTYPE"):
        _read(document)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT3H", timedelta(hours=3)),
        ("P1D", timedelta(days=1)),
        ("P5DT12H30M1.5S", timedelta(days=5, hours=12, minutes=30, seconds=1.5)),
        ("PT1440M", timedelta(days=1)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    [action] = _read(changed("<tp:RetryInterval>PT5M<", f"<tp:RetryInterval>\n {text}\n<")).receives
    assert action.channel.reliable_messaging == ReliableMessaging(5, expected)


@given(st.text("PTYMDHS0123456789.-", max_size=12))
def test_no_text_in_a_duration_does_anything_but_read_or_raise_cpa_error(text: str) -> None:
    document = cpa_document().replace("<tp:RetryInterval>PT5M<", f"<tp:RetryInterval>{text}<")
    try:
        [action] = _read(document).receives
    except CpaError:
        return
    assert action.channel.reliable_messaging is not None
    assert action.channel.reliable_messaging.retry_interval > timedelta(0)


def test_a_start_without_zone_is_utc_and_an_offset_is_normalised() -> None:
    assert _read(changed("2026-01-01T00:00:00Z", "2026-01-01T00:00:00")).starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    moved = _read(changed("2026-01-01T00:00:00Z", "2026-01-01T02:00:00.5+02:00")).starts_at
    assert moved == datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)


# --- CPAs of other people ------------------------------------------------------------------------------------

SAMPLES = (
    "cpa-cv-http.xml",
    "cpa-cv-https.xml",
    "cpaStubEBF.be.http.signed.xml",
    "cpaStubEBF.be.http.unsigned.sync.xml",
    "cpaStubEBF.be.http.unsigned.xml",
    "cpaStubEBF.be.https.signed.sync.xml",
    "cpaStubEBF.be.https.signed.xml",
    "cpaStubEBF.rm.http.signed-sha256.xml",
    "cpaStubEBF.rm.http.signed.xml",
    "cpaStubEBF.rm.http.unsigned.sync.xml",
    "cpaStubEBF.rm.http.unsigned.xml",
    "cpaStubEBF.rm.https.signed-sha256.xml",
    "cpaStubEBF.rm.https.signed.ackSigned.xml",
    "cpaStubEBF.rm.https.signed.encrypted.xml",
    "cpaStubEBF.rm.https.signed.sync.xml",
    "cpaStubEBF.rm.https.signed.xml",
)


def _sample(name: str) -> Path:
    return shared_data("ebms2", "cpa", "ebms-core", name)


def test_all_sixteen_samples_are_listed() -> None:
    assert {path.name for path in _sample("").iterdir()} == set(SAMPLES)


@pytest.mark.statement(190)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_cpa_reads_from_both_sides(name: str) -> None:
    document = _sample(name).read_bytes()
    first, second = read_agreement(document, {FIRST}), read_agreement(document, {SECOND})
    assert first.sends == second.receives
    assert first.receives == second.sends
    assert first.sends
    assert (first.our_signals, first.their_signals) == (second.their_signals, second.our_signals)


def test_the_compliance_facility_offers_all_six_profiles() -> None:
    agreement = read_agreement(_sample("cpa-cv-https.xml").read_bytes(), {SECOND})
    profiles = {"osb-be", "osb-be-s", "osb-be-e", "osb-rm", "osb-rm-s", "osb-rm-e"}
    assert {action.profile for action in agreement.receives} == profiles
    assert {party_id.type for party_id in agreement.theirs.party_ids} == {"urn:cv:oin"}
    assert len(agreement.theirs.transport_certificates) == 1  # the same certificate serves client and server


def test_the_sha256_sample_says_how_its_messages_are_signed() -> None:
    agreement = read_agreement(_sample("cpaStubEBF.rm.http.signed-sha256.xml").read_bytes(), {SECOND})
    action = agreement.receiving(Service("osb:afleveren:1.1$1.0", "urn:osb:services"), "afleveren")
    assert action is not None
    assert action.sender_signs
    assert action.channel.endpoint == "http://localhost:8088/ebms"
    assert action.channel.reliable_messaging == ReliableMessaging(5, timedelta(minutes=5))
    assert action.channel.persist_duration == timedelta(minutes=30)
    assert action.channel.signing is not None
    assert action.channel.signing.signature_algorithm.endswith("#rsa-sha256")
