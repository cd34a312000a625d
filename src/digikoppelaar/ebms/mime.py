"""Splits the body of an ebMS message into its MIME parts while it streams in (digikoppeling-ebms2.md, 2.2).

Sans-IO: bytes go in, events come out, and memory stays constant whatever the size of a part. What a part means and
where it is kept is decided elsewhere. Line ends of CRLF and bare LF, a preamble, an epilogue, padded boundaries and
folded part headers are accepted, for peers send them; a package that is not whole is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from digikoppelaar.ebms.transfer import Decoder, decoder_for
from digikoppelaar.errors import MimeError, TooLarge

MAX_BOUNDARY: Final = 200
"""RFC 2046 says 70; a longer one does no harm, an endless one does."""
MAX_PADDING: Final = 1000
"""White space after a boundary; a line with more is payload."""

_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_HEADER: Final = re.compile(r"([!-9;-~]+)[ \t]*:([^\0]*)")
_DELIMITER_END: Final = re.compile(rb"(--)?[ \t]{0,%d}\r?\n" % MAX_PADDING)
_UNDECIDED_END: Final = re.compile(rb"-|(?:--)?[ \t]{0,%d}\r?" % MAX_PADDING)
_ONLY_ONCE: Final = frozenset({"content-id", "content-type", "content-transfer-encoding"})


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """What one message may have at most. Sizes are in bytes as they travel."""

    parts: int = 100
    header_bytes: int = 16 * 1024
    """Of one part; also of the preamble."""
    body_bytes: int = 128 * 1024 * 1024
    """Of the whole HTTP body."""


@dataclass(frozen=True, slots=True)
class PartBegin:
    """The headers of a part were read. `content_id` is without angle brackets, empty when the SOAP part has none."""

    content_id: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name, unfolded."""


@dataclass(frozen=True, slots=True)
class PartData:
    """The next bytes of the part, decoded."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part is whole."""


MimeEvent = PartBegin | PartData | PartEnd


class _State(Enum):
    DOCUMENT = auto()
    """Not a multipart: the body is the one part."""
    PREAMBLE = auto()
    HEADERS = auto()
    BODY = auto()
    EPILOGUE = auto()
    DONE = auto()


class _Token(Enum):
    DELIMITER = auto()
    CLOSE = auto()
    BLANK_LINE = auto()
    END_OF_INPUT = auto()


_NEXT: Final[Mapping[tuple[_State, _Token], _State | str]] = {
    (_State.DOCUMENT, _Token.END_OF_INPUT): _State.DONE,
    (_State.PREAMBLE, _Token.DELIMITER): _State.HEADERS,
    (_State.PREAMBLE, _Token.CLOSE): "the MIME package is closed before its first part",
    (_State.PREAMBLE, _Token.END_OF_INPUT): "the boundary that the Content-Type names is not in the body",
    (_State.HEADERS, _Token.BLANK_LINE): _State.BODY,
    (_State.HEADERS, _Token.DELIMITER): "a MIME part ends inside its headers",
    (_State.HEADERS, _Token.CLOSE): "a MIME part ends inside its headers",
    (_State.HEADERS, _Token.END_OF_INPUT): "the body ends inside the headers of a MIME part",
    (_State.BODY, _Token.DELIMITER): _State.HEADERS,
    (_State.BODY, _Token.CLOSE): _State.EPILOGUE,
    (_State.BODY, _Token.END_OF_INPUT): "the closing MIME boundary is missing: the body is cut off",
    (_State.EPILOGUE, _Token.END_OF_INPUT): _State.DONE,
}
"""Every step there is: to the next state, or to a MimeError with this reason."""


