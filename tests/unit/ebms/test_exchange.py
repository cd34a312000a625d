"""Two parties and a hostile network: what holds whatever is lost, repeated, delayed, reordered or crashes.

The same world (two_parties.py) is driven twice: by a Hypothesis machine that looks for a counterexample, and by a
seeded walk that shows that the interesting things really happen in it.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document
from tests.unit.ebms.two_parties import Judged, Party, Request, World, Write
from tests.unit.ebms.wire import signatory

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.messages import Envelope, Part
from digikoppelaar.ebms.reliability import SETTLED, Event, State
from digikoppelaar.ebms.signature import sign

NAMES = ("dso", "gemeente")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
STEPS_OF_TIME = [SECOND, MINUTE, 5 * MINUTE, 2 * HOUR, 24 * HOUR]
MOST_SENDS, MOST_SIGNAL_SENDS = 6, 14
"""Retries of the CPA plus one; and of a signal."""
WHY_SETTLED = {
    State.ACKNOWLEDGED: {Event.ACKNOWLEDGED},
    State.FAILED: {Event.GAVE_UP, Event.ERROR_RECEIVED},
    State.EXPIRED: {Event.TIME_TO_LIVE_PASSED},
}
"""In a world whose servers only say 204 or 500; nothing else may end the delivery of a reliable message."""


def unsigned_world() -> World:
    """Both parties send plain reliable messages (osb-rm)."""

    def write(envelope: Envelope, _: Agreement, __: tuple[Part, ...], ___: bool) -> bytes:
        return write_envelope(envelope)

    return _world(cpa_document(), write)


def signed_world() -> World:
    """Both parties sign messages and acknowledgments (osb-rm-s with ackSignatureRequested)."""
    key = signatory()

    def write(envelope: Envelope, agreement: Agreement, parts: tuple[Part, ...], signed: bool) -> bytes:
        document, signing = write_envelope(envelope), agreement.our_signals.signing
        assert signing is not None
        return sign(document, parts, signing, key.sign) if signed else document

    return _world(cpa_document(signed=True, ack_signed=True, certificate=key.certificate), write)


def _world(cpa: str, write: Write) -> World:
    sides = zip(NAMES, (DSO, GEMEENTE), strict=True)
    parties = {name: Party(name, read_agreement(cpa.encode(), {oin})) for name, oin in sides}
    return World(parties, write)


# --- What holds at every moment ------------------------------------------------------------------------------


class Watch:
    """Holds the world against its promises; remembers what was settled."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._settled: dict[str, State] = {}

    def check(self) -> None:
        """Every promise, now."""
        for party in self.world.parties.values():
            self._nothing_is_delivered_twice(party)
            self._acknowledged_means_stored(party)
            self._settled_is_final(party)
            self._attempts_are_bounded(party)
            self._there_is_one_answer_to_a_message(party)

    def _nothing_is_delivered_twice(self, party: Party) -> None:
        assert len(party.delivered) == len(set(party.delivered))

    def _acknowledged_means_stored(self, party: Party) -> None:
        stored = self.world.other(party.name)
        for message_id, row in party.business.items():
            if row.state is State.ACKNOWLEDGED:
                assert message_id in stored.delivered
                assert message_id in stored.inbound

    def _settled_is_final(self, party: Party) -> None:
        for message_id, row in party.business.items():
            if message_id in self._settled:
                assert row.state is self._settled[message_id]
            elif row.state in SETTLED:
                self._settled[message_id] = row.state
                assert row.last_event in WHY_SETTLED[row.state]
                assert row.last_event is not Event.GAVE_UP or row.attempts == MOST_SENDS

    def _attempts_are_bounded(self, party: Party) -> None:
        for row in party.outbound.values():
            assert row.attempts <= (MOST_SENDS if row.reliable else MOST_SIGNAL_SENDS)
            if row.reliable:
                assert len(row.sent_at) == row.attempts
                waits = [later - earlier for earlier, later in zip(row.sent_at, row.sent_at[1:], strict=False)]
                assert all(wait >= row.reliable.retry_interval for wait in waits)

    def _there_is_one_answer_to_a_message(self, party: Party) -> None:
        signals = [message_id for message_id, row in party.outbound.items() if row.reliable is None]
        given = [stored.answer for stored in party.inbound.values() if stored.answer]
        assert sorted(signals) == sorted(given)


