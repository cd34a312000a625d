"""A trial installation in one folder: sandbox and gateway as real processes on loopback, over embedded PostgreSQL.

The demo, the journeys and the benches all run one. Layout of the folder:

    digikoppelaar.toml   the gateway's configuration      gateway/   its data folder (database, blobs)
    sandbox/             the sandbox's state folder       zaken/     the case folder
    *.log                what each process logged
"""

import asyncio
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from digikoppelaar.adapters.postgres import processes
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.config import Config, load
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.cpas import ImportChoice, Imported
from digikoppelaar.flows.ports.catch_up import Area
from digikoppelaar.flows.registration import AansluitingEntry, Entry
from digikoppelaar.wiring import apply_registration, import_cpa, open_database, open_stores

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 45.0
LOOK_EVERY: Final = 0.02
LISTENING_PORTS: Final = range(15_000, 32_000)

CONFIGURATION: Final = """\
data_folder = "gateway"

[endpoint.{omgeving}]
port = {endpoint}
partij = "{partij_oin}"
trust_anchors = ["{trust_anchor_file}"]
crls = ["{management_url}/pki/root.crl", "{management_url}/pki/domain.crl", "{management_url}/pki/tsp.crl"]

[management]
port = {management}

[web]
port = {web}
login = "none"
"""


class TrialError(DigikoppelaarError):
    """A part of the trial did not do what it should; its log says why."""

    default_advice = "Bekijk het genoemde logbestand."


PUBLISHING: Final = {
    "drafts_from": "2020-01-01",
    "automatic": "aanvraag",
}
"""Settings of an aansluiting whose notices go by themselves."""
PUBLISHING_AT_ONCE: Final = """
[publishing]
interval = 0.2
look_soonest = 0.2
timeout = 2.5
forsaken = 3
"""
EVERYWHERE: Final = {
    "type": "MultiPolygon",
    "coordinates": [[[[0, 300_000], [300_000, 300_000], [300_000, 640_000], [0, 640_000], [0, 300_000]]]],
}
"""The whole of RD."""


