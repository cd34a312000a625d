"""Our tables against the official schemas, over documents with every small mistake one can make in them."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.shared import shared_data

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.structure import check_structure, read_date_time, text_of
from digikoppelaar.errors import EnvelopeError

HEAD = (
    f'<soap:Envelope xmlns:soap="{names.SOAP}" xmlns:eb="{names.EB}" xmlns:xlink="{names.XLINK}" '
    f'xmlns:ds="{names.DS}" xmlns:x="urn:voorbeeld">'
)
PARTY = '<eb:PartyId eb:type="urn:osb:oin">00000099000000001000</eb:PartyId>'
MESSAGE_HEADER = f"""<eb:MessageHeader eb:version="2.0" soap:mustUnderstand="1" eb:id="h">
  <eb:From>{PARTY}<eb:PartyId>urn:x:y</eb:PartyId><eb:Role>A</eb:Role></eb:From><eb:To>{PARTY}</eb:To>
  <eb:CPAId>c</eb:CPAId><eb:ConversationId>g</eb:ConversationId>
  <eb:Service eb:type="t">s</eb:Service><eb:Action>a</eb:Action>
  <eb:MessageData><eb:MessageId>m@x</eb:MessageId><eb:Timestamp>2026-11-23T16:34:12Z</eb:Timestamp>
    <eb:RefToMessageId>r@x</eb:RefToMessageId><eb:TimeToLive>2026-11-24T16:34:12.5+01:00</eb:TimeToLive></eb:MessageData>
  <eb:DuplicateElimination/><eb:Description xml:lang="en">d</eb:Description><x:other/>