def _send_all_due(world: World) -> int:
    """Everything that is due arrives, is committed and answered; how much that was."""
    for name in NAMES:
        world.send_due(name)
    requests, world.requests = world.requests, []
    for request in requests:
        world.arrive(request)
        receiver = world.other(request.sender)
        world.commit(receiver, receiver.working[-1])
        world.answer(world.replies[-1])
    return len(requests)


def heal(world: World) -> None:
    """From now on the network is perfect: everything that can still be settled is."""
    hopeful = [
        (party, message_id)
        for party in world.parties.values()
        for message_id, row in party.business.items()
        if row.state not in SETTLED
        and row.attempts < MOST_SENDS
        and row.time_to_live is not None
        and row.time_to_live > world.now + 10 * MINUTE
    ]
    world.requests.clear()
    world.replies.clear()
    for _ in range(60):
        while _send_all_due(world):
            pass
        world.now += 5 * MINUTE
    assert all(row.state in SETTLED for party in world.parties.values() for row in party.outbound.values())
    assert {party.business[message_id].state for party, message_id in hopeful} <= {State.ACKNOWLEDGED}


# --- The counterexample hunter -------------------------------------------------------------------------------

WHICH = st.integers(min_value=0, max_value=7)


class Exchange(RuleBasedStateMachine):
    """Everything that parties and network can do, in any order."""

    make_world: Callable[[], World] = staticmethod(unsigned_world)

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make_world()
        self.watch = Watch(self.world)

    @rule(name=st.sampled_from(NAMES))
    def submit(self, name: str) -> None:
        if len(self.world.parties[name].business) < 4:
            self.world.submit(name)

    @rule(name=st.sampled_from(NAMES))
    def send_due(self, name: str) -> None:
        self.world.send_due(name)

    @precondition(lambda self: self.world.requests)
    @rule(which=WHICH, again=st.booleans())
    def arrive(self, which: int, again: bool) -> None:
        request = self.world.requests[which % len(self.world.requests)]
        self.world.arrive(request)
        if not again:
            self.world.requests.remove(request)

    @precondition(lambda self: self.world.requests)
    @rule(which=WHICH)
    def lose_request(self, which: int) -> None:
        self.world.lose(self.world.requests[which % len(self.world.requests)])

    @precondition(lambda self: self.world.requests)
    @rule(which=WHICH)
    def swallow_request(self, which: int) -> None:
        self.world.swallow(self.world.requests[which % len(self.world.requests)])

    @precondition(lambda self: self._judged())
    @rule(which=WHICH, crash=st.booleans())
    def commit(self, which: int, crash: bool) -> None:
        judged = self._judged()
        party, one = judged[which % len(judged)]
        self.world.commit(party, one, crash=crash)

    @precondition(lambda self: self.world.replies)
    @rule(which=WHICH, lost=st.booleans())
    def reply(self, which: int, lost: bool) -> None:
        reply = self.world.replies[which % len(self.world.replies)]
        if lost:
            self.world.replies.remove(reply)
        else:
            self.world.answer(reply)

    @rule(name=st.sampled_from(NAMES))
    def crash(self, name: str) -> None:
        self.world.crash(name)

    @rule(step=st.sampled_from(STEPS_OF_TIME))
    def time_passes(self, step: timedelta) -> None:
        self.world.now += step

    @invariant()
    def promises_hold(self) -> None:
        self.watch.check()

    def teardown(self) -> None:
        for what in self.world.happened:
            event(what)
        heal(self.world)
        self.watch.check()

    def _judged(self) -> list[tuple[Party, Judged]]:
        return [(party, judged) for party in self.world.parties.values() for judged in party.working]


TestExchange = Exchange.TestCase
TestExchange.settings = settings(max_examples=60, stateful_step_count=50)


class SignedExchange(Exchange):
    """The same with signatures on messages and acknowledgments."""

    make_world = staticmethod(signed_world)


TestSignedExchange = SignedExchange.TestCase
TestSignedExchange.settings = settings(max_examples=15, stateful_step_count=50)


# --- The walk that shows what happens ------------------------------------------------------------------------


def walk(world: World, seed: int, steps: int) -> None:
    """A random but repeatable life: much is lost, processes die, and for an hour or so a proxy swallows everything."""
    chance, watch = random.Random(seed), Watch(world)
    for step in range(steps):
        name = chance.choice(NAMES)
        if chance.random() < 0.05:
            world.submit(name)
        world.send_due(name)
        for request in list(world.requests):
            if chance.random() < 0.6:  # the others are delayed, and so reordered
                _travel(world, request, chance, swallowed=step % 100 > 60 and request.sender == "gemeente")
        for party in world.parties.values():
            while party.working:
                world.commit(party, chance.choice(party.working), crash=chance.random() < 0.1)
        for reply in list(world.replies):
            if chance.random() < 0.2:
                world.replies.remove(reply)
            else:
                world.answer(reply)
        world.now += chance.choice(STEPS_OF_TIME[:3])
        watch.check()
    heal(world)
    watch.check()


