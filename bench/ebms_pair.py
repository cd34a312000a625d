"""Two gateways that exchange messages over plain http on loopback: a sending side and a receiving side.

Each is one process with its own database, data folder and configuration; both databases are on one embedded
PostgreSQL server, with the settings that every installation gets. Layout of the folder:

    postgres/            the server                     pki/            certificates of both sides
    sender.toml          and its data in sender/        sender.log      what the process logged
    receiver.toml        and its data in receiver/      receiver.log
"""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from digikoppelaar.adapters.postgres.embedded import acquire
from digikoppelaar.adapters.postgres.migrate import migrate
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.config import Config, load
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.cpa_build import BuildParty, BuildService, CpaOrder, build
from digikoppelaar.ebms.messages import Service
from digikoppelaar.flows.ports import Consumer
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    OrganisatieEntry,
    PartijEntry,
    difference,
)
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.pki import SIGN, TLS, CertificateFiles, Holder, SandboxPki, issue_all, make_pki
from digikoppelaar.wiring import open_stores

OMGEVING: Final = "sandbox-pre"
SENDER, RECEIVER, SILENT = "sender", "receiver", "silent"
OINS: Final = {
    SENDER: "00000099000000001000",
    RECEIVER: "00000099000000002000",
    SILENT: "00000099000000003000",
}
STOP_SECONDS: Final = 45.0
SERVICE: Final = Service("bench", "urn:osb:services")
ACTION: Final = "melding"
_VALID: Final = timedelta(days=400)
"""Longer than the warnings of what ends soon: ten thousand of them would be measured too."""

CONFIGURATION: Final = """\
data_folder = "{side}"
log_level = "warning"

[database]
url = "{url}"

[endpoint.{omgeving}]
mode = "plain"
port = {port}
partij = "{oin}"
trust_anchors = ["pki/root.pem"]

[management]
port = 0

[web]
port = 0
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a CPA of the pair says: signed or not, the size of the key, how often and how soon is sent again."""

    signed: bool = True
    retries: int = 3
    retry_interval: timedelta = timedelta(seconds=60)
    partner: str = RECEIVER


