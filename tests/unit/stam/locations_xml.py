"""Projectlocaties for tests, as text: none of our own code writes them."""

from collections.abc import Iterable

from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.stam.model import Projectlocatie
from digikoppelaar.stam.verzoek import read_verzoek

RD_URN = "urn:ogc:def:crs:EPSG::28992"
ETRS_URN = "urn:ogc:def:crs:EPSG::4258"
SQUARE = ((155000, 463000), (155100, 463000), (155100, 463100), (155000, 463100), (155000, 463000))
HOLE = ((155020, 463020), (155020, 463040), (155040, 463040), (155040, 463020), (155020, 463020))


def locatie(opgegeven: str = "", etrs: str = "", rest: str = "") -> Projectlocatie:
    """The second projectlocatie of a verzoek that was read, with this XML in its parts."""
    parts = [
        f"<vx:{name}>{inner}</vx:{name}>"
        for name, inner in (("coordinatenOpgegeven", opgegeven), ("coordinatenEtrs", etrs))
        if inner
    ]
    inner = "".join([*parts, rest])
    extra = f"<vx:projectlocaties><vx:projectlocatie>{inner}</vx:projectlocatie></vx:projectlocaties>"
    return read_verzoek(verzoek_xml(extra=extra)).projectlocaties[1]


def point(text: str, srs: str = RD_URN) -> str:
    """A gml:Point."""
    return f'<g:Point xmlns:g="http://www.opengis.net/gml" srsName="{srs}"><g:pos>{text}</g:pos></g:Point>'


def polygon(outer: Iterable[tuple[float, float]], *inner: Iterable[tuple[float, float]], srs: str = RD_URN) -> str:
    """A gml:Polygon (3.2) with posLists."""
    holes = "".join(f"<g:interior>{_ring(each)}</g:interior>" for each in inner)
    return (
        f'<g:Polygon xmlns:g="http://www.opengis.net/gml/3.2" srsName="{srs}">'
        f"<g:exterior>{_ring(outer)}</g:exterior>{holes}</g:Polygon>"
    )


def _ring(positions: Iterable[tuple[float, float]]) -> str:
    text = " ".join(f"{x} {y}" for x, y in positions)
    return f"<g:LinearRing><g:posList>{text}</g:posList></g:LinearRing>"


def codes(found: Projectlocatie) -> list[str]:
    """The codes of what was wrong."""
    return [finding.code for finding in found.findings]
