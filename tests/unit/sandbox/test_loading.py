"""A large generated set: its plan, and a small one submitted to a running sandbox."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.unit.sandbox.gateway import COUNTRY, DIENST, EAST, WATER, WEST, Gateway

from digikoppelaar.cli import sandbox_load
from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.country import read_ring
from digikoppelaar.sandbox.loading import MOST_FOLLOW_UPS, Planned, Shares, plan
from digikoppelaar.sandbox.routing import inside
from digikoppelaar.sandbox.values import organisatie_values

ORGANISATIES = [organisatie_values(each) for each in COUNTRY]


def planned(count: int = 400, seed: int = 1, shares: Shares | None = None) -> list[Planned]:
    return list(plan(count, seed, ORGANISATIES, shares or Shares()))


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert planned() == planned()
    assert planned() != planned(seed=2)
    assert planned(10) == planned()[:10], "a longer one begins the same"


def test_it_is_spread_over_authorities_kinds_and_places() -> None:
    made = planned()
    oins = Counter(each.submission["oin"] for each in made)
    assert set(oins) == {WEST, EAST, WATER}, "a behandeldienst is never addressed itself"
    assert max(oins.values()) - min(oins.values()) <= 1
    assert len({each.submission["soort"] for each in made}) == 4
    assert len({each.submission.get("type") for each in made}) > 5
    for each in made:
        if each.submission["oin"] == EAST:
            (x, y) = each.submission["locaties"][0]["rd"]
            (area,) = COUNTRY[1].gebied
            assert inside(area, (x, y))


def test_the_shares_are_what_was_asked() -> None:
    kinds = [[path for path, _ in each.follow_ups] for each in planned(2000, shares=Shares(0.3, 0.1, 2))]
    assert 0.25 < sum("aanvullingen" in each for each in kinds) / 2000 < 0.35
    assert 0.07 < sum("intrekking" in each for each in kinds) / 2000 < 0.13
    assert max(map(len, kinds)) == MOST_FOLLOW_UPS
    assert all("intrekking" not in each[:-1] for each in kinds), "nothing comes after a withdrawal"
    assert all(each.follow_ups == () or each.follow_ups == [] for each in planned(shares=Shares(0, 0)))


def test_a_thin_area_and_an_authority_without_activities_get_verzoeken_too() -> None:
    thin = {"oin": WEST, "bestuurslaag": "rijk", "gebied": ["0,400000 1,400000 1,400000 0,400000"]}
    (made,) = plan(1, 1, [thin], Shares())
    assert made.submission["locaties"] == [{"rd": list(read_ring(thin["gebied"][0])[0])}]  # type: ignore[index]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_set_is_submitted_and_told(country: Gateway) -> None:
    url = country.ready.management_url
    shares = Shares(aanvullingen=1, intrekkingen=0.5, bijlagen=1)
    summary = await sandbox_load.load(url, 6, seed=3, shares=shares, patience=0)
    assert summary.verzoeken == sum(summary.by_oin.values()) == sum(summary.by_type.values()) >= 6
    assert summary.aanvullingen >= 6
    assert summary.intrekkingen > 0
    assert summary.notifications >= summary.verzoeken + summary.aanvullingen + summary.intrekkingen
    assert set(summary.by_oin) == {WEST, EAST, WATER}
    assert DIENST not in summary.by_oin


@pytest.mark.asyncio(loop_scope="session")
async def test_a_sandbox_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(ConfigError):
            sandbox_load.management_url(folder)
    (tmp_path / "sandbox.json").write_text(json.dumps({"management_url": "http://127.0.0.1:9"}))
    with pytest.raises(ConfigError, match="does not answer"):
        await sandbox_load.load(sandbox_load.management_url(tmp_path), 1, 1, Shares(), 0)
