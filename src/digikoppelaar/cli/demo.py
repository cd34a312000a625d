"""`digikoppelaar demo`: the main job on this machine, told step by step from what the real processes log."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import aiohttp
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from digikoppelaar import wiring
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json
from digikoppelaar.cli.run_folder import own_folder
from digikoppelaar.cli.serve import stop_on_signal
from digikoppelaar.cli.trial import Trial, TrialError, peak_memory_mib, seconds_since_start
from digikoppelaar.config import Config, default_data_folder
from digikoppelaar.flows.intake_states import VerzoekState
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving

LARGE: Final = 25 * 1000**2
BIJLAGEN: Final[tuple[int | str, ...]] = (LARGE, "pdf", "png", "txt", 180_000)
"""One of 25 MB, and some of the kinds that applicants send; sizes in bytes."""
KEPT: Final = 2
"""Folders of earlier runs that stay, to look into."""
GIVE_UP: Final = 120.0
"""Seconds after which a verzoek that is not delivered counts as failed."""
LOOK_EVERY: Final = 0.1
LAST_STEP: Final = 2.0
"""Seconds that the log of the gateway may lag behind the case folder."""


@dataclass(frozen=True, slots=True)
class BijlageResult:
    """`verified`: the file in the case folder has the SHA-256 that the sandbox generated."""

    naam: str
    bytes: int
    sha256: str
    verified: bool


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What happened; times in seconds from the start of the process, memory in MiB."""

    verzoeknummer: str
    message_id: str
    acknowledged: bool
    ebms_profile: str
    case_folder: str
    bijlagen: tuple[BijlageResult, ...]
    dossiernummer: str
    publicatie: str
    publicatie_url: str
    seconds_to_acknowledged: float
    seconds_to_delivered: float
    seconds_to_published: float
    gateway_rss_mib: float


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop when its notice is published.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to make the folders of the runs.")] = None,
    json: Json = False,
) -> None:
    """Show the main job: a vergunningaanvraag from a local DSO-LV arrives whole, and its notice is published."""
    base = folder or default_data_folder(Path.home(), root=os.geteuid() == 0) / "demo"
    asyncio.run(_demo(base, once=once, json=json))


async def _demo(base: Path, *, once: bool, json: bool) -> None:
    stop = stop_on_signal()
    teller = Teller(output.errors if json else output.console)
    with own_folder(base, KEPT) as own:
        async with Trial(own, publishes=True) as trial, _prepared(trial, teller):
            result = await _unless(stop, _main_job(trial, teller))
            if not once:
                if json:
                    output.print_json(asdict(result))
                teller.say("loket", f"submit another one: {trial.facts['loket_url']}")
                teller.say("web", f"look at it: {trial.web_url} (Ctrl-C stops everything)")
                await stop.wait()
            teller.say("demo", "stopping")
    if once and json:
        output.print_json(asdict(result))  # at the very end, so that it is the last line of both streams together


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, DemoResult]) -> DemoResult:
    """The result of `work`; raises KeyboardInterrupt when told to stop before."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        raise KeyboardInterrupt
    return await working


@asynccontextmanager
async def _prepared(trial: Trial, teller: "Teller") -> AsyncIterator[None]:
    """Sandbox and database, at the same time; then the gateway."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    config = Config(data_folder=trial.folder / "gateway")
    async with wiring.open_database(config):  # kept open, so that the server is not stopped between the steps
        teller.say("gateway", "PostgreSQL started")
        await asyncio.gather(trial.migrate(), trial.start_sandbox())
        teller.say("sandbox", f"DSO-LV and its PKIoverheid look-alike started ({trial.facts['omgeving']})")
        imported = await trial.connect()
        teller.say("gateway", f"{trial.facts['organisatie_naam']} on record; CPA {imported.cpa.agreement.cpa_id}")
        await trial.start_gateway()
        teller.say("gateway", f"listens for ebMS on port {trial.ports['endpoint']}, mutual TLS only")
        yield
        # The gateway must not lose its database before it has ended its work.
        await trial.stop_gateway()


