"""A whole sandbox against a receiving end, over real TLS sockets: submit, acknowledge, and all that goes wrong."""

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.unit.sandbox.gateway import CLOCK, Gateway, sandbox_and_gateway

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.folder import open_folder
from digikoppelaar.sandbox.serve import serve
from digikoppelaar.sandbox.settings import SandboxSettings, check

DEADLINE = 15.0

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests here: making keys is what takes the time."""
    made = tmp_path_factory.mktemp("sandbox")
    open_folder(made, CLOCK.now(), "127.0.0.1")
    return made


@pytest.fixture
async def gateway(folder: Path) -> AsyncIterator[Gateway]:
    async with sandbox_and_gateway(folder) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def idle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """For tests that leave nothing behind; in a copy, for a folder has one sandbox at a time."""
    copy = shutil.copytree(folder / "pki", tmp_path_factory.mktemp("idle") / "pki").parent
    async with sandbox_and_gateway(copy) as running:
        yield running


async def call(gateway: Gateway, method: str, path: str, body: object = None) -> tuple[int, Any]:
    address = gateway.ready.management_url + path
    async with aiohttp.ClientSession() as session, session.request(method, address, json=body) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def submit(gateway: Gateway, **wish: object) -> dict[str, Any]:
    status, submitted = await call(gateway, "POST", "/verzoeken", wish)
    assert status == 201, submitted
    return dict(submitted[0])


async def switch_on(gateway: Gateway, **wish: object) -> None:
    status, answer = await call(gateway, "POST", "/faults", wish)
    assert status == 201, answer


async def verzoek(gateway: Gateway, nummer: str) -> dict[str, Any]:
    return dict((await call(gateway, "GET", f"/verzoeken/{nummer}"))[1])


async def refused(gateway: Gateway) -> list[dict[str, Any]]:
    return list((await call(gateway, "GET", "/refusals"))[1])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, at most DEADLINE seconds."""
    async with asyncio.timeout(DEADLINE):
        while not await holds():
            await asyncio.sleep(0.02)


async def acknowledged(gateway: Gateway, nummer: str) -> dict[str, Any]:
    async def holds() -> bool:
        return bool((await verzoek(gateway, nummer))["acknowledged"])

    await until(holds)
    return await verzoek(gateway, nummer)


@pytest.mark.parametrize("profile", ["osb-rm", "osb-rm-s"])
async def test_a_submitted_verzoek_is_notified_and_its_acknowledgment_breaks_no_rule(
    folder: Path, profile: str
) -> None:
    async with sandbox_and_gateway(folder, profile=profile, interval=timedelta(seconds=10)) as gateway:
        submitted = await submit(gateway, soort="melding", bijlagen=[1000, "pdf"])
        done = await acknowledged(gateway, submitted["verzoeknummer"])
        assert done["attempts"] == 1
        assert gateway.notified == [submitted["verzoeknummer"]]
        assert await refused(gateway) == []


async def test_a_verzoek_tells_its_files_with_size_and_hash(gateway: Gateway) -> None:
    submitted = await submit(gateway, soort="vergunningaanvraag", bijlagen=[25_000_000, "png"])
    assert [file["kind"] for file in submitted["files"]] == ["xml", "pdf", "bijlage", "bijlage"]
    assert submitted["files"][2]["bytes"] == 25_000_000
    assert all(len(file["sha256"]) == 64 for file in submitted["files"])
    assert [listed["verzoeknummer"] for listed in (await call(gateway, "GET", "/verzoeken"))[1]] == [
        submitted["verzoeknummer"]
    ]


async def test_many_can_be_submitted_at_once(gateway: Gateway) -> None:
    _, submitted = await call(gateway, "POST", "/verzoeken", {"soort": "informatie", "count": 10})
    nummers = [one["verzoeknummer"] for one in submitted]
    for nummer in nummers:
        await acknowledged(gateway, nummer)
    assert sorted(gateway.notified) == sorted(set(nummers))
    assert await refused(gateway) == []


async def test_a_notification_that_is_lost_is_sent_again(gateway: Gateway) -> None:
    await switch_on(gateway, kind="lose", target="notification", count=2)
    submitted = await submit(gateway)
    assert (await acknowledged(gateway, submitted["verzoeknummer"]))["attempts"] >= 3  # more where an answer is slow
    assert gateway.notified == [submitted["verzoeknummer"]]


async def test_a_notification_that_comes_twice_is_handed_over_once(gateway: Gateway) -> None:
    await switch_on(gateway, kind="repeat", target="notification", count=1)
    submitted = await submit(gateway)
    await acknowledged(gateway, submitted["verzoeknummer"])
    assert gateway.notified == [submitted["verzoeknummer"]]
    assert await refused(gateway) == []


