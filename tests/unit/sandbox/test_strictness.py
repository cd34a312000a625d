"""Every refusal of the sandbox's DSO-LV, with bytes that no code of this project built.

The literal below was written by hand after ebMS 2.0; signed_acknowledgment.xml was signed with the XML Signature
implementation of the JDK. Each test changes one thing in them.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from tests.shared import shared_data

from digikoppelaar.sandbox.strict_signature import (
    SignatureTerms,
    _bytes,
    digest_holds,
    signature_problems,
    value_holds,
)
from digikoppelaar.sandbox.strictness import Awaited, Refusal, Request, refusals
from digikoppelaar.xml import parse

GEMEENTE, LEVERANCIER, DSO = "00000099000000002000", "00000099000000003000", "00000099000000001000"
NOTIFICATION = "0b7ba2a6-3b0c-4d36-9d1c-5f1a5d0c8a11@dso.example"
HEADERS = {"content-type": "text/xml; charset=UTF-8", "soapaction": '"ebXML"'}

UNSIGNED = b"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:e="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd">
<SOAP:Header>
<e:MessageHeader e:version="2.0" SOAP:mustUnderstand="1">
<e:From><e:PartyId e:type="urn:osb:oin">00000099000000002000</e:PartyId></e:From>
<e:To><e:PartyId e:type="urn:osb:oin">00000099000000001000</e:PartyId></e:To>
<e:CPAId>sandbox-cpa</e:CPAId>
<e:ConversationId>conversation-1</e:ConversationId>
<e:Service>urn:oasis:names:tc:ebxml-msg:service</e:Service>
<e:Action>Acknowledgment</e:Action>
<e:MessageData>
<e:MessageId>5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77@gemeente.example</e:MessageId>
<e:Timestamp>2026-06-02T12:00:01Z</e:Timestamp>
<e:RefToMessageId>0b7ba2a6-3b0c-4d36-9d1c-5f1a5d0c8a11@dso.example</e:RefToMessageId>
</e:MessageData>
</e:MessageHeader>
<e:Acknowledgment e:version="2.0" SOAP:mustUnderstand="1" SOAP:actor="urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH">
<e:Timestamp>2026-06-02T12:00:01Z</e:Timestamp>
<e:RefToMessageId>0b7ba2a6-3b0c-4d36-9d1c-5f1a5d0c8a11@dso.example</e:RefToMessageId>
</e:Acknowledgment>
</SOAP:Header>
<SOAP:Body/>
</SOAP:Envelope>
"""
SIGNED = (Path(__file__).parent / "signed_acknowledgment.xml").read_bytes()
REFERENCES = (
    ("", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="),
    ("cid:notification@dso.example", "YDA64iuZiGG847KPM+7BvnWKITyGyTwHbb6fVYwRx1I="),
)
PLAIN = Awaited("sandbox-cpa", NOTIFICATION, "conversation-1", DSO, GEMEENTE, frozenset({GEMEENTE, LEVERANCIER}))


def signature_of(document: bytes) -> etree._Element:
    found = parse(document, limit=1 << 20).find(".//{http://www.w3.org/2000/09/xmldsig#}Signature")
    assert found is not None
    return found


CERTIFICATE = _bytes(signature_of(SIGNED), "KeyInfo", "X509Data", "X509Certificate")
AWAITED_SIGNED = replace(PLAIN, signature=SignatureTerms(CERTIFICATE), references=REFERENCES)


def broken(
    body: bytes,
    awaited: Awaited = PLAIN,
    *,
    method: str = "POST",
    headers: dict[str, str] = HEADERS,
    oin: str = LEVERANCIER,
) -> tuple[Refusal, ...]:
    def awaited_for(cpa_id: str, message_id: str) -> Awaited | None:
        if cpa_id == "no-such-cpa":
            return None
        return awaited if message_id == NOTIFICATION else replace(awaited, message_id="", conversation_id="")

    return refusals(Request(method, headers, oin, body), awaited_for)


def statements(found: tuple[Refusal, ...]) -> set[str]:
    return {refusal.statement for refusal in found}


def test_a_right_acknowledgment_breaks_no_rule() -> None:
    assert broken(UNSIGNED) == ()


def test_a_right_signed_acknowledgment_breaks_no_rule() -> None:
    assert broken(SIGNED, AWAITED_SIGNED) == ()


def test_a_multipart_package_with_the_soap_part_alone_is_taken_too() -> None:
    package = b"--b\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-ID: <s>\r\n\r\n" + UNSIGNED + b"\r\n--b--\r\n"
    headers = HEADERS | {"content-type": 'multipart/related; boundary="b"; type="text/xml"; start="<s>"'}
    assert broken(package, headers=headers) == ()


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("160", {"soapaction": "ebXML"}),
        ("160", {"soapaction": '""'}),
        ("160", {"mime-version": "1.0"}),
        ("160", {"content-transfer-encoding": "8bit"}),
        ("3", {"content-type": "application/soap+xml"}),
        ("3", {"content-type": ""}),
        ("3", {"content-type": 'multipart/related; boundary="b"; type="application/xml"'}),
        ("3", {"content-type": 'multipart/related; type="text/xml"'}),
        ("KS-39", {"content-type": "text/xml; charset=ISO-8859-1"}),
    ],
)
def test_a_wrong_http_header_is_answered_with_a_fault(statement: str, changes: dict[str, str]) -> None:
    found = broken(UNSIGNED, headers=HEADERS | changes)
    assert statement in statements(found)
    assert all(refusal.http for refusal in found)


