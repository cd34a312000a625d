"""The GML of a projectlocatie as a Geometrie, with what was wrong with it as findings. Pure; nothing is converted here.

Which GML DSO-LV writes is not public: 2, 3.1 and 3.2 are read, by local name, and also plain x and y (stam.md 1.8
and 8). Bad input never raises: what cannot be used is left out, and a finding says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.stam.coordinates import (
    MAX_POSITIONS,
    RD,
    Stelsel,
    in_range,
    read_numbers,
    read_stelsel,
    swapped,
    told_by_value,
)
from digikoppelaar.stam.model import Finding, Geometrie, Positie, Ring
from digikoppelaar.stam.node import own_text

_AREAS: Final = frozenset({"polygon", "polygonpatch", "rectangle", "triangle"})
_LINES: Final = frozenset({"linestring", "linestringsegment", "linearring"})
_ARCS: Final = frozenset({"arc", "arcstring", "arcbybulge", "arcbycenterpoint", "circle", "circlebycenterpoint"})
_OUTER: Final = frozenset({"exterior", "outerboundaryis"})
_INNER: Final = frozenset({"interior", "innerboundaryis"})
_BOXES: Final = frozenset({"boundedby", "envelope", "box"})
_POSITIONS: Final = frozenset({"poslist", "pos", "coordinates", "coord"})
_EAST: Final = frozenset({"x", "xcoordinaat", "lon", "longitude", "lengtegraad"})
_NORTH: Final = frozenset({"y", "ycoordinaat", "lat", "latitude", "breedtegraad"})

SENTENCES: Final = {
    "coordinates-unreadable": "De coördinaten hebben een vorm die digikoppelaar niet kent; zie de oorspronkelijke XML.",
    "not-a-number": "Een coördinaat is geen getal; dit deel van de geometrie is niet gebruikt.",
    "positions-incomplete": "Een coördinatenlijst heeft een getal te veel of te weinig; dit deel is niet gebruikt.",
    "too-many-positions": f"De geometrie heeft meer dan {MAX_POSITIONS} punten en is niet gebruikt.",
    "srs-unknown": "Het coördinatenstelsel is niet RD, ETRS89 of WGS84; het is zo mogelijk uit de getallen afgeleid.",
    "srs-mixed": "De geometrie noemt meer dan één coördinatenstelsel; alleen het eerste is gebruikt.",
    "srs-contradicted": "De getallen passen niet bij het genoemde coördinatenstelsel maar wel bij een ander; "
    "dat andere is gebruikt.",
    "axes-swapped": "De twee assen van de coördinaten zijn verwisseld; digikoppelaar heeft ze teruggewisseld.",
    "outside-netherlands": "De coördinaten liggen buiten Nederland en de Noordzee; de geometrie gaat niet mee naar "
    "het zaaksysteem.",
    "ring-not-closed": "Een vlak is niet gesloten (het laatste punt is niet het eerste); digikoppelaar sloot het.",
    "ring-too-short": "Een ring van een vlak heeft te weinig punten (minder dan vier met het sluitpunt) en is niet "
    "gebruikt.",
    "arc-as-line": "De geometrie bevat een boog; digikoppelaar leest de punten ervan als rechte lijnen.",
}
"""In Dutch, by the code of a finding."""


@dataclass(frozen=True, slots=True)
class GmlReading:
    """What was read of one element: the geometry, None when nothing of it can be used, and what was wrong."""

    geometrie: Geometrie | None
    findings: tuple[Finding, ...] = ()


def read_geometrie(element: etree._Element, path: str) -> GmlReading:
    """The geometry anywhere in `element`; `path` is what findings call it."""
    reader = _Reader(element, path)
    reader.collect(element)
    if reader.empty:
        reader.plain(element)
    return GmlReading(reader.geometrie(), tuple(reader.findings))


@dataclass(slots=True)
class _Reader:
    """Shapes while they are collected, numbers still in the order of the document."""

    root: etree._Element
    path: str
    findings: list[Finding] = field(default_factory=list)
    punten: list[Positie] = field(default_factory=list)
    lijnen: list[tuple[Positie, ...]] = field(default_factory=list)
    vlakken: list[tuple[Ring, ...]] = field(default_factory=list)
    stelsel: Stelsel | None = None
    count: int = 0

    def __post_init__(self) -> None:
        names = dict.fromkeys(name.strip() for name in _srs_names(self.root) if name.strip())
        known = [stelsel for stelsel in map(read_stelsel, names) if stelsel]
        self.stelsel = known[0] if known else None
        if len(known) < len(names):
            self.tell("srs-unknown")
        if len({stelsel.naam for stelsel in known}) > 1:
            self.tell("srs-mixed")

    @property
    def empty(self) -> bool:
        """Whether there was no shape; one that was refused counts as a shape."""
        return not (self.punten or self.lijnen or self.vlakken or self.count)

    def tell(self, code: str) -> None:
        """One finding of each code is enough: a bad list of positions can hold thousands."""
        finding = Finding(code, self.path, SENTENCES[code])
        if finding not in self.findings:
            self.findings.append(finding)

    def collect(self, element: etree._Element) -> None:
        """Every shape in `element`, itself included."""
        name = xml.local_name(element).casefold()
        if name in _BOXES:
            return
        if name in _ARCS:
            self.tell("arc-as-line")
        if name in _AREAS:
            self.area(element)
        elif name in _LINES or name in _ARCS:
            self.line(element)
        elif name == "point":
            self.punten.extend(self.positions(element))
        else:
            for child in element.iterchildren("*"):
                self.collect(child)

    def area(self, element: etree._Element) -> None:
        """A polygon with its inner rings. Without a usable outer ring there is no area."""
        if any(xml.local_name(each).casefold() in _ARCS for each in element.iter("*")):
            self.tell("arc-as-line")
        outer = [ring for each in _named(element, _OUTER) if (ring := self.ring(self.positions(each)))]
        inner = [ring for each in _named(element, _INNER) if (ring := self.ring(self.positions(each)))]
        if outer:
            self.vlakken.append((outer[0], *inner))

    def line(self, element: etree._Element) -> None:
        """A line of its own, or nothing when it has fewer than two positions."""
        positions = self.positions(element)
        if len(positions) > 1:
            self.lijnen.append(positions)

    def ring(self, positions: tuple[Positie, ...]) -> Ring | None:
        """`positions` as a closed ring; None when they enclose nothing."""
        if not positions:
            return None
        if len(set(positions)) < 3:
            self.tell("ring-too-short")
            return None
        if positions[0] == positions[-1]:
            return positions
        self.tell("ring-not-closed")
        return (*positions, positions[0])

    def positions(self, element: etree._Element) -> tuple[Positie, ...]:
        """All positions in `element`, in order; none at all when one of them is no good."""
        found: list[Positie] = []
        for each in element.iter("*"):
            if xml.local_name(each).casefold() not in _POSITIONS:
                continue
            part = self._part(each)
            if part is None:
                return ()
            found.extend(part)
        return tuple(found)

    def _part(self, element: etree._Element) -> list[Positie] | None:
        name = xml.local_name(element).casefold()
        if name == "coord":
            return self._pairs([own_text(child) for child in element.iterchildren("*")][:2], 2)
        if name == "coordinates":
            return self._tuples(element)
        words = own_text(element).split()
        dimension = len(words) if name == "pos" and len(words) in (2, 3) else self._dimension(element, len(words))
        return self._pairs(words, dimension)

    def _tuples(self, element: etree._Element) -> list[Positie] | None:
        """GML 2: tuples between `ts`, numbers in them between `cs`, with `decimal` as decimal sign."""
        cs, ts, decimal = (element.get("cs") or ",", element.get("ts") or " ", element.get("decimal") or ".")
        text = " ".join(own_text(element).split())
        tuples = [each.split(cs) for each in (text.split(ts) if ts != " " else text.split())]
        sizes = {len(each) for each in tuples}
        dimension = sizes.pop() if len(sizes) == 1 else 0
        return self._pairs([word.strip().replace(decimal, ".") for each in tuples for word in each], dimension)

    def _dimension(self, element: etree._Element, words: int) -> int:
        for each in (element, *element.iterancestors()):
            said = _attribute(each, "srsdimension") or _attribute(each, "dimension")
            if said is not None:
                return int(said) if said in ("2", "3") else 0
            if each is self.root:
                break
        assumed = self.stelsel.dimension if self.stelsel else 2
        return assumed if words % assumed == 0 else 5 - assumed

    def _pairs(self, words: list[str], dimension: int) -> list[Positie] | None:
        """The first two numbers of each position: a height is not used."""
        self.count += max(1, len(words) // 2)
        if self.count > MAX_POSITIONS:
            return self._refuse("too-many-positions")
        if dimension not in (2, 3) or not words or len(words) % dimension:
            return self._refuse("positions-incomplete")
        numbers = read_numbers(words)
        if numbers is None:
            return self._refuse("not-a-number")
        return list(zip(numbers[::dimension], numbers[1::dimension], strict=True))

    def _refuse(self, code: str) -> list[Positie] | None:
        self.tell(code)
        return None

    def plain(self, element: etree._Element) -> None:
        """Numbers without GML shape: x and y, positions of their own, or a text with numbers."""
        east, north = _first(element, _EAST), _first(element, _NORTH)
        if east is not None and north is not None:
            self.punten.extend(self._pairs([_dutch(east), _dutch(north)], 2) or ())
            self._named_axes()
            return
        positions = self.positions(element) or tuple(self._loose(own_text(element)))
        if len(positions) == 1:
            self.punten.extend(positions)
        elif len(positions) == 2:
            self.lijnen.append(positions)
        elif ring := self.ring(positions):
            self.vlakken.append((ring,))
        elif not self.findings:
            self.tell("coordinates-unreadable")

    def _loose(self, text: str) -> list[Positie]:
        """`x,y x,y` as in settings of a client (stam.md 3.2), or numbers with spaces."""
        words = text.replace(",", " ").split()
        return (self._pairs(words, 2) or []) if words and read_numbers(words) else []

    def _named_axes(self) -> None:
        """Numbers with names do not have the order of the srsName; what x is in degrees, the values tell."""
        if self.stelsel and self.stelsel.naam != RD:
            self.stelsel = Stelsel(self.stelsel.naam)

    def geometrie(self) -> Geometrie | None:
        """What was collected, east first and in its stelsel; None when that is nothing or cannot be told."""
        everything = [*self.punten, *(p for lijn in self.lijnen for p in lijn)]
        everything += [p for vlak in self.vlakken for ring in vlak for p in ring]
        if not everything or self.count > MAX_POSITIONS:
            return None
        naam, north_first = self._told(everything)
        if naam is None:
            self.tell("outside-netherlands")
            return None
        turn = swapped if north_first else tuple
        return Geometrie(
            naam,
            punten=tuple(turn(self.punten)),
            lijnen=tuple(tuple(turn(lijn)) for lijn in self.lijnen),
            vlakken=tuple(tuple(tuple(turn(ring)) for ring in vlak) for vlak in self.vlakken),
        )

    def _told(self, positions: list[Positie]) -> tuple[str | None, bool]:
        """The stelsel and whether north comes first: as the document says, unless the numbers say otherwise."""
        by_value = told_by_value(positions)
        if self.stelsel is None or by_value is None:
            return by_value or (None, False)
        naam, said = self.stelsel.naam, self.stelsel.north_first
        for north_first in (bool(said), not said):
            if in_range(naam, swapped(positions) if north_first else positions):
                if said is not None and north_first != said:
                    self.tell("axes-swapped")
                return naam, north_first
        self.tell("srs-contradicted")
        return by_value


def _srs_names(element: etree._Element) -> Iterator[str]:
    for each in element.iter("*"):
        yield _attribute(each, "srsname") or ""
        if xml.local_name(each).casefold() == "srsname":
            yield own_text(each)


def _attribute(element: etree._Element, name: str) -> str | None:
    """The attribute with this name in lower case, in whatever case it is written."""
    return next((str(value) for key, value in element.attrib.items() if str(key).casefold() == name), None)


def _named(element: etree._Element, names: frozenset[str]) -> Iterator[etree._Element]:
    return (child for child in element.iterchildren("*") if xml.local_name(child).casefold() in names)


def _first(element: etree._Element, names: frozenset[str]) -> str | None:
    return next((own_text(each) for each in element.iter("*") if xml.local_name(each).casefold() in names), None)


def _dutch(number: str) -> str:
    """A number that stands alone may have a decimal comma."""
    return number.replace(",", ".")
