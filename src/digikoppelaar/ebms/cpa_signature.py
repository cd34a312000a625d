"""The ds:Signature of a CPA, if it has one: what is signed must be what stands there (CPA s.9.9, statement 210).

A profile, as with messages: the whole document (URI ""), with the enveloped-signature transform and canonicalization
only. Each of up to three signatures holds over the document without the signatures that came after it.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Final

from lxml import etree

from digikoppelaar.ebms import algorithms, names
from digikoppelaar.ebms.cpa_document import tag, text
from digikoppelaar.ebms.cpa_subject import Finding, Severity, Subject, finding
from digikoppelaar.ebms.references import read_base64, read_references
from digikoppelaar.ebms.signature import canonical, remove
from digikoppelaar.errors import EnvelopeError, OinError, SignatureError, TrustError
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.pki.oin import without_environment_suffix
from digikoppelaar.pki.policy import Policy

_DS: Final = f"{{{names.DS}}}"
_CANONICALIZATIONS: Final = frozenset({names.C14N, names.EXCLUSIVE_C14N})


def signature(cpa: Subject) -> Iterator[Finding]:
    """Every signature holds, and each is of a party."""
    for number, element in enumerate(cpa.root.findall(f"{tag('Signature')}/{_DS}Signature")):
        yield from _one(cpa, element, number)


def _one(cpa: Subject, element: etree._Element, number: int) -> Iterator[Finding]:
    where = f"handtekening {number + 1}"
    try:
        der = _verified(element, number, legacy=cpa.judgement.policy is not Policy.STRICT)
        oin = read_certificate(der).oin
    except (SignatureError, EnvelopeError, ValueError) as error:
        sentence = f"De handtekening op de CPA klopt niet ({error}); vraag het ongewijzigde bestand opnieuw op."
        yield finding("broken-signature", Severity.ERROR, element, where, sentence, "CPA s.9.9, statement 210")
        return
    except (TrustError, OinError):
        oin = ""
    if oin not in {without_environment_suffix(text(party_id)) for party_id in cpa.root.iter(tag("PartyId"))}:
        sentence = "De handtekening op de CPA is van geen van beide partijen; ga na wie de CPA ondertekende."
        yield finding("signed-by-other", Severity.WARNING, element, where, sentence, "CPA s.9.9")


def _verified(element: etree._Element, number: int, *, legacy: bool) -> bytes:
    """DER of the certificate under which it holds. Raises SignatureError, EnvelopeError or ValueError."""
    signed_info = element.find(_DS + "SignedInfo")
    if signed_info is None:
        raise SignatureError("there is no ds:SignedInfo")
    canonicalization = _algorithm(signed_info, "CanonicalizationMethod")
    if canonicalization not in _CANONICALIZATIONS:
        raise SignatureError("the canonicalization is not allowed")
    der = read_base64(element.findtext(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate") or "")
    value = read_base64(element.findtext(_DS + "SignatureValue") or "")
    certificate = algorithms.read_signing_certificate(der)
    octets = canonical(signed_info, canonicalization)
    algorithms.check_signature(value, octets, _algorithm(signed_info, "SignatureMethod"), certificate, legacy=legacy)
    _check_document(element, number, legacy=legacy)
    return der


def _algorithm(signed_info: etree._Element, name: str) -> str:
    found = signed_info.find(_DS + name)
    return "" if found is None else found.get("Algorithm", "")


def _check_document(element: etree._Element, number: int, *, legacy: bool) -> None:
    """Exactly one reference, to the whole document as it was when this signature was put on it."""
    elements = element.findall(f"{_DS}SignedInfo/{_DS}Reference")
    references = read_references(elements)
    if len(references) != 1 or references[0].uri != "":
        raise SignatureError('the signature must refer to the document (URI "") and to nothing else')
    transforms = [one.get("Algorithm") for one in elements[0].iterfind(f"{_DS}Transforms/{_DS}Transform")]
    if transforms[:1] != [names.ENVELOPED] or not set(transforms[1:]) <= _CANONICALIZATIONS or len(transforms) > 2:
        raise SignatureError("the transforms are not enveloped-signature and canonicalization")
    canonicalization = transforms[1] if len(transforms) == 2 else names.C14N
    octets = _as_signed(element, number, str(canonicalization))
    if algorithms.digest(octets, references[0].digest_method, legacy=legacy) != references[0].digest:
        raise SignatureError("the document is not what was signed")


def _as_signed(element: etree._Element, number: int, canonicalization: str) -> bytes:
    """The document without this signature and those that were put on it later."""
    root = deepcopy(element.getroottree()).getroot()
    for later in root.findall(f"{tag('Signature')}/{_DS}Signature")[number:]:
        remove(later)
    return canonical(root, canonicalization)
