"""Numbers, addresses and names in a notice are found by their form, in whatever way they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.drop.personal_data import (
    Kind,
    Stretch,
    has_phone,
    is_bsn,
    is_iban,
    joined,
    personal_data,
    where_in,
)

BODY = ("info@voorbeeldstad.example", "+31 113 395000", "NL91 ABNA 0417 1643 00")
TEXTS = st.text(max_size=60)


def kinds(text: str, allowed: tuple[str, ...] = (), ignored: tuple[str, ...] = ()) -> list[Kind]:
    return [found.kind for found in personal_data([Stretch("tekst", text)], allowed, ignored)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BSN 999990019.", [Kind.BSN]),
        ("999 990 019", [Kind.BSN]),
        ("999\u2011990\u2011019", [Kind.BSN]),
        ("bel 06 – 12345678", [Kind.PHONE]),
        ("01–10–2026 12", []),
        ("9999.90.019", [Kind.BSN]),
        ("BSN999990019", [Kind.BSN]),
        ("999990018", []),
        ("000000000", []),
        ("1999990019", []),
        ("9999900190", []),
        ("jan.jansen+kap@mail.example", [Kind.EMAIL]),
        ("([mail](mailto:jan@mail.example))", [Kind.EMAIL]),
        ("jan@", []),
        ("bel 06 12345678", [Kind.PHONE]),
        ("bel 06-12 34 56 78 of 0113-395001", [Kind.PHONE, Kind.PHONE]),
        ("(0113) 39 50 01", [Kind.PHONE]),
        ("+31 (0)6 1234 5678", [Kind.PHONE]),
        ("0031612345678", [Kind.PHONE]),
        ("+32 470 12 34 56", [Kind.PHONE]),
        ("14 0113", []),
        ("0800-1234", []),
        ("op 03-06-2026 14:00 uur", []),
        ("van 03-06-2026 tot 04-06-2026", []),
        ("BAG 0703010000123456", []),
        ("NL91ABNA0417164300", [Kind.IBAN]),
        ("nl91 abna 0417 1643 00 op naam van", [Kind.IBAN]),
        ("NL92ABNA0417164300", []),
        ("BE68 5390 0754 7034", [Kind.IBAN]),
        ("De heer J. Jansen vroeg", [Kind.PERSON]),
        ("mevrouw van der Berg", [Kind.PERSON]),
        ("fam. De Vries", [Kind.PERSON]),
        ("een zonnepark van 10 MW Noord", []),
        ("de heer en mevrouw", []),
        ("Dorpsstraat 12, 4401BT Yerseke, Z2026-000123, gmb-2026-123456", []),
    ],
)
def test_personal_data_is_found_by_its_form(text: str, found: list[Kind]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text", ["INFO@voorbeeldstad.example", "0113 – 39 50 00", "(0113) 395000", "NL91ABNA0417164300"]
)
def test_what_is_of_the_body_itself_is_allowed_however_it_is_written(text: str) -> None:
    assert kinds(text) != []
    assert kinds(text, BODY) == []


def test_a_case_number_that_happens_to_pass_the_elfproef_is_passed_over_as_a_whole_only() -> None:
    assert kinds("zaak 999990019", ignored=("999990019",)) == []
    assert kinds("zaak 999990019", ignored=("9", "99999")) == [Kind.BSN]


def test_each_of_very_many_is_found_at_its_own_place() -> None:
    many = 10_000
    text = "zaak 12345 van 999990019\n" * many
    found = list(personal_data([Stretch("tekst", text)], ignored=("12345",)))
    assert [each.start for each in found] == [25 * number + 15 for number in range(many)]
    assert {text[each.start : each.end] for each in found} == {"999990019"}


def test_the_place_is_that_of_the_number_alone() -> None:
    [found] = personal_data([Stretch("titel", "Kap"), Stretch("samenvatting", "van 999990019.")])
    assert (found.where, found.start, found.end) == ("samenvatting", 4, 13)


@given(st.integers(1, 99_999_999))
def test_of_nine_digits_with_eight_given_at_most_one_is_a_bsn(eight: int) -> None:
    passing = [digit for digit in range(10) if is_bsn(f"{eight:08}{digit}")]
    assert len(passing) <= 1
    weighted = sum(weight * int(sign) for weight, sign in zip(range(9, 1, -1), f"{eight:08}", strict=True)) % 11
    assert passing == ([weighted] if weighted < 10 else [])


@given(st.integers(0, 10**10 - 1), st.integers(0, 17), st.integers(1, 9))
def test_an_iban_with_one_digit_changed_is_none(account: int, place: int, more: int) -> None:
    bare = f"ABNA{account:010}"
    rest = int("".join(str(int(sign, 36)) for sign in f"{bare}NL00")) % 97
    iban = f"NL{98 - rest:02}{bare}"
    assert is_iban(iban)
    assert kinds(f"Betaal op {iban}.")[0] is Kind.IBAN
    if iban[place].isdigit():
        changed = str((int(iban[place]) + more) % 10)
        assert not is_iban(iban[:place] + changed + iban[place + 1 :])


@given(TEXTS, TEXTS)
def test_a_bsn_is_found_between_any_texts_that_do_not_end_or_begin_with_a_digit(before: str, after: str) -> None:
    assert Kind.BSN in kinds(f"{before} x999990019x {after}")


@given(TEXTS)
def test_what_is_found_lies_within_the_text(text: str) -> None:
    for found in personal_data([Stretch("tekst", f"{text} 06 12345678")]):
        assert 0 <= found.start < found.end <= len(text) + 12


@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=5), st.data())
def test_an_offset_in_all_texts_together_leads_to_its_own_text(texts: list[str], data: st.DataObject) -> None:
    stretches = [Stretch(f"plaats {number}", text) for number, text in enumerate(texts)]
    number = data.draw(st.integers(0, len(texts) - 1))
    offset = sum(len(text) + 1 for text in texts[:number]) + data.draw(st.integers(0, len(texts[number]) - 1))
    assert where_in(stretches, offset) == f"plaats {number}"
    assert len(joined(stretches)) == sum(len(text) + 1 for text in texts) - 1


@pytest.mark.parametrize(
    ("text", "there"), [("14 0113", True), ("0900-1234", True), ("0113-395000", True), ("2026", False)]
)
def test_a_reader_can_call_a_number(text: str, *, there: bool) -> None:
    assert has_phone(text) == there
