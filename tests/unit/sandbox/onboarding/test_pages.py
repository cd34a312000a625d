"""The pages of onboarding: a CPA by hand, a key, what the aansluitteam does, and nothing typed or mailed is markup."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import aiosmtplib
import pytest
from tests.unit.sandbox.onboarding.newcomer import Newcomer, newcomer_in

from digikoppelaar.ebms.cpa import cpa_names
from digikoppelaar.sandbox.folder import GEMEENTE, LEVERANCIER

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    async with newcomer_in(tmp_path) as newcomer:
        yield newcomer


async def page(newcomer: Newcomer, path: str = "") -> str:
    async with newcomer.http.get(newcomer.gateway.ready.onboarding_url + path) as answer:
        assert answer.status == 200
        assert "script" not in answer.headers["content-security-policy"]
        return await answer.text()


async def post(
    newcomer: Newcomer, path: str, fields: Mapping[str, str] | aiohttp.FormData | None = None, *, origin: str = ""
) -> tuple[int, str]:
    own = newcomer.gateway.ready.onboarding_url
    headers = {"origin": origin or own.rstrip("/")}
    data = aiohttp.FormData({}) if fields is None else fields
    async with newcomer.http.post(own + path, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


def uploaded(newcomer: Newcomer, **fields: str) -> aiohttp.FormData:
    """A form with the certificates of the leverancier."""
    form = aiohttp.FormData(fields)
    pki = Path(newcomer.gateway.ready.trust_anchor_file).parent
    for use, name in (("tls-server", "tls"), ("tls-client", "tls"), ("sign", "sign")):
        form.add_field(use, (pki / f"leverancier-{name}.pem").read_bytes(), filename=f"{use}.pem")
    return form


async def test_a_cpa_by_hand_from_machtiging_to_file(newcomer: Newcomer) -> None:
    asked = {"aanvrager": LEVERANCIER.oin, "oin": GEMEENTE.oin, "endpoint": newcomer.gateway.endpoint}
    [form] = re.findall(r'href="/(cpa/aanvraag/specification/9357/server_participant/94046)"', await page(newcomer))
    assert "Certificaat voor TLS als server" in await page(newcomer, form)
    status, told = await post(newcomer, form, uploaded(newcomer, **asked))
    assert (status, "is niet gemachtigd" in told, asked["endpoint"] in told) == (422, True, True)
    await post(newcomer, "machtigingen", {"namens": GEMEENTE.oin, "gemachtigde": LEVERANCIER.oin})
    assert (await post(newcomer, form, uploaded(newcomer, **asked)))[0] == 200
    [request] = (await newcomer.manage("GET", "/register/aanvragen"))[1]
    status, told = await post(newcomer, f"aanvragen/{request['id']}/goedkeuren", {})
    assert f'href="/aanvragen/{request["id"]}/cpa.xml"' in told
    async with newcomer.http.get(f"{newcomer.gateway.ready.onboarding_url}aanvragen/{request['id']}/cpa.xml") as answer:
        assert cpa_names(await answer.read()).cpa_id in told
    status, told = await post(newcomer, f"aanvragen/{request['id']}/vernieuwen", uploaded(newcomer))
    assert (status, "is niet gemachtigd" in told) == (422, True)
    assert (await post(newcomer, "aanvragen/99/goedkeuren", {}))[0] == 422
    assert (await post(newcomer, f"aanvragen/{request['id']}/vervangen", {}))[0] == 404


async def test_a_key_is_shown_once_and_can_be_taken_back(newcomer: Newcomer) -> None:
    status, told = await post(newcomer, "portaal", {"oin": LEVERANCIER.oin, "omgeving": "PRE", "naam": MARKUP})
    [secret] = re.findall(r'<strong class="key">([^<]+)</strong>', told)
    later = await page(newcomer, "portaal")
    assert (status, secret in later, MARKUP in told + later, "&lt;script&gt;" in later) == (200, False, False, True)
    [key] = (await newcomer.manage("GET", "/portaal/api-keys"))[1]["apiKeys"]
    assert (await post(newcomer, f"portaal/{key['id']}/intrekken"))[0] == 200
    assert (await newcomer.manage("GET", "/portaal/api-keys"))[1]["apiKeys"] == []
    assert (await post(newcomer, "portaal", {"oin": "12", "omgeving": "PRE", "naam": "x"}))[0] == 422


async def test_the_aansluitteam_decides_on_its_page(newcomer: Newcomer) -> None:
    oin = {"oin": GEMEENTE.oin}
    for what in ("mandateren", "mandaat-intrekken", "mandateren", "pre-compleet", "pre-niet-compleet"):
        assert (await post(newcomer, f"aansluitteam/{what}", {**oin, "partij": LEVERANCIER.oin}))[0] == 200
    said = (await newcomer.manage("GET", "/aansluitteam"))[1]
    assert (said["pre_compleet"], len(said["mandateringen"])) == ([], 1)
    step = {**oin, "stap": "3.7", "naam": MARKUP}
    status, told = await post(newcomer, "aansluitteam/afkeuren", step)
    assert (status, "bij een weigering de reden" in told) == (422, True)
    status, told = await post(newcomer, "aansluitteam/goedkeuren", step)
    assert (status, "stap 3.7" in told, MARKUP in told) == (200, True, False)
    assert (await post(newcomer, "aansluitteam/ontslaan", oin))[0] == 404
    assert (await post(newcomer, "aansluitteam/routeren", {**oin, "behandeldienst": "1"}))[0] == 422


async def test_a_mail_is_shown_as_text(newcomer: Newcomer) -> None:
    ready = newcomer.gateway.ready
    mail = f"From: a@b.example\r\nTo: c@d.example\r\nSubject: {MARKUP}\r\n\r\n{MARKUP}\r\n"
    await aiosmtplib.send(
        mail, sender="a@b.example", recipients=["c@d.example"], hostname=ready.mail_host, port=ready.mail_port
    )
    for path in ("postbus", "postbus/1"):
        shown = await page(newcomer, path)
        assert (MARKUP in shown, "&lt;script&gt;" in shown) == (False, True)
    async with newcomer.http.get(ready.onboarding_url + "postbus/2") as answer:
        assert answer.status == 404


async def test_a_page_of_another_site_decides_nothing(newcomer: Newcomer) -> None:
    pair = {"oin": GEMEENTE.oin, "partij": LEVERANCIER.oin}
    assert (await post(newcomer, "aansluitteam/mandateren", pair, origin="http://elders.example"))[0] == 403
    assert (await newcomer.manage("GET", "/aansluitteam"))[1]["mandateringen"] == []
