"""A kennisgeving as values. How KOOP spells it is in other modules; nothing here knows XML or SOAP.

Coordinates are RD (EPSG:28992), in metres. Texts are as a reader is to see them. `soort` tells blocks and locations
apart where they are JSON (drop.document); nobody sets it.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field


class Bestuurslaag(StrEnum):
    """What kind of body publishes; the value is the word of OVERHEID.Organisatietype (drop-3pas.md 4)."""

    GEMEENTE = "gemeente"
    PROVINCIE = "provincie"
    WATERSCHAP = "waterschap"
    SAMENWERKING = "regionaal samenwerkingsorgaan"
    RIJK = "ministerie"


class Blad(StrEnum):
    """Where it is published; the value is the prefix of its numbers (drop-3pas.md 7)."""

    GEMEENTEBLAD = "gmb"
    PROVINCIAAL_BLAD = "prb"
    WATERSCHAPSBLAD = "wsb"
    BLAD_GEMEENSCHAPPELIJKE_REGELING = "bgr"
    STAATSCOURANT = "stcrt"


class Documenttype(StrEnum):
    """What DROP calls it; the value is the label (drop-3pas.md 2.3)."""

    AANVRAAG = "Omgevingsvergunning | aanvraag"
    AFHANDELING = "Omgevingsvergunning | afhandeling"
    PLANAFWIJKING = "Omgevingsvergunning | afhandeling met planafwijking"


class Procedure(StrEnum):
    """Which preparation the law has for the decision."""

    REGULIER = "regulier"
    UITGEBREID = "uitgebreid"


class Moment(StrEnum):
    """What in the procedure is made known."""

    AANVRAAG = "aanvraag"
    ONTWERPBESLUIT = "ontwerpbesluit"
    BESLUIT = "besluit"
    VERLENGING = "verlenging"
    OPSCHORTING = "opschorting"
    INTREKKING = "intrekking"
    RECTIFICATIE = "rectificatie"
    MELDING = "melding"
    """That somebody reported an activity: there is no decision, and its procedure counts as regulier."""


class Uitkomst(StrEnum):
    """How was decided, or how a draft would decide."""

    VERLEEND = "verleend"
    GEWEIGERD = "geweigerd"
    BUITEN_BEHANDELING = "buiten behandeling gesteld"


# --- Text ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stuk:
    """A stretch of text in a line; `link` is the URL (or mailto:) that it leads to."""

    tekst: str
    vet: bool = False
    link: str | None = None


Regel = tuple[Stuk, ...]
"""The stretches of one paragraph or heading, in order."""


@dataclass(frozen=True, slots=True)
class Alinea:
    """A paragraph; without stretches it is a blank line."""

    regel: Regel = ()
    soort: Literal["alinea"] = "alinea"


@dataclass(frozen=True, slots=True)
class Tussenkop:
    """A heading in the text."""

    regel: Regel
    soort: Literal["tussenkop"] = "tussenkop"


@dataclass(frozen=True, slots=True)
class Punt:
    """One item of a list: its mark, such as `1.` or `-`, and its paragraphs."""

    nummer: str
    alineas: tuple[Alinea, ...]


@dataclass(frozen=True, slots=True)
class Lijst:
    """A list."""

    punten: tuple[Punt, ...]
    soort: Literal["lijst"] = "lijst"


Blok = Annotated[Alinea | Tussenkop | Lijst, Field(discriminator="soort")]


# --- Locations -------------------------------------------------------------------------------------------------------

Positie = tuple[float, float]
"""x and y in RD, in metres."""


@dataclass(frozen=True, slots=True)
class AlsPunt:
    """A place by its coordinates alone. `label` is what people call it, `gemeente` in which it lies."""

    positie: Positie
    label: str | None = None
    gemeente: str | None = None
    soort: Literal["punt"] = "punt"


@dataclass(frozen=True, slots=True)
class AlsLijn:
    """A line, as a road or a waterway."""

    posities: tuple[Positie, ...]
    label: str | None = None
    gemeente: str | None = None
    soort: Literal["lijn"] = "lijn"


@dataclass(frozen=True, slots=True)
class AlsVlak:
    """An area: its outer ring, then the holes in it; every ring ends where it begins."""

    ringen: tuple[tuple[Positie, ...], ...]
    label: str | None = None
    gemeente: str | None = None
    soort: Literal["vlak"] = "vlak"


@dataclass(frozen=True, slots=True)
class AlsAdres:
    """An address. `postcode` is without blank; `positie` says where it is, when that is known."""

    postcode: str
    huisnummer: str
    straatnaam: str | None = None
    woonplaats: str | None = None
    huisletter: str | None = None
    toevoeging: str | None = None
    gemeente: str | None = None
    positie: Positie | None = None
    soort: Literal["adres"] = "adres"


@dataclass(frozen=True, slots=True)
class AlsPostcode:
    """All addresses of a postcode, such as 9681BM or 9681."""

    postcode: str
    gemeente: str | None = None
    soort: Literal["postcode"] = "postcode"


@dataclass(frozen=True, slots=True)
class AlsGemeente:
    """A whole gemeente."""

    gemeente: str
    provincie: str | None = None
    soort: Literal["gemeente"] = "gemeente"


Locatie = Annotated[AlsPunt | AlsLijn | AlsVlak | AlsAdres | AlsPostcode | AlsGemeente, Field(discriminator="soort")]


# --- The kennisgeving ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Publicist:
    """The body in whose blad it appears. `naam` as in the list of its kind, without that kind: `Reimerswaal`."""

    oin: str
    naam: str
    bestuurslaag: Bestuurslaag


@dataclass(frozen=True, slots=True)
class Periode:
    """From the first up to and including the last day."""

    eerste: date
    laatste: date


@dataclass(frozen=True, slots=True)
class Data:
    """The days that matter, in Dutch time. `publicatie` is the wished day."""

    ontvangst: date | None = None
    besluit: date | None = None
    verzending: date | None = None
    inzage: Periode | None = None
    reactie: Periode | None = None
    publicatie: date | None = None


@dataclass(frozen=True, slots=True)
class Bijlage:
    """A file that is published with it; `blob` names its content in the blob store."""

    bestandsnaam: str
    mediatype: str
    blob: str


@dataclass(frozen=True, slots=True)
class Bopa:
    """What a notice of a granted permit that departs from the plan has besides (drop-3pas.md 5).

    `identificatie` is the number of the case, `imro_ids` the plans departed from, `vlakken` the area of the permit.
    """

    identificatie: str
    vlakken: tuple[AlsVlak, ...]
    imro_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kennisgeving:
    """One notice: one case, one documenttype, one blad.

    `behandelaar_oin` is the organisatie that handles the case; an omgevingsdienst has another than the publicist.
    `referentienummer` is the number of the case, `samenvatting` one sentence of what it is about, `onderwerp` the
    value of the policy agenda. `rubriek` and `activiteiten` are values of KOOP's lists, of which only those that
    were seen are known; `activiteiten_zonder_waarde` are names at the Omgevingsloket of activities without such a
    value, which are not sent.
    """

    publicist: Publicist
    behandelaar_oin: str
    blad: Blad
    documenttype: Documenttype
    procedure: Procedure
    moment: Moment
    titel: str
    tekst: tuple[Blok, ...]
    rubriek: str
    referentienummer: str
    uitkomst: Uitkomst | None = None
    activiteiten: tuple[str, ...] = ()
    activiteiten_zonder_waarde: tuple[str, ...] = ()
    samenvatting: str = ""
    onderwerp: str = ""
    locaties: tuple[Locatie, ...] = ()
    data: Data = Data()
    bijlagen: tuple[Bijlage, ...] = ()
    bopa: Bopa | None = None


def plain(blokken: tuple[Blok, ...]) -> str:
    """The text alone, a line for each paragraph, heading or item: what is searched for personal data."""
    lines: list[str] = []
    for blok in blokken:
        match blok:
            case Alinea(regel) | Tussenkop(regel):
                lines.append(told(regel))
            case Lijst(punten):
                lines += [line for punt in punten for line in _lines(punt)]
    return "\n".join(lines)


def _lines(punt: Punt) -> list[str]:
    """The first with its mark, as a reader sees it."""
    first, *others = [told(alinea.regel) for alinea in punt.alineas] or [""]
    return [f"{punt.nummer} {first}".strip(), *others]


def told(regel: Regel) -> str:
    """With the target of each link, which is text to a reader as well."""
    return "".join(f"{stuk.tekst} ({stuk.link})" if stuk.link else stuk.tekst for stuk in regel)
