"""Verification: no input may become a message that the key did not sign."""

import atheris
from harness import fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.ebms.envelope import read_envelope
    from digikoppelaar.ebms.signature import required_digests, sign, signed_references, verify

import re
from dataclasses import replace

import envelope as envelopes
from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.signature import digest_part

SIGNATORY = wire.signatory()
SIGNING = SIGNATORY.signing()
PARTS = [digest_part("a@x", "text/plain", b"hallo", names.SHA256)]
SIGNED = [replace(wire.envelope("a@x"), sync_reply=None), wire.envelope("a@x", sync=True)]
TOKENS = [
    *(f' Algorithm="{name}"'.encode() for name in (names.C14N, names.EXCLUSIVE_C14N, names.ENVELOPED, names.XPATH)),
    *(b"<ds:Reference", b"<ds:Transform", b"<ds:Object>", b' Id="a"', b' URI="#a"', b' URI=""', b"&#13;", b"<!---->"),
    f' soap:actor="{names.ACTOR_SOAP_NEXT}"'.encode(),
]


def target(data: bytes) -> None:
    """Read, verify; what comes out must be one of the envelopes that were signed, but for SyncReply."""
    received = read_envelope(data)
    required_digests(received)
    signed_references(data)
    verified = verify(received, PARTS, SIGNING, now=wire.NOW)
    assert replace(verified.envelope, sync_reply=None) == SIGNED[0], "this was never signed"


def seeds() -> list[bytes]:
    """Signed in both ways, and signed documents that are heavy."""
    made = [
        sign(write_envelope(one), PARTS, SIGNING, SIGNATORY.sign, exclusive_c14n=exclusive)
        for one in SIGNED
        for exclusive in (False, True)
    ]
    reference = re.search(rb"<ds:Reference URI=\"cid.*?</ds:Reference>", made[0])
    assert reference
    many = made[0].replace(reference[0], reference[0] * 3000)
    heavy = [made[0].replace(b"<soap:Body>", b"<soap:Body>" + one) for one in envelopes.heavies()]
    return [*made, many, *heavy]


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)
