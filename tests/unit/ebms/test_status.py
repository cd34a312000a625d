"""What a StatusRequest is answered with (statements 155-157)."""

from datetime import UTC, datetime

import pytest

from digikoppelaar.ebms.messages import MessageStatus, StatusResponse
from digikoppelaar.ebms.status import Found, status_of

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.statement(155)
@pytest.mark.parametrize(("processed", "status"), [(False, MessageStatus.RECEIVED), (True, MessageStatus.PROCESSED)])
def test_a_message_that_came_in_is_received_or_processed_since_its_receipt(
    processed: bool, status: MessageStatus
) -> None:
    found = Found("cpa-1", signal=False, received_at=AT, processed=processed)
    assert status_of("m1@dso", found, "cpa-1") == StatusResponse("m1@dso", status, AT)


@pytest.mark.statement(156)
@pytest.mark.parametrize(
    "found",
    [
        None,
        Found("cpa-1", signal=True, received_at=AT),
        Found("cpa-2", signal=True, received_at=AT),
        Found("cpa-1", signal=False, received_at=AT, rejected=True),
    ],
)
def test_what_is_unknown_purged_rejected_or_a_signal_is_not_recognized(found: Found | None) -> None:
    assert status_of("m1@dso", found, "cpa-1") == StatusResponse("m1@dso", MessageStatus.NOT_RECOGNIZED)


@pytest.mark.statement(157)
def test_a_message_of_another_cpa_is_none_of_the_askers_business() -> None:
    found = Found("cpa-2", signal=False, received_at=AT)
    assert status_of("m1@dso", found, "cpa-1") == StatusResponse("m1@dso", MessageStatus.UNAUTHORIZED)
