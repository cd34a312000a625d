"""Who takes part in a rehearsal: invented authorities, with the gemeente whose verzoeken go to a behandeldienst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.authorities import read_authorities
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.sandbox.folder import LEVERANCIER
from digikoppelaar.sandbox.invented import invented_list

NAMES: Final = {
    "gemeente": "Gemeente Oeverloo",
    "waterschap": "Waterschap Oeverlanden",
    "provincie": "Provincie Oeverland",
    "omgevingsdienst": "Omgevingsdienst Oeverlanden",
    "samenwerkingsverband": "Samenwerkingsverband Oeverlanden",
    "rijk": "Inspectie Oefening",
}
OF_ALL: Final = {"gemeente": 342, "waterschap": 21, "provincie": 12, "omgevingsdienst": 28}
"""How many there are of each, about as in the Netherlands."""
_DIENSTEN: Final = ("omgevingsdienst", "samenwerkingsverband")
_SEED: Final = 1
_FIRST: Final = 100_000
"""Of the numbers in OINs: those before are of the national side."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """An authority that is connected. `gemeente` is the OIN of the one whose verzoeken come to it, for a dienst.

    `elsewhere`: its verzoeken are submitted by "Ergens anders indienen", as there are more of its kind, or none.
    `known`: the national side knows it, and it is not connected. `partij` is the OIN of who connects it.
    """

    oin: str
    naam: str
    bestuurslaag: str
    gemeente: str = ""
    elsewhere: bool = False
    known: bool = False
    partij: str = LEVERANCIER.oin


def one(bestuurslaag: str, *, alone: bool = False) -> tuple[Rehearsed, ...]:
    """One authority of this kind, and a gemeente that is only known when it needs one.

    `alone`: it connects itself, with a certificate of its own: whoever has a leverancier asks the CPA register with the
    leverancier's certificate before that is looked at.

    Raises ConfigError when there is no such kind.
    """
    if bestuurslaag not in BESTUURSLAGEN:
        raise ConfigError(f"unknown bestuurslaag {bestuurslaag}", advice=f"Kies een van {', '.join(BESTUURSLAGEN)}.")
    own, other = _oin(1), _oin(2)
    partij = own if alone else LEVERANCIER.oin
    if bestuurslaag not in _DIENSTEN:
        return (Rehearsed(own, NAMES[bestuurslaag], bestuurslaag, elsewhere=bestuurslaag == "rijk", partij=partij),)
    gemeente = Rehearsed(other, NAMES["gemeente"], "gemeente", known=True)
    return Rehearsed(own, NAMES[bestuurslaag], bestuurslaag, gemeente=other, partij=partij), gemeente


def everybody(counts: Mapping[str, int] = OF_ALL) -> tuple[Rehearsed, ...]:
    """So many of every kind, out of an invented list; each dienst gets the verzoeken of a gemeente of its own."""
    listed = read_authorities(invented_list(_SEED, counts).encode())
    gemeenten = [each.oin for each in listed if each.bestuurslaag == "gemeente"]
    return tuple(
        Rehearsed(
            each.oin,
            each.values["naam"],
            each.bestuurslaag,
            gemeenten[at % len(gemeenten)] if each.bestuurslaag in _DIENSTEN else "",
            elsewhere=True,
        )
        for at, each in enumerate(listed)
    )


def alone(count: int) -> tuple[Rehearsed, ...]:
    """So many gemeenten that connect themselves, so that what is wrong with one is no trouble of another."""
    made = [_oin(number) for number in range(1, count + 1)]
    return tuple(
        Rehearsed(oin, f"{NAMES['gemeente']} {number}", "gemeente", elsewhere=True, partij=oin)
        for number, oin in enumerate(made, start=1)
    )


def as_toml(people: Sequence[Rehearsed]) -> str:
    """For the option --country of the sandbox."""
    return "\n".join(
        f'[[organisatie]]\noin = "{each.oin}"\nnaam = "{each.naam}"\nbestuurslaag = "{each.bestuurslaag}"\n'
        for each in people
    )


def _oin(number: int) -> str:
    return f"00000099{_FIRST + number:09d}000"
