"""The intake under load: how busy a slow case system is kept, how fast a free one, and whether kills lose anything.

    make bench-intake                           about ten minutes
    python bench/intake.py free --verzoeken 500

Real processes, PostgreSQL with fsync, mutual TLS. DSO-LV is `bench/intake_country.py`, and shares the machine, as the
case systems do. Progress goes to standard error; the last line on standard output is one JSON object. Exit status 0
when no verzoek was lost, none was doubled and every limit was kept.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from intake_cases import Found, dead_server, folder_system, in_folder, in_zgw, zgw_server
from intake_country import oin_of
from intake_place import COUNT_EVERY, Installation, Terms, cpu_of, installation, tell

Figures = dict[str, float]

ORGANISATIES = 50
LATENCY = 0.05
"""Seconds of a call to the case system."""
CALLS = 16
"""Calls that it works on at once."""
WORKERS = 2
"""Processes: one fills one core."""
BATCH = 20
"""Verzoeken that come in between two kills."""
SPARE = 10
"""Batches that may end before a kill strikes."""
SETTLE = 120.0
"""Seconds that everything gets to arrive after the last kill."""

AT_LEAST = {"busy_share": 0.9, "verzoeken_per_s": 40, "in_flight_at_kill": 0.1}
AT_MOST = {"lost": 0, "double": 0, "peak_rss_mib": 250, "wait_p95_s": 30}
_WAIT = """\
SELECT coalesce(extract(epoch FROM percentile_cont(0.95) WITHIN GROUP (ORDER BY delivered_at - fetched_at)), 0)
    ::double precision AS number
FROM verzoek WHERE state = 'delivered'
"""
_WAITING = "SELECT count(*) AS number FROM verzoek WHERE state = 'fetched'"


async def busy(folder: Path, options: argparse.Namespace) -> Figures:
    """Into one ZGW server of all organisaties but one, whose case system is dead: how busy that server is kept.

    The dead one delays no other when the server is kept busy all the same, and when verzoeken of others that are whole
    are delivered soon (`wait_p95_s`). `busy_share` is that of its places in use, from its first call to its last; a
    machine that is busy with other things makes each call longer, which `busy_calls_per_s` shows: CALLS / LATENCY at
    the most.
    """
    async with zgw_server(folder / "zgw", LATENCY, CALLS) as server, dead_server() as dead:
        systems = {False: server.case_system(), True: server.case_system(dead)}
        last = oin_of(ORGANISATIES - 1)
        terms = Terms(
            ORGANISATIES, options.verzoeken, options.bijlagen or 5, lambda oin: systems[oin == last], options.worker
        )
        async with installation(folder / "place", terms) as place:
            others = {nummer: each for nummer, each in place.verzoeken.items() if each["oin"] != last}
            await place.announce([*place.verzoeken])
            tell(f"{len(place.verzoeken)} notifications stored, {len(others)} for a case system that lives")
            for _ in range(WORKERS):
                await place.start_worker()
            await place.until_begun()
            before, started = spent(place, server.process.pid), time.monotonic()
            await place.until_delivered(len(others), every=COUNT_EVERY)
            seconds, after = time.monotonic() - started, spent(place, server.process.pid)
            said, waiting = await server.figures(), await place.count(_WAITING)
            found = Found()
            in_zgw(found, said)
            return {
                "busy_share": round(said["busy_share"], 3),
                "busy_calls_per_s": round(said["calls"] / seconds, 1),
                "busy_verzoeken_per_s": round(len(others) / seconds, 1),
                "busy_s": round(seconds, 1),
                "wait_p95_s": round(float((await place.row(_WAIT))["number"]), 1),
                "lost": found.lost(others) + len(place.verzoeken) - len(others) - waiting,
                "double": found.double(others),
                "peak_rss_mib": round(place.peak_rss_mib(), 1),
                **{f"busy_cpu_s_{part}": round(after[part] - before[part], 1) for part in after},
            }


async def free(folder: Path, options: argparse.Namespace) -> Figures:
    """Notifications already stored, into a folder in memory: verzoeken per second."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as cases:
        Path(cases).chmod(0o711)
        case_system = folder_system(Path(cases))
        terms = Terms(ORGANISATIES, options.verzoeken, options.bijlagen or 3, lambda _oin: case_system, options.worker)
        async with installation(folder, terms) as place:
            await place.announce([*place.verzoeken])
            tell(f"{options.verzoeken} notifications stored")
            for _ in range(WORKERS):
                await place.start_worker()
            await place.until_begun()
            before, started = place.cpu_seconds(), time.monotonic()
            done = await place.until_delivered(options.verzoeken, every=COUNT_EVERY)
            seconds, after = time.monotonic() - started, place.cpu_seconds()
            found = Found()
            in_folder(found, Path(cases))
            return {
                "verzoeken_per_s": round(done / seconds, 1),
                **judged(found, place.verzoeken),
                "peak_rss_mib": round(place.peak_rss_mib(), 1),
                **{f"cpu_ms_{part}": round(1000 * (after[part] - before[part]) / done, 1) for part in after},
            }


