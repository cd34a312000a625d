"""What an administrator does, over the real stores: register, import a CPA, ping a partner."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from tests.trust import Verdicts
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, cpa_document
from tests.unit.ebms.exchanges import NOW, THEIRS
from tests.unit.flows.ebms_world import Counted, Keys, Party, dso, plain, sent
from tests.unit.flows.stored_messages import inbound_of, outbound_of

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.adapters.postgres.reading import PostgresReading
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import EbxmlError, Severity
from digikoppelaar.ebms.packaging import Packaged
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.errors import ConfigError, CpaError, XmlError
from digikoppelaar.flows.administration import apply_registration, ping, refuse_embedded
from digikoppelaar.flows.cpas import ImportChoice, Imported, import_cpa, remove_cpa
from digikoppelaar.flows.judging import Judge
from digikoppelaar.flows.ports import Claimed, CpaRecord
from digikoppelaar.flows.receive import Arrival, Receiver
from digikoppelaar.flows.registration import AansluitingEntry, Entry, OrganisatieEntry, PartijEntry

CPA = cpa_document().encode()
PARTIES: tuple[Entry, ...] = tuple(
    entry
    for oin, naam in ((GEMEENTE, "Gemeente Voorbeeldstad"), (DSO, "Een ander"))
    for entry in (OrganisatieEntry(oin, naam, "gemeente"), PartijEntry(oin, naam))
)


def aansluiting(omgeving: str = "sandbox-pre", *, oin: str = GEMEENTE, kind: str = "stam") -> AansluitingEntry:
    """An aansluiting as an apply file says it."""
    return AansluitingEntry(oin, kind, omgeving, oin, {}, {})


@dataclass(slots=True)
class Going:
    """A clock that goes on from NOW, when the CPA is in force."""

    started: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return NOW + timedelta(seconds=monotonic() - self.started)


@dataclass(frozen=True, slots=True)
class World:
    """The stores over a fresh database."""

    registry: PostgresRegistry
    messages: PostgresMessages
    reading: PostgresReading

    async def register(self, *aansluitingen: AansluitingEntry) -> None:
        """Put these on record, with their parties."""
        await apply_registration(self.registry, (*PARTIES, *aansluitingen), dry_run=False, embedded=False, now=NOW)

    async def imported(self, document: bytes = CPA, omgeving: str | None = None, *, replace: bool = False) -> Imported:
        """What importing it gives."""
        return await import_cpa(self.registry, document, ImportChoice(omgeving=omgeving, replace=replace), now=NOW)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Stores without anything in them."""
    async with opened_pool(lambda: database_url, 4) as pool:
        yield World(PostgresRegistry(pool), PostgresMessages(pool), PostgresReading(pool))


# --- Registering ---------------------------------------------------------------------------------------------


async def test_what_is_applied_is_on_record_and_applying_it_again_changes_nothing(world: World) -> None:
    entries = (*PARTIES, aansluiting())
    changes = await apply_registration(world.registry, entries, dry_run=False, embedded=True, now=NOW)
    assert [change.after for change in changes] == list(entries)
    assert len(await world.registry.entries()) == len(entries)
    assert await apply_registration(world.registry, entries, dry_run=False, embedded=True, now=NOW) == ()


async def test_a_dry_run_shows_the_difference_and_makes_none(world: World) -> None:
    changes = await apply_registration(world.registry, PARTIES, dry_run=True, embedded=True, now=NOW)
    assert len(changes) == len(PARTIES)
    assert list(await world.registry.entries()) == []


async def test_an_entry_about_a_party_that_is_nowhere_changes_nothing_at_all(world: World) -> None:
    stray = AansluitingEntry(GEMEENTE, "stam", "sandbox-pre", "00000099000000009000", {}, {})
    with pytest.raises(ConfigError):
        await apply_registration(world.registry, (*PARTIES, stray), dry_run=False, embedded=True, now=NOW)
    assert list(await world.registry.entries()) == []


@pytest.mark.parametrize("omgeving", ["pre", "prod"])
async def test_the_embedded_server_is_not_for_real_omgevingen(world: World, omgeving: str) -> None:
    entries = (*PARTIES, aansluiting(omgeving))
    for dry_run in (True, False):
        with pytest.raises(ConfigError, match=r"database\.url"):
            await apply_registration(world.registry, entries, dry_run=dry_run, embedded=True, now=NOW)
    assert list(await world.registry.entries()) == []
    await apply_registration(world.registry, entries, dry_run=False, embedded=False, now=NOW)
    assert [each.omgeving for each in await world.registry.aansluitingen()] == [omgeving]


