"""A summary becomes a list of files, and an odd one is refused."""

import json
from typing import Any

import pytest

from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam.links import AnnouncedFile, SummaryNames, read_summary

ADDRESS = "https://dso.test/v2/verzoeken/1/samenvatting"
NAMES = SummaryNames(
    json_media_types=("application/hal+json",),
    xml_media_types=("application/xml",),
    verzoeknummer_key="verzoeknummer",
    links_key="_links",
    xml_rel="xml",
    pdf_rel="pdf",
    document_rel="documenten",
    href_key="href",
    document_id_key="name",
    file_name_key="title",
    media_type_key="type",
    size_key="length",
)
XML = {"href": "/v2/x", "type": "application/xml"}


def read(links: Any, **other: Any) -> tuple[AnnouncedFile, ...]:
    body = json.dumps({"verzoeknummer": "1", "_links": links, **other}).encode()
    return read_summary(body, "application/hal+json;charset=UTF-8", address=ADDRESS, verzoeknummer="1", names=NAMES)


def test_links_become_files_in_order_with_absolute_addresses() -> None:
    documents = [{"href": "d/1", "name": "d1", "title": "gevel.png", "type": "image/PNG", "length": 12}]
    assert read({"documenten": documents, "pdf": {"href": "https://dso.test/p"}, "xml": XML}) == (
        AnnouncedFile("xml", "xml", "verzoek.xml", "application/xml", "https://dso.test/v2/x"),
        AnnouncedFile("pdf", "pdf-1", "verzoek.pdf", "", "https://dso.test/p"),
        AnnouncedFile("bijlage", "d1", "gevel.png", "image/png", "https://dso.test/v2/verzoeken/1/d/1", 12),
    )


def test_one_document_may_be_an_object_instead_of_an_array() -> None:
    assert [file.document_id for file in read({"xml": XML, "documenten": {"href": "d/1"}})] == ["xml", "bijlage-1"]


def test_a_summary_that_is_the_stam_xml_itself_is_the_only_file() -> None:
    files = read_summary(b"<x/>", "application/xml", address=ADDRESS, verzoeknummer="1", names=NAMES)
    assert files == (AnnouncedFile("xml", "xml", "verzoek.xml", "application/xml", ADDRESS),)


def test_half_surrogates_and_nul_do_not_get_through() -> None:
    (_, file) = read({"xml": XML, "documenten": [{"href": "d", "title": "a\0b\ud800c"}]})
    assert file.naam == "ab?c"


@pytest.mark.parametrize(
    "links",
    [
        None,
        [],
        {},
        {"pdf": XML},
        {"xml": [XML, XML]},
        {"xml": {"type": "application/xml"}},
        {"xml": "https://dso.test/x"},
        {"xml": {**XML, "templated": True}},
        {"xml": {**XML, "length": "12"}},
        {"xml": {**XML, "length": -1}},
        {"xml": {**XML, "length": True}},
        {"xml": {"href": "https://[::1"}},
        {"xml": XML, "documenten": [{"href": "a", "name": "d"}, {"href": "b", "name": "d"}]},
    ],
)
def test_odd_links_are_refused(links: Any) -> None:
    with pytest.raises(VerzoekError):
        read(links)


def test_the_summary_of_another_verzoek_is_refused() -> None:
    with pytest.raises(VerzoekError):
        read({"xml": XML}, verzoeknummer="2")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_object_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(VerzoekError) as refused:
        read_summary(body, "application/hal+json", address=ADDRESS, verzoeknummer="1", names=NAMES)
    assert refused.value.__cause__ is None


def test_a_summary_of_another_type_is_refused() -> None:
    with pytest.raises(VerzoekError):
        read_summary(b"{}", "text/html", address=ADDRESS, verzoeknummer="1", names=NAMES)
