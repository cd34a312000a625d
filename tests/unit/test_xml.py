"""The one door for XML: what comes in is parsed or refused, and a refusal quotes nothing of it."""

import pytest

from digikoppelaar import xml
from digikoppelaar.errors import TooLarge, XmlError

BILLION_LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]><a>&d;</a>'  # harmless if cut
)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"geen xml",
        b"<a><b></a>",
        b"<a>&geheim;</a>",
        b"<!DOCTYPE a><a/>",
        b"<!doctype a><a/>",
        BILLION_LAUGHS,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE a+AD4-<a/>',
        b"<a>" * (xml.MAX_DEPTH + 1) + b"</a>" * (xml.MAX_DEPTH + 1),
    ],
)
def test_what_is_not_plain_xml_is_refused(document: bytes) -> None:
    with pytest.raises(XmlError):
        xml.parse(document, limit=100_000)


def test_a_document_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(TooLarge, match="over the limit of 4"):
        xml.parse(b"<a/> ", limit=4)


def test_a_document_at_the_limits_is_parsed() -> None:
    deep = b"<a>" * xml.MAX_DEPTH + b"</a>" * xml.MAX_DEPTH
    assert xml.parse(deep, limit=len(deep)).tag == "a"


@pytest.mark.parametrize("document", [b"<a><Jansen></a>", b'<a x="Jansen" x="Jansen"/>', b'<a xmlns:b="\xffJansen"/>'])
def test_a_refusal_says_where_and_quotes_nothing(document: bytes) -> None:
    with pytest.raises(XmlError, match="line 1") as caught:
        xml.parse(document, limit=100)
    assert "Jansen" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_comment_or_instruction_has_no_local_name() -> None:
    root = xml.parse(b'<p:a xmlns:p="urn:x"><!-- c --><?pi?><p:b/></p:a>', limit=100)
    assert [xml.local_name(node) for node in root.iter()] == ["a", "", "", "b"]


@pytest.mark.statement(220)
def test_a_document_with_too_many_elements_is_refused_where_a_number_is_set() -> None:
    document = b"<a>" + b"<b/>" * 9 + b"</a>"
    assert len(xml.parse(document, limit=100, max_elements=10)) == 9
    with pytest.raises(XmlError, match="over 9 elements"):
        xml.parse(document, limit=100, max_elements=9)
