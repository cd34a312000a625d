"""Every answer that a request of 3PAS can get, and what it means: taken, refused, not reached, or not known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.drop.edits import edited, edits
from tests.unit.drop.notices import BESLUIT

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop import receiving
from digikoppelaar.drop.envelope import LONGEST_NUMBER, LONGEST_TEXT, Accepted, RawAnswer, Refused, answer, request
from digikoppelaar.drop.inhoud import unpack
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.errors import (
    AanleveringError,
    FacilityError,
    FacilityOutcomeUnknown,
    FacilityRefused,
    FacilityUnavailable,
    Fault,
)

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


def test_a_refusal_of_the_other_side_says_what_is_wrong_and_is_not_tried_again() -> None:
    with pytest.raises(AanleveringError) as caught:
        unpack(b"")
    said = answer(raw(500, receiving.refusal_body(caught.value, PROFILE)), PROFILE)
    assert said == Refused("SBX-ZIP", "InhoudZip is not a zip", Fault.ADMINISTRATOR, again=False)


def bare_fault(code: str) -> bytes:
    """A fault without detail, as a framework or a gateway makes one."""
    return (
        b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault>"
        b"<faultcode xmlns:a='urn:x'>" + code.encode() + b"</faultcode>"
        b"<faultstring xml:lang='nl-NL'>kan\n niet</faultstring></e:Fault></e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("e:Client", ("Client", Fault.ADMINISTRATOR, False)),
        ("e:Client.Authentication", ("Client", Fault.ADMINISTRATOR, False)),
        ("e:Server", ("Server", Fault.FACILITY, True)),
        ("e:MustUnderstand", ("MustUnderstand", Fault.OURS, False)),
        ("e:VersionMismatch", ("VersionMismatch", Fault.OURS, False)),
        ("a:InternalServiceFault", ("InternalServiceFault", Fault.FACILITY, True)),
        ("a:ActionNotSupported", ("ActionNotSupported", Fault.OURS, False)),
        ("a:DeserializationFailed", ("DeserializationFailed", Fault.OURS, False)),
        ("a:Onbekend", ("Onbekend", Fault.FACILITY, False)),
        ("", ("", Fault.FACILITY, False)),
    ],
)
@pytest.mark.parametrize("status", [500, 200, 400])
def test_a_fault_says_whose_it_is_and_whether_trying_again_helps(
    code: str, refused: tuple[str, Fault, bool], status: int
) -> None:
    said = answer(raw(status, bare_fault(code)), PROFILE)
    assert said == Refused(refused[0], "kan niet", refused[1], refused[2])


def test_a_code_of_the_detail_can_say_that_trying_again_helps() -> None:
    profile = replace(PROFILE, again=("BEZET",))
    said = answer(raw(500, receiving.fault_body("Client", "BEZET", "later", profile)), profile)
    assert said == Refused("BEZET", "later", Fault.FACILITY, again=True)


def test_an_endless_text_of_a_fault_is_cut() -> None:
    said = answer(raw(500, receiving.fault_body("Client", "C" * 10_000, "x" * 10_000, PROFILE)), PROFILE)
    assert isinstance(said, Refused)
    assert (len(said.code), len(said.text)) == (LONGEST_NUMBER, LONGEST_TEXT)


def test_a_refusal_says_who_must_do_what() -> None:
    refused = [
        Refused("C", "", whose, again=False).advice for whose in (Fault.ADMINISTRATOR, Fault.FACILITY, Fault.OURS)
    ]
    assert [word in advice for word, advice in zip(("edit", "Servicedesk", "beheerder"), refused, strict=True)] == [
        True
    ] * 3
    assert all("`kennisgeving resume`" in advice for advice in refused)
    assert "vanzelf opnieuw" in Refused("C", "", Fault.FACILITY, again=True).advice


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
        (200, ACCEPTED.replace(b"2026-000123", b" "), "text/xml", "no one dossiernummer"),
        (200, TWICE, "text/xml", "no one dossiernummer"),
        (200, ACCEPTED.replace(b"2026-000123", b"9" * 10_000), "text/xml", "no one dossiernummer"),
        (200, ACCEPTED.replace(b"2026-000123", b"1&#x202e;2"), "text/xml", "no one dossiernummer"),
        (302, b"", "", "told elsewhere"),
        (303, b"<html/>", "text/html", "told elsewhere"),
        (200, ACCEPTED.replace(b"PubliceerResponse", b"PubliceerAntwoord"), "text/xml", "no one dossiernummer"),
        (500, ACCEPTED, "text/xml", "no one dossiernummer"),
        (200, SENT.body, "text/xml", "no one dossiernummer"),
    ],
)
def test_an_answer_that_does_not_tell_leaves_it_unknown_and_is_never_tried_again(
    status: int, body: bytes, content_type: str, told: str
) -> None:
    with pytest.raises(FacilityOutcomeUnknown, match=told) as caught:
        answer(raw(status, body, content_type), PROFILE)
    assert not caught.value.retryable
    assert "verstuur haar pas opnieuw" in caught.value.advice


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        *((401, FacilityRefused, False), (403, FacilityRefused, False)),
        *((404, FacilityError, False), (307, FacilityError, False), (413, FacilityError, False)),
        *((408, FacilityUnavailable, True), (429, FacilityUnavailable, True), (503, FacilityUnavailable, True)),
    ],
)
def test_a_status_that_says_that_3pas_was_not_reached_is_told_as_that(
    status: int, error: type[FacilityError], retryable: bool
) -> None:
    with pytest.raises(FacilityError) as caught:
        answer(raw(status, b"<html/>", "text/html"), PROFILE)
    assert type(caught.value) is error
    assert caught.value.retryable is retryable


@given(st.sampled_from([ACCEPTED, REFUSED, bare_fault("e:Server"), b"", b"<html>"]), edits, st.integers(100, 599))
def test_any_answer_is_understood_or_an_error_of_the_facility(
    body: bytes, changes: list[tuple[int, int, bytes]], status: int
) -> None:
    try:
        said = answer(raw(status, edited(body, changes)), PROFILE)
    except FacilityError:
        return
    assert isinstance(said, Refused) or (status == 200 and said.dossiernummer)
