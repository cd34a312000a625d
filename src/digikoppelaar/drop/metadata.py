"""The two metadata records that KOOP publishes beside a notice (drop-3pas.md 4): both written, the first also read.

Where referentienummer, activiteit and abstract stand was not seen: readers find them by name, and so do we.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.bladen import BLADEN, BODY_SCHEMES, CONFIGURATIES, DOCTYPE
from digikoppelaar.drop.markers import SCHEMES, Markering, marker
from digikoppelaar.drop.model import Locatie
from digikoppelaar.drop.publication import Publicatie, parsed
from digikoppelaar.errors import FacilityAnswerBroken

_DCTERMS: Final = "http://purl.org/dc/terms/"
_OVERHEID: Final = "http://standaarden.overheid.nl/owms/terms/"
_OVERHEIDOP: Final = "http://standaarden.overheid.nl/oep/meta/"

RUBRIEK: Final = "OVERHEIDop.Rubriek"
AGENDA: Final = "OVERHEID.TaxonomieBeleidsagendaDecentraal"
ACTIVITEIT: Final = "OVERHEIDop.ActiviteitOmgevingsvergunning"
LOCATIETYPE: Final = "OVERHEIDop.locatietype"
ORGANISATIETYPE: Final = "OVERHEID.Organisatietype"
_W3CDTF: Final = "DCTERMS.W3CDTF"

_Entry = tuple[str, str, str]
"""Name, scheme and content."""


# --- metadata.xml ----------------------------------------------------------------------------------------------------


def metadata_xml(publicatie: Publicatie) -> bytes:
    """The record `metadata.xml`."""
    root = etree.Element("metadata_gegevens")
    for entry in _about(publicatie):
        _write_entry(root, entry)
    for locatie in publicatie.kennisgeving.locaties:
        found = marker(locatie)
        outer = _write_entry(root, ("OVERHEIDop.gebiedsmarkering", LOCATIETYPE, found.soort))
        for naam, waarde in found.velden:
            _write_entry(outer, (f"OVERHEIDop.{naam}", SCHEMES.get(naam, ""), waarde))
    for entry in _number(publicatie):
        _write_entry(root, entry)
    return xml.serialize(root)


def _about(publicatie: Publicatie) -> Iterator[_Entry]:
    kennisgeving = publicatie.kennisgeving
    publicist = kennisgeving.publicist
    body = BODY_SCHEMES[publicist.bestuurslaag].text
    yield "OVERHEID.organisationType", ORGANISATIETYPE, publicist.bestuurslaag.value
    yield "OVERHEIDop.publicationName", "", BLADEN[kennisgeving.blad].publicatienaam
    yield "OVERHEIDop.doctype", "", DOCTYPE
    yield "OVERHEIDop.configuratie", "", CONFIGURATIES[kennisgeving.documenttype].text
    yield "DC.creator", body, publicist.naam
    yield "DC.type", "OVERHEID.Informatietype", "officiële publicatie"
    yield "DCTERMS.publisher", body, publicist.naam
    yield "OVERHEID.authority", body, publicist.naam
    if kennisgeving.onderwerp:
        yield "OVERHEID.category", AGENDA, kennisgeving.onderwerp
    yield "DC.type", RUBRIEK, kennisgeving.rubriek
    yield "DCTERMS.language", "DCTERMS.RFC4646", "nl"
    if kennisgeving.samenvatting:
        yield "DCTERMS.abstract", "", kennisgeving.samenvatting
    for activiteit in kennisgeving.activiteiten:
        yield "OVERHEIDop.activiteit", ACTIVITEIT, activiteit
    if kennisgeving.referentienummer:
        yield "OVERHEIDop.referentienummer", "", kennisgeving.referentienummer


def _number(publicatie: Publicatie) -> Iterator[_Entry]:
    yield "DC.title", "", publicatie.kennisgeving.titel
    yield "DCTERMS.available", _W3CDTF, publicatie.datum.isoformat()
    yield "OVERHEIDop.jaargang", _W3CDTF, str(publicatie.jaar)
    yield "OVERHEIDop.publicationIssue", "", str(publicatie.nummer)
    yield "DC.identifier", BLADEN[publicatie.kennisgeving.blad].scheme, publicatie.identifier


def _write_entry(parent: etree._Element, entry: _Entry) -> etree._Element:
    name, scheme, content = entry
    return etree.SubElement(parent, "metadata", name=name, scheme=scheme, content=content)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a record `metadata.xml` says. What it leaves out is empty, or None for the date."""

    identifier: str
    titel: str
    creator: str
    datum: date | None
    rubriek: str
    referentienummer: str
    activiteiten: tuple[str, ...]
    samenvatting: str
    onderwerpen: tuple[str, ...]
    markeringen: tuple[Markering, ...]

    @property
    def locaties(self) -> tuple[Locatie, ...]:
        """The gebiedsmarkeringen of which a location can be made."""
        return tuple(found for each in self.markeringen if (found := each.locatie) is not None)


