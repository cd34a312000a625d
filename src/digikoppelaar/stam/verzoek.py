"""Reading a verzoekbericht into a Verzoek, and writing a Verzoek as JSON for a case system (stam.md 1.5 to 1.9).

Tolerant where the schema is not public, strict on what names a version: without a usable verzoeknummer and
volgnummer nothing can be done safely. The original bytes are kept by whoever calls this.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam import codes
from digikoppelaar.stam.locations import read_locatie
from digikoppelaar.stam.model import (
    Document,
    GevraagdeBijlage,
    Instantie,
    Onbekend,
    Project,
    Projectactiviteit,
    Specificatie,
    Verzoek,
)
from digikoppelaar.stam.node import Node, Read
from digikoppelaar.stam.notification import WITHDRAWN, checked_verzoeknummer
from digikoppelaar.stam.persons import read_contactpersoon, read_partij

LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a verzoek XML that is parsed in memory; answers and geometries, never documents, are inside it."""

_NAMESPACE: Final = re.compile(r"http://www\.omgevingswet\.nl/koppelvlak/stam-v(\d{1,3})(?:/|$)")


def read_verzoek(document: bytes) -> Verzoek:
    """The verzoek that a STAM XML document says.

    Raises VerzoekError when there is no usable verzoeknummer or volgnummer, XmlError or TooLarge when it is no
    acceptable XML.
    """
    root = xml.parse(document, limit=LIMIT)
    top = next((element for element in root.iter("*") if xml.local_name(element).casefold() == "verzoek"), root)
    node = Node(top)
    verzoek = _read(node, _version(root))
    return replace(verzoek, onbekend=(*node.unknown(), *_around(root, top)))


def as_json(verzoek: Verzoek) -> dict[str, object]:
    """The verzoek as JSON values: names in camelCase, moments in ISO 8601, nothing left out.

    It holds personal data: it goes to the case system and nowhere else.
    """
    plain = _plain(verzoek)
    assert isinstance(plain, dict)
    return plain


def _version(root: etree._Element) -> int | None:
    """The number in the first STAM namespace that is used (stam.md 1.1)."""
    namespaces = (etree.QName(element).namespace or "" for element in root.iter("*"))
    found = next(filter(None, map(_NAMESPACE.match, namespaces)), None)
    return int(found.group(1)) if found else None


def _read(node: Node, version: int | None) -> Verzoek:
    doel = codes.read_doel(node.text("doel"))
    return Verzoek(
        stam_versie=version,
        verzoeknummer=checked_verzoeknummer(node.text("verzoeknummer")),
        volgnummer=_volgnummer(node.text("volgnummer"), doel),
        doel=doel,
        type=codes.read_type(node.text("type")),
        naam=node.text("naam"),
        indien_datum=node.moment("indienDatum", "datumIndiening"),
        ambtshalve=node.flag("ambtshalve"),
        project=_project(node.child("project")),
        bevoegd_gezag=_instantie(node.child("bevoegdGezag")),
        bevoegd_gezag_historie=_instanties(node, "bevoegdGezag"),
        uitvoerende_instantie=_instantie(node.child("uitvoerendeInstantie")),
        uitvoerende_instantie_historie=_instanties(node, "uitvoerendeInstantie"),
        initiatiefnemer=read_partij(node.child("initiatiefnemer")),
        gemachtigde=read_partij(node.child("gemachtigde")),
        contactpersoon=read_contactpersoon(node.child("contactpersoon")),
        projectlocaties=tuple(map(read_locatie, node.children("projectlocaties", "projectlocatie"))),
        projectactiviteiten=tuple(map(_activiteit, node.children("projectactiviteiten", "projectactiviteit"))),
        verzoekbijlagen=tuple(map(_document, node.children("verzoekbijlages", "document"))),
        specificaties=_specificaties(node),
        toelichting=node.text("toelichtingVerzoek", "toelichting"),
        toelichting_later=node.text("toelichtingLaterAanTeLeverenInformatie"),
        toelichting_niet=node.text("toelichtingNietAanTeLeverenInformatie"),
        participatie=node.flag("participatie"),
        akkoordverklaring=node.flag("akkoordverklaring"),
        referentie_aanvrager=node.text("referentieAanvrager"),
    )


def _around(root: etree._Element, top: etree._Element) -> Iterator[Onbekend]:
    """What stands beside the verzoek in what is wrapped around it, with a path from the root of the document."""
    if top is root:
        return
    wrappers = [root, *(each for each in top.iterancestors() if each is not root)]
    wrapping = Read(elements={*wrappers, top}, whole={top})
    for each in Node(root, wrapping).unknown(f"/{xml.local_name(root)}"):
        yield replace(each, pad=f"/{each.pad}")


def _volgnummer(text: str | None, doel: str) -> int:
    """An absent volgnummer is only safe where the doel says which one it must be."""
    if text and text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    if text is None and doel in (codes.INITIEREN, codes.CONCEPTVERZOEK):
        return 0
    if text is None and doel == codes.INTREKKEN:
        return WITHDRAWN
    raise VerzoekError("verzoek has no usable volgnummer")


def _project(node: Node | None) -> Project | None:
    return Project(node.text("naam"), node.text("omschrijving"), node.text("projectId")) if node else None


def _instantie(node: Node | None) -> Instantie | None:
    return Instantie(node.text("oin"), node.text("naam")) if node else None


def _instanties(node: Node, name: str) -> tuple[Instantie, ...]:
    return tuple(Instantie(each.text("oin"), each.text("naam")) for each in node.children(f"{name}Historie", name))


def _activiteit(node: Node) -> Projectactiviteit:
    return Projectactiviteit(
        naam=node.text("activiteitNaam"),
        activiteit_id=node.text("activiteitId"),
        subactiviteit=node.text("subactiviteitNaam", "subactiviteit"),
        specificaties=_specificaties(node),
    )


def _specificaties(node: Node) -> tuple[Specificatie, ...]:
    return tuple(map(_specificatie, node.children("specificaties", "specificatie")))


def _specificatie(node: Node) -> Specificatie:
    bijlage = node.child("gevraagdeBijlage")
    return Specificatie(
        vraag_id=node.text("vraagId"),
        vraagtekst=node.text("vraagtekst"),
        antwoord=node.text("antwoord"),
        oorspronkelijk_antwoord=node.text("oorsprantwoord", "oorspronkelijkAntwoord"),
        vraagclassificatie=node.text("vraagclassificatie"),
        groepering=node.text("groepering"),
        vraagreferentie=node.text("vraagreferentie"),
        publiceerbaar=node.flag("publiceerbaar"),
        gevraagde_bijlage=_bijlage(bijlage) if bijlage else None,
    )


def _bijlage(node: Node) -> GevraagdeBijlage:
    documents = tuple(map(_document, node.children("documenten", "document")))
    return GevraagdeBijlage(node.text("documentsoortDSO"), documents)


def _document(node: Node) -> Document:
    """The file name may sit deeper than the id (stam.md 1.9)."""
    return Document(
        document_id=node.text("documentId"),
        bestandsnaam=node.deep_text("bestandsnaam"),
        vertrouwelijk=node.flag("vertrouwelijk", "indicatieVertrouwelijk"),
    )


def _plain(value: object) -> object:
    """A value of the model as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(item.name): _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
