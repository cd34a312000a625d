"""Every call of the client package that users of ebms-core have, against our listener and a real database."""

import asyncio
import base64
from collections.abc import Callable
from typing import TypeVar

import pytest
from ebms_adapter_client import (
    CertificateMapping,
    DataSource,
    EbmsAdapterClient,
    EbmsBadRequestError,
    EbMSMessageStatus,
    EbmsNotFoundError,
    EbmsServerError,
    MessageEventType,
    MessageFilter,
    MessageRequest,
    MessageRequestProperties,
    URLMapping,
)
from tests.certificates import Authority, Shape, rsa_key
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, SERVICE
from tests.unit.web.rest.world import OTHER, PRE, World, cpa_of

T = TypeVar("T")
WE, THEY = f"urn:osb:oin:{GEMEENTE}", f"urn:osb:oin:{DSO}"


async def call(world: World, use: Callable[[EbmsAdapterClient], T]) -> T:
    """What the client makes of a call by the application of GEMEENTE."""
    client = await world.client()
    with client:
        return await asyncio.to_thread(use, client)


def request(**changes: str) -> MessageRequest:
    """A message that our CPA lets us send."""
    properties = {
        "cpa_id": CPA_ID,
        "from_party_id": WE,
        "service": f"urn:osb:services:{SERVICE}",
        "action": "bevestig",
        **changes,
    }
    return MessageRequest(MessageRequestProperties(**properties), [DataSource("application/xml", b"<bevestiging/>")])


async def test_a_cpa_is_validated_inserted_listed_read_and_deleted(world: World) -> None:
    document = cpa_of(GEMEENTE).decode()
    await call(world, lambda client: client.validate_cpa(document))
    assert await call(world, lambda client: client.list_cpa_ids()) == []
    assert await call(world, lambda client: client.insert_cpa(document)) == CPA_ID
    assert await call(world, lambda client: client.list_cpa_ids()) == [CPA_ID]
    assert await call(world, lambda client: client.get_cpa(CPA_ID)) == document
    await call(world, lambda client: client.clear_cpa_cache())
    await call(world, lambda client: client.delete_cpa(CPA_ID))
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.get_cpa(CPA_ID))
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.delete_cpa(CPA_ID))


async def test_other_content_under_a_cpa_id_needs_overwrite(world: World) -> None:
    document = cpa_of(GEMEENTE).decode()
    await call(world, lambda client: client.insert_cpa(document))
    assert await call(world, lambda client: client.insert_cpa(document)) == CPA_ID
    longer = document.replace("2027-01-01", "2028-01-01")
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.insert_cpa(longer))
    await call(world, lambda client: client.insert_cpa(longer, overwrite=True))
    assert await call(world, lambda client: client.get_cpa(CPA_ID)) == longer


@pytest.mark.parametrize("document", ["", "<cpa/>", "geen xml", cpa_of("00000099000000004000").decode()])
async def test_a_document_that_is_no_cpa_of_ours_is_a_bad_request(world: World, document: str) -> None:
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.validate_cpa(document))
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.insert_cpa(document))


async def test_a_url_mapping_is_made_replaced_listed_and_deleted_by_its_bare_url(world: World) -> None:
    source = "https://dso.example:8443/ebms"
    await call(world, lambda client: client.create_url_mapping(URLMapping(source, "https://een.example/ebms")))
    await call(world, lambda client: client.create_url_mapping(URLMapping(source, "https://twee.example/ebms")))
    await call(world, lambda client: client.clear_url_mapping_cache())
    found = await call(world, lambda client: client.list_url_mappings())
    assert found == [URLMapping(source, "https://twee.example/ebms")]
    await call(world, lambda client: client.delete_url_mapping(source))
    assert await call(world, lambda client: client.list_url_mappings()) == []
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.delete_url_mapping(source))


@pytest.mark.parametrize("destination", ["ftp://dso.example/", "/ebms", "file:///etc/passwd", "https://"])
async def test_a_url_mapping_goes_to_an_http_address(world: World, destination: str) -> None:
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.create_url_mapping(URLMapping("https://dso.example", destination)))


async def test_a_certificate_mapping_is_made_listed_and_deleted(world: World) -> None:
    await world.cpa()
    authority = Authority()
    old, new = (base64.b64encode(issued.der).decode() for issued in (authority.issue(), authority.issue()))
    await call(world, lambda client: client.create_certificate_mapping(CertificateMapping(old, new, CPA_ID)))
    await call(world, lambda client: client.clear_certificate_mapping_cache())
    found = await call(world, lambda client: client.list_certificate_mappings())
    assert found == [CertificateMapping(old, new, CPA_ID)]
    await call(world, lambda client: client.delete_certificate_mapping(CPA_ID, old))
    assert await call(world, lambda client: client.list_certificate_mappings()) == []
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.delete_certificate_mapping(CPA_ID, old))
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.create_certificate_mapping(CertificateMapping(old, new, "andere")))
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.create_certificate_mapping(CertificateMapping(old, "AAAA", CPA_ID)))


