"""Which ciphers a CPA may ask for."""

import pytest

from digikoppelaar.ebms import names
from digikoppelaar.ebms.ciphers import encryption_problem, is_legacy, iv_size, key_size
from digikoppelaar.errors import CpaError

TRIPLE_DES = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"


@pytest.mark.statement(197)
@pytest.mark.parametrize(
    ("algorithm", "legacy", "problem"),
    [
        (names.AES128_GCM, False, None),
        (names.AES256_GCM, True, None),
        (names.AES256_CBC, True, None),
        (names.AES256_CBC, False, "AES-CBC"),
        ("http://www.w3.org/2009/xmlenc11#aes192-gcm", True, "niet is toegestaan"),
        (TRIPLE_DES, True, "niet is toegestaan"),
        ("", False, "niet is toegestaan"),
    ],
)
def test_what_a_cpa_may_ask_for(algorithm: str, legacy: bool, problem: str | None) -> None:
    found = encryption_problem(algorithm, legacy=legacy)
    assert found is None if problem is None else problem in (found or "")


def test_the_size_of_an_unknown_cipher_is_refused() -> None:
    with pytest.raises(CpaError, match="not supported"):
        key_size(TRIPLE_DES)


def test_what_is_used_by_tolerance_only_can_be_told() -> None:
    assert [is_legacy(algorithm) for algorithm in (names.AES128_GCM, names.AES128_CBC)] == [False, True]


@pytest.mark.parametrize(
    ("algorithm", "sizes"), [(names.AES128_GCM, (16, 12)), (names.AES256_GCM, (32, 12)), (names.AES192_CBC, (24, 16))]
)
def test_keys_and_ivs_have_the_sizes_of_the_standard(algorithm: str, sizes: tuple[int, int]) -> None:
    assert (key_size(algorithm), iv_size(algorithm)) == sizes
