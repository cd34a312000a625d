"""The activities that can be chosen, with their questions: data/activiteiten.toml as values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from digikoppelaar.sandbox.model import Activiteit, Specificatie
from digikoppelaar.stam.codes import TYPES

_IDS_OF_A_TYPE: Final = 10_000
"""How far the numbers of one question are apart for two types."""


@dataclass(frozen=True, slots=True)
class Vraag:
    """A question; `lang` when its answer takes more than a line. `nummer` is that for the first type."""

    nummer: int
    tekst: str
    lang: bool

    def vraag_id(self, verzoektype: str) -> str:
        """Its number on the wire: it depends on the type of the verzoek as well (stam.md 1.9)."""
        return str(self.nummer + _IDS_OF_A_TYPE * (TYPES.index(verzoektype) if verzoektype in TYPES else 0))


@dataclass(frozen=True, slots=True)
class Keuze:
    """An activity that can be chosen for verzoeken of `types`; `bijlagen` are the documents that it asks for."""

    naam: str
    activiteit_id: str
    bestuurslaag: str
    types: tuple[str, ...]
    vragen: tuple[Vraag, ...]
    bijlagen: tuple[str, ...]

    def filled_in(self, verzoektype: str, antwoorden: Mapping[str, str]) -> Activiteit:
        """The activity with answers by the text of the question.

        What was not answered is empty, and a question that it does not have is asked all the same.
        """
        own = {vraag.tekst: vraag.vraag_id(verzoektype) for vraag in self.vragen}
        texts = dict.fromkeys((*own, *antwoorden))
        items = tuple(Specificatie(own.get(tekst, ""), tekst, antwoorden.get(tekst, "")) for tekst in texts)
        return Activiteit(self.naam, items, self.bestuurslaag, self.activiteit_id)


@cache
def catalogue() -> Mapping[str, Keuze]:
    """Every activity by its name, in the order of the file."""
    text = (resources.files("digikoppelaar.sandbox") / "data" / "activiteiten.toml").read_text("utf-8")
    return {each.naam: each for each in map(_keuze, tomllib.loads(text)["activiteit"])}


def _keuze(table: Mapping[str, Any]) -> Keuze:
    return Keuze(
        naam=table["naam"],
        activiteit_id=table["id"],
        bestuurslaag=table["bestuurslaag"],
        types=tuple(table["types"]),
        vragen=tuple(Vraag(each["id"], each["tekst"], each.get("lang", False)) for each in table["vragen"]),
        bijlagen=tuple(table.get("bijlagen", ())),
    )
