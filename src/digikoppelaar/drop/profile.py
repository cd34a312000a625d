"""How 3PAS spells a kennisgeving: names, order and values, as data. What is in it comes from a file with sources.

KOOP gives its WSDL on request only (drop-3pas.md 1 and 2.2). When it is in hand, the file changes and no code does.
A path is the names of the elements to go through, with a slash between them: `Activiteiten/Activiteit`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from digikoppelaar.drop.inhoud import Accepted, Flaw
from digikoppelaar.drop.model import Bestuurslaag, Blad, Documenttype, Moment, Procedure, Uitkomst
from digikoppelaar.errors import ConfigError

ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "bestuurslaag": Bestuurslaag,
    "blad": Blad,
    "documenttype": Documenttype,
    "procedure": Procedure,
    "moment": Moment,
    "uitkomst": Uitkomst,
}
"""Fields whose value is one of a list of ours, and so has a spelling of KOOP's."""
DATES: Final = frozenset(
    {
        *("ontvangst", "besluit", "verzending", "publicatie"),
        *("inzage_eerste", "inzage_laatste", "reactie_eerste", "reactie_laatste"),
    }
)
"""Fields that hold a day."""
BINARIES: Final = frozenset({"inhoud_zip", "gml"})
"""Fields that hold bytes, in base64."""
REPEATED: Final = frozenset({"activiteit", "imro_id", "locatie"})
"""Fields that may be there more than once."""
LOCATIE: Final = "locatie"
"""The field that has fields of its own: the locatietype, and those of a gebiedsmarkering."""
FIELDS: Final = frozenset(
    {
        *ENUMS,
        *DATES,
        *BINARIES,
        *REPEATED,
        *("oin", "naam", "behandelaar_oin", "titel", "rubriek", "referentienummer", "samenvatting", "onderwerp"),
        "bopa_identificatie",
    }
)
"""Everything of a kennisgeving that an envelope can hold."""
LOCATIE_FIELDS: Final = (
    *("locatietype", "geometrie", "geometrieLabel", "ligtInGemeente", "huisnummer", "huisletter"),
    *("huisnummertoevoeging", "postcode", "straatnaam", "woonplaats", "gemeentenaam", "ligtInProvincie"),
)
"""Of a locatie, in the words of drop.markers."""
NO_BIJLAGEN: Final = "none"
"""The one way known here in which bijlagen travel: not at all."""
LOCATIETYPEN: Final = ("Punt", "Lijn", "Vlak", "Adres", "Postcodegebied", "Gemeente")
"""The kinds of gebiedsmarkering, as drop.markers calls them."""


@dataclass(frozen=True, slots=True)
class EnvelopeProfile:
    """The SOAP messages of one version of 3PAS.

    `namespace` and `element_namespace` are those of the operation and of what is in it. `order` has the fields that are
    sent, `required` those without which nothing is. `path` says where a field stands in the operation, `locatie_path`
    where a field of a locatie stands in it, in order; `spelling` has for a field its values by the name of our member.
    `bijlagen` says how they travel.

    `dossiernummer` is a path in `response`; `fault_code` and `fault_text` are paths in the detail of a fault.
    `ours`, `refused` and `again` are codes of faults by which it was certainly not taken: the message is wrong, what it
    says is, or it may be taken later. What other codes mean is in `outcomes`.
    `flaw_codes` are the codes that the sandbox gives, by the flaw.
    """

    namespace: str
    contract: str
    operation: str
    element_namespace: str
    response: str
    order: tuple[str, ...]
    required: tuple[str, ...]
    path: Mapping[str, str]
    locatie_path: Mapping[str, str]
    spelling: Mapping[str, Mapping[str, str]]
    accepted: Accepted
    bijlagen: str
    dossiernummer: str
    fault_code: str
    fault_text: str
    ours: tuple[str, ...]
    refused: tuple[str, ...]
    again: tuple[str, ...]
    flaw_codes: Mapping[str, str]

    def __post_init__(self) -> None:
        """Raises ConfigError for a field or value that has no spelling, or that nobody knows."""
        _refuse("fields", set(self.order) - FIELDS)
        _refuse("fields without a path", set(self.order) - set(self.path))
        _refuse("required fields that are not sent", set(self.required) - set(self.order))
        _refuse("fields of a locatie without a path", set(LOCATIE_FIELDS) ^ set(self.locatie_path))
        for field, members in ENUMS.items():
            if field in self.order:
                _refuse(
                    f"values of {field} without a spelling",
                    set(members.__members__) ^ set(self.spelling.get(field, ())),
                )
        _refuse("locatietypen without a spelling", set(LOCATIETYPEN) ^ set(self.spelling.get("locatietype", ())))
        _refuse("elements in two places", _twice(self.path[name] for name in self.order))
        _refuse("elements in two places", _twice(self.locatie_path.values()))
        # One element describes a fault in a WSDL.
        _refuse("elements of a fault", {self.fault_code.partition("/")[0]} ^ {self.fault_text.partition("/")[0]})
        _refuse("ways in which bijlagen travel", {self.bijlagen} - {NO_BIJLAGEN})
        _refuse("flaws without a code", set(Flaw) ^ set(self.flaw_codes))

    @property
    def action(self) -> str:
        """The value of the header SOAPAction; the quotes are part of it (drop-3pas.md 1)."""
        return f'"{self.namespace}{self.contract}/{self.operation}"'

    def spelled(self, field: str, member: StrEnum) -> str:
        """How 3PAS spells a value."""
        return self.spelling[field][member.name]

    def member(self, field: str, spelled: str) -> str | None:
        """The name of the member, or the locatietype, that is spelled so."""
        return next((name for name, spelling in self.spelling[field].items() if spelling == spelled), None)


def _twice(paths: Iterable[str]) -> set[str]:
    """What a schema could not have: two values at one path, or an element that is left and comes back."""
    ordered = list(paths)
    tops = [top for top, _ in groupby(path.partition("/")[0] for path in ordered)]
    return {path for path in ordered if ordered.count(path) > 1} | {top for top in tops if tops.count(top) > 1}


def _refuse(what: str, names: set[str]) -> None:
    if names:
        raise ConfigError(f"the profile of 3PAS has unknown or missing {what}: {', '.join(sorted(names))}")


# --- Where it is spoken to -------------------------------------------------------------------------------------------


class Authentication(StrEnum):
    """How one shows who one is (drop-3pas.md 1.1)."""

    USER_NAME = "user-name"
    CERTIFICATE_OF_KOOP = "certificate-of-koop"
    CERTIFICATE_OF_ORGANISATIE = "certificate-of-organisatie"


class Doer(StrEnum):
    """Who does something in a stage."""

    LEVERANCIER = "leverancier"
    BEIDE = "leverancier+organisatie"
    ORGANISATIE = "organisatie"
    KOOP = "KOOP"


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the steps on the way to production, which are done in `order`, from 1.

    `address` is empty while only KOOP can tell it. `naam` is Dutch. What is `shared` is done once for all
    organisaties of a leverancier. `omgeving`, `pre` or `prod`, may deliver there; `wanted` are the documenttypen that
    KOOP wants to see. `source` is that of the naam; `provisional`, whether anything of it is.
    """

    name: str
    order: int
    naam: str
    who: Doer
    shared: bool
    omgeving: str
    wanted: tuple[Documenttype, ...]
    address: str
    authentication: Authentication
    source: str
    provisional: bool
