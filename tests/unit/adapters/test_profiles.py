"""Every fact of a profile has a source, and a profile that lacks one is refused."""

import pytest

from digikoppelaar.adapters.profiles import load_profile, load_rekenregels
from digikoppelaar.errors import ConfigError


def test_the_profile_of_dso_lv_says_where_every_fact_comes_from() -> None:
    profile = load_profile("dso-lv")
    assert profile.provisional
    assert all(fact.source for fact in profile.facts.values())


def test_the_address_of_a_summary_is_built_from_the_profile() -> None:
    profile = load_profile("dso-lv")
    assert profile.summary_url("https://dso.test/v2/", "2026060200019").startswith("https://dso.test/v2/verzoeken/2026")


@pytest.mark.parametrize("name", ["geen", "../dso-lv", "", "__init__"])
def test_an_unknown_profile_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        load_profile(name)


def test_a_profile_without_terms_is_no_profile_of_terms() -> None:
    with pytest.raises(ConfigError, match="gelijkgestelde-dagen"):
        load_rekenregels("dso-lv")
