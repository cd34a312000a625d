"""Reading and writing the SOAP part: both ways, the exact bytes we send, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import read_envelope, write_date_time, write_envelope
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    AckRequested,
    EbxmlError,
    Envelope,
    ErrorCode,
    Manifest,
    MessageHeader,
    MessageStatus,
    Party,
    PartyId,
    Service,
    Severity,
    SignedReference,
    StatusResponse,
    SyncReply,
)
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.errors import EnvelopeError, TooLarge, XmlError

# --- The exact bytes -----------------------------------------------------------------------------------------


def signal(action: str, **contents: object) -> Envelope:
    """A signal from the receiver of `wire.envelope()`; unless it is a request, it refers to that message."""
    sent = wire.envelope().header
    header = MessageHeader(
        from_party=Party(sent.to_party.party_ids),
        to_party=Party(sent.from_party.party_ids),
        cpa_id=sent.cpa_id,
        conversation_id=sent.conversation_id,
        service=Service(names.MSH_SERVICE),
        action=action,
        message_id="signaal-1@voorbeeld.example",
        timestamp=wire.NOW,
        ref_to_message_id=None if action == names.STATUS_REQUEST else sent.message_id,
    )
    return replace(Envelope(header), **contents)


REFERENCE = (
    f'<ds:Reference xmlns:ds="{names.DS}" URI="cid:a@x"><ds:DigestMethod Algorithm="{names.SHA256}"/>'
    "<ds:DigestValue>YWJj\nZGVm</ds:DigestValue></ds:Reference>"
).encode()

WRITTEN = {
    "ebms_notification.xml": wire.envelope("verzoek@voorbeeld.example", sync=True),
    "ebms_acknowledgment.xml": signal(
        names.ACKNOWLEDGMENT,
        acknowledgment=Acknowledgment(
            timestamp=wire.NOW,
            ref_to_message_id="bericht-1@voorbeeld.example",
            from_party_ids=(PartyId(wire.RECEIVER),),
            references=(
                SignedReference("", names.SHA256, b"\0" * 32),
                SignedReference("cid:a@x", names.SHA256, b"abcdef", REFERENCE),
            ),
        ),
    ),
    "ebms_message_error.xml": signal(
        names.MESSAGE_ERROR,
        errors=(
            EbxmlError(ErrorCode.INCONSISTENT.value, Severity.WARNING),
            EbxmlError(
                ErrorCode.SECURITY_FAILURE.value, Severity.ERROR, "the message is not signed", "//Header/Signature"
            ),
        ),
    ),
    "ebms_pong.xml": signal(names.PONG),
    "ebms_status_request.xml": signal(names.STATUS_REQUEST, status_request="bericht-1@voorbeeld.example"),
    "ebms_status_response.xml": signal(
        names.STATUS_RESPONSE,
        status_response=StatusResponse("bericht-1@voorbeeld.example", MessageStatus.RECEIVED, wire.NOW),
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_an_envelope_is_written_with_exactly_these_bytes(name: str) -> None:
    # Prefixes, order and namespaces on the root: other vendors' servers depend on them (peer-ebms-core.md, 5.2).
    assert write_envelope(WRITTEN[name]) == (wire.GOLDEN / name).read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("name", WRITTEN)
def test_the_bytes_that_we_write_say_what_was_meant(name: str) -> None:
    assert read_envelope((wire.GOLDEN / name).read_bytes()).envelope == WRITTEN[name]


def test_a_copied_reference_keeps_its_digest_value_as_it_was_written() -> None:
    document = write_envelope(WRITTEN["ebms_acknowledgment.xml"])
    assert b"<ds:DigestValue>YWJj\nZGVm</ds:DigestValue>" in document


# --- Both ways -----------------------------------------------------------------------------------------------

_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\t\n<>&\"'")
TEXT = st.text(_CHARACTERS, min_size=1, max_size=12).map(str.strip).filter(bool)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001  # made aware on the next line
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
PARTY_IDS = st.lists(st.builds(PartyId, TEXT, st.none() | TEXT), min_size=1, max_size=3).map(tuple)
HEADERS = st.builds(
    MessageHeader,
    from_party=st.builds(Party, PARTY_IDS, st.none() | TEXT),
    to_party=st.builds(Party, PARTY_IDS, st.none() | TEXT),
    cpa_id=TEXT,
    conversation_id=TEXT,
    service=st.builds(Service, TEXT, st.none() | TEXT),
    action=TEXT,
    message_id=TEXT,
    timestamp=MOMENTS,
    ref_to_message_id=st.none() | TEXT,
    time_to_live=st.none() | MOMENTS,
    duplicate_elimination=st.booleans(),
    version=TEXT,
)
REFERENCES = st.builds(SignedReference, TEXT | st.just(""), TEXT, st.binary(min_size=1, max_size=64))
ENVELOPES = st.builds(
    Envelope,
    header=HEADERS,
    sync_reply=st.none() | st.builds(SyncReply, TEXT, TEXT),
    ack_requested=st.none() | st.builds(AckRequested, st.booleans(), st.none() | TEXT, TEXT),
    acknowledgment=st.none()
    | st.builds(
        Acknowledgment,
        MOMENTS,
        TEXT,
        st.just(()) | PARTY_IDS,
        st.lists(REFERENCES, max_size=2).map(tuple),
        st.none() | TEXT,
        TEXT,
    ),
    errors=st.lists(
        st.builds(EbxmlError, TEXT, st.sampled_from(Severity), TEXT | st.just(""), st.none() | TEXT), max_size=2
    ).map(tuple),
    manifest=st.none() | st.builds(Manifest, st.lists(TEXT, min_size=1, max_size=3).map(tuple), TEXT),
    status_request=st.none() | TEXT,
    status_response=st.none()
    | st.builds(StatusResponse, TEXT, st.sampled_from(MessageStatus), st.none() | MOMENTS, TEXT),
)


@given(ENVELOPES)
def test_what_is_written_is_read_back_the_same(envelope: Envelope) -> None:
    document = write_envelope(envelope)
    received = read_envelope(document)
    assert received.envelope == envelope
    assert received.document == document
    assert received.signatures == 0


@pytest.mark.statement(36)
def test_times_go_out_in_utc_with_milliseconds_and_z() -> None:
    amsterdam = timezone(timedelta(hours=1))
    assert write_date_time(datetime(2026, 11, 23, 17, 34, 12, 5999, amsterdam)) == "2026-11-23T16:34:12.005Z"


# --- Other people's documents --------------------------------------------------------------------------------


def test_a_captured_business_message_is_read() -> None:
    request = wire.captured(wire.SIGNED)
    soap, _ = read_package(request.content_type, request.body)
    received = read_envelope(soap)
    assert received.signatures == 1
    assert received.envelope == Envelope(
        header=MessageHeader(
            from_party=Party((PartyId("00000000000000000000"),), "DIGIPOORT"),
            to_party=Party((PartyId("00000000000000000001"),), "OVERHEID"),
            cpa_id="cpaStubEBF.rm.http.signed-sha256",
            conversation_id="9e68fadb-2ee3-499c-9f75-a9fb966d6443",
            service=Service("osb:afleveren:1.1$1.0", "urn:osb:services"),
            action="afleveren",
            message_id="9e68fadb-2ee3-499c-9f75-a9fb966d6443@localhost",
            timestamp=datetime(2026, 11, 23, 16, 34, 12, 782000, UTC),
            time_to_live=datetime(2026, 11, 23, 17, 4, 12, 782000, UTC),
            duplicate_elimination=True,
        ),
        ack_requested=AckRequested(signed=False),
        manifest=Manifest(("cid:e563c457-78f1-46ff-ba25-f69cc445bd25",)),
    )


def test_a_captured_acknowledgment_with_role_is_read() -> None:
    received = read_envelope(wire.captured(wire.REQUESTS[1]).body)
    assert received.envelope.header.from_party.role == "OVERHEID"
    assert received.envelope.acknowledgment == Acknowledgment(
        timestamp=datetime(2026, 11, 23, 16, 34, 13, 475000, UTC),
        ref_to_message_id="9e68fadb-2ee3-499c-9f75-a9fb966d6443@localhost",
        from_party_ids=(PartyId("00000000000000000001"),),
    )


@pytest.mark.parametrize("name", wire.REQUESTS)
def test_every_captured_envelope_says_the_same_after_we_wrote_it_again(name: str) -> None:
    request = wire.captured(name)
    soap, _ = read_package(request.content_type, request.body)
    envelope = read_envelope(soap).envelope
    assert read_envelope(write_envelope(envelope)).envelope == envelope


def test_other_prefixes_white_space_and_comments_change_nothing() -> None:
    document = write_envelope(wire.envelope("a@x")).decode()
    document = document.replace("soap:", "SOAP-ENV:").replace(":soap=", ":SOAP-ENV=").replace("eb:", "e:")
    document = document.replace("xmlns:eb=", "xmlns:e=").replace(">cpa-1<", ">\n  cpa<!-- a --><?x y?>-1\n <")
    assert read_envelope(document.encode()).envelope == wire.envelope("a@x")


# --- What is refused -----------------------------------------------------------------------------------------

GOOD = write_envelope(wire.envelope("a@x", sync=True)).decode()
MESSAGE_HEADER = GOOD[GOOD.index("<eb:MessageHeader") : GOOD.index("</eb:MessageHeader>") + len("</eb:MessageHeader>")]
MANIFEST = GOOD[GOOD.index("<eb:Manifest") : GOOD.index("</eb:Manifest>") + len("</eb:Manifest>")]
UNKNOWN = '<x:nieuw xmlns:x="urn:voorbeeld" soap:mustUnderstand="{must}" {actor}/>'


def refusal(document: str, **options: str) -> EnvelopeError:
    with pytest.raises(EnvelopeError) as refused:
        read_envelope(document.encode(), **options)
    return refused.value


def with_header_element(element: str) -> str:
    return GOOD.replace("</soap:Header>", element + "</soap:Header>")


@pytest.mark.parametrize("actor", ["", *(f'soap:actor="{actor}"' for actor in ("", names.ACTOR_TO_PARTY))])
@pytest.mark.statement(17)
def test_an_unknown_header_element_that_must_be_understood_is_refused(actor: str) -> None:
    document = with_header_element(UNKNOWN.format(must=1, actor=actor))
    assert refusal(document).fault_code == "MustUnderstand"


@pytest.mark.parametrize("actor", [names.ACTOR_SOAP_NEXT, names.ACTOR_NEXT_MSH])
@pytest.mark.statement(17)
def test_we_are_also_the_next_one_that_must_understand(actor: str) -> None:
    document = with_header_element(UNKNOWN.format(must=1, actor=f'soap:actor="{actor}"'))
    assert refusal(document).fault_code == "MustUnderstand"


def test_an_element_of_ebms_that_does_not_exist_must_be_understood_too() -> None:
    document = with_header_element('<eb:Via eb:version="2.0" soap:mustUnderstand="1"/>')
    assert refusal(document).fault_code == "MustUnderstand"


def test_an_unknown_element_inside_the_message_header_must_be_understood_too() -> None:
    document = GOOD.replace("</eb:MessageHeader>", UNKNOWN.format(must=1, actor="") + "</eb:MessageHeader>")
    assert refusal(document).fault_code == "MustUnderstand"


@pytest.mark.parametrize(("must", "actor"), [("0", ""), ("1", 'soap:actor="urn:iemand-anders"')])
@pytest.mark.statement(18)
def test_an_unknown_header_element_that_is_not_for_us_is_ignored(must: str, actor: str) -> None:
    document = with_header_element(UNKNOWN.format(must=must, actor=actor))
    assert read_envelope(document.encode()).envelope == wire.envelope("a@x", sync=True)


@pytest.mark.statement(16)
def test_another_soap_version_is_a_version_mismatch() -> None:
    document = GOOD.replace(names.SOAP, "http://www.w3.org/2003/05/soap-envelope")
    assert refusal(document).fault_code == "VersionMismatch"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("<html/>", "html is not a SOAP envelope"),
        (GOOD.replace(MESSAGE_HEADER, ""), "must hold the one eb:MessageHeader"),
        (GOOD.replace(MESSAGE_HEADER, MESSAGE_HEADER * 2), "must hold the one eb:MessageHeader"),
        (GOOD.replace(MESSAGE_HEADER, "").replace(MANIFEST, MESSAGE_HEADER), "must hold the one eb:MessageHeader"),
        (GOOD.replace(MANIFEST, MANIFEST + MESSAGE_HEADER), "must hold the one eb:MessageHeader"),
        (GOOD.replace(MANIFEST, MANIFEST * 2), "soap:Body holds more than one eb:Manifest"),
        (with_header_element(GOOD[GOOD.index("<eb:SyncReply") : GOOD.index("<eb:AckR")]), "more than one eb:SyncReply"),
        (GOOD.replace("<eb:CPAId>cpa-1</eb:CPAId>", ""), "eb:CPAId is missing"),
        (GOOD.replace(">cpa-1<", "> <"), "eb:CPAId is empty"),
        (GOOD.replace("782Z", "782X", 1), "eb:Timestamp"),
        (f'<soap:Envelope xmlns:soap="{names.SOAP}"><soap:Body/></soap:Envelope>', "soap:Header is missing"),
    ],
)
@pytest.mark.statement(19)
def test_what_is_no_ebms_envelope_is_refused_with_its_reason(document: str, reason: str) -> None:
    refused = refusal(document)
    assert reason in str(refused)
    assert refused.fault_code == "Client"


@pytest.mark.statement(44)
@pytest.mark.parametrize("language", ["", ' xml:lang="nl"'])
def test_what_descriptions_say_is_ignored(language: str) -> None:
    said = f"<eb:Description{language}>&lt;eb:Action>anders&lt;/eb:Action></eb:Description>" * 2
    described = GOOD.replace("</eb:MessageHeader>", said + "</eb:MessageHeader>")
    assert read_envelope(described.encode()).envelope == read_envelope(GOOD.encode()).envelope


@pytest.mark.statement(7)
def test_a_charset_other_than_utf_8_is_refused() -> None:
    refusal(GOOD, content_type="text/xml; charset=ISO-8859-1")
    refusal(GOOD.replace("UTF-8", "ISO-8859-1", 1))
    for content_type in ("text/xml", 'text/xml; charset="utf-8"', "text/xml; charset=us-ascii"):
        assert read_envelope(GOOD.encode(), content_type=content_type)


def test_a_document_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        read_envelope(GOOD.encode(), limit=100)


@pytest.mark.parametrize(
    "document",
    [
        "",
        GOOD[:-5],
        f'<!DOCTYPE a SYSTEM "http://voorbeeld.example/x">{GOOD[GOOD.index("<soap") :]}',
        f'<!DOCTYPE a [<!ENTITY b "{"c" * 100}">]>{GOOD[GOOD.index("<soap") :]}',
        with_header_element("<x>" * 300 + "</x>" * 300),
        with_header_element("<x>&b;</x>"),
    ],
)
@pytest.mark.statement(219, 220)
def test_broken_nested_or_entity_laden_xml_is_refused(document: str) -> None:
    with pytest.raises(XmlError):
        read_envelope(document.encode())


@pytest.mark.parametrize("pattern", ['a{0}="1"', 'xmlns:n{0}="urn:{0}"'])
@pytest.mark.statement(220)
def test_an_element_with_thousands_of_attributes_or_namespaces_is_refused(pattern: str) -> None:
    many = " ".join(pattern.format(number) for number in range(9000))
    with pytest.raises(XmlError, match="over"):
        read_envelope(with_header_element(f'<x:y xmlns:x="urn:x" {many}/>').encode())


def test_the_same_namespace_may_be_declared_on_every_element() -> None:
    many = '<x:z xmlns:x="urn:x" xmlns:y="urn:y"/>' * 3000
    assert read_envelope(with_header_element(f'<x:y xmlns:x="urn:x">{many}</x:y>').encode()).envelope.header
