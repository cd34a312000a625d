"""What is on the worklist, since when, and in which words."""

from datetime import date, datetime, timedelta

import pytest
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.flows.worklist import AMSTERDAM, items
from digikoppelaar.flows.worklist_rows import (
    CaseEventRow,
    CpaRow,
    FailingRow,
    HeardRow,
    Item,
    KennisgevingRow,
    KeptRows,
    Limits,
    MissedRow,
    NotDraftedRow,
    ParkedRow,
    Place,
    Rows,
    Sort,
    UntoldRow,
    WaitingRow,
    WrongStepRow,
)
from digikoppelaar.pki.expiry import Ending, Kind

PLACE = Place(7, "prod", "00000099000000001000", "Gemeente Voorbeeldstad")
LIMITS = Limits()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def of(rows: Rows, limits: Limits = LIMITS) -> list[Item]:
    """The items, when no certificate ends."""
    return items(rows, [], NOW, limits)


def whats(rows: Rows) -> list[str]:
    """Their sentences."""
    return [item.what for item in of(rows)]


def test_a_notification_that_waits_a_quarter_of_an_hour_is_an_item() -> None:
    row = WaitingRow(PLACE, 3, "42", NOW - 15 * MINUTE, "HTTP 503", "Wacht.")
    late = WaitingRow(PLACE, 4, "43", NOW - 16 * MINUTE)
    [item] = of(Rows(waiting=[row, late]))
    assert (item.key, item.sort, item.since, item.verzoeknummer) == (
        "not-fetched:4",
        Sort.NOT_FETCHED,
        late.received_at,
        "43",
    )
    assert item.todo


def test_what_is_parked_is_an_item_with_its_advice_and_the_targets_at_which_it_is() -> None:
    version = ParkedRow(PLACE, 1, "42", 3, NOW, "refused", "Controleer het zaaktype.", ("zaken", "archief"))
    notification = ParkedRow(PLACE, 1, "", None, NOW, "no verzoeknummer")
    [one, two] = of(Rows(parked=[version, notification]))
    assert (one.key, one.what) == (
        "parked:notification:1",
        "Een notificatie zonder leesbaar verzoeknummer wacht op een beheerder.",
    )
    assert (two.key, two.what, two.todo, two.reason) == (
        "parked:verzoek:1",
        "Verzoek 42, versie 3, wacht op een beheerder (bestemming zaken, archief).",
        "Controleer het zaaktype.",
        "refused",
    )


def test_a_missed_verzoek_stays_for_a_week() -> None:
    found = [MissedRow(PLACE, 1, "42", NOW - 7 * DAY), MissedRow(PLACE, 2, "43", NOW - 8 * DAY)]
    assert [item.key for item in of(Rows(missed=found))] == ["missed:1"]


@pytest.mark.parametrize(("days", "limit", "told"), [(7, 7, 0), (8, 7, 1), (800, 0, 0)])
def test_silence_is_told_after_so_many_days_or_never(days: int, limit: int, told: int) -> None:
    heard = Rows(heard=[HeardRow(PLACE, NOW - days * DAY)])
    assert len(of(heard, Limits(silent=limit * DAY))) == told


def test_a_target_that_fails_for_more_than_an_hour_is_one_item() -> None:
    failing = [FailingRow(PLACE, "zaken", 3, NOW - 2 * HOUR), FailingRow(PLACE, "archief", 1, NOW - HOUR)]
    assert whats(Rows(failing=failing)) == ["Afleveren bij bestemming zaken lukt niet; er wachten 3 verzoeken."]


@pytest.mark.parametrize(
    ("verzoeken", "messages", "many"),
    [(1, 0, "1 verzoek"), (2, 1, "2 verzoeken en 1 bericht"), (0, 30, "30 berichten")],
)
def test_what_is_kept_beyond_its_period_is_one_item_of_each_aansluiting(
    verzoeken: int, messages: int, many: str
) -> None:
    [item] = of(Rows(kept=[KeptRows(PLACE, verzoeken, messages, NOW - 40 * DAY)]))
    assert (item.key, item.since) == ("kept:7", NOW - 40 * DAY)
    assert item.what.startswith(f"De bewaartermijn is voorbij voor {many};")
    assert "retention report" in item.todo


@pytest.mark.parametrize("state", ["draft", "refused", "unknown"])
def test_a_kennisgeving_that_waits_for_a_person_is_an_item(state: str) -> None:
    [item] = of(Rows(kennisgevingen=[KennisgevingRow(PLACE, 4, "Z1", state, NOW, NOW.date(), "why", "Doe iets.")]))
    assert (item.key, item.todo, item.reason) == (f"kennisgeving:4:{state}", "Doe iets.", "why")
    assert item.what.startswith("Kennisgeving 4 van zaak Z1 ")


def test_what_koop_has_is_an_item_from_noon_of_the_working_day_after_its_day() -> None:
    friday = KennisgevingRow(PLACE, 4, "Z1", "accepted", NOW, date(2026, 6, 5))
    rows = Rows(kennisgevingen=[friday])
    monday = datetime(2026, 6, 8, 11, 59, tzinfo=AMSTERDAM)
    assert items(rows, [], monday, LIMITS) == []
    [item] = items(rows, [], monday + timedelta(minutes=1), LIMITS)
    assert "niet gevonden" in item.what
    assert "`creator`" in item.todo
    assert "kennisgeving show 4" in item.todo


