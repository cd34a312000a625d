"""The rules by which facts become findings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Characteristic, ReliableMessaging, Side
from digikoppelaar.ebms.cpa_subject import Finding, Severity
from digikoppelaar.ebms.messages import PartyId, Service
from digikoppelaar.flows import diagnosis
from digikoppelaar.flows.diagnosis import Diagnosis, Verdict
from digikoppelaar.flows.ports.trust import StoredCrl
from digikoppelaar.flows.reading import PartnerRow
from digikoppelaar.pki.crl import Crl
from digikoppelaar.pki.expiry import Ending, Kind, expiries

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CHANNEL = Channel("https://partner.example/ebms", ack_requested=Characteristic.ALWAYS)
SIDE = Side("Partij", (PartyId("00000099000000001000"),))


def agreement(*receives: Action) -> Agreement:
    return Agreement("cpa-1", NOW, NOW, SIDE, SIDE, (), receives, CHANNEL, CHANNEL)


def action(retries: int | None, interval: timedelta = timedelta(hours=3)) -> Action:
    reliable = ReliableMessaging(retries, interval) if retries is not None else None
    asked = Characteristic.NEVER if reliable is None else Characteristic.ALWAYS
    channel = replace(CHANNEL, reliable_messaging=reliable, ack_requested=asked)
    return Action(Service("urn:melden"), f"melden-{retries}", "A", "B", channel, sender_signs=False)


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [(0, Verdict.GOOD), (-30, Verdict.GOOD), (31, Verdict.WARNING), (-299, Verdict.WARNING), (301, Verdict.WRONG)],
)
def test_a_clock_that_is_off_is_judged_both_ways(apart: int, verdict: Verdict) -> None:
    found = diagnosis.clock("partner", NOW + timedelta(seconds=apart), NOW)
    assert found.verdict is verdict
    assert (found.advice is None) is (verdict is Verdict.GOOD)
    assert ("behind" if apart > 0 else "ahead of") in found.says


def test_a_disk_is_judged_by_what_is_free() -> None:
    sizes = (diagnosis.DISK_FULL - 1, diagnosis.DISK_FULL, diagnosis.DISK_WARNING)
    assert [diagnosis.disk(free).verdict for free in sizes] == [Verdict.WRONG, Verdict.WARNING, Verdict.GOOD]


def test_what_ended_is_wrong_and_what_ends_soon_is_a_warning() -> None:
    endings = [Ending(Kind.CPA, "pre", f"cpa-{days}", "CPA", NOW + timedelta(days=days)) for days in (-1, 5, 100)]
    found = [diagnosis.expiry(each) for each in expiries(endings, NOW)]
    assert [each.verdict for each in found] == [Verdict.WRONG, Verdict.WARNING, Verdict.WARNING]
    assert "ends in 5 days" in found[1].says


def test_the_least_patient_action_says_how_long_we_may_be_down() -> None:
    found = diagnosis.outage(agreement(action(8), action(2, timedelta(minutes=5))))
    assert found is not None
    assert (found.verdict, "10 minutes" in found.says) == (Verdict.WARNING, True)
    patient = diagnosis.outage(agreement(action(39)))
    assert patient is not None
    assert (patient.verdict, "4 days 21 hours" in patient.says) == (Verdict.GOOD, True)


def test_best_effort_leaves_no_time_and_a_cpa_without_receiving_says_nothing() -> None:
    found = diagnosis.outage(agreement(action(8), action(None)))
    assert found is not None
    assert "is lost" in found.says
    assert diagnosis.outage(agreement()) is None


def test_the_worst_verdict_counts() -> None:
    each = [Diagnosis("a", verdict, "") for verdict in (Verdict.GOOD, Verdict.WARNING, Verdict.WRONG)]
    assert [diagnosis.worst(each[:n]) for n in range(4)] == [Verdict.GOOD, Verdict.GOOD, Verdict.WARNING, Verdict.WRONG]


@pytest.mark.parametrize(
    ("hours", "problem", "verdict"),
    [
        (-1, None, Verdict.GOOD),
        (-1, "no answer", Verdict.GOOD),
        (-23, None, Verdict.GOOD),
        (-23, "no answer", Verdict.WARNING),
        (-25, None, Verdict.WRONG),
        (-25, "no answer", Verdict.WRONG),
    ],
)
def test_a_crl_is_wrong_when_it_ended_and_told_of_when_its_successor_does_not_come(
    hours: int, problem: str | None, verdict: Verdict
) -> None:
    made = NOW + timedelta(hours=hours)
    crl = Crl(b"", "CN=CA", made, made + timedelta(days=1))
    found = diagnosis.revocations("pre", StoredCrl("http://crl.example/ca.crl", crl, NOW, problem), NOW)
    assert found.verdict is verdict
    assert (found.advice is None) is (verdict is Verdict.GOOD)
    assert (problem or "") in found.says


def test_a_crl_that_never_came_is_wrong_and_says_why() -> None:
    found = diagnosis.revocations("pre", StoredCrl("http://crl.example/ca.crl", None, NOW, "answered 404"), NOW)
    assert (found.verdict, found.says) == (Verdict.WRONG, "never fetched; the last attempt: answered 404")


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [(Severity.ERROR, Verdict.WRONG), (Severity.WARNING, Verdict.WARNING), (Severity.INFO, None)],
)
def test_a_remark_about_a_cpa_in_use_is_as_serious_as_at_its_import(
    severity: Severity, verdict: Verdict | None
) -> None:
    told = diagnosis.agreement_finding("pre", "cpa-1", Finding("code", severity, "channel c", "Doe dit.", "KS-1"))
    assert (told and (told.verdict, told.says, told.advice)) == (
        (verdict, "code at channel c", "Doe dit.") if verdict else None
    )


@pytest.mark.parametrize(("waiting", "failures", "told"), [(0, 9, False), (4, 2, False), (4, 3, True)])
def test_a_partner_is_told_of_when_messages_wait_and_nobody_answers(waiting: int, failures: int, *, told: bool) -> None:
    row = PartnerRow(
        "pre", "00000099000000001000", waiting, NOW if waiting else None, 5, failures, None, NOW, "refused"
    )
    found = diagnosis.queue(row)
    assert (found is not None) is told
    assert found is None or found.says.startswith("4 messages wait, since 2026-06-01 12:00; 3 attempts")
