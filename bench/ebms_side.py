"""The sending side as one process: a whole gateway (`gateway.serve`) and the submitters that feed it.

As the peer was measured, submitters run in the process of the message service and call it directly. Commands come as
lines of JSON on standard input, and each is answered with one line: see the functions named `do_*`.
"""

import asyncio
import cProfile
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import uvloop
from ebms_pair import ACTION, SERVICE

from digikoppelaar import gateway
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.logs import configure
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.system import RandomIds
from digikoppelaar.config import Config, load
from digikoppelaar.flows.handler import Handler
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.submit import Submission, Submitter
from digikoppelaar.wiring import Stores, open_stores

LOOK_EVERY: Final = 0.05
"""Seconds between two looks at how many messages are settled."""
LOOK_CLOSELY: Final = 0.001
"""The same, for one message of which the time matters."""
CHUNK: Final = 1024 * 1024
LOOKING: Final = 4
"""Connections to look with, beside those of the gateway."""

_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM outbound_message"
_STATES: Final = "SELECT state, count(*) AS number FROM outbound_message WHERE id > %s GROUP BY state"
_STATE: Final = "SELECT state FROM outbound_message WHERE aansluiting_id = %s AND cpa_row = %s AND message_id = %s"


@dataclass(frozen=True, slots=True)
class Side:
    """What the commands need."""

    stores: Stores
    submitter: Submitter
    blobs: FolderBlobs

    async def do_submit(self, *, cpas: Sequence[str], messages: int, submitters: int, size: int) -> dict[str, float]:
        """Submit `messages` with so many submitters, in turn under each of `cpas`, and wait for every acknowledgment.

        Seconds until all were submitted, and until the last acknowledgment was stored.
        """
        records = [await self._cpa(cpa_id) for cpa_id in cpas]
        payload = b"<bericht>" + b"x" * (size - 19) + b"</bericht>"
        numbers, newest = iter(range(messages)), await self._newest()

        async def submit_some() -> None:
            for number in numbers:
                await self._submit(records[number % len(records)], payload)

        started = time.perf_counter()
        await asyncio.gather(*(submit_some() for _ in range(submitters)))
        submitted = time.perf_counter() - started
        while await self._acknowledged_since(newest) < messages:
            await asyncio.sleep(LOOK_EVERY)
        return {"submitted": submitted, "acknowledged": time.perf_counter() - started}

    async def do_submit_only(self, *, cpas: Sequence[str], messages: int, size: int) -> dict[str, float]:
        """Submit and wait for nothing."""
        record = await self._cpa(cpas[0])
        for _ in range(messages):
            await self._submit(record, b"x" * size)
        return {}

    async def do_latency(
        self, *, cpas: Sequence[str], messages: int, per_second: float, size: int
    ) -> dict[str, list[float]]:
        """Submit at this pace; the seconds from just before each submission until its acknowledgment was seen stored.

        A look may come up to a millisecond late, and itself takes time: the figure is an upper bound.
        """
        record = await self._cpa(cpas[0])
        loop, started = asyncio.get_running_loop(), time.perf_counter()

        async def one(number: int) -> float:
            await asyncio.sleep(started + number / per_second - time.perf_counter())
            before = time.perf_counter()
            await self._acknowledged(record, await self._submit(record, b"x" * size), LOOK_CLOSELY)
            return time.perf_counter() - before

        return {"seconds": list(await asyncio.gather(*(loop.create_task(one(n)) for n in range(messages))))}

    async def do_large(self, *, cpas: Sequence[str], file: str) -> dict[str, float]:
        """Submit the file as one payload, from taking it in until the acknowledgment is stored."""
        record = await self._cpa(cpas[0])
        started = time.perf_counter()
        blob = await self.blobs.put(f"bench/{RandomIds().unique()}", _chunks(Path(file)))
        submission = Submission(SERVICE, ACTION, (NewPayload("application/octet-stream", blob),))
        name = await self.submitter.submit(record, submission)
        await self._acknowledged(record, name, LOOK_EVERY)
        return {"acknowledged": time.perf_counter() - started}

    async def _submit(self, cpa: CpaRecord, payload: bytes) -> str:
        return await self.submitter.submit(cpa, Submission(SERVICE, ACTION, (NewPayload("application/xml", payload),)))

    async def _cpa(self, cpa_id: str) -> CpaRecord:
        found = await self.stores.registry.cpa("sandbox-pre", cpa_id)
        assert found is not None, f"CPA {cpa_id} is not there"
        return found

    async def _newest(self) -> int:
        async with transaction(self.stores.pool) as connection:
            [row] = await (await connection.execute(_NEWEST)).fetchall()
            return int(row["coalesce"])

    async def _acknowledged_since(self, newest: int) -> int:
        async with transaction(self.stores.pool) as connection:
            cursor = await connection.execute(_STATES, [newest])
            states = {row["state"]: row["number"] for row in await cursor.fetchall()}
        _refuse_failure(*states)
        return int(states.get("acknowledged", 0))

    async def _acknowledged(self, cpa: CpaRecord, message_id: str, look_every: float) -> None:
        state = ""
        while state != "acknowledged":
            async with transaction(self.stores.pool) as connection:
                cursor = await connection.execute(_STATE, [cpa.aansluiting.id, cpa.id, message_id])
                [state] = [row["state"] for row in await cursor.fetchall()]
            _refuse_failure(state)
            await asyncio.sleep(look_every)


def _refuse_failure(*states: str) -> None:
    if found := {"failed", "expired"}.intersection(states):
        raise SystemExit(f"messages have {' and '.join(found)}: what is measured would be less work")


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := await asyncio.to_thread(opened.read, CHUNK):
            yield chunk


class FedGateway(gateway.Gateway):
    """A gateway of which the parts that handle messages can be got at: applications otherwise go by its REST."""

    handlers: ClassVar[list[Handler]] = []

    def _handler(self, roles: Collection[str]) -> Handler:
        handler = super()._handler(roles)
        self.handlers.append(handler)
        return handler


async def run(config: Config) -> None:
    """Serve, and do what standard input says until it ends."""
    gateway.Gateway = FedGateway  # type: ignore[misc]
    stop, ready = asyncio.Event(), asyncio.Event()

    def is_ready(_: dict[str, int]) -> None:
        ready.set()

    serving = asyncio.create_task(gateway.serve(config, gateway.ROLES, ready=is_ready, stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    async with open_stores(config, LOOKING) as stores:
        [handler] = FedGateway.handlers
        await _obey(Side(stores, handler.submitter, FolderBlobs(config.data_folder / "blobs")))
    stop.set()
    await serving


async def _obey(side: Side) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _tell({"ready": True})
    while line := await reader.readline():
        command: dict[str, Any] = json.loads(line)
        do: Callable[..., Awaitable[Any]] = getattr(side, f"do_{command.pop('do')}")
        _tell(await do(**command))


def _tell(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    CONFIG = load(Path(sys.argv[1]))
    configure(CONFIG.log_level)
    PROFILER = cProfile.Profile() if "--profile" in sys.argv else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, PROFILER or nullcontext():
        runner.run(run(CONFIG))
    if PROFILER:
        PROFILER.dump_stats(CONFIG.data_folder.with_suffix(".prof"))
