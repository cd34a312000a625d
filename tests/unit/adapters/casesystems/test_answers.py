"""What an answer of a case system means: done, later, or for a person."""

from datetime import UTC, datetime

import pytest

from digikoppelaar.adapters.casesystems.answers import check
from digikoppelaar.adapters.casesystems.http import Answer
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_done(status: int) -> None:
    check(Answer(status, {}, b""), "document", NOW)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_what_may_work_later_is_tried_again(status: int) -> None:
    with pytest.raises(CaseSystemError, match=f"document: the case system answered {status}"):
        check(Answer(status, {}, b"personal data"), "document", NOW)


@pytest.mark.parametrize("value", ["90", "Tue, 02 Jun 2026 12:01:30 GMT"])
def test_the_wait_that_it_asks_for_is_known(value: str) -> None:
    with pytest.raises(CaseSystemError) as later:
        check(Answer(503, {"retry-after": value}, b""), "document", NOW)
    assert later.value.retry_after == 90


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (100, "ander adres"),
        (301, "ander adres"),
        (307, "ander adres"),
        (400, "weigert dit verzoek"),
        (401, "wachtwoord"),
        (403, "rechten"),
        (404, "bestaat niet"),
        (413, "te groot"),
        (418, "weigert dit verzoek"),
        (499, "weigert dit verzoek"),
    ],
)
def test_what_a_person_must_look_at_is_refused_with_an_advice(status: int, advice: str) -> None:
    with pytest.raises(CaseSystemRefused, match=str(status)) as refused:
        check(Answer(status, {}, b""), "document", NOW)
    assert advice in refused.value.advice
