"""The splitter against rules, against other parsers, and against every way the bytes can be cut."""

import re
import tracemalloc
from base64 import encodebytes
from email import message_from_bytes
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser, parse_options_header
from tests.unit.ebms import wire

from digikoppelaar.ebms.mime import MimeEvent, MimeLimits, MimeSplitter, PartBegin, PartData, PartEnd
from digikoppelaar.ebms.mime import parse_content_type as parse
from digikoppelaar.errors import MimeError, TooLarge

BOUNDARY = "b0undary"
CONTENT_TYPE = f'multipart/related; boundary="{BOUNDARY}"; type="text/xml"'

Parts = list[tuple[str, str, bytes]]


def gather(events: list[MimeEvent]) -> Parts:
    """Content-ID, Content-Type and bytes of each part; events must come in their order."""
    parts: Parts = []
    is_open = False
    for event in events:
        match event:
            case PartBegin(content_id, content_type):
                assert not is_open
                is_open = True
                parts.append((content_id, content_type, b""))
            case PartData(data):
                assert is_open
                assert data
                parts[-1] = (*parts[-1][:2], parts[-1][2] + data)
            case PartEnd():
                assert is_open
                is_open = False
    assert not is_open
    return parts


def split(body: bytes, content_type: str = CONTENT_TYPE, limits: MimeLimits | None = None, cuts: tuple[int, ...] = ()):
    splitter = MimeSplitter(content_type, limits)
    events: list[MimeEvent] = []
    for begin, end in pairwise((0, *sorted(cuts), len(body))):
        events += splitter.feed(body[begin:end])
    return gather(events + splitter.finish())


def part(data: bytes, *headers: str, content_id: str = "<a@x>", end: bytes = b"\r\n") -> bytes:
    lines = [f"--{BOUNDARY}", f"Content-ID: {content_id}", "Content-Type: application/pdf", *headers, ""]
    return b"".join(line.encode() + end for line in lines) + data + end


CLOSE = f"--{BOUNDARY}--\r\n".encode()


def only_data(body: bytes) -> bytes:
    [(_, _, data)] = split(body)
    return data


# --- What peers send -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", wire.REQUESTS)
def test_a_captured_request_gives_the_same_parts_however_it_is_cut(name: str) -> None:
    request = wire.captured(name)
    whole = split(request.body, request.content_type)
    for step in (1, 2, 7, 64):
        assert split(request.body, request.content_type, cuts=tuple(range(step, len(request.body), step))) == whole


def test_a_captured_request_has_its_soap_part_and_its_payload_bit_for_bit() -> None:
    request = wire.captured(wire.SIGNED)
    splitter = MimeSplitter(request.content_type)
    soap, payload = gather(splitter.feed(request.body) + splitter.finish())
    assert soap[0] == splitter.start == "9e68fadb-2ee3-499c-9f75-a9fb966d6443@localhost"
    assert soap[2].startswith(b"<soap:Envelope")
    assert soap[2].endswith(b"</soap:Envelope>")
    assert payload == (
        "e563c457-78f1-46ff-ba25-f69cc445bd25",
        "application/xml",
        "<a>hallo wereld é</a>\n".encode(),
    )


def test_a_bare_text_xml_body_is_one_part() -> None:
    body = b"<soap/>\r\n"
    assert split(body, "Text/XML; charset=UTF-8", cuts=(3,)) == [("", "Text/XML; charset=UTF-8", body)]


@pytest.mark.parametrize(
    "content_type",
    [
        f"multipart/related; boundary={BOUNDARY}",
        f"Multipart/Related;BOUNDARY={BOUNDARY};type=text/xml",
        f'multipart/related; type="text/xml"; start="<a@x>"; start-info="text/xml"; boundary="{BOUNDARY}"',
        f'multipart/related ;\r\n\tboundary = "{BOUNDARY}" ; start=a@x',
    ],
)
def test_parameters_may_be_quoted_or_not_and_in_any_case(content_type: str) -> None:
    splitter = MimeSplitter(content_type)
    assert gather(splitter.feed(part(b"x") + CLOSE) + splitter.finish()) == [("a@x", "application/pdf", b"x")]
    assert splitter.start in {None, "a@x"}


def test_the_part_that_start_names_need_not_be_first() -> None:
    splitter = MimeSplitter(CONTENT_TYPE + '; start="<b@x>"')
    events = splitter.feed(part(b"1") + part(b"2", content_id="<b@x>") + CLOSE) + splitter.finish()
    assert [content_id for content_id, _, _ in gather(events)] == ["a@x", "b@x"]
    assert splitter.start == "b@x"


