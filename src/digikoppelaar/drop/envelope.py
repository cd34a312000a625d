"""A kennisgeving as a SOAP request of 3PAS, and what the answer to it means. Names come from a profile alone.

The other side of this, for the sandbox, is in `receiving`.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop import soap
from digikoppelaar.drop.bopa import notice_gml
from digikoppelaar.drop.characters import checked
from digikoppelaar.drop.inhoud import inhoud_zip
from digikoppelaar.drop.markers import Markering, marker
from digikoppelaar.drop.model import Bopa, Data, Documenttype, Kennisgeving
from digikoppelaar.drop.outcomes import NO_ANSWER, Meaning, of_fault, of_status
from digikoppelaar.drop.profile import LOCATIE, NO_BIJLAGEN, EnvelopeProfile
from digikoppelaar.errors import SubmissionError

LONGEST_TEXT: Final = 2000
"""Characters of the text of a fault that are kept; the raw answer has the rest."""
LONGEST_NUMBER: Final = 100
"""Characters of a dossiernummer, for what is longer is none, and of a code."""

Value = str | bytes | date | StrEnum | Markering | None


# --- The request -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """What is to be posted: the value of SOAPAction with its quotes, the media type, and the bytes."""

    action: str
    content_type: str
    body: bytes = field(repr=False)


def request(kennisgeving: Kennisgeving, profile: EnvelopeProfile) -> SoapRequest:
    """The request; the same bytes for the same kennisgeving and profile.

    Raises SubmissionError for what cannot be said: a required value that is not there, a bijlage that the profile does
    not know how to send, a planafwijking without its area, a character that XML cannot hold.
    """
    _refuse_unsayable(kennisgeving, profile)
    values = dict(_values(kennisgeving, profile))
    root, operation = soap.message(profile.namespace, profile.operation)
    for name in profile.order:
        said = [value for value in values[name] if value not in (None, "", b"")]
        if not said and name in profile.required:
            raise SubmissionError(
                f"a kennisgeving without {name} cannot be sent",
                advice=f"Vul het gegeven '{name}' van de kennisgeving in: KOOP neemt haar zonder niet aan.",
            )
        for value in said:
            _write(soap.put(operation, profile.element_namespace, profile.path[name]), name, value, profile)
    return SoapRequest(profile.action, soap.CONTENT_TYPE, xml.serialize(root))


def _refuse_unsayable(kennisgeving: Kennisgeving, profile: EnvelopeProfile) -> None:
    if kennisgeving.bijlagen and profile.bijlagen == NO_BIJLAGEN:
        raise SubmissionError(
            "a kennisgeving with bijlagen cannot be sent over 3PAS",
            advice="Hoe 3PAS bijlagen aanneemt is niet openbaar. Verwijs ernaar in de tekst of publiceer in DROP zelf.",
        )
    if (kennisgeving.documenttype is Documenttype.PLANAFWIJKING) != (kennisgeving.bopa is not None):
        raise SubmissionError(
            "a planafwijking has what belongs to a BOPA, and nothing else has",
            advice="Geef bij een planafwijking, en alleen daar, identificatie en gebied van de BOPA.",
        )


def _values(kennisgeving: Kennisgeving, profile: EnvelopeProfile) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Every field that an envelope can hold, with its values."""
    publicist, bopa = kennisgeving.publicist, kennisgeving.bopa
    yield "oin", (publicist.oin,)
    yield "naam", (publicist.naam,)
    yield "bestuurslaag", (publicist.bestuurslaag,)
    yield "behandelaar_oin", (kennisgeving.behandelaar_oin,)
    yield "blad", (kennisgeving.blad,)
    yield "documenttype", (kennisgeving.documenttype,)
    yield "procedure", (kennisgeving.procedure,)
    yield "moment", (kennisgeving.moment,)
    yield "uitkomst", (kennisgeving.uitkomst,)
    yield "titel", (kennisgeving.titel,)
    yield "rubriek", (kennisgeving.rubriek,)
    yield "activiteit", kennisgeving.activiteiten
    yield "referentienummer", (kennisgeving.referentienummer,)
    yield "samenvatting", (kennisgeving.samenvatting,)
    yield "onderwerp", (kennisgeving.onderwerp,)
    yield LOCATIE, tuple(marker(locatie) for locatie in kennisgeving.locaties)
    yield from _days(kennisgeving.data)
    yield from _departure(bopa)
    yield "gml", (notice_gml(kennisgeving, bopa) if bopa else None,)
    yield "inhoud_zip", (inhoud_zip(kennisgeving, profile.accepted),)