</eb:MessageHeader>"""
BUSINESS = f"""{HEAD}<soap:Header>{MESSAGE_HEADER}
  <eb:SyncReply eb:version="2.0" soap:mustUnderstand="1" soap:actor="{names.ACTOR_SOAP_NEXT}"/>
  <eb:MessageOrder eb:version="2.0" soap:mustUnderstand="1">
    <eb:SequenceNumber eb:status="Reset">0</eb:SequenceNumber></eb:MessageOrder>
  <eb:AckRequested eb:version="2.0" soap:mustUnderstand="1" eb:signed="false" soap:actor="{names.ACTOR_TO_PARTY}"/>
  <x:unknown x:a="1"><x:inner/></x:unknown></soap:Header><soap:Body><eb:Manifest eb:version="2.0" eb:id="m">
  <eb:Reference xlink:href="cid:a@x" xlink:type="simple" xlink:role="urn:r" eb:id="r">
    <eb:Schema eb:location="urn:s" eb:version="1"/><eb:Description xml:lang="nl">d</eb:Description></eb:Reference>
  <eb:Reference xlink:href="cid:b@x"/></eb:Manifest></soap:Body></soap:Envelope>"""
ACKNOWLEDGMENT = f"""{HEAD}<soap:Header>{MESSAGE_HEADER}
  <eb:Acknowledgment eb:version="2.0" soap:mustUnderstand="1" soap:actor="{names.ACTOR_TO_PARTY}">
    <eb:Timestamp>2026-11-23T16:34:12.123Z</eb:Timestamp><eb:RefToMessageId>r@x</eb:RefToMessageId>
    <eb:From>{PARTY}</eb:From>
    <ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{names.ENVELOPED}"/></ds:Transforms>
      <ds:DigestMethod Algorithm="{names.SHA256}"/><ds:DigestValue>YWJj</ds:DigestValue></ds:Reference>
    <ds:Reference URI="cid:a@x"><ds:DigestMethod Algorithm="{names.SHA256}"/>
      <ds:DigestValue>YWI=</ds:DigestValue></ds:Reference>
  </eb:Acknowledgment></soap:Header><soap:Body/></soap:Envelope>"""
ERRORS = f"""{HEAD}<soap:Header>{MESSAGE_HEADER}
  <eb:ErrorList eb:version="2.0" soap:mustUnderstand="1" eb:highestSeverity="Error">
    <eb:Error eb:errorCode="Inconsistent" eb:severity="Error" eb:location="//Header" eb:codeContext="urn:c" eb:id="e">
      <eb:Description xml:lang="en">d</eb:Description></eb:Error>
    <eb:Error eb:errorCode="Unknown" eb:severity="Warning"/></eb:ErrorList></soap:Header><soap:Body/></soap:Envelope>"""
STATUS = f"""{HEAD}<soap:Header>{MESSAGE_HEADER}</soap:Header><soap:Body>
  <eb:StatusRequest eb:version="2.0"><eb:RefToMessageId>r@x</eb:RefToMessageId></eb:StatusRequest>
  <eb:StatusResponse eb:version="2.0" eb:messageStatus="Received"><eb:RefToMessageId>r@x</eb:RefToMessageId>
    <eb:Timestamp>2026-11-23T16:34:12Z</eb:Timestamp></eb:StatusResponse></soap:Body></soap:Envelope>"""
DOCUMENTS = {"business": BUSINESS, "acknowledgment": ACKNOWLEDGMENT, "errors": ERRORS, "status": STATUS}

EB = f"{{{names.EB}}}"
REPEATED = {"Description", "Schema", "Error", "Reference"}
LANGUAGE = f"{{{names.XML}}}lang"
TEXTS = ("", " ", "x", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00", "-1", "YW=J")
VALUES = ("", "2", "x y", "true", "0", "Warning", " Error ")
TAGS = (
    f"{{{names.EB}}}Onbekend",
    f"{{{names.EB}}}Description",
    f"{{{names.EB}}}MessageId",
    f"{{{names.EB}}}Role",
    f"{{{names.SOAP}}}Body",
    "{urn:voorbeeld}a",
    "a",
)
ATTRIBUTES = (
    f"{{{names.EB}}}id",
    f"{{{names.EB}}}onbekend",
    f"{{{names.SOAP}}}mustUnderstand",
    "{urn:voorbeeld}a",
    "a",
)

Mutation = Callable[[etree._Element], None]


@cache
def official() -> etree.XMLSchema:
    folder = shared_data("ebms2", "xsd")
    imports = "".join(
        f'<import namespace="{namespace}" schemaLocation="{(folder / file).as_uri()}"/>'
        for namespace, file in ((names.SOAP, "envelope.xsd"), (names.EB, "msg-header-2_0.xsd"))
    )
    driver = f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>'
    return etree.XMLSchema(xml.parse(driver.encode(), limit=10_000))


def ours(root: etree._Element) -> str | None:
    """The defect that we see, if any."""
    try:
        check_structure(root)
    except EnvelopeError as error:
        return str(error)
    return None


def meant_to_differ(root: etree._Element) -> bool:
    """Whether tables and schemas differ on purpose here (see structure.py), or libxml2 and its schema do.

    libxml2 lets a repeatable element follow what the wildcard at the end of its sequence took, and takes a hyphen for
    base64; the schemas do neither.
    """
    return any(DIFFERENCES.get(etree.QName(element).localname, never)(element) for element in root.iter("*")) or any(
        map(follows_other, root.iter("*"))
    )


def never(_: etree._Element) -> bool:
    return False


DIFFERENCES: dict[str, Callable[[etree._Element], bool]] = {
    "Description": lambda element: element.get(LANGUAGE) not in {"en", "nl"},
    "Transform": lambda element: len(element) > 0,
    "DigestMethod": lambda element: len(element) > 0,
    "DigestValue": lambda element: "-" in text_of(element),
}


def follows_other(element: etree._Element) -> bool:
    """Whether an eb element that may be repeated comes after one of another namespace, inside eb."""
    parent, name = element.getparent(), etree.QName(element)
    if parent is None or not parent.tag.startswith(EB) or name.namespace != names.EB or name.localname not in REPEATED:
        return False
    return any(not str(other.tag).startswith(EB) for other in element.itersiblings("*", preceding=True))


def mutations(root: etree._Element) -> Iterator[tuple[str, int, Mutation]]:
    """Every single mistake: its name, the index of the element that it hits, and what it does there."""
    for index, element in enumerate(root.iter("*")):
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


@cache
def prepared(name: str) -> tuple[etree._Element, list[tuple[str, int, Mutation]]]:
    root = xml.parse(DOCUMENTS[name].encode(), limit=100_000)
    return root, list(mutations(root))


def applied(root: etree._Element, *changes: tuple[int, Mutation]) -> etree._Element:
    mutated = deepcopy(root)
    elements = list(mutated.iter("*"))
    for index, change in changes:
        if index and elements[index].getparent() is not None:
            change(elements[index])
    return mutated


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.statement(19, 50)
def test_every_single_mistake_gets_the_verdict_of_the_official_schemas(name: str) -> None:
    schema, (root, every) = official(), prepared(name)
    assert schema.validate(root)
    assert ours(root) is None
    refused = 0
    for mistake, index, change in every:
        mutated = applied(root, (index, change))
        if meant_to_differ(mutated):
            continue
        defect = ours(mutated)
        refused += defect is not None
        assert (defect is None) == schema.validate(mutated), (mistake, index, defect, schema.error_log.last_error)
    assert refused > 300


@given(st.data())
def test_two_mistakes_together_get_the_verdict_of_the_official_schemas(data: st.DataObject) -> None:
    schema = official()
    root, every = prepared(data.draw(st.sampled_from(sorted(DOCUMENTS))))
    picked = [every[data.draw(st.integers(0, len(every) - 1))] for _ in range(2)]
    mutated = applied(root, *((index, change) for _, index, change in picked))
    if not meant_to_differ(mutated):
        assert (ours(mutated) is None) == schema.validate(mutated), ([one[:2] for one in picked], ours(mutated))


# --- Without the schemas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "instead", "defect"),
    [
        ("<eb:CPAId>c</eb:CPAId>", "", "eb:MessageHeader: eb:CPAId is missing or out of order"),
        (PARTY, "", "eb:From: eb:PartyId is missing or out of order"),
        ("<eb:Action>a</eb:Action>", "<eb:Action>a</eb:Action><eb:Action>b</eb:Action>", "eb:MessageData is missing"),
        (' eb:version="2.0"', "", "eb:MessageHeader: attribute eb:version is missing"),
        ('soap:mustUnderstand="1"', 'soap:mustUnderstand="true"', "attribute soap:mustUnderstand has a value"),
        ("<eb:MessageId>m@x<", "<eb:MessageId><", "eb:MessageId: its text is empty"),
        ('eb:id="r"', 'eb:id="h"', "two elements have the same eb:id"),
    ],
)
@pytest.mark.statement(19)
def test_a_mistake_is_named_with_its_element(found: str, instead: str, defect: str) -> None:
    document = (
        BUSINESS.replace(found, instead, 1)
        if found != PARTY
        else BUSINESS.replace(PARTY, "").replace("<eb:PartyId>urn:x:y</eb:PartyId>", "")
    )
    assert defect in (ours(xml.parse(document.encode(), limit=100_000)) or "")


@pytest.mark.statement(44)
def test_a_description_may_lack_its_language() -> None:
    document = BUSINESS.replace(' xml:lang="en"', "")
    assert ours(xml.parse(document.encode(), limit=100_000)) is None


def test_a_comment_does_not_cut_off_a_value() -> None:
    assert text_of(xml.parse(b"<a>urn:<!-- x -->osb<?y?>:oin</a>", limit=100)) == "urn:osb:oin"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T16:34:12Z", datetime(2026, 11, 23, 16, 34, 12, tzinfo=UTC)),
        (" 2026-11-23T16:34:12.5\n", datetime(2026, 11, 23, 16, 34, 12, 500_000, UTC)),
        ("2026-11-23T16:34:12.123456789Z", datetime(2026, 11, 23, 16, 34, 12, 123_456, UTC)),
        ("2026-11-23T17:34:12+01:00", datetime(2026, 11, 23, 16, 34, 12, tzinfo=UTC)),
        ("2026-11-23T02:34:12-14:00", datetime(2026, 11, 23, 16, 34, 12, tzinfo=UTC)),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.statement(36)
def test_any_date_time_is_read_in_utc_and_without_zone_as_utc(text: str, moment: datetime) -> None:
    assert read_date_time(text) == moment
    assert read_date_time(text).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23 16:34:12Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:01Z",
        "2026-11-23T16:60:00Z",
        "2026-11-23T16:34:60Z",
        "2026-11-23T16:34:12+14:01",
        "2026-11-23T16:34:12z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T24:00:00Z",
        "٢٠٢٦-11-23T16:34:12Z",
    ],
)
@pytest.mark.statement(36)
def test_what_is_no_date_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_date_time(text)
