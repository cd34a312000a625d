"""DSO-LV of `bench/intake.py` as one process: *Verzoek afhandelen* of the sandbox for many authorities at once.

    python bench/intake_country.py --folder F --organisaties 50 --verzoeken 2000 --bijlagen 5

The documents are those of the sandbox; the server is not, for what this process takes of the machine the gateway does
not get. Every answer is made before the first is asked for, and goes out as it is over mutual TLS with connections
that are kept. `country.json` in the folder tells where everything is: the addresses, the certificates of the
leverancier who is mandated by all, and of each verzoek the OIN that it is for and the SHA-256 of each file. It ends
when its standard input does.
"""

import argparse
import asyncio
import hashlib
import json
import random
import re
import ssl
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.types import ASGIApp

from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.bijlagen import Bijlage, make_bijlagen
from digikoppelaar.sandbox.content import invent
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.folder import DSO_LV, LEVERANCIER, Certificates, api_key, open_folder
from digikoppelaar.sandbox.model import Head, Route, Soort
from digikoppelaar.sandbox.rest import BASE_PATH, RestService
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.state import Authority, SandboxState, Submitted, Version
from digikoppelaar.sandbox.verzoek_document import verzoeknummer

HOST = "127.0.0.1"
OMGEVING = "sandbox-pre"
SMALL: tuple[int | str, ...] = ("pdf", "txt", "png", "pdf", "txt")
"""What bijlagen there are, in turn: real files of a few kilobytes."""
DIFFERENT = 100
"""Verzoeken that are invented; later ones are like those."""
END = b"\r\n\r\n"
HREF = re.compile(r'"href": *"([^"]+)"')
REFUSED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """How much there is to serve."""

    organisaties: int
    verzoeken: int
    bijlagen: int


def populated(wish: Wish, key: str, now: datetime) -> SandboxState:
    """Authority by authority in turn, the same content for the same wish. Nobody sends a notification."""
    state, dice = SandboxState(), random.Random(1)
    state.keys.give(key, LEVERANCIER.oin, state.keys.here, "bench", now.date() + timedelta(days=1))
    authorities = [authority(number) for number in range(wish.organisaties)]
    state.authorities.update({each.gezag.oin: each for each in authorities})
    kinds = [SMALL[number % len(SMALL)] for number in range(wish.bijlagen)]
    invented = [invent(Soort.VERGUNNINGAANVRAAG, dice) for _ in range(min(wish.verzoeken, DIFFERENT))]
    bijlagen = [make_bijlagen(kinds, inhoud.bijlagen, dice) for inhoud in invented]
    for at in range(wish.verzoeken):
        whose, inhoud = authorities[at % wish.organisaties], invented[at % DIFFERENT]
        head = Head(verzoeknummer(now.date(), 1 + at), 0, inhoud.doel, now, whose.named)
        version = Version(head, inhoud, tuple(marked(each, at) for each in bijlagen[at % DIFFERENT]))
        state.verzoeken[head.verzoeknummer] = Submitted(Route(whose.named), [version])
    return state


def marked(bijlage: Bijlage, at: int) -> Bijlage:
    """The same with a line at its end that no other has: a PDF takes long to make, and readers pass over the line."""
    content = (bijlage.content or b"") + b"\n%% %d\n" % at
    sha256 = hashlib.sha256(content).digest()
    document_id = f"{bijlage.document_id}{at:05}"
    return replace(bijlage, document_id=document_id, size=len(content), sha256=sha256, content=content)


def oin_of(number: int) -> str:
    """The OIN of an organisatie, counted from 0."""
    return f"00000099000001{number:03}000"


