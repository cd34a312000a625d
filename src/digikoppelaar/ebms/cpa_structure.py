"""The structure of a CPA: the check of a document against the tables of `cpa_shapes`.

Element, order, cardinality, attributes and simple types: what `cpp-cpa-2_0.xsd` says, which is not ours to ship. A
differential test holds the two together. Meant to differ from the schema:

- ds:KeyInfo, ds:Signature, ds:Reference and ds:Transform are not looked into;
- the values of xs:anyURI are not looked at, foreign elements are passed over, and xsi:type changes nothing;
- years outside 0001-9999 are refused;
- that an xs:ID is unique and that an xs:IDREF leads to what it should is for `cpa_document`.

What an element means is for `cpa`, whether it may be used for `cpa_findings`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_document import tag
from digikoppelaar.ebms.cpa_shapes import COMPOSITES, SHAPES
from digikoppelaar.ebms.structure import Attribute, Kind, Shape, elements_of, text_of

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Defect:
    """A place where the document is not as the tables say. `what` is English and quotes no value."""

    element: str
    line: int | None
    what: str


def defects(root: etree._Element) -> Iterator[Defect]:
    """Every place where the tree does not fit the tables; where children are out of order, only the first."""
    if root.tag != tag("CollaborationProtocolAgreement"):
        yield _defect(root, "the document is not a CollaborationProtocolAgreement of CPP/A 2.0")
        return
    yield from _defects(root)


def _defects(element: etree._Element) -> Iterator[Defect]:
    if element.tag == tag("CompositeList"):
        yield from _composite_list(element)
        return
    shape = SHAPES[str(element.tag)]
    if shape.opaque:
        return
    yield from _attributes(element, shape.attributes)
    if shape.text is not None:
        yield from _text(element, shape.text)
    else:
        yield from _children(element, shape)


def _attributes(element: etree._Element, known: Mapping[str, Attribute]) -> Iterator[Defect]:
    for name, attribute in known.items():
        if attribute.required and name not in element.attrib:
            yield _defect(element, f"attribute {_local(name)} is missing")
    for name, value in element.attrib.items():
        if etree.QName(name).namespace == _XSI:
            continue
        if name not in known:
            yield _defect(element, f"attribute {_local(str(name))} is not allowed")
        elif not known[str(name)].kind(str(value)):
            yield _defect(element, f"attribute {_local(str(name))} has a value that is not allowed")


def _text(element: etree._Element, kind: Kind) -> Iterator[Defect]:
    if any(True for _ in elements_of(element)):
        yield _defect(element, "no elements are allowed in it")
    elif not kind(text_of(element)):
        yield _defect(element, "its text is empty or not of its type")


def _children(element: etree._Element, shape: Shape) -> Iterator[Defect]:
    yield from _only_elements(element, white_space=not shape.is_empty)
    rest = list(elements_of(element))
    for child in shape.children:
        count = 0
        while count < len(rest) and rest[count].tag == child.tag and (child.most is None or count < child.most):
            count += 1
        if count < child.least:
            yield _defect(element, f"{_local(child.tag)} is missing or out of order")
            return
        for found in rest[:count]:
            yield from _defects(found)
        rest = rest[count:]
    for other in rest:
        if not shape.others or etree.QName(other).namespace in {None, names.TP}:
            yield _defect(other, "it is not allowed here")
            return


def _composite_list(element: etree._Element) -> Iterator[Defect]:
    yield from _attributes(element, {})
    yield from _only_elements(element, white_space=True)
    found = list(elements_of(element))
    if not found:
        yield _defect(element, "it holds no Composite and no Encapsulation")
    for child in found:
        if child.tag in COMPOSITES:
            yield from _defects(child)
        else:
            yield _defect(child, "it is not allowed here")


def _only_elements(element: etree._Element, *, white_space: bool) -> Iterator[Defect]:
    text = text_of(element)
    if text.strip() or (text and not white_space):
        yield _defect(element, "no text is allowed in it")


def _local(name: str) -> str:
    return etree.QName(name).localname


def _defect(element: etree._Element, what: str) -> Defect:
    return Defect(xml.local_name(element), element.sourceline, what)
