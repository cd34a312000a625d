"""The envelope reader: what it reads, it must write, and read again as the same."""

import atheris
from harness import MAX_INPUT, fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.ebms.envelope import read_envelope, write_envelope

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    EbxmlError,
    Envelope,
    MessageStatus,
    Severity,
    StatusResponse,
    SyncReply,
)

TOKENS = [
    b"<eb:",
    b"</eb:",
    b"<soap:",
    b' eb:version="2.0"',
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"xmlns:a=",
    b"&#13;",
]


def target(data: bytes) -> None:
    """Read, write, read."""
    said = _cut(read_envelope(data).envelope)
    assert read_envelope(write_envelope(said)).envelope == said, "it says another thing after writing and reading"


def _cut(value: Any) -> Any:
    """The same with every moment cut to the milliseconds that we write."""
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, tuple):
        return tuple(map(_cut, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _cut(getattr(value, field.name)) for field in fields(value)})
    return value


def seeds() -> list[bytes]:
    """Each kind of message, and what is heavy."""
    good = wire.envelope("a@x", sync=True)
    said = replace(good.header, ref_to_message_id="b@x")
    kinds: list[Envelope] = [
        good,
        Envelope(said, acknowledgment=Acknowledgment(wire.NOW, "b@x", said.from_party.party_ids)),
        Envelope(said, errors=(EbxmlError("Unknown", Severity.ERROR, "fout", "//Header"),)),
        Envelope(said, status_request="b@x"),
        Envelope(said, status_response=StatusResponse("b@x", MessageStatus.RECEIVED, wire.NOW)),
        Envelope(said, sync_reply=SyncReply()),
    ]
    written = [write_envelope(kind) for kind in kinds]
    return [*written, *(written[0].replace(b"<soap:Body>", b"<soap:Body>" + heavy) for heavy in heavies())]


def heavies() -> list[bytes]:
    """A lot of what costs time, within the limit."""
    room = MAX_INPUT - 8 * 1024
    attributes = b"".join(b' a%d="b"' % number for number in range(room // 12))
    spaces = b"".join(b' xmlns:a%d="b%d"' % (number, number) for number in range(500))
    return [
        b"<a/>" * (room // 4),
        b"<a>" * (room // 7) + b"</a>" * (room // 7),
        b"<a" + attributes + b"/>",
        b"<a" + spaces + b">" + b"<a/>" * ((room - len(spaces)) // 4) + b"</a>",
        b"<!-- -->" * (room // 8),
        b"&amp;" * (room // 5),
        b"x" * room,
        b'<eb:Reference xmlns:eb="%s"/>' % names.EB.encode() * (room // 120),
    ]


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)
