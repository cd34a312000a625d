"""The other side of 3PAS: a request read, and its answer written. For the sandbox, and for tests of what we send.

Strict: what the schema of the profile does not have is refused. Which refusals KOOP gives is not public.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop import soap
from digikoppelaar.drop.bladen import BLAD_OF
from digikoppelaar.drop.bopa import read_bopa_gml
from digikoppelaar.drop.inhoud import Flaw, read_inhoud_zip
from digikoppelaar.drop.markers import Markering
from digikoppelaar.drop.model import (
    Bestuurslaag,
    Blad,
    Bopa,
    Data,
    Documenttype,
    Kennisgeving,
    Locatie,
    Moment,
    Periode,
    Procedure,
    Publicist,
)
from digikoppelaar.drop.profile import BINARIES, DATES, ENUMS, LOCATIE, EnvelopeProfile
from digikoppelaar.drop.schema import OPERATION, schemas
from digikoppelaar.errors import AanleveringError, OinError
from digikoppelaar.pki.oin import check_oin

_SCHEMA_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Aanlevering:
    """What a request says: texts by the name of their field, in the spelling of our model, days, locations, files."""

    texts: Mapping[str, tuple[str, ...]]
    days: Mapping[str, date]
    locaties: tuple[Locatie, ...]
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def inhoud_zip(self) -> bytes:
        """The zip; empty when the profile does not ask for one."""
        return self.files.get("inhoud_zip", b"")

    def text(self, name: str) -> str:
        """The one text of a field; empty when it is not there."""
        return self.texts.get(name, ("",))[0]


def read_request(action: str, content_type: str, body: bytes, profile: EnvelopeProfile) -> Aanlevering:
    """What a request says. `action` is the value of the header SOAPAction.

    Raises AanleveringError: `envelope` for what is not this request at all, `waarde` for a value that cannot be.
    """
    if action != profile.action:
        raise AanleveringError("SOAPAction is not that of the operation", reason=Flaw.ENVELOPE)
    if content_type.partition(";")[0].strip().lower() != "text/xml":
        raise AanleveringError("the request is not text/xml, as SOAP 1.1 is", reason=Flaw.ENVELOPE)
    operation = soap.read_body(body)
    if operation is None or operation.tag != f"{{{profile.namespace}}}{profile.operation}":
        raise AanleveringError("the request is not SOAP 1.1 with the operation in its body", reason=Flaw.ENVELOPE)
    _check_schema(operation, profile)
    return _aanlevering(operation, profile)


def _check_schema(operation: etree._Element, profile: EnvelopeProfile) -> None:
    schema = xml.read_schema(OPERATION, schemas(profile), limit=_SCHEMA_LIMIT)
    if not schema.validate(operation):
        wrong = schema.error_log[0]
        flaw = Flaw.ENVELOPE if wrong.type_name == "SCHEMAV_ELEMENT_CONTENT" else Flaw.WAARDE
        name = (wrong.path or "").rpartition("/")[2].rpartition(":")[2][:60]
        raise AanleveringError(f"{name} is not as the schema has it ({wrong.type_name})", reason=flaw)


def _aanlevering(operation: etree._Element, profile: EnvelopeProfile) -> Aanlevering:
    texts: dict[str, tuple[str, ...]] = {}
    days: dict[str, date] = {}
    files: dict[str, bytes] = {}
    locaties: tuple[Locatie, ...] = ()
    for name in profile.order:
        found = soap.at(operation, profile.element_namespace, profile.path[name])
        values = tuple(str(element.xpath("string()")) for element in found)
        if name == LOCATIE:
            locaties = tuple(_locatie(element, profile) for element in found)
        elif values and name in DATES:
            days[name] = _day(values[0])
        elif values and name in BINARIES:
            files[name] = _bytes(values[0])
        elif values:
            texts[name] = tuple(_meant(name, value, profile) for value in values)
    _check_oins(texts)
    return Aanlevering(texts, days, locaties, files)


def _bytes(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:  # libxml2 lets other characters pass
        raise AanleveringError("a file is not in base64", reason=Flaw.WAARDE) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:  # with a time zone, which a schema lets pass
        raise AanleveringError("a day is not as 2026-06-03", reason=Flaw.WAARDE) from None


def _meant(name: str, spelled: str, profile: EnvelopeProfile) -> str:
    if name not in ENUMS:
        return spelled
    member = profile.member(name, spelled)
    assert member is not None, "the schema has the spellings of the profile"
    return ENUMS[name][member].value


def _check_oins(texts: Mapping[str, tuple[str, ...]]) -> None:
    try:
        for name in ("oin", "behandelaar_oin"):
            for value in texts.get(name, ()):
                check_oin(value)
    except OinError:
        raise AanleveringError(f"{name} is not an OIN", reason=Flaw.WAARDE) from None


def _locatie(element: etree._Element, profile: EnvelopeProfile) -> Locatie:
    velden = {
        veld: str(found[0].xpath("string()"))
        for veld, path in profile.locatie_path.items()
        if (found := soap.at(element, profile.element_namespace, path))
    }
    soort = profile.member("locatietype", velden.pop("locatietype")) or ""
    locatie = Markering(soort, tuple(velden.items())).locatie
    if locatie is None:
        raise AanleveringError(f"a gebiedsmarkering of kind {soort} lacks what makes a place of it", reason=Flaw.WAARDE)
    return locatie


def kennisgeving(aanlevering: Aanlevering, profile: EnvelopeProfile) -> Kennisgeving:
    """The kennisgeving that was delivered, its text out of the zip; raises AanleveringError as reading that does.

    Procedure and moment are those that fit the documenttype when the profile does not send them, and blad the one of
    its bestuurslaag when none was told; a value that is not sent and has no default is empty.
    """
    titel, tekst = read_inhoud_zip(aanlevering.inhoud_zip, profile.accepted)
    documenttype = Documenttype(aanlevering.text("documenttype"))
    moment = Moment.AANVRAAG if documenttype is Documenttype.AANVRAAG else Moment.BESLUIT
    bestuurslaag = Bestuurslaag(aanlevering.text("bestuurslaag"))
    return Kennisgeving(
        publicist=Publicist(aanlevering.text("oin"), aanlevering.text("naam"), bestuurslaag),
        behandelaar_oin=aanlevering.text("behandelaar_oin") or aanlevering.text("oin"),
        blad=Blad(aanlevering.text("blad") or BLAD_OF[bestuurslaag]),
        documenttype=documenttype,
        procedure=Procedure(aanlevering.text("procedure") or Procedure.REGULIER),
        moment=Moment(aanlevering.text("moment") or moment),
        titel=titel,
        tekst=tekst,
        rubriek=aanlevering.text("rubriek"),
        referentienummer=aanlevering.text("referentienummer"),
        activiteiten=aanlevering.texts.get("activiteit", ()),
        samenvatting=aanlevering.text("samenvatting"),
        onderwerp=aanlevering.text("onderwerp"),
        locaties=aanlevering.locaties,
        data=_data(aanlevering.days),
        bopa=_bopa(aanlevering),
    )


def _data(days: Mapping[str, date]) -> Data:
    periods = {
        name: Periode(days[f"{name}_eerste"], days[f"{name}_laatste"])
        for name in ("inzage", "reactie")
        if {f"{name}_eerste", f"{name}_laatste"} <= days.keys()
    }
    return Data(
        ontvangst=days.get("ontvangst"),
        besluit=days.get("besluit"),
        verzending=days.get("verzending"),
        inzage=periods.get("inzage"),
        reactie=periods.get("reactie"),
        publicatie=days.get("publicatie"),
    )


def _bopa(aanlevering: Aanlevering) -> Bopa | None:
    if "gml" not in aanlevering.files:
        return None
    vlakken = read_bopa_gml(aanlevering.files["gml"])
    return Bopa(aanlevering.text("bopa_identificatie"), vlakken, aanlevering.texts.get("imro_id", ()))


# --- The answer ------------------------------------------------------------------------------------------------------


def accepted_body(dossiernummer: str, profile: EnvelopeProfile) -> bytes:
    """The answer to a request that was taken."""
    root, response = soap.message(profile.namespace, profile.response)
    soap.put(response, profile.element_namespace, profile.dossiernummer).text = dossiernummer
    return xml.serialize(root)


def fault_body(soap_code: str, code: str, text: str, profile: EnvelopeProfile) -> bytes:
    """A fault, which goes with status 500; `soap_code` is one of SOAP 1.1, without prefix."""
    root, fault = soap.fault(soap_code, text)
    detail = etree.SubElement(fault, "detail")
    soap.put(detail, profile.element_namespace, profile.fault_code).text = code
    soap.put(detail, profile.element_namespace, profile.fault_text).text = text
    return xml.serialize(root)


def refusal_body(error: AanleveringError, profile: EnvelopeProfile) -> bytes:
    """The fault that says what is wrong with a request."""
    return fault_body("Client", profile.flaw_codes[error.reason], str(error), profile)