def test_what_was_cancelled_and_is_with_koop_all_the_same_is_an_item_at_once() -> None:
    [item] = of(Rows(kennisgevingen=[KennisgevingRow(PLACE, 4, "Z1", "cancelled", NOW, date.max)]))
    assert (item.key, item.what) == (
        "kennisgeving:4:cancelled",
        "Kennisgeving 4 van zaak Z1 is ingetrokken, maar KOOP heeft haar toch.",
    )
    assert "in DROP" in item.todo
    assert "kennisgeving cancel" in item.todo


@pytest.mark.parametrize("state", ["draft", "accepted"])
def test_a_wish_for_the_last_day_that_there_is_hides_nobody_elses_items(state: str) -> None:
    never = KennisgevingRow(PLACE, 4, "Z1", state, NOW, date.max)
    other = KennisgevingRow(PLACE, 5, "Z2", "refused", NOW, NOW.date())
    keys = {item.key for item in of(Rows(kennisgevingen=[never, other]))}
    assert keys == {"kennisgeving:5:refused"} | ({"kennisgeving:4:draft"} if state == "draft" else set())


def test_a_verzoek_of_which_no_kennisgeving_could_be_drafted_is_an_item_that_says_what_is_lacking() -> None:
    [item] = of(Rows(not_drafted=[NotDraftedRow(PLACE, 3, "42", NOW, "telefoon not there", "Vul in: telefoon.")]))
    assert (item.key, item.sort, item.reason) == ("not-drafted:3", Sort.KENNISGEVING, "telefoon not there")
    assert "verzoek 42" in item.what
    assert item.todo.startswith("Vul in: telefoon. ")
    assert "kennisgeving draft 42" in item.todo


def test_what_a_case_system_told_and_could_not_be_drafted_is_an_item_with_its_commands() -> None:
    [item] = of(Rows(case_events=[CaseEventRow(PLACE, 8, "besluit", NOW, "no besluiten_url", "Geef het adres op.")]))
    assert (item.key, item.sort, item.reason) == ("case-event:8", Sort.KENNISGEVING, "no besluiten_url")
    assert item.todo.startswith("Geef het adres op. ")
    assert "case-event again 8" in item.todo
    assert "case-event end 8" in item.todo


def test_who_does_not_know_what_became_of_a_kennisgeving_is_an_item_after_a_while_or_when_it_is_parked() -> None:
    failing = UntoldRow(PLACE, 1, 4, "Z1", "published", "zaken", NOW - HOUR, parked=False, reason="away")
    late = UntoldRow(PLACE, 2, 4, "Z1", "published", "zaken", NOW - 61 * MINUTE, parked=False, verzoeknummer="42")
    parked = UntoldRow(PLACE, 3, 4, "Z1", "refused", None, NOW, parked=True, advice="Controleer de applicatie.")
    [one, two] = of(Rows(untold=[failing, late, parked]))
    assert (one.key, one.sort, one.verzoeknummer) == ("untold:2", Sort.UNTOLD, "42")
    assert one.what == "Bestemming zaken weet nog niet dat kennisgeving 4 van zaak Z1 is gepubliceerd."
    assert "kennisgeving show 4" in one.todo
    assert two.what.startswith("De applicatie op webhook_url weet nog niet dat kennisgeving 4 van zaak Z1 niet is")
    assert two.todo == "Controleer de applicatie."


def test_an_end_is_an_item_again_at_each_threshold_that_is_near_enough() -> None:
    keys = []
    for days in (61, 59, 29, 6, -1):
        found = of(Rows(cpas=[CpaRow(PLACE, "cpa-1", NOW + days * DAY)]))
        keys += [item.key for item in found]
    assert keys == [f"expiring:7:cpa:cpa-1:{threshold}" for threshold in (60, 30, 7, 0)]
    ending = Ending(Kind.CERTIFICATE, "prod", "ab12", "partij 00000099000000001000 voor sign", NOW + DAY)
    [item] = items(Rows(), [(PLACE, ending), (PLACE, ending)], NOW, LIMITS)
    assert item.what == "Het certificaat van partij 00000099000000001000 voor sign verloopt op 03-06-2026."


def test_what_holds_up_most_comes_first_and_of_a_sort_what_waits_longest() -> None:
    rows = Rows(
        waiting=[WaitingRow(PLACE, n, str(n), NOW - n * HOUR) for n in (1, 2)],
        missed=[MissedRow(PLACE, 1, "42", NOW)],
        failing=[FailingRow(PLACE, "zaken", 1, NOW - 2 * HOUR)],
    )
    assert [item.key for item in of(rows)] == ["failing:7:zaken", "not-fetched:2", "not-fetched:1", "missed:1"]


def test_a_step_of_onboarding_that_became_wrong_is_an_item_with_whose_turn_it_is() -> None:
    row = WrongStepRow(
        PLACE, "stam", "3.2", NOW, "Certificaat leaf.pem is verlopen.", "Vraag een nieuw.", "digikoppelaar"
    )
    [item] = of(Rows(wrong_steps=[row]))
    assert (item.key, item.sort, item.since) == ("onboarding:7:3.2", Sort.ONBOARDING, NOW)
    assert item.what == (
        "Stap 3.2 van de STAM-aansluiting was gedaan en is niet goed meer: Certificaat leaf.pem is verlopen."
    )
    assert item.todo == "Aan zet: digikoppelaar. Vraag een nieuw."
