"""The restore drill: back to the dump of an hour ago, with the case systems ahead of us (docs/howto/backup.md).

Real processes, a real pg_dump and pg_restore, blobs copied after the dump. What DSO-LV was told that we have, and what
case systems have already, must come to one zaak, one case folder and one document each, as if nothing had happened.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest_asyncio
from tests.doubles.zgw.double import Zaak, ZgwDouble
from tests.journeys import steps
from tests.journeys.casesystems import BOUW, EAST, WEST, Place, running_place, zaken_of

from digikoppelaar.adapters.postgres import binaries
from digikoppelaar.wiring import open_database

RING: Final = [[130_000, 440_000], [140_000, 440_000], [140_000, 455_000], [130_000, 455_000], [130_000, 440_000]]
"""Every place of the sandbox is in it."""
BIJLAGEN: Final[list[object]] = ["pdf", "txt"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(trial_folders: list[Path]) -> AsyncIterator[Place]:
    """An installation with case systems of three kinds, that can search DSO-LV."""
    async with running_place(trial_folders) as running:
        file = running.trial.folder / "gebied.json"
        file.write_text(json.dumps({"type": "Polygon", "coordinates": [RING]}))
        for oin in (WEST, EAST):
            told = await steps.gateway_command(
                running.trial, "verzoek", "area", "import", file, "--organisatie", oin, "--json"
            )
            assert told.document["polygons"] == 1
        yield running


async def test_after_a_restore_catch_up_brings_every_verzoek_back_and_doubles_nothing(place: Place) -> None:
    # Before the dump: delivered, and under way with a zaak of which nobody here knows yet.
    [known] = await place.submit(WEST, bijlagen=BIJLAGEN, activiteiten=[BOUW])
    await place.until(known, "delivered")
    [leaves] = await place.submit(WEST, bijlagen=BIJLAGEN, activiteiten=[BOUW])
    await place.until(leaves, "delivered")
    place.east.cut("POST zaken/zaken", carried_out=True, times=None)
    [under_way] = await place.submit(EAST, bijlagen=BIJLAGEN, activiteiten=[BOUW])
    await steps.eventually(lambda: _async(zaken_of(place.east, under_way)), what="the zaak is there")
    backup = await back_up(place, place.trial.folder / "backup")

    # After it: everything that DSO-LV hears from us that we have it.
    place.east.heal()
    await place.until(under_way, "delivered", EAST)
    fresh = await place.submit(WEST, bijlagen=BIJLAGEN, activiteiten=[BOUW], count=2)
    elsewhere = await place.submit(EAST, bijlagen=BIJLAGEN, activiteiten=[BOUW])
    for verzoek in fresh:
        await place.until(verzoek, "delivered")
    for verzoek in elsewhere:
        await place.until(verzoek, "delivered", EAST)
    supplement = await place.supplement(known, bijlagen=["png"])
    await place.until(supplement, "delivered")
    withdrawal = await place.withdraw(leaves)
    await place.until(withdrawal, "delivered")
    before = snapshot(place)

    await place.trial.stop_gateway()
    await restore(place, backup)
    assert await place.rows(fresh[0], WEST) == {}
    await place.trial.start_gateway()
    missed = await catch_up(place)
    assert missed == sorted(each["verzoeknummer"] for each in (*fresh, *elsewhere, known, leaves))

    for verzoek in (*fresh, supplement, withdrawal):
        await place.until(verzoek, "delivered")
    for verzoek in (*elsewhere, under_way):
        await place.until(verzoek, "delivered", EAST)
    assert await catch_up(place) == []
    assert snapshot(place) == before
    for verzoek in (known, *fresh):
        steps.assert_once(place.trial, verzoek)
        steps.assert_whole(place.trial, verzoek)


async def _async(found: Sequence[object]) -> Sequence[object]:
    return found


async def catch_up(place: Place) -> list[str]:
    """The numbers that a search of DSO-LV by hand found missing, in order; it was complete."""
    told = await steps.gateway_command(place.trial, "verzoek", "catch-up", "--omgeving", place.trial.omgeving, "--json")
    searched = [each for each in json.loads(told.out) if each["organisatie_oin"] in (WEST, EAST)]
    assert [each["problem"] for each in searched] == [None, None]
    return sorted(missed["verzoeknummer"] for each in searched for missed in each["missed"])


# --- backup and restore --------------------------------------------------------------------------------------


async def back_up(place: Place, folder: Path) -> Path:
    """As docs/howto/backup.md says: the database first, its blobs after it."""
    folder.mkdir()
    async with open_database(place.trial.config) as url:
        await _postgres("pg_dump", url(), "--format=custom", f"--file={folder / 'digikoppelaar.dump'}")
    blobs = place.trial.config.data_folder / "blobs"
    await asyncio.to_thread(shutil.copytree, blobs, folder / "blobs")
    return folder


async def restore(place: Place, backup: Path) -> None:
    """Put database and blobs back as they were, in the place of what there is."""
    async with open_database(place.trial.config) as url:
        name = urlsplit(url()).path.removeprefix("/")
        with psycopg.connect(url().replace(f"/{name}?", "/postgres?"), autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            server.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        await _postgres("pg_restore", url(), "--exit-on-error", str(backup / "digikoppelaar.dump"))
        with psycopg.connect(url()) as database:
            database.execute(_sql_of_the_how_to().encode())
    blobs = place.trial.config.data_folder / "blobs"
    await asyncio.to_thread(shutil.rmtree, blobs)
    await asyncio.to_thread(shutil.copytree, backup / "blobs", blobs)


def _sql_of_the_how_to() -> str:
    """Which lets no number be given out again."""
    how_to = Path(__file__).parents[2] / "docs" / "howto" / "backup.md"
    [block] = re.findall(r"```sql\n(.*?)```", how_to.read_text(), re.DOTALL)
    return str(block)


async def _postgres(program: str, url: str, *arguments: str) -> None:
    """Run a program of PostgreSQL; the password goes through the environment, not on the command line."""
    parts = urlsplit(url)
    path = binaries.installed() / "bin" / program
    where = (f"--host={parts.hostname}", f"--port={parts.port}", f"--username={parts.username}", "--no-password")
    ended = await asyncio.to_thread(
        subprocess.run,
        [path, *where, f"--dbname={parts.path.removeprefix('/')}", *arguments],
        env={**os.environ, "PGPASSWORD": parts.password or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


# --- what case systems have ----------------------------------------------------------------------------------


def snapshot(place: Place) -> Mapping[str, Any]:
    """Everything that the case systems have: each zaak, each document, each file, each request."""
    folder = place.trial.case_folder
    return {
        "west": _zaken(place.west),
        "east": _zaken(place.east),
        "objects": sorted(each["uuid"] for each in place.objecten.objects),
        "documents of objects": sorted(each.sha256 for each in place.archief.documenten),
        "supplier": sorted(place.supplier.documents),
        "uploads": sorted(place.supplier.files),
        "folder": sorted((str(file.relative_to(folder)), steps.sha256(file)) for file in folder.rglob("*.*")),
    }


def _zaken(double: ZgwDouble) -> list[tuple[Any, ...]]:
    return sorted(map(_zaak, double.zaken))


def _zaak(zaak: Zaak) -> tuple[Any, ...]:
    return (
        zaak.resource["identificatie"],
        sorted(document.sha256 for document in zaak.documenten),
        zaak.statussen,
        sorted(zaak.eigenschappen.items()),
        len(zaak.rollen),
        sorted(link["beschrijving"] for link in zaak.links),
    )
