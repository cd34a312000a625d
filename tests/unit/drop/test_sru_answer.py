"""The search of the sandbox: what it answers is what the gateway reads, and its record is built as the real one is."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from lxml import etree
from tests.shared import shared_data
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.drop.trees import differences

from digikoppelaar import xml
from digikoppelaar.adapters.profiles import load_sru_profile
from digikoppelaar.drop.bladen import BODY_SCHEMES
from digikoppelaar.drop.model import AlsPunt, Bestuurslaag, Publicist
from digikoppelaar.drop.publication import Publicatie
from digikoppelaar.drop.sru import Search, next_page, query, read_answer
from digikoppelaar.drop.sru_answer import Listed, Repository, answer_search
from digikoppelaar.errors import FacilityError

PROFILE = load_sru_profile("koop-sru")
NAMES = replace(PROFILE.names, page_size=2)
MOMENT = datetime(2023, 4, 20, 9, 21, 22, 96779, tzinfo=timezone(timedelta(hours=2)))
DAY = date(2026, 6, 2)


def listed(nummer: int, **changed: Any) -> Listed:
    return Listed(Publicatie(replace(KENNISGEVING, **changed), 2026, nummer, DAY), MOMENT)


def repository(*found: Listed, exact: bool = True) -> Repository:
    return Repository(
        found, NAMES, PROFILE.publication_url, PROFILE.manifestation_url, lambda at: (at[0] / 1e4, at[1] / 1e5), exact
    )


def found(text: str, *over: Listed) -> list[str]:
    answer = read_answer(answer_search({"query": text, "maximumRecords": "50"}, repository(*over)))
    return [record.identifier for record in answer.records]


def test_the_gateway_reads_page_after_page_of_what_it_searched() -> None:
    over = repository(*(listed(number) for number in (1, 2, 3)), exact=False)
    search: Search | None = Search("Voorbeeldstad", DAY)
    seen = []
    while search is not None:
        parameters = {"query": query(search, NAMES), "startRecord": str(search.start), "maximumRecords": "2"}
        answer = read_answer(answer_search(parameters, over))
        assert (answer.total, answer.estimated) == (3, True)
        seen += answer.records
        search = next_page(search, answer)
    assert [record.identifier for record in seen] == ["gmb-2026-1", "gmb-2026-2", "gmb-2026-3"]
    assert (seen[0].titel, seen[0].rubriek, seen[0].datum) == (KENNISGEVING.titel, "omgevingsvergunning", DAY)
    assert (seen[0].locaties, seen[0].activiteiten) == (KENNISGEVING.locaties, ("kappen",))
    assert seen[0].url("metadata") == (
        "https://repository.overheid.nl/frbr/officielepublicaties/gmb/2026/gmb-2026-1/1/metadata/metadata.xml"
    )


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('dt.title any "vellen kappen"', True),
        ('dt.title all "vellen kappen"', False),
        ('dt.title all "dorpsstraat kappen"', True),
        ('dt.title="Dorpsstraat"', True),
        ('dt.title=="Dorpsstraat"', False),
        ('dt.title=="*Dorpsstraat*"', True),
        ('cql.textAndIndexes any "omgeving"', True),
        ('dt.type==omgevingsvergunning AND w.jaargang==2026 AND w.publicatienaam=="Gemeenteblad"', True),
        ("dt.available>2026-06-02", False),
        ("dt.available>=2026-06-02 AND dt.available<2026-06-03", True),
        ('dt.creator<>"Voorbeeldstad"', False),
        ("dt.identifier==gmb-2026-1", True),
        ('dt.title all ""', False),
    ],
)
def test_relations_mean_what_they_say(text: str, fits: bool) -> None:
    assert found(text, listed(1)) == (["gmb-2026-1"] if fits else [])


def test_a_title_with_signs_of_the_language_is_found_as_it_is() -> None:
    titel = 'Kap "eik" (2*) \\ wat? AND'
    search = Search("Voorbeeldstad", DAY, titel)
    assert found(query(search, NAMES), listed(1), listed(2, titel=titel)) == ["gmb-2026-2"]


def test_an_index_that_is_not_known_finds_nothing_and_says_nothing() -> None:
    answer = read_answer(answer_search({"query": 'dt.referentienummer=="Z1"'}, repository(listed(1))))
    assert (answer.total, answer.records) == (0, ())


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": 'dt.title="'},
        {"query": "dt.title=a", "startRecord": "0"},
        {"query": "dt.title=a", "maximumRecords": "veel"},
    ],
)
def test_what_cannot_be_read_gets_a_diagnostic_and_no_count(parameters: dict[str, str]) -> None:
    document = answer_search(parameters, repository(listed(1)))
    assert b"numberOfRecords" not in document
    with pytest.raises(FacilityError, match="info:srw/diagnostic/1/10"):
        read_answer(document)


NOT_OURS = [
    "/record/recordData/gzd/enrichedData/itemUrl: {'manifestation': 'xml'} for {'manifestation': 'odt'}",
    "/record/recordData/gzd/enrichedData/itemUrl: other text",
    "/record/recordData/gzd/enrichedData/itemUrl: missing",  # the sandbox makes no odt and no pdf
    "/record/recordData/gzd/enrichedData/itemUrl: missing",
    "/record/recordData/gzd/enrichedData/timestamp: other text",  # indexed an hour after the publication
]


def test_the_real_record_is_rebuilt_element_by_element() -> None:
    theirs = shared_data("koop", "sru", "gmb-2023-174296.sru-record.namespaces-stripped.xml").read_bytes()
    degrees = {
        (151229.0, 368702.0): (51.3075724542547, 5.33312320398434),
        (151235.0, 368701.0): (51.3075635053345, 5.33320926054074),
    }
    kennisgeving = replace(
        KENNISGEVING,
        publicist=Publicist("", "Bergeijk", Bestuurslaag.GEMEENTE),
        titel="Ingekomen melding, Frater Romboutsstraat 42 5571KZ Bergeijk, verwijderen van asbest van het dak",
        samenvatting="verwijderen van asbest van het dak",
        activiteiten=("slopen",),
        locaties=tuple(AlsPunt(at, "Gebiedsmarkering", "Bergeijk") for at in degrees),
    )
    over = replace(
        repository(Listed(Publicatie(kennisgeving, 2023, 174296, date(2023, 4, 20)), MOMENT)),
        wgs84=lambda at: degrees[at],
    )
    answer = xml.parse(answer_search({"query": "dt.creator==Bergeijk"}, over), limit=100_000)
    (ours,) = (element for element in answer.iter() if xml.local_name(element) == "record")
    without_namespaces(ours).findall("recordPosition")[0].text = "641420"
    assert list(differences(ours, xml.parse(theirs, limit=100_000))) == NOT_OURS


def without_namespaces(element: etree._Element) -> etree._Element:
    for each in element.iter("*"):
        each.tag = xml.local_name(each)
    return element


def test_every_kind_of_body_has_a_scheme() -> None:
    assert set(BODY_SCHEMES) == set(Bestuurslaag)
