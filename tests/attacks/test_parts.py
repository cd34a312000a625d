"""Games with MIME parts, their names and their encryption."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.attacks.world import (
    CID,
    CONTENT,
    ENCRYPTED_PROFILE,
    ENCRYPTION,
    FAILURE,
    KEY,
    MIME,
    SOAP,
    Outcome,
    arrive,
    body,
    encrypt,
    judged,
)
from tests.unit.ebms import exchanges, wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.packaging import Payload, part_of
from digikoppelaar.ebms.signature import sign
from digikoppelaar.errors import NOT_DECRYPTED

GOOD = Payload(CID, "application/xml", CONTENT)
OTHER = Payload(CID, "application/xml", b"<verzoek>2</verzoek>")
EXTRA = Payload("extra@dso", "application/xml", b"<verzoek>2</verzoek>")


def without(payload: Payload) -> bytes:
    return body(SOAP, payload).replace(CID.encode() + b">\r\n", b"elders@dso>\r\n")


PARTS: list[tuple[str, Callable[[], bytes], Outcome]] = [
    ("another payload under the name", lambda: body(SOAP, OTHER), FAILURE),
    ("two payloads of one name, the good one first", lambda: body(SOAP, GOOD, OTHER), MIME),
    ("two payloads of one name, the good one last", lambda: body(SOAP, OTHER, GOOD), MIME),
    (
        "a name that is the other's after decoding",
        lambda: body(SOAP, GOOD, replace(OTHER, content_id="p1%40dso")),
        Outcome("Accept"),
    ),
    ("a payload without the name", lambda: without(GOOD), Outcome("Reject", "MimeProblem")),
    ("a payload that nobody names", lambda: body(SOAP, GOOD, EXTRA), Outcome("Accept")),
    ("a second SOAP part", lambda: body(SOAP, GOOD, replace(GOOD, content_id="soap@dso")), MIME),
    (
        "two Content-IDs in a part",
        lambda: body(SOAP).replace(b"Content-ID: <p1", b"Content-ID: <x@dso>\r\nContent-ID: <p1"),
        MIME,
    ),
    ("a part without a Content-ID", lambda: body(SOAP, GOOD).replace(b"Content-ID: <p1@dso>\r\n", b""), MIME),
    (
        "an end before the payload",
        lambda: body(SOAP).replace(b"--grens\r\nContent-Type: application", b"--grens--\r\nContent-Type: application"),
        Outcome("Reject", "MimeProblem"),
    ),
    ("no end", lambda: body(SOAP)[:-4], MIME),
    (
        "an unknown transfer encoding",
        lambda: body(SOAP).replace(b"Content-ID: <p1", b"Content-Transfer-Encoding: x-gzip\r\nContent-ID: <p1"),
        MIME,
    ),
    (
        "a thousand parts",
        lambda: body(SOAP, GOOD, *(replace(EXTRA, content_id=f"{n}@x") for n in range(1000))),
        Outcome("TooLarge"),
    ),
    (
        "endless part headers",
        lambda: body(SOAP).replace(b"Content-ID: <p1", b"X: " + b"y" * 20_000 + b"\r\nContent-ID: <p1"),
        Outcome("TooLarge"),
    ),
]


@pytest.mark.statement(122, 223)
@pytest.mark.parametrize(("made", "expected"), [pytest.param(made, out, id=name) for name, made, out in PARTS])
def test_games_with_parts_are_refused_or_change_nothing(made: Callable[[], bytes], expected: Outcome) -> None:
    judged(lambda: arrive(made()), expected)


@pytest.mark.parametrize(
    "start", ["", '; start="<p1@dso>"', '; start="<elders@dso>"', '; start="<soap@dso>"; start="<p1@dso>"']
)
def test_another_part_as_the_soap_part_is_refused(start: str) -> None:
    outcome = arrive(body(SOAP), f'multipart/related; boundary="grens"; type="text/xml"{start}')
    assert outcome.kind == (
        "Accept" if not start else "MimeError" if start != '; start="<p1@dso>"' else "EnvelopeError"
    )


# --- Encrypted parts ---------------------------------------------------------------------------------------------

FOR_SOMEBODY_ELSE = replace(ENCRYPTION, certificate=wire.signatory("other").certificate)
UNAUTHENTICATED = replace(ENCRYPTION, algorithm=names.AES128_CBC)


def swapped(pattern: str) -> Payload:
    """A piece of the encrypted form of another payload in that of the good one."""
    found = re.compile(pattern.encode(), re.DOTALL)
    other = found.search(encrypt(OTHER.data).data)
    assert other
    return replace(GOOD, data=found.sub(lambda _: other[0], encrypt().data, count=1))


ENCRYPTED: list[tuple[str, Callable[[], Payload], str]] = [
    ("plain, where the CPA demands encryption", lambda: GOOD, "demands"),
    ("another payload, encrypted for us by a stranger", lambda: encrypt(OTHER.data), NOT_DECRYPTED),
    ("encrypted for somebody else", lambda: encrypt(encryption=FOR_SOMEBODY_ELSE), NOT_DECRYPTED),
    ("encrypted twice", lambda: encrypt(encrypt().data), NOT_DECRYPTED),
    ("a cipher without authentication", lambda: encrypt(encryption=UNAUTHENTICATED), NOT_DECRYPTED),
    ("the key of another part", lambda: swapped(r"<xenc:EncryptedKey>.*</xenc:EncryptedKey>"), NOT_DECRYPTED),
    ("the content of another part", lambda: swapped(r"</ds:KeyInfo><xenc:CipherData>.*"), NOT_DECRYPTED),
    ("cut off", lambda: replace(GOOD, data=encrypt().data[:-60]), NOT_DECRYPTED),
    ("empty", lambda: replace(GOOD, data=b"<EncryptedData/>"), NOT_DECRYPTED),
]


@pytest.mark.statement(147, 148, 151)
@pytest.mark.parametrize(("made", "reason"), [pytest.param(made, why, id=name) for name, made, why in ENCRYPTED])
def test_encrypted_parts_that_were_put_in_the_place_of_others_are_refused_alike(
    made: Callable[[], Payload], reason: str
) -> None:
    outcome = judged(lambda: arrive(body(SOAP, made()), agreement=ENCRYPTED_PROFILE), FAILURE)
    assert reason in outcome.text
    assert outcome.location == f"cid:{CID}"


@pytest.mark.statement(141)
def test_the_signature_is_over_the_payload_and_not_over_its_encrypted_form() -> None:
    """Who signs what is encrypted vouches for something that he has perhaps not read."""
    part = encrypt()
    document = write_envelope(exchanges.notification(exchanges.SIGNED_THEIRS))
    over_the_form = sign(document, [part_of(part)], KEY.signing(), KEY.sign)
    judged(lambda: arrive(body(over_the_form, part), agreement=ENCRYPTED_PROFILE), FAILURE)