async def test_a_message_is_stored_to_be_sent_and_its_id_comes_back(world: World) -> None:
    cpa = await world.cpa()
    name = await call(world, lambda client: client.send_message(request(conversation_id="gesprek", to_party_id=THEY)))
    sent = await world.messages.find_outbound(cpa, name)
    assert sent
    assert b"<bevestiging/>" in sent.body
    found = await call(world, lambda client: client.get_message(name))
    assert found.properties.message_status is EbMSMessageStatus.CREATED
    assert (found.properties.conversation_id, found.properties.from_party.party_id) == ("gesprek", WE)


async def test_a_message_keeps_the_id_that_it_was_given(world: World) -> None:
    await world.cpa()
    for _ in range(2):
        assert await call(world, lambda client: client.send_message(request(message_id="eigen@x"))) == "eigen@x"


@pytest.mark.parametrize(
    "change",
    [
        {"cpa_id": "onbekend"},
        {"from_party_id": THEY},
        {"to_party_id": WE},
        {"service": "andere"},
        {"action": "notificeer"},
        {"from_role": "Bronhouder"},
        {"to_role": "Ontvanger"},
        {"message_id": "met spatie"},
    ],
)
async def test_a_message_that_the_cpa_does_not_allow_is_a_bad_request(world: World, change: dict[str, str]) -> None:
    await world.cpa()
    with pytest.raises(EbmsBadRequestError):
        await call(world, lambda client: client.send_message(request(**change)))


async def test_a_message_is_resent_as_a_new_message(world: World) -> None:
    cpa = await world.cpa()
    first = await call(world, lambda client: client.send_message(request()))
    second = await call(world, lambda client: client.resend_message(first))
    assert second != first
    sent = await world.messages.find_outbound(cpa, second)
    assert sent
    assert b"<bevestiging/>" in sent.body
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.resend_message("onbekend@x"))


async def test_an_unprocessed_message_is_listed_read_and_processed_once(world: World) -> None:
    name = await world.receive(await world.cpa(), b"<een/>", b"<twee/>")
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == [name]
    found = await call(world, lambda client: client.get_message(name))
    properties = found.properties
    assert (properties.cpa_id, properties.message_id) == (CPA_ID, name)
    assert (properties.from_party.party_id, properties.from_party.role) == (THEY, "Bronhouder")
    assert (properties.to_party.party_id, properties.to_party.role) == (WE, "Ontvanger")
    assert (properties.service, properties.action) == (f"urn:osb:services:{SERVICE}", "notificeer")
    assert properties.message_status is EbMSMessageStatus.RECEIVED
    assert [(each.content_id, each.content) for each in found.data_sources] == [
        ("p1@dso.example", b"<een/>"),
        ("p2@dso.example", b"<twee/>"),
    ]
    for _ in range(2):
        await call(world, lambda client: client.process_message(name))
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == []
    found = await call(world, lambda client: client.get_message(name))
    assert found.properties.message_status is EbMSMessageStatus.PROCESSED
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.process_message("onbekend@x"))


async def test_a_message_that_was_read_but_not_marked_stays_unprocessed(world: World) -> None:
    name = await world.receive(await world.cpa(), b"<een/>")
    await call(world, lambda client: client.get_message(name))
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == [name]
    found = await call(world, lambda client: client.get_message(name, process=True))
    assert found.properties.message_status is EbMSMessageStatus.PROCESSED
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == []


async def test_unprocessed_messages_are_filtered_by_everything_that_the_client_can_ask(world: World) -> None:
    cpa = await world.cpa()
    names = [await world.receive(cpa), await world.receive(cpa, conversation_id="c2", ref_to_message_id="r1")]
    every = MessageFilter(
        cpa_id=CPA_ID,
        from_party_id=THEY,
        from_role="Bronhouder",
        to_party_id=WE,
        to_role="Ontvanger",
        service=f"urn:osb:services:{SERVICE}",
        action="notificeer",
        conversation_id="c2",
        message_id=names[1],
        ref_to_message_id="r1",
    )
    assert await call(world, lambda client: client.list_unprocessed_message_ids(every)) == names[1:]
    assert await call(world, lambda client: client.list_unprocessed_message_ids(max_nr=1)) == names[:1]
    for other in (
        MessageFilter(cpa_id="x"),
        MessageFilter(from_party_id=WE),
        MessageFilter(from_role="Ontvanger"),
        MessageFilter(to_party_id=THEY),
        MessageFilter(to_role="Bronhouder"),
        MessageFilter(service="x"),
        MessageFilter(action="x"),
        MessageFilter(conversation_id="x"),
        MessageFilter(message_id="x"),
        MessageFilter(ref_to_message_id="x"),
    ):
        assert await call(world, lambda client, other=other: client.list_unprocessed_message_ids(other)) == []


