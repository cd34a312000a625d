"""A verzoek as values. `stam.verzoek` reads them; nothing here knows XML.

The official schema is not public: every field may be absent, and what has no field here is kept in `onbekend`.
Answers and persons are personal data, so they stay out of every repr.
"""

from dataclasses import dataclass, field
from datetime import datetime

Waarden = tuple[tuple[str, str], ...]
"""Names (with `/` for nesting and `@` for an attribute) and texts of a part that is kept as it came, in its order."""


@dataclass(frozen=True, slots=True)
class Onbekend:
    """An element without a field in this model: its path below verzoek, and itself as XML."""

    pad: str
    xml: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with, or worth knowing of, a verzoek: for a person, never a reason to stop it.

    `code` is stable. `path` is the element below verzoek, `line` its line in the XML where that is known. `sentence`
    is Dutch and holds no value of the document: values are personal data.
    """

    code: str
    path: str
    sentence: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Instantie:
    """A bevoegd gezag or a behandeldienst (uitvoerende instantie)."""

    oin: str | None
    naam: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """The project of which the verzoek is part."""

    naam: str | None
    omschrijving: str | None = field(default=None, repr=False)
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Adres:
    """An address, of a person or of a location. `soort` is the element that it stood in (`verblijfsadres`, ...).

    `vorm` is binnenlands, buitenlands or afwijkend when the element says so, else empty. `waarden` is everything as
    it came; the fields are what of it could be told by its name, as text. `nummeraanduiding` is the BAG id,
    `regels` are the lines of an address that has no fields, as a foreign one.
    """

    soort: str
    waarden: Waarden = field(repr=False)
    vorm: str = ""
    nummeraanduiding: str | None = field(default=None, repr=False)
    straatnaam: str | None = field(default=None, repr=False)
    huisnummer: str | None = field(default=None, repr=False)
    huisletter: str | None = field(default=None, repr=False)
    huisnummertoevoeging: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    woonplaats: str | None = field(default=None, repr=False)
    land: str | None = field(default=None, repr=False)
    adrestype: str | None = field(default=None, repr=False)
    regels: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Perceel:
    """A cadastral parcel, as far as its parts could be told by their names; `waarden` is everything as it came."""

    waarden: Waarden = field(repr=False)
    gemeente: str | None = field(default=None, repr=False)
    sectie: str | None = field(default=None, repr=False)
    perceelnummer: str | None = field(default=None, repr=False)
    appartementsindex: str | None = field(default=None, repr=False)
    aanduiding: str | None = field(default=None, repr=False)
    """The whole as one text, or the id in the register."""


@dataclass(frozen=True, slots=True)
class Persoon:
    """An initiatiefnemer, gemachtigde or contactpersoon. `soort` is natuurlijk, nietNatuurlijk or contactpersoon."""

    soort: str
    bsn: str | None = field(default=None, repr=False)
    kvk_nummer: str | None = field(default=None, repr=False)
    vestigingsnummer: str | None = field(default=None, repr=False)
    handelsnaam: str | None = field(default=None, repr=False)
    voorletters: str | None = field(default=None, repr=False)
    voorvoegsel: str | None = field(default=None, repr=False)
    achternaam: str | None = field(default=None, repr=False)
    emailadres: str | None = field(default=None, repr=False)
    telefoonnummer: str | None = field(default=None, repr=False)
    adressen: tuple[Adres, ...] = field(default=(), repr=False)


Positie = tuple[float, float]
"""East before north: x and y in metres, or longitude and latitude in degrees."""

Ring = tuple[Positie, ...]
"""A closed line: at least four positions, the last one as the first."""


@dataclass(frozen=True, slots=True)
class Geometrie:
    """Points, lines and areas in one `stelsel` (EPSG:28992 is RD, EPSG:4258 ETRS89, EPSG:4326 WGS84).

    An area is its outer ring and then its inner rings. Positions stand in one order in every stelsel, whatever the
    order in the document was.
    """

    stelsel: str
    punten: tuple[Positie, ...] = field(default=(), repr=False)
    lijnen: tuple[tuple[Positie, ...], ...] = field(default=(), repr=False)
    vlakken: tuple[tuple[Ring, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Projectlocatie:
    """Where it happens: any of an address, parcels and coordinates (stam.md 1.8).

    The first four fields are the texts as they came, the next two what could be told of them. `opgegeven` are the
    coordinates as the applicant entered them, `etrs` those that DSO-LV derived. `findings` is what was wrong with
    them, with paths below projectlocatie.
    """

    adres_aanduiding: Waarden = field(default=(), repr=False)
    kadastrale_gegevens: Waarden = field(default=(), repr=False)
    coordinaten_opgegeven: Waarden = field(default=(), repr=False)
    coordinaten_etrs: Waarden = field(default=(), repr=False)
    adres: Adres | None = None
    percelen: tuple[Perceel, ...] = ()
    opgegeven: Geometrie | None = field(default=None, repr=False)
    etrs: Geometrie | None = field(default=None, repr=False)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document that the verzoek names; its content comes as a file with the same id or the same name."""

    document_id: str | None
    bestandsnaam: str | None = field(default=None, repr=False)
    vertrouwelijk: bool | None = None


