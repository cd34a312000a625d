"""A kennisgeving survives being JSON, and nothing but a kennisgeving is taken for one."""

import json
from dataclasses import MISSING, fields, replace
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from tests.unit.drop.notices import KENNISGEVING, MANY_PLACES, PLANAFWIJKING

from digikoppelaar.drop.document import from_document, read_document, schemas, to_document
from digikoppelaar.drop.model import (
    Bijlage,
    Data,
    Kennisgeving,
    Periode,
)
from digikoppelaar.errors import SubmissionError

SMALL = Kennisgeving(*(getattr(KENNISGEVING, each.name) for each in fields(Kennisgeving) if each.default is MISSING))
WHOLE = replace(
    PLANAFWIJKING,
    locaties=MANY_PLACES.locaties,
    data=Data(
        date(2026, 6, 1),
        date(2026, 7, 1),
        inzage=Periode(date(2026, 7, 2), date(2026, 8, 13)),
        publicatie=date(2026, 7, 2),
    ),
    bijlagen=(Bijlage("tekening.pdf", "application/pdf", "kennisgevingen/1/1"),),
)


def document(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {**json.loads(json.dumps(to_document(WHOLE))), **changed}
    return made


@pytest.mark.parametrize("kennisgeving", [SMALL, WHOLE], ids=["small", "whole"])
def test_what_is_read_back_is_the_same(kennisgeving: Kennisgeving) -> None:
    assert from_document(json.loads(json.dumps(to_document(kennisgeving)))) == kennisgeving


def test_every_location_and_block_says_which_it_is() -> None:
    made = to_document(WHOLE)
    assert {each["soort"] for each in made["locaties"]} == {"adres", "punt", "lijn", "vlak", "postcode", "gemeente"}
    assert [each["soort"] for each in made["tekst"]] == ["tussenkop", "alinea", "alinea", "lijst", "alinea"]


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"title": "x"}, "title: unknown"),
        ({"titel": None}, "titel: string_type"),
        ({"blad": "krant"}, "blad: enum"),
        ({"data": {"ontvangst": "1 juni"}}, "data/ontvangst: date"),
        ({"data": {"ontvangen": "2026-06-01"}}, "data/ontvangen: unknown"),
        ({"locaties": [{"postcode": "1234AB"}]}, "locaties/0/soort: missing"),
        ({"locaties": [{"soort": "plek"}]}, "locaties/0/soort: enum"),
        ({"locaties": ["plek"]}, "locaties/0: dict_type"),
        ({"locaties": [{"soort": "punt", "positie": [1.0]}]}, "locaties/0/positie"),
        (
            {"locaties": [{"soort": "gemeente", "gemeente": "Voorbeeldstad", "straat": "x"}]},
            "locaties/0/straat: unknown",
        ),
        ({"locaties": [{"soort": "punt", "positie": [1.0, "Jansen"]}]}, "locaties/0/positie/1: float_type"),
        ({"locaties": [{"soort": "punt", "positie": [10**400, 1.0]}]}, "locaties/0/positie/0: number_too_large"),
        ({"titel": "a\0b"}, "titel: character"),
        ({"\x1b[31m" * 20: 1}, r"kennisgeving: '(\\x1b\[31m){8}': unknown$"),
        ({"x": json.loads("[" * 500 + "]" * 500)}, "nests too deep"),
        ({"titel": "half \ud800"}, "half a character"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_and_not_by_its_value(changed: dict[str, Any], place: str) -> None:
    with pytest.raises(SubmissionError, match=place) as caught:
        from_document(document(**changed))
    assert "Jansen" not in str(caught.value)


def test_something_else_is_no_kennisgeving() -> None:
    with pytest.raises(SubmissionError, match="publicist: missing"):
        from_document({})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no JSON that can be read"),
        ("[1]", "no JSON object"),
        ("{", "line 1 column 2"),
        ("[" * 100_000, "nests too deep"),
        ('{"positie": NaN}', "NaN is no number"),
        ('{"positie": -Infinity}', "-Infinity is no number"),
        ('{"titel": "een", "titel": "twee"}', "titel is there twice"),
        ('{"data": {"besluit": 1, "besluit": 1}}', "besluit is there twice"),
        (f'{{"positie": {"9" * 5000}}}', "digits"),
    ],
    ids=["empty", "list", "cut", "deep", "nan", "infinity", "twice", "twice deeper", "endless number"],
)
def test_what_other_programs_hand_in_is_one_clear_json_object(content: str, reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason) as caught:
        read_document(content.encode())
    assert "een" not in str(caught.value)


def test_every_fault_has_a_sentence_for_people() -> None:
    wrong = document(blad="krant", title="x", data={"ontvangst": "1 juni"}, locaties=[{"soort": "plek"}])
    del wrong["title"], wrong["titel"]
    with pytest.raises(SubmissionError) as caught:
        from_document(wrong)
    assert caught.value.advice == (
        "`blad` moet een van deze zijn: 'gmb', 'prb', 'wsb', 'bgr' of 'stcrt'. "
        "`data/ontvangst` moet een dag zijn, zoals 2026-06-02. "
        "`locaties/0/soort` moet een van deze zijn: 'punt', 'lijn', 'vlak', 'adres', 'postcode', 'gemeente'. "
        "`titel` ontbreekt."
    )


def test_of_a_thousand_faults_the_first_are_told() -> None:
    with pytest.raises(SubmissionError) as caught:
        from_document(document(activiteiten=[1] * 1000))
    assert caught.value.advice.endswith("En nog 980 fouten.")
    assert caught.value.advice.count("moet tekst zijn") == 20


def test_the_schema_knows_what_is_read_and_nothing_else() -> None:
    made = schemas("#/schemas/{model}")
    validator = jsonschema_rs.validator_for({"$ref": "#/schemas/Kennisgeving", "schemas": made})
    validator.validate(document())
    for wrong in (document(title="x"), document(locaties=[{"postcode": "1234AB"}]), document(blad="krant")):
        assert not validator.is_valid(wrong)


def test_json_is_read_as_it_stands() -> None:
    assert read_document(b'{"titel": "een", "data": {"besluit": null}}') == {"titel": "een", "data": {"besluit": None}}
