"""The list of authorities: what a spreadsheet makes of it is read, and every line that is wrong is named."""

import pytest

from digikoppelaar.errors import MOST_TOLD, ConfigError
from digikoppelaar.flows.authorities import read_authorities

ONE, TWO = "00000099000000101000", "00000099000000102000"
HEAD = "oin;naam;bestuurslaag"
GOOD = f"{HEAD}\r\n{ONE};Gemeente Súdoever;gemeente\r\n\r\n{TWO}; Waterschap De Vaart ;waterschap\r\n"


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_authorities(text.encode())
    return caught.value


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_list_is_read_as_any_spreadsheet_writes_it(mark: str, separator: str, ends: str) -> None:
    first, second = read_authorities((mark + GOOD.replace(";", separator).replace("\r\n", ends)).encode())
    assert (first.line, first.oin, first.fields["naam"]) == (2, ONE, "Gemeente Súdoever")
    assert (first.fields["kort"], first.fields["blad"]) == ("Súdoever", "gmb")
    assert (second.line, second.fields["naam"], second.bestuurslaag) == (4, "Waterschap De Vaart", "waterschap")


def test_more_columns_may_be_there_in_any_order_and_a_value_may_hold_the_separator() -> None:
    [found] = read_authorities(f'Naam,BLAD,zaaktype,oin,bestuurslaag\n"Dienst A, B",stcrt,Z1,{ONE},rijk\n'.encode())
    assert found.fields["naam"] == "Dienst A, B"
    assert (found.fields["blad"], found.fields["zaaktype"]) == ("stcrt", "Z1")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"{ONE};Gemeente A;gemeente", f"line 5: oin {ONE} is in line 2 already"),
        ("99000000101000;Gemeente A;gemeente", "line 5: oin '99000000101000' is no OIN of 20 positions"),
        (f"{TWO[:-4]}9000;Gemeente A;dorp", "line 5: bestuurslaag 'dorp' is none of gemeente, waterschap"),
        (f"{TWO[:-4]}9000;;gemeente", "line 5: naam is missing"),
        (f"{TWO[:-4]}9000;../A;gemeente", "line 5: naam is missing or has a slash in it"),
        (f"{TWO[:-4]}9000;Gemeente A", "line 5: it has 2 values for 3 columns"),
        (f'{TWO[:-4]}9000;"A\x07B";gemeente', "line 5: a value has a line break or a control character in it"),
        ('1;"A"B;gemeente', "line 5: not CSV"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_nothing_is_read(line: str, complaint: str) -> None:
    assert complaint in str(refusal(f"{GOOD}{line}\n"))


@pytest.mark.parametrize(("column", "value"), [("blad", "krant"), ("behandeldienst", "123")])
def test_a_column_with_a_meaning_is_judged(column: str, value: str) -> None:
    text = f"{HEAD};{column}\n{ONE};Gemeente A;gemeente;\n{TWO};Gemeente B;gemeente;{value}\n"
    assert f"line 3: {column} '{value}' is no" in str(refusal(text))


def test_all_that_is_wrong_is_told_at_once_up_to_what_a_person_can_read() -> None:
    text = str(refusal(HEAD + "\n" + "1;A;gemeente\n" * (MOST_TOLD + 5)))
    assert text.count("is no OIN") == MOST_TOLD
    assert text.endswith("and 5 more")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no authority"),
        (f"{HEAD}\n", "no authority"),
        ("oin;name\n", "no column naam, bestuurslaag"),
        (f"{HEAD};naam\n", "column naam is there twice"),
    ],
)
def test_a_file_that_is_no_list_is_refused(text: str, complaint: str) -> None:
    error = refusal(text)
    assert complaint in str(error)
    assert error.advice


def test_a_file_in_another_encoding_is_refused_with_how_to_save_it() -> None:
    with pytest.raises(ConfigError) as caught:
        read_authorities(GOOD.encode("latin-1"))
    assert "CSV UTF-8" in caught.value.advice
