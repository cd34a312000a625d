"""Builders for hostile HTTP requests: bytes in, bytes out, with nothing of digikoppelaar in between.

A builder gets the address under attack and one valid, signed, packaged notification that nobody has sent yet. What
must hold a valid signature changes exactly one thing of that message, found by pattern: then only the check under
test can refuse it. A pattern that does not occur exactly once is an error of the test, not a pass.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

EB = b"http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACES = b' xmlns:e="%b" xmlns:s="%b" ' % (EB, SOAP)
"""For elements that are put into a message: e and s are ebMS and SOAP, whatever prefixes the message uses."""
CONNECTION = b"Connection: close\r\n"


@dataclass(frozen=True, slots=True)
class Valid:
    """A message that would be accepted as it is: HTTP Content-Type and multipart body."""

    content_type: bytes
    body: bytes

    @property
    def boundary(self) -> bytes:
        """The delimiter line of its parts, without line end."""
        found = re.search(rb'boundary="?([^";]+)', self.content_type)
        assert found is not None, "the valid message must be a multipart"
        return b"--" + found[1]

    @property
    def message_id(self) -> str:
        """Its MessageId."""
        found = re.search(rb"MessageId>\s*([^<\s]+)", self.body)
        assert found is not None, "the valid message must have a MessageId"
        return found[1].decode()


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: the Host header and the path."""

    host: bytes
    path: bytes


Pieces = Iterable[bytes]
Build = Callable[[Target, Valid], Pieces]
Change = Callable[[bytes], bytes]


# --- Whole requests ---


def raw(request: bytes) -> Build:
    """These very bytes, with HOST and PATH in them filled in."""
    return lambda target, _: [request.replace(b"HOST", target.host).replace(b"PATH", target.path)]


def head(target: Target, *lines: bytes) -> bytes:
    """The head of a POST as a partner writes it, with `lines` besides Host and Connection."""
    return b"".join(
        [b"POST ", target.path, b" HTTP/1.1\r\nHost: ", target.host, b"\r\n", CONNECTION]
        + [line + b"\r\n" for line in lines]
        + [b"\r\n"]
    )


def posted(target: Target, content_type: bytes, body: bytes, *more: bytes) -> Pieces:
    """A POST that is right as HTTP and carries the right SOAPAction."""
    lines = [b'SOAPAction: "ebXML"', b"Content-Type: " + content_type, b"Content-Length: %d" % len(body), *more]
    return [head(target, *lines), body]


def post(content_type: bytes, body: bytes, *more: bytes) -> Build:
    """This body under this Content-Type."""
    return lambda target, _: posted(target, content_type, body, *more)


def as_content_type(content_type: bytes) -> Build:
    """The valid message under another Content-Type."""
    return lambda target, valid: posted(target, content_type, valid.body)


def with_head(*lines: bytes) -> Build:
    """The valid message with these header lines in place of Content-Type, Content-Length and SOAPAction."""
    return lambda target, valid: [
        head(target, *(line.replace(b"TYPE", valid.content_type) for line in lines)),
        valid.body,
    ]


def with_more_headers(*lines: bytes) -> Build:
    """The valid message with these header lines besides the right ones."""
    return lambda target, valid: posted(target, valid.content_type, valid.body, *lines)


def chunked(content: Callable[[Valid], Pieces]) -> Build:
    """These bytes as they are, announced as the chunked body of a valid message."""

    def build(target: Target, valid: Valid) -> Pieces:
        yield head(
            target, b'SOAPAction: "ebXML"', b"Content-Type: " + valid.content_type, b"Transfer-Encoding: chunked"
        )
        yield from content(valid)

    return build


# --- The valid message with one thing changed ---


def body_changed(change: Change) -> Build:
    """The valid message after `change` of its multipart body."""
    return lambda target, valid: posted(target, valid.content_type, change(valid.body))


def packaged(change: Callable[[Valid], bytes]) -> Build:
    """The valid message after a change that needs to know its boundary."""
    return lambda target, valid: posted(target, valid.content_type, change(valid))


def soap_changed(*changes: Change) -> Build:
    """The valid message after changes of the XML document in its first part."""

    def build(target: Target, valid: Valid) -> Pieces:
        before, document, after = soap_part(valid)
        for change in changes:
            document = change(document)
        return posted(target, valid.content_type, before + document + after)

    return build


