"""`digikoppelaar demo --once --json`: what a visitor runs first, as the visitor runs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.steps import command, new_folder, remove, sha256

KEYS = {
    "verzoeknummer",
    "message_id",
    "acknowledged",
    "ebms_profile",
    "case_folder",
    "bijlagen",
    "seconds_to_acknowledged",
    "seconds_to_delivered",
    "gateway_rss_mib",
}
LARGE = 25_000_000


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes the folder of its run."""
    made = new_folder()
    yield made
    remove([made])


async def test_the_demo_delivers_tells_every_step_and_ends_with_one_json_object(folder: Path) -> None:
    output = await command("demo", "--once", "--json", "--folder", folder)
    assert output.status == 0
    result = json.loads(output.out.splitlines()[-1])
    assert set(result) == KEYS
    assert (result["acknowledged"], result["ebms_profile"]) == (True, "osb-rm-s")
    assert max(bijlage["bytes"] for bijlage in result["bijlagen"]) == LARGE
    files = {sha256(file) for file in Path(result["case_folder"]).rglob("*") if file.is_file()}
    for bijlage in result["bijlagen"]:
        assert bijlage["verified"]
        assert bijlage["sha256"] in files
    assert 0 < result["seconds_to_acknowledged"] <= result["seconds_to_delivered"]
    for told in ("PostgreSQL started", "submitted", "acknowledgment sent", "delivered into the case folder"):
        assert told in output.err
    assert "Traceback" not in output.err