def test_another_method_than_post_is_answered_with_a_fault() -> None:
    assert statements(broken(UNSIGNED, method="PUT")) == {"162"}


def test_a_client_certificate_without_oin_is_refused() -> None:
    assert statements(broken(UNSIGNED, oin="")) == {"181"}


def test_a_client_certificate_of_somebody_else_is_refused() -> None:
    assert statements(broken(UNSIGNED, oin="00000099000000009000")) == {"181"}


@pytest.mark.parametrize(
    ("statement", "old", "new"),
    [
        ("219", b"<SOAP:Body/>", b"<SOAP:Body>"),
        ("219", b"<SOAP:Envelope ", b'<!DOCTYPE x [<!ENTITY e "e">]><SOAP:Envelope '),
        ("16", b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"),
        ("16", b"<SOAP:Body/>", b""),
        ("19", b'<e:MessageHeader e:version="2.0" SOAP:mustUnderstand="1">', b'<e:MessageHeader e:version="2.0">'),
        ("20", b'<e:MessageHeader e:version="2.0"', b'<e:MessageHeader e:version="3.0"'),
        ("20", b'<e:MessageHeader e:version="2.0"', b'<e:MessageHeader version="2.0"'),
        ("19", b"<e:CPAId>sandbox-cpa</e:CPAId>", b""),
        ("19", b"<SOAP:Header>", b"<SOAP:Header><e:SyncReply/>"),
        ("19", b"<SOAP:Body/>", b"<SOAP:Body><e:MessageHeader/></SOAP:Body>"),
        ("34", b"sandbox-cpa", b"no-such-cpa"),
    ],
)
def test_a_wrong_envelope_is_answered_with_a_fault(statement: str, old: bytes, new: bytes) -> None:
    found = broken(UNSIGNED.replace(old, new, 1))
    assert statement in statements(found)
    assert all(refusal.http for refusal in found)


FROM = b'<e:From><e:PartyId e:type="urn:osb:oin">00000099000000002000</e:PartyId>'
IN_HEADER = b"</e:MessageHeader>"
AFTER_DATA = b"</e:MessageData>"


@pytest.mark.parametrize(
    ("statement", "old", "new"),
    [
        ("79", b"sandbox-cpa", b"another-cpa"),
        ("78", b"00000099000000002000", b"00000099000000004000"),
        ("78", b'<e:PartyId e:type="urn:osb:oin">00000099000000002000', b"<e:PartyId>00000099000000002000"),
        ("88", b"00000099000000001000", b"00000099000000004000"),
        ("89", FROM, FROM + b"<e:Role>SandboxOntvanger</e:Role>"),
        ("88", b"<e:Service>", b'<e:Service e:type="urn:osb:services">'),
        ("89", AFTER_DATA, AFTER_DATA + b"<e:DuplicateElimination/>"),
        ("89", AFTER_DATA, b"<e:TimeToLive>2026-06-03T00:00:00Z</e:TimeToLive>" + AFTER_DATA),
        ("89", IN_HEADER, IN_HEADER + b'<e:AckRequested e:version="2.0" SOAP:mustUnderstand="1" e:signed="false"/>'),
        ("107", IN_HEADER, IN_HEADER + b'<e:SyncReply e:version="2.0" SOAP:mustUnderstand="1"/>'),
        ("62", b"actor:toPartyMSH", b"actor:nextMSH"),
        ("89", b"<SOAP:Body/>", b'<SOAP:Body><e:Manifest e:version="2.0"/></SOAP:Body>'),
        ("41", b"5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77@gemeente.example", b"42@gemeente.example"),
        ("41", b"5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77@gemeente.example", b"5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77"),
        ("36", b"<e:Timestamp>2026-06-02T12:00:01Z", b"<e:Timestamp>2026-06-02T14:00:01+02:00"),
        ("76", b"0b7ba2a6", b"1b7ba2a6"),
        ("42", b"conversation-1", b"conversation-2"),
        ("88", b"5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77@gemeente.example", NOTIFICATION.encode()),
        ("31", b"<e:Action>Acknowledgment", b"<e:Action>Receipt"),
        ("88", b'<e:Acknowledgment e:version="2.0"', b'<e:Acknowledgment e:version="1.0"'),
        ("19", b'<e:Acknowledgment e:version="2.0" SOAP:mustUnderstand="1"', b'<e:Acknowledgment e:version="2.0"'),
        ("88", b"urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH", b"urn:elsewhere"),
        ("93", b"<SOAP:Body/>", b"<SOAP:Body><e:StatusRequest/></SOAP:Body>"),
        ("93", IN_HEADER, IN_HEADER + b'<e:ErrorList e:highestSeverity="Warning" e:version="2.0"/>'),
    ],
)
def test_a_wrong_acknowledgment_does_not_count(statement: str, old: bytes, new: bytes) -> None:
    assert old in UNSIGNED
    found = broken(UNSIGNED.replace(old, new, 1))
    assert statement in statements(found)
    assert not any(refusal.http for refusal in found)


def test_an_acknowledgment_without_its_element_does_not_count() -> None:
    start, end = UNSIGNED.index(b"<e:Acknowledgment"), UNSIGNED.index(b"</SOAP:Header>")
    assert "88" in statements(broken(UNSIGNED[:start] + UNSIGNED[end:]))


def test_two_different_references_to_the_message_do_not_count() -> None:
    before, _, after = UNSIGNED.rpartition(b"0b7ba2a6")
    assert statements(broken(before + b"1b7ba2a6" + after)) == {"80"}


def test_a_receipt_from_another_party_does_not_count() -> None:
    other = b'<e:From><e:PartyId e:type="urn:osb:oin">00000099000000004000</e:PartyId></e:From></e:Acknowledgment>'
    assert statements(broken(UNSIGNED.replace(b"</e:Acknowledgment>", other))) == {"88"}


def test_a_receipt_with_a_local_time_does_not_count() -> None:
    before, _, after = UNSIGNED.rpartition(b"2026-06-02T12:00:01Z")
    assert statements(broken(before + b"2026-06-02T12:00:01" + after)) == {"36"}


def test_a_signal_with_a_payload_does_not_count() -> None:
    package = (
        b"--b\r\nContent-Type: text/xml; charset=UTF-8\r\n\r\n" + UNSIGNED
        + b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nmore\r\n--b--\r\n"
    )  # fmt: skip
    headers = HEADERS | {"content-type": 'multipart/related; boundary="b"; type="text/xml"'}
    assert statements(broken(package, headers=headers)) == {"89"}


def test_a_multipart_package_without_parts_is_answered_with_a_fault() -> None:
    headers = HEADERS | {"content-type": 'multipart/related; boundary="b"; type="text/xml"'}
    assert statements(broken(b"", headers=headers)) == {"219"}


# --- Signatures ----------------------------------------------------------------------------------------------


def test_an_unsigned_acknowledgment_does_not_count_where_the_cpa_wants_a_signature() -> None:
    assert "138" in statements(broken(UNSIGNED, AWAITED_SIGNED))


def test_a_signature_where_the_cpa_says_never_does_not_count() -> None:
    assert statements(broken(SIGNED)) == {"139"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"12:00:01Z</eb:Timestamp>", b"12:00:02Z</eb:Timestamp>"),
        (b"<soap:Body/>", b"<soap:Body> </soap:Body>"),
        (b"<ds:SignatureValue>jZr+", b"<ds:SignatureValue>jZr/"),
        (b"xmldsig-more#rsa-sha256", b"xmldsig-more#rsa-sha512"),
        (b"REC-xml-c14n-20010315", b"REC-xml-c14n-20010316"),
        (b"<ds:X509Certificate>MIID", b"<ds:X509Certificate>MIIE"),
    ],
)
def test_one_changed_byte_of_a_signed_acknowledgment_does_not_count(old: bytes, new: bytes) -> None:
    before, found, after = SIGNED.rpartition(old)
    assert found
    assert "137" in statements(broken(before + new + after, AWAITED_SIGNED))


