"""Text in a query stays text, whatever is in it; and queries are read as clients are seen to write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.drop.cql import Both, Clause, clause, clauses, holds, quoted, read_query
from digikoppelaar.errors import SubmissionError


def the_clause(text: str) -> Clause:
    query = read_query(text)
    assert isinstance(query, Clause)
    return query


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60))
def test_a_term_is_read_as_the_text_that_was_put_in(text: str) -> None:
    found = the_clause(clause("dt.title", "==", text.replace("*", "")))
    assert found.text == text.replace("*", "")
    assert found.is_all_of(text.replace("*", ""))


@pytest.mark.parametrize(
    "title",
    ['"', '\\"', "\\", '" OR dt.title=*', "a*b?c^d", "kap\x00pen\r\nAND", "x)) OR (y", "half \ud800 paar"],
)
def test_a_title_neither_ends_the_term_nor_adds_a_condition(title: str) -> None:
    query = read_query(f"{clause('dt.creator', '==', 'Voorbeeldstad')} AND {clause('dt.title', 'all', title)}")
    assert [each.index for each in clauses(query)] == ["dt.creator", "dt.title"]


def test_wildcards_of_a_title_stand_for_themselves() -> None:
    assert quoted("a*b?") == '"a\\*b\\?"'
    found = the_clause(clause("dt.title", "==", "a*b?"))
    assert (found.is_all_of("a*b?"), found.is_all_of("axxbx")) == (True, False)


def test_wildcards_that_are_meant_stand_for_others() -> None:
    found = the_clause('dt.title=="kap* boo?"')
    assert (found.is_all_of("Kappen van een boom"), found.is_all_of("kap boom")) == (True, True)
    assert not found.is_all_of("kap boo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", Clause("a", "=", "1")),
        ("dt.available>=2026-01-01", Clause("dt.available", ">=", "2026-01-01")),
        (' dt.title any "x y" ', Clause("dt.title", "any", "x y")),
        (
            "a==1 AND b==2 or c==3",
            Both("or", Both("and", Clause("a", "==", "1"), Clause("b", "==", "2")), Clause("c", "==", "3")),
        ),
        (
            "a==1 not (b==2 OR c==3)",
            Both("not", Clause("a", "==", "1"), Both("or", Clause("b", "==", "2"), Clause("c", "==", "3"))),
        ),
    ],
)
def test_a_query_is_read_from_left_to_right(text: str, expected: object) -> None:
    assert read_query(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a=",
        'a="b',
        "a=b c=d",
        "a=b AND",
        "(a=b",
        "a=b)",
        "=b",
        "a like b",
        "a=b sortBy c",
        '"a"=b',
        "a=" + "x" * 4000,
        "(" * 30 + "a=b" + ")" * 30,
        'a="****"',
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(SubmissionError):
        read_query(text)


@pytest.mark.parametrize(("boolean", "expected"), [("and", False), ("or", True), ("not", True)])
def test_a_boolean_holds_as_it_says(boolean: str, expected: bool) -> None:
    assert holds(read_query(f"a=1 {boolean} b=1"), lambda each: each.index == "a") is expected