async def test_every_signal_is_listed_with_its_hash_also_a_lost_one(gateway: Gateway) -> None:
    await switch_on(gateway, target="acknowledgment", kind="lose", count=1)
    submitted = await submit(gateway)
    await acknowledged(gateway, submitted["verzoeknummer"])
    signals = (await call(gateway, "GET", "/signals"))[1]
    assert len(signals) == 2
    assert len({signal["sha256"] for signal in signals}) == 1, "a repeated acknowledgment has the same bytes"


@pytest.mark.parametrize(
    "fault", [{"kind": "lose"}, {"kind": "answer", "status": 500}, {"kind": "cut"}, {"kind": "delay", "seconds": 0.1}]
)
async def test_whatever_happens_to_the_acknowledgment_it_arrives_in_the_end(
    gateway: Gateway, fault: dict[str, object]
) -> None:
    await switch_on(gateway, target="acknowledgment", count=1, **fault)
    submitted = await submit(gateway)
    await acknowledged(gateway, submitted["verzoeknummer"])
    assert gateway.notified == [submitted["verzoeknummer"]]
    assert await refused(gateway) == []
    assert (await call(gateway, "GET", "/faults"))[1][0]["struck"] == 1


async def test_without_acknowledgment_the_attempts_end(folder: Path) -> None:
    async with sandbox_and_gateway(folder, retries=1, interval=timedelta(seconds=0.2)) as gateway:
        await switch_on(gateway, kind="lose", target="notification")
        submitted = await submit(gateway)

        async def failed() -> bool:
            return bool((await verzoek(gateway, submitted["verzoeknummer"]))["state"] in {"failed", "expired"})

        await until(failed)
        assert (await verzoek(gateway, submitted["verzoeknummer"]))["attempts"] == 2
        assert gateway.notified == []


async def test_an_acknowledgment_that_is_not_signed_does_not_count(gateway: Gateway) -> None:
    await switch_on(gateway, kind="lose", target="notification")
    submitted = await submit(gateway)
    signal = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:e="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"><s:Header>
