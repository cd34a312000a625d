"""Work on one document that takes the processor for long, done beside the event loop.

A verzoek XML may be 32 MiB, which takes half a minute and hundreds of megabytes to understand. On the event loop it
would hold up every acknowledgment and the sign of life of the worker, whose jobs others then take over; several at
once would take all memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Result = TypeVar("Result")

_ONE_AT_A_TIME: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="document")


async def aside(function: Callable[[], Result]) -> Result:
    """The result of `function`, which must be pure; one runs at a time in a process."""
    return await asyncio.get_running_loop().run_in_executor(_ONE_AT_A_TIME, function)
