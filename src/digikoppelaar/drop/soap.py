"""The SOAP 1.1 around a message of 3PAS, and values at paths in it. What is in the message is for others."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.errors import TooLarge, XmlError

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGE_LIMIT: Final = 16 * 1024 * 1024
"""Largest message in bytes: a zip and a GML file at their limits, in base64, with room to spare."""

_S: Final = f"{{{ENVELOPE}}}"


def envelope() -> tuple[etree._Element, etree._Element]:
    """A new envelope, and the body in it."""
    root = etree.Element(f"{_S}Envelope", nsmap={"s": ENVELOPE})
    return root, etree.SubElement(root, f"{_S}Body")


def message(namespace: str, name: str) -> tuple[etree._Element, etree._Element]:
    """A new envelope, and the one element in its body."""
    root, body = envelope()
    return root, etree.SubElement(body, f"{{{namespace}}}{name}", nsmap={None: namespace})


def read_body(document: bytes) -> etree._Element | None:
    """The one element in the body of a SOAP 1.1 message; None when it is anything else."""
    try:
        root = xml.parse(document, limit=MESSAGE_LIMIT)
    except (XmlError, TooLarge):
        return None
    content = root.xpath("/s:Envelope/s:Body/*", namespaces={"s": ENVELOPE})
    return content[0] if isinstance(content, list) and len(content) == 1 else None


def is_fault(content: etree._Element) -> bool:
    """Whether the content of a body is a fault."""
    return content.tag == f"{_S}Fault"


def fault(code: str, text: str) -> tuple[etree._Element, etree._Element]:
    """A new envelope with a fault, and the fault. `code` is one of SOAP 1.1, without prefix."""
    root, body = envelope()
    element = etree.SubElement(body, f"{_S}Fault")
    etree.SubElement(element, "faultcode").text = f"s:{code}"
    etree.SubElement(element, "faultstring").text = text
    return root, element


def put(parent: etree._Element, namespace: str, path: str) -> etree._Element:
    """A new element at the end of `path`; an element on the way is the one written last, when it has this name."""
    *between, last = path.split("/")
    for name in between:
        tag = f"{{{namespace}}}{name}"
        parent = parent[-1] if len(parent) and parent[-1].tag == tag else etree.SubElement(parent, tag)
    return etree.SubElement(parent, f"{{{namespace}}}{last}")


def at(parent: etree._Element, namespace: str, path: str) -> list[etree._Element]:
    """The elements at the end of `path`."""
    found = [parent]
    for name in path.split("/"):
        found = [child for element in found for child in element.iterchildren(f"{{{namespace}}}{name}")]
    return found


def text_at(parent: etree._Element, namespace: str, path: str) -> str:
    """The text of the one element at the end of `path`; empty when there is none, or more than one."""
    texts = [line(element) for element in at(parent, namespace, path)]
    return texts[0] if len(texts) == 1 else ""


def line(element: etree._Element) -> str:
    """Its text on one line."""
    return " ".join("".join(_words(element)).split())


def _words(element: etree._Element) -> Iterator[str]:
    yield from (str(text) for text in element.itertext())
