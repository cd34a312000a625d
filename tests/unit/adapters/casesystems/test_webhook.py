"""A delivery to a supplier's own interface, over real sockets: every request is a step, and each has one effect."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
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
from tests.unit.adapters.casesystems.supplier import FULL, NOW, PLAIN, StoppedClock, Supplier, connected

from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.webhook.settings import read_settings
from digikoppelaar.adapters.casesystems.webhook.system import WebhookCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import FileKind
from digikoppelaar.flows.webhooks import signature
from digikoppelaar.stam.rules import Action
from digikoppelaar.stam.verzoek import as_json


def as_form(headers: Mapping[str, str], body: bytes) -> Any:
    """A request read as a form, by a reader that is not ours."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "headers": [(b"content-type", headers["content-type"].encode())]}, receive).form()


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


async def test_after_a_restore_of_our_database_what_comes_again_has_the_same_keys() -> None:
    blobs, supplier = MemoryBlobs(), Supplier()
    handover = await handed(blobs)
    files = tuple(replace(file, id=file.id + 1000) for file in handover.verzoek.files)
    restored = replace(handover, verzoek=replace(handover.verzoek, id=99, files=files))
    async with connected(supplier, **FULL) as system:
        await system.deliver(handover, blobs, remembering({}))
        await system.deliver(restored, blobs, remembering({}))
    assert len(supplier.requests) == 14
    assert len(supplier.effects) == 7
