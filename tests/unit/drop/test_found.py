"""Which records could be the kennisgeving, which one is, and in what it differs."""

import json
from dataclasses import replace
from datetime import date

import pytest
from tests.shared import shared_data
from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.drop.found import (
    Match,
    Verschil,
    candidates,
    differences,
    likeness,
    match,
    normalised,
    same_place,
)
from digikoppelaar.drop.inhoud import NONE_ACCEPTED, Markup, plainer
from digikoppelaar.drop.metadata import Metadata, metadata_xml, read_metadata
from digikoppelaar.drop.model import (
    Alinea,
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Blad,
    Data,
    Kennisgeving,
    Lijst,
    Locatie,
    Punt,
    Stuk,
)
from digikoppelaar.drop.publication import Publicatie, publication_xml, read_publication
from digikoppelaar.drop.sru import Record

DAY = date(2026, 6, 2)
BODY = KENNISGEVING.publicist.naam
RECORD = Record("gmb-2026-7", KENNISGEVING.titel, "Voorbeeldstad", "omgevingsvergunning", DAY, (), "", (), "", (), None)


def published(kennisgeving: Kennisgeving) -> Metadata:
    return read_metadata(metadata_xml(Publicatie(kennisgeving, 2026, 7, DAY)))


def test_the_likeliest_record_comes_first() -> None:
    other = replace(RECORD, identifier="gmb-2026-6", titel=KENNISGEVING.titel.replace("kappen", "vellen"))
    same = replace(RECORD, titel=KENNISGEVING.titel.upper().replace(",", " -"))
    assert candidates(KENNISGEVING, [other, same], BODY, DAY) == (same, other)


def test_of_the_real_notices_of_one_day_each_has_one_candidate() -> None:
    path = shared_data("koop", "sru", "shertogenbosch-2024-11-29.subset.json")
    entries = json.loads(path.read_text(encoding="utf-8"))["publications"]
    records = [
        replace(
            RECORD,
            identifier=entry["urlDoc"].rpartition("/")[2].removesuffix(".html"),
            titel=entry["title"],
            creator="'s-Hertogenbosch",
            datum=date(2024, 11, 29),
        )
        for entry in entries
    ]
    assert len(records) == 5
    for record in records:
        ours = replace(KENNISGEVING, titel=record.titel)
        assert candidates(ours, records, "'s-Hertogenbosch", date(2024, 11, 20)) == (record,)


@pytest.mark.parametrize(
    "record",
    [
        replace(RECORD, titel="Ingetrokken evenement in het dorp"),
        replace(RECORD, titel=""),
        replace(RECORD, creator="Andere Stad"),
        replace(RECORD, identifier="prb-2026-7"),
        replace(RECORD, identifier="onbekend"),
        replace(RECORD, datum=None),
        replace(RECORD, datum=date(2026, 6, 1)),
    ],
)
def test_a_record_of_another_body_blad_time_or_matter_is_none(record: Record) -> None:
    assert candidates(KENNISGEVING, [record], BODY, DAY) == ()


@pytest.mark.parametrize(("ours", "theirs"), [("'s-Gravenhage", "’s-Gravenhage"), ("Bergen (NH)", "Bergen NH")])
def test_the_name_of_a_body_is_known_in_every_spelling(ours: str, theirs: str) -> None:
    assert candidates(KENNISGEVING, [replace(RECORD, creator=theirs)], ours, DAY)


def test_titles_are_like_as_far_as_they_share_words() -> None:
    assert likeness("Kappen, boom!", "kappen boom") == 1
    assert likeness("kappen boom", "kappen struik") == pytest.approx(1 / 3)
    assert likeness("", "") == 0
    assert normalised("Ｋap  œ_É\u0301") == normalised("kap œ é́")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("Z2026-1", "z2026-1 ", Match.CONFIRMED),
        ("Z2026-1", "Z2026-2", Match.OTHER),
        ("Z2026-1", "Z2026-11", Match.OTHER),
        ("Z2026-1", "", Match.UNKNOWN),
        ("", "", Match.UNKNOWN),
    ],
)
def test_the_referentienummer_says_which_one_it_is(ours: str, theirs: str, expected: Match) -> None:
    metadata = published(replace(KENNISGEVING, referentienummer=theirs))
    assert match(replace(KENNISGEVING, referentienummer=ours), metadata) is expected


def test_what_is_published_as_it_was_sent_has_no_differences() -> None:
    document = read_publication(publication_xml(Publicatie(KENNISGEVING, 2026, 7, DAY)))
    sent = replace(KENNISGEVING, data=Data(publicatie=DAY))
    assert differences(sent, published(sent), document, frozenset(Markup)) == ()


