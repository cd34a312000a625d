"""What is wrong before any XML is read: HTTP and MIME."""

import gzip
import zlib

from tests.journeys.bad_input.requests import (
    Pieces,
    Valid,
    as_content_type,
    body_changed,
    chunked,
    packaged,
    part_header,
    payload_type,
    post,
    raw,
    soap_changed,
    with_head,
    with_more_headers,
    with_parts,
    without_end,
)
from tests.journeys.bad_input.rows import (
    fault,
    http,
    left,
)

XML = b"text/xml; charset=UTF-8"
RIGHT = (b'SOAPAction: "ebXML"', b"Content-Type: TYPE")


RESET = "own: heads are bounded; who still sends when it is refused may see a reset before the answer (RFC 9112, 9.6)"


def _endless(valid: Valid) -> Pieces:
    """A payload that goes on; ends after 4 GiB, over any limit that a gateway may have."""
    start = without_end(valid) + b"\r\n" + valid.boundary + b"\r\nContent-ID: <endless@example>\r\n\r\n"
    yield b"%x\r\n%b\r\n" % (len(start), start)
    piece = b"%x\r\n%b\r\n" % (2**18, bytes(2**18))
    for _ in range(2**14):
        yield piece


def _half(valid: Valid) -> Pieces:
    yield b"%x\r\n%b\r\n" % (len(valid.body), valid.body[: len(valid.body) // 2])


def _no_last_chunk(valid: Valid) -> Pieces:
    yield b"%x\r\n%b\r\n" % (len(valid.body), valid.body)


HTTP = (
    http("GET", raw(b"GET PATH HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"), 405, why="162: only POST"),
    http("PUT", raw(b"PUT PATH HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}"), 405, why="2.12: only POST"),
    http(
        "another path",
        raw(b"POST PATH/../../etc/passwd HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}"),
        404,
        400,
        why="nothing but the endpoint is served",
    ),
    http("not HTTP at all", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400, None, why="own"),
    http(
        "a preface of HTTP/2", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400, 404, 405, 505, None, why="only HTTP/1.1"
    ),
    http("a NUL in a header", with_more_headers(b"X-Note: a\0b"), 400, None, why="RFC 9110, 5.5"),
    http("a header of 1 MiB", with_more_headers(b"X-Note: " + b"a" * 2**20), 431, 400, None, why=RESET),
    http(
        "10,000 headers",
        with_more_headers(*(b"X-Note-%d: hostile" % number for number in range(10_000))),
        431,
        400,
        None,
        why=RESET,
    ),
    http(
        "a path of 1 MiB",
        raw(b"POST /" + b"a" * 2**20 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        431,
        414,
        400,
        None,
        why=RESET,
    ),
    http(
        "two lengths",
        with_head(*RIGHT, b"Content-Length: 10", b"Content-Length: 11"),
        400,
        None,
        why="RFC 9112, 6.3: whoever reads another length smuggles a request",
    ),
    http(
        "a length and chunks",
        with_head(*RIGHT, b"Content-Length: 10", b"Transfer-Encoding: chunked"),
        400,
        None,
        why="RFC 9112, 6.3",
    ),
    http("a negative length", with_head(*RIGHT, b"Content-Length: -1"), 400, None, why="RFC 9110, 8.6"),
    http("a length beyond 64 bits", with_head(*RIGHT, b"Content-Length: " + b"9" * 30), 400, 413, None, why="own"),
    http("a length beyond the limit", with_head(*RIGHT, b"Content-Length: 99999999999999"), 413, why="171"),
    http("chunks without sizes", chunked(lambda _: [b"zz\r\nhostile\r\n0\r\n\r\n"]), 400, None, why="RFC 9112, 7.1"),
    http("a chunk of negative size", chunked(lambda _: [b"-5\r\nhosti\r\n0\r\n\r\n"]), 400, None, why="RFC 9112, 7.1"),
    http("a chunk beyond 64 bits", chunked(lambda _: [b"f" * 30 + b"\r\nx\r\n"]), 400, None, why="RFC 9112, 7.1"),
    http("a body without end", chunked(_endless), 413, why="171: over the limit, refused before it is stored whole"),
    http(
        "a gzip bomb",
        post(XML, gzip.compress(bytes(2**24)), b"Content-Encoding: gzip"),
        415,
        500,
        why="221: no Content-Encoding is undone",
    ),
    http(
        "a deflate bomb within gzip",
        post(XML, gzip.compress(zlib.compress(bytes(2**24))), b"Content-Encoding: deflate, gzip"),
        415,
        500,
        why="221: no Content-Encoding is undone",
    ),
    left("a body cut off by Content-Length", with_head(*RIGHT, b"Content-Length: 10000000"), why="truncated body"),
    left("a body cut off within a chunk", chunked(_half), why="truncated body"),
    left("a body without last chunk", chunked(_no_last_chunk), why="truncated body: whole as MIME, not as HTTP"),
    left("a head that ends half-way", raw(b"POST PATH HTTP/1.1\r\nHost: HO"), why="truncated head"),
    fault(
        "no SOAPAction",
        lambda target, valid: with_head(RIGHT[1], b"Content-Length: %d" % len(valid.body))(target, valid),
        why="161",
    ),
    fault(
        "another SOAPAction",
        lambda target, valid: with_head(
            b'SOAPAction: "urn:another"', RIGHT[1], b"Content-Length: %d" % len(valid.body)
        )(target, valid),
        why="161",
    ),
)

MIME = (
    fault("no Content-Type", lambda target, valid: as_content_type(b"")(target, valid), why="2.2"),
    fault("JSON", post(b"application/json", b'{"hostile": true}'), why="neither multipart/related nor text/xml (2.2)"),
    fault("multipart/mixed", as_content_type(b'multipart/mixed; boundary="x"'), why="2.2"),
    fault("multipart/form-data", as_content_type(b'multipart/form-data; boundary="x"'), why="2.2"),
    fault("no boundary named", as_content_type(b'multipart/related; type="text/xml"'), why="2.2"),
    fault("another boundary named", as_content_type(b'multipart/related; boundary="absent"'), why="2.2"),
    fault("two boundaries named", as_content_type(b'multipart/related; boundary="a"; boundary="b"'), why="own"),
    fault("an empty body", packaged(lambda _: b""), why="2.2"),
    fault("closed before its first part", packaged(lambda valid: valid.boundary + b"--\r\n"), why="2.2"),
    fault("no closing boundary", packaged(without_end), why="13"),
    fault("cut off within the SOAP part", packaged(lambda valid: valid.body[: len(valid.body) // 3]), why="13"),
    fault("cut off within the payload", packaged(lambda valid: without_end(valid)[:-3]), why="13"),
    fault("an empty SOAP part", soap_changed(lambda _: b""), why="2.2"),
    fault(
        "a NUL in the Content-Type of the payload",
        packaged(payload_type(b"Content-Type: application/xml; a=b\0c")),
        why="own: no database takes it as text",
    ),
    fault("two Content-Types of the payload", body_changed(part_header(b"Content-Type: a/b")), why="own"),
    fault("a part header without colon", body_changed(part_header(b"hostile")), why="2.2"),
    fault(
        "an unknown Content-Transfer-Encoding",
        body_changed(part_header(b"Content-Transfer-Encoding: x-hostile")),
        why="6: only five are known",
    ),
    fault(
        "a Content-Transfer-Encoding that is not true",
        body_changed(part_header(b"Content-Transfer-Encoding: base64")),
        why="6: XML is not base64",
    ),
    fault("a part header of 1 MiB", body_changed(part_header(b"X-Note: " + b"a" * 2**20)), why="own", status=413),
    fault(
        "two parts with one Content-ID",
        packaged(lambda valid: with_parts(1)(Valid(valid.content_type, with_parts(1)(valid)))),
        why="12",
    ),
    fault("10,000 parts", packaged(with_parts(10_000)), why="223", status=413),
    fault("a SOAP part of 2 MiB", soap_changed(lambda text: text + b" " * 2**21), why="KS-49, own", status=413),
    fault(
        "a SOAP part that says to be Latin-1",
        packaged(lambda valid: valid.body.replace(b"charset=UTF-8", b"charset=ISO-8859-1", 1)),
        why="7: against the declaration in the XML, or the default",
    ),
)