class MimeSplitter:
    """Splits one body: `feed` it as it comes, then `finish`. An instance that raised must not be used again.

    `start` is the Content-ID of the SOAP part; None means that the first part is it (statements 4 and 5).
    Raises MimeError when the Content-Type is neither multipart/related with a boundary nor text/xml.
    """

    def __init__(self, content_type: str, limits: MimeLimits | None = None) -> None:
        media_type, parameters = parse_content_type(content_type)
        self.start: str | None = strip_brackets(parameters.get("start", "")) or None
        self._limits = limits or MimeLimits()
        self._delimiter = b""
        self._buffer = b""
        self._position = 0
        self._skip = 0
        self._received = 0
        self._bare_lf = False
        self._header_lines: list[bytes] = []
        self._header_size = 0
        self._parts = 0
        self._content_ids: set[str] = set()
        self._decoder: Decoder = decoder_for("binary")
        self._events: list[MimeEvent] = []
        if media_type == "multipart/related":
            self._state = _State.PREAMBLE
            self._delimiter = b"\n--" + _boundary(parameters)
        elif media_type == "text/xml":
            self._state = _State.DOCUMENT
            self._events.append(PartBegin("", content_type, {"content-type": content_type}))
        else:
            raise MimeError(f"the Content-Type {media_type[:80]!r} is neither multipart/related nor text/xml")

    def feed(self, data: bytes) -> list[MimeEvent]:
        """The events that the next bytes of the body bring. Raises MimeError or TooLarge."""
        self._received += len(data)
        if self._received > self._limits.body_bytes:
            raise TooLarge(f"the body is over the limit of {self._limits.body_bytes} bytes")
        self._read(data)
        return self._take_events()

    def finish(self) -> list[MimeEvent]:
        """The last events. Raises MimeError when the package is not whole."""
        if not self._received:
            raise MimeError("the body is empty")
        if self._state is _State.DOCUMENT:
            self._events.append(PartEnd())
        elif self._buffer[self._position :]:
            self._read(b"\n")  # the closing boundary may do without a line end
        self._step(_Token.END_OF_INPUT)
        return self._take_events()

    def _read(self, data: bytes) -> None:
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        while _READ[self._state](self):
            pass

    def _take_events(self) -> list[MimeEvent]:
        events, self._events = self._events, []
        return events

    def _step(self, token: _Token) -> None:
        outcome = _NEXT[self._state, token]
        if isinstance(outcome, str):
            raise MimeError(outcome)
        self._state = outcome

    # One reader for each state. False: nothing more can be read before more bytes come.

    def _read_document(self) -> bool:
        if self._buffer:
            self._events.append(PartData(self._buffer))
        self._buffer = b""
        return False

    def _read_preamble(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if token := self._delimiter_token(line):
            # Without CRLF here a CR before a boundary belongs to the payload: bit for bit (statement 8).
            self._bare_lf = not line.endswith(b"\r\n")
            self._begin_headers(token)
        return True

    def _read_headers(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if token := self._delimiter_token(line):
            self._step(token)
        elif line in {b"\r\n", b"\n"}:
            self._begin_part()
        else:
            self._header_lines.append(line)
        return True

    def _read_body(self) -> bool:
        search = self._position
        while (at := self._buffer.find(self._delimiter, search)) >= 0:
            after = at + len(self._delimiter)
            if found := _DELIMITER_END.match(self._buffer, after):
                self._emit(self._before(at))
                self._end_part(found)
                return True
            if _UNDECIDED_END.fullmatch(self._buffer, after):
                self._emit(self._before(at))
                return False
            search = at + 1
        self._emit(len(self._buffer) - len(self._delimiter))  # all of a boundary but its end, with a CR before it
        return False

    def _read_epilogue(self) -> bool:
        self._buffer = b""
        self._position = 0
        return False

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._position) + 1
        size = (end or len(self._buffer)) - self._position
        if self._header_size + size > self._limits.header_bytes:
            raise TooLarge(f"the headers of a MIME part are over the limit of {self._limits.header_bytes} bytes")
        if not end:
            return None
        line = self._buffer[self._position : end]
        self._header_size += size
        self._position = end
        return line

    def _delimiter_token(self, line: bytes) -> _Token | None:
        if not line.startswith(self._delimiter[1:]):
            return None
        found = _DELIMITER_END.fullmatch(line, len(self._delimiter) - 1)
        return None if found is None else _token(found)

    def _begin_headers(self, token: _Token) -> None:
        self._step(token)
        self._header_lines.clear()
        self._header_size = 0

    def _begin_part(self) -> None:
        self._step(_Token.BLANK_LINE)
        # The line end just read may also be the one before a boundary: then the part is empty.
        self._position -= 1
        self._skip = 1
        self._parts += 1
        if self._parts > self._limits.parts:
            raise TooLarge(f"the message has more than {self._limits.parts} MIME parts")
        headers = _parse_headers(b"".join(self._header_lines))
        content_id = strip_brackets(headers.get("content-id", ""))
        self._note_content_id(content_id)
        self._decoder = decoder_for(headers.get("content-transfer-encoding", ""))
        self._events.append(PartBegin(content_id, headers.get("content-type", "text/plain"), headers))

    def _note_content_id(self, content_id: str) -> None:
        if content_id in self._content_ids:
            raise MimeError(f"two MIME parts have the Content-ID {content_id[:200]!r}")
        if not content_id and (self._parts > 1 or self.start is not None):
            raise MimeError(f"MIME part {self._parts} has no Content-ID")
        self._content_ids.add(content_id)

    def _end_part(self, found: re.Match[bytes]) -> None:
        self._data(self._decoder.finish())
        self._events.append(PartEnd())
        self._position = found.end()
        self._begin_headers(_token(found))

    def _before(self, line_feed: int) -> int:
        carriage_return = not self._bare_lf and self._buffer[line_feed - 1 : line_feed] == b"\r"
        return line_feed - 1 if carriage_return else line_feed

    def _emit(self, end: int) -> None:
        end = max(end, self._position)
        data = self._buffer[self._position + self._skip : end]
        if end > self._position:
            self._skip = 0
        self._position = end
        self._data(self._decoder.feed(data))

    def _data(self, data: bytes) -> None:
        if data:
            self._events.append(PartData(data))


_READ: Final[Mapping[_State, Callable[[MimeSplitter], bool]]] = {
    _State.DOCUMENT: MimeSplitter._read_document,
    _State.PREAMBLE: MimeSplitter._read_preamble,
    _State.HEADERS: MimeSplitter._read_headers,
    _State.BODY: MimeSplitter._read_body,
    _State.EPILOGUE: MimeSplitter._read_epilogue,
}


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and the parameters by lower-case name, unquoted.

    Raises MimeError when a parameter comes twice: two readers could then see two messages.
    """
    media_type, _, _ = value.partition(";")
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value):
        if name.lower() in parameters:
            raise MimeError(f"the Content-Type has its parameter {name[:40]!r} twice")
        parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or plain.strip()
    return media_type.strip().lower(), parameters


def strip_brackets(content_id: str) -> str:
    """A Content-ID without white space and angle brackets around it."""
    return content_id.strip().removeprefix("<").removesuffix(">").strip()


def _boundary(parameters: Mapping[str, str]) -> bytes:
    boundary = parameters.get("boundary", "").rstrip()
    if not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise MimeError("the Content-Type multipart/related has no usable boundary")
    return boundary.encode("ascii")


def _token(found: re.Match[bytes]) -> _Token:
    return _Token.CLOSE if found[1] else _Token.DELIMITER


def _parse_headers(lines: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in _FOLD.sub(" ", lines.decode("latin-1")).split("\n")[:-1]:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise MimeError("a MIME part has a malformed header line")
        name = found[1].lower()
        if name in headers and name in _ONLY_ONCE:
            raise MimeError(f"a MIME part has the header {name} twice")
        headers.setdefault(name, found[2].strip())
    return headers
