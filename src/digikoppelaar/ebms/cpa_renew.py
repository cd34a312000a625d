"""The successor of a CPA, for beside the old one (digikoppeling-ebms2.md, 4.5; statement 205)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from lxml import etree

from digikoppelaar.ebms.cpa_bindings import party_infos
from digikoppelaar.ebms.cpa_build import Certificates
from digikoppelaar.ebms.cpa_document import attribute, child, index_of, read_root, tag, text
from digikoppelaar.ebms.cpa_writing import NSMAP, fill_certificate, instant, put, written
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.certificate import Use

_REFERENCES: Final = {
    "ClientCertificateRef": Use.TLS_CLIENT,
    "ServerCertificateRef": Use.TLS_SERVER,
    "SigningCertificateRef": Use.SIGN,
    "EncryptionCertificateRef": Use.DECRYPT,
}


def renew(
    document: bytes,
    certificates: Mapping[str, Certificates],
    *,
    cpa_id: str,
    starts_at: datetime,
    ends_at: datetime,
) -> bytes:
    """The successor of a CPA: the same agreement under another name, with other dates and new certificates.

    `certificates` are by PartyId; a party and a use that it does not name keep what they had. Signatures on the old CPA
    do not go along. Raises CpaError.
    """
    root = read_root(document)
    if cpa_id == attribute(root, "cpaid"):
        raise CpaError("the successor of a CPA has a CPAId of its own")
    index = index_of(root)
    put(root, cpaid=cpa_id)
    child(root, "Start").text, child(root, "End").text = instant(starts_at), instant(ends_at)
    for signature in root.findall(tag("Signature")):
        root.remove(signature)
    for party in party_infos(root):
        for party_id, replacing in certificates.items():
            if any(text(each) == party_id for each in party.iterfind(tag("PartyId"))):
                _replace_certificates(party, index, replacing)
    return written(root)


def _replace_certificates(party: etree._Element, index: Mapping[str, etree._Element], replacing: Certificates) -> None:
    """Each use gets a Certificate element of its own: the old ones may have served several."""
    for use, chain in replacing.items():
        name = f"renewed-{use.value}-{attribute(party, 'defaultMshChannelId')}"
        references = [each for kind, of in _REFERENCES.items() if of is use for each in party.iter(tag(kind))]
        if not references:
            continue
        element = index.get(name)
        if element is None:
            element = etree.Element(tag("Certificate"), nsmap=NSMAP)
            next(party.iter(tag("Certificate"))).addprevious(element)
        for old in list(element):
            element.remove(old)
        fill_certificate(element, name, chain)
        for reference in references:
            put(reference, certId=name)