def test_bare_line_feeds_are_line_ends() -> None:
    assert only_data(part(b"a\nb", end=b"\n") + f"--{BOUNDARY}--\n".encode()) == b"a\nb"


def test_with_bare_line_feeds_a_payload_keeps_the_carriage_return_at_its_end() -> None:
    assert only_data(part(b"a\r", end=b"\n") + f"--{BOUNDARY}--\n".encode()) == b"a\r"


def test_preamble_and_epilogue_are_skipped() -> None:
    body = b"This is a message\r\nin MIME.\r\n\r\n" + part(b"x") + CLOSE + b"and so on\r\n--b0undary\r\nmore"
    assert only_data(body) == b"x"


def test_white_space_after_a_boundary_is_skipped() -> None:
    body = part(b"x") + f"--{BOUNDARY}-- \t\r\n".encode()
    assert only_data(body.replace(BOUNDARY.encode() + b"\r\n", BOUNDARY.encode() + b" \t \r\n")) == b"x"


def test_the_closing_boundary_may_do_without_a_line_end() -> None:
    assert only_data(part(b"x") + CLOSE.rstrip()) == b"x"


@pytest.mark.statement(15)
def test_part_headers_may_be_folded_in_any_case_and_unknown() -> None:
    head = f"--{BOUNDARY}\r\ncontent-id:\r\n <a@x>\r\nCONTENT-TYPE : text/plain;\r\n\tcharset=x\r\nX-Unknown: 1\r\n\r\n"
    splitter = MimeSplitter(CONTENT_TYPE)
    begin = splitter.feed(head.encode())[0]
    assert isinstance(begin, PartBegin)
    assert begin.content_id == "a@x"
    assert begin.content_type == "text/plain; charset=x"
    assert begin.headers["x-unknown"] == "1"


def test_a_content_id_without_brackets_is_taken_as_it_is() -> None:
    assert split(part(b"", content_id=" kale-id ") + CLOSE)[0][0] == "kale-id"


@pytest.mark.statement(9)
def test_an_empty_part_may_end_with_or_without_a_line_of_its_own() -> None:
    header = f"--{BOUNDARY}\r\nContent-ID: <a@x>\r\n\r\n".encode()
    assert only_data(header + CLOSE) == b""
    assert only_data(header + b"\r\n" + CLOSE) == b""


@pytest.mark.statement(8)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\xff\r\n\r\n",
        b"\r\n",
        b"\r",
        b"--",
        b"x\r\n--b0undaryX\r\n",
        b"x\r\n--b0undar\r\n",
        b"x\r\n--b0undary--x\r\n",
        b"x\r\n--b0undary-\r\n",
        b"x\r\n -- b0undary\r\n",
        b"x--b0undary--\r\n",
        b"x\r\n--b0undary" + b" " * 2000 + b"\r\n",
        b"\r\n--b0undar" * 50,
    ],
)
def test_what_only_looks_like_a_boundary_is_payload(data: bytes) -> None:
    body = part(data) + CLOSE
    for cuts in ((), tuple(range(1, len(body)))):
        assert split(body, cuts=cuts) == [("a@x", "application/pdf", data)]


@pytest.mark.statement(10)
def test_many_payloads_keep_their_order_types_and_content() -> None:
    payloads = [(f"{number}@x", "application/pdf", bytes([number]) * number) for number in range(99)]
    assert split(b"".join(part(data, content_id=f"<{name}>") for name, _, data in payloads) + CLOSE) == payloads


# --- Transfer encodings --------------------------------------------------------------------------------------


@pytest.mark.statement(6)
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "BINARY"])
def test_an_identity_encoding_changes_nothing(encoding: str) -> None:
    data = bytes(range(256))
    assert only_data(part(data, f"Content-Transfer-Encoding: {encoding}") + CLOSE) == data


@pytest.mark.statement(6)
@given(st.binary(max_size=300), st.sets(st.integers(0, 900)))
def test_base64_is_decoded_however_it_is_cut(data: bytes, cuts: set[int]) -> None:
    body = part(encodebytes(data), "Content-Transfer-Encoding: base64") + CLOSE
    assert split(body, cuts=tuple(cut for cut in cuts if cut < len(body)))[0][2] == data


# --- Any bytes, cut anywhere ---------------------------------------------------------------------------------

FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\r\n", b"\n", b"\r", b"--", b"--b0undary", b"--b0undary--", b"\r\n--b0undary", b"\n--b0und", b" ", b"\t"]
        ),
        st.binary(max_size=6),
    ),
    max_size=8,
).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=12)


def holds_a_boundary(data: bytes, end: bytes) -> bool:
    return re.search(rb"\n--b0undary(--)?[ \t]*\r?\n", b"\n" + data + end) is not None


@pytest.mark.statement(8)
@given(st.lists(FRAGMENTS, min_size=1, max_size=4), CUTS)
@example([b"\r\n--b0undary"], [])
def test_payloads_come_out_bit_for_bit_whatever_the_cuts(payloads: list[bytes], cuts: list[int]) -> None:
    assume(not any(holds_a_boundary(data, b"\r\n") for data in payloads))
    body = b"".join(part(data, content_id=f"<{number}>") for number, data in enumerate(payloads)) + CLOSE
    found = split(body, cuts=tuple(cut for cut in cuts if cut < len(body)))
    assert [data for _, _, data in found] == payloads


@given(FRAGMENTS, CUTS)
def test_payloads_between_bare_line_feeds_come_out_bit_for_bit(data: bytes, cuts: list[int]) -> None:
    assume(not holds_a_boundary(data, b"\n"))
    body = part(data, end=b"\n") + CLOSE
    assert split(body, cuts=tuple(cut for cut in cuts if cut < len(body)))[0][2] == data


def ruined(body: bytes, content_type: str, cuts: tuple[int, ...]) -> object:
    try:
        return split(body, content_type, cuts=cuts)
    except (MimeError, TooLarge) as error:
        return str(error)


@given(FRAGMENTS, FRAGMENTS, CUTS)
def test_any_bytes_give_the_same_verdict_whatever_the_cuts(before: bytes, after: bytes, cuts: list[int]) -> None:
    body = before + b"\r\n--b0undary\r\nContent-ID: <a>\r\n\r\n" + after + b"\r\n--b0undary--"
    assert ruined(body, CONTENT_TYPE, tuple(cut for cut in cuts if cut < len(body))) == ruined(body, CONTENT_TYPE, ())


# --- Other parsers as oracles --------------------------------------------------------------------------------


def by_python_multipart(body: bytes) -> list[bytes]:
    """The parts as python-multipart, exact on bytes and strict on line ends, sees them."""
    found: list[bytes] = []

    def begin() -> None:
        found.append(b"")

    def data(chunk: bytes, start: int, end: int) -> None:
        found[-1] += chunk[start:end]

    parser = MultipartParser(BOUNDARY, {"on_part_begin": begin, "on_part_data": data})
    parser.write(body)
    parser.finalize()
    return found


@given(st.lists(FRAGMENTS, min_size=1, max_size=4))
def test_python_multipart_finds_the_same_payloads(payloads: list[bytes]) -> None:
    assume(not any(holds_a_boundary(data, b"\r\n") for data in payloads))
    # It takes any line that begins with the boundary for one, and refuses the rest of that line.
    assume(not any(b"\n--b0undary" in b"\n" + data for data in payloads))
    body = b"".join(part(data, content_id=f"<{number}>") for number, data in enumerate(payloads)) + CLOSE
    assert [data for _, _, data in split(body)] == by_python_multipart(body)


@given(st.lists(st.text("abc \n", max_size=30), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_the_email_package_finds_the_same_text_parts(texts: list[str], preamble: bool, bare: bool) -> None:
    end = b"\n" if bare else b"\r\n"
    payloads = [text.encode().replace(b"\n", end) for text in texts]
    body = b"".join(
        part(data, "X-Folded: a", " b", content_id=f"<{number}>", end=end) for number, data in enumerate(payloads)
    )
    body = (b"hello" + end if preamble else b"") + body + CLOSE + b"epilogue"
    message = message_from_bytes(f"Content-Type: {CONTENT_TYPE}\r\n\r\n".encode() + body)
    theirs = [(one["Content-ID"].strip("<>"), one.get_payload(decode=True)) for one in message.get_payload()]
    assert [(name, data) for name, _, data in split(body)] == theirs


@given(st.text("abcXYZ09-=_.", min_size=1, max_size=30), st.sampled_from(["x@y", "a-b"]))
def test_python_multipart_reads_the_same_parameters(boundary: str, start: str) -> None:
    value = f'multipart/related; boundary="{boundary}"; start="<{start}>"'
    media_type, options = parse_options_header(value)
    assert parse(value) == (
        media_type.decode(),
        {name.decode(): option.decode() for name, option in options.items()},
    )


# --- What is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/mixed; boundary=x",
        "text/plain",
        "multipart/related",
        'multipart/related; boundary=""',
        f"multipart/related; boundary={'x' * 201}",
        "multipart/related; boundary=a; boundary=b",
        'multipart/related; boundary="a\x07"',
    ],
)
def test_a_content_type_that_cannot_be_split_is_refused_at_once(content_type: str) -> None:
    with pytest.raises(MimeError):
        MimeSplitter(content_type)


