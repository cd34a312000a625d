"""An installation whose notices a person approves, and a KOOP that has them and publishes when it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.journeys.steps import eventually
from tests.unit.drop.notices import KENNISGEVING
from typer.testing import CliRunner

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.app import app, told
from digikoppelaar.cli.trial import Trial
from digikoppelaar.drop.document import to_document
from digikoppelaar.drop.model import Alinea, AlsPunt, Data, Kennisgeving, Stuk
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.registration import AansluitingEntry, CertificateEntry, Entry, PartijEntry
from digikoppelaar.publishing import desk
from digikoppelaar.wiring import Stores, apply_registration

TEMPLATES: Final = "sjablonen"
"""The folder with templates of this installation, beside its configuration."""
PUBLISHING: Final = f"""
[publishing]
interval = 0.2
look_soonest = 0.2
timeout = 1.5
forsaken = 60
templates = "{TEMPLATES}"
"""
COLLEAGUE: Final = "een medewerker"


async def koop(trial: Trial, what: str) -> list[Any]:
    """What the KOOP of the sandbox says at its management port."""
    async with trial.http.get(f"{trial.facts['management_url']}/koop/{what}") as answer:
        return list(await answer.json())


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed to a person, and its exit status."""

    status: int
    text: str
    """Of an error: what went wrong, and on the next line what to do."""

    def field(self, name: str) -> str:
        """The value behind a name, of a command that shows one thing."""
        lines = (line.partition(" ") for line in self.text.splitlines())
        return next((value.strip() for key, _, value in lines if key == name), "")


@dataclass(frozen=True, slots=True)
class Notices:
    """What a colleague of the gemeente can do, and what KOOP says of it."""

    trial: Trial
    stores: Stores
    publisher: Aansluiting
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    # --- The desk ----------------------------------------------------------------------------------------------------

    def notice(self, **changed: Any) -> Kennisgeving:
        """A good one, about a case of its own."""
        case, oin = f"Z2026-{next(self.numbers):06}", self.publisher.organisatie_oin
        text = Alinea((Stuk(f"Zaak {case}: kappen van een boom. Vragen? Bel 14 0123."),))
        assert self.publisher.publishing
        good = replace(
            KENNISGEVING,
            publicist=replace(KENNISGEVING.publicist, oin=oin, naam=self.publisher.publishing.naam),
            behandelaar_oin=oin,
            titel=f"Aanvraag kappen van een boom, zaak {case}",
            tekst=(text,),
            referentienummer=case,
            locaties=(AlsPunt((155000.0, 463000.0)),),
            data=Data(ontvangst=date(2026, 6, 1)),
        )
        return replace(good, **changed)

    async def planned(self, **changed: Any) -> StoredKennisgeving:
        """One that was drafted and approved, whatever the checks say."""
        made = await self.drafted(**changed)
        return await self._desk().approve(made.id, self._who(), override="proef")

    async def drafted(self, **changed: Any) -> StoredKennisgeving:
        """One that waits for somebody."""
        return (await self._desk().draft(self.notice(**changed), self.publisher, self._who()))[0]

    def _desk(self) -> Desk:
        return desk(self.trial.config, self.stores, [self.publisher], SystemClock())

    def _who(self) -> Who:
        return Who(COLLEAGUE, SystemClock().now())

    async def row(self, kennisgeving_id: int) -> StoredKennisgeving:
        """As it is now."""
        return await self.stores.kennisgevingen.kennisgeving(kennisgeving_id)

    async def documents(self) -> Mapping[int, object]:
        """The text of every one, by its number."""
        rows = await self.stores.kennisgevingen.kennisgevingen(KennisgevingFilter(limit=1000))
        return {row.id: row.document for row in rows}

    async def in_state(self, kennisgeving_id: int, state: str) -> StoredKennisgeving:
        """Wait until it is in this state, and was tried to be sent unless it is a draft."""
        return await eventually(
            lambda: self.row(kennisgeving_id),
            lambda row: row.state == state and (row.attempts > 0 or state == "draft"),
            state,
        )

    async def command(self, *arguments: str | Path) -> Printed:
        """`digikoppelaar kennisgeving` with these arguments, and what a person sees."""
        return await asyncio.to_thread(self._run, ["--config", str(self.trial.config_file), "kennisgeving"], arguments)

    def _run(self, before: list[str], arguments: tuple[str | Path, ...]) -> Printed:
        result = CliRunner().invoke(app, [*before, *map(str, arguments)])
        if result.exception is None or isinstance(result.exception, SystemExit):
            return Printed(result.exit_code, result.output)
        assert isinstance(result.exception, Exception)
        return Printed(1, "\n".join(told(result.exception)))

    def template(self, name: str = "regulier-aanvraag.txt") -> Path:
        """A file in the folder with templates."""
        return self.trial.folder / TEMPLATES / name

    def file(self, text: str) -> Path:
        """A file with this text."""
        made = self.trial.folder / f"kennisgeving-{next(self.numbers)}.json"
        made.write_text(text)
        return made

    def document(self, **changed: Any) -> str:
        """A good one as JSON, of which the keys `changed` have other values."""
        return json.dumps({**to_document(self.notice()), **changed})

    # --- The connection ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def connected(self, publishing: Mapping[str, str], partij: str = "") -> AsyncIterator[None]:
        """While it lasts the gemeente publishes with these settings, as this partij."""
        entries = await self.stores.registry.entries()
        [mine] = [each for each in entries if isinstance(each, AansluitingEntry) and each.kind == "drop"]
        other = replace(mine, publishing={**mine.publishing, **publishing}, partij_oin=partij or mine.partij_oin)
        await self.apply(other)
        try:
            yield
        finally:
            await self.apply(mine)

    async def apply(self, *entries: Entry) -> None:
        """As `organisatie apply` does."""
        await apply_registration(self.trial.config, entries, dry_run=False)

    async def add_partij(self, oin: str, certificate: Path, key: Path) -> None:
        """A party that calls with this certificate."""
        files = (str(certificate), str(key))
        await self.apply(
            PartijEntry(oin, "Een leverancier"), CertificateEntry(oin, self.trial.omgeving, "tls-client", *files)
        )

    # --- KOOP --------------------------------------------------------------------------------------------------------

    async def publish(self) -> None:
        """Let KOOP publish everything that it has planned."""
        await self._manage("calendar", publish=True)

    async def hold_publications(self) -> None:
        """From now on KOOP publishes when it is told to."""
        await self._manage("switches", publish_at_once=False)

    async def _manage(self, what: str, **wish: object) -> None:
        async with self.trial.http.post(f"{self.trial.facts['management_url']}/koop/{what}", json=wish) as answer:
            assert answer.status == 200, await answer.text()

    async def taken(self, row: StoredKennisgeving) -> int:
        """How many dossiers KOOP made of it."""
        dossiers = await koop(self.trial, "dossiers")
        return sum(each["referentienummer"] == row.key.referentienummer for each in dossiers)
