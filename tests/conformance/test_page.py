"""Every statement has a test or a written reason, no test claims too much, and the page says so."""

from tests.conformance.page import MOST, PAGE, page, proofs, reasons, statements


def test_there_are_225_statements() -> None:
    assert sorted(statements()) == list(range(1, 226))


def test_every_statement_has_a_test_or_a_reason_and_not_both() -> None:
    proven = {number for proof in proofs() for number in proof.numbers}
    assert proven <= set(statements())
    assert sorted(set(statements()) - proven - set(reasons())) == [], "neither a test nor a reason"
    assert sorted(proven & set(reasons())) == [], "a test, and a reason why there is none"


def test_a_test_proves_at_most_three_statements() -> None:
    assert [proof for proof in proofs() if len(proof.numbers) > MOST] == []


def test_the_page_is_the_one_that_the_marks_make() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
