"""Persons of a verzoek: initiatiefnemer, gemachtigde and contactpersoon (stam.md 1.7). Pure."""

from typing import Final

from digikoppelaar.stam.addresses import read_adres
from digikoppelaar.stam.model import Adres, Persoon
from digikoppelaar.stam.node import Node

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

_BARE_ADDRESSES: Final = ("binnenlandsAdres", "buitenlandsAdres", "afwijkendAdres")
"""A contactpersoon has "the three address blocks": perhaps without a block around them."""


def read_partij(node: Node | None) -> Persoon | None:
    """An initiatiefnemer or gemachtigde: a natuurlijkPersoon or a nietNatuurlijkPersoon; None when absent."""
    if node is None:
        return None
    natural, company = node.child("natuurlijkPersoon"), node.child("nietNatuurlijkPersoon")
    inner = natural or company or node
    is_natural = inner is natural or (inner is node and _bsn(node.text("bsn")) is not None)
    return _persoon("natuurlijk" if is_natural else "nietNatuurlijk", inner, node)


def read_contactpersoon(node: Node | None) -> Persoon | None:
    """The contactpersoon of a company; None when absent."""
    return _persoon("contactpersoon", node, node) if node else None


def is_bsn(text: str) -> bool:
    """Whether `text` can be a BSN: nine digits that pass the elfproef, and not all zero.

    The digits count 9, 8, ... 2 and the last one -1 times; the sum must be a multiple of eleven (RvIG, logisch
    ontwerp BSN).
    """
    if not (len(text) == 9 and text.isascii() and text.isdigit()) or text == "000000000":
        return False
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(weight * int(digit) for weight, digit in zip(weights, text, strict=True)) % 11 == 0


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
    """Nine zeros mean that there is none; spaces and points in it mean nothing."""
    digits = (text or "").replace(" ", "").replace(".", "")
    return digits if digits.strip("0") else None


def _addresses(node: Node) -> tuple[Adres, ...]:
    found = ((soort, node.child(soort)) for soort in (*_ADDRESSES, *_BARE_ADDRESSES))
    return tuple(read_adres(soort, block.waarden()) for soort, block in found if block)
