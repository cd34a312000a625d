"""The privacy check of a text: in the XML, after its deletion in the hashes, and after those honestly not done."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.adapters.postgres.keeping import Keeping
from tests.unit.adapters.postgres.world import World

from digikoppelaar.flows.privacy import GONE, UNKNOWN, Checked, Outcome, PrivacyCheck
from digikoppelaar.flows.retention import RetentionSettings
from digikoppelaar.stam.fingerprints import Kind, Match

NOTICE = "Aanvraag van F. Fictief voor een dakkapel"
FOUND = Checked(Outcome.FOUND, (Match(Kind.NAAM, 16, 23),))


@pytest.fixture
def keeping(world: World, tmp_path: Path) -> Keeping:
    """An installation without verzoeken."""
    return Keeping(world, tmp_path)


async def check(keeping: Keeping, number: str, text: str = NOTICE) -> Checked:
    checks = PrivacyCheck(keeping.store, keeping.blobs, keeping.keys)
    return await checks.matches(keeping.world.pre.aansluiting.id, number, text)


async def test_a_text_is_searched_in_the_same_way_before_and_after_the_deletion(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    for _ in range(2):
        assert await check(keeping, number) == FOUND
        assert (await check(keeping, number, "Een dakkapel aan de Veldweg")).outcome is Outcome.CLEAN
        await keeping.run()


async def test_when_the_hashes_are_gone_the_check_was_not_done_and_never_good(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    await keeping.run()
    keeping.clock.moment += timedelta(days=359)
    assert (await keeping.run()).fingerprints_forgotten == 0
    keeping.clock.moment += timedelta(days=1)
    assert (await keeping.run()).fingerprints_forgotten == 1
    for text in (NOTICE, "Een dakkapel"):
        assert await check(keeping, number, text) == Checked(Outcome.NOT_DONE, reason=GONE)
    assert await keeping.rows("SELECT FROM fingerprint") == []


async def test_of_an_unknown_verzoek_nothing_can_be_said(keeping: Keeping) -> None:
    assert await check(keeping, "2026000000000") == Checked(Outcome.NOT_DONE, reason=UNKNOWN)


async def test_hashes_are_found_with_the_key_that_they_were_made_with(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    await keeping.run()
    await keeping.keys.rotate()
    await keeping.run()
    assert await check(keeping, number) == FOUND
    (keeping.folder / "fingerprint.key").unlink()
    assert (await check(keeping, number)).outcome is Outcome.NOT_DONE


async def test_a_verzoek_whose_xml_was_lost_is_deleted_without_hashes(keeping: Keeping) -> None:
    verzoek_id, number = await keeping.delivered(31)
    for file in (keeping.folder / "blobs" / "verzoeken" / "1" / str(verzoek_id)).iterdir():
        file.unlink()
    assert (await check(keeping, number)).outcome is Outcome.NOT_DONE
    await keeping.run()
    assert (await check(keeping, number)).outcome is Outcome.NOT_DONE


async def test_hashes_that_may_not_be_kept_are_not(keeping: Keeping) -> None:
    keeping.settings = RetentionSettings(fingerprint_months=0)
    _, number = await keeping.delivered(31)
    await keeping.run()
    assert await keeping.rows("SELECT FROM fingerprint_set") == []
    assert (await check(keeping, number)).outcome is Outcome.NOT_DONE
