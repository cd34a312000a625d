"""What pages and commands read."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.adapters.postgres.world import World
from tests.unit.ebms.cpas import DSO
from tests.unit.flows import kennisgeving_store_contract as notices
from tests.unit.flows.stored_messages import LEASE, NOW, VERZOEKNUMMER, inbound_of, outbound_of
from tests.unit.flows.verzoek_store_contract import FILES, version

from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.flows.ports import NewNotification, Original, StoredPayload
from digikoppelaar.flows.ports.kennisgevingen import Origin
from digikoppelaar.flows.reading import PAGE_SIZE, Direction, MessageFilter, VerzoekFilter, answers_to
from digikoppelaar.stam.model import Finding

PAYLOAD = StoredPayload("notificatie@dso", "application/xml", 3, b"\2" * 32, data=b"<a>")


async def deliver_one(world: World) -> None:
    inbound = replace(inbound_of(world.pre, "m1"), payloads=(PAYLOAD,))
    await world.messages.record_inbound(inbound, outbound_of(world.pre, "a1"), NewNotification(VERZOEKNUMMER))
    [claimed] = await world.messages.claim(NOW, LEASE, {}, 1)
    await world.messages.settle_attempt(claimed, Event.DELIVERED, NOW, status=204, detail="")
    verzoek = await world.verzoeken.start_verzoek(1, version(), FILES, NOW)
    for file in verzoek.files:
        await world.verzoeken.file_fetched(file.id, f"blob/{file.id}", 5, b"\4" * 32, NOW)
    await world.verzoeken.verzoek_fetched(1, verzoek.id, NOW + timedelta(seconds=1))
    await world.verzoeken.verzoek_delivered(verzoek.id, "map/1", NOW + timedelta(seconds=2))


async def test_a_delivered_verzoek_is_shown_with_files_steps_and_messages(world: World) -> None:
    await deliver_one(world)
    page = await world.reading.verzoek(world.pre.aansluiting.id, VERZOEKNUMMER)
    assert page
    [shown] = page.versions
    assert (shown.verzoek.state, shown.verzoek.case_reference, shown.verzoek.naam) == ("delivered", "map/1", "Dakkapel")
    assert shown.verzoek.delivered_at == NOW + timedelta(seconds=2)
    assert [(file.kind, file.size, file.sha256) for file in shown.files] == [
        (kind, 5, b"\4" * 32) for kind in ("xml", "pdf", "bijlage")
    ]
    assert [step.name for step in shown.steps] == [
        *("received", "outbound_delivered", "file_fetched", "file_fetched", "file_fetched", "fetched", "delivered")
    ]
    assert [(each.direction, each.message_id) for each in page.messages] == [
        (Direction.IN, "m1"),
        (Direction.OUT, "a1"),
    ]
    assert await world.reading.verzoek(world.prod.aansluiting.id, VERZOEKNUMMER) is None


async def test_the_kennisgevingen_of_a_verzoek_are_shown_and_those_of_the_same_number_elsewhere_are_not(
    world: World,
) -> None:
    await deliver_one(world)
    await world.notify(1, VERZOEKNUMMER)
    store, here = PostgresKennisgevingen(world.pool), world.pre.aansluiting.id
    published = await notices.accepted(store, origin=Origin(here, VERZOEKNUMMER))
    await store.looked(published.id, NOW, notices.PUBLISHED, NOW)
    await store.draft(replace(notices.KEY, number=2), {}, notices.WHO, Origin(here, VERZOEKNUMMER))
    await store.draft(replace(notices.KEY, number=3), {}, notices.WHO)
    page = await world.reading.verzoek(here, VERZOEKNUMMER)
    other = await world.reading.verzoek(world.prod.aansluiting.id, VERZOEKNUMMER)
    assert page
    assert other
    assert [(row.state, row.publication, row.publication_url, row.published_on) for row in page.kennisgevingen] == [
        ("published", notices.PUBLISHED.number, notices.PUBLISHED.url, notices.PUBLISHED.published_on),
        ("draft", None, None, None),
    ]
    assert other.kennisgevingen == ()


async def test_the_findings_of_a_version_are_shown_as_they_were_stored(world: World) -> None:
    findings = (Finding("type-unknown", "type", "Dit type kent digikoppelaar niet."), Finding("schema", "a/b", "é", 7))
    number = await world.notify(0, VERZOEKNUMMER)
    await world.verzoeken.start_verzoek(number, replace(version(), findings=findings), FILES, NOW)
    page = await world.reading.verzoek(world.pre.aansluiting.id, VERZOEKNUMMER)
    assert page
    assert page.versions[0].findings == findings


async def test_the_original_of_what_came_over_ebms_is_its_first_payload(world: World) -> None:
    payloads = (PAYLOAD, replace(PAYLOAD, content_id="tweede@dso", data=b"<b>"))
    await world.messages.record_inbound(
        replace(inbound_of(world.pre, "m1"), payloads=payloads), None, NewNotification(VERZOEKNUMMER)
    )
    assert await world.verzoeken.original(1) == Original(b"<a>")


async def test_a_notification_of_which_nothing_could_be_fetched_is_in_the_list(world: World) -> None:
    number = await world.notify(1, "2026060200020")
    await world.verzoeken.trouble(notification_id=number, reason="refused", advice="Kijk", parked=True, now=NOW)
    [row] = await world.reading.verzoeken(VerzoekFilter())
    assert (row.verzoeknummer, row.volgnummer, row.state, row.reason, row.advice) == (
        *("2026060200020", None, "parked"),
        *("refused", "Kijk"),
    )
    page = await world.reading.verzoek(world.prod.aansluiting.id, "2026060200020")
    assert page
    assert [step.name for step in page.versions[0].steps] == ["received", "parked"]
    assert [each.message_id for each in page.messages] == ["0@dso.example"]


async def test_a_version_that_is_being_fetched_shows_the_trouble_of_its_notification(world: World) -> None:
    number = await world.notify(0, VERZOEKNUMMER)
    await world.verzoeken.start_verzoek(number, version(), FILES, NOW)
    assert [row.state for row in await world.reading.verzoeken(VerzoekFilter())] == ["fetching"]
    await world.verzoeken.trouble(notification_id=number, reason="refused", advice="Kijk", parked=True, now=NOW)
    [row] = await world.reading.verzoeken(VerzoekFilter(state="parked"))
    assert (row.volgnummer, row.reason) == (0, "refused")


async def test_filters_choose_and_before_goes_on(world: World) -> None:
    await deliver_one(world)
    await world.notify(1, "2026060200020")
    everything = await world.reading.verzoeken(VerzoekFilter())
    assert len(everything) == 2
    for wanted, numbers in [
        (VerzoekFilter(omgeving="sandbox-pre"), [VERZOEKNUMMER]),
        (VerzoekFilter(omgeving="pre"), []),
        (VerzoekFilter(organisatie_oin=DSO), []),
        (VerzoekFilter(verzoeknummer="2026060200020"), ["2026060200020"]),
        (VerzoekFilter(state="delivered"), [VERZOEKNUMMER]),
        (VerzoekFilter(before=NOW), []),
    ]:
        assert [row.verzoeknummer for row in await world.reading.verzoeken(wanted)] == numbers
    assert len(await world.reading.verzoeken(VerzoekFilter(limit=1))) == 1


async def test_messages_of_both_directions_are_listed(world: World) -> None:
    await deliver_one(world)
    await world.messages.record_inbound(inbound_of(world.pre, "bad", error_code="SecurityFailure"), None, None)
    rows = await world.reading.messages(MessageFilter())
    assert sorted((row.direction.value, row.message_id, row.state) for row in rows) == [
        ("in", "bad", "rejected"),
        ("in", "m1", "accepted"),
        ("out", "a1", "delivered"),
    ]
    [out] = await world.reading.messages(MessageFilter(direction=Direction.OUT))
    assert (out.attempts, out.cpa_id) == (1, world.pre.agreement.cpa_id)
    [bad] = await world.reading.messages(MessageFilter(state="rejected"))
    assert bad.reason == "SecurityFailure: because"
    assert await world.reading.messages(MessageFilter(omgeving="sandbox-prod")) == []
    assert len(await world.reading.messages(MessageFilter(message_id="m1"))) == 1


async def test_an_answer_is_found_behind_any_number_of_newer_messages(world: World) -> None:
    answer = replace(inbound_of(world.pre, "answer"), ref_to_message_id="asked", action="Pong")
    await world.messages.record_inbound(answer, None, None)
    for number in range(PAGE_SIZE + 1):
        newer = replace(inbound_of(world.pre, f"n{number}"), received_at=NOW + timedelta(seconds=1))
        await world.messages.record_inbound(newer, None, None)
    assert [row.message_id for row in await world.reading.messages(answers_to(world.pre, "asked"))] == ["answer"]
    assert await world.reading.messages(answers_to(world.pre, "another")) == []


async def test_one_message_is_shown_with_all_that_is_known_of_it(world: World) -> None:
    await deliver_one(world)
    incoming = await world.reading.message(Direction.IN, 1)
    assert incoming
    assert (incoming.document, incoming.partner, incoming.verzoeknummer) == (b"<soap/>", DSO, VERZOEKNUMMER)
    assert [(each.content_id, each.size) for each in incoming.payloads] == [("notificatie@dso", 3)]
    assert await world.reading.payloads(1) == [PAYLOAD]
    outgoing = await world.reading.message(Direction.OUT, 1)
    assert outgoing
    assert outgoing.endpoint == "https://dso.example/ebms"
    assert [(each.number, each.event, each.status) for each in outgoing.attempts] == [(1, "delivered", 204)]
    assert [step.name for step in outgoing.steps] == ["outbound_delivered"]
    assert await world.reading.message(Direction.OUT, 999) is None
