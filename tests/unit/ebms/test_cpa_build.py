"""A CPA that we make is valid by the official schema, reads back as what was asked, and has no errors."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.certificates import Authority, Shape
from tests.unit.ebms.test_cpa_structure import official

from digikoppelaar import xml
from digikoppelaar.ebms.agreement import Agreement, Characteristic, ReliableMessaging
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.cpa_build import PROFILES, BuildParty, BuildService, CpaOrder, build, cpa_id_of
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.ebms.cpa_renew import renew
from digikoppelaar.ebms.cpa_subject import Judgement, Severity
from digikoppelaar.ebms.cpa_summary import difference
from digikoppelaar.ebms.messages import Service
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.certificate import Use

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST, SECOND = "00000099000000001000", "00000099000000002000"
SERVICE = Service("voorbeeld:dienst:1.0", "urn:osb:services")


@cache
def certificates(oin: str, host: str, *, renewed: bool = False) -> dict[Use, tuple[bytes, ...]]:
    """A certificate for each use."""
    authority = Authority()
    shape = Shape(oin=oin, names=(host,), not_before=datetime(2026, 1, 1, tzinfo=UTC), usages=None)
    shape = replace(shape, not_after=datetime(2029 if renewed else 2028, 1, 1, tzinfo=UTC))
    return {use: (authority.issue(shape).der,) for use in Use}


def party(oin: str, host: str, role: str) -> BuildParty:
    return BuildParty(f"Partij {host}", oin, role, f"https://{host}/ebms", certificates(oin, host))


def order(*services: BuildService, **terms: object) -> CpaOrder:
    made = CpaOrder(
        cpa_id_of(SERVICE.value, FIRST, SECOND, "1"),
        party(FIRST, "een.example", "Bronhouder"),
        party(SECOND, "twee.example", "Ontvanger"),
        services or (BuildService(SERVICE, "osb-rm-s", ("meld",), ("antwoord",)),),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    return replace(made, **terms)  # type: ignore[arg-type]


def read(document: bytes, ours: str = FIRST) -> Agreement:
    return read_agreement(document, {ours})


@pytest.mark.parametrize(("profile", "synchronous"), list(product(PROFILES, (False, True))))
def test_every_profile_is_valid_by_the_schema_and_reads_back_as_what_was_asked(profile: str, synchronous: bool) -> None:
    asked = order(
        BuildService(SERVICE, profile, ("meld",), ("antwoord", "vraag")),
        BuildService(Service("voorbeeld:andere:1"), profile, (), ("stuur",)),
        synchronous=synchronous,
    )
    document = build(asked)
    schema = official()
    assert schema.validate(xml.parse(document, limit=1_000_000)), schema.error_log.last_error
    agreement = read(document)
    assert (agreement, read(document, SECOND).receives) == (read(document), agreement.sends)
    assert [each.action for each in agreement.sends] == ["meld"]
    assert [(each.service, each.action) for each in agreement.receives] == [
        (SERVICE, "antwoord"),
        (SERVICE, "vraag"),
        (Service("voorbeeld:andere:1"), "stuur"),
    ]
    for action in (*agreement.sends, *agreement.receives):
        assert action.profile == profile
        assert action.channel.synchronous == (synchronous and profile.startswith("osb-rm"))


@pytest.mark.parametrize(("profile", "synchronous"), list(product(PROFILES, (False, True))))
def test_what_we_make_has_no_errors_and_no_warnings(profile: str, synchronous: bool) -> None:
    asked = order(BuildService(SERVICE, profile, ("meld",), ("antwoord",)), synchronous=synchronous)
    found = findings(build(asked), Judgement(NOW, machtigingen={}))
    assert [one for one in found if one.severity is not Severity.INFO] == []


def test_certificates_endpoints_and_algorithms_are_those_of_each_party() -> None:
    agreement = read(build(order(BuildService(SERVICE, "osb-rm-e", ("meld",), ("antwoord",)))))
    [sent], [received] = agreement.sends, agreement.receives
    ours, theirs = certificates(FIRST, "een.example"), certificates(SECOND, "twee.example")
    assert sent.channel.endpoint == "https://twee.example/ebms"
    assert sent.channel.signing is not None
    assert sent.channel.signing.certificate == ours[Use.SIGN][0]
    assert sent.channel.encryption is not None
    assert sent.channel.encryption.certificate == theirs[Use.DECRYPT][0]
    assert received.channel.encryption is not None
    assert received.channel.encryption.certificate == ours[Use.DECRYPT][0]
    assert set(agreement.theirs.transport_certificates) == {theirs[Use.TLS_CLIENT][0], theirs[Use.TLS_SERVER][0]}
    assert (sent.sender_role, sent.receiver_role) == ("Bronhouder", "Ontvanger")
    assert sent.channel.ack_signature_requested is Characteristic.ALWAYS


def test_several_profiles_may_stand_in_one_cpa() -> None:
    services = [BuildService(Service(f"dienst:{each}"), each, ("meld",)) for each in PROFILES]
    document = build(order(*services))
    assert official().validate(xml.parse(document, limit=1_000_000))
    assert [action.profile for action in read(document).sends] == list(PROFILES)


@given(
    st.integers(0, 999),
    st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    st.sampled_from(PROFILES),
    st.booleans(),
    st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True), min_size=1, max_size=5, unique=True),
)
@settings(max_examples=40)
def test_whatever_is_asked_reads_back(
    retries: int, interval: timedelta, profile: str, signed: bool, actions: list[str]
) -> None:
    asked = order(
        BuildService(SERVICE, profile, tuple(actions), tuple(actions)),
        retries=retries,
        retry_interval=interval,
        persist_duration=timedelta(days=5),
        signed_acknowledgments=signed,
    )
    agreement = read(build(asked))
    assert [action.action for action in agreement.sends] == [action.action for action in agreement.receives] == actions
    assert {action.profile for action in agreement.sends} == {profile}
    channel = agreement.sends[0].channel
    reliable = profile.startswith("osb-rm")
    assert channel.reliable_messaging == (ReliableMessaging(retries, interval) if reliable else None)
    assert channel.persist_duration == (timedelta(days=5) if reliable else None)
    asks = Characteristic.ALWAYS if reliable and signed and profile[-1] in "se" else Characteristic.NEVER
    assert channel.ack_signature_requested is asks


def test_a_receiver_remembers_longer_than_the_sender_tries() -> None:
    asked = order(retries=5, retry_interval=timedelta(minutes=5))
    assert asked.remembered == timedelta(minutes=35)
    assert read(build(asked)).sends[0].channel.persist_duration == timedelta(minutes=35)


def test_a_cpa_id_is_fit_for_the_name_of_a_file() -> None:
    assert cpa_id_of("dso:notificaties:1.0$2", FIRST, SECOND, "7") == f"dso-notificaties-1-0-2_{FIRST}_{SECOND}_7"


WRONG = {
    "unknown profile": {"services": (BuildService(SERVICE, "osb-xx", ("a",)),)},
    "needs a service": {"services": (BuildService(SERVICE, "osb-be"),)},
    "start after it ends": {"ends_at": datetime(2025, 1, 1, tzinfo=UTC)},
    "needs a certificate for decrypt": {
        "services": (BuildService(SERVICE, "osb-rm-e", ("a",)),),
        "first": replace(
            party(FIRST, "een.example", "r"),
            certificates={
                use: chain for use, chain in certificates(FIRST, "een.example").items() if use != Use.DECRYPT
            },
        ),
    },
}


@pytest.mark.parametrize("reason", WRONG)
def test_an_order_that_does_not_hold_together_is_refused(reason: str) -> None:
    with pytest.raises(CpaError, match=reason):
        build(order(**WRONG[reason]))


# --- Renewing ------------------------------------------------------------------------------------------------


@pytest.mark.statement(205)
def test_a_successor_has_another_name_other_dates_and_new_certificates_and_nothing_else_changes() -> None:
    old = build(order(BuildService(SERVICE, "osb-rm-e", ("meld",), ("antwoord",))))
    fresh = certificates(FIRST, "een.example", renewed=True)
    starts, ends = datetime(2026, 5, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    new = renew(old, {FIRST: fresh}, cpa_id="opvolger", starts_at=starts, ends_at=ends)
    assert official().validate(xml.parse(new, limit=1_000_000)), official().error_log.last_error
    changed = {each.what for each in difference(old, new)}
    assert {"cpa id", "start", "end", "party 1 tls certificate 1", "party 1 tls certificate 2"} <= changed
    assert all("certificate" in what for what in changed - {"cpa id", "start", "end"})
    agreement = read(new)
    [sent], [received] = agreement.sends, agreement.receives
    assert sent.channel.signing is not None
    assert sent.channel.signing.certificate == fresh[Use.SIGN][0]
    assert received.channel.encryption is not None
    assert received.channel.encryption.certificate == fresh[Use.DECRYPT][0]
    assert received.channel.signing == read(old).receives[0].channel.signing
    assert not [one for one in findings(new, Judgement(NOW, machtigingen={})) if one.severity is Severity.ERROR]


def test_a_successor_can_be_renewed_again_and_needs_a_name_of_its_own() -> None:
    old = build(order())
    dates = {"starts_at": NOW, "ends_at": NOW + timedelta(days=100)}
    new = renew(old, {FIRST: certificates(FIRST, "een.example", renewed=True)}, cpa_id="b", **dates)
    again = renew(new, {FIRST: certificates(FIRST, "een.example")}, cpa_id="c", **dates)
    assert read(again).sends[0].channel.signing == read(old).sends[0].channel.signing
    with pytest.raises(CpaError, match="CPAId of its own"):
        renew(new, {}, cpa_id="b", **dates)
