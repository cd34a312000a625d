"""ds:Reference elements to values and back."""

import pytest
from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import SignedReference
from digikoppelaar.ebms.references import (
    MAX_REFERENCES,
    copy_reference,
    read_base64,
    read_reference,
    read_references,
    write_reference,
)
from digikoppelaar.errors import EnvelopeError


def reference(inside: str, uri: str = ' URI="cid:a@x"') -> etree._Element:
    document = f'<d:Reference xmlns:d="{names.DS}" xmlns:s="{names.SOAP}"{uri}>{inside}</d:Reference>'
    return xml.parse(document.encode(), limit=10_000)


METHOD = f'<d:DigestMethod Algorithm="{names.SHA256}"/>'


def test_a_reference_is_read_with_its_digest_raw() -> None:
    found = read_reference(reference(METHOD + "<d:DigestValue> YW\nJj&#13;\n</d:DigestValue>"))
    assert found == SignedReference("cid:a@x", names.SHA256, b"abc")


def test_a_copy_is_the_element_as_it_stood_with_the_prefixes_that_its_xpath_needs() -> None:
    transforms = (
        f'<d:Transforms><d:Transform Algorithm="{names.XPATH}"><d:XPath>@s:actor</d:XPath></d:Transform></d:Transforms>'
    )
    parent = etree.Element("ouder")
    found = read_reference(reference(transforms + METHOD + "<d:DigestValue>YWJj</d:DigestValue>"))
    copy_reference(parent, found)
    assert read_reference(parent[0]) == found
    assert parent[0].nsmap["s"] == names.SOAP
    assert parent[0][0][0][0].text == "@s:actor"


def test_a_reference_without_its_element_is_written_by_its_values() -> None:
    parent = etree.Element("ouder")
    value = SignedReference("cid:a@x", names.SHA512, b"abc")
    copy_reference(parent, value)
    write_reference(parent, value)
    assert [read_reference(one) for one in parent] == [value, value]


@pytest.mark.parametrize(
    ("inside", "uri"),
    [
        ("", ' URI=""'),
        (METHOD, ' URI=""'),
        ("<d:DigestValue>YWJj</d:DigestValue>", ' URI=""'),
        (METHOD + "<d:DigestValue>YWJj</d:DigestValue>", ""),
        (METHOD + "<d:DigestValue/>", ' URI=""'),
        (METHOD + "<d:DigestValue>YWJ</d:DigestValue>", ' URI=""'),
        (METHOD + "<d:DigestValue>é</d:DigestValue>", ' URI=""'),
    ],
)
def test_a_reference_that_is_not_whole_is_refused(inside: str, uri: str) -> None:
    with pytest.raises(EnvelopeError):
        read_reference(reference(inside, uri))


@pytest.mark.parametrize("text", ["YW=J", "YWJj====", "YWJ", "Y-_=", "=", "YWJj\u2028é"])
def test_base64_is_strict_but_for_white_space(text: str) -> None:
    with pytest.raises(ValueError):
        read_base64(text)


def test_a_reference_that_drags_every_namespace_of_its_envelope_along_is_refused() -> None:
    namespaces = " ".join(f'xmlns:n{number}="urn:{number:0300}"' for number in range(400))
    inside = f'<d:Reference URI="cid:a@x">{METHOD}<d:DigestValue>YWJj</d:DigestValue></d:Reference>'
    document = f'<d:SignedInfo xmlns:d="{names.DS}" {namespaces}>{inside}</d:SignedInfo>'
    with pytest.raises(EnvelopeError, match="larger"):
        read_references(list(xml.parse(document.encode(), limit=1_000_000)))


def test_more_references_than_any_message_has_are_refused() -> None:
    one = reference(METHOD + "<d:DigestValue>YWJj</d:DigestValue>")
    assert len(read_references([one] * MAX_REFERENCES)) == MAX_REFERENCES
    with pytest.raises(EnvelopeError, match="more than"):
        read_references([one] * (MAX_REFERENCES + 1))
