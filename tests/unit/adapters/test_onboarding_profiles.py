"""What is assumed about the CPA register, *CPA aanbieden* and the portal: each fact with its source."""

import pytest

from digikoppelaar.adapters.onboarding_profiles import (
    OfferingProfile,
    PortalProfile,
    RegisterProfile,
    load_offering_profile,
    load_portal_profile,
    load_register_profile,
)
from digikoppelaar.errors import ConfigError

REGISTER = load_register_profile()
OFFERING = load_offering_profile()
PORTAL = load_portal_profile()


@pytest.mark.parametrize("profile", [REGISTER, OFFERING, PORTAL], ids=lambda profile: profile.name)
def test_every_fact_says_where_it_comes_from(profile: RegisterProfile | OfferingProfile | PortalProfile) -> None:
    assert all(fact.source for fact in profile.facts.values())


def test_only_what_a_source_states_is_called_known() -> None:
    known = {
        profile.name: {name for name, fact in profile.facts.items() if not fact.provisional}
        for profile in (REGISTER, OFFERING, PORTAL)
    }
    assert known == {
        "cpa-register": {
            *("base_url", "site_url", "documentation_url", "request_page"),
            *("specification_prod", "server_participant_prod"),
        },
        "dso-cpa-aanbieden": {"documentation_url", "authentication"},
        "dso-portaal": {"page_url", "at_once", "own_key_in_prod"},
    }


def test_a_person_asks_for_the_cpa_of_prod_at_the_address_of_the_procesbeschrijving() -> None:
    numbers = REGISTER.specification("prod"), REGISTER.server_participant("prod")
    page = "cpa/aanvraag/specification/357/server_participant/4046"
    assert REGISTER.page(REGISTER.site(REGISTER.base_url), *numbers) == f"https://cparegister.nl/{page}"
    elsewhere = REGISTER.site("http://127.0.0.1:9/cparegister/api/v1")
    assert REGISTER.page(elsewhere, *numbers) == f"http://127.0.0.1:9/cparegister/{page}"


def test_the_sandbox_plays_the_omgeving_and_what_is_not_known_of_pre_is_empty() -> None:
    assert REGISTER.specification("sandbox-prod") == "357"
    assert (REGISTER.specification("pre"), REGISTER.server_participant("sandbox-pre")) == ("", "")
    assert (REGISTER.omgeving("sandbox-pre"), PORTAL.omgeving("prod")) == ("PRE", "PROD")


def test_a_cpa_id_in_an_address_is_one_segment() -> None:
    assert OFFERING.accepted("urn:a/b?c") == "cpas/urn%3Aa%2Fb%3Fc"


def test_the_profile_of_another_facility_is_refused() -> None:
    for load in (load_register_profile, load_offering_profile, load_portal_profile):
        with pytest.raises(ConfigError, match="lacks or misspells"):
            load("dso-lv")
