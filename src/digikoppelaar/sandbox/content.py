"""Invents verzoeken: fictitious people with BSNs from the range for tests, in places that do not exist.

The same `random.Random` state gives the same verzoek. The words stand in data/content.toml.
"""

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any


class Soort(Enum):
    """What can be submitted."""

    VERGUNNINGAANVRAAG = "vergunningaanvraag"
    MELDING = "melding"
    INFORMATIE = "informatie"
    CONCEPTVERZOEK = "conceptverzoek"


@dataclass(frozen=True, slots=True)
class Locatie:
    """An address with its parcel and its point: `rd` in metres, `etrs89` latitude and longitude in degrees."""

    straatnaam: str
    huisnummer: int
    postcode: str
    woonplaats: str
    kadaster: str
    rd: tuple[float, float]
    etrs89: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Persoon:
    """A natural person; a BSN of nine zeros means that there is none (stam.md 1.7)."""

    bsn: str
    voorletters: str
    achternaam: str
    emailadres: str
    adres: Locatie


@dataclass(frozen=True, slots=True)
class Bedrijf:
    """A company; its contact person is the only name that comes with it (stam.md 1.7)."""

    kvk_nummer: str
    vestigingsnummer: str
    handelsnaam: str
    contactpersoon: Persoon
    adres: Locatie


@dataclass(frozen=True, slots=True)
class Specificatie:
    """A question with its answer, which is free text and may be empty."""

    vraag_id: str
    vraagtekst: str
    antwoord: str


@dataclass(frozen=True, slots=True)
class Inhoud:
    """What an applicant filled in. `bijlagen` are the titles under which documents are asked for."""

    soort: Soort
    type: str
    doel: str
    naam: str
    omschrijving: str
    activiteit: str
    specificaties: tuple[Specificatie, ...]
    bijlagen: tuple[str, ...]
    initiatiefnemer: Persoon | Bedrijf
    gemachtigde: Bedrijf | None
    locatie: Locatie


def invent(soort: Soort, chance: random.Random) -> Inhoud:
    """A verzoek of this kind."""
    words = _words()
    kind = words["soorten"][soort.value]
    project = chance.choice(kind["projecten"])
    return Inhoud(
        soort=soort,
        type=kind["type"],
        doel=kind["doel"],
        naam=project["naam"],
        omschrijving=project["omschrijving"],
        activiteit=project["activiteit"],
        specificaties=tuple(_specificatie(vraag, chance) for vraag in project["vragen"]),
        bijlagen=tuple(project["bijlagen"]),
        initiatiefnemer=_persoon(words, chance) if chance.random() < 0.7 else _bedrijf(words, chance),
        gemachtigde=_bedrijf(words, chance) if chance.random() < 0.3 else None,
        locatie=_locatie(words, chance),
    )


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads((resources.files("digikoppelaar.sandbox") / "data" / "content.toml").read_text("utf-8"))


def _specificatie(vraag: list[str], chance: random.Random) -> Specificatie:
    vraagtekst, *antwoorden = vraag
    return Specificatie(str(chance.randrange(200_000, 400_000)), vraagtekst, chance.choice(antwoorden))


def _locatie(words: Mapping[str, Any], chance: random.Random) -> Locatie:
    chosen = chance.choice(words["locaties"])
    return Locatie(**{**chosen, "rd": tuple(chosen["rd"]), "etrs89": tuple(chosen["etrs89"])})


def _persoon(words: Mapping[str, Any], chance: random.Random) -> Persoon:
    return Persoon(
        bsn="000000000" if chance.random() < 0.2 else _bsn(chance),
        voorletters=chance.choice(words["voorletters"]),
        achternaam=chance.choice(words["achternamen"]),
        emailadres=f"aanvrager{chance.randrange(1000)}@voorbeeld.example",
        adres=_locatie(words, chance),
    )


def _bedrijf(words: Mapping[str, Any], chance: random.Random) -> Bedrijf:
    return Bedrijf(
        kvk_nummer=f"9999{chance.randrange(10_000):04}",
        vestigingsnummer=f"00009999{chance.randrange(10_000):04}",
        handelsnaam=chance.choice(words["bedrijven"]),
        contactpersoon=_persoon(words, chance),
        adres=_locatie(words, chance),
    )


def _bsn(chance: random.Random) -> str:
    """In the range 99999xxxx, which is for tests, and right by the eleven-test."""
    while True:
        digits = f"99999{chance.randrange(1000):03}"
        check = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
        if check < 10:
            return f"{digits}{check}"
