"""What a search asks and what its answer says, tolerantly where nothing is known, and never as nothing found."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam.search import Zaakverwijzing, first_page, read_page, search_body

NAMES = load_profile("dso-lv").search
ADDRESS = "https://dso.test/v2/verzoeken/_zoek?page=0&size=50"
OIN = "00000099000000001000"
SINCE, UNTIL = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, 9, 0, 0, 1000, tzinfo=UTC)
ENTRY = {"verzoeknummer": "2026060200019", "volgnummer": 1, "doel": "Aanvullen", "bevoegdGezag": {"oin": OIN}}


def said(*entries: Any, **other: Any) -> bytes:
    return json.dumps({"_embedded": {"zaakverwijzingen": list(entries)}, **other}).encode()


def read(body: bytes, content_type: str = "application/hal+json") -> Any:
    return read_page(body, content_type, address=ADDRESS, names=NAMES)


def test_a_search_asks_for_a_period_and_an_area_or_a_verzoeknummer() -> None:
    area = json.loads(search_body([(1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (1.0, 2.0)], SINCE, UNTIL, NAMES))
    assert area["indiendatumVanaf"] == "2026-06-01T00:00:00.000+00:00"
    assert area["indiendatumTot"] == "2026-06-02T09:00:00.001+00:00"
    assert area["geometrie"]["coordinates"][0][0] == area["geometrie"]["coordinates"][0][-1] == [1.0, 2.0]
    number = json.loads(search_body("2026060200019", SINCE, UNTIL, NAMES))
    assert ("geometrie" in number, number["verzoeknummer"]) == (False, "2026060200019")
    assert first_page("https://dso.test/v2/verzoeken/_zoek", 50, NAMES) == ADDRESS


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (ENTRY, Zaakverwijzing("2026060200019", "aanvullen", 1, OIN, None)),
        ({"verzoeknummer": "7"}, Zaakverwijzing("7", "initieren", None, None, None)),
        (
            ENTRY | {"bevoegdGezag": OIN, "behandeldienst": {"oin": "00000099000000005000", "naam": "x"}},
            Zaakverwijzing("2026060200019", "aanvullen", 1, OIN, "00000099000000005000"),
        ),
        (
            ENTRY | {"volgnummer": "002", "behandeldienst": None},
            Zaakverwijzing("2026060200019", "aanvullen", 2, OIN, None),
        ),
        (ENTRY | {"volgnummer": True, "doel": 7}, Zaakverwijzing("2026060200019", "initieren", None, OIN, None)),
        (ENTRY | {"volgnummer": "9" * 5000}, Zaakverwijzing("2026060200019", "aanvullen", None, OIN, None)),
    ],
)
def test_a_zaakverwijzing_is_read_in_every_form_that_makes_sense(entry: Any, expected: Zaakverwijzing) -> None:
    assert read(said(entry)).found == (expected,)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, None),
        ({"_links": {"next": {"href": "?page=1"}}}, "https://dso.test/v2/verzoeken/_zoek?page=1"),
        ({"_links": {"next": {"href": "https://elsewhere.test/"}}}, "https://elsewhere.test/"),
        ({"_links": {"self": {}}, "page": {"number": 0, "totalPages": 1}}, None),
        ({"page": {"number": 0, "totalPages": 2}}, "https://dso.test/v2/verzoeken/_zoek?size=50&page=1"),
        ({"page": {"number": 1, "totalPages": 2}}, None),
        ({"page": {"number": "x"}}, None),
    ],
)
def test_the_next_page_is_what_the_link_says_or_the_number_after_this_one(other: Any, expected: str | None) -> None:
    assert read(said(ENTRY, **other)).next == expected


def test_nothing_found_is_only_believed_when_the_answer_says_so() -> None:
    assert read(said()).found == read(b'{"page": {"totalElements": 0}}').found == ()
    for other in (b"{}", b'{"page": {"totalElements": 3}}', b'{"_embedded": {"zaken": []}}'):
        with pytest.raises(VerzoekError, match="has no list"):
            read(other)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        said("x"),
        said({}),
        said(ENTRY, _links={"next": {"href": "http://[::1/"}}),
        b'{"_embedded": {"zaakverwijzingen": {}}}',
    ],
)
def test_a_page_that_cannot_be_understood_is_told_without_quoting_it(body: bytes) -> None:
    with pytest.raises(VerzoekError) as refused:
        read(body)
    assert "http" not in str(refused.value)


def test_a_verzoeknummer_that_cannot_be_one_keeps_no_other_entry_from_being_read() -> None:
    odd, fine = read(said({"verzoeknummer": "../x", "bevoegdGezag": {"oin": OIN}}, ENTRY)).found
    assert (odd.verzoeknummer, odd.bevoegd_gezag, fine.verzoeknummer) == ("", OIN, "2026060200019")


def test_a_page_that_is_no_json_is_refused() -> None:
    with pytest.raises(VerzoekError, match="not JSON"):
        read(said(), "text/html")
