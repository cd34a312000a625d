"""What journeys are made of: a running trial, waiting for what must come, and a look at what arrived."""

import asyncio
import atexit
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.journeys import forked

from digikoppelaar.adapters.postgres.embedded import acquire
from digikoppelaar.adapters.postgres.migrate import migrate
from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.reading import Direction, MessageFilter, MessagePage, VerzoekFilter, VerzoekRow
from digikoppelaar.wiring import Stores

DEADLINE: Final = 30.0
"""Seconds that anything may take; what is waited for comes within a few."""
LOOK_EVERY: Final = 0.02
SETTINGS: Final = """
[sender]
timeout = 2
"""
"""Short time-outs, for a facility that says nothing is waited for in these tests."""

Verzoek = Mapping[str, Any]
"""What the sandbox's management port says of a submitted verzoek."""
T = TypeVar("T")


def new_folder() -> Path:
    """Not in tmp_path: as root PostgreSQL runs under another account, which may not enter pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-journey-"))
    folder.chmod(0o711)
    return folder


@cache
def _prepared_database(owner: int) -> Path:
    """The folder of a stopped PostgreSQL with the schema, only to be copied; made once by each process."""
    del owner
    folder = new_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    lease = acquire(folder)
    try:
        migrate(lease.url)
    finally:
        lease.release()
    return folder


class PreparedTrial(Trial):
    """A trial of which the database was copied; the demo and the rehearsals make theirs from nothing."""

    __slots__ = ()

    async def migrate(self) -> None:
        """The schema came along with the copy."""


def new_trial(folders: list[Path], *, profile: str = "osb-rm-s", settings: str = SETTINGS) -> Trial:
    """A trial in a folder of its own, which is added to `folders` and stays; nothing runs yet."""
    folders.append(new_folder())
    (folders[-1] / "gateway").mkdir(0o711)
    # cp keeps the owner, for as root PostgreSQL runs under another account.
    subprocess.run(["cp", "-a", _prepared_database(os.getpid()), folders[-1] / "gateway" / "postgres"], check=True)
    return PreparedTrial(folders[-1], profile=profile, retries=60, retry_interval=0.5, settings=settings)


@asynccontextmanager
async def running_trial(folders: list[Path], *, settings: str = SETTINGS) -> AsyncIterator[Trial]:
    """A new trial: sandbox, PostgreSQL and gateway."""
    async with new_trial(folders, settings=settings) as trial:
        await trial.start()
        yield trial


@asynccontextmanager
async def without_faults(trial: Trial) -> AsyncIterator[Trial]:
    """The trial with all faults switched off before and after."""
    await trial.no_faults()
    yield trial
    await trial.no_faults()


def remove(folders: Sequence[Path]) -> None:
    """Remove what trials left."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


# --- Waiting -------------------------------------------------------------------------------------------------


