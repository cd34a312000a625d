"""The case systems of `bench/intake.py`: the ZGW double as a process, one that is dead, folders; and what is in them.

What was lost or doubled is read here, from the case systems themselves: our own database is not asked.
"""

import asyncio
import hashlib
import json
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from intake_place import LOOK_EVERY

from digikoppelaar.adapters.casesystems.casefolder import DOCUMENT, DONE, MANIFEST

ROOT = Path(__file__).parent.parent
OURS = frozenset({DOCUMENT, DONE, MANIFEST})
"""What is in a case folder and did not come from DSO-LV."""
ZGW = """\
[[aansluiting.target]]
name = "zaak"
kind = "zgw"
[aansluiting.target.settings]
zaken_url = "{zaken}"
documenten_url = "{documenten}"
catalogi_url = "{catalogi}"
client_id = "{client_id}"
secret_file = "{secret_file}"
bronorganisatie = "{rsin}"
zaaktype = "OMGEVING-AANVRAAG"
informatieobjecttype = "Bijlage"
informatieobjecttypen = {{ xml = "Aanvraag", pdf = "Aanvraag" }}
roltype = {{ gemachtigde = "Gemachtigde", contactpersoon = "Contactpersoon" }}
veld = {{ verzoeknummer = "verzoeknummer", titel = "projectnaam", activiteiten = "activiteit" }}
"""


def folder_system(path: Path) -> str:
    """The target of an aansluiting that delivers into this folder."""
    return f'[[aansluiting.target]]\nname = "map"\nkind = "folder"\nsettings = {{ path = "{path}" }}'


@dataclass(slots=True)
class ZgwServer:
    """A running case system with the ZGW API's."""

    process: Process
    facts: Mapping[str, Any]
    secret_file: Path

    def case_system(self, base: str | None = None) -> str:
        """The target of an aansluiting that delivers into it, or into a server at another `base`."""
        urls = {api: str(self.facts[api]) for api in ("zaken", "documenten", "catalogi")}
        if base:
            urls = {api: f"{base}/{api}/api/v1/" for api in urls}
        return ZGW.format(**{**self.facts, **urls}, secret_file=self.secret_file)

    async def figures(self) -> Mapping[str, Any]:
        """What it says of itself; see tests/doubles/zgw/figures.py."""
        async with aiohttp.ClientSession() as http, http.get(self.facts["figures"]) as answer:
            return dict(await answer.json())


@asynccontextmanager
async def zgw_server(folder: Path, latency: float, calls: int) -> AsyncIterator[ZgwServer]:
    """Start it and stop it: `latency` seconds for each call, `calls` at once; its disk is not ours, so in memory."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory, (folder / "zgw.log").open("wb") as log:
        options = ("--folder", memory, "--latency", str(latency), "--calls", str(calls))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.doubles.zgw", *options),
            cwd=ROOT,
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            facts = await _facts(Path(memory) / "zgw.json", process)
            (folder / "secret").write_text(facts["secret"])
            yield ZgwServer(process, facts, folder / "secret")
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _facts(file: Path, process: Process) -> Mapping[str, Any]:
    while not file.exists():
        if process.returncode is not None:
            raise SystemExit("the case system ended; see zgw.log, with --keep")
        await asyncio.sleep(LOOK_EVERY)
    return dict(json.loads(file.read_text()))


@asynccontextmanager
async def dead_server() -> AsyncIterator[str]:
    """The address of a server that takes every connection and never answers."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@dataclass(slots=True)
class Found:
    """What case systems hold: how many cases of each verzoeknummer, and which files, by SHA-256, in them."""

    cases: Counter[str] = field(default_factory=Counter)
    files: Counter[tuple[str, str]] = field(default_factory=Counter)
    surplus: int = 0
    """What is there and in no case, or twice in one."""

    def lost(self, verzoeken: Mapping[str, Any]) -> int:
        """How many of these are not there, or not whole."""
        return sum(not self._whole(nummer, verzoeken) for nummer in verzoeken)

    def double(self, verzoeken: Mapping[str, Any]) -> int:
        """How much there is too much: cases, and files in them, also of what nobody sent."""
        wanted = Counter(key for nummer in verzoeken for key in _wanted(nummer, verzoeken).elements())
        return (self.cases - Counter(list(verzoeken))).total() + (self.files - wanted).total() + self.surplus

    def _whole(self, nummer: str, verzoeken: Mapping[str, Any]) -> bool:
        wanted = _wanted(nummer, verzoeken)
        return self.cases[nummer] > 0 and all(self.files[file] >= number for file, number in wanted.items())


def _wanted(nummer: str, verzoeken: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    return Counter((nummer, file["sha256"]) for file in verzoeken[nummer]["files"])


def in_zgw(found: Found, figures: Mapping[str, Any]) -> None:
    """Add what a ZGW server holds."""
    for zaak in figures["by_zaak"].values():
        nummer = zaak["kenmerken"][0]
        found.cases[nummer] += 1
        found.files.update((nummer, sha256) for sha256 in zaak["documents"])
    parts = ("eigenschappen", "rollen", "zaakobjecten", "statussen")
    found.surplus += figures["unlinked"] + figures["incomplete"]
    found.surplus += sum(figures["duplicates"][each] for each in parts)


def in_folder(found: Found, folder: Path) -> None:
    """Add what a folder holds. A hidden case counts: a second delivery under way is a double delivery."""
    for case in (file.parent for file in folder.rglob("verzoek.xml")):
        nummer = case.name.lstrip(".").partition("-")[0]
        found.cases[nummer] += 1
        found.files.update((nummer, sha256) for sha256 in _documents(case))


def _documents(case: Path) -> Iterator[str]:
    """The SHA-256 of each file of DSO-LV in a case; of a case without its marker, which nobody may read, none."""
    files = [file for file in case.rglob("*") if file.is_file() and file.name not in OURS]
    for file in files if (case / DONE).is_file() else ():
        with file.open("rb") as opened:
            yield hashlib.file_digest(opened, "sha256").hexdigest()