def test_a_signature_with_another_key_does_not_count() -> None:
    other = shared_data("ebms-core-wire", "05-rm.http.signed-sha256-to-overheid.http").read_bytes()
    envelope = other[other.index(b"<soap:Envelope") : other.index(b"</soap:Envelope>") + len(b"</soap:Envelope>")]
    certificate = _bytes(signature_of(envelope), "KeyInfo", "X509Data", "X509Certificate")
    found = broken(SIGNED, replace(AWAITED_SIGNED, signature=SignatureTerms(certificate)))
    assert statements(found) == {"137"}
    assert len(found) == 2  # not the CPA's certificate, and not its key


def test_a_second_signature_does_not_count() -> None:
    start, end = SIGNED.index(b"<ds:Signature>"), SIGNED.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    twice = SIGNED[:end] + SIGNED[start:end] + SIGNED[end:]
    assert "137" in statements(broken(twice, AWAITED_SIGNED))


@pytest.mark.parametrize(
    "references",
    [
        REFERENCES[:1],
        (*REFERENCES, ("cid:more@dso.example", "YDA64iuZiGG847KPM+7BvnWKITyGyTwHbb6fVYwRx1I=")),
        (REFERENCES[0], (REFERENCES[1][0], "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=")),
        (REFERENCES[0], ("cid:other@dso.example", REFERENCES[1][1])),
    ],
    ids=["extra", "missing", "other digest", "other payload"],
)
def test_an_acknowledgment_of_other_references_than_were_signed_does_not_count(
    references: tuple[tuple[str, str], ...],
) -> None:
    assert statements(broken(SIGNED, replace(AWAITED_SIGNED, references=references))) == {"137"}