@dataclass(slots=True)
class Trial:
    """The installation in `folder`, which is made. An async context manager: leaving it stops what it started.

    `profile`, `retries` and `retry_interval` (seconds) go into the CPA; `settings` is TOML that is added to the
    configuration of the gateway.
    """

    folder: Path
    omgeving: str = "sandbox-pre"
    profile: str = "osb-rm-s"
    retries: int = 8
    retry_interval: float = 10.0
    settings: str = ""
    organisaties: Sequence[str] = ()
    """Authorities of the sandbox, as its option --organisatie has them; none: one gemeente."""
    country: Path | None = None
    """Or a country of the sandbox, with areas and behandeldiensten."""
    unconnected: bool = False
    """Whether nobody is connected at the start."""
    publishes: bool = False
    """Whether the notice of each application is published by itself, and at once: see `PUBLISHING`."""
    publishing: str = PUBLISHING_AT_ONCE
    """The table `publishing` of the configuration of one that does."""
    ports: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """sandbox.json, once the sandbox runs."""
    gateway: Process | None = None
    sandbox: Process | None = None
    _started: list[Process] = field(default_factory=list)
    _http: aiohttp.ClientSession | None = None
    _missing: str = ""
    """What the gateway said last of why it is not ready."""
    _stdin: tuple[int, int] | None = None
    """A pipe of which only we hold the writing end: it ends when we do, however that happens, also by SIGKILL."""

    async def __aenter__(self) -> Self:
        self._stdin = os.pipe()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*map(_stopped, self._started))
        if self._http:
            await self._http.close()
        for end in self._stdin or ():
            os.close(end)
        self._stdin = None

    @property
    def config_file(self) -> Path:
        """The gateway's configuration."""
        return self.folder / "digikoppelaar.toml"

    @property
    def config(self) -> Config:
        """The gateway's configuration, read."""
        return load(self.config_file)

    @property
    def case_folder(self) -> Path:
        """Where the folder case system puts verzoeken."""
        return self.folder / "zaken"

    @property
    def web_url(self) -> str:
        """The first page."""
        return f"http://127.0.0.1:{self.ports['web']}/"

    def log_file(self, name: str) -> Path:
        """What the process `name` (gateway, sandbox, migrate) logged."""
        return self.folder / f"{name}.log"

    # --- Setting up --------------------------------------------------------------------------------------

    async def start_sandbox(self) -> None:
        """Make the folders and start the sandbox; returns when it listens."""
        self.case_folder.mkdir(parents=True, exist_ok=True)
        self.ports = dict(zip(("endpoint", "management", "web"), free_ports(3), strict=True))
        self.sandbox = await self.spawn(
            "sandbox",
            *("sandbox", "serve", "--folder", str(self.folder / "sandbox"), "--case-folder", str(self.case_folder)),
            *("--gateway-endpoint", f"https://127.0.0.1:{self.ports['endpoint']}/ebms"),
            *("--omgeving", self.omgeving, "--profile", self.profile),
            *("--retries", str(self.retries), "--retry-interval", str(self.retry_interval)),
            *(part for organisatie in self.organisaties for part in ("--organisatie", organisatie)),
            *(("--country", str(self.country)) if self.country else ()),
            *(("--unconnected",) if self.unconnected else ()),
            *(("--publish-at-once",) if self.publishes else ()),
            "--until-stdin-ends",
        )
        facts = self.folder / "sandbox" / "sandbox.json"
        await self._until(self.sandbox, "sandbox", facts.exists)
        self.facts = json.loads(facts.read_text())

    async def migrate(self) -> None:
        """Make the database and its schema."""
        # Before the sandbox is there the configuration cannot be whole; the database needs the data folder only.
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "database.toml"
        file.write_text('data_folder = "gateway"\n')
        process = await self.spawn("migrate", "--config", str(file), "migrate")
        if await process.wait():
            raise TrialError(f"migrate failed; see {self.log_file('migrate')}")

    async def start(self) -> None:
        """Everything, from an empty folder to a gateway that is ready."""
        async with self.prepared():
            await self.start_gateway()

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Everything but the gateway, from an empty folder; its database runs as long as the block, and its users."""
        self.folder.mkdir(parents=True, exist_ok=True)
        async with open_database(Config(data_folder=self.folder / "gateway")):
            await asyncio.gather(self.migrate(), self.start_sandbox())
            await self.connect()
            yield

    async def connect(self) -> Imported:
        """Write the configuration, and put the sandbox's organisaties and CPAs on record; the first CPA comes back."""
        settings = self.settings + (self.publishing if self.publishes else "")
        self.config_file.write_text(CONFIGURATION.format(**self.facts, **self.ports) + settings)
        entries = read_file(Path(self.facts["organisatie_file"]))
        await apply_registration(self.config, list(map(self._by_itself, entries)), dry_run=False)
        if self.publishes:
            await self._put_areas()
        files = [Path(organisatie["cpa_file"]) for organisatie in self.facts["organisaties"]]
        choice = ImportChoice(omgeving=self.omgeving)
        imported = [await import_cpa(self.config, file.read_bytes(), choice) for file in files]
        return imported[0]

    def _by_itself(self, entry: Entry) -> Entry:
        if not (self.publishes and isinstance(entry, AansluitingEntry) and entry.publishing):
            return entry
        return replace(entry, publishing={**entry.publishing, **PUBLISHING})

    async def _put_areas(self) -> None:
        """Everybody decides everywhere: without an area no check knows whether a place lies in it."""
        async with open_stores(self.config) as stores:
            for each in self.facts["organisaties"]:
                area = Area(each["oin"], EVERYWHERE, hashlib.sha256(repr(EVERYWHERE).encode()).digest(), "trial")
                await stores.catch_up.put_area(area, SystemClock().now())

    async def start_gateway(self) -> Process:
        """Start the gateway; returns when it is ready."""
        await self.spawn_gateway()
        assert self.gateway is not None
        await self._until(self.gateway, "gateway", self._gateway_ready)
        return self.gateway

    async def spawn_gateway(self) -> None:
        """Start the gateway and do not wait for it."""
        self.gateway = await self.spawn("gateway", "--config", str(self.config_file), "serve", "--until-stdin-ends")

    async def stop_gateway(self) -> None:
        """Let the gateway end its work and stop."""
        if self.gateway:
            await _stopped(self.gateway)

    # --- What a trial is for -----------------------------------------------------------------------------

    async def submit(
        self, *, bijlagen: Sequence[int | str] = (), soort: str | None = None, count: int = 1, oin: str | None = None
    ) -> list[Any]:
        """Submit verzoeken in the sandbox, to the first organisatie when no OIN is given; what it says of them."""
        wish: dict[str, object] = {"bijlagen": list(bijlagen), "count": count}
        wish |= {name: value for name, value in (("soort", soort), ("oin", oin)) if value}
        async with self.http.post(f"{self.facts['management_url']}/verzoeken", json=wish) as answer:
            return list(await checked(answer))

    async def submitted(self, verzoeknummer: str | None = None) -> Any:
        """What the sandbox knows of one verzoek, or of all."""
        suffix = f"/{verzoeknummer}" if verzoeknummer else ""
        async with self.http.get(f"{self.facts['management_url']}/verzoeken{suffix}") as answer:
            return await checked(answer)

    async def fault(self, **wish: object) -> None:
        """Switch a fault on in the sandbox."""
        async with self.http.post(f"{self.facts['management_url']}/faults", json=wish) as answer:
            await checked(answer)

    async def struck(self) -> int:
        """How often the faults that are on have struck."""
        async with self.http.get(f"{self.facts['management_url']}/faults") as answer:
            return sum(fault["struck"] for fault in await checked(answer))

    async def no_faults(self) -> None:
        """Switch all faults off."""
        await self.http.delete(f"{self.facts['management_url']}/faults")

    async def sent(self) -> Mapping[str, int]:
        """Bytes of files that the sandbox sent, by kind."""
        async with self.http.get(f"{self.facts['management_url']}/sent") as answer:
            return dict(await checked(answer))

    async def refusals(self) -> list[Any]:
        """What the sandbox did not take."""
        async with self.http.get(f"{self.facts['management_url']}/refusals") as answer:
            return list(await checked(answer))

    async def signals(self) -> list[Any]:
        """What came in on the sandbox's ebMS endpoint, with its SHA-256."""
        async with self.http.get(f"{self.facts['management_url']}/signals") as answer:
            return list(await checked(answer))

    def case(self, verzoeknummer: str, volgnummer: int = 0, oin: str | None = None) -> Path:
        """Where a verzoek is delivered, whole or not at all; for the first organisatie when no OIN is given."""
        whose = oin or self.facts["organisatie_oin"]
        return self.case_folder / self.omgeving / whose / f"{verzoeknummer}-{volgnummer}"

    async def log_lines(self, name: str) -> AsyncIterator[Mapping[str, Any]]:
        """The JSON lines that a process logs, from the first on, for ever."""
        with self.log_file(name).open(encoding="utf-8") as log:
            rest = ""
            while True:
                rest += log.readline()
                if not rest.endswith("\n"):
                    await asyncio.sleep(LOOK_EVERY)
                    continue
                with suppress(ValueError):
                    yield json.loads(rest)
                rest = ""

    @property
    def http(self) -> aiohttp.ClientSession:
        """A session for the management ports."""
        assert self._http is not None, "a trial is an async context manager"
        return self._http

    async def spawn(self, name: str, *arguments: str, program: Sequence[str] = ("-m", "digikoppelaar")) -> Process:
        """Run `digikoppelaar` with these arguments, logging under this name, until it ends or the trial does.

        Another `program` is what Python gets before the arguments: a file, or `-m` and a module.
        """
        with self.log_file(name).open("ab") as log:
            # A session of its own: Ctrl-C is for whoever runs the trial, who then stops its parts in order.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(*program, *arguments),
                stdin=self._stdin[0] if self._stdin else DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    async def _until(self, process: Process, name: str, condition: Any) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            if process.returncode is not None:
                raise TrialError(f"{name} ended with status {process.returncode}; see {self.log_file(name)}")
            await asyncio.sleep(LOOK_EVERY)
        late = f"{name} was not ready within {START_SECONDS:g} s"
        raise TrialError(f"{late}{self._missing}; see {self.log_file(name)}")

    async def _gateway_ready(self) -> bool:
        url = f"http://127.0.0.1:{self.ports['management']}/health/ready"
        try:
            async with self.http.get(url) as answer:
                failed = (await answer.json())["failed"]
                self._missing = "".join(f"; {part}: {reason}" for part, reason in failed.items())
                return not failed
        except aiohttp.ClientError:
            return False


async def checked(answer: aiohttp.ClientResponse) -> Any:
    if answer.status >= 400:
        raise TrialError(f"the sandbox answered {answer.status}: {await answer.text()}")
    return await answer.json()


async def _stopped(process: Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different.

    Not those that the system gives to connections: one of them may take a port before somebody listens on it.
    """
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < count:
            with suppress(OSError):
                sockets.append(socket.create_server(("127.0.0.1", secrets.choice(LISTENING_PORTS))))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def peak_memory_mib(pid: int) -> float:
    """The most memory (VmHWM) that a running process ever had, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def seconds_since_start() -> float:
    """How long this process exists, by the kernel's account: imports count too."""
    ourselves = processes.find(os.getpid())
    assert ourselves is not None, "we run"
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - ourselves.started / os.sysconf("SC_CLK_TCK")
