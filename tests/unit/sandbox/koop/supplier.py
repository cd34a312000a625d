"""A leverancier at KOOP of the sandbox: what the tests of KOOP send, with which certificate, and what they see."""

import json
import ssl
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from tests.unit.drop.notices import BESLUIT, PLANAFWIJKING
from tests.unit.sandbox.gateway import WEST

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.envelope import Accepted, NotAccepted, RawAnswer, SoapRequest, answer, request
from digikoppelaar.drop.model import Kennisgeving, Publicist
from digikoppelaar.sandbox.folder import SandboxReady

PROFILE = load_drop_profile("koop-3pas-2020-01")
BLAD = b"<Publicatieblad>Gemeenteblad</Publicatieblad>"


def notice(**changes: Any) -> Kennisgeving:
    """A kennisgeving of an organisatie that is connected."""
    publicist = Publicist(WEST, "West", BESLUIT.publicist.bestuurslaag)
    base = PLANAFWIJKING if "bopa" in changes else BESLUIT
    return replace(base, **{"publicist": publicist, **changes})


def message(**changes: Any) -> SoapRequest:
    """The request for it."""
    return request(notice(**changes), PROFILE.envelope)


def changed(old: bytes, new: bytes) -> SoapRequest:
    """A request in which something else stands."""
    sent = message()
    assert old in sent.body
    return replace(sent, body=sent.body.replace(old, new))


@dataclass(frozen=True, slots=True)
class Supplier:
    """Sends and looks. A stage is asked with the certificate that it wants, unless told otherwise."""

    ready: SandboxReady
    session: aiohttp.ClientSession

    async def send(
        self, sent: SoapRequest, stage: str = "tst-organisatie", certificate: str | None = None
    ) -> RawAnswer:
        headers = {"Content-Type": sent.content_type, "SOAPAction": sent.action, "Connection": "close"}
        return await self.post(stage, sent.body, headers, certificate)

    async def post(self, stage: str, body: bytes, headers: dict[str, str], certificate: str | None = None) -> RawAnswer:
        """`certificate`: of the leverancier, of koop, or none."""
        wanted = {"poc": "none", "tst-leverancier": "koop"}.get(stage, "leverancier")
        async with self.session.post(
            self.ready.koop_3pas_urls[stage], data=body, headers=headers, ssl=self.tls(certificate or wanted)
        ) as got:
            return RawAnswer(got.status, {name.lower(): value for name, value in got.headers.items()}, await got.read())

    async def deliver(self, **changes: Any) -> str:
        """Something that is taken; its dossiernummer."""
        said = answer(await self.send(message(**changes)), PROFILE.envelope)
        assert isinstance(said, Accepted), said
        return said.dossiernummer

    async def refused(self, sent: SoapRequest, stage: str = "tst-organisatie") -> NotAccepted:
        """Something that is answered with a fault; what it says."""
        raw = await self.send(sent, stage)
        said = answer(raw, PROFILE.envelope)
        assert isinstance(said, NotAccepted), said
        assert raw.status == 500
        return said

    def tls(self, certificate: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ready.trust_anchor_file)
        ready = self.ready
        match certificate:
            case "leverancier":
                context.load_cert_chain(ready.tls_certificate_file, ready.tls_key_file)
            case "koop":
                context.load_cert_chain(ready.koop_tls_certificate_file, ready.koop_tls_key_file)
        return context

    def basic(self, name: str | None = None, password: str | None = None) -> dict[str, str]:
        """The header with user name and password, right unless told otherwise."""
        right_name, _, right = Path(self.ready.koop_user_name_file).read_text().partition(":")
        text = f"{name or right_name}:{password or right}"
        return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}

    async def manage(self, method: str, path: str, wish: object = None) -> Any:
        """What the management port says; an error fails the test."""
        async with self.session.request(method, self.ready.management_url + path, json=wish) as got:
            text = await got.text()
            assert got.status < 300, text
            return json.loads(text) if text else None

    async def fault(self, **wish: object) -> None:
        """Switch a fault on, once."""
        await self.manage("POST", "/faults", {"count": 1, **wish})

    async def see(self, path: str) -> tuple[int, bytes]:
        """A page of the plain listener."""
        async with self.session.get(self.ready.koop_pages_url.rstrip("/") + path) as got:
            return got.status, await got.read()
