"""*Verzoek afhandelen* does what it should not: the verzoek is retried or parked with its reason shown, never lost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from tests.journeys.steps import (
    Verzoek,
    acknowledged,
    assert_once,
    assert_whole,
    delivered,
    eventually,
    gateway_command,
    in_state,
    logged,
    struck,
)

from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.reading import VerzoekFilter, VerzoekRow
from digikoppelaar.wiring import Stores

BIJLAGEN: tuple[int | str, ...] = ("pdf", 2_000_000)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault, and what is told about it."""

    target: str
    kind: str
    reason: str
    more: Mapping[str, object] | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.target} {dict(self.more or {})}"

    async def begin(self, trial: Trial, **how: object) -> None:
        """Switch it on."""
        await trial.fault(kind=self.kind, target=self.target, **(self.more or {}), **how)


TEMPORARY = (
    Trouble("summary", "answer", r"answered 500", {"status": 500}),
    Trouble("xml", "cut", r"after \d+ bytes"),
    Trouble("pdf", "answer", r"answered 404", {"status": 404}),
    Trouble("bijlage", "cut", r"after \d+ bytes"),
    Trouble("bijlage", "length", r"different lengths"),
    Trouble("bijlage", "stall", r"after \d+ bytes.*no answer in time", {"seconds": 3}),
)
PARKING = (
    Trouble("summary", "answer", r"answered 401", {"status": 401}),
    Trouble("bijlage", "answer", r"answered 403: no mandate for OIN 00000099000000002000", {"status": 403}),
)


async def troubled(stores: Stores, verzoek: Verzoek, reason: str) -> VerzoekRow:
    """Wait until this verzoek is listed with this reason."""

    async def look() -> list[VerzoekRow]:
        return list(await stores.reading.verzoeken(VerzoekFilter(verzoeknummer=verzoek["verzoeknummer"])))

    def told(rows: list[VerzoekRow]) -> bool:
        return any(re.search(reason, row.reason or "") for row in rows)

    [row] = await eventually(look, told, reason)
    return row


@pytest.mark.parametrize("trouble", TEMPORARY, ids=str)
async def test_a_fault_that_passes_is_shown_retried_and_gone(trial: Trial, stores: Stores, trouble: Trouble) -> None:
    await trouble.begin(trial)
    [verzoek] = await trial.submit(bijlagen=BIJLAGEN)
    row = await troubled(stores, verzoek, trouble.reason)
    assert row.state in {"received", "fetching"}
    assert not trial.case(verzoek["verzoeknummer"]).exists()
    await acknowledged(trial, verzoek)
    await trial.no_faults()
    row = await in_state(stores, verzoek, "delivered")
    assert (row.reason, row.advice) == (None, None)
    assert_whole(trial, verzoek)
    assert_once(trial, verzoek)


async def test_a_verzoek_that_is_not_there_yet_is_asked_for_again_and_again(trial: Trial, stores: Stores) -> None:
    await trial.fault(kind="answer", target="summary", status=404, count=2)
    [verzoek] = await trial.submit(bijlagen=BIJLAGEN)
    await troubled(stores, verzoek, r"answered 404")
    await in_state(stores, verzoek, "delivered")
    assert await trial.struck() == 2
    assert_whole(trial, verzoek)
    assert_once(trial, verzoek)


@pytest.mark.parametrize("trouble", PARKING, ids=str)
async def test_a_refusal_parks_the_verzoek_with_reason_and_advice_until_it_is_released(
    trial: Trial, stores: Stores, trouble: Trouble
) -> None:
    await trouble.begin(trial, count=1)
    [verzoek] = await trial.submit(bijlagen=BIJLAGEN)
    row = await in_state(stores, verzoek, "parked")
    assert re.search(trouble.reason, row.reason or "")
    assert re.search(r"controleer .* geeft u daarna vrij", row.advice or "")
    assert row in await stores.reading.verzoeken(VerzoekFilter(state="parked"))
    async with trial.http.get(f"{trial.web_url}verzoeken?staat=parked") as answer:
        assert verzoek["verzoeknummer"] in await answer.text()
    await acknowledged(trial, verzoek)
    assert not trial.case(verzoek["verzoeknummer"]).exists()
    released = (await gateway_command(trial, "verzoek", "release", verzoek["verzoeknummer"], "--json")).document
    assert released["released"]
    await in_state(stores, verzoek, "delivered")
    assert_whole(trial, verzoek)


async def test_another_verzoek_does_not_wait_for_one_in_trouble(trial: Trial, stores: Stores) -> None:
    await trial.fault(kind="silence", target="bijlage")
    [silent] = await trial.submit(bijlagen=["pdf"])
    await struck(trial)
    [other] = await trial.submit()
    await delivered(trial, other)
    assert_whole(trial, other)
    await troubled(stores, silent, r"no answer in time")
    assert not trial.case(silent["verzoeknummer"]).exists()
    await trial.no_faults()
    await in_state(stores, silent, "delivered")
    assert_whole(trial, silent)


async def test_a_cut_download_goes_on_where_it_was_cut(trial: Trial) -> None:
    await trial.fault(kind="cut", target="bijlage", at=3_000_001, count=1)
    [verzoek] = await trial.submit(bijlagen=[4_000_000])
    line = await logged(trial, "gateway", lambda line: line["event"] == "download_goes_on")
    assert 0 < line["done"] <= 3_000_001  # what the kernel had and had not handed on yet is lost with the connection
    await delivered(trial, verzoek)
    assert_whole(trial, verzoek)
