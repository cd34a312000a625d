"""What KOOP publishes of a kennisgeving: the XML of "Officiële Publicaties, versie 1.1", written and read.

Its metadata records are in `metadata`. What is delivered as `inhoud` is published as `tekst` (drop-3pas.md 3).
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.bladen import BLADEN
from digikoppelaar.drop.blocks import read_blocks, write_blocks
from digikoppelaar.drop.model import Blad, Blok, Kennisgeving
from digikoppelaar.errors import FacilityAnswerBroken, PartnerError

DOCUMENT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a document of KOOP. A notice has a few thousand, a regulation with tables up to some millions."""
MAX_ELEMENTS: Final = 50_000
"""Of a document of KOOP: a page of the search has sixty for each of its records."""

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = "http://technische-documentatie.oep.overheid.nl/schema/op-xsd-2012-3"
_METADATA: Final = "https://zoek.officielebekendmakingen.nl/{identifier}/metadata.xml"
_IDENTIFIER: Final = re.compile(r"([a-z]{3,5})-(\d{4})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Nummer:
    """The number of a publication, such as gmb-2024-216934 (drop-3pas.md 7)."""

    blad: Blad
    jaar: int
    nummer: int

    def __str__(self) -> str:
        return f"{self.blad.value}-{self.jaar}-{self.nummer}"


def read_nummer(identifier: str) -> Nummer | None:
    """The number in an identifier; None for what is not one of our bladen."""
    match = _IDENTIFIER.fullmatch(identifier)
    if match is None or match[1] not in set(Blad):
        return None
    return Nummer(Blad(match[1]), int(match[2]), int(match[3]))


@dataclass(frozen=True, slots=True)
class Publicatie:
    """A kennisgeving with its number and the day on which it is published."""

    kennisgeving: Kennisgeving
    jaar: int
    nummer: int
    datum: date

    @property
    def identifier(self) -> str:
        """Such as gmb-2024-216934."""
        return str(Nummer(self.kennisgeving.blad, self.jaar, self.nummer))


def publication_xml(publicatie: Publicatie) -> bytes:
    """The document that is published."""
    kennisgeving = publicatie.kennisgeving
    names = BLADEN[kennisgeving.blad]
    root = etree.Element("officiele-publicatie", nsmap={"xsi": _XSI})
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", _SCHEMA)
    etree.SubElement(
        etree.SubElement(root, "metadata"),
        "meta",
        name="OVERHEIDop.externMetadataRecord",
        content=_METADATA.format(identifier=publicatie.identifier),
        scheme="",
    )
    kop = etree.SubElement(root, "kop")
    etree.SubElement(kop, "titel").text = names.titel
    etree.SubElement(kop, "subtitel").text = names.subtitel.format(naam=kennisgeving.publicist.naam)
    _write_notice(etree.SubElement(root, names.element), kennisgeving)
    return xml.serialize(root)


def _write_notice(blad: etree._Element, kennisgeving: Kennisgeving) -> None:
    etree.SubElement(etree.SubElement(blad, "kop"), "titel").text = kennisgeving.titel
    mededeling = etree.SubElement(blad, "zakelijke-mededeling")
    tekst = etree.SubElement(etree.SubElement(mededeling, "zakelijke-mededeling-tekst"), "tekst")
    write_blocks(tekst, kennisgeving.tekst)


@dataclass(frozen=True, slots=True)
class Published:
    """What a published document says: in which blad, under what title, with what text."""

    blad: Blad
    titel: str
    tekst: tuple[Blok, ...]


def read_publication(document: bytes) -> Published:
    """A published notice. Raises FacilityAnswerBroken when it is not one, such as a regulation or a page of errors."""
    root = parsed(document, "publication")
    bladen = {names.element: blad for blad, names in BLADEN.items()}
    for element in root.iterchildren("*"):
        tekst = element.find("zakelijke-mededeling/zakelijke-mededeling-tekst/tekst")
        blad = bladen.get(xml.local_name(element))
        if blad is not None and tekst is not None:
            titel = element.find("kop/titel")
            return Published(blad, "" if titel is None else one_line(titel), read_blocks(tekst))
    raise FacilityAnswerBroken("the publication holds no zakelijke-mededeling")


def parsed(document: bytes, what: str) -> etree._Element:
    """The root of a document of KOOP. Raises FacilityAnswerBroken, which calls it `what`."""
    try:
        return xml.parse(document, limit=DOCUMENT_LIMIT, max_elements=MAX_ELEMENTS)
    except PartnerError as error:
        raise FacilityAnswerBroken(f"{what}: {error}") from error


def one_line(element: etree._Element) -> str:
    """All text in an element, with single blanks."""
    return " ".join("".join(element.itertext()).split())