async def _main_job(trial: Trial, teller: "Teller") -> DemoResult:
    [verzoek] = await trial.submit(bijlagen=BIJLAGEN)
    size = sum(file["bytes"] for file in verzoek["files"])
    count = sum(file["kind"] == "bijlage" for file in verzoek["files"])
    teller.say(
        "DSO-LV",
        f"{verzoek['type']} {verzoek['verzoeknummer']} submitted: XML, PDF and {count} bijlagen, {size / 1e6:.1f} MB",
    )
    telling = asyncio.create_task(teller.follow(trial))
    try:
        acknowledged_after, delivered_after = await asyncio.gather(
            _acknowledged(trial, verzoek, teller), _delivered(trial, verzoek, teller)
        )
        # The gateway logs its last step a moment after the case folder is there.
        await asyncio.wait({telling}, timeout=LAST_STEP)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        teller.end()
    notice = await _published(trial, verzoek["verzoeknummer"], teller)
    seconds = (acknowledged_after, delivered_after, seconds_since_start())
    result = await asyncio.to_thread(_result, trial, verzoek, notice, seconds)
    _tell_result(result, teller)
    return result


async def _published(trial: Trial, nummer: str, teller: "Teller") -> StoredKennisgeving:
    """The notice of the application, when it was found at KOOP."""
    told: set[str] = set()
    async with wiring.open_stores(trial.config) as stores:
        while True:
            for row in await stores.kennisgevingen.kennisgevingen(KennisgevingFilter(verzoeknummer=nummer, limit=1)):
                if row.state not in told and (text := _NOTICE.get(KennisgevingState(row.state))):
                    teller.say("KOOP", text.format(row=row))
                    told.add(row.state)
                if row.publication:
                    return row
            await _look_again(trial, nummer, "published")
            await asyncio.sleep(LOOK_EVERY)


_NOTICE: Final = {
    KennisgevingState.ACCEPTED: "notice drafted, checked and sent over 3PAS: dossier {row.dossiernummer}",
    KennisgevingState.PUBLISHED: "published and found again: {row.publication.number}, {row.publication.url}",
}


async def _acknowledged(trial: Trial, verzoek: Mapping[str, Any], teller: "Teller") -> float:
    nummer = verzoek["verzoeknummer"]
    while not await _is_acknowledged(trial, nummer):
        await _look_again(trial, nummer, "acknowledged")
    teller.say("DSO-LV", "has the signed acknowledgment")
    return seconds_since_start()


async def _is_acknowledged(trial: Trial, nummer: str) -> bool:
    try:
        return bool((await trial.submitted(nummer))["acknowledged"])
    except aiohttp.ClientError:
        return False  # the sandbox ended, or is about to


async def _delivered(trial: Trial, verzoek: Mapping[str, Any], teller: "Teller") -> float:
    nummer = verzoek["verzoeknummer"]
    while not trial.case(nummer).is_dir():
        await _look_again(trial, nummer, VerzoekState.DELIVERED)
    seconds = seconds_since_start()
    teller.say("case", f"{trial.case(nummer)}")
    return seconds


async def _look_again(trial: Trial, nummer: str, wanted: str) -> None:
    if seconds_since_start() > GIVE_UP:
        raise TrialError(f"verzoek {nummer} is not {wanted} after {GIVE_UP:g} s; see {trial.log_file('gateway')}")
    for name, process in (("gateway", trial.gateway), ("sandbox", trial.sandbox)):
        if process is not None and process.returncode is not None:
            raise TrialError(f"the {name} ended; see {trial.log_file(name)}")
    await asyncio.sleep(0.02)


