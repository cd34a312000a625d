"""Packages: their exact form, and back again."""

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Packaged, PartHead, Payload, frame, package, part_of, read_package
from digikoppelaar.ebms.signature import verify
from digikoppelaar.errors import MimeError

BOUNDARY = "grens-1"
SOAP_ID = "soap@voorbeeld.example"


def packaged(*payloads: Payload, envelope: Envelope | None = None, boundary: str = BOUNDARY) -> Packaged:
    said = envelope or wire.envelope(*(payload.content_id for payload in payloads))
    return package(said, payloads, signing=None, sign=None, boundary=boundary, soap_content_id=SOAP_ID)


@pytest.mark.statement(3)
def test_a_message_without_payload_is_the_bare_document() -> None:
    made = packaged()
    assert made == Packaged("text/xml; charset=UTF-8", write_envelope(wire.envelope()))
    assert read_package(made.content_type, made.body) == (made.body, [])


@pytest.mark.statement(1, 2, 6)
def test_a_message_with_payloads_has_exactly_these_bytes() -> None:
    made = packaged(Payload("a@x", "application/pdf", b"\0\r\n"), Payload("b@x", "text/plain; charset=x", b""))
    soap = write_envelope(wire.envelope("a@x", "b@x"))
    assert made.content_type == (
        'multipart/related; boundary="grens-1"; type="text/xml"; start="<soap@voorbeeld.example>"'
    )
    assert made.body == (
        b"--grens-1\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-ID: <soap@voorbeeld.example>\r\n\r\n"
        + soap
        + b"\r\n--grens-1\r\nContent-Type: application/pdf\r\nContent-ID: <a@x>\r\n\r\n\0\r\n"
        + b"\r\n--grens-1\r\nContent-Type: text/plain; charset=x\r\nContent-ID: <b@x>\r\n\r\n"
        + b"\r\n--grens-1--\r\n"
    )


@pytest.mark.statement(8, 10)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_payloads_come_back_in_order_and_bit_for_bit(contents: list[bytes]) -> None:
    payloads = [Payload(f"{number}@x", "application/pdf", data) for number, data in enumerate(contents)]
    made = packaged(*payloads)
    soap, found = read_package(made.content_type, made.body)
    assert read_envelope(soap).envelope == wire.envelope(*(payload.content_id for payload in payloads))
    assert found == payloads


@pytest.mark.statement(1, 2, 3)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_a_frame_with_the_payloads_put_into_its_holes_is_the_package(contents: list[bytes]) -> None:
    payloads = [Payload(f"{number}@x", "application/pdf", data) for number, data in enumerate(contents)]
    made = packaged(*payloads)
    document = write_envelope(wire.envelope(*(payload.content_id for payload in payloads)))
    around = frame(document, [payload.head for payload in payloads], boundary=BOUNDARY, soap_content_id=SOAP_ID)
    assert around.content_type == made.content_type
    assert len(around.pieces) == len(payloads) + 1
    body = around.body
    for hole, payload in reversed([*zip(around.holes, payloads, strict=True)]):
        body = body[:hole] + payload.data + body[hole:]
    assert body == made.body


def test_a_frame_without_payloads_is_the_bare_document() -> None:
    around = frame(b"<a/>", [], boundary="", soap_content_id="")
    assert (around.content_type, around.body, around.holes) == ("text/xml; charset=UTF-8", b"<a/>", ())


def test_a_boundary_that_occurs_in_the_envelope_is_refused() -> None:
    with pytest.raises(MimeError, match="occurs in the envelope"):
        frame(b"<a>--grens-1</a>", [PartHead("a@x", "x/y")], boundary=BOUNDARY, soap_content_id=SOAP_ID)


@pytest.mark.statement(9)
def test_a_payload_of_twenty_mebibytes_comes_back() -> None:
    payload = Payload("a@x", "application/pdf", bytes(range(256)) * 81920)
    made = packaged(payload)
    assert read_package(made.content_type, made.body)[1] == [payload]


