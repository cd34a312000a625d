"""Invents verzoeken: fictitious people with BSNs from the range for tests, in places that do not exist.

The same `random.Random` state gives the same verzoek. The words stand in data/content.toml.
"""

import random
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.model import (
    NO_BSN,
    Activiteit,
    Adres,
    Bedrijf,
    Inhoud,
    Locatie,
    Persoon,
    Soort,
)


def invent(soort: Soort, chance: random.Random, bestuurslaag: str = "gemeente") -> Inhoud:
    """A verzoek of this kind, for a bevoegd gezag of this bestuurslaag; for a gemeente when there is none of it."""
    words = _words()
    kind = words["soorten"][soort.value]
    project = chance.choice(_projects(kind["projecten"], bestuurslaag))
    return Inhoud(
        soort=soort,
        type=kind["type"],
        doel=kind["doel"],
        naam=project["naam"],
        omschrijving=project["omschrijving"],
        activiteiten=(_activiteit(project, kind["type"], chance),),
        bijlagen=tuple(project["bijlagen"]),
        initiatiefnemer=_persoon(words, chance) if chance.random() < 0.7 else _bedrijf(words, chance),
        gemachtigde=_bedrijf(words, chance) if chance.random() < 0.3 else None,
        locaties=(_locatie(words, chance),),
    )


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads((resources.files("digikoppelaar.sandbox") / "data" / "content.toml").read_text("utf-8"))


def _projects(projects: Sequence[Mapping[str, Any]], bestuurslaag: str) -> Sequence[Mapping[str, Any]]:
    fitting = [each for each in projects if catalogue()[each["activiteit"]].bestuurslaag == bestuurslaag]
    return fitting or _projects(projects, "gemeente")


def _activiteit(project: Mapping[str, Any], verzoektype: str, chance: random.Random) -> Activiteit:
    answers = {vraagtekst: chance.choice(antwoorden) for vraagtekst, *antwoorden in project["vragen"]}
    return catalogue()[project["activiteit"]].filled_in(verzoektype, answers)


def _locatie(words: Mapping[str, Any], chance: random.Random) -> Locatie:
    chosen = chance.choice(words["locaties"])
    x, y = chosen["rd"]
    latitude, longitude = chosen["etrs89"]
    return Locatie(_adres(chosen), chosen["kadaster"], (x, y), etrs89=(latitude, longitude))


def _adres(chosen: Mapping[str, Any]) -> Adres:
    return Adres(chosen["straatnaam"], str(chosen["huisnummer"]), chosen["postcode"], chosen["woonplaats"])


def _persoon(words: Mapping[str, Any], chance: random.Random) -> Persoon:
    return Persoon(
        bsn=NO_BSN if chance.random() < 0.2 else _bsn(chance),
        voorletters=chance.choice(words["voorletters"]),
        achternaam=chance.choice(words["achternamen"]),
        emailadres=f"aanvrager{chance.randrange(1000)}@voorbeeld.example",
        adres=_adres(chance.choice(words["locaties"])),
    )


def _bedrijf(words: Mapping[str, Any], chance: random.Random) -> Bedrijf:
    return Bedrijf(
        kvk_nummer=f"9999{chance.randrange(10_000):04}",
        vestigingsnummer=f"00009999{chance.randrange(10_000):04}",
        handelsnaam=chance.choice(words["bedrijven"]),
        contactpersoon=_persoon(words, chance),
        adres=_adres(chance.choice(words["locaties"])),
    )


def _bsn(chance: random.Random) -> str:
    """In the range 99999xxxx, which is for tests, and right by the eleven-test."""
    while True:
        digits = f"99999{chance.randrange(1000):03}"
        check = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
        if check < 10:
            return f"{digits}{check}"
