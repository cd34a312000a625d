"""What every OnboardingStore must do. The twin in memory and the store in PostgreSQL both run these."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.errors import ConfigError, Conflict
from digikoppelaar.flows.ports.onboarding import OnboardingStore
from digikoppelaar.onboarding.model import Finding, Kind, Rol, Severity, Subject
from digikoppelaar.onboarding.progress import Record, Told
from digikoppelaar.onboarding.states import StepEvent as Event
from digikoppelaar.onboarding.states import StepState as State

SUBJECT = Subject(GEMEENTE, Kind.STAM, "sandbox-pre")
LATER = NOW + timedelta(hours=1)
BY = Told(NOW, "een medewerker", "gemaild")
WRONG = Finding("expired", Severity.WRONG, "Verlopen.", "Niemand neemt het aan.", "Vernieuw.", Rol.DIGIKOPPELAAR)


async def events(store: OnboardingStore) -> list[tuple[str, str, str, str | None]]:
    return [(line.number, line.event, line.state, line.by) for line in await store.log(SUBJECT)]


async def nothing_is_on_record_at_first(store: OnboardingStore) -> None:
    assert await store.records() == {}
    assert await store.records([SUBJECT]) == {}
    assert await store.log(SUBJECT) == []


async def a_step_moves_and_every_move_is_logged(store: OnboardingStore) -> None:
    asked = await store.tell(SUBJECT, "1.2", Event.ASKED, BY)
    assert asked == Record(State.WAITING, since=NOW)
    done = await store.tell(SUBJECT, "1.2", Event.FULFILLED, replace(BY, at=LATER, detail="gedaan"))
    assert done == Record(State.DONE, since=LATER, was_done=True)
    assert await store.records([SUBJECT]) == {SUBJECT: {"1.2": done}}
    assert await events(store) == [
        ("1.2", "asked", "waiting", "een medewerker"),
        ("1.2", "fulfilled", "done", "een medewerker"),
    ]
    assert [line.detail for line in await store.log(SUBJECT, "1.2")] == ["gemaild", "gedaan"]
    assert await store.log(SUBJECT, "1.3") == []


async def what_cannot_happen_is_refused_and_leaves_nothing(store: OnboardingStore) -> None:
    done = await store.tell(SUBJECT, "2.1", Event.FULFILLED, BY)
    with pytest.raises(ConfigError, match=r"step 2\.1 .* is done: it cannot be asked now"):
        await store.tell(SUBJECT, "2.1", Event.ASKED, BY)
    with pytest.raises(ConfigError, match="is open"):
        await store.tell(SUBJECT, "2.2", Event.CLEARED, BY)
    assert await store.records() == {SUBJECT: {"2.1": done}}
    assert len(await store.log(SUBJECT)) == 1


async def what_is_told_of_the_connection_before_a_change_is_refused(store: OnboardingStore) -> None:
    before = await store.tell(SUBJECT, "2.1", Event.FULFILLED, BY)
    assert await store.tell(SUBJECT, "2.1", None, replace(BY, evidence=("/a.pdf",), about=before))
    after = await store.tell(SUBJECT, "2.1", Event.CHANGED, replace(BY, at=LATER))
    for event in (None, Event.FULFILLED):
        with pytest.raises(Conflict, match="changed meanwhile"):
            await store.tell(SUBJECT, "2.1", event, replace(BY, evidence=("/a.pdf",), about=before))
    assert await store.records() == {SUBJECT: {"2.1": after}}
    assert (await store.tell(SUBJECT, "2.1", Event.FULFILLED, replace(BY, about=after))).state is State.DONE


async def doing_it_again_is_not_logged_but_asking_again_is(store: OnboardingStore) -> None:
    for told in (BY, replace(BY, at=LATER)):
        await store.tell(SUBJECT, "2.1", Event.FULFILLED, told)
        asked = await store.tell(SUBJECT, "1.2", Event.ASKED, told)
    assert asked.since == NOW
    assert [event for _, event, _, _ in await events(store)] == ["fulfilled", "asked", "asked"]


async def findings_are_kept_whole_and_stay_until_others_come(store: OnboardingStore) -> None:
    await store.tell(SUBJECT, "3.2", Event.FAILED, Told(NOW, findings=(WRONG,)))
    await store.tell(SUBJECT, "3.2", Event.FAILED, Told(LATER))
    assert (await store.records())[SUBJECT]["3.2"] == Record(State.WRONG, (WRONG,), since=NOW)
    good = await store.tell(SUBJECT, "3.2", Event.FULFILLED, Told(LATER, findings=()))
    assert good == Record(State.DONE, since=LATER, was_done=True)
    assert [by for _, _, _, by in await events(store)] == [None, None]


async def evidence_comes_beside_what_is_there_and_moves_nothing(store: OnboardingStore) -> None:
    await store.tell(SUBJECT, "3.6", None, Told(NOW, evidence=("/a.pdf",)))
    record = await store.tell(SUBJECT, "3.6", None, Told(LATER, evidence=("/a.pdf", "/b.png")))
    assert record == Record(evidence=("/a.pdf", "/b.png"))
    assert [event for _, event, _, _ in await events(store)] == ["noted", "noted"]


async def noting_nothing_leaves_nothing(store: OnboardingStore) -> None:
    assert await store.tell(SUBJECT, "3.6", None, Told(NOW, findings=())) == Record()
    assert (await store.records(), await store.log(SUBJECT)) == ({}, [])


async def what_changed_is_open_again_without_what_proved_it(store: OnboardingStore) -> None:
    await store.tell(SUBJECT, "3.6", Event.FULFILLED, Told(NOW, evidence=("/a.pdf",), findings=(WRONG,)))
    changed = await store.tell(SUBJECT, "3.6", Event.CHANGED, Told(LATER, "een medewerker"))
    assert changed == Record(since=LATER, changed_at=LATER)
    assert (await store.records())[SUBJECT]["3.6"] == changed


async def one_subject_does_not_see_another(store: OnboardingStore) -> None:
    other = replace(SUBJECT, omgeving="sandbox-prod")
    drop = replace(SUBJECT, kind=Kind.DROP)
    for subject in (SUBJECT, other, drop):
        await store.tell(subject, "1", Event.ASKED, BY)
    await store.tell(SUBJECT, "1", Event.FULFILLED, BY)
    assert (await store.records([other]))[other]["1"].state is State.WAITING
    assert set(await store.records([drop, SUBJECT])) == {drop, SUBJECT}
    assert set(await store.records()) == {drop, SUBJECT, other}
    assert len(await store.log(drop)) == 1


CONTRACT = (
    nothing_is_on_record_at_first,
    a_step_moves_and_every_move_is_logged,
    what_cannot_happen_is_refused_and_leaves_nothing,
    what_is_told_of_the_connection_before_a_change_is_refused,
    doing_it_again_is_not_logged_but_asking_again_is,
    findings_are_kept_whole_and_stay_until_others_come,
    evidence_comes_beside_what_is_there_and_moves_nothing,
    noting_nothing_leaves_nothing,
    what_changed_is_open_again_without_what_proved_it,
    one_subject_does_not_see_another,
)
