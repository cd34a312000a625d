"""The checks of onboarding on CPA, endpoint, firewall, API key and mandate: what each fact makes of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.certificates import GEMEENTE, LEVERANCIER, NOW

from digikoppelaar.adapters.onboarding_profiles import load_addresses
from digikoppelaar.onboarding import checks_connection as checks
from digikoppelaar.onboarding.checks import Who
from digikoppelaar.onboarding.checks_connection import Answer, Asked, Cpa, NotAsked, Ours, Reach, Reached, Remark
from digikoppelaar.onboarding.model import Finding, Rol, Severity
from digikoppelaar.pki.certificate import Use

URL = "https://ebms.voorbeeldstad.example/ebms"
WHO = Who(GEMEENTE, LEVERANCIER, "prod")
CPA = Cpa(
    cpa_id="cpa-1",
    starts_at=NOW - timedelta(days=1),
    ends_at=NOW + timedelta(days=300),
    party=GEMEENTE,
    endpoints=frozenset({URL}),
    named=frozenset({b"tls"}),
    needs_key=frozenset({(Use.SIGN, b"sign")}),
)
OURS = Ours(WHO, URL, frozenset({(Use.TLS_SERVER, b"tls"), (Use.TLS_CLIENT, b"tls"), (Use.SIGN, b"sign")}))
REACHED = Reached(Reach.ANSWERED, tls="TLSv1.3", certificate=b"tls")


def troubles(findings: Sequence[Finding]) -> list[tuple[str, Rol | None]]:
    return [(each.code, each.who) for each in findings if each.severity is not Severity.GOOD]


def test_a_cpa_that_fits_is_good() -> None:
    [finding] = checks.cpa(CPA, OURS, NOW)
    assert (finding.code, finding.severity) == ("cpa-good", Severity.GOOD)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ends_at": NOW}, "cpa-expired"),
        ({"starts_at": NOW + timedelta(days=1)}, "cpa-not-started"),
        ({"foreign": ("pre", "het noemt als endpoint dat van pre")}, "cpa-other-omgeving"),
        ({"party": LEVERANCIER}, "cpa-party"),
        ({"endpoints": frozenset({"https://ergens.example/"})}, "cpa-endpoint"),
        ({"named": frozenset({b"sign"})}, "cpa-certificate"),
        ({"needs_key": frozenset({(Use.DECRYPT, b"sign")})}, "cpa-no-key"),
        ({"remarks": (Remark("party-suffix", "Zonder achtervoegsel.", error=True),)}, "cpa-rule"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_in_a_cpa_is_named_and_holds_up(changed: dict[str, object], code: str) -> None:
    findings = checks.cpa(replace(CPA, **changed), OURS, NOW)
    assert troubles(findings) == [(code, Rol.DIGIKOPPELAAR)]
    assert findings[0].holds_up
    assert "cpa-1" in findings[0].says


def test_a_party_of_a_test_omgeving_may_have_a_suffix() -> None:
    assert troubles(checks.cpa(replace(CPA, party=f"{GEMEENTE}_OTA"), OURS, NOW)) == []


def test_a_remark_on_a_cpa_is_a_warning_and_it_stays_good() -> None:
    findings = checks.cpa(replace(CPA, remarks=(Remark("old-tls", "Oud.", error=False),)), OURS, NOW)
    assert [each.code for each in findings] == ["cpa-remark", "cpa-good"]


def test_an_endpoint_that_answers_as_it_should_is_good() -> None:
    [finding] = checks.endpoint(URL, "prod", REACHED, frozenset({b"tls"}))
    assert finding.code == "endpoint-good"
    assert "TLSv1.3" in finding.says


@pytest.mark.parametrize(
    ("reached", "code"),
    [
        (None, "endpoint-not-https"),
        (Reached(Reach.NOWHERE, "refused"), "endpoint-not-reached"),
        (Reached(Reach.NO_TLS), "endpoint-tls"),
        (Reached(Reach.NO_CHAIN, "unable to get local issuer certificate"), "endpoint-chain"),
        (Reached(Reach.OTHER_HOST), "endpoint-host"),
        (replace(REACHED, anonymous=True), "endpoint-no-client-certificate"),
        (replace(REACHED, certificate=b"other"), "endpoint-other-certificate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_an_endpoint_is_named(reached: Reached | None, code: str) -> None:
    assert troubles(checks.endpoint(URL, "prod", reached, frozenset({b"tls"}))) == [(code, Rol.DIGIKOPPELAAR)]


def test_the_addresses_of_dso_count_in_their_time() -> None:
    [before] = checks.firewall(load_addresses(), URL, date(2022, 5, 10))
    [after] = checks.firewall(load_addresses(), "", date(2022, 7, 1))
    assert "147.181.13.67" in before.says
    assert "147.181.13.67" not in after.says
    for finding in (before, after):
        assert "147.181.14.139" in finding.says
        assert "147.181.14.37" in finding.says
    assert "ebms.voorbeeldstad.example, poort 443" in before.says


@pytest.mark.parametrize(
    ("asked", "key", "mandate"),
    [
        (Asked(answer=Answer(200)), None, None),
        (Asked(answer=Answer(404)), None, None),
        (Asked(answer=Answer(401)), ("api-key-refused", Rol.LEVERANCIER), ("mandate-not-judged", Rol.LEVERANCIER)),
        (
            Asked(answer=Answer(403)),
            ("api-key-not-judged", Rol.AANSLUITTEAM),
            ("mandate-refused", Rol.AANSLUITTEAM),
        ),
        (
            Asked(answer=Answer(200, "text/html", broken=True)),
            ("dso-other-answer", Rol.DIGIKOPPELAAR),
            ("mandate-not-judged", Rol.LEVERANCIER),
        ),
        (
            Asked(answer=Answer(409)),
            ("dso-not-understood", Rol.AANSLUITTEAM),
            ("mandate-not-judged", Rol.LEVERANCIER),
        ),
        (Asked(answer=Answer(503)), ("dso-trouble", Rol.AANSLUITTEAM), ("mandate-not-judged", Rol.LEVERANCIER)),
        (
            Asked(NotAsked.NO_CERTIFICATE),
            ("dso-not-asked", Rol.DIGIKOPPELAAR),
            ("mandate-not-judged", Rol.LEVERANCIER),
        ),
        (
            Asked(NotAsked.NO_AANSLUITING),
            ("api-key-no-aansluiting", Rol.LEVERANCIER),
            ("mandate-not-judged", Rol.LEVERANCIER),
        ),
    ],
)
def test_an_answer_of_dso_says_something_of_the_key_and_of_the_mandate(
    asked: Asked, key: tuple[str, Rol] | None, mandate: tuple[str, Rol] | None
) -> None:
    assert troubles(checks.api_key(asked, "prod")) == ([key] if key else [])
    assert troubles(checks.mandate(asked, WHO)) == ([mandate] if mandate else [])