def test_the_captured_signature_of_another_implementation_holds_and_fails_after_one_changed_byte() -> None:
    captured = shared_data("ebms-core-wire", "05-rm.http.signed-sha256-to-overheid.http").read_bytes()
    envelope = captured[captured.index(b"<soap:Envelope") : captured.index(b"</soap:Envelope>") + 16]
    signature = signature_of(envelope)
    terms = SignatureTerms(_bytes(signature, "KeyInfo", "X509Data", "X509Certificate"))
    root = signature.getroottree().getroot()
    assert digest_holds(root, signature)
    assert value_holds(signature, terms)
    changed = signature_of(envelope.replace(b"afleveren</eb:Action>", b"aflevereN</eb:Action>"))
    assert not digest_holds(changed.getroottree().getroot(), changed)


def test_only_the_form_of_digikoppeling_is_taken() -> None:
    root = parse(
        SIGNED.replace(b'<ds:Reference URI=""><ds:Transforms>', b'<ds:Reference URI="#x"><ds:Transforms>'),
        limit=1 << 20,
    )
    assert any("signs the envelope" in problem for problem in signature_problems(root, SignatureTerms(CERTIFICATE)))


# --- Other signals -------------------------------------------------------------------------------------------


ERROR = UNSIGNED.replace(b"<e:Action>Acknowledgment", b"<e:Action>MessageError").replace(
    UNSIGNED[UNSIGNED.index(b"<e:Acknowledgment") : UNSIGNED.index(b"</SOAP:Header>")],
    b'<e:ErrorList e:version="2.0" SOAP:mustUnderstand="1" e:highestSeverity="Error">'
    b'<e:Error e:errorCode="Inconsistent" e:severity="Error"/></e:ErrorList>',
)
PING = ERROR.replace(b"<e:Action>MessageError", b"<e:Action>Ping").replace(
    ERROR[ERROR.index(b"<e:RefToMessageId") : ERROR.index(b"</e:MessageData>")], b""
)


def test_an_error_about_a_message_that_was_sent_is_taken() -> None:
    assert broken(ERROR) == ()
    assert broken(ERROR, AWAITED_SIGNED) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<e:Error e:errorCode="Inconsistent" e:severity="Error"/>', b""),
        (b'e:highestSeverity="Error"', b'e:highestSeverity="Warning"'),
    ],
)
def test_a_wrong_error_list_does_not_count(old: bytes, new: bytes) -> None:
    assert statements(broken(ERROR.replace(old, new))) == {"83"}


def test_a_ping_is_taken_and_refers_to_nothing() -> None:
    assert broken(PING) == ()
    reference = f"<e:RefToMessageId>{NOTIFICATION}</e:RefToMessageId></e:MessageData>".encode()
    assert statements(broken(PING.replace(b"</e:MessageData>", reference))) == {"40"}


def test_a_pong_to_nothing_does_not_count() -> None:
    assert {"40", "76"} <= statements(broken(PING.replace(b"<e:Action>Ping", b"<e:Action>Pong")))


def test_a_business_message_is_left_to_the_message_service() -> None:
    assert broken(UNSIGNED.replace(b"urn:oasis:names:tc:ebxml-msg:service", b"sandbox:bedachte-verzoekdienst:1")) == ()
