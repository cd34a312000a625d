"""The MIME splitter: a Content-Type on the first line, then a body, fed in two ways that must agree."""

import atheris
from harness import MAX_INPUT, fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.ebms.mime import MimeSplitter, PartBegin, PartData, PartEnd
    from digikoppelaar.errors import PartnerError

from tests.unit.ebms import wire

from digikoppelaar.ebms.packaging import Payload, package

TYPE = b'multipart/related; boundary="g"; type="text/xml"; start="<s@x>"'
TOKENS = [b"--g", b"--g--", b"\r\n", b"\r\n\r\n", b"Content-ID: <a@x>", b"Content-Transfer-Encoding: base64", b"start="]
HEAD = b"Content-Type: text/plain\r\nContent-ID: <%d@x>\r\n"


def read(content_type: str, body: bytes, size: int) -> tuple[list[object], str]:
    """The parts with their bytes, and the error that ended it."""
    found: list[object] = []
    try:
        splitter = MimeSplitter(content_type)
        for begin in range(0, len(body), size):
            for event in splitter.feed(body[begin : begin + size]):
                _note(found, event)
        for event in splitter.finish():
            _note(found, event)
    except PartnerError as error:
        return [], type(error).__name__
    return found, ""


def _note(found: list[object], event: PartBegin | PartData | PartEnd) -> None:
    if isinstance(event, PartData) and found and isinstance(found[-1], bytearray):
        found[-1] += event.data
    else:
        found.append(bytearray(event.data) if isinstance(event, PartData) else event)


def target(data: bytes) -> None:
    """In large pieces and in small ones: the same parts, or refused both times."""
    content_type, _, body = data.partition(b"\n")
    whole = read(content_type.decode("latin-1"), body, 1 << 16)
    size = max(1, len(body) // 500)
    assert read(content_type.decode("latin-1"), body, size)[0] == whole[0], "the size of the pieces matters"


def seeds() -> list[bytes]:
    """Good packages, every transfer encoding, and what is heavy."""
    made = package(
        wire.envelope("a@x"),
        [Payload("a@x", "text/plain", b"\r\n--g\0")],
        signing=None,
        sign=None,
        boundary="grens",
        soap_content_id="s@x",
    )
    small = [b"--g\r\n" + HEAD % 0 + b"Content-Transfer-Encoding: " + encoding for encoding in (b"base64", b"7bit")]
    quoted = TYPE + b"\n--g\r\n" + HEAD % 0 + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    heavy = [b"--g\r\n" + HEAD % n + b"\r\n\r\n" for n in range(MAX_INPUT // 60)]
    return [
        made.content_type.encode() + b"\n" + made.body,
        *(TYPE + b"\n" + part + b"\r\n\r\naGFsbG8=\r\n--g--\r\n" for part in small),
        quoted + b"a=3D=\r\n b\r\n--g--",
        quoted + b"a" * 20000 + b"\r\nb\r\n--g--\r\n",
        (TYPE + b"\n" + b"".join(heavy))[:MAX_INPUT],
        (TYPE + b"\n--g\r\n" + HEAD % 0 + b"\r\n" + b"\r\n--" * MAX_INPUT)[:MAX_INPUT],
        (TYPE + b"\n--g\r\n" + HEAD % 0 + b"\r\n" + (b"\r\n--g" + b" " * 990) * 2000)[:MAX_INPUT],
        (b'multipart/related; boundary="' + b'\\"' * 20000 + b'"\n')[:MAX_INPUT],
        (b"multipart/related" + b"; a" * 20000 + b"\n")[:MAX_INPUT],
    ]


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)
