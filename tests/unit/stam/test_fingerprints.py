"""What of a verzoek is found again in a text, and what is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.stam.fingerprints import Key, Kind, Match, fingerprints, matches, scope_of
from digikoppelaar.stam.model import Persoon, Verzoek

KEY = Key("k1", b"secret" * 6)
SCOPE = scope_of(1, "2026060200019")
PERSON = Persoon(
    "natuurlijk",
    bsn="999990019",
    voorletters="A.B.",
    voorvoegsel="van der",
    achternaam="Groot-Müller",
    emailadres="A.Groot@Voorbeeld.example",
    telefoonnummer="06-12 34 56 78",
)
COMPANY = Persoon("nietNatuurlijk", handelsnaam="Stichting Eikenlaan Beheer B.V.")
VERZOEK = Verzoek(4, "2026060200019", 0, "initieren", "Aanvraag vergunning", initiatiefnemer=PERSON)


def kinds(text: str, verzoek: Verzoek = VERZOEK) -> list[str]:
    return [match.kind for match in matches(text, fingerprints(verzoek, KEY, SCOPE), KEY, SCOPE)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("aanvraag van mevrouw Groot", ["naam"]),
        ("GROOT en müller", ["naam", "naam"]),
        ("Mu\u0308ller", ["naam"]),
        ("Muller", ["naam"]),
        ("een grote schuur van der, A.B.", []),
        ("BSN 999990019", ["bsn"]),
        ("BSN 9999.90.019 (telefoon 06-12345678)", ["bsn", "telefoonnummer"]),
        ("99999001", []),
        ("9999900190", []),
        ("bel +31 (0)6 12345678", ["telefoonnummer"]),
        ("bel 0031612345678", ["telefoonnummer"]),
        ("bel +31612345678.", ["telefoonnummer"]),
        ("bel 06 1234 5679", []),
        ("mail 'a.groot@voorbeeld.example'.", ["naam", "e-mailadres"]),
        ("mail b.groot@elders.example", ["naam"]),
        ("", []),
    ],
)
def test_a_text_is_searched_for_the_applicant_however_it_is_written(text: str, found: list[str]) -> None:
    assert sorted(kinds(text)) == sorted(found)


def test_a_match_says_where_it_is() -> None:
    text = "mail: a.groot@voorbeeld.example"
    known = fingerprints(VERZOEK, KEY, SCOPE)
    assert Match(Kind.EMAIL, 6, len(text)) in matches(text, known, KEY, SCOPE)


def test_of_a_company_the_words_that_tell_something_are_found() -> None:
    company = replace(VERZOEK, initiatiefnemer=COMPANY)
    assert kinds("Stichting Eikenlaan, voor beheer van de gemeente", company) == ["handelsnaam"]


def test_all_three_persons_count() -> None:
    only = {"initiatiefnemer": None}
    for role in ("initiatiefnemer", "gemachtigde", "contactpersoon"):
        assert kinds("Groot", replace(VERZOEK, **{**only, role: PERSON})) == ["naam"]
    assert fingerprints(replace(VERZOEK, initiatiefnemer=None), KEY, SCOPE) == frozenset()


def test_hashes_of_another_verzoek_or_key_never_fit() -> None:
    known = fingerprints(VERZOEK, KEY, SCOPE)
    assert matches("Groot", known, KEY, scope_of(1, "2026060200020")) == ()
    assert matches("Groot", known, KEY, scope_of(2, "2026060200019")) == ()
    assert matches("Groot", known, Key("k2", b"other"), SCOPE) == ()
    assert not known & fingerprints(VERZOEK, KEY, scope_of(2, "2026060200019"))


def test_nothing_of_a_person_can_be_read_from_key_or_hash() -> None:
    shown = repr((KEY, sorted(fingerprints(VERZOEK, KEY, SCOPE), key=repr)))
    assert "secret" not in shown
    assert not any(text in shown.lower() for text in ("groot", "999990019"))


@given(st.text(max_size=200))
def test_any_text_can_be_searched_and_places_lie_within_it(text: str) -> None:
    known = fingerprints(replace(VERZOEK, initiatiefnemer=replace(PERSON, achternaam=text)), KEY, SCOPE)
    for match in matches(text, known, KEY, SCOPE):
        assert 0 <= match.start < match.end <= len(text)
