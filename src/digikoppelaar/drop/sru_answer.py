"""The other side of the search, for the sandbox: what is asked, answered over given publications as KOOP does.

Also its oddities (drop-3pas.md 7): a query that cannot be read gets HTTP 200 with a diagnostic and no count, an index
that is not known finds nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop import cql
from digikoppelaar.drop.bladen import BLADEN, BODY_SCHEMES
from digikoppelaar.drop.found import normalised
from digikoppelaar.drop.markers import SCHEMES, Markering, marker, read_wkt
from digikoppelaar.drop.metadata import ACTIVITEIT, AGENDA, LOCATIETYPE, ORGANISATIETYPE, RUBRIEK
from digikoppelaar.drop.model import Positie, plain
from digikoppelaar.drop.publication import Publicatie
from digikoppelaar.drop.sru import BAD_QUERY, ESTIMATE, SruNames
from digikoppelaar.errors import SubmissionError

SRU: Final = "http://docs.oasis-open.org/ns/search-ws/sruResponse"
DIAGNOSTIC: Final = "http://docs.oasis-open.org/ns/search-ws/diagnostic"
GZD: Final = "http://standaarden.overheid.nl/sru"
WETGEVING: Final = "http://standaarden.overheid.nl/wetgeving/"
COLLECTIE: Final = "http://standaarden.overheid.nl/collectie/"
OVERHEID: Final = "http://standaarden.overheid.nl/owms/terms/"
DCTERMS: Final = "http://purl.org/dc/terms/"

_NAMESPACES: Final = {
    "sru": SRU,
    "gzd": GZD,
    "overheidwetgeving": WETGEVING,
    "c": COLLECTIE,
    "overheid": OVERHEID,
    "dcterms": DCTERMS,
}
_PRECISION: Final = "info:srw/vocabulary/resultCountPrecision/1/"
MANIFESTATIONS: Final = {
    "html": "{identifier}.html",
    "metadata": "metadata.xml",
    "metadataowms": "metadata_owms.xml",
    "xml": "{identifier}.xml",
}
"""The forms that the sandbox has, each with the name of its file; the real one has odt and pdf besides."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A publication in the repository, and when it came there (aware)."""

    publicatie: Publicatie
    moment: datetime


@dataclass(frozen=True, slots=True)
class Repository:
    """What there is to be found, and how its answers name it.

    `publication_url` and `manifestation_url` are as in the profile, at the addresses of the sandbox. `wgs84` turns a
    position in RD into latitude and longitude. `exact` says whether the count is one, or called an estimate.
    """

    listed: Sequence[Listed]
    names: SruNames
    publication_url: str
    manifestation_url: str
    wgs84: Callable[[Positie], tuple[float, float]]
    exact: bool = True


def answer_search(parameters: Mapping[str, str], repository: Repository) -> bytes:
    """The answer, with HTTP status 200, to a search with these parameters."""
    root = etree.Element(f"{{{SRU}}}searchRetrieveResponse", nsmap={"sru": SRU})
    _add(root, SRU, "version", repository.names.version)
    try:
        query = cql.read_query(parameters.get("query", ""))
        start = _count(parameters, "startRecord", 1, least=1)
        most = _count(parameters, "maximumRecords", repository.names.page_size, least=0)
    except SubmissionError as error:
        _write_diagnostic(root, BAD_QUERY, str(error))
        return xml.serialize(root)
    found = [each for each in repository.listed if cql.holds(query, _fits(each, repository.names))]
    _write_page(root, found, start, most, repository)
    return xml.serialize(root)


