"""Elements and values of a CPA, written; the counterpart of `cpa_document`."""

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_document import tag

NSMAP: Final = {"tp": names.TP, "ds": names.DS, "xlink": names.XLINK}

_DS: Final = f"{{{names.DS}}}"
_XLINK: Final = f"{{{names.XLINK}}}"


def sub(parent: etree._Element, name: str, content: str | None = None, /, **attributes: str) -> etree._Element:
    """A new child element of CPP/A 2.0; its attributes are qualified, as they are there."""
    element = etree.SubElement(parent, tag(name))
    element.text = content
    put(element, **attributes)
    return element


def put(element: etree._Element, /, **attributes: str) -> None:
    """Set qualified attributes."""
    for name, value in attributes.items():
        element.set(tag(name), value)


def link(element: etree._Element, href: str) -> None:
    """Make it a simple link."""
    element.set(_XLINK + "type", "simple")
    element.set(_XLINK + "href", href)


def fill_certificate(element: etree._Element, name: str, chain: tuple[bytes, ...]) -> None:
    """Make it the Certificate `name` with this chain, the leaf first."""
    put(element, certId=name)
    data = etree.SubElement(etree.SubElement(element, _DS + "KeyInfo"), _DS + "X509Data")
    for der in chain:
        etree.SubElement(data, _DS + "X509Certificate").text = b64encode(der).decode()


def instant(moment: datetime) -> str:
    """xs:dateTime in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def duration(length: timedelta) -> str:
    """xs:duration in seconds."""
    return f"PT{length.total_seconds():.6f}".rstrip("0").rstrip(".") + "S"


def written(root: etree._Element) -> bytes:
    """The document."""
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
