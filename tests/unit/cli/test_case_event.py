"""`case-event` over a real database: what could not be followed is listed, tried again and ended."""

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import Result
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.cli.test_verzoek import Installation
from tests.unit.flows.case_event_store_contract import BESLUIT, BY
from typer.testing import CliRunner

from digikoppelaar import publishing
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.app import app
from digikoppelaar.config import load
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.under_way import UnderWay
from digikoppelaar.wiring import open_stores


async def tell(world: World) -> None:
    """A besluit, at an aansluiting that has a folder for case system."""
    await PostgresCaseEvents(world.pool).take(world.pre.aansluiting.id, BESLUIT, BY, NOW)


async def follow(installation: Installation) -> None:
    """As the worker does."""
    config = load(installation.file)
    async with open_stores(config) as stores, CaseSystemHttp() as http, UnderWay("case events") as under_way:
        assert await publishing.case_events(config, stores, http, SystemClock()).follow_due(under_way) == 1


def case_event(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), "case-event", *arguments])


def listed(installation: Installation, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(case_event(installation, "list", "--json", *arguments).output)
    return found


def test_what_cannot_be_followed_waits_for_a_person_who_tries_again_or_ends_it(
    database_url: str, tmp_path: Path
) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(tell)
    assert isinstance(case_event(installation, "again", "1").exception, ConfigError)
    asyncio.run(follow(installation))
    [row] = listed(installation, "--parked")
    assert (row["resource"], row["by"], row["reason"]) == ("besluit", BY, "aansluiting 1 has no target of kind zgw")
    assert case_event(installation, "again", "1").output == "Case event 1: again.\n"
    assert listed(installation, "--parked") == []
    asyncio.run(follow(installation))
    assert json.loads(case_event(installation, "end", "1", "--json").output) == {"ended": 1}
    assert isinstance(case_event(installation, "end", "1").exception, ConfigError)
    [row] = listed(installation)
    assert row["outcome"] == "Een beheerder heeft het afgesloten."
