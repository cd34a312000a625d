"""A delivery to a supplier's own interface, over real sockets: every request is a step, and each has one effect."""

import hashlib
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from tests.certificates import Authority, Shape
from tests.servers import server_tls, serving
from tests.unit.adapters.casesystems.handovers import (
    FILES,
    NUMMER,
    OIN,
    XML,
    Countdown,
    Crash,
    handed,
    remembering,
)

from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.webhook.settings import read_settings
from digikoppelaar.adapters.casesystems.webhook.system import WebhookCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError, StorageError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import FileKind, Handover, Steps
from digikoppelaar.flows.webhooks import signature
from digikoppelaar.stam.rules import Action
from digikoppelaar.stam.verzoek import as_json

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)


class StoppedClock:
    """Always NOW."""

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return NOW


@dataclass
class Supplier:
    """A case system of a supplier that knows a request by its idempotency key. `says`: what it answers instead."""

    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    effects: dict[str, bytes] = field(default_factory=dict)
    says: dict[str, Response] = field(default_factory=dict)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        path = request.scope["raw_path"].decode()
        self.requests.append((request.method, path, dict(request.headers), body))
        for start, answer in self.says.items():
            if path.startswith(start):
                return answer
        self.effects.setdefault(request.headers["idempotency-key"], body)
        return JSONResponse({"zaak": {"identificatie": "Z/2026 1"}}, status_code=201)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.take, methods=["POST", "PUT"])])

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]

    def bodies(self, step: str) -> list[bytes]:
        """The effects of the steps whose name begins so."""
        return [body for key, body in self.effects.items() if key.startswith(f"pre-{OIN}-{NUMMER}-0-{step}")]


@asynccontextmanager
async def connected(
    supplier: Supplier, http: CaseSystemHttp | None = None, **settings: str
) -> AsyncIterator[WebhookCaseSystem]:
    """The webhook with these settings, `HOST` in them being the supplier."""
    async with serving(supplier.app()) as port, http or CaseSystemHttp() as client:
        filled = {
            name.replace("__", "."): text.replace("HOST", f"http://localhost:{port}") for name, text in settings.items()
        }
        yield WebhookCaseSystem(read_settings(filled), client, StoppedClock())