<e:MessageHeader e:version="2.0" s:mustUnderstand="1">
<e:From><e:PartyId e:type="urn:osb:oin">{gateway.ready.organisatie_oin}</e:PartyId></e:From>
<e:To><e:PartyId e:type="urn:osb:oin">{gateway.ready.dso_oin}</e:PartyId></e:To>
<e:CPAId>{gateway.ready.cpa_id}</e:CPAId><e:ConversationId>c</e:ConversationId>
<e:Service>urn:oasis:names:tc:ebxml-msg:service</e:Service><e:Action>Acknowledgment</e:Action>
<e:MessageData><e:MessageId>5c3e7f10-9a44-4f8e-8a53-2b1f0d6c9e77@x.example</e:MessageId>
<e:Timestamp>2026-06-02T12:00:01Z</e:Timestamp>
<e:RefToMessageId>{submitted["message_id"]}</e:RefToMessageId></e:MessageData></e:MessageHeader>
<e:Acknowledgment e:version="2.0" s:mustUnderstand="1"><e:Timestamp>2026-06-02T12:00:01Z</e:Timestamp>
<e:RefToMessageId>{submitted["message_id"]}</e:RefToMessageId></e:Acknowledgment>
</s:Header><s:Body/></s:Envelope>"""
    assert await post(gateway, signal, {"SOAPAction": '"ebXML"'}) == 204
    assert {"138", "42", "137"} >= {one["statement"] for one in await refused(gateway)} >= {"138", "42"}
    assert not (await verzoek(gateway, submitted["verzoeknummer"]))["acknowledged"]


async def test_a_message_with_wrong_http_headers_gets_a_fault(gateway: Gateway) -> None:
    assert await post(gateway, "<x/>", {"SOAPAction": "ebXML"}) == 500
    assert [one["statement"] for one in await refused(gateway)] == ["160"]


@in_one_loop
async def test_the_endpoint_has_one_path(idle: Gateway) -> None:
    assert await post(idle, "<x/>", {"SOAPAction": '"ebXML"'}, path="/elsewhere") == 404


async def post(gateway: Gateway, body: str, headers: dict[str, str], path: str = "/ebms") -> int:
    ready = gateway.ready
    context = ssl.create_default_context(cafile=ready.trust_anchor_file)
    context.load_cert_chain(ready.tls_certificate_file, ready.tls_key_file)
    address = ready.ebms_url.removesuffix("/ebms") + path
    headers = {"Content-Type": "text/xml; charset=UTF-8", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=body.encode(), headers=headers, ssl=context) as answer,
    ):
        await answer.read()
        return answer.status


@in_one_loop
@pytest.mark.parametrize(
    "wish",
    [
        {"soort": "bouwplan"},
        {"bijlagen": "many"},
        {"bijlagen": [-1]},
        {"bijlagen": [True]},
        {"bijlagen": ["exe"]},
        {"count": 0},
        {"count": "1"},
        {"oin": "00000099000000009000"},
        {"colour": "red"},
        ["melding"],
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_with_a_reason(idle: Gateway, wish: object) -> None:
    status, answer = await call(idle, "POST", "/verzoeken", wish)
    assert status == 400
    assert answer["error"]
    assert (await call(idle, "GET", "/verzoeken"))[1] == []


@in_one_loop
async def test_a_web_page_elsewhere_cannot_operate_the_sandbox(idle: Gateway) -> None:
    address, headers = idle.ready.management_url + "/verzoeken", {"Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=b"{}", headers=headers) as answer,
    ):
        assert answer.status == 400


@in_one_loop
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "sandbox.example"}, 400),  # a name that somebody else lets resolve to this machine
        ({"Host": "sandbox.example", "Origin": "http://sandbox.example"}, 400),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_page_of_another_site_is_refused_by_its_host_and_its_origin(
    idle: Gateway, method: str, headers: dict[str, str], status: int
) -> None:
    address = idle.ready.management_url + "/faults"
    wish = {"kind": "silence", "target": "pdf"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, address, json=wish, headers=headers) as answer,
    ):
        assert answer.status == status
    assert (await call(idle, "GET", "/faults"))[1] == []


@in_one_loop
async def test_a_page_of_its_own_and_every_name_of_this_machine_are_answered(idle: Gateway) -> None:
    port = idle.ready.management_url.rpartition(":")[2]
    for name in (f"localhost:{port}", f"127.0.0.1:{port}"):
        headers = {"Host": name, "Origin": f"http://{name}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(idle.ready.management_url + "/faults", headers=headers) as answer,
        ):
            assert answer.status == 200


@in_one_loop
async def test_an_unknown_verzoek_is_404_and_faults_can_be_switched_off(idle: Gateway) -> None:
    assert (await call(idle, "GET", "/verzoeken/2026060299999"))[0] == 404
    await switch_on(idle, kind="silence", target="pdf")
    await switch_on(idle, kind="silence", target="xml")
    assert (await call(idle, "DELETE", "/faults/1"))[0] == 204
    assert [fault["id"] for fault in (await call(idle, "GET", "/faults"))[1]] == [2]
    assert (await call(idle, "DELETE", "/faults"))[0] == 204
    assert (await call(idle, "GET", "/faults"))[1] == []


async def test_sandbox_json_says_where_everything_is(gateway: Gateway, folder: Path) -> None:
    said = json.loads((folder / "sandbox.json").read_text())
    assert said["sandbox"] is True
    assert said["cpa_id"] == gateway.ready.cpa_id
    assert {key for key in said if key.endswith("_file") and not Path(said[key]).is_file()} == set()


def settings(folder: Path, **changes: Any) -> SandboxSettings:
    return SandboxSettings(
        **{"folder": folder, "gateway_endpoint": "https://127.0.0.1/", "case_folder": folder, **changes}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0"},
        {"host": "192.0.2.1"},
        {"host": "h"},
        {"omgeving": "pre"},
        {"omgeving": "prod"},
        {"gateway_endpoint": "https://192.0.2.1/ebms"},
        {"gateway_endpoint": "https://gateway.example/ebms"},
        {"gateway_endpoint": "http://127.0.0.1/ebms"},
        {"gateway_endpoint": "127.0.0.1"},
        {"profile": "osb-be"},
    ],
)
def test_a_sandbox_stays_on_this_machine_and_out_of_pre_and_prod(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        check(settings(tmp_path, **changes))


def test_another_address_can_be_allowed_on_purpose(tmp_path: Path) -> None:
    check(settings(tmp_path, host="0.0.0.0", allow_other_addresses=True))
    check(settings(tmp_path, gateway_endpoint="https://gateway.example/ebms", allow_other_addresses=True))


async def test_a_port_that_is_taken_is_one_clear_error(gateway: Gateway, tmp_path: Path) -> None:
    taken = int(gateway.ready.management_url.rpartition(":")[2])
    with pytest.raises(ConfigError, match=r"cannot listen on [^ ]*: Address already in use$"):
        await serve(settings(tmp_path, management_port=taken), lambda _: None, asyncio.Event())


async def test_a_folder_has_one_sandbox_at_a_time(gateway: Gateway, folder: Path) -> None:
    before = (folder / "sandbox.json").read_bytes()
    with pytest.raises(ConfigError, match="another sandbox runs"):
        await serve(settings(folder), lambda _: None, asyncio.Event())
    assert (folder / "sandbox.json").read_bytes() == before, "what tells where the first one is, stays"


async def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot use the folder"):
        await serve(settings(tmp_path / "file"), lambda _: None, asyncio.Event())
