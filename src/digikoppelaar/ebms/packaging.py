"""An envelope and its payloads as one HTTP body with its Content-Type, and a small body back (2.2).

A `Frame` is a body without its payloads, for payloads of any size; `package` and `read_package` have everything at hand
as bytes. Messages that stream in are read with `mime` itself.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, zip_longest
from typing import Final
from urllib.parse import quote

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
class PartHead:
    """What the headers of a part say; `content_id` is without angle brackets, `name` is a file name."""

    content_id: str
    content_type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload to send; `content_id` is without angle brackets."""

    content_id: str
    content_type: str
    data: bytes = field(repr=False)

    @property
    def head(self) -> PartHead:
        """It without its data."""
        return PartHead(self.content_id, self.content_type)


@dataclass(frozen=True, slots=True)
class Frame:
    """An HTTP body with its Content-Type, but for its payloads."""

    content_type: str
    pieces: tuple[bytes, ...] = field(repr=False)
    """What comes before, between and after the payloads: always one piece more than there are payloads."""

    @property
    def body(self) -> bytes:
        """The pieces as one, with a hole for each payload."""
        return b"".join(self.pieces)

    @property
    def holes(self) -> tuple[int, ...]:
        """For each payload in order: the offset in `body` before which it belongs."""
        return tuple(accumulate(len(piece) for piece in self.pieces[:-1]))


@dataclass(frozen=True, slots=True)
class Packaged:
    """An HTTP body with its Content-Type."""

    content_type: str
    body: bytes = field(repr=False)


def frame(document: bytes, heads: Sequence[PartHead], *, boundary: str, soap_content_id: str) -> Frame:
    """The body around payloads that are not at hand: `text/xml` without payload, else multipart/related, SOAP first.

    `document` is finished, and signed if it must be. `boundary` is only used with payloads: at most 70 characters of
    RFC 2046. The caller's duty: it occurs in no payload, so make it of at least 128 bits of fresh randomness. Raises
    MimeError (statements 1-3, 6).
    """
    if not heads:
        return Frame(SOAP_CONTENT_TYPE, (document,))
    _check_boundary(boundary, document)
    content_type = f'multipart/related; boundary="{boundary}"; type="text/xml"; start="<{soap_content_id}>"'
    delimiter = b"\r\n--" + boundary.encode("ascii")
    soap = (delimiter + _part_headers(PartHead(soap_content_id, SOAP_CONTENT_TYPE))).removeprefix(b"\r\n") + document
    first, *between = (delimiter + _part_headers(head) for head in heads)
    return Frame(content_type, (soap + first, *between, delimiter + b"--\r\n"))


def package(
    envelope: Envelope,
    payloads: Sequence[Payload] = (),
    *,
    signing: Signing | None,
    sign: Callable[[bytes, str], bytes] | None,
    boundary: str,
    soap_content_id: str,
    exclusive_c14n: bool = False,
) -> Packaged:
    """The message as it goes out, with payloads that are at hand.

    With `signing` it is signed over envelope and payloads; `sign` is then needed (see signature.sign). The Manifest
    of `envelope` must name the payloads. `boundary`: see `frame`. Raises MimeError, SignatureError.
    """
    document = write_envelope(envelope)
    if signing is not None:
        assert sign is not None, "signing needs a key"
        parts = [digest_part(one.content_id, one.content_type, one.data, signing.digest_method) for one in payloads]
        document = sign_document(document, parts, signing, sign, exclusive_c14n=exclusive_c14n)
    if any(b"--" + boundary.encode() in one.data for one in payloads):
        raise MimeError("the boundary occurs in a payload")
    made = frame(document, [one.head for one in payloads], boundary=boundary, soap_content_id=soap_content_id)
    data = [one.data for one in payloads]
    return Packaged(made.content_type, b"".join(map(b"".join, zip_longest(made.pieces, data, fillvalue=b""))))


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


def _part_headers(head: PartHead) -> bytes:
    if _NOT_IN_CONTENT_ID.search(head.content_id) or _NOT_IN_CONTENT_TYPE.search(head.content_type):
        raise MimeError("a Content-ID or Content-Type has a character that its header cannot hold")
    headers = f"\r\nContent-Type: {head.content_type}\r\nContent-ID: <{head.content_id}>\r\n"
    if head.name is not None:  # RFC 2231: a name may have any character
        headers += f"Content-Disposition: attachment; filename*=UTF-8''{quote(head.name, safe='')}\r\n"
    return headers.encode("ascii") + b"\r\n"


def _check_boundary(boundary: str, document: bytes) -> None:
    if not _BOUNDARY.fullmatch(boundary):
        raise MimeError("the boundary is not one of RFC 2046: at most 70 of its characters")
    if b"--" + boundary.encode("ascii") in document:
        raise MimeError("the boundary occurs in the envelope")
