import pytest

from digikoppelaar.errors import OinError
from digikoppelaar.pki import oin

GEMEENTE = "00000099000000001000"
LEVERANCIER = "00000099000000002000"


@pytest.mark.statement(186)
@pytest.mark.parametrize(
    "text",
    [
        GEMEENTE,
        "00000003123456780000",  # an HRN of a company, on its KvK number
        "00000004000000013000",  # a subOIN
        "00000010A1234567B000",  # letters in the main number
        "99999999000000001000",  # an unknown register is no reason to refuse
    ],
)
def test_an_oin_of_twenty_positions_is_accepted_as_it_stands(text: str) -> None:
    assert oin.check_oin(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "99000000001000", GEMEENTE + "0", GEMEENTE[:-1], "0000009900000000100\n", "0000 099000000001000",
     "0000009A000000001000", "٠٠٠٠٠٠٩٩٠٠٠٠٠٠٠٠١٠٠٠", "00000099-00000001000"],
)  # fmt: skip
def test_anything_else_is_not_an_oin(text: str) -> None:
    with pytest.raises(OinError):
        oin.check_oin(text)


@pytest.mark.parametrize("suffix", ["_O", "_T", "_A", "_OT", "_OTA"])
def test_the_environment_suffix_does_not_belong_to_the_party(suffix: str) -> None:
    assert oin.without_environment_suffix(GEMEENTE + suffix) == GEMEENTE
    assert oin.fits_party(GEMEENTE, GEMEENTE + suffix)


@pytest.mark.parametrize("suffix", ["", "_P", "_TA", "_OTAP", "T", "_T_T"])
def test_other_endings_are_no_environment_suffix(suffix: str) -> None:
    assert oin.without_environment_suffix(GEMEENTE + suffix) in (GEMEENTE + suffix, GEMEENTE + "_T")
    assert oin.fits_party(GEMEENTE, GEMEENTE + suffix) == (suffix == "")


def test_a_holder_may_speak_for_another_party_only_when_it_is_on_record() -> None:
    assert not oin.fits_party(LEVERANCIER, GEMEENTE)
    assert not oin.fits_party(LEVERANCIER, GEMEENTE, {LEVERANCIER})
    assert oin.fits_party(LEVERANCIER, GEMEENTE, {GEMEENTE})
    assert oin.fits_party(LEVERANCIER, GEMEENTE + "_T", frozenset({GEMEENTE}))


def test_being_allowed_to_speak_for_others_does_not_take_away_ones_own_name() -> None:
    assert oin.fits_party(LEVERANCIER, LEVERANCIER, frozenset({GEMEENTE}))


@pytest.mark.statement(187)
def test_an_hrn_of_a_kvk_number_is_a_party() -> None:
    assert oin.check_oin("00000003123456780000") == "00000003123456780000"
