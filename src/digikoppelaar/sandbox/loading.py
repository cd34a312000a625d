"""Plans a large set of verzoeken for a sandbox: spread over authorities, types and places, with aanvullingen and
intrekkingen. Pure: the same seed and the same country give the same plan.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.country import read_ring
from digikoppelaar.sandbox.model import Punt, Ring, Soort
from digikoppelaar.sandbox.routing import inside
from digikoppelaar.sandbox.values import EVERYWHERE
from digikoppelaar.sandbox.verzoek_document import CONCEPT

_LAYERS: Final = ("gemeente", "waterschap", "provincie")
"""Bestuurslagen for which there are activities."""
_SMALLEST, _LARGEST = 500, 200_000
"""Bytes of a bijlage."""
_BARE: Final = 0.4
"""Share that is made of the list of activities, which has every type; the others have whole invented projects."""
_TRIES: Final = 1000
MOST_FOLLOW_UPS: Final = 3
"""Two aanvullingen and an intrekking."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of 1: how many verzoeken get an aanvulling and how many are withdrawn. `bijlagen`: at most so many."""

    aanvullingen: float = 0.2
    intrekkingen: float = 0.05
    bijlagen: int = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """One submission as JSON for the management port, and what follows on it: last part of the address, and JSON."""

    submission: Mapping[str, Any]
    follow_ups: Sequence[tuple[str, Mapping[str, Any]]] = ()


def plan(count: int, seed: int, organisaties: Sequence[Mapping[str, Any]], shares: Shares) -> Iterator[Planned]:
    """`count` submissions in turn for `organisaties`, which are as GET /organisaties tells them."""
    deciding = [each for each in organisaties if each["bestuurslaag"] in _LAYERS] or organisaties
    for at in range(count):
        chance = random.Random(f"{seed}-{at}")  # noqa: S311  # invented content, no secrets
        yield _planned(deciding[at % len(deciding)], chance, shares)


def _planned(organisatie: Mapping[str, Any], chance: random.Random, shares: Shares) -> Planned:
    count = chance.choice((1, 1, 2)) if chance.random() < shares.aanvullingen else 0
    submission = _submission(organisatie, chance, shares.bijlagen)
    follow_ups = [("aanvullingen", _aanvulling(number + 1, chance)) for number in range(count)]
    if chance.random() < shares.intrekkingen:
        follow_ups.append(("intrekking", {"alleen_notificatie": chance.random() < 0.5}))
    return Planned(submission, follow_ups)


def _submission(organisatie: Mapping[str, Any], chance: random.Random, bijlagen: int) -> Mapping[str, Any]:
    wish: dict[str, Any] = {
        "oin": organisatie["oin"],
        "soort": chance.choice(list(Soort)).value,
        "seed": chance.getrandbits(32),
        "bijlagen": [_size(chance) for _ in range(chance.randint(0, bijlagen))],
    }
    if chance.random() < _BARE:
        wish |= _bare(organisatie["bestuurslaag"], chance)
    if organisatie["gebied"] != EVERYWHERE:
        rings = [read_ring(ring) for ring in organisatie["gebied"]]
        wish["locaties"] = [{"rd": list(_point(chance.choice(rings), chance))}]
    return wish


def _bare(bestuurslaag: str, chance: random.Random) -> Mapping[str, Any]:
    """An activity without answers, of a type that it can have; now and then a concept."""
    layer = bestuurslaag if bestuurslaag in _LAYERS else _LAYERS[0]
    keuze = chance.choice([each for each in catalogue().values() if each.bestuurslaag == layer])
    verzoektype = chance.choice(keuze.types)
    doel = {"doel": CONCEPT} if chance.random() < 0.1 else {"doel": "Initiëren"}
    return {"type": verzoektype, "naam": f"{keuze.naam} ({verzoektype.lower()})", "activiteiten": [keuze.naam], **doel}


def _aanvulling(number: int, chance: random.Random) -> Mapping[str, Any]:
    """Mostly one more document; sometimes all earlier ones are left out."""
    dropped: Mapping[str, list[str]] = {"behouden": []} if chance.random() < 0.2 else {}
    return {"toelichting": f"Aanvulling {number}", "bijlagen": [_size(chance)], **dropped}


def _size(chance: random.Random) -> int:
    return chance.randint(_SMALLEST, _LARGEST)


def _point(ring: Ring, chance: random.Random) -> Punt:
    """Somewhere within `ring`; a corner of it when it is too thin to be hit."""
    east, north = zip(*ring, strict=True)
    for _ in range(_TRIES):
        punt = (round(chance.uniform(min(east), max(east)), 3), round(chance.uniform(min(north), max(north)), 3))
        if inside(ring, punt):
            return punt
    return ring[0]
