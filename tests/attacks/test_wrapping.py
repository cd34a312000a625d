"""Signature wrapping: what was signed stays, and something else is read."""

import re

import pytest
from tests.attacks.world import (
    BROKEN,
    ENCRYPTED_PROFILE,
    FAILURE,
    SOAP,
    Change,
    Outcome,
    Row,
    arrive,
    body,
    cases,
    encrypt,
    judged,
    signed_soap,
    swap,
)
from tests.unit.ebms import exchanges

from digikoppelaar.ebms import names

HEADER = re.search(rb"<eb:MessageHeader.*</eb:MessageHeader>", SOAP)[0]
SIGNATURE = re.search(rb"<ds:Signature>.*</ds:Signature>", SOAP)[0]
MANIFEST = re.search(rb"<eb:Manifest.*</eb:Manifest>", SOAP)[0]
BODY = re.search(rb"<soap:Body.*</soap:Body>", SOAP)[0]
EVIL = HEADER.replace(b">c1<", b">c2<")


def test_without_an_attack_the_message_is_accepted() -> None:
    assert arrive(body(SOAP)) == Outcome("Accept")
    assert arrive(body(SOAP, encrypt()), agreement=ENCRYPTED_PROFILE) == Outcome("Accept")


def hidden(element: bytes, actor: str) -> Change:
    return swap(b"<" + element, b"<" + element + f' soap:actor="{actor}"'.encode())


def signed_under_another_message(document: bytes) -> bytes:
    """The good signature of one message over the envelope of the next."""
    other = signed_soap(exchanges.notification(exchanges.SIGNED_THEIRS, message_id="m2@dso"))
    return re.sub(rb"<ds:Signature>.*</ds:Signature>", lambda _: SIGNATURE, other)


WRAPPING: list[Row] = [
    ("a second MessageHeader before the signed one", swap(HEADER, EVIL + HEADER), BROKEN),
    ("a second MessageHeader after the signed one", swap(HEADER, HEADER + EVIL), BROKEN),
    (
        "the signed MessageHeader moved into the Body",
        lambda d: d.replace(HEADER, EVIL).replace(BODY, BODY[:11] + HEADER + BODY[11:]),
        BROKEN,
    ),
    (
        "the signed MessageHeader wrapped in an extension",
        swap(HEADER, EVIL + b'<x xmlns="urn:x">' + HEADER + b"</x>"),
        BROKEN,
    ),
    (
        "the signed MessageHeader in a ds:Object",
        swap(b"</ds:Signature>", b"<ds:Object>" + HEADER + b"</ds:Object></ds:Signature>"),
        BROKEN,
    ),
    ("a second soap:Header", swap(b"<soap:Body", b"<soap:Header>" + EVIL + b"</soap:Header><soap:Body"), BROKEN),
    ("a second soap:Body", swap(BODY, BODY + BODY), BROKEN),
    (
        "the signed Body wrapped in the Header",
        swap(b"<soap:Body", b"<soap:Body/><x xmlns='urn:x'>" + BODY + b"</x><soap:Body"),
        BROKEN,
    ),
    ("a second Manifest", swap(MANIFEST, MANIFEST + MANIFEST), BROKEN),
    ("the Manifest wrapped", swap(MANIFEST, b'<x xmlns="urn:x">' + MANIFEST + b"</x>"), FAILURE),
    (
        "a whole signed envelope inside another",
        swap(b"<soap:Body", b"<x xmlns='urn:x'>" + SOAP.partition(b"\n")[2] + b"</x><soap:Body"),
        BROKEN,
    ),
    ("two signatures", swap(SIGNATURE, SIGNATURE + SIGNATURE), FAILURE),
    (
        "a second signature, in an extension",
        swap(SIGNATURE, SIGNATURE + b'<x xmlns="urn:x">' + SIGNATURE + b"</x>"),
        FAILURE,
    ),
    (
        "the signature moved into the Body",
        lambda d: d.replace(SIGNATURE, b"").replace(b"</soap:Body>", SIGNATURE + b"</soap:Body>"),
        FAILURE,
    ),
    ("the signature wrapped in an extension", swap(SIGNATURE, b'<x xmlns="urn:x">' + SIGNATURE + b"</x>"), FAILURE),
    ("no signature", swap(SIGNATURE, b""), FAILURE),
    ("the signature of another message", signed_under_another_message, FAILURE),
    ("the MessageHeader taken out by an actor", hidden(b"eb:MessageHeader", names.ACTOR_SOAP_NEXT), FAILURE),
    ("the Body taken out by an actor", hidden(b"soap:Body", names.ACTOR_NEXT_MSH), FAILURE),
    ("the Manifest taken out by an actor", hidden(b"eb:Manifest", names.ACTOR_SOAP_NEXT), FAILURE),
    ("the envelope taken out by an actor", hidden(b"soap:Envelope", names.ACTOR_SOAP_NEXT), BROKEN),
    (
        "an Id given twice",
        lambda d: swap(b"<eb:Manifest", b'<eb:Manifest eb:id="a"')(
            swap(b"<eb:MessageHeader", b'<eb:MessageHeader eb:id="a"')(d)
        ),
        BROKEN,
    ),
    ("an Id added to what is signed", swap(b"<eb:MessageHeader", b'<eb:MessageHeader eb:id="a"'), FAILURE),
    ("an extension that nobody signed", swap(b"</soap:Header>", b'<x xmlns="urn:x"/></soap:Header>'), FAILURE),
]


@pytest.mark.statement(128, 129, 126)
@pytest.mark.parametrize(("change", "expected"), cases(WRAPPING))
def test_signature_wrapping_is_refused(change: Change, expected: Outcome) -> None:
    attacked = change(SOAP)
    assert attacked != SOAP
    judged(lambda: arrive(body(attacked)), expected)