def test_a_text_that_went_out_in_plainer_elements_has_no_difference() -> None:
    lijst = Lijst((Punt("1.", (Alinea((Stuk("Mail ons", link="mailto:info@voorbeeldstad.test"),)),)),))
    sent = replace(KENNISGEVING, tekst=(*KENNISGEVING.tekst, lijst))
    as_sent = replace(sent, tekst=plainer(sent.tekst, NONE_ACCEPTED))
    document = read_publication(publication_xml(Publicatie(as_sent, 2026, 7, DAY)))
    assert differences(sent, published(sent), document) == ()
    assert [each.veld for each in differences(sent, published(sent), document, frozenset(Markup))] == ["tekst"]


def test_every_difference_is_shown_with_both_sides() -> None:
    sent = replace(KENNISGEVING, data=Data(publicatie=date(2026, 6, 3)))
    other = replace(
        KENNISGEVING,
        titel="Andere titel",
        rubriek="andere melding",
        activiteiten=(),
        locaties=KENNISGEVING.locaties[:1],
    )
    assert differences(sent, published(other)) == (
        Verschil("titel", KENNISGEVING.titel, "Andere titel"),
        Verschil("rubriek", "omgevingsvergunning", "andere melding"),
        Verschil("activiteiten", "kappen", ""),
        Verschil("datum", "2026-06-03", "2026-06-02"),
        Verschil("locatie", "Punt: POINT(151235.5 368701), Gebiedsmarkering, Voorbeeldstad", ""),
    )


def test_a_difference_is_told_in_a_sentence_that_stays_short() -> None:
    assert Verschil("rubriek", "a", "").zin == "rubriek: gepubliceerd is niets, verzonden was “a”."
    assert Verschil("tekst", "a", "b" * 301).zin == "tekst: anders gepubliceerd dan verzonden."


def test_a_text_that_differs_is_a_difference_and_its_layout_is_none() -> None:
    document = publication_xml(Publicatie(KENNISGEVING, 2026, 7, DAY))
    wrapped = document.replace(b"Dorpsstraat 1 &amp;", b"Dorpsstraat 1\n      &amp;")
    assert wrapped != document
    assert differences(KENNISGEVING, published(KENNISGEVING), read_publication(wrapped), frozenset(Markup)) == ()
    shorter = read_publication(document.replace(b" &amp; omgeving", b""))
    (found,) = differences(KENNISGEVING, published(KENNISGEVING), shorter, frozenset(Markup))
    assert found.veld == "tekst"


def test_a_place_that_nobody_sent_is_a_difference_and_so_is_one_that_cannot_be_read() -> None:
    found = published(replace(KENNISGEVING, locaties=(AlsGemeente("Voorbeeldstad"),)))
    assert [each.verzonden for each in differences(replace(KENNISGEVING, locaties=()), found)] == [""]
    broken = replace(found, markeringen=(replace(found.markeringen[0], soort="Perceel"),))
    (unread,) = differences(replace(KENNISGEVING, locaties=()), broken)
    assert unread == Verschil("locatie", "", "Perceel: niet te lezen")


RING = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 0.0))
MOVED = tuple((x + 0.7, y) for x, y in RING)
FAR = tuple((x + 7, y) for x, y in RING)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (AlsPunt((1.4, 2)), AlsPunt((1, 2), "label"), True),
        (AlsPunt((1, 2)), AlsPunt((4, 2)), False),
        (AlsLijn(RING), AlsLijn(MOVED), True),
        (AlsLijn(RING), AlsLijn(RING[:3]), False),
        (AlsVlak((RING,)), AlsVlak((MOVED,)), True),
        (AlsVlak((RING,)), AlsVlak((FAR,)), False),
        (AlsVlak((RING, RING)), AlsVlak((RING,)), False),
        (AlsAdres("1234AB", "1", huisletter="A"), AlsAdres("1234ab", "1", "Straat", huisletter="a"), True),
        (AlsAdres("1234AB", "1"), AlsAdres("1234AB", "1", toevoeging="2"), False),
        (AlsPostcode("1234AB"), AlsPostcode("1234ab", "x"), True),
        (AlsGemeente("Bergen (NH)"), AlsGemeente("Bergen NH"), True),
        (AlsPunt((1, 2)), AlsGemeente("x"), False),
    ],
)
def test_places_are_the_same_but_for_labels_and_rounding(one: Locatie, other: Locatie, expected: bool) -> None:
    assert same_place(one, other) is expected


def test_a_notice_in_the_staatscourant_is_not_one_of_the_gemeenteblad() -> None:
    assert candidates(replace(KENNISGEVING, blad=Blad.STAATSCOURANT), [RECORD], BODY, DAY) == ()