def _result(
    trial: Trial, verzoek: Mapping[str, Any], notice: StoredKennisgeving, seconds: tuple[float, float, float]
) -> DemoResult:
    assert trial.gateway is not None
    assert notice.publication, "it was waited for"
    acknowledged, delivered, published = seconds
    case = trial.case(verzoek["verzoeknummer"])
    result = DemoResult(
        verzoeknummer=verzoek["verzoeknummer"],
        message_id=verzoek["message_id"],
        acknowledged=True,
        ebms_profile=trial.profile,
        case_folder=str(case),
        bijlagen=tuple(_verified(case, file) for file in verzoek["files"] if file["kind"] == "bijlage"),
        dossiernummer=notice.dossiernummer or "",
        publicatie=notice.publication.number,
        publicatie_url=notice.publication.url,
        seconds_to_acknowledged=round(acknowledged, 2),
        seconds_to_delivered=round(delivered, 2),
        seconds_to_published=round(published, 2),
        gateway_rss_mib=round(peak_memory_mib(trial.gateway.pid), 1),
    )
    if broken := [bijlage.naam for bijlage in result.bijlagen if not bijlage.verified]:
        raise TrialError(f"not the same in the case folder {case}: {len(broken)} bijlagen")
    return result


def _verified(case: Path, generated: Mapping[str, Any]) -> BijlageResult:
    """Compare a file in the case folder with what the sandbox generated; the manifest only says where to look."""
    manifest = json.loads((case / "manifest.json").read_text())
    paths = [each["pad"] for each in manifest["bestanden"] if each["documentId"] == generated["document_id"]]
    found = _sha256(case / paths[0]) if paths else ""
    return BijlageResult(generated["naam"], generated["bytes"], generated["sha256"], found == generated["sha256"])


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _tell_result(result: DemoResult, teller: "Teller") -> None:
    whole = sum(bijlage.verified for bijlage in result.bijlagen)
    teller.say(
        "demo",
        f"{whole} of {len(result.bijlagen)} bijlagen have the SHA-256 that DSO-LV generated; "
        f"gateway used {result.gateway_rss_mib:.0f} MiB",
    )


@dataclass(slots=True)
class Teller:
    """Tells steps, one line each with its time, and a bar for a large file."""

    console: Console
    _bar: Progress | None = None
    _files: dict[int, TaskID] = field(default_factory=dict)

    def say(self, who: str, what: str) -> None:
        """One line."""
        console = self._bar.console if self._bar else self.console
        console.print(f"{seconds_since_start():6.2f} s  {who:<8} {what}", markup=False)

    async def follow(self, trial: Trial) -> None:
        """Tell what the gateway logs, up to the delivery."""
        async for line in trial.log_lines("gateway"):
            match line:
                case {"event": "message_decided", "decision": "Accept"}:
                    self.say("gateway", "notification received over mutual TLS, checked and stored")
                case {"event": "attempt_made", "status": int(status)} if 200 <= status < 300:
                    self.say("gateway", f"acknowledgment sent (HTTP {status})")
                case {"event": "file_progress", "file": int(file), "done": int(done), "total": int(total)}:
                    self._progress(file, done, total)
                case {"event": "verzoek_fetched", "files": int(files)}:
                    self.say("gateway", f"verzoek fetched over REST: {files} files")
                case {"event": "verzoek_delivered"}:
                    self.say("gateway", "delivered into the case folder")
                    return
                case {"event": "step_failed", "reason": str(reason)}:
                    self.say("gateway", f"not yet: {reason}")

    def end(self) -> None:
        """No more bars."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _progress(self, file: int, done: int, total: int) -> None:
        if not self.console.is_terminal:  # a bar would come at the end, out of its turn
            if done >= total:
                self.say("gateway", f"large file fetched: {total / 1e6:.1f} MB")
            return
        if self._bar is None:
            columns = (
                TextColumn("          gateway  large file"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
            )
            self._bar = Progress(*columns, console=self.console)
            self._bar.start()
        if file not in self._files:
            self._files[file] = self._bar.add_task("", total=total)
        self._bar.update(self._files[file], completed=done)
