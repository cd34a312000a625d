"""Persons of a verzoek: initiatiefnemer, gemachtigde and contactpersoon (stam.md 1.7)."""

from typing import Final

from digikoppelaar.stam.model import Adres, Persoon
from digikoppelaar.stam.node import Node

_NO_BSN: Final = "000000000"

_ADDRESSES: Final = (
    "verblijfsadres",
    "verblijfsadresBuitenland",
    "correspondentieAdres",
    "bezoekadres",
    "bezoekadresBuitenland",
    "postAdres",
    "locatieAdresVestiging",
    "locatieAdresBuitenland",
)


def read_partij(node: Node | None) -> Persoon | None:
    """An initiatiefnemer or gemachtigde: a natuurlijkPersoon or a nietNatuurlijkPersoon; None when absent."""
    if node is None:
        return None
    natural = node.child("natuurlijkPersoon")
    inner = natural or node.child("nietNatuurlijkPersoon") or node
    return _persoon("natuurlijk" if natural else "nietNatuurlijk", inner, node)


def read_contactpersoon(node: Node | None) -> Persoon | None:
    """The contactpersoon of a company; None when absent."""
    return _persoon("contactpersoon", node, node) if node else None


def _persoon(soort: str, inner: Node, outer: Node) -> Persoon:
    """Contact data stand at the person or one level higher; the sources do not agree."""
    vestiging = inner.child("vestiging")

    def text(*names: str) -> str | None:
        return inner.text(*names) or outer.text(*names)

    return Persoon(
        soort=soort,
        bsn=_bsn(text("bsn", "burgerservicenummer")),
        kvk_nummer=text("kvkNummer", "kvk"),
        vestigingsnummer=(vestiging.text("vestigingsnummer") if vestiging else None) or text("vestigingsnummer"),
        handelsnaam=text("handelsnaam"),
        voorletters=text("voorletters"),
        voorvoegsel=text("voorvoegsel", "voorvoegsels", "tussenvoegsel"),
        achternaam=text("achternaam", "geslachtsnaam"),
        emailadres=text("emailadres", "email"),
        telefoonnummer=text("telefoonnummer"),
        adressen=_addresses(inner) + (_addresses(vestiging) if vestiging else ()),
    )


def _bsn(text: str | None) -> str | None:
    """Nine zeros mean that there is none."""
    return None if text == _NO_BSN else text


def _addresses(node: Node) -> tuple[Adres, ...]:
    found = ((soort, node.child(soort)) for soort in _ADDRESSES)
    return tuple(Adres(soort, block.waarden()) for soort, block in found if block)
