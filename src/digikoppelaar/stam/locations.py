"""A projectlocatie: address, parcel, and coordinates as entered and as derived (stam.md 1.8). Pure.

How deep these parts nest is not public, so each is looked for anywhere below the projectlocatie. The geometry itself
is read in `stam.gml` and converted in `stam.geometry`.
"""

from digikoppelaar.stam.gml import GmlReading, read_geometrie
from digikoppelaar.stam.model import Projectlocatie, Waarden
from digikoppelaar.stam.node import Node

_NOTHING = GmlReading(None)


def read_locatie(node: Node) -> Projectlocatie:
    """What stands in `node`; never an error, findings instead."""
    opgegeven, etrs = _geometrie(node, "coordinatenOpgegeven"), _geometrie(node, "coordinatenEtrs")
    return Projectlocatie(
        adres_aanduiding=_waarden(node, "adresAanduiding"),
        kadastrale_gegevens=_waarden(node, "kadastraleGegevens"),
        coordinaten_opgegeven=_waarden(node, "coordinatenOpgegeven"),
        coordinaten_etrs=_waarden(node, "coordinatenEtrs"),
        opgegeven=opgegeven.geometrie,
        etrs=etrs.geometrie,
        findings=opgegeven.findings + etrs.findings,
    )


def _waarden(node: Node, name: str) -> Waarden:
    child = node.child(name)
    return child.waarden() if child else ()


def _geometrie(node: Node, name: str) -> GmlReading:
    child = node.child(name)
    return read_geometrie(child.element, name) if child else _NOTHING
