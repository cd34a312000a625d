"""A notification is read by name, and nothing unsafe gets out of it."""

import pytest
from tests.shared import shared_data

from digikoppelaar.errors import DigikoppelaarError, VerzoekError
from digikoppelaar.stam.notification import NotificationFacts, read_notification


@pytest.mark.parametrize(
    "payload",
    [
        b"<verzoeknotificatie><verzoeknummer>2026060200019</verzoeknummer></verzoeknotificatie>",
        b"<triggerbericht><trigger><VerzoekNummer> 2026060200019 </VerzoekNummer></trigger></triggerbericht>",
        b"<a:x xmlns:a='urn:x'><a:verzoeknummer>2026060200019</a:verzoeknummer><verzoeknummer>1</verzoeknummer></a:x>",
    ],
)
def test_the_first_verzoeknummer_counts_in_any_namespace_case_and_depth(payload: bytes) -> None:
    assert read_notification(payload) == NotificationFacts("2026060200019")


def test_what_else_it_says_is_taken_along() -> None:
    facts = read_notification(
        b"<n><doel>Aanvullen</doel><volgnummer>2</volgnummer><verzoeknummer>A1</verzoeknummer>"
        b"<bevoegdGezag><oin>00000099000000001000</oin></bevoegdGezag><oin>00000099000000001000</oin></n>"
    )
    assert facts == NotificationFacts("A1", 2, "Aanvullen", ("00000099000000001000",))


@pytest.mark.parametrize(
    "number",
    ["", "..", "../../etc", "a/b", "a\\b", "-x", "1 2", "1&#10;2", "٣", "x" * 81, "a?b", "a%2e", "a&#160;b"],
)
def test_a_verzoeknummer_that_could_lead_elsewhere_is_refused(number: str) -> None:
    with pytest.raises(VerzoekError):
        read_notification(f"<n><verzoeknummer>{number}</verzoeknummer></n>".encode())


@pytest.mark.parametrize("payload", [b"", b"<n/>", b"niets", b"<!DOCTYPE n><n><verzoeknummer>1</verzoeknummer></n>"])
def test_a_payload_without_verzoeknummer_is_the_partners_fault(payload: bytes) -> None:
    with pytest.raises(DigikoppelaarError) as refused:
        read_notification(payload)
    assert refused.value.fault.value == "partner"


def test_a_volgnummer_that_is_no_number_is_no_reason_to_refuse() -> None:
    assert read_notification(b"<n><verzoeknummer>1</verzoeknummer><volgnummer>x</volgnummer></n>").volgnummer is None


@pytest.mark.parametrize(
    "inside",
    ["<doel>Intrekken</doel>", "<doel> INTREKKEN </doel>", "<volgnummer>999</volgnummer>"],
)
def test_a_withdrawal_is_told_by_doel_or_volgnummer(inside: str) -> None:
    assert read_notification(f"<n><verzoeknummer>1</verzoeknummer>{inside}</n>".encode()).withdrawal


def test_a_withdrawal_in_the_form_of_an_intermediary_is_one() -> None:
    facts = read_notification(
        shared_data("stam", "samples", "intrekbericht-digikoppelaar-eigen-formaat.xml").read_bytes()
    )
    assert facts.withdrawal
    assert len(facts.oins) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"<n><verzoeknummer>1</verzoeknummer></n>",
        b"<n><verzoeknummer>1</verzoeknummer><doel>Aanvullen</doel><volgnummer>2</volgnummer></n>",
        b"<root><verzoeknummer>1</verzoeknummer><actie>open</actie></root>",
        b"<n><verzoeknummer>1</verzoeknummer><actie>close</actie></n>",
    ],
)
def test_nothing_else_is_a_withdrawal(payload: bytes) -> None:
    assert not read_notification(payload).withdrawal