def _days(data: Data) -> Iterator[tuple[str, tuple[date | None]]]:
    yield "ontvangst", (data.ontvangst,)
    yield "besluit", (data.besluit,)
    yield "verzending", (data.verzending,)
    yield "publicatie", (data.publicatie,)
    for name, period in (("inzage", data.inzage), ("reactie", data.reactie)):
        yield f"{name}_eerste", (period.eerste if period else None,)
        yield f"{name}_laatste", (period.laatste if period else None,)


def _departure(bopa: Bopa | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "bopa_identificatie", (bopa.identificatie,) if bopa else ()
    yield "imro_id", bopa.imro_ids if bopa else ()


def _write(element: etree._Element, name: str, value: Value, profile: EnvelopeProfile) -> None:
    match value:
        case Markering():
            _write_marker(element, value, profile)
        case bytes():
            element.text = b64encode(value).decode()
        case date():
            element.text = value.isoformat()
        case StrEnum():
            element.text = profile.spelled(name, value)
        case str():
            element.text = checked(value, f"het gegeven '{name}'")


def _write_marker(element: etree._Element, markering: Markering, profile: EnvelopeProfile) -> None:
    velden = dict(markering.velden) | {"locatietype": profile.spelling["locatietype"][markering.soort]}
    for veld, path in profile.locatie_path.items():
        if waarde := velden.get(veld):
            _write(soap.put(element, profile.element_namespace, path), veld, waarde, profile)


# --- The answer ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """It was taken. Not: it is published."""

    dossiernummer: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """It was not taken, or nothing says that it was: see `meaning`. `code` is that of a fault, or the HTTP status.

    `said` is what came, in words; of a fault the words are KOOP's, which may quote the kennisgeving.
    """

    code: str
    said: str
    meaning: Meaning

    @property
    def reason(self) -> str:
        """What came, and why it means what it means."""
        return f"3PAS answered {self.said}: {self.meaning.why}"


def answer(raw: RawAnswer, profile: EnvelopeProfile) -> Accepted | NotAccepted:
    """What the answer to a request says."""
    content = soap.read_body(raw.body)
    if content is None:
        return NotAccepted(str(raw.status), f"{raw.status} with {_kind(raw)}", of_status(raw.status))
    if soap.is_fault(content):
        return _fault(content, profile)
    dossiernummer = soap.text_at(content, profile.element_namespace, profile.dossiernummer)
    is_response = raw.status == HTTPStatus.OK and content.tag == f"{{{profile.namespace}}}{profile.response}"
    if is_response and 0 < len(dossiernummer) <= LONGEST_NUMBER and dossiernummer.isprintable():
        return Accepted(dossiernummer)
    return NotAccepted(str(raw.status), f"{raw.status} with SOAP", NO_ANSWER)


def _fault(content: etree._Element, profile: EnvelopeProfile) -> NotAccepted:
    detail = content.find("detail")
    soap_code = _code(content.findtext("faultcode") or "")
    code, text = (
        "" if detail is None else soap.text_at(detail, profile.element_namespace, path)
        for path in (profile.fault_code, profile.fault_text)
    )
    told = content.find("faultstring")
    text = text or ("" if told is None else soap.line(told))
    shown = (code or soap_code)[:LONGEST_NUMBER]
    said = " ".join(filter(None, ("fault", shown, text[:LONGEST_TEXT])))
    return NotAccepted(shown, said, of_fault(soap_code, code, profile))


def _code(faultcode: str) -> str:
    """Without its prefix, and the general one of a code such as Client.Authentication (SOAP 1.1, 4.4.1)."""
    return faultcode.strip().rpartition(":")[2].partition(".")[0]


def _kind(raw: RawAnswer) -> str:
    if not raw.body.strip():
        return "an empty body"
    begin = raw.body[:1024].lstrip().lower()
    if "html" in raw.headers.get("content-type", "").lower() or begin.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "a body that is not one SOAP 1.1 message"
