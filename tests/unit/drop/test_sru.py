"""What the search is asked and what its answer says, held against a real record and against the oddities of KOOP."""

from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.shared import shared_data

from digikoppelaar.adapters.profiles import load_sru_profile
from digikoppelaar.drop.model import AlsPunt
from digikoppelaar.drop.sru import Answer, Record, Search, address, next_page, query, read_answer
from digikoppelaar.errors import FacilityAnswerBroken, FacilityError

NAMES = load_sru_profile("koop-sru").names
SEARCH = Search("'s-Hertogenbosch", date(2026, 6, 2))
MINIMAL = (
    b"<record><recordData><gzd><originalData><meta><owmskern><identifier>gmb-2026-7</identifier><title>Kap</title>"
    b"</owmskern></meta></originalData></gzd></recordData></record>"
)


def said(inner: bytes, root: str = "searchRetrieveResponse") -> bytes:
    return f"<{root}>".encode() + inner + f"</{root}>".encode()


def real_record() -> bytes:
    return shared_data("koop", "sru", "gmb-2023-174296.sru-record.namespaces-stripped.xml").read_bytes()


def test_a_search_asks_for_a_body_and_what_it_published_since_a_day() -> None:
    assert query(SEARCH, NAMES) == (
        'c.product-area=="officielepublicaties" AND dt.creator=="\'s-Hertogenbosch" AND dt.available>="2026-06-02"'
    )
    assert query(replace(SEARCH, titel='"Kap"'), NAMES).endswith('AND dt.title all "\\"Kap\\""')


def test_the_address_of_a_page_has_everything_that_is_asked() -> None:
    parts = urlsplit(address("https://koop.test/sru", replace(SEARCH, start=201), NAMES))
    assert parts.geturl().startswith(
        "https://koop.test/sru?operation=searchRetrieve&version=2.0&recordSchema=gzd&query="
    )
    asked = parse_qs(parts.query, strict_parsing=True)
    assert asked["query"] == [query(SEARCH, NAMES)]
    assert (asked["startRecord"], asked["maximumRecords"]) == (["201"], ["200"])


def test_a_real_record_is_read() -> None:
    answer = read_answer(said(b"<numberOfRecords>641421</numberOfRecords><records>" + real_record() + b"</records>"))
    (record,) = answer.records
    assert (record.identifier, record.creator) == ("gmb-2023-174296", "Bergeijk")
    assert (record.rubriek, record.activiteiten) == ("omgevingsvergunning", ("slopen",))
    assert record.titel.startswith("Ingekomen melding, Frater Romboutsstraat 42")
    assert (record.datum, record.samenvatting) == (date(2023, 4, 20), "verwijderen van asbest van het dak")
    assert record.locaties == (
        AlsPunt((151229, 368702), "Gebiedsmarkering", "Bergeijk"),
        AlsPunt((151235, 368701), "Gebiedsmarkering", "Bergeijk"),
    )
    assert record.markeringen[0].veld("locatiepunt") == "51.3075724542547 5.33312320398434"
    assert record.preferred_url == "https://zoek.officielebekendmakingen.nl/gmb-2023-174296.html"
    assert [form for form, _ in record.manifestaties] == ["html", "metadata", "metadataowms", "odt", "pdf", "xml"]
    assert (record.url("metadata") or "").endswith("/1/metadata/metadata.xml")
    assert record.url("zip") is None
    assert record.timestamp == datetime(2023, 4, 20, 8, 35, 38, 545935, tzinfo=UTC)


def test_a_record_that_says_little_is_read_as_far_as_it_goes() -> None:
    answer = read_answer(said(b"<numberOfRecords>1</numberOfRecords><records>" + MINIMAL + b"</records>"))
    assert answer == Answer((Record("gmb-2026-7", "Kap", "", "", None, (), "", (), "", (), None),), 1, False, None)


def test_an_address_that_is_no_link_is_none() -> None:
    for link, read in (("javascript:alert(1)", ""), ("https://koop.test/gmb-2026-7.html",) * 2):
        enriched = f"<enrichedData><preferredUrl>{link}</preferredUrl></enrichedData></gzd>".encode()
        record = MINIMAL.replace(b"</gzd>", enriched)
        answer = read_answer(said(b"<numberOfRecords>1</numberOfRecords><records>" + record + b"</records>"))
        assert [each.preferred_url for each in answer.records] == [read]


def test_a_record_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    answer = read_answer(said(b"<numberOfRecords>2</numberOfRecords><records><record/>" + MINIMAL + b"</records>"))
    assert (len(answer.records), answer.unreadable) == (1, 1)


@pytest.mark.parametrize(("precision", "estimated"), [("exact", False), ("estimate", True)])
def test_a_count_may_be_an_estimate(precision: str, estimated: bool) -> None:
    told = f"<resultCountPrecision>info:srw/vocabulary/resultCountPrecision/1/{precision}</resultCountPrecision>"
    answer = read_answer(said(b"<numberOfRecords>0</numberOfRecords>" + told.encode()))
    assert (answer.records, answer.total, answer.estimated) == ((), 0, estimated)


@pytest.mark.parametrize("count", [b"", b"<numberOfRecords>0</numberOfRecords>"])
def test_a_diagnostic_is_an_error_and_not_nothing_found(count: bytes) -> None:
    told = b"<diagnostic><uri>info:srw/diagnostic/1/10</uri><message>Jansen</message></diagnostic>"
    with pytest.raises(FacilityError, match=r"info:srw/diagnostic/1/10") as refused:
        read_answer(said(count + b"<diagnostics>" + told + b"</diagnostics>"))
    assert not refused.value.retryable
    assert "Jansen" not in str(refused.value)


def test_a_diagnostic_with_a_code_of_its_own_is_not_quoted() -> None:
    with pytest.raises(FacilityError, match="without a known code"):
        read_answer(said(b"<diagnostics><diagnostic><uri>Jansen</uri></diagnostic></diagnostics>"))


@pytest.mark.parametrize(
    "document", [b"", b"<html><body>storing</body></html>", said(b"<numberOfRecords>veel</numberOfRecords>")]
)
def test_what_is_no_answer_is_told_so(document: bytes) -> None:
    with pytest.raises(FacilityAnswerBroken):
        read_answer(document)


RECORD = Record("gmb-2026-7", "Kap", "", "", None, (), "", (), "", (), None)


@pytest.mark.parametrize(
    ("answer", "start"),
    [
        (Answer((RECORD,) * 200, 201, False, 201), 201),
        (Answer((RECORD,) * 200, 201, False, None), 201),
        (Answer((RECORD,) * 200, 200, False, None), None),
        (Answer((), 201, False, 201), None),
        (Answer((RECORD,), 1, True, None, unreadable=1), None),
        (Answer((RECORD,) * 200, 500, True, 1), 201),
    ],
)
def test_pages_follow_each_other_and_end(answer: Answer, start: int | None) -> None:
    following = next_page(SEARCH, answer)
    assert (following and following.start) == start