def soap_part(valid: Valid) -> tuple[bytes, bytes, bytes]:
    """What stands before, in and after the first part of the package."""
    begin = valid.body.index(b"\r\n\r\n") + 4
    end = valid.body.index(b"\r\n" + valid.boundary, begin)
    return valid.body[:begin], valid.body[begin:end], valid.body[end:]


def without_declaration(document: bytes) -> bytes:
    """The document without its XML declaration, if it has one."""
    return re.sub(rb"^\s*<\?xml[^>]*\?>\s*", b"", document)


def declared(encoding: bytes, codec: str) -> Change:
    """The same document in another encoding, and saying so."""

    def change(document: bytes) -> bytes:
        text = b'<?xml version="1.0" encoding="' + encoding + b'"?>' + without_declaration(document)
        return text.decode().encode(codec)

    return change


def doctype(declaration: bytes) -> Change:
    """A document type declaration before the root element."""
    return lambda document: declaration + without_declaration(document)


def element(name: bytes) -> bytes:
    """The pattern of an element with this local name, whatever its prefix."""
    return rb"<(?:\w+:)?%s(?:\s[^>]*)?(?:/>|>.*?</(?:\w+:)?%s\s*>)" % (name, name)


def content(name: bytes) -> bytes:
    """The pattern of the text of an element; what precedes it is group 1."""
    return rb"(<(?:\w+:)?%s(?:\s[^>]*)?>)[^<]*" % name


def swap(pattern: bytes, replacement: bytes) -> Change:
    """Replace the one place that fits `pattern`; AssertionError when there is another number of places."""

    def change(document: bytes) -> bytes:
        changed, times = re.subn(pattern, replacement, document, flags=re.DOTALL)
        assert times == 1, f"{pattern!r} occurs {times} times"
        return changed

    return change


def first(pattern: bytes, replacement: bytes) -> Change:
    """Replace the first of the places that fit `pattern`; AssertionError when there is none."""

    def change(document: bytes) -> bytes:
        changed, times = re.subn(pattern, replacement, document, count=1, flags=re.DOTALL)
        assert times == 1, f"{pattern!r} does not occur"
        return changed

    return change


def drop(name: bytes) -> Change:
    """Remove the one element with this local name."""
    return swap(element(name), b"")


def twice(name: bytes) -> Change:
    """Repeat the one element with this local name."""
    return swap(rb"(%s)" % element(name), rb"\1\1")


def text_of(name: bytes, text: bytes) -> Change:
    """Give the one element with this local name another text."""
    return swap(content(name), rb"\g<1>" + text)


def in_header(extension: bytes) -> Change:
    """Add a header element."""
    return swap(rb"(</(?:\w+:)?MessageHeader\s*>)", rb"\1" + extension)


def part_header(line: bytes) -> Change:
    """Add a header line to the payload: the second part that has a Content-ID."""

    def change(body: bytes) -> bytes:
        places = [found.start() for found in re.finditer(rb"(?i)content-id:", body)]
        assert len(places) > 1, "the valid message must have a payload"
        return body[: places[1]] + line + b"\r\n" + body[places[1] :]

    return change


def payload_type(line: bytes) -> Callable[[Valid], bytes]:
    """Give the payload another Content-Type line."""

    def change(valid: Valid) -> bytes:
        before, document, after = soap_part(valid)
        return before + document + first(rb"(?i)content-type:[^\r\n]*", line)(after)

    return change


def last_byte_of_payload_changed(valid: Valid) -> bytes:
    """The payload with its last byte but one turned around."""
    end = valid.body.rindex(b"\r\n" + valid.boundary + b"--") - 2
    return valid.body[:end] + bytes([valid.body[end] ^ 1]) + valid.body[end + 1 :]


def without_end(valid: Valid) -> bytes:
    """Without the closing boundary."""
    return valid.body[: valid.body.rindex(b"\r\n" + valid.boundary + b"--")]


def with_parts(number: int) -> Callable[[Valid], bytes]:
    """With so many more parts, which no Manifest names."""

    def change(valid: Valid) -> bytes:
        parts = b"".join(
            b"\r\n%b\r\nContent-ID: <more-%d@example>\r\n\r\nx" % (valid.boundary, part) for part in range(number)
        )
        return without_end(valid) + parts + b"\r\n" + valid.boundary + b"--\r\n"

    return change
