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
from digikoppelaar.drop.profile import LOCATIE, NO_BIJLAGEN, EnvelopeProfile
from digikoppelaar.errors import (
    FacilityError,
    FacilityOutcomeUnknown,
    FacilityRefused,
    FacilityUnavailable,
    Fault,
    SubmissionError,
)

LONGEST_TEXT: Final = 2000
"""Characters of the text of a refusal that are kept; the raw answer has the rest."""
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
class Refused:
    """It was not taken. `whose` fault it is, and whether the same may be taken when it is sent `again`."""

    code: str
    text: str
    whose: Fault
    again: bool

    @property
    def advice(self) -> str:
        """In Dutch, what is to be done, and by whom."""
        return ADVICE_BUSY if self.again else _ADVICE_REFUSED[self.whose]


def answer(raw: RawAnswer, profile: EnvelopeProfile) -> Accepted | Refused:
    """What the answer to a request says.

    Raises FacilityOutcomeUnknown when it does not tell whether the kennisgeving was taken, and another FacilityError
    for a status by which the request never came as far as KOOP's service.
    """
    content = soap.read_body(raw.body)
    if content is None:
        raise _without_soap(raw)
    if soap.is_fault(content):
        return _refused(content, profile)
    dossiernummer = soap.text_at(content, profile.element_namespace, profile.dossiernummer)
    is_response = raw.status == HTTPStatus.OK and content.tag == f"{{{profile.namespace}}}{profile.response}"
    if is_response and 0 < len(dossiernummer) <= LONGEST_NUMBER and dossiernummer.isprintable():
        return Accepted(dossiernummer)
    raise FacilityOutcomeUnknown(f"3PAS answered {raw.status} with SOAP that holds no one dossiernummer and no fault")


_STANDARD: Final = {
    "Client": (Fault.ADMINISTRATOR, False),
    "Server": (Fault.FACILITY, True),
    "VersionMismatch": (Fault.OURS, False),
    "MustUnderstand": (Fault.OURS, False),
}
"""Fault codes of SOAP 1.1 (section 4.4.1): whose fault, and whether the same may be taken later."""


def _refused(content: etree._Element, profile: EnvelopeProfile) -> Refused:
    detail = content.find("detail")
    soap_code = _code(content.findtext("faultcode") or "")
    code, text = (
        "" if detail is None else soap.text_at(detail, profile.element_namespace, path)
        for path in (profile.fault_code, profile.fault_text)
    )
    told = content.find("faultstring")
    text = text or ("" if told is None else soap.line(told))
    return Refused(
        (code or soap_code)[:LONGEST_NUMBER], text[:LONGEST_TEXT], *_meaning({code, soap_code}, soap_code, profile)
    )


def _code(faultcode: str) -> str:
    """Without its prefix, and the general one of a code such as Client.Authentication (SOAP 1.1, 4.4.1)."""
    return faultcode.strip().rpartition(":")[2].partition(".")[0]


def _meaning(codes: set[str], soap_code: str, profile: EnvelopeProfile) -> tuple[Fault, bool]:
    """A code that nobody knows is not tried again: what it means is for a person."""
    if codes & set(profile.ours):
        return Fault.OURS, False
    if codes & set(profile.again):
        return Fault.FACILITY, True
    return _STANDARD.get(soap_code, (Fault.FACILITY, False))


_NOT_PROCESSED: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
"""Of these HTTP says that the request was not handled, and that it may be later (RFC 9110, 15; RFC 6585, 4)."""

_DONE_ELSEWHERE: Final = frozenset({HTTPStatus.FOUND, HTTPStatus.SEE_OTHER})
"""With these a server may send on who posted something that it took (RFC 9110, 15.4.3 and 15.4.4)."""


def _without_soap(raw: RawAnswer) -> FacilityError:
    said = f"3PAS answered {raw.status} with {_kind(raw)}"
    match raw.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return FacilityRefused(f"{said}: certificate or user name refused", advice=_ADVICE_ACCESS)
        case status if status in _NOT_PROCESSED:
            return FacilityUnavailable(said, advice=ADVICE_BUSY)
        case status if status in _DONE_ELSEWHERE:
            return FacilityOutcomeUnknown(f"{said}: what came of the request is told elsewhere")
        case status if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return FacilityError(f"{said}: the request did not come as far as 3PAS", advice=_ADVICE_ADDRESS)
    return FacilityOutcomeUnknown(said)


def _kind(raw: RawAnswer) -> str:
    if not raw.body.strip():
        return "an empty body"
    begin = raw.body[:1024].lstrip().lower()
    if "html" in raw.headers.get("content-type", "").lower() or begin.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return "a body that is not one SOAP 1.1 message"


ADVICE_BUSY: Final = (
    "KOOP kan de kennisgeving nu niet aannemen; er is niets gepubliceerd. Digikoppelaar probeert het vanzelf opnieuw. "
    "Blijft dit zo, bekijk dan de storingspagina van KOOP."
)
_NOT_TAKEN: Final = (
    "De kennisgeving is niet aangenomen; geef haar vrij met `kennisgeving resume` als de oorzaak weg is."
)
_ADVICE_ACCESS: Final = (
    "KOOP laat deze aansluiting niet toe: controleer certificaat of gebruikersnaam, en of KOOP die voor dit adres "
    f"kent. {_NOT_TAKEN}"
)
_ADVICE_ADDRESS: Final = f"Controleer het adres van 3PAS in de aansluiting. {_NOT_TAKEN}"
_ADVICE_REFUSED: Final[Mapping[Fault, str]] = {
    Fault.ADMINISTRATOR: (
        "KOOP weigert deze kennisgeving. Verbeter wat de foutmelding noemt met `kennisgeving edit` en keur haar "
        "opnieuw goed. Ligt het aan certificaat of machtiging, herstel die dan en geef haar vrij met "
        "`kennisgeving resume`."
    ),
    Fault.FACILITY: (
        "KOOP weigert deze kennisgeving met een foutcode die digikoppelaar niet kent. Vraag de KOOP Servicedesk wat "
        f"zij betekent. {_NOT_TAKEN}"
    ),
    Fault.OURS: (
        f"KOOP begrijpt het bericht niet. Meld dit aan de beheerder van digikoppelaar, met de foutmelding. {_NOT_TAKEN}"
    ),
}