async def test_events_are_listed_filtered_and_processed_with_their_message(world: World) -> None:
    name = await world.receive(await world.cpa())
    wanted = MessageFilter(from_party_id=THEY, service=SERVICE)
    [event] = await call(
        world,
        lambda client: client.list_unprocessed_message_events(wanted, event_types=[MessageEventType.RECEIVED]),
    )
    assert (event.message_id, event.type) == (name, MessageEventType.RECEIVED)
    none = await call(
        world,
        lambda client: client.list_unprocessed_message_events(
            event_types=[MessageEventType.FAILED, MessageEventType.EXPIRED]
        ),
    )
    assert none == []
    await call(world, lambda client: client.process_message_event(name))
    assert await call(world, lambda client: client.list_unprocessed_message_events()) == []
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == []
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.process_message_event("onbekend@x"))


async def test_the_status_of_a_message_that_came_in_is_our_own_word(world: World) -> None:
    name = await world.receive(await world.cpa())
    found = await call(world, lambda client: client.get_message_status(name))
    assert found.status is EbMSMessageStatus.RECEIVED
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.get_message_status("onbekend@x"))


async def test_a_partner_that_says_nothing_is_a_server_error(world: World) -> None:
    await world.cpa()
    name = await call(world, lambda client: client.send_message(request()))
    with pytest.raises(EbmsServerError, match="no status"):
        await call(world, lambda client: client.get_message_status(name))
    with pytest.raises(EbmsServerError, match="no Pong"):
        await call(world, lambda client: client.ping(CPA_ID, WE, THEY))


async def test_a_ping_must_be_from_us_to_the_partner_of_the_cpa(world: World) -> None:
    await world.cpa()
    for cpa_id, ours, theirs in ((CPA_ID, THEY, WE), (CPA_ID, WE, WE), ("onbekend", WE, THEY)):
        with pytest.raises(EbmsBadRequestError):
            await call(world, lambda client, names=(cpa_id, ours, theirs): client.ping(*names))


async def test_a_cpa_id_with_a_slash_is_found(world: World) -> None:
    await world.cpa(name="cpa/met/schuine streep?en#meer")
    found = await call(world, lambda client: client.get_cpa("cpa/met/schuine streep?en#meer"))
    assert "cpa/met/schuine streep" in found


async def test_the_intake_keeps_its_own_messages(world: World) -> None:
    cpa = await world.cpa()
    name = await world.receive(cpa)
    await world.pool_execute("UPDATE cpa SET consumer = 'intake'")
    assert await call(world, lambda client: client.list_unprocessed_message_ids()) == []
    assert await call(world, lambda client: client.list_cpa_ids()) == []
    with pytest.raises(EbmsNotFoundError):
        await call(world, lambda client: client.get_message(name))
    assert (await world.application()).omgeving == PRE


async def test_a_url_mapping_counts_from_the_next_message_for_its_own_organisatie_only(world: World) -> None:
    cpa, other = await world.cpa(), await world.cpa(OTHER, name="cpa-van-een-ander")
    source = cpa.agreement.sends[0].channel.endpoint
    await call(world, lambda client: client.create_url_mapping(URLMapping(source, "https://nieuw.example/ebms")))
    name = await call(world, lambda client: client.send_message(request()))
    async with world.pool.connection() as connection:
        rows = await (await connection.execute("SELECT message_id, endpoint FROM outbound_message")).fetchall()
    assert rows == [{"message_id": name, "endpoint": "https://nieuw.example/ebms"}]
    found = await world.registry.cpa(PRE, other.agreement.cpa_id)
    assert found
    assert found.agreement.sends[0].channel.endpoint == source


async def test_a_certificate_mapping_counts_where_the_cpa_names_the_old_one(world: World) -> None:
    authority = Authority()
    old, new = (authority.issue(Shape(oin=DSO, key=rsa_key(name))).der for name in ("oud", "nieuw"))
    fake = base64.encodebytes(b"\x30\x03\x02\x01").decode()
    document = cpa_of(GEMEENTE).decode().replace(fake, base64.encodebytes(old).decode())
    await call(world, lambda client: client.insert_cpa(document))
    mapping = CertificateMapping(base64.b64encode(old).decode(), base64.b64encode(new).decode(), CPA_ID)
    await call(world, lambda client: client.create_certificate_mapping(mapping))
    found = await world.registry.cpa(PRE, CPA_ID)
    assert found
    assert found.agreement.theirs.transport_certificates == (new,)
    await call(world, lambda client: client.delete_certificate_mapping(CPA_ID, mapping.source))
    found = await world.registry.cpa(PRE, CPA_ID)
    assert found
    assert found.agreement.theirs.transport_certificates == (old,)