def test_the_email_package_reads_the_same_parts() -> None:
    made = packaged(Payload("a@x", "text/plain", b"hallo\r\nwereld"))
    message = message_from_bytes(f"Content-Type: {made.content_type}\r\n\r\n".encode() + made.body)
    soap, payload = message.get_payload()
    assert message.get_param("start") == soap["Content-ID"] == f"<{SOAP_ID}>"
    assert (payload["Content-ID"], payload.get_payload(decode=True)) == ("<a@x>", b"hallo\r\nwereld")
    assert soap["Content-Transfer-Encoding"] is None


@pytest.mark.statement(4)
def test_the_soap_part_need_not_come_first_when_start_names_it() -> None:
    made = packaged(Payload("a@x", "application/pdf", b"x"))
    soap, payload = made.body.removesuffix(b"--grens-1--\r\n").split(b"--grens-1\r\n")[1:]
    body = b"--grens-1\r\n" + payload + b"--grens-1\r\n" + soap + b"--grens-1--\r\n"
    assert read_package(made.content_type, body) == read_package(made.content_type, made.body)
    with pytest.raises(MimeError, match="start names no part"):
        read_package(made.content_type.replace(SOAP_ID, "elders@x"), made.body)


@pytest.mark.statement(3)
def test_a_multipart_of_the_soap_part_alone_is_read_too() -> None:
    made = packaged(Payload("a@x", "application/pdf", b"x"))
    alone = b"--grens-1\r\n".join(made.body.split(b"--grens-1\r\n")[:2]) + b"--grens-1--\r\n"
    document, payloads = read_package(made.content_type, alone)
    assert (document, payloads) == (write_envelope(wire.envelope("a@x")), [])


@pytest.mark.statement(5)
def test_without_start_the_first_part_is_the_soap_part() -> None:
    made = packaged(Payload("a@x", "text/xml", b"<a/>"))
    without = made.content_type.replace(f'; start="<{SOAP_ID}>"', "")
    assert "start" not in without
    assert read_package(without, made.body) == read_package(made.content_type, made.body)


@pytest.mark.statement(55)
@pytest.mark.parametrize("algorithm", [names.SHA256, names.SHA512])
def test_a_signed_package_verifies_over_its_own_payloads(algorithm: str) -> None:
    signatory = wire.signatory()
    signing = signatory.signing(digest_method=algorithm)
    made = package(
        wire.envelope("a@x", "b@x"),
        [Payload("a@x", "application/pdf", b"\r\n\0"), Payload("b@x", "application/pdf", b"")],
        signing=signing,
        sign=signatory.sign,
        boundary=BOUNDARY,
        soap_content_id=SOAP_ID,
    )
    soap, payloads = read_package(made.content_type, made.body)
    parts = [part_of(payload, algorithm) for payload in payloads]
    verified = verify(read_envelope(soap), parts, signing, now=wire.NOW)
    assert verified.envelope == wire.envelope("a@x", "b@x")
    assert [reference.uri for reference in verified.references] == ["", "cid:a@x", "cid:b@x"]
    assert read_envelope(soap).signatures == 1
    assert all(names.SHA256 in part.digests for part in parts)


def test_a_captured_request_is_read() -> None:
    request = wire.captured(wire.SIGNED)
    _, [payload] = read_package(request.content_type, request.body)
    assert payload == Payload(
        "e563c457-78f1-46ff-ba25-f69cc445bd25", "application/xml", "<a>hallo wereld é</a>\n".encode()
    )


@pytest.mark.parametrize("boundary", ["", "x" * 71, "met@apenstaart", 'met"aanhaling', "spatie ", "regel\r\n"])
def test_a_boundary_outside_rfc_2046_is_refused(boundary: str) -> None:
    with pytest.raises(MimeError, match="RFC 2046"):
        packaged(Payload("a@x", "application/pdf", b""), boundary=boundary)


def test_a_boundary_that_occurs_in_a_payload_is_refused() -> None:
    with pytest.raises(MimeError, match="occurs in a payload"):
        packaged(Payload("a@x", "application/pdf", b"--grens-1"))


@pytest.mark.parametrize(
    "payload",
    [Payload("a\r\nX: y", "application/pdf", b""), Payload("a>b", "x/y", b""), Payload("a@x", "x/y\r\nX: y", b"")],
)
def test_nothing_can_be_slipped_into_part_headers(payload: Payload) -> None:
    with pytest.raises(MimeError, match="cannot hold"):
        packaged(payload)
