"""An envelope and its payloads as one HTTP body with its Content-Type, and a small body back (2.2).

Everything is at hand as bytes here; messages that stream in are read with `mime` itself.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.messages import Envelope, Part
from digikoppelaar.ebms.mime import MimeLimits, MimeSplitter, PartBegin, PartData
from digikoppelaar.ebms.signature import digest_part
from digikoppelaar.ebms.signature import sign as sign_document
from digikoppelaar.errors import MimeError

SOAP_CONTENT_TYPE: Final = "text/xml; charset=UTF-8"

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046, section 5.1.1."""
_NOT_IN_CONTENT_ID: Final = re.compile(r"[^!#-;=?-\[\]-~]")
_NOT_IN_CONTENT_TYPE: Final = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload to send; `content_id` is without angle brackets."""

    content_id: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Packaged:
    """An HTTP body with its Content-Type."""

    content_type: str
    body: bytes = field(repr=False)


def package(
    envelope: Envelope,
    payloads: Sequence[Payload] = (),
    *,
    signing: Signing | None,
    sign: Callable[[bytes, str], bytes] | None,
    boundary: str,
    soap_content_id: str,
) -> Packaged:
    """The message as it goes out: `text/xml` without payload, else multipart/related with the SOAP part first.

    With `signing` it is signed over envelope and payloads; `sign` is then needed (see signature.sign). The Manifest
    of `envelope` must name the payloads. `boundary` is only used with payloads: at most 70 characters of RFC 2046,
    not occurring in a payload, so make it of fresh randomness. Raises MimeError, SignatureError (statements 1-3, 6).
    """
    document = write_envelope(envelope)
    if signing is not None:
        assert sign is not None, "signing needs a key"
        parts = [digest_part(one.content_id, one.content_type, one.data, signing.digest_method) for one in payloads]
        document = sign_document(document, parts, signing, sign)
    if not payloads:
        return Packaged(SOAP_CONTENT_TYPE, document)
    all_parts = [Payload(soap_content_id, SOAP_CONTENT_TYPE, document), *payloads]
    _check_boundary(boundary, all_parts)
    content_type = f'multipart/related; boundary="{boundary}"; type="text/xml"; start="<{soap_content_id}>"'
    delimiter = b"--" + boundary.encode("ascii")
    pieces = [piece for one in all_parts for piece in (delimiter, _part_headers(one), one.data, b"\r\n")]
    return Packaged(content_type, b"".join([*pieces, delimiter, b"--\r\n"]))


def read_package(content_type: str, body: bytes, *, limits: MimeLimits | None = None) -> tuple[bytes, list[Payload]]:
    """The SOAP part and the payloads of a body that is at hand whole. Raises MimeError or TooLarge."""
    splitter = MimeSplitter(content_type, limits)
    parts: list[Payload] = []
    for event in [*splitter.feed(body), *splitter.finish()]:
        match event:
            case PartBegin(content_id, own_type):
                parts.append(Payload(content_id, own_type, b""))
            case PartData(data):
                last = parts[-1]
                parts[-1] = Payload(last.content_id, last.content_type, last.data + data)
    for position, part in enumerate(parts):
        if splitter.start in {None, part.content_id}:
            return part.data, parts[:position] + parts[position + 1 :]
    raise MimeError("the parameter start names no part")


def part_of(payload: Payload, *digest_methods: str) -> Part:
    """What is known of a payload, with its digests; SHA-256 is always among them."""
    wanted = {names.SHA256, *digest_methods}
    digests = {
        method: digest_part(payload.content_id, payload.content_type, payload.data, method).digests[method]
        for method in wanted
    }
    return Part(payload.content_id, payload.content_type, len(payload.data), digests)


def _part_headers(payload: Payload) -> bytes:
    if _NOT_IN_CONTENT_ID.search(payload.content_id) or _NOT_IN_CONTENT_TYPE.search(payload.content_type):
        raise MimeError("a Content-ID or Content-Type has a character that its header cannot hold")
    headers = f"\r\nContent-Type: {payload.content_type}\r\nContent-ID: <{payload.content_id}>\r\n\r\n"
    return headers.encode("ascii")


def _check_boundary(boundary: str, parts: Sequence[Payload]) -> None:
    if not _BOUNDARY.fullmatch(boundary):
        raise MimeError("the boundary is not one of RFC 2046: at most 70 of its characters")
    if any(b"--" + boundary.encode("ascii") in part.data for part in parts):
        raise MimeError("the boundary occurs in a payload")
