"""What the file of `cpa build` may say; the command itself is in tests/unit/cli/test_cpa.py."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from tests.certificates import NOW, Authority, Shape

from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.cpa_build import build
from digikoppelaar.ebms.messages import Service
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.cpa_order import OrderFile
from digikoppelaar.pki.certificate import Use

OURS, THEIRS = "00000099000000001000", "00000099000000002000"
FILE = f"""
[ours]
organisatie = "{OURS}"
role = "Ontvanger"
endpoint = "https://een.example/ebms"

[partner]
name = "Partner"
party_id = "{THEIRS}"
role = "Bronhouder"
endpoint = "https://twee.example/ebms"
certificate_file = "all.pem"
sign_certificate_file = "sign.pem"

[terms]
cpa_id = "afgesproken"
profile = "osb-rm-s"
retries = 3
retry_interval_minutes = 10
synchronous = true
signed_acknowledgments = false
start = 2026-01-31
end = 2026-12-31

[[service]]
name = "dienst:1"
sends = ["meld"]

[[service]]
name = "dienst:2"
type = "urn:anders"
profile = "osb-be"
receives = ["vraag"]
"""
SOME = Authority().issue(Shape(oin=OURS, not_after=NOW + timedelta(days=20))).der
FILES = {name: (Authority().issue(Shape(oin=THEIRS)).der,) for name in ("all.pem", "sign.pem")}


def order_file(text: str = FILE) -> OrderFile:
    return OrderFile(tomllib.loads(text), FILES.__getitem__)


def ordered(text: str = FILE) -> object:
    return order_file(text).order("Onze naam", dict.fromkeys(Use, (SOME,)), now=NOW, version="1")


def test_everything_in_the_file_is_in_the_order() -> None:
    order = order_file().order("Onze naam", dict.fromkeys(Use, (SOME,)), now=NOW, version="1")
    assert (order.cpa_id, order.first.name, order.second.name) == ("afgesproken", "Onze naam", "Partner")
    assert (order.retries, order.retry_interval) == (3, timedelta(minutes=10))
    assert (order.synchronous, order.signed_acknowledgments) == (True, False)
    assert (order.starts_at, order.ends_at) == (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert [each.service for each in order.services] == [
        Service("dienst:1", "urn:osb:services"),
        Service("dienst:2", "urn:anders"),
    ]
    assert [each.profile for each in order.services] == ["osb-rm-s", "osb-be"]
    assert order.second.certificates[Use.SIGN] == FILES["sign.pem"]
    assert order.second.certificates[Use.DECRYPT] == FILES["all.pem"]
    assert read_agreement(build(order), {OURS}).sends[0].channel.signing is not None


def test_without_dates_it_holds_until_the_first_certificate_ends_and_gets_a_cpa_id() -> None:
    lines = [line for line in FILE.splitlines() if not line.startswith(("start", "end =", "cpa_id"))]
    order = order_file("\n".join(lines)).order("Onze naam", dict.fromkeys(Use, (SOME,)), now=NOW, version="7")
    assert (order.starts_at, order.ends_at) == (NOW, NOW + timedelta(days=20))
    assert order.cpa_id == f"dienst-1_{OURS}_{THEIRS}_7"


@pytest.mark.parametrize(
    ("found", "instead", "said"),
    [
        ("[terms]", "[voorwaarden]", "unknown table voorwaarden"),
        (f'organisatie = "{OURS}"', "", "ours: organisatie is missing"),
        ('endpoint = "https://twee', 'endpunt = "https://twee', "partner: endpoint is missing"),
        ("retries = 3", "retries = -1", "terms: retries must be a number"),
        ("retries = 3", "retries = true", "terms: retries must be a number"),
        ("synchronous = true", 'synchronous = "ja"', "terms: synchronous must be true or false"),
        ("start = 2026-01-31", 'start = "morgen"', "terms: start must be a date"),
        ('profile = "osb-be"', 'profile = "osb-xx"', "service 2: profile must be one of osb-be"),
        ('receives = ["vraag"]', 'receives = "vraag"', "service 2: receives must be a list"),
        ('certificate_file = "all.pem"\nsign_certificate_file = "sign.pem"', "", "certificate_file is missing"),
    ],
)
def test_a_mistake_is_named_with_its_table(found: str, instead: str, said: str) -> None:
    assert found in FILE
    with pytest.raises(ConfigError, match=said):
        ordered(FILE.replace(found, instead, 1))
