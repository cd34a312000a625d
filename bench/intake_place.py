"""The installation that `bench/intake.py` loads: a gateway with many organisaties, its DSO-LV, and what they cost."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.trial import Trial, peak_memory_mib
from digikoppelaar.config import Config
from digikoppelaar.flows.announce import announce
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.sandbox.verzoek_document import notification_xml
from digikoppelaar.wiring import Stores, apply_registration, open_database, open_stores

OMGEVING = "sandbox-pre"
LOOK_EVERY = 0.1
COUNT_EVERY = 0.5
"""Seconds between two counts of what is delivered: counting takes of the machine what the gateway does not get."""
GIVE_UP = 900.0
"""Seconds without an end after which a phase is stuck."""
TICKS = os.sysconf("SC_CLK_TCK")

CONFIGURATION = """\
data_folder = "gateway"
log_level = "{log_level}"

[management]
port = 0

[endpoint.sandbox-pre]
port = 0
partij = "{partij_oin}"
trust_anchors = ["{trust_anchor_file}"]
crls = ["{crls_file}"]

[worker]
{worker}
"""
REGISTRATION = """\
[[partij]]
oin = "{partij_oin}"
naam = "Proefleverancier"
[[partij.certificate]]
omgeving = "sandbox-pre"
uses = ["tls-server", "tls-client"]
certificate_file = "{tls_certificate_file}"
key_file = "{tls_key_file}"
"""
ORGANISATIE = """
[[organisatie]]
oin = "{oin}"
naam = "{naam}"
bestuurslaag = "gemeente"
[[machtiging]]
omgeving = "sandbox-pre"
gemachtigde_oin = "{partij_oin}"
namens_oin = "{oin}"
since = 2026-01-01
recorded_by = "bench"
[[aansluiting]]
organisatie_oin = "{oin}"
kind = "stam"
omgeving = "sandbox-pre"
partij_oin = "{partij_oin}"
[aansluiting.dso]
base_url = "{rest_base_url}"
api_key_file = "{api_key_file}"
{case_system}
"""
_BEGUN = "SELECT count(*) AS number FROM verzoek"
_DELIVERED = "SELECT count(*) AS number FROM verzoek WHERE state = 'delivered'"
_IN_FLIGHT = "SELECT count(*) AS number FROM verzoek WHERE state IN ('fetching', 'waiting', 'fetched')"
_LAST_WORKER = """\
SELECT last.id AS worker, count(job.id) AS jobs
FROM (SELECT coalesce(max(id), 0) AS id FROM procrastinate_workers) AS last
LEFT JOIN procrastinate_jobs AS job ON job.worker_id = last.id AND job.status = 'doing'
GROUP BY last.id
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is set up: how much DSO-LV has, the targets of an OIN as TOML, and table `worker` of the gateway."""

    organisaties: int
    verzoeken: int
    bijlagen: int
    case_system: Callable[[str], str]
    worker: str
    log_level: str = "warning"


@dataclass(slots=True)
class Installation:
    """A gateway with many organisaties, and DSO-LV for it, in a folder of its own."""

    folder: Path
    trial: Trial
    stores: Stores
    country: Mapping[str, Any]
    dso: asyncio.subprocess.Process
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    _peak_mib: float = 0.0
    """Of the processes of the gateway that were killed."""

    @property
    def verzoeken(self) -> Mapping[str, Any]:
        """By verzoeknummer what DSO-LV has: `oin`, and `files` with `kind` and `sha256`."""
        found: Mapping[str, Any] = self.country["verzoeken"]
        return found

    async def announce(self, numbers: Sequence[str]) -> None:
        """Store the notification of these verzoeken, as if it had come."""
        of: dict[str, Aansluiting] = {each.organisatie_oin: each for each in await self.stores.registry.aansluitingen()}
        for nummer in numbers:
            whose = of[self.verzoeken[nummer]["oin"]]
            await announce(self.stores.verzoeken, whose, notification_xml(nummer), SystemClock().now())

    async def start_worker(self) -> asyncio.subprocess.Process:
        """Start a worker and do not wait for it."""
        options = ("--config", str(self.trial.config_file), "serve", "--role", "worker", "--until-stdin-ends")
        worker = await self.trial.spawn("worker", *options)
        self.workers.append(worker)
        return worker

    async def kill(self, worker: asyncio.subprocess.Process) -> None:
        """With SIGKILL, in the middle of whatever it does."""
        self._peak_mib = self.peak_rss_mib()
        worker.kill()
        await worker.wait()

    async def row(self, query: str) -> Mapping[str, Any]:
        """The only row that a query gives."""
        async with transaction(self.stores.pool) as connection:
            [row] = await (await connection.execute(query)).fetchall()
        return dict(row)

    async def count(self, query: str) -> int:
        """What a query gives that counts."""
        return int((await self.row(query))["number"])

    async def in_flight(self) -> int:
        """How many verzoeken are begun and not delivered."""
        return await self.count(_IN_FLIGHT)

    async def at_work(self) -> tuple[int, int]:
        """Which worker began last, by its number in the queue, and how many jobs it has now."""
        row = await self.row(_LAST_WORKER)
        return int(row["worker"]), int(row["jobs"])

    async def until_at_work(self, after: int) -> None:
        """Wait until a worker that began after this one has a job."""
        while (await self.at_work())[0] <= after or not (await self.at_work())[1]:
            await asyncio.sleep(LOOK_EVERY)

    async def delivered(self) -> int:
        """How many verzoeken are delivered."""
        return await self.count(_DELIVERED)

    async def until_begun(self) -> None:
        """Wait until the worker has taken up its first verzoek."""
        while not await self.count(_BEGUN):
            await asyncio.sleep(LOOK_EVERY)

    async def until_delivered(self, wanted: int, seconds: float = GIVE_UP, every: float = LOOK_EVERY) -> int:
        """Wait for at least this many, not longer than `seconds`; how many there are. It looks `every` so often."""
        deadline, told = time.monotonic() + seconds, time.monotonic()
        while (done := await self.count(_DELIVERED)) < wanted and time.monotonic() < deadline:
            if time.monotonic() - told > 5:
                tell(f"{done} of {wanted} delivered")
                told = time.monotonic()
            await asyncio.sleep(every)
        return done

    def peak_rss_mib(self) -> float:
        """The most that any process of the gateway ever had, if it still runs or `kill` ended it."""
        return max([self._peak_mib, *map(peak_memory_mib, self._gateway())])

    def cpu_seconds(self) -> dict[str, float]:
        """Seconds of processor that each part took so far: gateway, PostgreSQL, DSO-LV."""
        return {
            "gateway": sum(map(cpu_of, self._gateway())),
            "postgres": sum(map(cpu_of, tree(self._postmaster()))),
            "dso": cpu_of(self.dso.pid),
        }

    def _gateway(self) -> list[int]:
        return [pid for each in self.workers if each.returncode is None for pid in tree(each.pid)]

    def _postmaster(self) -> int:
        [file] = (self.folder / "gateway" / "postgres").rglob("postmaster.pid")
        return int(file.read_text().split()[0])


def cpu_of(pid: int) -> float:
    """Seconds of processor of a process and of the children that it outlived (fields 14 to 17 of proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def tree(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(each) for task in tasks for each in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in tree(child))]