async def kills(folder: Path, options: argparse.Namespace) -> Figures:
    """A worker that is killed at work, over and over; every other organisatie has ZGW, the rest a folder."""
    cases = folder / "cases"
    async with zgw_server(folder / "zgw", LATENCY, CALLS) as server:
        cases.mkdir()
        systems = (server.case_system(), folder_system(cases))
        system_of = {oin_of(number): systems[number % 2] for number in range(ORGANISATIES)}
        verzoeken = (options.kills + SPARE) * BATCH
        terms = Terms(ORGANISATIES, verzoeken, options.bijlagen or 2, system_of.__getitem__, options.worker)
        async with installation(folder / "place", terms) as place:
            numbers, in_flight = await killed(place, options.kills, random.Random(options.seed))
            await place.start_worker()
            await place.until_delivered(len(numbers), SETTLE)
            found = Found()
            in_zgw(found, await server.figures())
            in_folder(found, cases)
            return {
                "kills": len(in_flight),
                "in_flight_at_kill": round(sum(in_flight) / len(in_flight), 1),
                **judged(found, {nummer: place.verzoeken[nummer] for nummer in numbers}),
                "peak_rss_mib": round(place.peak_rss_mib(), 1),
            }


async def killed(place: Installation, wanted: int, dice: random.Random) -> tuple[list[str], list[int]]:
    """Kill a worker in the middle of every BATCH verzoeken; which came in, and how many were in flight at each kill.

    It strikes once some of the batch are delivered, sometimes none: a worker that has begun, and has not ended all.
    """
    numbers, worker, known = [*place.verzoeken], None, 0
    in_flight: list[int] = []
    for end in range(BATCH, len(numbers) + 1, BATCH):
        before = await place.delivered()
        await place.announce(numbers[end - BATCH : end])
        if worker is None:
            known, _ = await place.at_work()
            worker = await place.start_worker()
        await place.until_at_work(after=known)
        await place.until_delivered(before + dice.randrange(BATCH // 2))
        unfinished = await place.in_flight()
        if not unfinished:
            continue
        await place.kill(worker)
        worker = None
        in_flight.append(unfinished)
        if len(in_flight) % 10 == 0:
            tell(f"{len(in_flight)} kills, {unfinished} in flight at the last")
        if len(in_flight) == wanted:
            break
    return numbers[:end], in_flight


def spent(place: Installation, case_system: int) -> dict[str, float]:
    """Seconds of processor by part, the case system with this pid among them."""
    return {**place.cpu_seconds(), "case_system": cpu_of(case_system)}


def judged(found: Found, verzoeken: Mapping[str, Any]) -> Figures:
    """What the case systems say of these verzoeken."""
    return {"lost": found.lost(verzoeken), "double": found.double(verzoeken)}


def together(figures: Figures, more: Figures) -> Figures:
    """The figures of several phases: what was lost or doubled in all, and the most memory."""
    sums: Figures = {name: figures.get(name, 0) + more[name] for name in ("lost", "double") if name in more}
    return {**figures, **more, **sums, "peak_rss_mib": max(figures.get("peak_rss_mib", 0), more["peak_rss_mib"])}


def missed(figures: Figures, wanted_kills: int) -> list[str]:
    """Each limit that was not kept."""
    least = {**AT_LEAST, "kills": wanted_kills}
    said = [f"{name} {figures[name]} < {least[name]}" for name in figures if figures[name] < least.get(name, 0)]
    return said + [
        f"{name} {figures[name]} > {AT_MOST[name]}" for name in AT_MOST if figures.get(name, 0) > AT_MOST[name]
    ]


PHASES: dict[str, Callable[[Path, argparse.Namespace], Coroutine[Any, Any, Figures]]] = {
    "busy": busy,
    "free": free,
    "kills": kills,
}


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phases", nargs="*", metavar="phase", help=f"{', '.join(PHASES)}; all when none is named")
    parser.add_argument("--verzoeken", type=int, default=2000, help="of the phases busy and free")
    parser.add_argument("--bijlagen", type=int, help="of each verzoek; busy has 5, free 3, kills 2")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of the moments to kill")
    parser.add_argument("--worker", default="jobs = 16", help="table `worker` of the configuration, lines with ;")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if unknown := {*options.phases} - PHASES.keys():
        parser.error(f"no such phase: {', '.join(unknown)}")
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-intake-"))
    folder.chmod(0o711)
    tell(f"seed {options.seed}, folder {folder}")
    figures: Figures = {}
    try:
        for phase in options.phases or PHASES:
            figures = together(figures, asyncio.run(PHASES[phase](folder / phase, options)))
            tell(f"{phase}: {json.dumps(figures)}")
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    if said := missed(figures, options.kills):
        print(f"missed: {'; '.join(said)}", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
