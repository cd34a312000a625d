"""Transfer encodings against the standard library, and what is refused."""

import binascii
import quopri
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.ebms.transfer import MAX_LINE, decoder_for
from digikoppelaar.errors import MimeError


def decode(encoding: str, *chunks: bytes) -> bytes:
    decoder = decoder_for(encoding)
    return b"".join(decoder.feed(chunk) for chunk in chunks) + decoder.finish()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


@pytest.mark.statement(6)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_quoted_printable_by_the_standard_library_is_decoded_however_it_is_cut(data: bytes, size: int) -> None:
    # Line ends written as =0D=0A: as text, the library makes one kind out of mixed ones before it encodes.
    encoded = binascii.b2a_qp(data, istext=False)
    assert decode("quoted-printable", *cut(encoded, size)) == data


@given(st.binary(max_size=200), st.integers(1, 50))
def test_quoted_printable_text_is_decoded_as_the_standard_library_does(data: bytes, size: int) -> None:
    encoded = quopri.encodestring(data)
    assert decode("quoted-printable", *cut(encoded, size)) == quopri.decodestring(encoded)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_base64_with_white_space_anywhere_is_decoded(data: bytes, size: int) -> None:
    assert decode("Base64 ", b" \r\n\t".join(cut(b64encode(data), size))) == data


@pytest.mark.statement(6)
@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"a=3D=\r\nb", b"a=b"),
        (b"a=3db=\n", b"a=b"),
        (b"a \t\r\nb \n c  ", b"a\r\nb\n c"),
        (b"a= \r\nb", b"ab"),
        (b"=00=FF", b"\0\xff"),
        (b"", b""),
    ],
)
def test_quoted_printable_follows_rfc_2045(text: bytes, data: bytes) -> None:
    assert decode("quoted-printable", text) == data
    assert decode("quoted-printable", *cut(text, 1)) == data


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("base64", b"YQ"),
        ("base64", b"YQ==YQ=="),
        ("base64", b"YWJj===="),
        ("base64", b"Y!Q="),
        ("base64", b"=YQ="),
        ("base64", b"YR=a"),
        ("quoted-printable", b"a=4"),
        ("quoted-printable", b"a=XY"),
        ("quoted-printable", b"x" * (MAX_LINE + 1)),
        ("quoted-printable", b"x" * (MAX_LINE + 1) + b"\nx"),
    ],
)
def test_malformed_text_is_refused_however_it_is_cut(encoding: str, text: bytes) -> None:
    with pytest.raises(MimeError):
        decode(encoding, text)
    with pytest.raises(MimeError):
        decode(encoding, *cut(text, 1))


@pytest.mark.parametrize("encoding", ["uuencode", "gzip", "base64, base64"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(MimeError):
        decoder_for(encoding)


def test_a_long_run_of_spaces_does_not_take_long() -> None:
    lines = (b" " * (MAX_LINE - 1) + b"x\n") * 100
    assert decode("quoted-printable", lines) == lines