@asynccontextmanager
async def installation(folder: Path, terms: Terms) -> AsyncIterator[Installation]:
    """Everything but a worker."""
    (folder / "country").mkdir(parents=True)
    async with Trial(folder) as trial, open_database(Config(data_folder=folder / "gateway")):
        dso = await _start_dso(trial, folder / "country", terms)
        await trial.migrate()
        country = await _facts(folder / "country" / "country.json", dso)
        trial.config_file.write_text(CONFIGURATION.format(**country, worker=terms.worker, log_level=terms.log_level))
        entries = [REGISTRATION.format(**country)]
        for oin, naam in country["organisaties"].items():
            entries.append(ORGANISATIE.format(**country, oin=oin, naam=naam, case_system=terms.case_system(oin)))
        (folder / "organisatie.toml").write_text("".join(entries))
        await apply_registration(trial.config, read_file(folder / "organisatie.toml"), dry_run=False)
        async with open_stores(trial.config) as stores:
            yield Installation(folder, trial, stores, country, dso)


async def _start_dso(trial: Trial, folder: Path, terms: Terms) -> asyncio.subprocess.Process:
    numbers = {"--organisaties": terms.organisaties, "--verzoeken": terms.verzoeken, "--bijlagen": terms.bijlagen}
    options = [str(part) for option in numbers.items() for part in option]
    program = (str(Path(__file__).with_name("intake_country.py")),)
    return await trial.spawn("dso", "--folder", str(folder), *options, program=program)


async def _facts(file: Path, dso: asyncio.subprocess.Process) -> dict[str, Any]:
    while not file.exists():
        if dso.returncode is not None:
            raise SystemExit(f"DSO-LV ended; see dso.log in {file.parent.parent}")
        await asyncio.sleep(LOOK_EVERY)
    return dict(json.loads(file.read_text()))


def tell(text: str) -> None:
    """Progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