def _travel(world: World, request: Request, chance: random.Random, *, swallowed: bool) -> None:
    fate = chance.random()
    if swallowed:
        world.swallow(request)
    elif fate < 0.2:
        world.lose(request)
    else:
        world.arrive(request)
        if fate < 0.8:  # else the network keeps a copy
            world.requests.remove(request)


MUST_HAPPEN = {
    "Accept",
    "Repeat",
    "Acknowledged",
    "claimed when created",
    "claimed when sent",
    "transported when sending",
    "delivered when sending",
    "unreachable when sending",
    "acknowledged when sent",
    "acknowledged when sending",
    "acknowledged when created",
    "acknowledged when failed",
    "lease_lost when sending",
    "repeat when delivered",
    "repeat when created",
    "gave_up when sent",
}
"""Lost and repeated acknowledgments, lost answers, crashed workers, acknowledgments that overtake or come too late."""


@pytest.mark.parametrize(("make_world", "seeds"), [(unsigned_world, 6), (signed_world, 6)])
def test_a_long_life_meets_every_kind_of_trouble_and_keeps_its_promises(
    make_world: Callable[[], World], seeds: int
) -> None:
    happened: Counter[str] = Counter()
    for seed in range(seeds):
        world = make_world()
        walk(world, seed, 150)
        happened += world.happened
    assert set(happened) >= MUST_HAPPEN


# --- One story, told step by step ----------------------------------------------------------------------------


def _deliver_all(world: World, name: str) -> None:
    world.send_due(name)
    for request in list(world.requests):
        world.arrive(request)
        world.requests.remove(request)


@pytest.mark.statement(97)
def test_a_lost_acknowledgment_is_sent_again_as_it_was() -> None:
    world = unsigned_world()
    dso, gemeente = world.parties["dso"], world.parties["gemeente"]
    message_id = world.submit("dso")
    _deliver_all(world, "dso")
    world.commit(gemeente, gemeente.working[0])
    world.answer(world.replies[0])
    [acknowledgment] = gemeente.outbound
    world.send_due("gemeente")
    first = world.requests[0]
    world.requests.clear()  # lost behind the server of DSO-LV, which had answered
    world.end_attempt(first, Event.DELIVERED)
    assert dso.outbound[message_id].state is State.SENT
    world.now += 5 * MINUTE
    _deliver_all(world, "dso")
    assert [type(judged.decision).__name__ for judged in gemeente.working] == ["Repeat"]
    world.commit(gemeente, gemeente.working[0])
    world.send_due("gemeente")
    [second] = [request for request in world.requests if request.sender == "gemeente"]
    assert second.message_id == acknowledgment
    assert second.document == first.document
    world.arrive(second)
    world.commit(dso, dso.working[0])
    assert dso.outbound[message_id].state is State.ACKNOWLEDGED
    assert gemeente.delivered == [message_id]


@pytest.mark.statement(66, 87)
def test_a_crash_after_the_commit_delivers_once_and_is_acknowledged_after_the_resend() -> None:
    world = unsigned_world()
    dso, gemeente = world.parties["dso"], world.parties["gemeente"]
    message_id = world.submit("dso")
    _deliver_all(world, "dso")
    world.commit(gemeente, gemeente.working[0], crash=True)
    assert world.replies == []
    assert dso.outbound[message_id].state is State.SENDING
    heal(world)
    assert dso.outbound[message_id].state is State.ACKNOWLEDGED
    assert gemeente.delivered == [message_id]


@pytest.mark.statement(103)
def test_two_workers_with_the_same_message_deliver_it_once() -> None:
    world = unsigned_world()
    gemeente = world.parties["gemeente"]
    message_id = world.submit("dso")
    world.send_due("dso")
    world.arrive(world.requests[0])
    world.arrive(world.requests[0])
    assert [type(judged.decision).__name__ for judged in gemeente.working] == ["Accept", "Accept"]
    for judged in list(gemeente.working):
        world.commit(gemeente, judged)
    assert gemeente.delivered == [message_id]
    assert len(gemeente.outbound) == 1