def as_form(headers: Mapping[str, str], body: bytes) -> Any:
    """A request read as a form, by a reader that is not ours."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "headers": [(b"content-type", headers["content-type"].encode())]}, receive).form()


PLAIN = {"url": "HOST/verzoeken", "upload__url": "HOST/verzoeken/{{ verzoeknummer }}/bestanden/{{ bestand.nummer }}"}
ALL = {f"upload__files__{number}": kind.value for number, kind in enumerate(FileKind)}
FULL = {
    **PLAIN,
    **ALL,
    "upload__url": "HOST/zaken/{{ referentie }}/bestanden/{{ bestand.nummer }}",
    "reference": "/zaak/identificatie",
    "close__url": "HOST/zaken/{{ referentie }}/compleet",
    "close__method": "PUT",
}


async def test_the_document_goes_first_then_each_bijlage_as_it_is() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    handover = await handed(blobs)
    async with connected(supplier, **PLAIN) as system:
        assert await system.deliver(handover, blobs, DeliverySteps()) == NUMMER
    start = f"/verzoeken/{NUMMER}/bestanden"
    assert supplier.paths() == ["POST /verzoeken", *(f"POST {start}/{number}" for number in (3, 4, 5))]
    document = json.loads(supplier.requests[0][3])
    assert document["verzoek"] == as_json(handover.read)
    assert [document[name] for name in ("oin", "verzoeknummer", "volgnummer", "actie", "test", "zaak")] == [
        OIN,
        NUMMER,
        0,
        "nieuw",
        False,
        None,
    ]
    assert [(each["naam"], each["bestandsnaam"], each["sha256"]) for each in document["bestanden"][2:4]] == [
        ("gevel é.png", "gevel é.png", hashlib.sha256(FILES[2][3]).hexdigest()),
        ("GEVEL é.png", "GEVEL é (2).png", hashlib.sha256(FILES[3][3]).hexdigest()),
    ]
    for (_, _, headers, body), (_, _, media_type, content) in zip(supplier.requests[1:], FILES[2:], strict=True):
        assert body == content
        assert headers["content-type"] == (media_type or "application/octet-stream")
        assert headers["content-length"] == str(len(content))
        assert headers["digikoppelaar-sha256"] == hashlib.sha256(content).hexdigest()


async def test_the_reference_is_what_the_answer_says_and_is_in_the_urls_after_it() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    async with connected(supplier, **FULL) as system:
        assert await system.deliver(await handed(blobs), blobs, DeliverySteps()) == "Z/2026 1"
    files = [f"POST /zaken/Z%2F2026%201/bestanden/{number}" for number in range(1, 6)]
    assert supplier.paths() == ["POST /verzoeken", *files, "PUT /zaken/Z%2F2026%201/compleet"]
    assert supplier.bodies("bestand") == [content for *_, content in FILES]
    assert supplier.bodies("afsluiten") == [b"{}"]


async def test_the_two_step_form_posts_the_xml_and_then_forms_with_fields() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    form = {
        "upload__form": "multipart",
        "upload__part": "document",
        "upload__fields__dsonummer": "{{ verzoeknummer }}",
        "upload__fields__filename": "{{ bestand.bestandsnaam }}",
    }
    async with connected(supplier, **PLAIN, content="xml", **form) as system:
        await system.deliver(await handed(blobs), blobs, DeliverySteps())
    assert supplier.bodies("document") == [XML]
    assert supplier.requests[0][2]["content-type"] == "application/xml"
    for (_, _, headers, body), (_, _, _, content) in zip(supplier.requests[1:], FILES[2:], strict=True):
        async with as_form(headers, body) as fields:
            upload = fields["document"]
            assert not isinstance(upload, str)
            assert fields["dsonummer"] == NUMMER
            assert fields["filename"] == upload.filename
            assert await upload.read() == content


HOSTILE = ('a"b.png', "a\r\nX-Evil: 1\r\n\r\n.png", "e" * 300 + ".png", "\u202egnp.exe", "../../x", "a\0b", "\x1b[31m")


async def test_file_names_of_strangers_break_no_form_no_url_and_no_document() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    files = tuple((FileKind.BIJLAGE, naam, "image/png\r\nX-Evil: 1", naam.encode()) for naam in HOSTILE)
    settings = {
        **PLAIN,
        "upload__url": "HOST/bestanden/{{ bestand.bestandsnaam }}",
        "upload__form": "multipart",
        "upload__fields__filename": "{{ bestand.naam }}",
    }
    async with connected(supplier, **settings) as system:
        await system.deliver(await handed(blobs, files=files), blobs, DeliverySteps())
    assert [each["naam"] for each in json.loads(supplier.requests[0][3])["bestanden"]] == list(HOSTILE)
    for (_, path, headers, body), naam in zip(supplier.requests[1:], HOSTILE, strict=True):
        assert path.startswith("/bestanden/")
        assert path.count("/") == 2
        assert "x-evil" not in headers
        async with as_form(headers, body) as fields:
            assert set(fields) == {"filename", "file"}
            assert fields["filename"] == naam
            upload = fields["file"]
            assert not isinstance(upload, str)
            assert upload.content_type == "application/octet-stream"
            assert await upload.read() == naam.encode()
            assert upload.filename is not None
            assert len(upload.filename.encode()) <= 200
            assert not set(upload.filename) & set('\r\n\0"\u202e/\x1b')


@pytest.mark.parametrize("naam", ["..", ".", "", "a\r\nb"])
async def test_a_file_name_that_would_lead_elsewhere_in_a_url_or_header_is_told_and_nothing_is_uploaded(
    naam: str,
) -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    files = ((FileKind.BIJLAGE, naam, "", b"x"),)
    settings = {"upload__url": "HOST/b/{{ bestand.naam }}/x"}
    if "\n" in naam:
        settings = {"upload__url": "HOST/b", "upload__headers__X-Naam": "{{ bestand.naam }}"}
    async with connected(supplier, **{**PLAIN, **settings}) as system:
        with pytest.raises(ConfigError, match="template upload") as refused:
            await system.deliver(await handed(blobs, files=files), blobs, DeliverySteps())
    assert supplier.paths() == ["POST /verzoeken"]
    assert naam in ("", ".") or naam not in str(refused.value)


async def test_aanvulling_and_intrekking_are_told_with_the_case_and_the_documents_that_lapse() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    async with connected(supplier, **PLAIN) as system:
        for volgnummer, action in ((1, Action.DELIVER_AANVULLING), (999, Action.DELIVER_INTREKKING)):
            await system.deliver(
                await handed(blobs, volgnummer=volgnummer, action=action, case="Z1", files=()), blobs, DeliverySteps()
            )
    told = [json.loads(body) for *_, body in supplier.requests]
    assert [(each["actie"], each["volgnummer"], each["zaak"]) for each in told] == [
        ("aanvulling", 1, "Z1"),
        ("intrekking", 999, "Z1"),
    ]


async def test_templates_make_url_headers_and_body() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    settings = {
        "url": "HOST/{{ omgeving }}/{% if actie == 'nieuw' %}nieuw{% else %}{{ zaak }}{% endif %}?q={{ verzoek.naam }}",
        "method": "PUT",
        "headers__X-Oin": "{{ oin }}",
        "media_type": "application/vnd.voorbeeld+json",
        "body": '{"nummer": {{ verzoeknummer }}, "titel": {{ naam }}, "test": {{ test }}, "a": {{ verzoek.project }},'
        ' "bestanden": [{% for b in bestanden %}{{ b.naam }}{% if not loop.last %},{% endif %}{% endfor %}]}',
        "upload": "nee",
    }
    async with connected(supplier, **settings) as system:
        await system.deliver(await handed(blobs, naam='"/../?&=é\r\n'), blobs, DeliverySteps())
    ((method, path, headers, body),) = supplier.requests
    assert (method, path) == ("PUT", "/pre/nieuw")
    assert headers["x-oin"] == OIN
    assert headers["content-type"] == "application/vnd.voorbeeld+json"
    assert json.loads(body) == {
        "nummer": NUMMER,
        "titel": "Dakkapel é",
        "test": False,
        "a": None,
        "bestanden": [naam for _, naam, _, _ in FILES],
    }


async def test_an_xml_body_holds_no_markup_of_a_stranger() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    settings = {"media_type": "text/xml", "body": "<v><n>{{ verzoek.naam }}</n></v>", "upload": "nee"}
    async with connected(supplier, url="HOST/", **settings) as system:
        await system.deliver(await handed(blobs, naam="</n><x/>&\x01"), blobs, DeliverySteps())
    assert supplier.requests[0][3] == b"<v><n>&lt;/n&gt;&lt;x/&gt;&amp;</n></v>"


async def test_we_say_who_we_are_and_sign_what_we_say(tmp_path: Path) -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    (tmp_path / "token").write_text("geheim-token\n")
    (tmp_path / "password").write_text("geheim wachtwoord\n")
    (tmp_path / "secret").write_text("een geheim van meer dan zestien bytes")
    secret = b"een geheim van meer dan zestien bytes"
    signing = {**PLAIN, "signature_secret_file": str(tmp_path / "secret")}
    async with connected(supplier, **signing, user="koppelaar", password_file=str(tmp_path / "password")) as system:
        await system.deliver(await handed(blobs), blobs, DeliverySteps())
    async with connected(supplier, **signing, token_file=str(tmp_path / "token")) as system:
        await system.deliver(await handed(blobs, files=()), blobs, DeliverySteps())
    (_, _, headers, body), (_, _, upload, content) = supplier.requests[:2]
    at = int(NOW.timestamp())
    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"koppelaar:geheim wachtwoord"
    assert headers["digikoppelaar-signature"] == signature(secret, at, body)
    hashed = hashlib.sha256(content).hexdigest().encode()
    assert upload["digikoppelaar-signature"] == signature(secret, at, hashed)
    assert supplier.requests[-1][2]["authorization"] == "Bearer geheim-token"


async def test_a_supplier_that_asks_for_a_certificate_gets_ours(tmp_path: Path) -> None:
    authority, supplier, blobs = Authority("Leverancier"), Supplier(), MemoryBlobs()
    context = server_tls(tmp_path, authority.issue(Shape()), authority)
    certificate, key = authority.issue(Shape()).write(tmp_path, "client")
    async with serving(supplier.app(), lambda: context) as port, CaseSystemHttp() as client:
        settings = {
            "url": f"https://localhost:{port}/verzoeken",
            "upload": "nee",
            "ca_file": str(authority.write_root(tmp_path, "ca")),
            "certificate_file": str(certificate),
            "key_file": str(key),
        }
        system = WebhookCaseSystem(read_settings(settings), client, StoppedClock())
        await system.deliver(await handed(blobs), blobs, DeliverySteps())
    assert supplier.paths() == ["POST /verzoeken"]


async def test_a_step_that_was_recorded_is_not_asked_again() -> None:
    supplier, blobs = Supplier(), MemoryBlobs()
    record: dict[str, Mapping[str, str]] = {}
    handover = await handed(blobs)
    async with connected(supplier, **FULL) as system:
        await system.deliver(handover, blobs, remembering(record))
        asked = len(supplier.requests)
        assert await system.deliver(handover, blobs, remembering(record)) == "Z/2026 1"
    assert len(supplier.requests) == asked == len(record) == 7


class Dying(CaseSystemHttp):
    """Calls after which, or before which, the process may die."""

    countdown = Countdown(0)

    async def send(self, call: Call) -> Answer:
        self.countdown.tick()
        answer = await super().send(call)
        self.countdown.tick()
        return answer


async def test_a_crash_at_any_point_repeats_one_step_and_has_one_effect() -> None:
    blobs, http = MemoryBlobs(), Dying()
    handover = await handed(blobs)
    supplier = Supplier()
    async with connected(supplier, http, **FULL) as system:
        for point in range(1, 100):
            supplier.requests.clear()
            supplier.effects.clear()
            record: dict[str, Mapping[str, str]] = {}
            http.countdown = Countdown(point)
            try:
                await system.deliver(handover, blobs, remembering(record, http.countdown.tick))
                break
            except Crash:
                assert await system.deliver(handover, blobs, remembering(record)) == "Z/2026 1"
            assert len(supplier.requests) <= 8, "at most one was repeated"
            assert supplier.bodies("bestand") == [content for *_, content in FILES]
            assert len(supplier.effects) == 7
    assert point == 4 * 7 + 1


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
