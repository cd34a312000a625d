"""A leverancier who connects an organisatie to a sandbox in which nobody is connected yet, with the real clients."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.unit.sandbox.gateway import CLOCK, Gateway, connect, sandbox_and_gateway

from digikoppelaar.adapters.cpa_offering import offering_for
from digikoppelaar.adapters.cpa_register import RestCpaRegister, register_for
from digikoppelaar.adapters.http_out import MtlsSessions, Timeouts
from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.errands import MemoryErrands
from digikoppelaar.adapters.onboarding_profiles import load_register_profile
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.flows.cpa_offer import Offered, offer
from digikoppelaar.flows.cpa_request import CpaRequests, numbers_for
from digikoppelaar.flows.ports import Aansluiting, DsoSettings
from digikoppelaar.flows.ports.register import CpaOffering
from digikoppelaar.onboarding.register import RegisterOrder
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox import pki
from digikoppelaar.sandbox.folder import GEMEENTE, LEVERANCIER


def chain(file: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM file, DER."""
    return tuple(each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(file.read_bytes()))


@dataclass
class Newcomer:
    """The leverancier, with what he needs of the sandbox. `organisatie` is an OIN."""

    gateway: Gateway
    folder: Path
    http: aiohttp.ClientSession
    organisatie: str = GEMEENTE.oin
    sessions: MtlsSessions | None = None
    records: MemoryErrands = field(default_factory=MemoryErrands)
    partij: str = LEVERANCIER.oin

    async def manage(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask something of the management port."""
        address = self.gateway.ready.management_url + path
        async with self.http.request(method, address, json={} if body is None and method == "POST" else body) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def done(self, path: str, body: object = None) -> Any:
        """What the management port says of a POST that must succeed."""
        status, said = await self.manage("POST", path, body)
        assert status < 300, said
        return said

    @property
    def aansluiting(self) -> Aansluiting:
        """As the gateway has it."""
        ready = self.gateway.ready
        addresses = {"register_url": ready.register_url, "offering_url": ready.offering_url}
        dso = DsoSettings(ready.rest_base_url, str(self.folder / "key"), **addresses)
        return Aansluiting(7, self.organisatie, "Oeverloo", "stam", ready.omgeving, self.partij, dso, None)

    @property
    def register(self) -> RestCpaRegister:
        """The client."""
        return register_for(self.sessions or self.gateway.sessions, self.aansluiting, CLOCK)

    @property
    def requests(self) -> CpaRequests:
        """What is asked of the register."""
        return CpaRequests(self.records, self.register, self.aansluiting, CLOCK)

    async def dso(self) -> CpaOffering:
        """*CPA aanbieden*."""
        return await offering_for(self.sessions or self.gateway.sessions, self.aansluiting, CLOCK)

    def certificates(self) -> Mapping[Use, tuple[bytes, ...]]:
        """Those that the sandbox gave to the leverancier."""
        folder = Path(self.gateway.ready.tls_certificate_file).parent
        tls, sign = chain(folder / "leverancier-tls.pem"), chain(folder / "leverancier-sign.pem")
        return {Use.TLS_SERVER: tls, Use.TLS_CLIENT: tls, Use.SIGN: sign}

    async def order(self, endpoint: str = "", **certificates: tuple[bytes, ...]) -> RegisterOrder:
        """An order for the organisatie; `certificates` by the name of their use, instead of the usual ones."""
        numbers = await numbers_for(self.register, load_register_profile(), self.gateway.ready.omgeving)
        others = {Use[name.upper()]: given for name, given in certificates.items()}
        return RegisterOrder(
            *numbers, self.organisatie, endpoint or self.gateway.endpoint, {**self.certificates(), **others}
        )

    async def grant(self) -> None:
        """The bevoegd gezag lets the leverancier ask for its CPAs."""
        await self.done("/register/machtigingen", {"gemachtigde": self.partij, "namens": self.organisatie})

    async def made(self, order: RegisterOrder | None = None) -> tuple[str, bytes]:
        """The id of a request, and its CPA."""
        await self.grant()
        asked = await self.requests.request(order or await self.order())
        await self.done(f"/register/aanvragen/{asked.id}/goedkeuren")
        return asked.id, (await self.requests.download(asked.id))[1]

    async def mandate(self) -> None:
        """The aansluitteam lets the leverancier act for the organisatie."""
        pair = {"partij": self.partij, "organisatie": self.organisatie}
        await self.done("/aansluitteam/mandateringen", {"mandateringen": [pair]})

    async def key(self, **other: object) -> str:
        """Ask for an API key and write it where the aansluiting looks; its id."""
        play = self.gateway.ready.omgeving.removeprefix("sandbox-").upper()
        said = await self.done("/portaal/api-keys", {"oin": self.partij, "omgeving": play, "naam": "proef", **other})
        (self.folder / "key").write_text(said["sleutel"])
        return str(said["id"])

    async def offer(self, cpa: bytes) -> Offered:
        """Offer it and read it back."""
        cpa_id = cpa.partition(b'cpaid="')[2].partition(b'"')[0].decode()
        return await offer(self.records, await self.dso(), self.aansluiting, cpa_id, cpa, CLOCK)

    def imported(self, cpa: bytes) -> None:
        """Let the gateway work with it."""
        connect(self.gateway.registry, self.gateway.ready, self.organisatie, cpa)

    @asynccontextmanager
    async def as_other(self, holder: pki.Holder, now: datetime | None = None) -> AsyncIterator["Newcomer"]:
        """Somebody else, with a certificate of the sandbox's PKI, as of `now`."""
        authorities = pki.make_pki(Path(self.gateway.ready.trust_anchor_file).parent, CLOCK.now())
        files = pki.issue(authorities, holder, pki.TLS, now or CLOCK.now())
        omgeving = self.gateway.ready.omgeving
        record = CertificateRecord(holder.oin, omgeving, Use.TLS_CLIENT, files.certificate, files.key)
        trust = TrustBase({omgeving: TrustFiles((authorities.root,))}, CLOCK)
        async with MtlsSessions(Keyring([record], trust, CLOCK), Timeouts(5, 5, 5)) as sessions:
            yield replace(self, sessions=sessions, partij=holder.oin)


@asynccontextmanager
async def newcomer_in(folder: Path, omgeving: str = "sandbox-pre", **more: Any) -> AsyncIterator[Newcomer]:
    """In a sandbox of its own."""
    async with (
        sandbox_and_gateway(folder, omgeving=omgeving, unconnected=True, **more) as gateway,
        aiohttp.ClientSession() as http,
    ):
        yield Newcomer(gateway, folder, http)
