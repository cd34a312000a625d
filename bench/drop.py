"""Publish many kennisgevingen: how fast a busy day of the country goes out, and whether kills lose or double any.

    make bench-drop                          2,000 notices, then 500 under 50 kills; about eight minutes
    python bench/drop.py kills --kills 10 --seed 7

A trial installation: real processes, PostgreSQL, 3PAS over mutual TLS, and the search of the sandbox. What was
published, and how often, is judged from the KOOP of the sandbox. Where a kill leaves it unknown whether KOOP has a
notice, the bench is the person who looks in DROP: what is not there it has sent again. Progress goes to standard error;
the last line on standard output is one JSON object. Exit status 0 when every limit was kept.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digikoppelaar.cli.trial import Trial, peak_memory_mib
from digikoppelaar.drop.document import from_document, to_document
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent, KennisgevingState
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingFilter, Key, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.wiring import Stores, open_stores

Figures = dict[str, float]
SETTINGS = """
[publishing]
interval = 0.2
look_soonest = 2.0
timeout = 4.5
forsaken = 5
at_once = 4
per_aansluiting = 4
"""
BENCH = Who("bench", datetime(2026, 1, 1, tzinfo=UTC))
SLOW = 0.3
"""Seconds that KOOP takes to answer while gateways are killed: so a kill strikes notices on their way."""
GIVE_UP = 600.0
LIMITS = {"lost": 0, "double": 0, "peak_rss_mib": 250}


@dataclass(slots=True)
class Bench:
    """A trial that publishes, and a look into its database."""

    trial: Trial
    stores: Stores
    peak: float = 0.0

    async def plan(self, first: Kennisgeving, aansluiting_id: int, numbers: range) -> None:
        """Approve a notice for each number, about a case of its own, at a moment in the past."""
        for number in numbers:
            case = f"Z2026-{number:06}"
            notice = replace(first, referentienummer=case, titel=f"{first.titel} ({number})")
            key = Key(aansluiting_id, case, notice.moment, notice.blad)
            row, _ = await self.stores.kennisgevingen.draft(key, to_document(notice), BENCH)
            await self.stores.kennisgevingen.move(row.id, KennisgevingEvent.APPROVED, BENCH, Facts(due_at=BENCH.at))

    async def rows(self, state: KennisgevingState | None = None) -> list[StoredKennisgeving]:
        """The notices in this state."""
        return list(await self.stores.kennisgevingen.kennisgevingen(KennisgevingFilter(state=state, limit=100_000)))

    async def until_published(self, wanted: int) -> None:
        """Wait; play the person who looks in DROP for what is unknown."""
        deadline, told = time.monotonic() + GIVE_UP, 0.0
        while (done := len(await self.rows(KennisgevingState.PUBLISHED))) < wanted:
            if time.monotonic() > deadline:
                return
            if time.monotonic() - told > 5:
                told = time.monotonic()
                tell(f"{done} of {wanted} published")
            await self.look_in_drop()
            self.note_memory()
            await asyncio.sleep(0.5)

    async def strike(self, dice: random.Random) -> int:
        """Kill the gateway while it sends; how many were on their way, and 0, without a kill, when it sent them all."""
        while await self.rows(KennisgevingState.SENDING) or await self.rows(KennisgevingState.PLANNED):
            await asyncio.sleep(dice.uniform(0, SLOW))
            if sending := await self.rows(KennisgevingState.SENDING):
                self.note_memory()
                assert self.trial.gateway, "it was started"
                self.trial.gateway.kill()
                await self.trial.gateway.wait()
                return len(sending)
        return 0

    async def look_in_drop(self) -> None:
        """Have sent again what KOOP does not have."""
        unknown = await self.rows(KennisgevingState.UNKNOWN)
        if not unknown:
            return
        there = {each["referentienummer"] for each in await self.koop("dossiers")}
        for row in unknown:
            if row.key.referentienummer not in there:
                await self.stores.kennisgevingen.move(row.id, KennisgevingEvent.AGAIN, BENCH, Facts(due_at=BENCH.at))

    async def koop(self, what: str) -> list[dict[str, Any]]:
        """What the KOOP of the sandbox has."""
        async with self.trial.http.get(f"{self.trial.facts['management_url']}/koop/{what}") as answer:
            return list(await answer.json())

    def note_memory(self) -> None:
        """Remember the most that a gateway had."""
        if self.trial.gateway and self.trial.gateway.returncode is None:
            self.peak = max(self.peak, peak_memory_mib(self.trial.gateway.pid))

    async def judged(self, cases: int) -> Figures:
        """Of all cases, how many are not published, and how many more than once, or delivered more than once."""
        published = Counter(each["referentienummer"] for each in await self.koop("publicaties"))
        found = {row.key.referentienummer for row in await self.rows(KennisgevingState.PUBLISHED)}
        twice = {each["referentienummer"] for each in await self.koop("dossiers") if each["received"] > 1}
        return {
            "lost": cases - len(published.keys() & found),
            "double": sum(count > 1 or case in twice for case, count in published.items()),
            "peak_rss_mib": round(self.peak, 1),
        }


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Bench]:
    """Everything but a gateway."""
    async with (
        Trial(folder, publishes=True, publishing=SETTINGS) as trial,
        trial.prepared(),
        open_stores(trial.config) as stores,
    ):
        yield Bench(trial, stores)


async def first_notice(bench: Bench) -> tuple[Kennisgeving, int]:
    """One that the program itself drafts and publishes, after which all others are made."""
    await bench.trial.start_gateway()
    await bench.trial.submit(soort="vergunningaanvraag")
    await bench.until_published(1)
    [row] = await bench.rows()
    return from_document(row.document), row.key.aansluiting_id


async def batch(folder: Path, options: argparse.Namespace) -> Figures:
    """A busy day of the whole country at once."""
    async with opened(folder) as bench:
        notice, aansluiting_id = await first_notice(bench)
        await bench.trial.stop_gateway()
        await bench.plan(notice, aansluiting_id, range(options.notices))
        tell(f"{options.notices} notices planned")
        await bench.trial.start_gateway()
        started = time.monotonic()
        await bench.until_published(options.notices + 1)
        seconds = time.monotonic() - started
        return {"per_s": round(options.notices / seconds, 1), **await bench.judged(options.notices + 1)}


async def kills(folder: Path, options: argparse.Namespace) -> Figures:
    """Kill the gateway at random while it sends; every notice is published, and none is sent twice by itself."""
    dice = random.Random(options.seed)
    in_flight: list[int] = []
    async with opened(folder) as bench:
        notice, aansluiting_id = await first_notice(bench)
        await bench.trial.fault(kind="delay", target="3pas", seconds=SLOW)
        each, cases = options.killed_notices // options.kills, 1
        while len(in_flight) < options.kills:
            await bench.plan(notice, aansluiting_id, range(cases, cases + each))
            cases += each
            if not (sending := await bench.strike(dice)):
                continue
            in_flight.append(sending)
            await bench.look_in_drop()
            await bench.trial.start_gateway()
            if len(in_flight) % 10 == 0:
                tell(f"{len(in_flight)} kills, {sending} on their way at the last")
        await bench.until_published(cases)
        return {
            "kills": len(in_flight),
            "in_flight_at_kill": round(sum(in_flight) / len(in_flight), 1),
            **await bench.judged(cases),
        }


PHASES = {"batch": batch, "kills": kills}


def together(figures: Figures, more: Figures) -> Figures:
    """The figures of both phases: what was lost or doubled in all, and the most memory."""
    sums = {name: figures.get(name, 0) + more[name] for name in ("lost", "double")}
    return {**figures, **more, **sums, "peak_rss_mib": max(figures.get("peak_rss_mib", 0), more["peak_rss_mib"])}


def tell(text: str) -> None:
    """Progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phases", nargs="*", metavar="{batch,kills}", help="both, unless named")
    parser.add_argument("--notices", type=int, default=2000, help="of the batch")
    parser.add_argument("--killed-notices", type=int, default=500, help="among which is killed")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-drop-"))
    folder.chmod(0o711)
    tell(f"seed {options.seed}, folder {folder}")
    figures: Figures = {}
    for phase in options.phases or PHASES:
        figures = together(figures, asyncio.run(PHASES[phase](folder / phase, options)))
        tell(f"{phase}: {json.dumps(figures)}")
    missed = [f"{name} {figures[name]} > {most}" for name, most in LIMITS.items() if figures[name] > most]
    if figures.get("kills", options.kills) < options.kills:
        missed.append(f"kills that struck {figures['kills']} < {options.kills}")
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
