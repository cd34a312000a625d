"""The page in the docs says what the checks are."""

from tests.unit.drop.checks_page import PAGE, page


def test_the_page_of_the_checks_is_current() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
