"""Dutch words and forms."""

from datetime import UTC, datetime

import pytest

from digikoppelaar.ebms.reliability import SETTLED, Event, State
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports import FileKind
from digikoppelaar.web import words


def test_every_state_of_a_verzoek_and_of_a_notification_has_a_dutch_word() -> None:
    assert set(VerzoekState) | set(NotificationState) == set(words.VERZOEK_STATES)


def test_every_state_and_event_of_an_outbound_message_has_a_dutch_word() -> None:
    assert {*State, "accepted", "rejected"} == set(words.MESSAGE_STATES)
    assert set(Event) == set(words.EVENTS)


def test_every_state_of_a_kennisgeving_has_a_dutch_word() -> None:
    assert set(KennisgevingState) == set(words.KENNISGEVING_STATES)


def test_every_kind_of_file_has_a_dutch_word() -> None:
    assert {kind.value for kind in FileKind} == set(words.FILE_KINDS)


def test_an_unknown_key_is_shown_as_it_is() -> None:
    assert words.verzoek_state("halfway").text == "halfway"
    assert words.message_state("halfway").text == "halfway"
    assert words.step("halfway") == "halfway"
    assert words.event("halfway") == "halfway"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1,0 KiB"),
        (26_214_400, "25,0 MiB"),
        (2**30, "1,0 GiB"),
        (5 * 2**40, "5120,0 GiB"),
    ],
)
def test_sizes_are_rounded_the_dutch_way(size: int, text: str) -> None:
    assert words.about(size) == text


def test_thousands_are_grouped_with_points() -> None:
    assert words.grouped(26214400) == "26.214.400"


def test_the_hour_that_comes_twice_is_told_apart_by_its_zone() -> None:
    assert words.clock_time(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == "25-10-2026 02:30:00 CEST"
    assert words.clock_time(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) == "25-10-2026 02:30:00 CET"


def test_addresses_are_quoted() -> None:
    assert words.verzoek_address(1, "a/b?c#d") == "/verzoeken/1/a%2Fb%3Fc%23d"
    assert words.list_address("/berichten", {"message_id": "<a&b>", "oin": None}) == "/berichten?message_id=%3Ca%26b%3E"
    assert words.list_address("/berichten", {"oin": None}) == "/berichten"


def test_every_way_a_message_of_ours_can_settle_is_a_line_in_dutch() -> None:
    assert {f"outbound_{state}" for state in SETTLED} <= set(words.STEPS)
