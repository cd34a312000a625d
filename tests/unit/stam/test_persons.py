"""Persons, their numbers and their addresses, also those abroad."""

import pytest

from digikoppelaar.stam.addresses import read_adres, read_perceel
from digikoppelaar.stam.model import Persoon
from digikoppelaar.stam.persons import is_bsn
from digikoppelaar.stam.verzoek import read_verzoek


def initiatiefnemer(inner: str) -> Persoon:
    document = f"<verzoek><verzoeknummer>1</verzoeknummer><initiatiefnemer>{inner}</initiatiefnemer></verzoek>"
    found = read_verzoek(document.encode()).initiatiefnemer
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["999990019", "111222333"])
def test_a_number_that_passes_the_elfproef_is_a_bsn(text: str) -> None:
    assert is_bsn(text)


@pytest.mark.parametrize("text", ["999990018", "000000000", "11122233", "1112223333", "11122233a", "", "١١١٢٢٢٣٣٣"])
def test_other_texts_are_no_bsn(text: str) -> None:
    assert not is_bsn(text)


@pytest.mark.parametrize(
    ("text", "bsn"),
    [("000000000", None), ("000.000.000", None), ("0", None), ("", None), ("999 990 019", "999990019"), ("x", "x")],
)
def test_zeros_are_no_bsn_and_anything_else_stays(text: str, bsn: str | None) -> None:
    assert initiatiefnemer(f"<natuurlijkPersoon><bsn>{text}</bsn><a/></natuurlijkPersoon>").bsn == bsn


def test_a_person_without_a_wrapper_is_natural_when_there_is_a_bsn() -> None:
    assert initiatiefnemer("<bsn>999990019</bsn>").soort == "natuurlijk"
    assert initiatiefnemer("<handelsnaam>Fictief BV</handelsnaam>").soort == "nietNatuurlijk"


def test_lines_of_a_foreign_address_stand_in_the_order_of_their_numbers() -> None:
    waarden = tuple((f"buitenlandsAdres/adresBuitenland{number}", f"regel {number}") for number in (10, 2, 1))
    adres = read_adres("postAdres", (*waarden, ("buitenlandsAdres/land", "Fictië")))
    assert (adres.vorm, adres.regels, adres.land) == ("buitenlands", ("regel 1", "regel 2", "regel 10"), "Fictië")


def test_a_parcel_is_told_by_the_names_of_its_parts() -> None:
    perceel = read_perceel((("kadastraleGemeente", "VBS01"), ("Sectie", "A"), ("perceelnummer", "7"), ("nieuw", "z")))
    assert (perceel.gemeente, perceel.sectie, perceel.perceelnummer) == ("VBS01", "A", "7")
    assert ("nieuw", "z") in perceel.waarden


def test_no_address_shows_itself_in_a_repr() -> None:
    shown = repr(read_adres("postAdres", (("straatnaam", "Veldweg"),))) + repr(read_perceel((("sectie", "Q"),)))
    assert "Veldweg" not in shown
    assert "Q" not in shown
