"""The GML that goes with the notice of a BOPA: the area of the permit, for DSO, written and read (drop-3pas.md 5).

As the example of Geonovum has it, basisgeometrie 1.0.0: one Geometrie with a MultiSurface, coordinates in RD to the
millimetre. DSO does not process a file with an identifier that it knows, so each file needs its own.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from math import isfinite
from typing import Final, NoReturn

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.markers import millimetres
from digikoppelaar.drop.model import AlsVlak, Bopa, Kennisgeving, Positie
from digikoppelaar.errors import AanleveringError, SubmissionError, TooLarge, XmlError

BASISGEOMETRIE: Final = "http://www.geostandaarden.nl/basisgeometrie/1.0"
GML: Final = "http://www.opengis.net/gml/3.2"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = (
    f"{BASISGEOMETRIE} https://register.geostandaarden.nl/gmlapplicatieschema/basisgeometrie/1.0.0/basisgeometrie.xsd"
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_SMALLEST: Final = 1e-6
"""Square metres: less is no surface to a file that tells millimetres."""

GML_LIMIT: Final = 4 * 1024 * 1024
"""Largest file that is read, in bytes; an area of a permit has some hundreds of positions."""

Ring = tuple[Positie, ...]


def bopa_gml(vlakken: Iterable[AlsVlak], uuid: str) -> bytes:
    """The file. `uuid` is new for each file; every identifier in it is made of it.

    Raises SubmissionError for an area that is not one: no positions, a ring that is open or has no surface, a hole
    that turns as its outer ring does (`turned` mends that) or lies outside it.
    """
    if _UUID.fullmatch(uuid) is None:
        raise SubmissionError("the identifier of a GML file is not a uuid in lower case")
    checked = [tuple(_rings(vlak, number)) for number, vlak in enumerate(vlakken, start=1)]
    if not checked:
        raise SubmissionError("a BOPA has no area", advice="Geef het gebied van de vergunning als een of meer vlakken.")
    root = etree.Element(
        f"{{{BASISGEOMETRIE}}}FeatureCollectionGeometrie",
        nsmap={"xlink": _XLINK, "gml": GML, "xsi": _XSI, None: BASISGEOMETRIE},
    )
    root.set(f"{{{_XSI}}}schemaLocation", _SCHEMA)
    geometrie = _add(_add(root, BASISGEOMETRIE, "featureMember"), BASISGEOMETRIE, "Geometrie")
    _add(geometrie, BASISGEOMETRIE, "id").text = uuid
    surface = _add(_add(geometrie, BASISGEOMETRIE, "geometrie"), GML, "MultiSurface")
    surface.set(f"{{{GML}}}id", f"id-{uuid}-0")
    surface.set("srsName", "EPSG:28992")
    for number, rings in enumerate(checked, start=1):
        _write_polygon(_add(surface, GML, "surfaceMember"), rings, f"id-{uuid}-{number}")
    return xml.serialize(root)


def notice_gml(kennisgeving: Kennisgeving, bopa: Bopa) -> bytes:
    """The file of this kennisgeving, holes turned: the same bytes each time, and another identifier for another one.

    Raises SubmissionError as `bopa_gml` does.
    """
    vlakken = [turned(vlak) if vlak.ringen else vlak for vlak in bopa.vlakken]
    besluit = str(kennisgeving.data.besluit)
    said = [kennisgeving.publicist.oin, bopa.identificatie, *bopa.imro_ids, kennisgeving.titel, besluit]
    said += [millimetres(each) for vlak in vlakken for ring in vlak.ringen for positie in ring for each in positie]
    digest = hashlib.sha256("\n".join(said).encode(errors="replace")).hexdigest()
    # The marks of a UUID of version 8: made by a rule of the maker (RFC 9562, 5.8).
    uuid = f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return bopa_gml(vlakken, uuid)


def turned(vlak: AlsVlak) -> AlsVlak:
    """The same area, with every hole turning the other way than the outer ring does."""
    outer, *holes = vlak.ringen
    clockwise = area(outer) < 0
    mended = (hole if (area(hole) < 0) is not clockwise else tuple(reversed(hole)) for hole in holes)
    return AlsVlak((outer, *mended), vlak.label, vlak.gemeente)


def area(ring: Iterable[Positie]) -> float:
    """In square metres; below zero when the ring turns clockwise."""
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(_from_first(ring))) / 2


def _from_first(ring: Iterable[Positie]) -> Iterator[Positie]:
    """As seen from its first position: with coordinates of six digits the sum would lose square millimetres."""
    positions = tuple(ring)
    return ((x - positions[0][0], y - positions[0][1]) for x, y in positions)


# --- Writing ---------------------------------------------------------------------------------------------------------


def _write_polygon(member: etree._Element, rings: tuple[Ring, ...], gml_id: str) -> None:
    polygon = _add(member, GML, "Polygon")
    polygon.set(f"{{{GML}}}id", gml_id)
    for number, ring in enumerate(rings):
        boundary = _add(polygon, GML, "interior" if number else "exterior")
        positions = _add(_add(boundary, GML, "LinearRing"), GML, "posList")
        positions.text = " ".join(millimetres(number) for positie in ring for number in positie)


def _add(parent: etree._Element, namespace: str, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}")


# --- Checking --------------------------------------------------------------------------------------------------------


def _rings(vlak: AlsVlak, number: int) -> Iterator[Ring]:
    """Its rings to the millimetre, each checked; `number` says to a reader which area it is."""
    where = f"vlak {number}"
    if not vlak.ringen:
        _refuse(where, "an area has no rings", "Geef de punten van de buitengrens.")
    rings = [_ring(ring, where if place == 0 else f"{where}, gat {place}") for place, ring in enumerate(vlak.ringen)]
    outer, *holes = rings
    for place, hole in enumerate(holes, start=1):
        if (area(hole) < 0) is (area(outer) < 0):
            _refuse(
                f"{where}, gat {place}",
                "a hole turns as its outer ring does",
                "Zet de punten van het gat in de omgekeerde volgorde.",
            )
        if not all(_within(positie, outer) for positie in hole):
            _refuse(f"{where}, gat {place}", "a hole lies outside its area", "Een gat ligt binnen zijn vlak.")
    return iter(rings)


def _ring(ring: Ring, where: str) -> Ring:
    snapped = tuple(each for each, _ in groupby((round(x, 3), round(y, 3)) for x, y in ring))
    if not snapped or snapped[0] != snapped[-1]:
        _refuse(where, "a ring is not closed", "Sluit de ring: het laatste punt is gelijk aan het eerste.")
    if len(snapped) < 4 or not abs(area(snapped)) >= _SMALLEST:
        _refuse(
            where, "a ring has no surface", "Geef ten minste drie verschillende punten die niet op een lijn liggen."
        )
    return snapped


def _refuse(where: str, message: str, advice: str) -> NoReturn:
    raise SubmissionError(f"GML of a BOPA: {message}", advice=f"{advice} Het gaat om {where}.")


def _within(positie: Positie, ring: Ring) -> bool:
    """Whether it lies in the ring or on it."""
    x, y = positie
    inside = False
    for (ax, ay), (bx, by) in pairwise(ring):
        across = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if across == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        if (ay > y) is not (by > y) and (across > 0) is (by > ay):
            inside = not inside
    return inside


# --- Reading ---------------------------------------------------------------------------------------------------------


def read_bopa_gml(document: bytes) -> tuple[AlsVlak, ...]:
    """The areas in a file that was delivered. Raises AanleveringError when it has none in RD."""
    try:
        root = xml.parse(document, limit=GML_LIMIT)
        surfaces = list(root.iter(f"{{{GML}}}MultiSurface"))
        vlakken = tuple(_read_area(polygon) for each in surfaces for polygon in each.iter(f"{{{GML}}}Polygon"))
    except (XmlError, TooLarge, ValueError) as error:
        raise AanleveringError(f"the GML file cannot be read ({type(error).__name__})", reason="waarde") from None
    if not vlakken or any(surface.get("srsName") != "EPSG:28992" for surface in surfaces):
        raise AanleveringError("the GML file has no area in RD", reason="waarde")
    return vlakken


def _read_area(polygon: etree._Element) -> AlsVlak:
    return AlsVlak(tuple(_read_positions(found.text or "") for found in polygon.iter(f"{{{GML}}}posList")))


def _read_positions(text: str) -> Ring:
    numbers = [float(word) for word in text.split()]
    if not all(isfinite(number) for number in numbers):
        raise ValueError("not a coordinate")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
