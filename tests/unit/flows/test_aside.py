"""A document that takes long to understand holds nobody up."""

import asyncio
import time
from typing import Final

from digikoppelaar.flows.aside import aside
from digikoppelaar.stam.verzoek import read_verzoek

LONGEST_PAUSE: Final = 1.0
"""Seconds. Understanding the document below takes several; a worker that is silent for three counts as dead."""


def large_verzoek(answers: int) -> bytes:
    """A verzoek XML with so many answers."""
    answer = "<specificatie><vraagId>v</vraagId><vraagtekst>Hoe hoog?</vraagtekst><antwoord>3</antwoord></specificatie>"
    head = "<verzoek><verzoeknummer>2026060200019</verzoeknummer><volgnummer>0</volgnummer><projectactiviteiten>"
    activity = f"<projectactiviteit><specificaties>{answer * answers}</specificaties></projectactiviteit>"
    return f"{head}{activity}</projectactiviteiten></verzoek>".encode()


async def test_the_event_loop_goes_on_while_a_large_verzoek_is_understood() -> None:
    document = large_verzoek(12_000)
    reading = asyncio.create_task(aside(lambda: read_verzoek(document)))
    longest, last = 0.0, time.monotonic()
    while not reading.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert len((await reading).projectactiviteiten[0].specificaties) == 12_000
    assert longest < LONGEST_PAUSE


async def test_documents_are_understood_one_at_a_time() -> None:
    under_way: list[int] = []
    most: list[int] = []

    def work() -> None:
        under_way.append(1)
        most.append(len(under_way))
        read_verzoek(large_verzoek(50))
        under_way.pop()

    await asyncio.gather(*(aside(work) for _ in range(5)))
    assert most == [1] * 5
