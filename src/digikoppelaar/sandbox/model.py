"""What an applicant fills in, as values. How it is routed, served and told is in the modules beside this one.

Everything here is personal data of people who do not exist; it stays out of logs all the same.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

NO_BSN: Final = "000000000"
"""Nine zeros mean that there is none (stam.md 1.7)."""

Punt = tuple[float, float]
Ring = tuple[Punt, ...]
"""A closed line: the last point is the first."""


class Soort(Enum):
    """What can be invented."""

    VERGUNNINGAANVRAAG = "vergunningaanvraag"
    MELDING = "melding"
    INFORMATIE = "informatie"
    CONCEPTVERZOEK = "conceptverzoek"


@dataclass(frozen=True, slots=True)
class Adres:
    """An address in the Netherlands."""

    straatnaam: str
    huisnummer: str
    postcode: str
    woonplaats: str
    huisletter: str = ""
    toevoeging: str = ""


@dataclass(frozen=True, slots=True)
class Locatie:
    """Any of an address, a parcel, a point and an area; `punt` and `vlak` in RD, in metres (stam.md 1.8).

    `vlak` is the outer ring and then the inner ones. `etrs89` is latitude and longitude of `punt`, where it is known
    without converting.
    """

    adres: Adres | None = None
    kadaster: str = ""
    punt: Punt | None = None
    vlak: tuple[Ring, ...] = ()
    etrs89: Punt | None = None

    @property
    def midden(self) -> Punt | None:
        """A point that says where it is: of an area the middle of the box around it."""
        if self.punt or not self.vlak:
            return self.punt
        x, y = zip(*self.vlak[0], strict=True)
        return (min(x) + max(x)) / 2, (min(y) + max(y)) / 2


@dataclass(frozen=True, slots=True)
class Persoon:
    """A natural person; `bsn` may be NO_BSN. As contactpersoon: without BSN and address."""

    bsn: str
    voorletters: str
    achternaam: str
    emailadres: str
    adres: Adres | None = None
    telefoonnummer: str = ""


@dataclass(frozen=True, slots=True)
class Bedrijf:
    """A company; its contact person is the only name that comes with it (stam.md 1.7)."""

    kvk_nummer: str
    handelsnaam: str
    adres: Adres
    vestigingsnummer: str = ""
    contactpersoon: Persoon | None = None


@dataclass(frozen=True, slots=True)
class Specificatie:
    """A question with its answer, which is free text and may be empty."""

    vraag_id: str
    vraagtekst: str
    antwoord: str


@dataclass(frozen=True, slots=True)
class Activiteit:
    """An activity that was chosen; `bestuurslaag` is that of its bevoegd gezag."""

    naam: str
    specificaties: tuple[Specificatie, ...] = ()
    bestuurslaag: str = "gemeente"
    activiteit_id: str = ""


@dataclass(frozen=True, slots=True)
class Inhoud:
    """What an applicant filled in. `type` and `doel` as they stand in the XML (stam.md 1.4).

    `bijlagen` are the titles under which documents are asked for. `soort` is set when it was invented.
    """

    type: str
    doel: str
    naam: str
    omschrijving: str
    activiteiten: tuple[Activiteit, ...]
    locaties: tuple[Locatie, ...] = field(repr=False)
    initiatiefnemer: Persoon | Bedrijf = field(repr=False)
    gemachtigde: Persoon | Bedrijf | None = field(default=None, repr=False)
    bijlagen: tuple[str, ...] = ()
    toelichting: str = field(default="", repr=False)
    soort: Soort | None = None

    @property
    def specificaties(self) -> tuple[Specificatie, ...]:
        """The questions of all activities."""
        return tuple(each for activiteit in self.activiteiten for each in activiteit.specificaties)

    @property
    def contactpersoon(self) -> Persoon | None:
        """Only when the submitting party is a company (stam.md 1.7)."""
        submitter = self.gemachtigde or self.initiatiefnemer
        return submitter.contactpersoon if isinstance(submitter, Bedrijf) else None


@dataclass(frozen=True, slots=True)
class BevoegdGezag:
    """An authority as a verzoek names it: the bevoegd gezag, or the behandeldienst."""

    oin: str
    naam: str


@dataclass(frozen=True, slots=True)
class Route:
    """Whose a verzoek is. `kopie`: a bevoegd gezag with a behandeldienst for it is told of it too (stam.md 1.10)."""

    bevoegd_gezag: BevoegdGezag
    behandeldienst: BevoegdGezag | None = None
    kopie: bool = True

    @property
    def handler(self) -> BevoegdGezag:
        """Who handles it."""
        return self.behandeldienst or self.bevoegd_gezag

    @property
    def oins(self) -> frozenset[str]:
        """Who may fetch it."""
        return frozenset({self.bevoegd_gezag.oin, self.handler.oin})

    @property
    def told(self) -> tuple[BevoegdGezag, ...]:
        """Who is told of a version; the one that handles it first."""
        if self.behandeldienst is None:
            return (self.bevoegd_gezag,)
        return (self.behandeldienst, self.bevoegd_gezag) if self.kopie else (self.behandeldienst,)

    def told_after(self, before: "Route") -> tuple[BevoegdGezag, ...]:
        """Who is told when it was `before`: who had no notification yet, and who handles it from now on."""
        had = {each.oin for each in before.told} - ({self.handler.oin} - {before.handler.oin})
        return tuple(each for each in self.told if each.oin not in had)


@dataclass(frozen=True, slots=True)
class Head:
    """What DSO-LV adds to what the applicant filled in. `doel` as it stands in the XML.

    The historie is who it was addressed to before (stam.md 1.10); `stam` is the number in the namespace.
    """

    verzoeknummer: str
    volgnummer: int
    doel: str
    submitted_at: datetime
    bevoegd_gezag: BevoegdGezag
    behandeldienst: BevoegdGezag | None = None
    bevoegd_gezag_historie: tuple[BevoegdGezag, ...] = ()
    behandeldienst_historie: tuple[BevoegdGezag, ...] = ()
    stam: int = 4

    def rerouted(self, to: Route) -> "Head":
        """The same for another bevoegd gezag or behandeldienst; who it was before is in the historie."""
        gezag, dienst = self.bevoegd_gezag, self.behandeldienst
        return replace(
            self,
            bevoegd_gezag=to.bevoegd_gezag,
            behandeldienst=to.behandeldienst,
            bevoegd_gezag_historie=(*self.bevoegd_gezag_historie, *((gezag,) if gezag != to.bevoegd_gezag else ())),
            behandeldienst_historie=(
                *self.behandeldienst_historie,
                *((dienst,) if dienst and dienst != to.behandeldienst else ()),
            ),
        )