def authority(number: int) -> Authority:
    """An invented gemeente."""
    gezag = Organisatie(oin_of(number), f"Gemeente Proefdorp {number}")
    return Authority(gezag, frozenset({LEVERANCIER.oin}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address gives to the organisatie with this OIN."""

    oin: bytes
    octets: bytes


async def answers(state: SandboxState, key: str, certificate: bytes) -> dict[bytes, Answer]:
    """By path, what the sandbox itself gives to who asks as he should."""
    profile = load_profile("dso-lv")
    app = RestService(state, Faults(random.Random(1)), profile, SystemClock().now).app()
    extensions = {TLS_EXTENSION: {"client_certificate": certificate}}
    made = {}
    for nummer, verzoek in state.verzoeken.items():
        oin = verzoek.route.bevoegd_gezag.oin.encode()
        headers = [(profile.oin_header.encode(), oin), (profile.api_key_header.encode(), key.encode())]
        summary = f"{BASE_PATH}/{profile.summary_path}".replace("{verzoeknummer}", nummer)
        paths = [summary]
        for path in paths:
            head, body = await asked(app, path, headers, extensions)
            made[path.encode()] = Answer(oin, head + END + body)
            if path == summary:
                paths += HREF.findall(body.decode())
    return made


async def asked(
    app: ASGIApp, path: str, headers: Sequence[tuple[bytes, bytes]], extensions: Mapping[str, object]
) -> tuple[bytes, bytes]:
    """Head and body of the answer to a GET."""
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return await asyncio.Future()

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    await app({**scope, "extensions": extensions}, receive, send)
    status, given = sent[0]["status"], sent[0]["headers"]
    assert status == 200, f"{path}: {status}"
    lines = [b"HTTP/1.1 200 OK", *(name + b": " + value for name, value in given)]
    return b"\r\n".join(lines), b"".join(event.get("body", b"") for event in sent[1:])


class Connection(asyncio.Protocol):
    """One connection: a GET, its answer, the next."""

    def __init__(self, made: dict[bytes, Answer]) -> None:
        self._made = made
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        assert self._transport is not None
        self._head += data
        while END in self._head:
            head, _, self._head = self._head.partition(END)
            found = self._made.get(head.split(b" ", 2)[1])
            allowed = found is not None and found.oin in head
            self._transport.write(MISSING if found is None else found.octets if allowed else REFUSED)


def told(state: SandboxState, folder: Path, certificates: Certificates, port: int) -> dict[str, object]:
    """country.json."""
    return {
        "rest_base_url": f"https://{HOST}:{port}{BASE_PATH}",
        "api_key_file": str(api_key(folder)[0]),
        "trust_anchor_file": str(certificates.authorities.root),
        "crls_file": str(certificates.authorities.crls),
        "tls_certificate_file": str(certificates.leverancier_tls.certificate),
        "tls_key_file": str(certificates.leverancier_tls.key),
        "partij_oin": LEVERANCIER.oin,
        "organisaties": {oin: each.gezag.naam for oin, each in state.authorities.items()},
        "verzoeken": {
            nummer: {
                "oin": each.route.bevoegd_gezag.oin,
                "files": [{"kind": file.kind, "sha256": file.sha256.hex()} for file in each.current.files],
            }
            for nummer, each in state.verzoeken.items()
        },
    }


def tls(certificates: Certificates) -> ssl.SSLContext:
    """As DSO-LV: only certificates of our own PKI, checked for revocation."""
    clock, authorities = SystemClock(), certificates.authorities
    own = certificates.dso_tls
    records = [
        CertificateRecord(DSO_LV.oin, OMGEVING, use, own.certificate, own.key)
        for use in (Use.TLS_SERVER, Use.TLS_CLIENT)
    ]
    trust = TrustBase({OMGEVING: TrustFiles((authorities.root,), crls=(authorities.crls,))}, clock)
    return Keyring(records, trust, clock).server_context(OMGEVING, DSO_LV.oin)


async def serve(folder: Path, wish: Wish) -> None:
    """Listen until standard input ends."""
    certificates = open_folder(folder, SystemClock().now(), HOST)
    key = api_key(folder)[1]
    state = populated(wish, key, SystemClock().now())
    caller = x509.load_pem_x509_certificate(certificates.leverancier_tls.certificate.read_bytes())
    made = await answers(state, key, caller.public_bytes(Encoding.DER))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_reader(sys.stdin, stop.set)
    server = await loop.create_server(lambda: Connection(made), HOST, 0, ssl=tls(certificates))
    unfinished = folder / "country.part"
    port = server.sockets[0].getsockname()[1]
    unfinished.write_text(json.dumps(told(state, folder, certificates, port)))
    unfinished.replace(folder / "country.json")
    await stop.wait()


def main() -> None:
    """Parse and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--organisaties", type=int, default=50)
    parser.add_argument("--verzoeken", type=int, default=2000)
    parser.add_argument("--bijlagen", type=int, default=5)
    options = parser.parse_args()
    uvloop.run(serve(options.folder, Wish(options.organisaties, options.verzoeken, options.bijlagen)))


if __name__ == "__main__":
    main()
