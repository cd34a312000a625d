"""What a supplier refuses, what its answers may not do, and settings that cannot work."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response
from tests.servers import serving
from tests.unit.adapters.casesystems.handovers import (
    FILES,
    NUMMER,
    handed,
    remembering,
)
from tests.unit.adapters.casesystems.supplier import FULL, PLAIN, StoppedClock, Supplier, connected

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.webhook.settings import read_settings
from digikoppelaar.adapters.casesystems.webhook.system import WebhookCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError, StorageError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import FileKind, Handover, Steps


@pytest.mark.parametrize(("status", "error"), [(503, CaseSystemError), (400, CaseSystemRefused)])
async def test_what_a_supplier_does_not_take_stops_the_delivery_where_it_was(
    status: int, error: type[Exception]
) -> None:
    blobs, supplier = MemoryBlobs(), Supplier()
    record: dict[str, Mapping[str, str]] = {}
    supplier.says[f"/verzoeken/{NUMMER}/bestanden/4"] = Response("BSN 999990019", status, {"Retry-After": "7"})
    handover = await handed(blobs)
    async with connected(supplier, **PLAIN) as system:
        with pytest.raises(error, match=f"bestand-4: the case system answered {status}$") as caught:
            await system.deliver(handover, blobs, remembering(record))
        assert getattr(caught.value, "retry_after", 7) == 7
        assert list(record) == ["document", "bestand-3"]
        supplier.says.clear()
        await system.deliver(handover, blobs, remembering(record))
    assert len(supplier.effects) == 4


async def test_already_there_is_done_when_the_settings_say_so() -> None:
    blobs = MemoryBlobs()
    conflict = JSONResponse({"zaak": {"identificatie": "Z9"}}, status_code=409)
    supplier = Supplier(says={"/": conflict})
    handover = await handed(blobs)
    async with connected(supplier, **{**FULL, "close__url": "HOST/x"}) as system:
        with pytest.raises(CaseSystemRefused, match="409"):
            await system.deliver(handover, blobs, DeliverySteps())
    async with connected(supplier, **FULL, already_there="409") as system:
        assert await system.deliver(handover, blobs, DeliverySteps()) == "Z9"


UNUSABLE = (
    b"",
    b"{",
    b"[" * 100_000,
    b"\xff\xfe",
    b'{"zaak": null}',
    b'{"zaak": {"identificatie": ["Z1"]}}',
    b'{"zaak": {"identificatie": true}}',
    b'{"zaak": {"identificatie": ""}}',
    b'{"zaak": {"identificatie": "%b"}}' % (b"Z" * 501),
    b'{"zaak": {"identificatie": "Z\\r\\n1"}}',
)


async def test_an_answer_without_a_usable_reference_waits_for_a_person() -> None:
    blobs, supplier = MemoryBlobs(), Supplier()
    record: dict[str, Mapping[str, str]] = {}
    handover = await handed(blobs)
    async with connected(supplier, **FULL) as system:
        for body in UNUSABLE:
            supplier.says["/"] = Response(body)
            with pytest.raises(CaseSystemRefused, match="no reference at /zaak/identificatie"):
                await system.deliver(handover, blobs, remembering(record))
    assert record == {}


async def test_a_redirect_sends_nothing_elsewhere() -> None:
    blobs, supplier = MemoryBlobs(), Supplier(says={"/verzoeken": RedirectResponse("/elders")})
    async with connected(supplier, **PLAIN) as system:
        with pytest.raises(CaseSystemRefused, match="307") as refused:
            await system.deliver(await handed(blobs), blobs, DeliverySteps())
    assert "ander adres" in refused.value.advice
    assert supplier.paths() == ["POST /verzoeken"]


async def test_a_reference_that_is_a_url_leads_to_no_other_server() -> None:
    blobs = MemoryBlobs()
    elsewhere = JSONResponse({"zaak": {"identificatie": "http://localhost:1/zaken/1"}})
    settings = {**FULL, "upload__url": "{{ referentie|safe }}/bestanden"}
    async with connected(Supplier(says={"/verzoeken": elsewhere}), **settings) as system:
        with pytest.raises(ConfigError, match="leads to a server that is not in the settings"):
            await system.deliver(await handed(blobs), blobs, DeliverySteps())


async def test_a_file_that_is_not_what_was_fetched_never_arrives_whole() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    handover = await handed(blobs, files=FILES[3:4])

    async def other() -> AsyncIterator[bytes]:
        yield b"anothe!"

    await blobs.put("verzoeken/7/1", other())
    async with connected(supplier, **PLAIN) as system:
        with pytest.raises(StorageError, match="not what was fetched"):
            await system.deliver(handover, blobs, DeliverySteps())
    assert supplier.bodies("bestand") == []


class Endless(MemoryBlobs):
    """A bijlage of 64 MiB that exists nowhere; `most` is how much of it was read ahead of what was sent."""

    piece = b"x" * 262_144
    given = 0

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """The pieces, one by one."""
        for _ in range(256):
            self.given += 1
            yield self.piece


async def test_a_large_bijlage_is_read_no_faster_than_it_is_sent() -> None:
    blobs = Endless()
    whole = await handed(MemoryBlobs(), files=((FileKind.BIJLAGE, "groot.bin", "", b"x"),))
    size = 256 * len(blobs.piece)
    digest = hashlib.sha256(blobs.piece * 256).digest()
    file = replace(whole.verzoek.files[0], size=size, sha256=digest)
    large = Handover(replace(whole.verzoek, files=(file,)), whole.read)
    ahead = []

    async def take(scope: Any, receive: Any, send: Any) -> None:
        got, more = 0, scope["path"] != "/verzoeken"
        while more:
            event = await receive()
            got += len(event.get("body", b""))
            more = event.get("more_body", False)
            ahead.append(blobs.given * len(blobs.piece) - got)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(take) as port, CaseSystemHttp() as client:
        settings = {"url": f"http://localhost:{port}/verzoeken", "upload.url": f"http://localhost:{port}/b"}
        await WebhookCaseSystem(read_settings(settings), client, StoppedClock()).deliver(large, blobs, DeliverySteps())
    assert blobs.given == 256
    assert max(ahead) < 16 * 1024 * 1024


async def test_a_preview_tells_each_step_and_sends_nothing() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    handover = await handed(blobs)
    steps: Steps = DeliverySteps({"document": {"reference": "Z1"}})
    async with connected(supplier, **FULL) as system:
        planned = await system.preview(handover, steps)
    assert supplier.requests == []
    assert [(each.name, each.done) for each in planned] == [
        ("document", True),
        *((f"bestand-{number}", False) for number in range(1, 6)),
        ("afsluiten", False),
    ]
    assert "bestand 3 (bijlage, 300000 bytes)" in planned[3].what
    assert not any("gevel" in each.what for each in planned)


@pytest.mark.parametrize(
    "broken",
    [
        {"headers__X-A": "{{ verzoek.bestaat_niet }}"},
        {"upload__headers__X-A": "{{ bestand.bestaat_niet }}"},
        {"body": '{"naam": "{{ naam }}"}'},
        {"token_file": "/nergens"},
    ],
)
async def test_a_preview_says_what_would_stop_a_delivery(broken: dict[str, str]) -> None:
    blobs = MemoryBlobs()
    async with connected(Supplier(), **PLAIN, **broken) as system:
        with pytest.raises(ConfigError):
            await system.preview(await handed(blobs), DeliverySteps())


BASE = {"url": "https://zaken.example.org/verzoeken", "upload": "nee"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"url": "https://{{ oin }}.example.org/"}, "setting url must begin"),
        ({"url": "http://zaken.example.org/"}, "must use https"),
        ({"url": "https://a:b@zaken.example.org/"}, "without user and password"),
        ({"upload": ""}, "upload.url is missing"),
        ({"upload": "", "upload.url": "https://x/{{ bestnad.naam }}"}, "template upload.url: there is no bestnad"),
        ({"upload": "", "upload.url": "https://x/", "upload.fields.a": "1"}, "needs upload.form"),
        ({"upload": "", "upload.url": "https://x/", "upload.files.1": "foto"}, "upload.files must be a list out of"),
        ({"url": "https://x/{{ bestand.naam }}"}, "there is no bestand"),
        ({"url": "https://x/{{ oin "}, "template url, line 1"),
        ({"url": "https://x/{{ oin|bestaat_niet }}"}, "template url"),
        ({"body": "{{ range(10) }}"}, "there is no range"),
        ({"body": "{% include '/etc/passwd' %}"}, "template body"),
        ({"body": "{}", "body_file": "/x"}, "exclude each other"),
        ({"body_file": "/nergens"}, "cannot be read"),
        ({"body": "{}", "content": "xml"}, "exclude each other"),
        ({"content": "yaml"}, "content must be one of json, xml"),
        ({"method": "DELETE"}, "method must be one of"),
        ({"headers.Content-Length": "1"}, "cannot be set as a header"),
        ({"headers.X\r\nY": "1"}, "cannot be set as a header"),
        ({"idempotency_header": "Host"}, "cannot be set as a header"),
        ({"reference": "zaak"}, "JSON pointer"),
        ({"already_there": "200"}, "already_there must be out of"),
        ({"already_there.1": "401"}, "already_there must be out of"),
        ({"timeout": "0"}, "whole number above zero"),
        ({"password_file": "/x"}, "setting user is missing"),
        ({"password_file": "/x", "user": "a", "token_file": "/x"}, "exclude each other"),
        ({"urll": "x"}, "there is no setting urll"),
        ({"close.urll": "x"}, "close.url is missing"),
    ],
)
def test_settings_that_are_wrong_are_told_by_name(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_settings({name: text for name, text in {**BASE, **changes}.items() if text})