def read_metadata(document: bytes) -> Metadata:
    """The record in `document`. Raises FacilityAnswerBroken when it is none, or has no identifier."""
    root = parsed(document, "metadata record")
    if xml.local_name(root) != "metadata_gegevens":
        raise FacilityAnswerBroken("the metadata record has another root than metadata_gegevens")
    entries = [_read_entry(element) for element in root.iterchildren("metadata")]
    if not _first(entries, "DC.identifier"):
        raise FacilityAnswerBroken("the metadata record has no identifier")
    return Metadata(
        identifier=_first(entries, "DC.identifier"),
        titel=_first(entries, "DC.title"),
        creator=_first(entries, "DC.creator"),
        datum=read_date(_first(entries, "DCTERMS.available")),
        rubriek=next(iter(_all(entries, "DC.type", RUBRIEK)), ""),
        referentienummer=_first(entries, "OVERHEIDop.referentienummer"),
        activiteiten=_all(entries, "OVERHEIDop.activiteit"),
        samenvatting=_first(entries, "DCTERMS.abstract"),
        onderwerpen=_all(entries, "OVERHEID.category"),
        markeringen=tuple(_read_marker(element) for element in root.iterchildren("metadata") if _is_marker(element)),
    )


def _read_entry(element: etree._Element) -> _Entry:
    return element.get("name", ""), element.get("scheme", ""), " ".join(element.get("content", "").split())


def _is_marker(element: etree._Element) -> bool:
    return element.get("name") == "OVERHEIDop.gebiedsmarkering"


def _read_marker(element: etree._Element) -> Markering:
    inner = (_read_entry(each) for each in element.iterchildren("metadata"))
    return Markering(element.get("content", ""), tuple((name.rpartition(".")[2], value) for name, _, value in inner))


def _all(entries: list[_Entry], name: str, scheme: str | None = None) -> tuple[str, ...]:
    return tuple(value for each, of, value in entries if each == name and value and scheme in (None, of))


def _first(entries: list[_Entry], name: str) -> str:
    return next(iter(_all(entries, name)), "")


def read_date(text: str) -> date | None:
    """The day in an ISO date or time; None when there is none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


# --- metadata_owms.xml -----------------------------------------------------------------------------------------------


def metadata_owms_xml(publicatie: Publicatie) -> bytes:
    """The record `metadata_owms.xml`."""
    root = etree.Element("owms-metadata", nsmap={"dcterms": _DCTERMS, "overheid": _OVERHEID, "overheidop": _OVERHEIDOP})
    _write_kern(etree.SubElement(root, "owmskern"), publicatie)
    _write_mantel(etree.SubElement(root, "owmsmantel"), publicatie)
    _write_oep(etree.SubElement(root, "oep"), publicatie)
    return xml.serialize(root)


def _write_kern(kern: etree._Element, publicatie: Publicatie) -> None:
    kennisgeving = publicatie.kennisgeving
    body = BODY_SCHEMES[kennisgeving.publicist.bestuurslaag].text
    _add(kern, _DCTERMS, "identifier", publicatie.identifier)
    _add(kern, _DCTERMS, "title", kennisgeving.titel)
    _add(kern, _DCTERMS, "language", "nl")
    _add(kern, _DCTERMS, "type", kennisgeving.rubriek, RUBRIEK)
    _add(kern, _DCTERMS, "creator", kennisgeving.publicist.naam, body)
    # A point where a colon is meant: so KOOP writes it, and readers of the real record must cope with it.
    etree.SubElement(kern, "dcterms.modified").text = publicatie.datum.isoformat()


def _write_mantel(mantel: etree._Element, publicatie: Publicatie) -> None:
    _add(mantel, _DCTERMS, "available", publicatie.datum.isoformat())
    if publicatie.kennisgeving.samenvatting:
        _add(mantel, _DCTERMS, "abstract", publicatie.kennisgeving.samenvatting)
    _add(mantel, _DCTERMS, "publisher", publicatie.kennisgeving.publicist.naam)


def _write_oep(oep: etree._Element, publicatie: Publicatie) -> None:
    kennisgeving = publicatie.kennisgeving
    _add(oep, _OVERHEID, "organisationType", kennisgeving.publicist.bestuurslaag.value)
    _add(oep, _OVERHEIDOP, "publicationName", BLADEN[kennisgeving.blad].publicatienaam)
    _add(oep, _OVERHEIDOP, "configuratie", CONFIGURATIES[kennisgeving.documenttype].text)
    _add(oep, _OVERHEID, "authority", kennisgeving.publicist.naam)
    if kennisgeving.onderwerp:
        _add(oep, _OVERHEID, "category", kennisgeving.onderwerp, AGENDA)
    for activiteit in kennisgeving.activiteiten:
        _add(oep, _OVERHEIDOP, "activiteit", activiteit, ACTIVITEIT)
    if kennisgeving.referentienummer:
        _add(oep, _OVERHEIDOP, "referentienummer", kennisgeving.referentienummer)
    for found in map(marker, kennisgeving.locaties):
        for naam, waarde in (("gebiedsmarkering", found.soort), *found.velden):
            _add(oep, _OVERHEIDOP, naam, waarde)
    _add(oep, _OVERHEIDOP, "jaargang", str(publicatie.jaar))
    _add(oep, _OVERHEIDOP, "publicationIssue", str(publicatie.nummer))


def _add(parent: etree._Element, namespace: str, name: str, text: str, scheme: str | None = None) -> None:
    element = etree.SubElement(parent, f"{{{namespace}}}{name}", {} if scheme is None else {"scheme": scheme})
    element.text = text
