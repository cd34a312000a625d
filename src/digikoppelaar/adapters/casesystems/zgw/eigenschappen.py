"""Answers and facts of a verzoek as eigenschappen of a zaak, by the tables of the target (zgw.md 1.4). Pure.

Questions and answers have no home in ZGW; which of them a case worker wants on the zaak differs per authority.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from digikoppelaar.adapters.casesystems.zgw.mapping import Source, activities, is_withdrawal, title
from digikoppelaar.adapters.casesystems.zgw.rollen import missing
from digikoppelaar.adapters.casesystems.zgw.texts import cut, dutch_date, joined, one_line
from digikoppelaar.adapters.casesystems.zgw.typen import Eigenschap, Zaaktype
from digikoppelaar.stam.model import Instantie

_BETWEEN: Final = "; "
_DECIMAL: Final = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_THOUSANDS: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?")
_WITHDRAWN: Final = ("ingetrokken", "doel")


@dataclass(frozen=True, slots=True)
class WantedEigenschap:
    """An eigenschap that the zaak must have with this waarde."""

    eigenschap: Eigenschap
    waarde: str


def wanted_eigenschappen(source: Source, zaaktype: Zaaktype) -> list[WantedEigenschap]:
    """Those of the tables for which the verzoek has a value. A withdrawal only says that it is one.

    Raises ConfigError when a table names an eigenschap that the zaaktype does not have.
    """
    known = {each.naam.casefold(): each for each in zaaktype.eigenschappen}
    found: dict[str, WantedEigenschap] = {}
    for naam, text in _named(source):
        if naam.casefold() not in known:
            raise missing("eigenschap", naam, zaaktype, [each.naam for each in zaaktype.eigenschappen])
        eigenschap = known[naam.casefold()]
        waarde = fitting(text, eigenschap)
        if waarde:
            found.setdefault(eigenschap.url, WantedEigenschap(eigenschap, waarde))
    return list(found.values())


def _named(source: Source) -> list[tuple[str, str]]:
    """Names of eigenschappen with the text for them; two rows may name the same one: then both texts are in it."""
    settings, facts = source.settings, _facts(source)
    rows = [(naam, facts[veld]) for veld, naam in settings.velden.items()]
    if is_withdrawal(source):
        rows = [(naam, facts[veld]) for veld, naam in settings.velden.items() if veld in _WITHDRAWN]
    else:
        answers = _answers(source)
        rows += [(naam, answers.get(vraag, "")) for vraag, naam in settings.eigenschappen.items()]
    texts: dict[str, list[str]] = {}
    for naam, text in rows:
        texts.setdefault(naam, []).append(text)
    return [(naam, joined(each, _BETWEEN)) for naam, each in texts.items()]


def _answers(source: Source) -> Mapping[str, str]:
    """By vraagId; a question of several activities has several answers."""
    texts: dict[str, list[str | None]] = {}
    for each in source.read.alle_specificaties:
        if each.vraag_id:
            texts.setdefault(each.vraag_id.strip(), []).append(each.antwoord)
    return {vraag: joined(each, _BETWEEN) for vraag, each in texts.items()}


def _facts(source: Source) -> Mapping[str, str]:
    read, verzoek = source.read, source.verzoek
    return {
        "verzoeknummer": verzoek.verzoeknummer,
        "volgnummer": str(verzoek.volgnummer),
        "type": verzoek.type,
        "doel": read.doel,
        "titel": title(source),
        "project": one_line(read.project.naam if read.project else None),
        "projectomschrijving": one_line(read.project.omschrijving if read.project else None),
        "activiteiten": activities(read),
        "toelichting": one_line(read.toelichting),
        "referentie_aanvrager": one_line(read.referentie_aanvrager),
        "bevoegd_gezag": _instantie(read.bevoegd_gezag),
        "behandeldienst": _instantie(read.uitvoerende_instantie),
        "indiendatum": dutch_date(read.indien_datum).isoformat() if read.indien_datum else "",
        "ingetrokken": "ja" if is_withdrawal(source) else "nee",
    }


def _instantie(instantie: Instantie | None) -> str:
    return one_line(instantie.naam or instantie.oin) if instantie else ""


def fitting(text: str, eigenschap: Eigenschap) -> str:
    """`text` as the specificatie wants it; empty when it cannot be.

    Servers take what breaks the specificatie (zgw.md 1.2), and case systems that trust it then show nonsense.
    """
    if eigenschap.formaat == "getal":
        return _number(text)
    if eigenschap.formaat in ("datum", "datum_tijd"):
        digits = text.replace("-", "")
        return text if len(digits) >= 8 and digits[:8].isdigit() else ""
    return cut(text, eigenschap.lengte) if eigenschap.lengte else text


def _number(text: str) -> str:
    """An answer is free text: 1.234,50 is a number and "ongeveer 12" is not (stam.md 1.9)."""
    plain = text.replace("€", "").replace(" ", "")
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(".", "")
    return plain.replace(",", ".") if _DECIMAL.fullmatch(plain) else ""
