"""The area of a permit that departs from the plan, as the GML that DROP forwards to DSO, and back (drop-3pas.md 5).

In the form of the template of Geonovum: basisgeometrie 1.0, one geometry of all areas, coordinates to the millimetre.
"""

import hashlib
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.characters import checked
from digikoppelaar.drop.markers import millimetres
from digikoppelaar.drop.model import AlsVlak, Bopa, Kennisgeving, Positie
from digikoppelaar.errors import AanleveringError, SubmissionError, TooLarge, XmlError

GML_LIMIT: Final = 4 * 1024 * 1024
"""Largest GML file in bytes; an area of a permit has some hundreds of positions."""

_BASE: Final = "http://www.geostandaarden.nl/basisgeometrie/1.0"
_GML: Final = "http://www.opengis.net/gml/3.2"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = "https://register.geostandaarden.nl/gmlapplicatieschema/basisgeometrie/1.0.0/basisgeometrie.xsd"
_ID: Final = f"{{{_GML}}}id"
_SRS: Final = "EPSG:28992"


def bopa_gml(kennisgeving: Kennisgeving) -> bytes:
    """The file; the same bytes for the same kennisgeving, another id for another. Raises SubmissionError without area.

    A file with an id that DSO has already is not processed, so the id is made of all that makes a notice this one.
    """
    bopa = kennisgeving.bopa
    if bopa is None or not bopa.vlakken:
        raise SubmissionError(
            "a planafwijking without an area cannot be sent",
            advice="Geef het gebied van de vergunning: zonder dat kan de kennisgeving niet in DSO komen.",
        )
    guid = _guid(kennisgeving, bopa)
    root = etree.Element(f"{{{_BASE}}}FeatureCollectionGeometrie", nsmap={None: _BASE, "gml": _GML, "xsi": _XSI})
    root.set(f"{{{_XSI}}}schemaLocation", f"{_BASE} {_SCHEMA}")
    geometrie = _nested(root, _BASE, "featureMember", "Geometrie")
    _nested(geometrie, _BASE, "id").text = guid
    surface = _nested(_nested(geometrie, _BASE, "geometrie"), _GML, "MultiSurface")
    surface.attrib.update({_ID: f"id-{guid}-0", "srsName": _SRS})
    for number, vlak in enumerate(bopa.vlakken, start=1):
        polygon = _nested(surface, _GML, "surfaceMember", "Polygon")
        polygon.set(_ID, f"id-{guid}-{number}")
        for kind, ring in zip(_kinds(vlak), vlak.ringen, strict=True):
            _nested(polygon, _GML, kind, "LinearRing", "posList").text = _positions(ring)
    return xml.serialize(root)


def _guid(kennisgeving: Kennisgeving, bopa: Bopa) -> str:
    areas = "\n".join(_positions(ring) for vlak in bopa.vlakken for ring in vlak.ringen)
    besluit = str(kennisgeving.data.besluit)
    said = (kennisgeving.publicist.oin, bopa.identificatie, *bopa.imro_ids, kennisgeving.titel, besluit, areas)
    digest = hashlib.sha256("\n".join(checked(each, "de kennisgeving") for each in said).encode()).hexdigest()
    # The marks of a GUID of version 8: made by a rule of the maker (RFC 9562, 5.8).
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _nested(parent: etree._Element, namespace: str, *names: str) -> etree._Element:
    for name in names:
        parent = etree.SubElement(parent, f"{{{namespace}}}{name}")
    return parent


def _kinds(vlak: AlsVlak) -> Iterator[str]:
    yield "exterior"
    yield from ["interior"] * (len(vlak.ringen) - 1)


def _positions(ring: Iterable[Positie]) -> str:
    return " ".join(millimetres(number) for position in ring for number in position)


# --- Reading ---------------------------------------------------------------------------------------------------------


def read_bopa_gml(document: bytes) -> tuple[AlsVlak, ...]:
    """The areas in a file. Raises AanleveringError for what has none, or is not in RD."""
    try:
        root = xml.parse(document, limit=GML_LIMIT)
        surfaces = list(root.iter(f"{{{_GML}}}MultiSurface"))
        vlakken = tuple(_read_area(polygon) for each in surfaces for polygon in each.iter(f"{{{_GML}}}Polygon"))
    except (XmlError, TooLarge, ValueError) as error:
        raise AanleveringError(f"the GML file cannot be read ({type(error).__name__})", reason="waarde") from None
    if not vlakken or any(surface.get("srsName") != _SRS for surface in surfaces):
        raise AanleveringError(f"the GML file holds no area in {_SRS}", reason="waarde")
    return vlakken


def _read_area(polygon: etree._Element) -> AlsVlak:
    return AlsVlak(tuple(_read_ring(ring) for ring in polygon.iter(f"{{{_GML}}}posList")))


def _read_ring(ring: etree._Element) -> tuple[Positie, ...]:
    numbers = [float(number) for number in (ring.text or "").split()]
    if not all(isfinite(number) for number in numbers):
        raise ValueError("not a number")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
