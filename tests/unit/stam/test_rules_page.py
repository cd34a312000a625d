"""The page in the docs says what the rules are."""

from tests.unit.stam.rules_page import PAGE, page


def test_the_page_of_the_rules_is_current() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
