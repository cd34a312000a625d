"""What is published of a kennisgeving: public notices are rebuilt element by element, and read back as sent."""

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from tests.shared import shared_data
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.drop.trees import differences

from digikoppelaar import xml
from digikoppelaar.drop.bladen import BLADEN
from digikoppelaar.drop.blocks import read_blocks
from digikoppelaar.drop.model import (
    Alinea,
    Bestuurslaag,
    Blad,
    Lijst,
    Publicist,
    Punt,
    Stuk,
    Tussenkop,
    plain,
)
from digikoppelaar.drop.publication import (
    MAX_ELEMENTS,
    Nummer,
    Publicatie,
    publication_xml,
    read_nummer,
    read_publication,
)
from digikoppelaar.errors import FacilityAnswerBroken

NOT_OURS = {
    "stcrt-sample.xml": ["/officiele-publicatie/staatscourant/kop/plaatje: missing"],  # the model has no images
}
"""Where a rebuilt notice differs from the real one; nowhere else, and nothing more."""

NOTICES = [
    ("gmb-2017-100002.xml", Publicist("", "Oldambt", Bestuurslaag.GEMEENTE), Nummer(Blad.GEMEENTEBLAD, 2017, 100002)),
    ("prb-2017-1003.xml", Publicist("", "Utrecht", Bestuurslaag.PROVINCIE), Nummer(Blad.PROVINCIAAL_BLAD, 2017, 1003)),
    ("stcrt-sample.xml", Publicist("", "Bergen (NH)", Bestuurslaag.GEMEENTE), Nummer(Blad.STAATSCOURANT, 2015, 47076)),
]


def tree(document: bytes) -> etree._Element:
    return xml.parse(document, limit=1_000_000)


def real(name: str) -> bytes:
    path: Path = shared_data("koop", "op-published", name)
    return path.read_bytes()


@pytest.mark.parametrize(("name", "publicist", "nummer"), NOTICES)
def test_a_real_notice_is_rebuilt_element_by_element(name: str, publicist: Publicist, nummer: Nummer) -> None:
    document = real(name)
    published = read_publication(document)
    assert published.blad is nummer.blad
    kennisgeving = replace(
        KENNISGEVING, publicist=publicist, blad=nummer.blad, titel=published.titel, tekst=published.tekst
    )
    ours = publication_xml(Publicatie(kennisgeving, nummer.jaar, nummer.nummer, date(2017, 6, 14)))
    assert list(differences(tree(ours), tree(document))) == NOT_OURS.get(name, [])


def test_what_is_in_a_real_notice_is_read_as_it_stands() -> None:
    published = read_publication(real("gmb-2017-100002.xml"))
    assert published.titel == "Ingediende aanvraag omgevingsvergunning, Zuiderweg 21 Midwolda"
    assert published.tekst[0] == Alinea()
    assert [stuk.link for blok in published.tekst if isinstance(blok, Alinea) for stuk in blok.regel if stuk.link] == [
        "mailto:info@gemeente-oldambt.nl"
    ]


def test_stretches_of_one_word_are_not_torn_apart_by_layout() -> None:
    published = read_publication(real("stcrt-sample.xml"))
    assert plain(published.tekst).splitlines()[2] == "Bergen, 23 december 2015"


@pytest.mark.parametrize("blad", list(Blad))
def test_a_kennisgeving_comes_back_from_every_blad_as_it_was_sent(blad: Blad) -> None:
    tekst = (*KENNISGEVING.tekst, Lijst((Punt("1.", (Alinea((Stuk("een"),)), Alinea())), Punt("-", ()))))
    kennisgeving = replace(KENNISGEVING, blad=blad, tekst=tekst)
    published = read_publication(publication_xml(Publicatie(kennisgeving, 2026, 7, date(2026, 6, 2))))
    assert (published.blad, published.titel, published.tekst) == (blad, kennisgeving.titel, tekst)


def test_a_link_in_bold_stays_both() -> None:
    tekst = (Tussenkop((Stuk("hier", vet=True, link="https://voorbeeldstad.test/"), Stuk(" en daar"))),)
    document = publication_xml(Publicatie(replace(KENNISGEVING, tekst=tekst), 2026, 7, date(2026, 6, 2)))
    assert b'<nadruk type="vet"><extref doc="https://voorbeeldstad.test/">hier</extref></nadruk> en daar' in document
    assert read_publication(document).tekst == tekst


def test_of_elements_that_we_do_not_write_the_words_are_kept() -> None:
    element = tree(
        b"<tekst><table><row><entry>een</entry><entry>twee</entry></row></table>"
        b'<al>a<nadruk type="cur">b</nadruk>c</al>'
        b"<lijst><li><li.nr>1.</li.nr><lijst><li><li.nr>a.</li.nr><al>diep</al></li></lijst></li></lijst></tekst>"
    )
    assert plain(read_blocks(element)) == "een twee\nabc\n1. a. diep"


def test_layout_within_words_is_one_blank_and_costs_no_time() -> None:
    element = tree(b"<tekst><al>\n  een \n\n  twee\n\tdrie <nadruk>vier</nadruk>\n</al></tekst>")
    assert plain(read_blocks(element)) == " een twee drie vier"
    wide = b" " * 900_000
    begin = time.process_time()
    assert len(plain(read_blocks(tree(b"<tekst><al>a" + wide + b"b</al></tekst>")))) == 900_002
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>storing</html>",
        b"<!DOCTYPE a><a/>",
        b"<officiele-publicatie><gemeenteblad/></officiele-publicatie>",
        b"<a><gemeenteblad><zakelijke-mededeling><zakelijke-mededeling-tekst><tekst>"
        + b"<al/>" * MAX_ELEMENTS
        + b"</tekst></zakelijke-mededeling-tekst></zakelijke-mededeling></gemeenteblad></a>",
    ],
)
def test_what_is_no_notice_is_told_so(document: bytes) -> None:
    with pytest.raises(FacilityAnswerBroken):
        read_publication(document)


def test_a_regulation_is_no_notice() -> None:
    with pytest.raises(FacilityAnswerBroken, match="no zakelijke-mededeling"):
        read_publication(real("bgr-2024-715.xml"))


@pytest.mark.parametrize(
    "identifier", ["", "gmb-2024", "stb-2024-1", "gmb-2024-1/../x", "gmb-2024-1234567890", "GMB-2024-1"]
)
def test_what_is_not_a_number_of_a_blad_is_none(identifier: str) -> None:
    assert read_nummer(identifier) is None


def test_a_number_is_read_as_it_is_written() -> None:
    assert read_nummer("stcrt-2015-47076") == Nummer(Blad.STAATSCOURANT, 2015, 47076)
    assert str(Nummer(Blad.STAATSCOURANT, 2015, 47076)) == "stcrt-2015-47076"


def test_every_blad_has_names_and_says_which_were_not_seen() -> None:
    assert set(BLADEN) == set(Blad)
    assert BLADEN[Blad.GEMEENTEBLAD].assumed == frozenset()
    assert "titel" in BLADEN[Blad.WATERSCHAPSBLAD].assumed
