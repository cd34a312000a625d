"""SOAP 1.1 faults: what is answered when a message cannot even be an ebXML error (2.7, 2.12)."""

import re
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.errors import PartnerError

MAX_FAULT: Final = 64 * 1024
"""Largest fault that is looked into, in bytes."""
MAX_REASON: Final = 500

_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def soap_fault(code: str, reason: str) -> bytes:
    """A fault as the body of an HTTP response with status 500.

    `code` is Client, Server, MustUnderstand or VersionMismatch, without prefix; `reason` is read by the people at the
    other side, so it holds identifiers only.
    """
    envelope = etree.Element(f"{{{names.SOAP}}}Envelope", nsmap={"soap": names.SOAP})
    body = etree.SubElement(envelope, f"{{{names.SOAP}}}Body")
    fault = etree.SubElement(body, f"{{{names.SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = f"soap:{code}"
    etree.SubElement(fault, "faultstring").text = _NOT_XML.sub("?", reason)[:MAX_REASON]
    return xml.serialize(envelope)


def read_fault(body: bytes) -> str | None:
    """The fault string of an answer, on one line and cut off at MAX_REASON; None when there is none.

    Never raises: an answer with status 500 may have any body, or none (2.12).
    """
    try:
        root = xml.parse(body, limit=MAX_FAULT)
    except PartnerError:
        return None
    found = next((one for one in root.iter("*") if xml.local_name(one) == "faultstring"), None)
    return None if found is None else " ".join(str(found.xpath("string()")).split())[:MAX_REASON] or None