@pytest.mark.parametrize("omgeving", ["sandbox-pre", "sandbox-prod"])
def test_the_embedded_server_is_for_trying_out(omgeving: str) -> None:
    refuse_embedded(omgeving, embedded=True)


# --- Importing a CPA -----------------------------------------------------------------------------------------


async def test_a_cpa_is_imported_for_the_aansluiting_of_its_party(world: World) -> None:
    await world.register(aansluiting())
    imported = await world.imported()
    assert (imported.changed, imported.cpa.agreement.cpa_id) == (True, CPA_ID)
    assert imported.cpa.aansluiting.organisatie_oin == GEMEENTE
    assert [party.value for party in imported.cpa.agreement.ours.party_ids] == [GEMEENTE]
    assert not (await world.imported()).changed


async def test_a_party_id_with_the_suffix_of_its_omgeving_is_still_that_party(world: World) -> None:
    await world.register(aansluiting())
    suffixed = CPA.replace(GEMEENTE.encode(), GEMEENTE.encode() + b"_OTA")
    imported = await world.imported(suffixed)
    assert [party.value for party in imported.cpa.agreement.ours.party_ids] == [GEMEENTE + "_OTA"]


@pytest.mark.parametrize("omgeving", [None, "sandbox-pre"])
async def test_a_cpa_of_nobody_here_is_refused_with_the_oins_that_it_has(world: World, omgeving: str | None) -> None:
    await world.register(aansluiting("sandbox-prod") if omgeving else aansluiting(oin="00000099000000001000"))
    document = CPA if omgeving else CPA.replace(DSO.encode(), b"00000099000000007000")
    with pytest.raises(ConfigError, match=f"no aansluiting.*{GEMEENTE}"):
        await world.imported(document, omgeving)
    assert list(await world.registry.cpas()) == []


async def test_of_two_omgevingen_one_must_be_chosen(world: World) -> None:
    await world.register(aansluiting("sandbox-pre"), aansluiting("sandbox-prod"))
    with pytest.raises(ConfigError, match="more than one") as caught:
        await world.imported()
    assert "--omgeving" in caught.value.advice
    for omgeving in ("sandbox-pre", "sandbox-prod"):
        assert (await world.imported(omgeving=omgeving)).cpa.aansluiting.omgeving == omgeving


async def test_an_aansluiting_to_drop_has_no_cpa_and_is_never_in_the_way(world: World) -> None:
    await world.register(aansluiting(kind="drop"))
    with pytest.raises(ConfigError, match="no aansluiting"):
        await world.imported()
    await world.register(aansluiting(kind="drop"), aansluiting(kind="stam"))
    assert (await world.imported()).cpa.aansluiting.kind == "stam"


async def test_a_cpa_between_two_organisaties_of_this_installation_says_so(world: World) -> None:
    await world.register(aansluiting(), aansluiting(oin=DSO))
    with pytest.raises(ConfigError) as caught:
        await world.imported(omgeving="sandbox-pre")
    assert GEMEENTE in str(caught.value)
    assert DSO in str(caught.value)


