"""Every answer that a request of 3PAS can get, and what it means: taken, refused, not reached, or not known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.drop.edits import edited, edits
from tests.unit.drop.notices import BESLUIT

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop import receiving
from digikoppelaar.drop.envelope import LONGEST_NUMBER, LONGEST_TEXT, Accepted, NotAccepted, RawAnswer, answer, request
from digikoppelaar.drop.inhoud import unpack
from digikoppelaar.drop.outcomes import FAULTS, Outcome
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.errors import AanleveringError

PROFILE = load_drop_profile("koop-3pas-2020-01").envelope
OTHER_NAMESPACE = replace(PROFILE, element_namespace="urn:elements")
SENT = request(BESLUIT, PROFILE)


def raw(status: int, body: bytes, content_type: str = "text/xml; charset=utf-8") -> RawAnswer:
    return RawAnswer(status, {"content-type": content_type}, body)


ACCEPTED = receiving.accepted_body("2026-000123", PROFILE)
REFUSED = receiving.fault_body("Client", "SBX-ZIP", "de zip is stuk", PROFILE)


@pytest.mark.parametrize("profile", [PROFILE, OTHER_NAMESPACE], ids=["one namespace", "two namespaces"])
def test_an_answer_with_a_dossiernummer_is_an_acceptance(profile: EnvelopeProfile) -> None:
    assert answer(raw(200, receiving.accepted_body("2026-000123", profile)), profile) == Accepted("2026-000123")


def not_accepted(
    status: int, body: bytes, content_type: str = "text/xml", profile: EnvelopeProfile = PROFILE
) -> NotAccepted:
    said = answer(raw(status, body, content_type), profile)
    assert isinstance(said, NotAccepted)
    return said


def test_a_refusal_of_the_other_side_says_what_is_wrong_and_is_not_tried_again() -> None:
    with pytest.raises(AanleveringError) as caught:
        unpack(b"")
    said = not_accepted(500, receiving.refusal_body(caught.value, PROFILE))
    assert (said.code, said.said) == ("SBX-ZIP", "fault SBX-ZIP InhoudZip is not a zip")
    assert said.meaning is FAULTS["Client"]


def bare_fault(code: str) -> bytes:
    """A fault without detail, as a framework or a gateway makes one."""
    return (
        b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault>"
        b"<faultcode xmlns:a='urn:x'>" + code.encode() + b"</faultcode>"
        b"<faultstring xml:lang='nl-NL'>kan\n niet</faultstring></e:Fault></e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(
    ("code", "shown", "outcome", "who"),
    [
        ("e:Client", "Client", Outcome.REFUSED, "kennisgeving edit"),
        ("e:Client.Authentication", "Client", Outcome.REFUSED, "kennisgeving resume"),
        ("e:MustUnderstand", "MustUnderstand", Outcome.REFUSED, "beheerder"),
        ("e:VersionMismatch", "VersionMismatch", Outcome.REFUSED, "beheerder"),
        ("a:ActionNotSupported", "ActionNotSupported", Outcome.REFUSED, "beheerder"),
        ("a:DeserializationFailed", "DeserializationFailed", Outcome.REFUSED, "beheerder"),
        ("e:Server", "Server", Outcome.UNKNOWN, "DROP"),
        ("a:InternalServiceFault", "InternalServiceFault", Outcome.UNKNOWN, "DROP"),
        ("a:Onbekend", "Onbekend", Outcome.UNKNOWN, "Servicedesk"),
        ("", "", Outcome.UNKNOWN, "Servicedesk"),
    ],
)
@pytest.mark.parametrize("status", [500, 200, 400, 503])
def test_a_fault_says_whether_it_was_certainly_not_taken_and_who_must_do_what(
    code: str, shown: str, outcome: Outcome, who: str, status: int
) -> None:
    said = not_accepted(status, bare_fault(code))
    assert (said.code, said.meaning.outcome) == (shown, outcome)
    assert "kan niet" in said.reason
    assert who in said.meaning.advice


@pytest.mark.parametrize("soap_code", ["Client", "Server"])
@pytest.mark.parametrize(
    ("listed", "outcome"), [("ours", Outcome.REFUSED), ("refused", Outcome.REFUSED), ("again", Outcome.LATER)]
)
def test_the_profile_can_say_of_a_code_that_it_was_not_taken(soap_code: str, listed: str, outcome: Outcome) -> None:
    profile = replace(PROFILE, **{listed: ("BEZET",)})  # type: ignore[arg-type]
    body = receiving.fault_body(soap_code, "BEZET", "later", profile)
    said = not_accepted(500, body, profile=profile)
    assert (said.code, said.meaning.outcome) == ("BEZET", outcome)


def test_nothing_is_sent_again_by_itself_because_of_a_code_that_no_source_names() -> None:
    assert PROFILE.again == ()


def test_an_endless_text_of_a_fault_is_cut() -> None:
    said = not_accepted(500, receiving.fault_body("Client", "C" * 10_000, "x" * 10_000, PROFILE))
    assert (len(said.code), said.said.count("x")) == (LONGEST_NUMBER, LONGEST_TEXT)


TWICE = ACCEPTED.replace(b"</Dossiernummer>", b"</Dossiernummer><Dossiernummer>2</Dossiernummer>")


@pytest.mark.parametrize(
    ("status", "body", "content_type", "told"),
    [
        (200, b"", "", "an empty body"),
        (202, b" \n", "text/xml", "an empty body"),
        (200, b"<!DOCTYPE html><html>Inloggen</html>", "text/plain", "an HTML page"),
        (200, b"<html><body/></html>", "text/html", "an HTML page"),
        (500, b"<html>Internal Server Error</html>", "text/html", "an HTML page"),
        (502, b"Bad Gateway", "text/plain", "not one SOAP 1.1 message"),
        (504, b"", "", "an empty body"),
        (200, b"{}", "application/json", "not one SOAP 1.1 message"),
        (200, ACCEPTED[:-9], "text/xml", "not one SOAP 1.1 message"),
        (200, ACCEPTED.replace(b"soap/envelope/", b"soap-envelope"), "text/xml", "not one SOAP 1.1 message"),
        (200, ACCEPTED.replace(b"2026-000123", b" "), "text/xml", "neither a dossiernummer nor a fault"),
        (200, TWICE, "text/xml", "neither a dossiernummer nor a fault"),
        (200, ACCEPTED.replace(b"2026-000123", b"9" * 10_000), "text/xml", "neither a dossiernummer nor a fault"),
        (200, ACCEPTED.replace(b"2026-000123", b"1&#x202e;2"), "text/xml", "neither a dossiernummer nor a fault"),
        (302, b"", "", "told elsewhere"),
        (303, b"<html/>", "text/html", "told elsewhere"),
        (
            200,
            ACCEPTED.replace(b"PubliceerResponse", b"PubliceerAntwoord"),
            "text/xml",
            "neither a dossiernummer nor a fault",
        ),
        (500, ACCEPTED, "text/xml", "neither a dossiernummer nor a fault"),
        (200, SENT.body, "text/xml", "neither a dossiernummer nor a fault"),
    ],
)
def test_an_answer_that_does_not_tell_leaves_it_unknown_and_is_never_tried_again(
    status: int, body: bytes, content_type: str, told: str
) -> None:
    said = not_accepted(status, body, content_type)
    assert said.meaning.outcome is Outcome.UNKNOWN
    assert told in said.reason
    assert "verstuur haar pas opnieuw" in said.meaning.advice


@pytest.mark.parametrize(
    ("outcome", "advice", "statuses"),
    [
        (Outcome.REFUSED, "certificaat of gebruikersnaam", (401, 403)),
        (Outcome.REFUSED, "Controleer het adres", (301, 307, 308, 400, 404, 405, 413, 415)),
        (Outcome.LATER, "vanzelf opnieuw", (408, 429, 503)),
        (Outcome.UNKNOWN, "DROP", (100, 200, 204, 302, 303, 500, 501, 502, 504, 520, 999)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html/>"])
def test_a_status_without_soap_says_whether_it_was_certainly_not_taken_and_who_must_do_what(
    outcome: Outcome, advice: str, statuses: tuple[int, ...], body: bytes
) -> None:
    for status in statuses:
        said = not_accepted(status, body)
        assert (said.code, said.meaning.outcome) == (str(status), outcome)
        assert advice in said.meaning.advice


@given(st.sampled_from([ACCEPTED, REFUSED, bare_fault("e:Server"), b"", b"<html>"]), edits, st.integers(100, 599))
def test_any_answer_is_understood(body: bytes, changes: list[tuple[int, int, bytes]], status: int) -> None:
    said = answer(raw(status, edited(body, changes)), PROFILE)
    assert isinstance(said, NotAccepted) or (status == 200 and said.dossiernummer)