HEADER = f"--{BOUNDARY}\r\nContent-ID: <a@x>\r\n".encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"nothing here\r\n", "not in the body"),
        (CLOSE, "before its first part"),
        (HEADER, "inside the headers"),
        (HEADER + CLOSE, "inside its headers"),
        (HEADER + HEADER, "inside its headers"),
        pytest.param(part(b"x"), "closing MIME boundary is missing", id="no_end", marks=pytest.mark.statement(13)),
        (part(b"x") + CLOSE[:-4], "ends inside the headers"),
        (part(b"x") + CLOSE[:-3], "closing MIME boundary is missing"),
        pytest.param(
            part(b"x") + part(b"y") + CLOSE,
            "two MIME parts have the Content-ID 'a@x'",
            id="same_content_id",
            marks=pytest.mark.statement(12),
        ),
        (part(b"x", "Content-ID: <b@x>") + CLOSE, "content-id twice"),
        (part(b"x", "Content-Type: text/plain") + CLOSE, "content-type twice"),
        (part(b"x", "no header at all") + CLOSE, "malformed header line"),
        (part(b"x", "Content-Transfer-Encoding: uuencode") + CLOSE, "'uuencode' is not known"),
        (part(b"x") + part(b"y", content_id="") + CLOSE, "MIME part 2 has no Content-ID"),
    ],
)
def test_a_package_that_is_not_whole_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MimeError, match=re.escape(reason)):
        split(body)
    if body:
        with pytest.raises(MimeError, match=re.escape(reason)):
            split(body, cuts=tuple(range(1, len(body))))


@pytest.mark.statement(13)
@pytest.mark.parametrize("name", [wire.SIGNED, wire.REQUESTS[2]])
def test_a_captured_request_cut_off_anywhere_is_refused(name: str) -> None:
    request = wire.captured(name)
    whole = request.body.rstrip()
    for length in (*range(0, len(whole), 97), len(whole) - 2, len(whole) - 1):
        with pytest.raises(MimeError):
            split(request.body[:length], request.content_type)


@pytest.mark.parametrize(
    ("body", "limits", "reason"),
    [
        (b"".join(part(b"", content_id=f"<{n}>") for n in range(101)) + CLOSE, MimeLimits(), "more than 100"),
        (part(b"", "X: " + "x" * 20_000) + CLOSE, MimeLimits(), "headers of a MIME part"),
        (part(b"", *(f"X-{n}: x" for n in range(3000))) + CLOSE, MimeLimits(), "headers of a MIME part"),
        (b"p" * 20_000, MimeLimits(), "headers of a MIME part"),
        (part(b"x" * 1000) + CLOSE, MimeLimits(body_bytes=1000), "over the limit of 1000"),
    ],
)
def test_what_passes_a_limit_is_refused(body: bytes, limits: MimeLimits, reason: str) -> None:
    with pytest.raises(TooLarge, match=reason):
        split(body, limits=limits)


@pytest.mark.statement(223)
def test_too_many_parts_are_refused_before_the_rest_is_read() -> None:
    splitter = MimeSplitter(CONTENT_TYPE)
    for number in range(100):
        splitter.feed(part(b"", content_id=f"<{number}>"))
    with pytest.raises(TooLarge):
        splitter.feed(part(b"", content_id="<100>"))


def test_memory_stays_constant_while_a_large_part_passes() -> None:
    splitter = MimeSplitter(CONTENT_TYPE, MimeLimits(body_bytes=2**30))
    splitter.feed(part(b"")[:-2])
    chunk = (b"\r\n--b0undar" * 6000)[: 64 * 1024]
    passed = 0
    tracemalloc.start()
    for _ in range(400):
        passed += sum(len(event.data) for event in splitter.feed(chunk) if isinstance(event, PartData))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert passed > 25_000_000
    assert peak < 2**20