FINDINGS = {
    "expired": ("2027-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    "unreadable": ("NotGuaranteed", "Guaranteed"),
}


@pytest.mark.statement(193)
@pytest.mark.parametrize("code", FINDINGS)
async def test_a_cpa_that_cannot_be_used_is_refused_with_every_reason(world: World, code: str) -> None:
    await world.register(aansluiting())
    document = cpa_document().replace(*FINDINGS[code])
    with pytest.raises(CpaError, match=code) as caught:
        await world.imported(document.encode())
    assert caught.value.advice != CpaError.default_advice
    assert list(await world.registry.cpas()) == []


@pytest.mark.statement(194)
@pytest.mark.parametrize(("omgeving", "allowed"), [("sandbox-pre", True), ("pre", False), ("prod", False)])
async def test_plain_http_is_for_the_sandbox_only(world: World, omgeving: str, allowed: bool) -> None:
    await world.register(aansluiting(omgeving))
    document = CPA.replace(b"https://dso.example/ebms", b"http://127.0.0.1:9/ebms")
    if allowed:
        assert (await world.imported(document)).changed
        return
    with pytest.raises(CpaError, match="http"):
        await world.imported(document)


async def test_what_is_no_cpa_is_refused_and_stores_nothing(world: World) -> None:
    await world.register(aansluiting())
    for document, error in ((b"", XmlError), (b"<x/>", CpaError), (CPA[:-20], XmlError)):
        with pytest.raises(error):
            await world.imported(document)
    assert list(await world.registry.cpas()) == []


async def test_other_content_under_a_known_name_needs_to_be_asked_for(world: World) -> None:
    await world.register(aansluiting())
    await world.imported()
    longer = CPA.replace(b"2027-01-01", b"2028-01-01")
    with pytest.raises(ConfigError):
        await world.imported(longer)
    replaced = await world.imported(longer, replace=True)
    assert (replaced.changed, replaced.cpa.agreement.ends_at) == (True, datetime(2028, 1, 1, tzinfo=UTC))


async def test_a_cpa_is_not_removed_while_messages_under_it_wait_unless_forced(world: World) -> None:
    await world.register(aansluiting())
    cpa = (await world.imported()).cpa
    await world.messages.queue_outbound(outbound_of(cpa, "waits"))
    with pytest.raises(ConfigError, match=r"1 messages under CPA .* not settled") as caught:
        await remove_cpa(world.registry, cpa, force=False, now=NOW)
    assert "--force" in caught.value.advice
    assert len(await world.registry.cpas()) == 1
    assert await remove_cpa(world.registry, cpa, force=True, now=NOW)
    assert list(await world.registry.cpas()) == []


async def test_a_cpa_under_which_nothing_waits_is_removed(world: World) -> None:
    await world.register(aansluiting())
    assert await remove_cpa(world.registry, (await world.imported()).cpa, force=False, now=NOW)
    assert list(await world.registry.cpas()) == []


# --- Ping ----------------------------------------------------------------------------------------------------

Answer = Callable[[Party, Claimed], Awaitable[Packaged | None]]


async def pong(partner: Party, claimed: Claimed) -> Packaged | None:
    """The partner answers as it should."""
    await partner.receive(Packaged(claimed.content_type, claimed.body))
    return sent(partner.goes[-1])


async def error(partner: Party, claimed: Claimed) -> Packaged | None:
    """The partner says what is wrong."""
    asked = read_envelope(claimed.body).envelope
    wrong = EbxmlError("ValueNotRecognized", Severity.ERROR, "unknown", "//Header/MessageHeader/@cpaid")
    return plain(answers.message_error(asked, THEIRS, [wrong], message_id="e1@dso", now=NOW))


async def nothing(partner: Party, claimed: Claimed) -> Packaged | None:
    """The partner takes it and keeps silent."""


async def running_gateway(world: World, cpa: CpaRecord, clock: Going, event: Event, answer: Answer) -> None:
    """Sends one message to a partner that answers like this, before the attempt is settled."""
    while not (claims := await world.messages.claim(clock.now(), timedelta(seconds=45), {}, 1)):
        await asyncio.sleep(0.01)
    reply = await answer(dso(signed=False), claims[0])
    await world.messages.settle_attempt(claims[0], event, clock.now(), status=None, detail="told")
    if reply is not None:
        receiver = Receiver(
            world.registry,
            world.messages,
            MemoryBlobs(),
            Keys(),
            Judge(world.messages, Verdicts()),
            Counted("g"),
            clock,
        )

        async def body() -> AsyncIterator[bytes]:
            yield reply.body

        arrival = Arrival(cpa.aansluiting.omgeving, DSO, "127.0.0.1", reply.content_type, names.SOAP_ACTION, body())
        assert (await receiver.receive(arrival)).status == 204


PINGS = [
    (Event.DELIVERED, pong, 10.0, (True, "answered")),
    (Event.DELIVERED, error, 10.0, (False, "refused")),
    (Event.REFUSED, nothing, 10.0, (False, "failed")),
    (Event.DELIVERED, nothing, 0.5, (False, "delivered")),
    (Event.UNREACHABLE, nothing, 0.5, (False, "created")),
]


@pytest.mark.parametrize(("event", "answer", "timeout", "expected"), PINGS)
async def test_a_ping_tells_how_it_went(
    world: World, event: Event, answer: Answer, timeout: float, expected: tuple[bool, str]
) -> None:
    await world.register(aansluiting())
    cpa, clock = (await world.imported()).cpa, Going()
    for number in range(5):  # other traffic is no answer
        await world.messages.record_inbound(inbound_of(cpa, f"m{number}@dso"), None, None)
    gateway = asyncio.create_task(running_gateway(world, cpa, clock, event, answer))
    result = await ping(cpa, world.messages, world.reading, Counted("g"), clock, timeout=timeout)
    await gateway
    assert (result.pong, result.state) == expected
    assert result.seconds < 9, "what will not change is not waited for"
    if not result.pong and timeout < 9:
        assert result.seconds >= timeout


async def test_without_a_running_gateway_the_ping_stays_where_it_is(world: World) -> None:
    await world.register(aansluiting())
    cpa = (await world.imported()).cpa
    result = await ping(cpa, world.messages, world.reading, Counted("g"), Going(), timeout=0.2)
    assert (result.pong, result.state, result.reason) == (False, "created", None)
    assert await world.messages.find_outbound(cpa, result.message_id)