@dataclass(slots=True)
class Pair:
    """Both sides in `folder`, which is made. An async context manager: leaving it stops what it started.

    `key_bits` is the size of the RSA key of the sending side. `silent_port`: where the partner is that never answers.
    """

    folder: Path
    key_bits: int = 2048
    silent_port: int = 0
    profile: bool = False
    """Have the sending side leave sender.prof, for `python -m pstats`; it is much slower then."""
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    _urls: dict[str, str] = field(default_factory=dict)
    _certificates: dict[tuple[str, str], CertificateFiles] = field(default_factory=dict)
    _pki: SandboxPki | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.ports = dict(zip((SENDER, RECEIVER), free_ports(2), strict=True))
        lease = await asyncio.to_thread(acquire, self.folder / "postgres")
        self._stack.callback(lease.release)
        self._urls = {side: _database(lease.url, side) for side in (SENDER, RECEIVER)}
        for url in self._urls.values():
            await asyncio.to_thread(migrate, url)
        self._issue()
        for side in (SENDER, RECEIVER):
            self._configure(side)
            await self._register(side)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*map(_stopped, self.processes.values()))
        await self._stack.aclose()

    def url(self, side: str) -> str:
        """The database of a side."""
        return self._urls[side]

    def config(self, side: str) -> Config:
        """The configuration of a side."""
        return load(self.folder / f"{side}.toml")

    async def agree(self, cpa_id: str, terms: Terms) -> None:
        """Import a CPA under which the sending side sends, on both sides (on its own for the silent partner)."""
        document = self.cpa(cpa_id, terms)
        for side in (SENDER, RECEIVER) if terms.partner == RECEIVER else (SENDER,):
            async with open_stores(self.config(side)) as stores:
                [aansluiting] = await stores.registry.aansluitingen()
                agreement = read_agreement(document, {OINS[side]})
                await stores.registry.import_cpa(
                    aansluiting.id, document, agreement, SystemClock().now(), consumer=Consumer.REST
                )

    def cpa(self, cpa_id: str, terms: Terms) -> bytes:
        """The CPA as a document. Acknowledgments are never signed, as the peer was measured."""
        assert self._pki is not None
        now = SystemClock().now()
        return build(
            CpaOrder(
                cpa_id=cpa_id,
                first=self._party(SENDER, self.ports[SENDER]),
                second=self._party(terms.partner, self.ports.get(terms.partner, self.silent_port)),
                services=(BuildService(SERVICE, "osb-rm-s" if terms.signed else "osb-rm", (ACTION,)),),
                starts_at=now - timedelta(days=1),
                ends_at=now + _VALID,
                retries=terms.retries,
                retry_interval=terms.retry_interval,
                signed_acknowledgments=False,
                anchors=(self._pki.issuers[0].der(),),
            )
        )

    async def start(self) -> None:
        """Start both sides; returns when they are ready."""
        here = Path(__file__).parent
        serve = ("-m", "digikoppelaar", "--config", str(self.folder / "receiver.toml"), "serve", "--until-stdin-ends")
        await self._spawn(RECEIVER, *serve, "--json")
        await self._spawn(
            SENDER, str(here / "ebms_side.py"), str(self.folder / "sender.toml"), *(["--profile"] * self.profile)
        )
        for side in (RECEIVER, SENDER):
            await self._answer(side)

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Have the sending side do something (see ebms_side.py), and return its answer."""
        process = self.processes[SENDER]
        assert process.stdin is not None
        process.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._answer(SENDER)

    def resident_mib(self, side: str, which: str = "VmRSS") -> float:
        """Memory of a side's process in MiB: VmRSS now, VmHWM at its peak since the start or `forget_peaks`."""
        status = Path(f"/proc/{self.processes[side].pid}/status").read_text()
        [kib] = re.findall(rf"{which}:\s+(\d+) kB", status)
        return int(kib) / 1024

    def forget_peaks(self) -> None:
        """Start VmHWM anew (proc(5), clear_refs)."""
        for process in self.processes.values():
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def _issue(self) -> None:
        now = SystemClock().now()
        self._pki = make_pki(self.folder / "pki", now)
        wanted = [
            (Holder(side, side.capitalize(), oin, key_bits=self.key_bits if uses == SIGN else 2048), uses)
            for side, oin in OINS.items()
            for uses in (TLS, SIGN)
        ]
        for (holder, uses), files in zip(wanted, issue_all(self._pki, wanted, now), strict=True):
            self._certificates[holder.file_name, "sign" if uses == SIGN else "tls"] = files

    def _party(self, side: str, port: int) -> BuildParty:
        assert self._pki is not None
        _, domain, tsp = (issuer.der() for issuer in self._pki.issuers)
        tls, sign = ((self._certificates[side, kind].der(), tsp, domain) for kind in ("tls", "sign"))
        return BuildParty(
            name=f"SANDBOX {side.capitalize()}",
            party_id=OINS[side],
            role=side.capitalize(),
            endpoint=f"http://127.0.0.1:{port}/ebms",
            certificates={Use.TLS_CLIENT: tls, Use.TLS_SERVER: tls, Use.SIGN: sign},
        )

    def _configure(self, side: str) -> None:
        (self.folder / f"{side}.toml").write_text(
            CONFIGURATION.format(
                side=side, url=self._urls[side], omgeving=OMGEVING, port=self.ports[side], oin=OINS[side]
            )
        )

    async def _register(self, side: str) -> None:
        entries = tuple(self._entries(side))
        async with open_stores(self.config(side)) as stores:
            await stores.registry.apply(difference((), entries), SystemClock().now())

    def _entries(self, side: str) -> Iterator[Entry]:
        oin, name = OINS[side], f"SANDBOX {side.capitalize()}"
        yield OrganisatieEntry(oin, name, "gemeente")
        yield PartijEntry(oin, name)
        for use, files in (("tls-server", "tls"), ("tls-client", "tls"), ("sign", "sign")):
            found = self._certificates[side, files]
            yield CertificateEntry(oin, OMGEVING, use, str(found.certificate), str(found.key))
        yield AansluitingEntry(oin, "ebms", OMGEVING, oin, {}, {})

    async def _spawn(self, side: str, *arguments: str) -> None:
        with (self.folder / f"{side}.log").open("ab") as log:
            self.processes[side] = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=PIPE, stdout=PIPE, stderr=log, env={**os.environ, "NO_COLOR": "1"}
            )

    async def _answer(self, side: str) -> dict[str, Any]:
        stdout = self.processes[side].stdout
        assert stdout is not None
        line = await stdout.readline()
        if not line:
            raise SystemExit(f"the {side} died: see {self.folder / f'{side}.log'}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _database(server_url: str, name: str) -> str:
    base = server_url.rpartition("/")[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{base}/{name}"


async def _stopped(process: Process) -> None:
    """End a process by the end of its input, and by force when that does not help."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
