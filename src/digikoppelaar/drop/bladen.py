"""What the bladen, bodies and documenttypen are called in what KOOP publishes: data, and how sure it is.

From public notices and metadata records (drop-3pas.md 3 and 4). A name in `assumed` was not seen and is of our making,
after those that were; KOOP's value lists may change it.
"""

from dataclasses import dataclass
from typing import Final

from digikoppelaar.drop.model import Bestuurslaag, Blad, Documenttype


@dataclass(frozen=True, slots=True)
class BladNames:
    """Of one blad: its name, the element around its notices, the texts of its kop, the scheme of its numbers.

    `subtitel` has `{naam}` where the publicist is named. `assumed` are the names of the fields that were not seen.
    """

    publicatienaam: str
    element: str
    titel: str
    subtitel: str
    scheme: str
    assumed: frozenset[str] = frozenset()


_SCHEME: Final = frozenset({"scheme"})

BLADEN: Final = {
    Blad.GEMEENTEBLAD: BladNames(
        "Gemeenteblad", "gemeenteblad", "GEMEENTEBLAD", "Officiële uitgave van de gemeente {naam}", "OVERHEIDop.GmbID"
    ),
    Blad.PROVINCIAAL_BLAD: BladNames(
        "Provinciaal blad",
        "provinciaalblad",
        "PROVINCIAAL BLAD",
        "Officiële uitgave van provincie {naam}.",
        "OVERHEIDop.PrbID",
        _SCHEME,
    ),
    Blad.WATERSCHAPSBLAD: BladNames(
        "Waterschapsblad",
        "waterschapsblad",
        "WATERSCHAPSBLAD",
        "Officiële uitgave van het waterschap {naam}",
        "OVERHEIDop.WsbID",
        frozenset({"titel", "subtitel", "scheme"}),
    ),
    Blad.BLAD_GEMEENSCHAPPELIJKE_REGELING: BladNames(
        "Blad gemeenschappelijke regeling",
        "bladgemeenschappelijkeregeling",
        "BLAD GEMEENSCHAPPELIJKE REGELING",
        "Officiële uitgave van de gemeenschappelijke regeling {naam}",
        "OVERHEIDop.BgrID",
        _SCHEME,
    ),
    Blad.STAATSCOURANT: BladNames(
        "Staatscourant",
        "staatscourant",
        "STAATSCOURANT",
        "Officiële uitgave van het Koninkrijk der Nederlanden sinds 1814.",
        "OVERHEIDop.StcrtID",
        _SCHEME,
    ),
}

BLAD_OF: Final = {
    Bestuurslaag.GEMEENTE: Blad.GEMEENTEBLAD,
    Bestuurslaag.PROVINCIE: Blad.PROVINCIAAL_BLAD,
    Bestuurslaag.WATERSCHAP: Blad.WATERSCHAPSBLAD,
    Bestuurslaag.SAMENWERKING: Blad.BLAD_GEMEENSCHAPPELIJKE_REGELING,
    Bestuurslaag.RIJK: Blad.STAATSCOURANT,
}
"""The blad of a kind of body (Bekendmakingswet 2)."""


@dataclass(frozen=True, slots=True)
class Named:
    """One name; `assumed` when it was not seen."""

    text: str
    assumed: bool = True


BODY_SCHEMES: Final = {
    Bestuurslaag.GEMEENTE: Named("OVERHEID.Gemeente", assumed=False),
    Bestuurslaag.PROVINCIE: Named("OVERHEID.Provincie"),
    Bestuurslaag.WATERSCHAP: Named("OVERHEID.Waterschap"),
    Bestuurslaag.SAMENWERKING: Named("OVERHEID.RegionaalSamenwerkingsorgaan"),
    Bestuurslaag.RIJK: Named("OVERHEID.Ministerie"),
}
"""The value list from which the name of a body is."""

_CONFIGURATIE: Final = (
    "https://repository.officiele-overheidspublicaties.nl/MasterConfiguraties/{name}/{version}/xml/{name}.xml"
)


def _configuratie(name: str, *, assumed: bool = True) -> Named:
    return Named(_CONFIGURATIE.format(name=name, version="5.19"), assumed)


CONFIGURATIES: Final = {
    Documenttype.AANVRAAG: _configuratie("MC-DRP-BeschikkingAanvraag-Web-ZM"),
    Documenttype.AFHANDELING: _configuratie("MC-DRP-BeschikkingAfhandeling-Web-ZM", assumed=False),
    Documenttype.PLANAFWIJKING: _configuratie("MC-DRP-BeschikkingAfhandelingPlanafwijking-Web-ZM"),
}
"""The master configuration that a record names. `Web` was seen, of a notice made by hand; that of 3PAS was not."""

DOCTYPE: Final = "Officiële Publicaties, versie 1.1"
