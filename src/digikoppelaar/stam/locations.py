"""A projectlocatie: address, parcels, and coordinates as entered and as derived (stam.md 1.8). Pure.

How deep these parts nest is not public, so each is looked for anywhere below the projectlocatie. The geometry itself
is read in `stam.gml` and converted in `stam.geometry`.
"""

from typing import Final

from lxml import etree

from digikoppelaar.stam.addresses import read_adres, read_perceel
from digikoppelaar.stam.gml import GmlReading, read_geometrie
from digikoppelaar.stam.model import Finding, Perceel, Projectlocatie, Waarden
from digikoppelaar.stam.node import Node

_GML: Final = "http://www.opengis.net/gml"
_PARCEL: Final = "perceelnummer"


def read_locatie(node: Node) -> Projectlocatie:
    """What stands in `node`; never an error, findings instead."""
    address, cadastral = node.deep("adresAanduiding"), node.deep("kadastraleGegevens")
    entered, derived = node.deep("coordinatenOpgegeven"), node.deep("coordinatenEtrs")
    if not entered and not derived:
        entered = _bare_gml(node)
    opgegeven, etrs = _geometrie(entered), _geometrie(derived)
    adres = _waarden(address[:1])
    return Projectlocatie(
        adres_aanduiding=adres,
        kadastrale_gegevens=_waarden(cadastral),
        coordinaten_opgegeven=_waarden(entered),
        coordinaten_etrs=_waarden(derived),
        adres=read_adres("adresAanduiding", adres) if adres else None,
        percelen=tuple(perceel for each in cadastral for perceel in _percelen(each)),
        opgegeven=opgegeven.geometrie,
        etrs=etrs.geometrie,
        findings=opgegeven.findings + etrs.findings,
    )


def _waarden(nodes: list[Node]) -> Waarden:
    return tuple(waarde for node in nodes for waarde in node.waarden())


def _percelen(node: Node) -> tuple[Perceel, ...]:
    """One for each element that has a perceelnummer of its own; else all of it is one parcel."""
    numbered = {each.element for each in node.deep(_PARCEL)}
    parents = dict.fromkeys(parent for each in node.element.iter("*") if each in numbered for parent in _parent(each))
    return tuple(read_perceel(Node(parent).waarden()) for parent in parents or (node.element,))


def _parent(element: etree._Element) -> tuple[etree._Element, ...]:
    parent = element.getparent()
    return () if parent is None else (parent,)


def _bare_gml(node: Node) -> list[Node]:
    """Geometry that stands there without an element of ours around it."""
    inside = (
        each for each in node.element.iterdescendants("*") if (etree.QName(each).namespace or "").startswith(_GML)
    )
    first = next(inside, None)
    return node.deep(etree.QName(first).localname)[:1] if first is not None else []


def _geometrie(nodes: list[Node]) -> GmlReading:
    """Of the first of `nodes`; another one is told, for it may be another place."""
    if not nodes:
        return GmlReading(None)
    name = etree.QName(nodes[0].element).localname
    found = read_geometrie(nodes[0].element, name)
    if len(nodes) == 1:
        return found
    return GmlReading(found.geometrie, (*found.findings, Finding("coordinates-repeated", name, _REPEATED)))


_REPEATED: Final = "De locatie heeft meer dan één blok coördinaten; alleen het eerste is gebruikt."
