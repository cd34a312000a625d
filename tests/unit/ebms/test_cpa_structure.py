"""Our tables against the official schema, over a CPA with every small mistake one can make in it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.shared import shared_data
from tests.unit.ebms.cpas import changed, cpa_document

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_document import index_of
from digikoppelaar.ebms.cpa_structure import defects
from digikoppelaar.errors import CpaError

TP = f"{{{names.TP}}}"
EXTRAS = (
    (
        "<tp:ChannelId>dso_channel</tp:ChannelId>",
        (
            '<tp:ActionContext tp:binaryCollaboration="b" tp:businessTransactionActivity="a" '
            'tp:requestOrResponseAction="r"><tp:CollaborationActivity tp:name="c"/></tp:ActionContext>'
            '<tp:ChannelId>dso_channel</tp:ChannelId><x:other xmlns:x="urn:voorbeeld"/>'
        ),
    ),
    (
        "</tp:SenderNonRepudiation>",
        (
            "</tp:SenderNonRepudiation><tp:SenderDigitalEnvelope><tp:DigitalEnvelopeProtocol tp:version='1.0'>XMLENC"
            "</tp:DigitalEnvelopeProtocol><tp:EncryptionAlgorithm tp:minimumStrength='128' tp:oid='1' tp:w3c='urn:x'>"
            "urn:x</tp:EncryptionAlgorithm><tp:EncryptionSecurityDetailsRef tp:securityId='dso_security'/>"
            "</tp:SenderDigitalEnvelope>"
        ),
    ),
    (
        "</tp:ebXMLReceiverBinding>",
        (
            "<tp:ReceiverNonRepudiation><tp:NonRepudiationProtocol>p</tp:NonRepudiationProtocol><tp:HashFunction>h"
            "</tp:HashFunction><tp:SignatureAlgorithm>s</tp:SignatureAlgorithm><tp:SigningSecurityDetailsRef "
            "tp:securityId='dso_security'/></tp:ReceiverNonRepudiation><tp:ReceiverDigitalEnvelope>"
            "<tp:DigitalEnvelopeProtocol>XMLENC</tp:DigitalEnvelopeProtocol><tp:EncryptionAlgorithm>urn:x"
            "</tp:EncryptionAlgorithm><tp:EncryptionCertificateRef tp:certId='dso_cert'/></tp:ReceiverDigitalEnvelope>"
            "<tp:NamespaceSupported tp:location='urn:x' tp:version='2.0'>urn:x</tp:NamespaceSupported>"
            "</tp:ebXMLReceiverBinding>"
        ),
    ),
    (
        "</tp:PartyInfo>",
        '<tp:OverrideMshActionBinding tp:action="Pong" tp:channelId="dso_msh"/></tp:PartyInfo>',
    ),
    ("<tp:PartyRef", '<tp:PartyId>b</tp:PartyId><tp:PartyRef xlink:type="simple"'),
    (
        '<tp:Constituent tp:idref="Header"/>',
        (
            '<tp:Constituent tp:idref="Header" tp:minOccurs="0"><tp:SignatureTransforms>'
            '<ds:Transform Algorithm="urn:x"/></tp:SignatureTransforms></tp:Constituent>'
        ),
    ),
    (
        "</tp:Composite>",
        (
            "</tp:Composite><tp:Encapsulation tp:id='e' tp:mimetype='a/b'><tp:Constituent tp:idref='Header'/>"
            "</tp:Encapsulation>"
        ),
    ),
    ("</tp:Packaging>", "</tp:Packaging><tp:Comment xml:lang='nl'>c</tp:Comment>"),
    (
        "</tp:End>",
        "</tp:End><tp:ConversationConstraints tp:invocationLimit='5' tp:concurrentConversations='1'/>",
    ),
)
TEXTS = ("", " ", "x", "2026-02-30T00:00:00Z", "-1", "PT")
VALUES = ("", "2", "x y", " always ")
TAGS = (f"{TP}Onbekend", f"{TP}Comment", f"{TP}PartyId", f"{TP}CanReceive", "{urn:voorbeeld}a", "a")
ATTRIBUTES = (f"{TP}id", f"{TP}onbekend", "{urn:voorbeeld}a", "a")

Mutation = Callable[[etree._Element], None]


@cache
def official() -> etree.XMLSchema:
    folder = shared_data("ebms2", "xsd")
    imports = f'<import namespace="{names.TP}" schemaLocation="{(folder / "cpp-cpa-2_0.xsd").as_uri()}"/>'
    driver = f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>'
    return etree.XMLSchema(xml.parse(driver.encode(), limit=10_000))


def ours(root: etree._Element) -> list[str]:
    """What we find, double identifiers included."""
    found = [f"{defect.element}: {defect.what}" for defect in defects(root)]
    try:
        index_of(root)
    except CpaError as error:
        if "two elements" in str(error):
            found.append(str(error))
    return found


@cache
def prepared() -> tuple[etree._Element, list[tuple[str, int, Mutation]]]:
    document = cpa_document(signed=True)
    for found, instead in EXTRAS:
        assert found in document
        document = document.replace(found, instead, 1)
    root = xml.parse(document.encode(), limit=100_000)
    return root, list(mutations(root))


def mutations(root: etree._Element) -> Iterator[tuple[str, int, Mutation]]:
    """Every single mistake on the first element of each name: what, the index of the element, and how."""
    seen = set()
    for index, element in enumerate(root.iter("*")):
        if element.tag in seen or not str(element.tag).startswith(TP):
            continue
        seen.add(element.tag)
        yield "duplicate", index, lambda one: one.addnext(deepcopy(one))
        yield "drop", index, lambda one: one.getparent().remove(one)
        yield "swap", index, lambda one: one.addnext(one.getprevious()) if one.getprevious() is not None else None
        for tag in TAGS:
            yield f"rename to {tag}", index, lambda one, tag=tag: setattr(one, "tag", tag)
            yield f"insert {tag}", index, lambda one, tag=tag: one.insert(0, one.makeelement(tag))
            yield f"append {tag}", index, lambda one, tag=tag: one.append(one.makeelement(tag))
        for text in TEXTS:
            yield f"text {text!r}", index, lambda one, text=text: setattr(one, "text", text or None)
        for name in {*element.attrib, *ATTRIBUTES}:
            if name in element.attrib:
                yield f"drop @{name}", index, lambda one, name=name: one.attrib.pop(name, None)
            for value in VALUES:
                yield f"@{name}={value!r}", index, lambda one, name=name, value=value: one.set(name, value)


def applied(root: etree._Element, *changes: tuple[int, Mutation]) -> etree._Element:
    mutated = deepcopy(root)
    elements = list(mutated.iter("*"))
    for index, change in changes:
        if index and elements[index].getparent() is not None:
            change(elements[index])
    return mutated


def meant_to_differ(root: etree._Element) -> bool:
    """Whether libxml2 sees an xs:anyURI here that it thinks wrong; the schema recommendation leaves them all be."""
    if any(":" in (one.text or "") and (one.text or "")[0].isdigit() for one in root.iter(f"{TP}NamespaceSupported")):
        return True
    uris = (
        f"{TP}uri",
        f"{TP}location",
        f"{TP}type",
        f"{TP}schemaLocation",
        f"{{{names.XLINK}}}href",
        f"{{{names.XLINK}}}role",
    )
    return any(" " in element.get(name, "").strip() for element in root.iter("*") for name in uris)


def test_every_single_mistake_gets_the_verdict_of_the_official_schema() -> None:
    schema, (root, every) = official(), prepared()
    assert schema.validate(root), schema.error_log.last_error
    assert ours(root) == []
    refused = 0
    for mistake, index, change in every:
        mutated = applied(root, (index, change))
        if meant_to_differ(mutated):
            continue
        found = ours(mutated)
        refused += bool(found)
        assert bool(found) != schema.validate(mutated), (mistake, index, found, schema.error_log.last_error)
    assert refused > 1000


@given(st.data())
def test_two_mistakes_together_get_the_verdict_of_the_official_schema(data: st.DataObject) -> None:
    schema, (root, every) = official(), prepared()
    picked = [every[data.draw(st.integers(0, len(every) - 1))] for _ in range(2)]
    mutated = applied(root, *((index, change) for _, index, change in picked))
    if not meant_to_differ(mutated):
        assert bool(ours(mutated)) != schema.validate(mutated), ([one[:2] for one in picked], ours(mutated))


@pytest.mark.statement(190)
def test_the_sixteen_sample_cpas_fit_the_schema_and_our_tables() -> None:
    samples = sorted(shared_data("ebms2", "cpa", "ebms-core").iterdir())
    assert len(samples) == 16
    for sample in samples:
        root = xml.parse(sample.read_bytes(), limit=1_000_000)
        assert official().validate(root), sample.name
        assert ours(root) == [], sample.name


# --- Without the schema --------------------------------------------------------------------------------------


def test_every_mistake_is_named_with_its_element_and_line() -> None:
    document = changed("<tp:PartyId[^>]*>[^<]*</tp:PartyId>", "", document=changed('tp:parse="true"', 'tp:parse="ja"'))
    found = list(defects(xml.parse(document.encode(), limit=100_000)))
    assert [(defect.element, defect.what) for defect in found] == [
        ("PartyInfo", "PartyId is missing or out of order"),
        ("ProcessingCapabilities", "attribute parse has a value that is not allowed"),
    ]
    lines = document.splitlines()
    assert all(defect.element in lines[(defect.line or 0) - 1] for defect in found)


def test_another_document_is_no_cpa() -> None:
    [defect] = defects(xml.parse(b"<a/>", limit=10))
    assert "not a CollaborationProtocolAgreement" in defect.what
