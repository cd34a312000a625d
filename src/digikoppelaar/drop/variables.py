"""The names that a template of a notice can use: what each means to who fills it in, and an example."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from digikoppelaar.drop.model import Uitkomst


@dataclass(frozen=True, slots=True)
class Variable:
    """`meaning` is Dutch, for people; with the `example` every template is tried when it is read."""

    meaning: str
    example: str | date | bool


SETTINGS: Final = (
    *("bestuursorgaan", "telefoon", "inzage_plaats", "inzage_link"),
    *("reactie_adres", "reactie_link", "rechtbank"),
)
"""The names whose value is the setting of that name in the aansluiting that publishes."""

VARIABLES: Final[Mapping[str, Variable]] = {
    "bestuursorgaan": Variable("wie beslist", "het college van burgemeester en wethouders van Voorbeeldstad"),
    "activiteit": Variable("waarvoor de vergunning is", "bouwen van een dakkapel"),
    "plaats": Variable("waar het is", "Dorpsstraat 1 in Voorbeeldstad"),
    "referentienummer": Variable("het nummer van de zaak", "Z-2026-00001"),
    "uitkomst": Variable("hoe is besloten", Uitkomst.VERLEEND),
    "planafwijking": Variable("of van het omgevingsplan wordt afgeweken", True),
    "ontvangst": Variable("de dag waarop de aanvraag is ontvangen", date(2026, 6, 1)),
    "beslisdatum": Variable("de dag waarop uiterlijk wordt beslist", date(2026, 7, 27)),
    "nieuwe_beslisdatum": Variable("de nieuwe uiterste dag voor het besluit", date(2026, 9, 7)),
    "besluitdatum": Variable("de dag van het besluit", date(2026, 7, 20)),
    "verzenddatum": Variable("de dag waarop het besluit is verstuurd", date(2026, 7, 21)),
    "inwerkingtreding": Variable("de dag waarop het besluit gaat gelden", date(2026, 7, 22)),
    "opschorting_vanaf": Variable("de dag waarop de beslistermijn is stilgezet", date(2026, 6, 15)),
    "ingetrokken_op": Variable("de dag waarop de aanvraag is ingetrokken", date(2026, 6, 20)),
    "inzage_eerste": Variable("de eerste dag van de inzage", date(2026, 7, 23)),
    "inzage_laatste": Variable("de laatste dag van de inzage", date(2026, 9, 2)),
    "inzage_plaats": Variable("waar de stukken op papier liggen", "het gemeentehuis, Markt 1 in Voorbeeldstad"),
    "inzage_link": Variable("waar de stukken op internet staan", "https://www.voorbeeldstad.example/inzage"),
    "reactie_eerste": Variable("de eerste dag om te reageren", date(2026, 7, 22)),
    "reactie_laatste": Variable("de laatste dag om te reageren", date(2026, 9, 1)),
    "reactie_adres": Variable("het postadres voor een reactie", "Postbus 1, 1234 AB Voorbeeldstad"),
    "reactie_link": Variable("het formulier voor een reactie", "https://www.voorbeeldstad.example/reageren"),
    "rechtbank": Variable("de rechtbank die bevoegd is", "Rechtbank Midden-Nederland"),
    "telefoon": Variable("het telefoonnummer van de organisatie", "14 0123"),
    "eerder_nummer": Variable("het nummer van de kennisgeving die verbeterd wordt", "gmb-2026-12345"),
    "eerder_datum": Variable("de dag waarop die verscheen", date(2026, 7, 22)),
    "verbetering": Variable("wat er anders is", "De laatste dag om te reageren is 1 september 2026."),
}
