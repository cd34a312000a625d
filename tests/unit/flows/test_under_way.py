"""Pieces of work do not wait for each other, and none of them is forgotten."""

import asyncio

import pytest
from structlog.testing import capture_logs

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.under_way import UnderWay

OFTEN, NEVER = 0.001, 3600.0
"""Intervals in seconds."""


async def test_what_hangs_holds_up_no_other() -> None:
    hanging, ended = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        ended.set()

    async with UnderWay("part") as under_way:
        under_way.start(1, hanging.wait())
        under_way.start(2, end())
        await ended.wait()
        assert under_way.about() >= {1}
        assert under_way.begun_within(NEVER) >= 1
        assert under_way.begun_within(0) == 0
        hanging.set()
    assert under_way.about() == frozenset()


@pytest.mark.parametrize(
    ("failure", "event"), [(StorageError("away"), "part_waits"), (RuntimeError("a fault"), "part_broke")]
)
async def test_what_fails_is_told_and_ends_nothing_else(failure: Exception, event: str) -> None:
    stop, ended, begun = asyncio.Event(), [], 0

    async def piece() -> None:
        await stop.wait()
        ended.append("piece")

    async def fail() -> None:
        raise failure

    async def begin() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            under_way.start(1, piece())
            under_way.start(2, fail())
        elif begun == 5:
            stop.set()
        raise failure

    with capture_logs() as logged:
        async with UnderWay("part") as under_way:
            await under_way.repeat(begin, stop, OFTEN)
    assert (begun, ended) == (5, ["piece"])
    assert [(line["event"], line["part"]) for line in logged] == [(event, "part")] * 6


async def test_as_soon_as_a_piece_ends_the_next_begins_also_when_it_ended_in_the_meantime() -> None:
    stop, left = asyncio.Event(), [1, 2, 3]

    async def piece() -> None:
        """Ends at once."""

    async def begin() -> None:
        if not left:
            stop.set()
            return
        under_way.start(left.pop(), piece())
        for _ in range(3):  # the piece ends before we do
            await asyncio.sleep(0)

    async with asyncio.timeout(60), UnderWay("part") as under_way:
        await under_way.repeat(begin, stop, NEVER, at_ends=True)
    assert left == []


async def test_after_stop_what_is_under_way_is_awaited_and_cancelling_ends_it() -> None:
    stop, end, outcomes = asyncio.Event(), asyncio.Event(), []

    async def piece() -> None:
        try:
            await end.wait()
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise
        outcomes.append("ended")

    async def run() -> None:
        async def begin() -> None:
            under_way.start(1, piece())
            stop.set()

        async with UnderWay("part") as under_way:
            await under_way.repeat(begin, stop, NEVER)

    for last in (end.set, None):
        stop.clear()
        end.clear()
        running = asyncio.create_task(run())
        await stop.wait()
        await asyncio.sleep(0)
        assert not running.done()
        last() if last else running.cancel()
        await asyncio.wait({running})
    assert outcomes == ["ended", "cancelled"]
