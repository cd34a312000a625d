"""Who a verzoek is for: bevoegd gezag by activity and place, behandeldienst as that bevoegd gezag set it up. Pure.

One submission may become several verzoeken: one for each pair of bevoegd gezag and behandeldienst (stam.md 1.10,
OW-REL). How DSO-LV itself decides is not public; this is the sandbox's own, simplest form of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.model import Activiteit, Locatie, Punt, Ring


@dataclass(frozen=True, slots=True)
class Behandeldienst:
    """Who handles verzoeken for a bevoegd gezag. `activiteiten` empty: all of them.

    `kopie`: the bevoegd gezag is notified too, of what is to it a kopiebericht (stam.md 1.10).
    """

    oin: str
    activiteiten: frozenset[str] = frozenset()
    kopie: bool = True

    def handles(self, activiteit: Activiteit) -> bool:
        """Whether this activity is its work."""
        return not self.activiteiten or activiteit.naam in self.activiteiten


@dataclass(frozen=True, slots=True)
class Organisatie:
    """An authority of the sandbox's country. `gebied` are the outer rings of its area in RD; empty: everywhere."""

    oin: str
    naam: str
    bestuurslaag: str = "gemeente"
    gebied: tuple[Ring, ...] = ()
    behandeldiensten: tuple[Behandeldienst, ...] = ()

    def covers(self, punt: Punt) -> bool:
        """Whether a point is in its area."""
        return not self.gebied or any(inside(ring, punt) for ring in self.gebied)


@dataclass(frozen=True, slots=True)
class Toedeling:
    """One verzoek of a submission: which activities, who decides and who handles them."""

    activiteiten: tuple[Activiteit, ...]
    bevoegd_gezag: Organisatie
    behandeldienst: Organisatie | None = None
    kopie: bool = False

    @property
    def notified(self) -> tuple[Organisatie, ...]:
        """Who gets the notification; the one that handles the verzoek first."""
        if self.behandeldienst is None:
            return (self.bevoegd_gezag,)
        return (self.behandeldienst, self.bevoegd_gezag) if self.kopie else (self.behandeldienst,)


def route(
    activiteiten: Sequence[Activiteit],
    locaties: Sequence[Locatie],
    organisaties: Mapping[str, Organisatie],
    chosen: str | None = None,
) -> tuple[Toedeling, ...]:
    """The verzoeken that a submission becomes, in the order of its activities. `organisaties` by OIN.

    `chosen` is the OIN that the applicant took instead of the derived bevoegd gezag, for all activities ("Ergens
    anders indienen", stam.md 5.1). Raises ConfigError, with a Dutch advice, when nobody is bevoegd gezag.
    """
    if not activiteiten:
        raise ConfigError("a submission names no activiteit", advice="Kies ten minste één activiteit.")
    groups: dict[tuple[str, str | None], Toedeling] = {}
    for activiteit in activiteiten:
        gezag = _named(chosen, organisaties) if chosen else _bevoegd_gezag(activiteit, locaties, organisaties.values())
        dienst = next((each for each in gezag.behandeldiensten if each.handles(activiteit)), None)
        key = (gezag.oin, dienst.oin if dienst else None)
        before = groups[key].activiteiten if key in groups else ()
        handler = organisaties[dienst.oin] if dienst else None
        groups[key] = Toedeling((*before, activiteit), gezag, handler, bool(dienst and dienst.kopie))
    return tuple(groups.values())


def inside(ring: Ring, punt: Punt) -> bool:
    """Whether `punt` is within `ring`, by the number of its sides that a line to the east crosses."""
    x, y = punt
    crossed = (
        (north > y) != (other > y) and x < (east_of - east) * (y - north) / (other - north) + east
        for (east, north), (east_of, other) in zip(ring, (*ring[1:], ring[0]), strict=True)
    )
    return sum(crossed) % 2 == 1


def _named(oin: str, organisaties: Mapping[str, Organisatie]) -> Organisatie:
    if oin not in organisaties:
        raise ConfigError(f"OIN {oin} is not connected to this sandbox", advice="Kies een aangesloten organisatie.")
    return organisaties[oin]


def _bevoegd_gezag(
    activiteit: Activiteit, locaties: Sequence[Locatie], organisaties: Iterable[Organisatie]
) -> Organisatie:
    layer = [each for each in organisaties if each.bestuurslaag == activiteit.bestuurslaag]
    places = [locatie.midden for locatie in locaties if locatie.midden]
    found = [each for each in layer if all(map(each.covers, places))] if places else layer[:1]
    found = found or [each for each in layer if any(map(each.covers, places))]
    if not found:
        raise ConfigError(
            f"no {activiteit.bestuurslaag} of this sandbox is bevoegd gezag for {activiteit.naam} at this place",
            advice=f"Er is geen {activiteit.bestuurslaag} aangesloten voor “{activiteit.naam}” op deze plaats. "
            "Kies een andere plaats of activiteit, of dien het ergens anders in.",
        )
    return found[0]
