"""Choosing the CPA to send under, tolerances and previews; importing over a database is in test_administration."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.ebms.cpas import DSO, GEMEENTE, SERVICE, cpa_document

from digikoppelaar.ebms.agreement import Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.cpas import action_named, between, choose, names_of, preview, tolerances_of
from digikoppelaar.flows.ports import Aansluiting, CpaRecord

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AANSLUITING = Aansluiting(1, GEMEENTE, "Gemeente", "ebms", "pre", GEMEENTE, None, None)
AGREEMENT = read_agreement(cpa_document().encode(), {GEMEENTE})


def record(row_id: int, starts_in: timedelta, lasts: timedelta = timedelta(days=365)) -> CpaRecord:
    starts_at = NOW + starts_in
    agreement = replace(AGREEMENT, cpa_id=f"cpa-{row_id}", starts_at=starts_at, ends_at=starts_at + lasts)
    return CpaRecord(row_id, AANSLUITING, agreement)


DAY = timedelta(days=1)
OLD, NEW, FUTURE, PAST = (
    record(1, -100 * DAY),
    record(2, -1 * DAY),
    record(3, 1 * DAY),
    record(4, -20 * DAY, lasts=10 * DAY),
)


@pytest.mark.statement(205)
def test_the_newest_start_that_holds_now_is_sent_under() -> None:
    everything = [OLD, FUTURE, NEW, PAST]
    assert choose(everything, SERVICE, "bevestig", NOW) is NEW
    assert choose([OLD, PAST, FUTURE], SERVICE, "bevestig", NOW) is OLD
    assert choose(everything, SERVICE, "bevestig", NOW + 2 * DAY) is FUTURE
    assert choose([PAST, FUTURE], SERVICE, "bevestig", NOW) is None


@pytest.mark.statement(205)
def test_of_two_with_the_same_start_the_last_import_counts() -> None:
    again = record(9, -1 * DAY)
    assert choose([again, NEW], SERVICE, "bevestig", NOW) is again


def test_only_a_cpa_that_lets_us_send_the_action_counts() -> None:
    assert choose([NEW], SERVICE, "notificeer", NOW) is None
    assert choose([NEW], "iets:anders", "bevestig", NOW) is None


def test_a_caller_may_name_the_parties() -> None:
    assert between([OLD], GEMEENTE, DSO) == [OLD]
    assert between([OLD], None, None) == [OLD]
    assert between([OLD], DSO, None) == between([OLD], None, GEMEENTE) == []


def test_tolerances_have_the_names_that_people_give() -> None:
    assert tolerances_of(["next-msh", "legacy-signature"]) == Tolerances(next_msh=True, legacy_signature=True)
    assert names_of(Tolerances(next_msh=True)) == ("next-msh",)
    assert tolerances_of([]) == Tolerances()
    with pytest.raises(ConfigError, match="unknown tolerance next_msh; there are next-msh"):
        tolerances_of(["next_msh"])


def test_a_preview_is_the_envelope_that_would_be_sent() -> None:
    action = action_named(AGREEMENT, None, "bevestig")
    assert action is not None
    envelope = read_envelope(preview(AGREEMENT, action, domain="gemeente.example", now=NOW)).envelope
    header = envelope.header
    assert (header.cpa_id, header.service, header.action) == (AGREEMENT.cpa_id, action.service, "bevestig")
    assert (header.from_party.role, header.to_party.role) == ("Ontvanger", "Bronhouder")
    assert header.message_id.endswith("@gemeente.example")
    assert header.duplicate_elimination
    assert envelope.ack_requested is not None
    assert envelope.manifest is not None