async def eventually(
    look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool] = bool, what: str = "", seconds: float = DEADLINE
) -> T:
    """What `look` sees, as soon as it is wanted; fails after `seconds` with what it saw last."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not wanted(seen := await look()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or wanted}; last seen: {seen}")
        await asyncio.sleep(LOOK_EVERY)
    return seen


async def delivered(trial: Trial, *verzoeken: Verzoek) -> None:
    """Wait until these are in the case folder."""

    async def missing() -> list[str]:
        return [v["verzoeknummer"] for v in verzoeken if not trial.case(v["verzoeknummer"]).is_dir()]

    await eventually(missing, lambda nummers: not nummers, "every verzoek is in the case folder")


async def acknowledged(trial: Trial, verzoek: Verzoek) -> Verzoek:
    """Wait until DSO-LV has the acknowledgment; what it says of the verzoek then."""

    async def look() -> Verzoek:
        found: Verzoek = await trial.submitted(verzoek["verzoeknummer"])
        return found

    return await eventually(look, lambda seen: bool(seen["acknowledged"]), "DSO-LV has the acknowledgment")


async def struck(trial: Trial, times: int = 1) -> None:
    """Wait until the faults that are on have struck so often."""
    await eventually(trial.struck, lambda number: number >= times, f"{times} strikes")


async def logged(trial: Trial, name: str, wanted: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """The first line of this log that is wanted."""
    async with asyncio.timeout(DEADLINE):
        async for line in trial.log_lines(name):
            if wanted(line):
                return line
    raise AssertionError("a log never ends")


# --- Looking -------------------------------------------------------------------------------------------------


async def listed(stores: Stores, verzoek: Verzoek) -> VerzoekRow:
    """The only row of this verzoek in the list."""
    [row] = await stores.reading.verzoeken(VerzoekFilter(verzoeknummer=verzoek["verzoeknummer"]))
    return row


async def in_state(stores: Stores, verzoek: Verzoek, state: str) -> VerzoekRow:
    """Wait until this verzoek is listed, in this state."""

    async def look() -> list[VerzoekRow]:
        return list(await stores.reading.verzoeken(VerzoekFilter(verzoeknummer=verzoek["verzoeknummer"])))

    [row] = await eventually(look, lambda rows: [row.state for row in rows] == [state], f"one row, {state}")
    return row


async def answered(stores: Stores, verzoek: Verzoek, attempts: int = 1) -> MessagePage:
    """Wait until the one answer to the notification of this verzoek was transferred, after so many attempts or more."""

    async def look() -> list[MessagePage]:
        rows = await stores.reading.messages(MessageFilter(direction=Direction.OUT))
        answers = [row for row in rows if row.ref_to_message_id == verzoek["message_id"]]
        pages = [await stores.reading.message(row.direction, row.id) for row in answers]
        return [page for page in pages if page is not None]

    def settled(pages: list[MessagePage]) -> bool:
        return [page.message.state for page in pages] == ["delivered"] and len(pages[0].attempts) >= attempts

    [answer] = await eventually(look, settled, "one answer, transferred")
    return answer


async def assert_same_answer(trial: Trial, stores: Stores, verzoek: Verzoek, times: int) -> None:
    """The one answer to the notification of this verzoek came in at DSO-LV so often or more, with the same bytes."""
    answer = await answered(stores, verzoek, attempts=times)
    digest = hashlib.sha256(answer.document).hexdigest()
    assert sum(signal["sha256"] == digest for signal in await trial.signals()) >= times


def assert_whole(trial: Trial, verzoek: Verzoek) -> None:
    """In the case folder is exactly what the sandbox generated, with verzoek.json, manifest and done-marker."""
    case = trial.case(verzoek["verzoeknummer"])
    content = (case / "manifest.json").read_bytes()
    assert (case / "gereed").read_text().strip() == hashlib.sha256(content).hexdigest()
    entries = {entry["documentId"]: entry for entry in json.loads(content)["bestanden"]}
    for generated in verzoek["files"]:
        entry = entries[generated["document_id"]]
        found = case / entry["pad"]
        assert (found.stat().st_size, sha256(found)) == (generated["bytes"], generated["sha256"])
        assert (entry["sha256"], entry["naam"]) == (generated["sha256"], generated["naam"])
    expected = {"gereed", "manifest.json", "verzoek.json", *(entry["pad"] for entry in entries.values())}
    assert {str(path.relative_to(case)) for path in case.rglob("*") if path.is_file()} == expected
    assert len(entries) == len(verzoek["files"])
    assert json.loads((case / "verzoek.json").read_text())["verzoeknummer"] == verzoek["verzoeknummer"]


def assert_once(trial: Trial, *verzoeken: Verzoek) -> None:
    """Each of these is in the case folder once, a delivery under way included."""
    copies = Counter(sha256(file) for file in trial.case_folder.rglob("verzoek.xml"))
    for verzoek in verzoeken:
        [document] = [file["sha256"] for file in verzoek["files"] if file["kind"] == "xml"]
        assert copies[document] == 1


def sha256(file: Path) -> str:
    """In hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# --- The command line ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document of a command that went well."""
        assert (self.status, self.err) == (0, "")
        [line] = self.out.splitlines()
        return json.loads(line)


async def command(*arguments: str | Path) -> Output:
    """Run `digikoppelaar` with these arguments."""
    return Output(*await asyncio.to_thread(forked.run, list(map(str, arguments))))


async def gateway_command(trial: Trial, *arguments: str | Path) -> Output:
    """Run `digikoppelaar` with the configuration of the trial's gateway."""
    return await command("--config", trial.config_file, *arguments)