@dataclass(frozen=True, slots=True)
class GevraagdeBijlage:
    """The documents that answer one question for a bijlage."""

    documentsoort: str | None
    documenten: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Specificatie:
    """One question with its answer. Answers are free text, also when they hold a number (stam.md 1.9)."""

    vraag_id: str | None = None
    vraagtekst: str | None = None
    antwoord: str | None = field(default=None, repr=False)
    oorspronkelijk_antwoord: str | None = field(default=None, repr=False)
    vraagclassificatie: str | None = None
    groepering: str | None = None
    vraagreferentie: str | None = None
    publiceerbaar: bool | None = None
    gevraagde_bijlage: GevraagdeBijlage | None = None


@dataclass(frozen=True, slots=True)
class Projectactiviteit:
    """One activity that is applied for or notified, with its questions."""

    naam: str | None
    activiteit_id: str | None = None
    subactiviteit: str | None = None
    specificaties: tuple[Specificatie, ...] = ()


@dataclass(frozen=True, slots=True)
class Verzoek:
    """A verzoek version; (verzoeknummer, volgnummer) names it (stam.md 1.3, 1.5 and 1.6).

    `stam_versie` is the number in the namespace, None outside the known namespaces. `doel` and `type` are spelled as
    in `stam.codes` when known there. `indien_datum` is in UTC. `specificaties` are questions that belong to no
    activity. What has no field here, or could not be read, is in `onbekend`.
    """

    stam_versie: int | None
    verzoeknummer: str
    volgnummer: int
    doel: str
    type: str
    naam: str | None = field(default=None, repr=False)
    indien_datum: datetime | None = None
    ambtshalve: bool | None = None
    project: Project | None = None
    bevoegd_gezag: Instantie | None = None
    bevoegd_gezag_historie: tuple[Instantie, ...] = ()
    uitvoerende_instantie: Instantie | None = None
    uitvoerende_instantie_historie: tuple[Instantie, ...] = ()
    initiatiefnemer: Persoon | None = field(default=None, repr=False)
    gemachtigde: Persoon | None = field(default=None, repr=False)
    contactpersoon: Persoon | None = field(default=None, repr=False)
    projectlocaties: tuple[Projectlocatie, ...] = ()
    projectactiviteiten: tuple[Projectactiviteit, ...] = ()
    verzoekbijlagen: tuple[Document, ...] = ()
    specificaties: tuple[Specificatie, ...] = ()
    toelichting: str | None = field(default=None, repr=False)
    toelichting_later: str | None = field(default=None, repr=False)
    """Which information comes later."""
    toelichting_niet: str | None = field(default=None, repr=False)
    """Which information will not come."""
    participatie: bool | None = None
    akkoordverklaring: bool | None = None
    referentie_aanvrager: str | None = field(default=None, repr=False)
    onbekend: tuple[Onbekend, ...] = ()

    @property
    def documenten(self) -> tuple[Document, ...]:
        """Every document that the verzoek names, once each: with a question or with the verzoek as a whole."""
        named = [
            document
            for specificatie in self.alle_specificaties
            if specificatie.gevraagde_bijlage
            for document in specificatie.gevraagde_bijlage.documenten
        ]
        return tuple(dict.fromkeys((*named, *self.verzoekbijlagen)))

    @property
    def alle_specificaties(self) -> tuple[Specificatie, ...]:
        """The questions of every activity, then those of the verzoek itself."""
        of_activities = (each for activiteit in self.projectactiviteiten for each in activiteit.specificaties)
        return (*of_activities, *self.specificaties)

    @property
    def aansluitactiviteit(self) -> bool:
        """Whether it was made to try out a connection: all its activities say so (stam.md 5.1, step 4)."""
        names = [(activiteit.naam or "").casefold() for activiteit in self.projectactiviteiten]
        return bool(names) and all(name.startswith("aansluitactiviteit") for name in names)
