"""`digikoppelaar demo --once --json`: what a visitor runs first, as the visitor runs it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.journeys.steps import command, eventually, new_folder, remove, sha256

from digikoppelaar.adapters.postgres import processes

KEYS = {
    "verzoeknummer",
    "message_id",
    "acknowledged",
    "ebms_profile",
    "case_folder",
    "bijlagen",
    "dossiernummer",
    "publicatie",
    "publicatie_url",
    "seconds_to_acknowledged",
    "seconds_to_delivered",
    "seconds_to_published",
    "gateway_rss_mib",
}
LARGE = 25_000_000
TOLD = 60.0
"""Seconds within which the demo tells any of its steps."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes the folder of its run."""
    made = new_folder()
    yield made
    remove([made])


async def test_the_demo_delivers_tells_every_step_and_ends_with_one_json_object(folder: Path) -> None:
    output = await command("demo", "--once", "--json", "--folder", folder)
    assert output.status == 0
    result = json.loads(output.out.splitlines()[-1])
    assert set(result) == KEYS
    assert (result["acknowledged"], result["ebms_profile"]) == (True, "osb-rm-s")
    assert max(bijlage["bytes"] for bijlage in result["bijlagen"]) == LARGE
    files = {sha256(file) for file in Path(result["case_folder"]).rglob("*") if file.is_file()}
    for bijlage in result["bijlagen"]:
        assert bijlage["verified"]
        assert bijlage["sha256"] in files
    assert 0 < result["seconds_to_acknowledged"] <= result["seconds_to_delivered"] <= result["seconds_to_published"]
    assert result["publicatie"].startswith("gmb-")
    assert result["publicatie_url"].startswith("http://127.0.0.1:")
    assert f"dossier {result['dossiernummer']}" in output.err
    for told in ("PostgreSQL started", "submitted", "acknowledgment sent", "delivered into the case folder"):
        assert told in output.err
    assert "Traceback" not in output.err


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[Process]:
    """A demo that goes on until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "digikoppelaar", "demo", "--folder", str(folder), *options),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def tells(process: Process, what: str) -> None:
    assert process.stdout
    async with asyncio.timeout(TOLD):
        while what not in (line := (await process.stdout.readline()).decode()):
            assert line, f"it ended before it told: {what}"


def at_work(folder: Path, *words: str) -> set[int]:
    """The processes of this demo but itself, and its PostgreSQL; with `words` those that were started so."""
    commands = {int(entry.name): processes.command(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found = {pid for pid, line in commands.items() if str(folder) in " ".join(line) and {"serve", *words} <= {*line}}
    postmasters = {int(file.read_text().split()[0]) for file in folder.glob("*/gateway/postgres/server/data/*.pid")}
    return found if words else found | {pid for pid in postmasters if processes.find(pid)}


async def test_nothing_of_a_demo_that_was_killed_lives_on(folder: Path) -> None:
    async with demo(folder) as process:
        await tells(process, "look at it")
        assert len(at_work(folder)) == 3, "sandbox, gateway and PostgreSQL"
        process.kill()

        async def left() -> set[int]:
            return at_work(folder)

        await eventually(left, lambda pids: not pids, "its children noticed")


@pytest.mark.parametrize("part", ["sandbox", "gateway"])
async def test_a_demo_that_loses_a_part_ends_with_the_reason(folder: Path, part: str) -> None:
    async with demo(folder, "--once") as process:
        await tells(process, "submitted")
        words = ("sandbox",) if part == "sandbox" else ("--config",)
        for pid in at_work(folder, *words):
            os.kill(pid, signal.SIGKILL)
        _, err = await asyncio.wait_for(process.communicate(), TOLD)
    assert process.returncode == 1
    assert f"error: the {part} ended; see {folder}" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_folder_that_cannot_be_made_is_one_clear_line(folder: Path) -> None:
    (folder / "file").touch()
    output = await command("demo", "--once", "--folder", folder / "file")
    assert output.status == 1
    assert output.err.splitlines()[0] == f"error: {folder / 'file'}: File exists"