def _count(parameters: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise SubmissionError(f"{name} is not a number of {least} or more")
    return int(text)


def _write_diagnostic(root: etree._Element, uri: str, message: str) -> None:
    outer = _add(root, SRU, "diagnostics")
    diagnostic = etree.SubElement(outer, f"{{{DIAGNOSTIC}}}diagnostic", nsmap={"diag": DIAGNOSTIC})
    _add(diagnostic, DIAGNOSTIC, "uri", uri)
    _add(diagnostic, DIAGNOSTIC, "message", message)


def _write_page(root: etree._Element, found: Sequence[Listed], start: int, most: int, repository: Repository) -> None:
    page = found[start - 1 : start - 1 + most]
    _add(root, SRU, "numberOfRecords", str(len(found)))
    if page:
        records = _add(root, SRU, "records")
        for position, listed in enumerate(page, start=start):
            records.append(_record(listed, position, repository))
    if start + most <= len(found) and page:
        _add(root, SRU, "nextRecordPosition", str(start + most))
    _add(root, SRU, "resultCountPrecision", _PRECISION + ("exact" if repository.exact else ESTIMATE))


# --- Which publications fit ------------------------------------------------------------------------------------------


def _fits(listed: Listed, names: SruNames) -> Callable[[cql.Clause], bool]:
    """Whether a condition holds for this publication. None does for an index that is not known."""
    values = _values(listed, names)

    def fits(clause: cql.Clause) -> bool:
        of_index = values.get(clause.index, ())
        return any(_holds(clause, value) for value in of_index)

    return fits


def _values(listed: Listed, names: SruNames) -> dict[str, tuple[str, ...]]:
    publicatie, kennisgeving = listed.publicatie, listed.publicatie.kennisgeving
    title = kennisgeving.titel
    return {
        names.product_area_index: (names.product_area,),
        names.creator_index: (kennisgeving.publicist.naam,),
        names.available_index: (publicatie.datum.isoformat(),),
        names.modified_index: (publicatie.datum.isoformat(),),
        names.title_index: (title,),
        names.identifier_index: (publicatie.identifier,),
        names.rubriek_index: ("officiële publicatie", kennisgeving.rubriek),
        names.text_index: (f"{title}\n{kennisgeving.samenvatting}\n{plain(kennisgeving.tekst)}",),
        names.publication_name_index: (BLADEN[kennisgeving.blad].publicatienaam,),
        names.year_index: (str(publicatie.jaar),),
    }


def _holds(clause: cql.Clause, value: str) -> bool:
    match clause.relation:
        case "==":
            return clause.is_all_of(value)
        case "<>":
            return not clause.is_all_of(value)
        case "<" | "<=" | ">" | ">=":
            return _compared(clause.relation, value, clause.text)
        case "any":
            return any(clause.words_in(_words(value)))
    return all(found := clause.words_in(_words(value))) and bool(found)


def _words(value: str) -> list[str]:
    """As written and without signs, so that a word with a sign in it is found both ways."""
    return [*value.split(), *normalised(value).split()]


def _compared(relation: str, value: str, term: str) -> bool:
    """ISO dates and numbers of one length compare as text does."""
    return {"<": value < term, "<=": value <= term, ">": value > term, ">=": value >= term}[relation]


# --- A record --------------------------------------------------------------------------------------------------------


def _record(listed: Listed, position: int, repository: Repository) -> etree._Element:
    record = etree.Element(f"{{{SRU}}}record", nsmap=_NAMESPACES)
    _add(record, SRU, "recordSchema", "http://standaarden.overheid.nl/sru/")
    _add(record, SRU, "recordPacking", "xml")
    gzd = _add(_add(record, SRU, "recordData"), GZD, "gzd")
    meta = _add(_add(gzd, GZD, "originalData"), WETGEVING, "meta")
    _write_kern(_add(meta, WETGEVING, "owmskern"), listed.publicatie)
    _write_mantel(_add(meta, WETGEVING, "owmsmantel"), listed.publicatie, repository)
    _write_tpmeta(_add(meta, WETGEVING, "tpmeta"), listed, repository)
    _write_enriched(_add(gzd, GZD, "enrichedData"), listed, repository)
    _add(record, SRU, "recordPosition", str(position))
    return record


def _write_kern(kern: etree._Element, publicatie: Publicatie) -> None:
    kennisgeving = publicatie.kennisgeving
    body, naam = BODY_SCHEMES[kennisgeving.publicist.bestuurslaag].text, kennisgeving.publicist.naam
    _add(kern, DCTERMS, "identifier", publicatie.identifier)
    _add(kern, DCTERMS, "title", kennisgeving.titel)
    _add(kern, DCTERMS, "language", "nl")
    _add(kern, DCTERMS, "type", kennisgeving.rubriek, RUBRIEK)
    _add(kern, DCTERMS, "creator", naam, body)
    _add(kern, DCTERMS, "modified", publicatie.datum.isoformat())
    _add(kern, OVERHEID, "authority", naam, body)


def _write_mantel(mantel: etree._Element, publicatie: Publicatie, repository: Repository) -> None:
    kennisgeving = publicatie.kennisgeving
    for name in ("available", "date"):
        _add(mantel, DCTERMS, name, publicatie.datum.isoformat())
    version = _add(mantel, DCTERMS, "hasVersion", "1")
    version.set("resourceIdentifier", repository.publication_url.format(identifier=publicatie.identifier))
    if kennisgeving.onderwerp:
        _add(mantel, DCTERMS, "subject", kennisgeving.onderwerp, AGENDA)
    if kennisgeving.samenvatting:
        _add(mantel, DCTERMS, "abstract", kennisgeving.samenvatting)
    body = BODY_SCHEMES[kennisgeving.publicist.bestuurslaag].text
    _add(mantel, DCTERMS, "publisher", kennisgeving.publicist.naam, body)


def _write_tpmeta(tpmeta: etree._Element, listed: Listed, repository: Repository) -> None:
    publicatie, kennisgeving = listed.publicatie, listed.publicatie.kennisgeving
    area = repository.names.product_area
    _add(tpmeta, COLLECTIE, "product-area", area)
    _add(tpmeta, COLLECTIE, "content-area", f"{area}/{kennisgeving.blad.value}/{publicatie.jaar}")
    for activiteit in kennisgeving.activiteiten:
        _add(tpmeta, WETGEVING, "activiteit", activiteit, ACTIVITEIT)
    _add(tpmeta, WETGEVING, "jaargang", str(publicatie.jaar))
    _add(tpmeta, WETGEVING, "organisatietype", kennisgeving.publicist.bestuurslaag.value, ORGANISATIETYPE)
    _add(tpmeta, WETGEVING, "publicatienummer", str(publicatie.nummer))
    _add(tpmeta, WETGEVING, "publicatienaam", BLADEN[kennisgeving.blad].publicatienaam)
    for locatie in kennisgeving.locaties:
        _write_marker(tpmeta, marker(locatie), repository)
    for name in ("datumTijdstipWijzigingWork", "datumTijdstipWijzigingExpression"):
        _add(tpmeta, WETGEVING, name, listed.moment.isoformat())


def _write_marker(tpmeta: etree._Element, found: Markering, repository: Repository) -> None:
    outer = _add(tpmeta, WETGEVING, "gebiedsmarkering", None, LOCATIETYPE)
    kind = _add(outer, WETGEVING, found.soort)
    for naam, waarde in _with_wgs84(found, repository.wgs84):
        _add(kind, WETGEVING, naam, waarde, SCHEMES.get(naam) if naam == "gemeentenaam" else None)


def _with_wgs84(found: Markering, wgs84: Callable[[Positie], tuple[float, float]]) -> Iterable[tuple[str, str]]:
    """Its fields as the search spells them, with the place of a point in degrees besides."""
    for naam, waarde in found.velden:
        yield naam.lower() if naam == "geometrieLabel" else naam, waarde
        if naam == "geometrie" and waarde.startswith("POINT"):
            north, east = wgs84(read_wkt(waarde)[0][0])
            yield "locatiepunt", f"{north} {east}"
            yield "locatiegebied", f"{north:.8g},{east:.8g}"


def _write_enriched(enriched: etree._Element, listed: Listed, repository: Repository) -> None:
    publicatie = listed.publicatie
    urls = {
        form: repository.manifestation_url.format(
            blad=publicatie.kennisgeving.blad.value,
            jaar=publicatie.jaar,
            identifier=publicatie.identifier,
            manifestation=form,
            file=file.format(identifier=publicatie.identifier),
        )
        for form, file in MANIFESTATIONS.items()
    }
    _add(enriched, GZD, "url", urls["xml"])
    _add(enriched, GZD, "preferredUrl", repository.publication_url.format(identifier=publicatie.identifier))
    for form, url in urls.items():
        _add(enriched, GZD, "itemUrl", url).set("manifestation", form)
    _add(enriched, GZD, "timestamp", listed.moment.isoformat())


def _add(
    parent: etree._Element, namespace: str, name: str, text: str | None = None, scheme: str | None = None
) -> etree._Element:
    element = etree.SubElement(parent, f"{{{namespace}}}{name}", {} if scheme is None else {"scheme": scheme})
    element.text = text
    return element
