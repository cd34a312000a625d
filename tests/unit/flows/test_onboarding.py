"""What is told of steps, what that makes of them, and what waits for what. With the steps that we ship."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.adapters.memory.onboarding import MemoryOnboarding
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.errors import ConfigError, Conflict, StorageError
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.flows.ports.onboarding import Authority, Seen
from digikoppelaar.onboarding.model import Finding, How, Kind, Rol, Severity, Sight, Step, Subject
from digikoppelaar.onboarding.progress import Record, Told
from digikoppelaar.onboarding.states import StepEvent, StepState

LEVERANCIER = "00000099000000008000"
ONE, TWO, RIJK = "00000099000000001000", "00000099000000002000", "00000099000000003000"
PRE, PROD = Subject(ONE, Kind.STAM, "pre"), Subject(ONE, Kind.STAM, "prod")
DROP = Subject(ONE, Kind.DROP, "pre")
LATER = NOW + timedelta(hours=1)
BY = Told(NOW, "een medewerker", "afgesproken")
PROGRAM = Told(NOW)
WRONG = Finding("expired", Severity.WRONG, "Verlopen.", "", "Vernieuw het.", Rol.DIGIKOPPELAAR)
MISSING = Finding("absent", Severity.MISSING, "Er is er nog geen.", "", "Maak het.", Rol.LEVERANCIER)


def authority(oin: str, bestuurslaag: str = "gemeente") -> Authority:
    partijen = {(str(kind), omgeving): LEVERANCIER for kind in Kind for omgeving in ("pre", "prod")}
    return Authority(oin, f"Organisatie {oin[-4]}", bestuurslaag, partijen)


@dataclass
class World:
    """Three organisaties of one leverancier. `findings` are what checks find, by number of the step."""

    store: MemoryOnboarding = field(
        default_factory=lambda: MemoryOnboarding([authority(ONE), authority(TWO), authority(RIJK, "rijk")])
    )
    findings: dict[str, Sequence[Finding]] = field(default_factory=dict)
    now: datetime = NOW

    @property
    def flow(self) -> Onboarding:
        return Onboarding(self.store, load_process, self.judge)

    async def judge(self, subject: Subject, step: Step) -> Sequence[Finding]:
        return self.findings.get(step.number, ())

    async def complete(self, subject: Subject, until: str | None = None) -> Status:
        """Do every step in its order, each in its own way, with evidence where it is wanted; up to `until`."""
        status = await self.flow.status(subject)
        while (turn := status.progress.next) and turn.step.number != until:
            status = await self.do(subject, turn.step)
        return status

    async def do(self, subject: Subject, step: Step) -> Status:
        told = Told(self.now)
        if step.how is How.WORD:
            await self.flow.word(subject, step.number, told)
        elif step.how is How.CHECK:
            await self.flow.judged(subject, step.number, (), told)
        elif step.sight:
            await self.flow.seen(subject, step.sight, told)
        if step.evidence:
            await self.flow.proven(subject, step.number, replace(told, evidence=(f"/bewijs/{step.number}.pdf",)))
        return await self.flow.status(subject)

    async def look(self) -> Status:
        await self.flow.look(PROGRAM)
        return await self.flow.status(PRE)

    async def state(self, subject: Subject, number: str) -> StepState:
        return (await self.flow.status(subject)).step(number).record.state


# --- the order of things -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
async def test_an_organisatie_goes_through_every_step_of_pre_and_then_of_prod(kind: Kind) -> None:
    world = World()
    for omgeving in ("pre", "prod"):
        subject = Subject(ONE, kind, omgeving)
        assert not (await world.flow.status(subject)).progress.complete
        assert (await world.complete(subject)).progress.complete


async def test_prod_waits_until_pre_is_complete_with_its_evidence() -> None:
    world = World()
    await world.complete(PRE, until="7.1")
    assert (await world.flow.status(PROD)).step("2.1").held_up_by == ("pre",)
    with pytest.raises(ConfigError, match="held up by pre"):
        await world.flow.word(PROD, "2.1", BY)
    await world.flow.word(PRE, "7.1", BY)
    assert (await world.flow.status(PRE)).step("7.1").lacks_evidence
    with pytest.raises(ConfigError, match=r"held up by stap 7\.1"):
        await world.flow.word(PRE, "7.2", BY)
    await world.flow.proven(PRE, "7.1", Told(NOW, evidence=("/bewijs.png",)))
    await world.flow.word(PRE, "7.2", BY)
    await world.flow.word(PROD, "2.1", BY)


async def test_preparations_of_prod_need_not_wait_for_pre() -> None:
    world = World()
    await world.flow.word(PROD, "0.2", BY)
    assert await world.state(PROD, "0.2") is StepState.DONE


async def test_what_is_seen_or_checked_before_its_turn_does_nothing_and_counts_when_it_comes() -> None:
    world = World()
    world.store.seen[PRE] = {sight: Seen(NOW, "2026060200019") for sight in Sight if sight is not Sight.CPA_OFFERED}
    await world.look()
    await world.flow.judged(PRE, "3.3", (), PROGRAM)
    assert (await world.flow.status(PRE)).progress.done == 0
    await world.complete(PRE, until="3.6")
    await world.look()
    status = await world.look()
    assert status.step("3.6").lacks_evidence
    await world.do(PRE, status.step("3.6").step)
    await world.flow.word(PRE, "3.7", BY)
    status = await world.look()
    assert status.progress.next
    assert status.progress.next.step.number == "7.1"


# --- a word ----------------------------------------------------------------------------------------------------------


async def test_a_word_is_on_record_with_who_gave_it_and_when_and_why() -> None:
    world = World()
    await world.flow.word(PRE, "0.2", BY)
    await world.flow.word(PRE, "0.2", replace(BY, at=LATER))
    [line] = await world.store.log(PRE)
    assert (line.number, line.event, line.at, line.by, line.detail) == ("0.2", "fulfilled", NOW, BY.by, BY.detail)


@pytest.mark.parametrize("finding", [WRONG, MISSING], ids=lambda each: each.severity)
async def test_a_word_is_refused_while_a_check_is_not_good(finding: Finding) -> None:
    world = World()
    await world.complete(PRE, until="3.5")
    world.findings["3.5"] = [finding]
    with pytest.raises(ConfigError, match=finding.code) as refused:
        await world.flow.word(PRE, "3.5", BY)
    assert refused.value.advice == f"{finding.says} {finding.advice}"
    found = (await world.flow.status(PRE)).step("3.5")
    assert (found.done, found.record.findings, found.whose_turn) == (False, (finding,), finding.who)
    world.findings.clear()
    await world.flow.word(PRE, "3.5", BY)
    assert (await world.flow.status(PRE)).step("3.5").done


@pytest.mark.parametrize("number", ["3.3", "3.6", "5.1"])
async def test_no_word_does_what_must_be_checked_or_seen(number: str) -> None:
    world = World()
    await world.complete(PRE, until=number)
    with pytest.raises(ConfigError, match=f"a word does not make step {number} done"):
        await world.flow.word(PRE, number, BY)


async def test_of_what_happened_out_of_sight_a_word_will_do() -> None:
    world = World()
    await world.complete(PRE, until="3.4")
    await world.flow.word(PRE, "3.4", BY)
    assert await world.state(PRE, "3.4") is StepState.DONE


@pytest.mark.parametrize(
    ("subject", "number", "said"),
    [
        (PRE, "9", "no step 9"),
        (PRE, "1.3", r"no step 1\.3"),
        (replace(PRE, oin=LEVERANCIER), "0.2", "no organisatie"),
        (replace(DROP, oin=RIJK), "0.1", "drop has no steps for bestuurslaag rijk"),
    ],
)
async def test_what_is_not_there_is_told(subject: Subject, number: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        await World().flow.word(subject, number, BY)


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_who_is_asked_has_the_turn_until_he_answers() -> None:
    world = World()
    await world.flow.judged(PRE, "0.1", (), PROGRAM)
    status = await world.flow.asked(PRE, "1.2", BY)
    assert status.step("1.2").whose_turn is Rol.AANSLUITTEAM
    assert status.step("1.2").answer_expected == (NOW + timedelta(days=7)).date()
    await world.flow.word(PRE, "1.2", BY)
    assert await world.state(PRE, "1.2") is StepState.DONE


async def test_what_is_refused_is_wrong_and_can_be_asked_again() -> None:
    world = World()
    await world.flow.judged(PRE, "0.1", (), PROGRAM)
    await world.flow.asked(PRE, "1.2", BY)
    status = await world.flow.refused(PRE, "1.2", replace(BY, detail="verkeerd OIN"))
    [finding] = status.step("1.2").held_up_for
    assert "aansluitteam: verkeerd OIN" in finding.says
    assert status.step("1.2").whose_turn is Rol.LEVERANCIER
    status = await world.flow.asked(PRE, "1.2", BY)
    assert (status.step("1.2").record.state, status.step("1.2").record.findings) == (StepState.WAITING, ())


async def test_nobody_is_asked_too_early_or_where_nobody_answers() -> None:
    world = World()
    with pytest.raises(ConfigError, match=r"held up by stap 0\.1"):
        await world.flow.asked(PRE, "1.2", BY)
    for tell in (world.flow.asked, world.flow.refused):
        with pytest.raises(ConfigError, match="asks nobody"):
            await tell(PRE, "0.2", BY)


# --- checks ----------------------------------------------------------------------------------------------------------


async def test_a_check_that_fails_later_makes_a_done_step_wrong_and_good_again_done() -> None:
    world = World()
    await world.complete(PRE)
    for number in ("3.2", "3.5"):
        status = await world.flow.judged(PRE, number, [WRONG], PROGRAM)
        assert status.step(number).record.state is StepState.WRONG
        assert not status.progress.complete
        status = await world.flow.judged(PRE, number, (), PROGRAM)
        assert status.progress.complete, "what was said before needs no second word"


async def test_what_is_gone_that_was_there_makes_a_done_step_wrong() -> None:
    world = World()
    await world.complete(PRE)
    await world.flow.judged(PRE, "3.3", [MISSING], PROGRAM)
    assert await world.state(PRE, "3.3") is StepState.WRONG


async def test_what_is_not_there_yet_is_noted_and_is_not_wrong() -> None:
    world = World()
    status = await world.flow.judged(PRE, "3.3", [MISSING], PROGRAM)
    assert (status.step("3.3").record.state, status.step("3.3").record.findings) == (StepState.OPEN, (MISSING,))


async def test_what_was_never_said_is_open_again_when_its_check_is_good() -> None:
    world = World()
    await world.complete(PRE, until="3.5")
    await world.flow.judged(PRE, "3.5", [WRONG], PROGRAM)
    await world.flow.judged(PRE, "3.5", (), PROGRAM)
    assert await world.state(PRE, "3.5") is StepState.OPEN


async def test_every_check_is_run_in_order_and_each_that_is_good_opens_the_next() -> None:
    world = World()
    world.findings["3.3"] = [MISSING]
    await world.flow.word(PRE, "0.3", BY)
    status = await world.flow.checked(PRE, PROGRAM)
    done = [each.step.number for each in status.progress.steps if each.done]
    assert done == ["0.1", "0.3", "3.1", "3.2"]
    assert await world.flow.checked(PRE, replace(PROGRAM, at=LATER)) == status
    assert {line.at for line in await world.store.log(PRE)} == {NOW}


# --- a change ------------------------------------------------------------------------------------------------------


async def test_a_change_opens_pre_again_from_the_cpa_on_and_prod_waits_for_it() -> None:
    world = World()
    await world.complete(PRE)
    await world.complete(PROD)
    world.store.seen[PRE] = {Sight.PING_PONG: Seen(NOW, "oud")}
    opened = await world.flow.changed(PROD, replace(BY, at=LATER))
    in_pre = ["3.3", "3.4", "3.5", "3.6", "3.7", "4.1", "5.1", "5.2", "6.1", "6.2", "7.1", "7.2"]
    assert opened == {PRE: tuple(in_pre), PROD: ("1.1", *in_pre)}
    pre, prod = await world.flow.status(PRE), await world.flow.status(PROD)
    assert [each.step.number for each in pre.progress.steps if not each.done] == in_pre
    assert prod.step("3.3").held_up_by[0] == "pre"
    assert not pre.step("7.1").record.evidence
    world.now = LATER + timedelta(minutes=1)
    await world.complete(PRE, until="3.6")
    await world.look()
    assert await world.state(PRE, "3.6") is StepState.OPEN, "that was the old connection"
    world.store.seen[PRE] = {Sight.PING_PONG: Seen(world.now, "nieuw")}
    await world.look()
    assert await world.state(PRE, "3.6") is StepState.DONE


async def test_a_change_of_what_was_never_begun_only_forgets_what_was_seen() -> None:
    world = World()
    opened = await world.flow.to_change(PRE)
    seen = tuple(step.number for step in load_process(Kind.STAM).steps_for("pre", "gemeente") if step.how is How.SEEN)
    assert opened == {PRE: seen, PROD: seen}


async def test_a_change_that_was_cut_off_is_made_whole_by_making_it_again() -> None:
    class Dying(MemoryOnboarding):
        async def tell(self, subject: Subject, number: str, event: StepEvent | None, told: Told) -> Record:
            if event is StepEvent.CHANGED and number == "4.1":
                raise StorageError("the database is away")
            return await super().tell(subject, number, event, told)

    world = World()
    await world.complete(PRE)
    dying = Dying(world.store.known, steps=world.store.steps, lines=world.store.lines)
    with pytest.raises(StorageError):
        await replace(world.flow, store=dying).changed(PRE, BY)
    assert [await world.state(PRE, number) for number in ("3.3", "4.1")] == [StepState.OPEN, StepState.DONE]
    await world.flow.changed(PRE, BY)
    status = await world.flow.status(PRE)
    assert [each.step.number for each in status.progress.steps if each.done][-1] == "3.2"


async def test_what_began_before_a_change_and_ends_after_it_says_nothing_of_the_new_connection() -> None:
    world = World()
    await world.complete(PRE)
    before = await world.flow.status(PRE)
    await world.flow.changed(PRE, replace(BY, at=LATER))
    after = await world.flow.status(PRE)
    late = replace(BY, at=LATER)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await world.flow.proven(PRE, "3.6", replace(late, evidence=("/oud.pdf",), about=before.step("3.6").record))
    with pytest.raises(Conflict, match="changed meanwhile"):
        await world.flow.judged(PRE, "3.3", (), replace(late, about=before.step("3.3").record))
    assert await world.flow.status(PRE) == after


async def test_only_stam_goes_through_pre_again() -> None:
    with pytest.raises(ConfigError, match="drop has no steps that a change opens"):
        await World().flow.changed(DROP, BY)


# --- the leverancier -------------------------------------------------------------------------------------------------


async def test_the_first_organisatie_of_a_leverancier_goes_together_and_the_next_alone() -> None:
    world = World()
    two = replace(PRE, oin=TWO)
    assert (await world.flow.status(two)).step("0.4")
    await world.complete(PRE)
    status = await world.flow.status(two)
    assert (status.alone, status.progress.step("0.4")) == (True, None)
    assert not (await world.flow.status(replace(two, omgeving="prod"))).alone
    assert (await world.flow.status(PRE)).step("0.4").done, "what was done is still to be seen"
    [listed] = await world.flow.statuses(StatusFilter("pre", Kind.STAM, oin=TWO))
    assert listed == status


async def test_a_shared_step_is_done_once_for_all_of_the_leverancier() -> None:
    world = World()
    await world.flow.word(PRE, "0.3", BY)
    for subject in (PRE, replace(PRE, oin=TWO)):
        assert (await world.flow.status(subject)).step("0.3").done
    assert set(world.store.steps) == {replace(PRE, oin=LEVERANCIER)}
    await world.complete(DROP)
    status = await world.flow.status(replace(DROP, oin=TWO))
    assert [each.step.number for each in status.progress.steps if not each.done] == ["0.5", "3"]


async def test_what_one_leverancier_shares_is_not_done_for_another() -> None:
    world = World()
    other = replace(authority(TWO), partijen={("stam", "pre"): TWO})
    world.store.known[1] = other
    await world.complete(PRE)
    status = await world.flow.status(replace(PRE, oin=TWO))
    assert (status.progress.done, status.alone) == (0, False)


# --- lists -----------------------------------------------------------------------------------------------------------


async def listed(world: World, **wanted: object) -> list[tuple[str, str, str]]:
    statuses = await world.flow.statuses(StatusFilter(**wanted))  # type: ignore[arg-type]
    return [(each.subject.kind, each.subject.omgeving, each.subject.oin) for each in statuses]


async def test_a_list_has_a_row_for_each_organisatie_kind_and_omgeving_but_no_drop_for_the_rijk() -> None:
    rows = await listed(World())
    three, two = (ONE, TWO, RIJK), (ONE, TWO)
    wanted = [("drop", omgeving, oin) for omgeving in ("pre", "prod") for oin in two]
    assert rows == wanted + [("stam", omgeving, oin) for omgeving in ("pre", "prod") for oin in three]


async def test_of_one_organisatie_the_list_says_what_the_whole_list_says_of_it() -> None:
    world = World()
    await world.complete(PRE)
    for open_only in (False, True):
        every = await world.flow.statuses(StatusFilter(open=open_only))
        for oin in (ONE, TWO, RIJK):
            alone = await world.flow.statuses(StatusFilter(oin=oin, open=open_only))
            assert alone == [each for each in every if each.subject.oin == oin]
    assert await listed(world, oin=ONE, bestuurslaag="rijk") == []
    assert await listed(world, oin="00000099000000999000") == []


async def test_a_list_is_narrowed() -> None:
    world = World()
    assert await listed(world, kind=Kind.STAM, omgeving="prod", bestuurslaag="rijk") == [("stam", "prod", RIJK)]
    assert await listed(world, oin=ONE, omgeving="sandbox-pre", kind=Kind.DROP) == [("drop", "sandbox-pre", ONE)]
    await world.complete(PRE)
    assert ("stam", "pre", ONE) not in await listed(world, open=True)
    assert ("stam", "pre", ONE) in await listed(world)


async def test_an_organisatie_is_listed_in_the_world_where_it_is() -> None:
    world = World()
    partijen = {("stam", "sandbox-pre"): LEVERANCIER}
    world.store.known = [replace(authority(ONE), partijen=partijen), replace(authority(TWO), partijen={})]
    rows = await listed(world, kind=Kind.STAM)
    assert rows == [
        ("stam", "sandbox-pre", ONE),
        ("stam", "sandbox-prod", ONE),
        ("stam", "pre", TWO),
        ("stam", "prod", TWO),
    ]
    await world.flow.word(PRE, "0.2", BY)
    assert ("stam", "pre", ONE) in await listed(world, kind=Kind.STAM)


async def test_who_only_exchanges_messages_is_not_onboarded() -> None:
    world = World()
    world.store.known = [replace(authority(ONE), partijen={("ebms", "pre"): LEVERANCIER})]
    assert await listed(world) == []


# --- over and over ---------------------------------------------------------------------------------------------------


async def test_only_those_who_see_something_new_are_moved() -> None:
    world = World()
    for oin in (ONE, TWO):
        await world.complete(replace(PRE, oin=oin), until="3.6")
    world.store.seen = {PRE: {Sight.PING_PONG: Seen(NOW, "ping")}}
    assert await world.flow.look(PROGRAM) == [PRE]
    assert await world.flow.look(PROGRAM) == []
    assert [line.detail for line in await world.store.log(PRE, "3.6")] == ["ping"]


async def test_the_watch_looks_at_once_and_outlives_a_database_that_is_away() -> None:
    class Clock:
        def now(self) -> datetime:
            return NOW

    class Away(MemoryOnboarding):
        async def authorities(self, oin: str | None = None) -> Sequence[Authority]:
            stop.set()
            raise StorageError("the database is away")

    stop = asyncio.Event()
    await replace(World().flow, store=Away()).watch(Clock(), stop)
    assert stop.is_set()
