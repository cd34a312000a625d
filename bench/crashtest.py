"""Kill the gateway and PostgreSQL with SIGKILL at random moments under load; every verzoek must arrive once, whole.

    make crashtest                 200 kills, about eight minutes
    python bench/crashtest.py --kills 20 --seed 7

A trial installation (real processes, TLS, PostgreSQL) takes verzoeken all the time. After the last kill the gateway
gets time to finish; then the case folder is read, and nothing else: every file must have the SHA-256 that the
sandbox generated, and no verzoek may be there twice. Progress goes to standard error; the last line on standard
output is one JSON object. Exit status 0 when nothing was lost or doubled.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from digikoppelaar.cli.trial import Trial

IN_FLIGHT = 12
"""Unfinished verzoeken that the load keeps up."""
AT_ONCE = 4
BIJLAGEN: tuple[tuple[int | str, ...], ...] = ((), ("txt",), ("pdf", 40_000), (900_000, "png"), (6_000_000,))
LONGEST_WAIT = 4.0
"""Seconds between two kills at the most; a gateway needs about one to start, so some kills strike a starting one."""
POSTGRES_EVERY = 8
"""One kill out of this many strikes PostgreSQL: its postmaster, or one of its backends."""
SETTLE = 180.0
"""Seconds that everything gets to arrive after the last kill."""


@dataclass(slots=True)
class Kills:
    """What was killed, and how many verzoeken were unfinished each time."""

    gateway: int = 0
    postgres: int = 0
    in_flight: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.gateway + self.postgres


@dataclass(frozen=True, slots=True)
class Result:
    """The last line."""

    submitted: int
    delivered: int
    lost: int
    double: int
    kills: int
    kills_gateway: int
    kills_postgres: int
    in_flight_at_kill: float


def unfinished(trial: Trial, submitted: Mapping[str, Any]) -> list[str]:
    """The verzoeken that are not in the case folder yet."""
    return [nummer for nummer in submitted if not trial.case(nummer).is_dir()]


async def load(trial: Trial, submitted: dict[str, Any], dice: random.Random) -> None:
    """Keep IN_FLIGHT verzoeken unfinished, until cancelled."""
    while True:
        room = IN_FLIGHT - len(unfinished(trial, submitted))
        if room > 0:
            made = await trial.submit(bijlagen=dice.choice(BIJLAGEN), count=min(room, AT_ONCE))
            submitted.update({verzoek["verzoeknummer"]: verzoek for verzoek in made})
        await asyncio.sleep(0.02)


async def kill_at_random(
    trial: Trial, submitted: Mapping[str, Any], kills: Kills, wanted: int, dice: random.Random
) -> None:
    """Kill until `wanted`, and start the gateway again each time; PostgreSQL must come back by itself."""
    while kills.total < wanted:
        await asyncio.sleep(dice.uniform(0.1, LONGEST_WAIT))
        assert trial.gateway is not None
        if trial.gateway.returncode is not None:
            raise SystemExit(f"the gateway ended by itself; see {trial.log_file('gateway')}")
        in_flight = len(unfinished(trial, submitted))
        if dice.randrange(POSTGRES_EVERY) == 0:
            if not kill_postgres(trial.folder / "gateway" / "postgres", dice):
                continue
            kills.postgres += 1
        else:
            trial.gateway.send_signal(signal.SIGKILL)
            await trial.gateway.wait()
            await trial.spawn_gateway()
            kills.gateway += 1
        kills.in_flight.append(in_flight)
        if kills.total % 10 == 0:
            tell(f"{kills.total} kills, {len(submitted)} submitted, {in_flight} in flight")


def kill_postgres(folder: Path, dice: random.Random) -> bool:
    """Kill the postmaster of the trial, or one of its children; False when it is just not running."""
    pids = [int(file.read_text().split()[0]) for file in folder.rglob("postmaster.pid") if file.read_text()]
    if not pids or "postgres" not in command(pids[0]):
        return False
    victims = [pids[0], *children(pids[0])]
    with suppress(ProcessLookupError):
        os.kill(pids[0] if dice.random() < 0.5 else dice.choice(victims), signal.SIGKILL)
    return True


def command(pid: int) -> str:
    """The command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


async def wait_for_the_rest(trial: Trial, submitted: Mapping[str, Any]) -> None:
    """Give the gateway time to deliver what is still on its way."""
    deadline = time.monotonic() + SETTLE
    while (rest := unfinished(trial, submitted)) and time.monotonic() < deadline:
        if int(time.monotonic()) % 10 == 0:
            tell(f"{len(rest)} to go")
        await asyncio.sleep(0.5)


def whole(case: Path, verzoek: Mapping[str, Any]) -> bool:
    """Whether a case folder holds exactly the files that the sandbox generated, and its done-marker."""
    hashes = Counter(sha256(file) for file in case.rglob("*") if file.is_file())
    return (case / "gereed").is_file() and all(hashes[file["sha256"]] for file in verzoek["files"])


def sha256(file: Path) -> str:
    """In hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def judge(trial: Trial, submitted: Mapping[str, Any], kills: Kills) -> Result:
    """Read the case folder: which verzoeken are there, whole, and which more than once."""
    documents = {
        file["sha256"]: nummer for nummer, v in submitted.items() for file in v["files"] if file["kind"] == "xml"
    }
    # Hidden folders count too: a second delivery under way is a double delivery.
    copies = Counter(documents.get(sha256(file)) for file in trial.case_folder.rglob("verzoek.xml"))
    delivered = sum(whole(trial.case(nummer), verzoek) for nummer, verzoek in submitted.items())
    double = sum(copies[nummer] > 1 for nummer in submitted)
    mean = sum(kills.in_flight) / len(kills.in_flight) if kills.in_flight else 0.0
    return Result(
        len(submitted),
        delivered,
        len(submitted) - delivered,
        double + copies[None],
        kills.total,
        kills.gateway,
        kills.postgres,
        round(mean, 1),
    )


async def crashtest(folder: Path, wanted: int, dice: random.Random) -> Result:
    """The whole test, in `folder`."""
    submitted: dict[str, Any] = {}
    kills = Kills()
    # The sandbox must go on for as long as kills can keep the gateway away.
    async with Trial(folder, retries=1000, retry_interval=1.0) as trial:
        await trial.migrate()
        await trial.start_sandbox()
        await trial.connect()
        await trial.start_gateway()
        loading = asyncio.create_task(load(trial, submitted, dice))
        killing = asyncio.create_task(kill_at_random(trial, submitted, kills, wanted, dice))
        await asyncio.wait({loading, killing}, return_when=asyncio.FIRST_COMPLETED)
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading
        await killing
        await wait_for_the_rest(trial, submitted)
        await trial.stop_gateway()
        return judge(trial, submitted, kills)


def tell(text: str) -> None:
    """Progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--keep", action="store_true", help="keep the folder, also when all went well")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-crashtest-"))
    folder.chmod(0o711)
    tell(f"seed {options.seed}, folder {folder}")
    result = asyncio.run(crashtest(folder, options.kills, random.Random(options.seed)))
    well = not result.lost and not result.double
    if well and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(asdict(result)))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
