"""What `digikoppelaar sandbox load` does: submit a plan at the management port, one thing after the other."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from rich.progress import track

from digikoppelaar.cli import output
from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.loading import MOST_FOLLOW_UPS, Planned, Shares, plan
from digikoppelaar.sandbox.verzoek_document import AANVULLEN, INTREKKEN

_LOOK_EVERY: Final = 0.5
_NOT_THERE: Final = "Start de sandbox, of noem met --management het adres dat zij afdrukte."


@dataclass(slots=True)
class Summary:
    """What was submitted. `verzoeken` may be more than was asked: a submission can become several."""

    verzoeken: int = 0
    aanvullingen: int = 0
    intrekkingen: int = 0
    notifications: int = 0
    by_oin: dict[str, int] = field(default_factory=dict)
    """Verzoeken by the OIN of the bevoegd gezag."""
    by_type: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def management_url(folder: Path | None) -> str:
    """The address of the sandbox that runs in `folder`. Raises ConfigError."""
    if folder is None:
        raise ConfigError("which sandbox: --folder or --management", advice=_NOT_THERE)
    return str(facts_of(folder)["management_url"])


def facts_of(folder: Path) -> Mapping[str, Any]:
    """Where everything is of the sandbox that runs in `folder`. Raises ConfigError."""
    try:
        facts: Mapping[str, Any] = json.loads((folder / "sandbox.json").read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"no sandbox runs in {folder}", advice=_NOT_THERE) from error
    return facts


async def submit(address: str, wish: Mapping[str, Any]) -> Any:
    """Submit what is wished at the management port: the verzoeken that it made. Raises ConfigError."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            return await _Management(session, address.rstrip("/")).post("/verzoeken", wish)
    except aiohttp.ClientError as error:
        raise ConfigError(f"the sandbox at {address} does not answer", advice=_NOT_THERE) from error


async def load(address: str, count: int, seed: int, shares: Shares, patience: float) -> Summary:
    """Submit it all, with a progress bar on standard error: first the verzoeken, then what follows on them.

    A next version comes when the one before was fetched, or when nothing more was fetched for `patience` seconds: REST
    serves the newest version only. Raises ConfigError when the sandbox cannot or will not.
    """
    started = time.monotonic()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            management = _Management(session, address.rstrip("/"))
            planned = list(plan(count, seed, await management.get("/organisaties"), shares))
            summary = await _load(management, planned, patience)
    except aiohttp.ClientError as error:
        raise ConfigError(f"the sandbox at {address} does not answer", advice=_NOT_THERE) from error
    summary.seconds = round(time.monotonic() - started, 2)
    return summary


async def _load(management: "_Management", planned: Sequence[Planned], patience: float) -> Summary:
    submitted: dict[str, Planned] = {}
    latest: dict[str, Mapping[str, Any]] = {}
    for each in track(planned, "verzoeken", console=output.errors):
        made = await management.post("/verzoeken", each.submission)
        latest |= {one["verzoeknummer"]: one for one in made}
        submitted |= dict.fromkeys((one["verzoeknummer"] for one in made), each)
    for step in range(MOST_FOLLOW_UPS):
        todo = [(nummer, *each.follow_ups[step]) for nummer, each in submitted.items() if step < len(each.follow_ups)]
        await _until_fetched(management, [nummer for nummer, _, _ in todo], patience)
        for nummer, path, wish in track(todo, f"versions, round {step + 1}", console=output.errors):
            latest[nummer] = await management.post(f"/verzoeken/{nummer}/{path}", wish)
    return _summed(latest.values())


async def _until_fetched(management: "_Management", nummers: Sequence[str], patience: float) -> None:
    """Wait until everybody who was told of the newest version of these has it, or nobody gets on."""
    left, deadline = list(nummers), time.monotonic() + patience
    while left and time.monotonic() < deadline:
        await asyncio.sleep(min(_LOOK_EVERY, patience))
        still = [nummer for nummer in left if not await _fetched(management, nummer)]
        if len(still) < len(left):
            deadline = time.monotonic() + patience
        left = still


async def _fetched(management: "_Management", nummer: str) -> bool:
    known = await management.get(f"/verzoeken/{nummer}?files=false")
    return all(told["fetched_at"] for told in known["versions"][-1]["notifications"])


def _summed(verzoeken: Iterable[Mapping[str, Any]]) -> Summary:
    summary = Summary()
    for verzoek in verzoeken:
        doelen = [version["doel"] for version in verzoek["versions"]]
        summary.verzoeken += 1
        summary.aanvullingen += doelen.count(AANVULLEN)
        summary.intrekkingen += doelen.count(INTREKKEN)
        summary.notifications += sum(len(version["notifications"]) for version in verzoek["versions"])
        for counts, key in ((summary.by_oin, verzoek["bevoegd_gezag"]), (summary.by_type, verzoek["type"])):
            counts[key] = counts.get(key, 0) + 1
    return summary


def tell(summary: Summary) -> None:
    """The summary for people."""
    output.console.print(
        f"{summary.verzoeken} verzoeken, {summary.aanvullingen} aanvullingen and {summary.intrekkingen} intrekkingen "
        f"submitted, {summary.notifications} notifications, in {summary.seconds} s"
    )
    for oin, number in sorted(summary.by_oin.items()):
        output.console.print(f"    {oin}  {number}", highlight=False)
    for verzoektype, number in sorted(summary.by_type.items()):
        output.console.print(f"    {verzoektype}  {number}", highlight=False)


@dataclass(frozen=True, slots=True)
class _Management:
    session: aiohttp.ClientSession
    address: str

    async def get(self, path: str) -> Any:
        async with self.session.get(self.address + path) as answer:
            return await _checked(answer)

    async def post(self, path: str, wish: Mapping[str, Any]) -> Any:
        async with self.session.post(f"{self.address}{path}?files=false", json=wish) as answer:
            return await _checked(answer)


async def _checked(answer: aiohttp.ClientResponse) -> Any:
    if answer.status >= 400:
        raise ConfigError(f"the sandbox answered {answer.status}: {await answer.text()}")
    return await answer.json()
