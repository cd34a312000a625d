"""`aansluiting follow` where the test verzoek does not come, or does not go on."""

import json

from tests.unit.adapters.postgres.world import World
from tests.unit.cli.test_aansluiting import THERE, aansluiting, installation, refusal
from tests.unit.cli.test_verzoek import NUMBER, Installation, park_notification
from tests.unit.ebms.cpas import GEMEENTE

from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.following import Following
from digikoppelaar.flows.onboarding import Onboarding, nobody_judges
from digikoppelaar.onboarding.model import Kind, Subject

__all__ = ["installation"]
NOW_AND_NO_LONGER = ("--timeout", "0")


def test_it_says_what_to_choose_and_that_nothing_came(installation: Installation) -> None:
    installation.ask(park_notification)  # what came in before is not waited for
    result = aansluiting(installation, "follow", GEMEENTE, *THERE, *NOW_AND_NO_LONGER)
    assert "'Aansluitactiviteit Gemeentes - Melding'" in result.output
    assert isinstance(result.exception, PartnerUnreachable)
    assert "aansluiting ping" in result.exception.advice
    told = aansluiting(installation, "follow", GEMEENTE, *THERE, *NOW_AND_NO_LONGER, "--json").output
    assert json.loads(told)["arrived"] is False


def test_only_a_sandbox_is_submitted_to(installation: Installation) -> None:
    where = ("follow", GEMEENTE, "--submit", "--omgeving")
    assert "--submit is not for prod" in str(refusal(installation, *where, "prod"))
    assert "which sandbox" in str(refusal(installation, *where, "sandbox-pre"))


def test_who_has_no_aansluiting_there_waits_for_nothing(installation: Installation) -> None:
    assert "no aansluiting stam in prod" in str(refusal(installation, "follow", GEMEENTE, "--omgeving", "prod"))


def test_what_is_stuck_is_told_with_its_steps(installation: Installation) -> None:
    async def stuck(world: World) -> None:
        before = SystemClock().now().replace(year=2000)
        await park_notification(world)
        onboarding = Onboarding(PostgresOnboarding(world.pool), load_process, nobody_judges)
        following, told = Following(onboarding, world.reading, SystemClock()), []
        subject = Subject(GEMEENTE, Kind.STAM, "sandbox-pre")
        found = await following.follow(subject, before, told.append, timeout=0)
        assert found.row
        assert (found.row.verzoeknummer, found.row.state, found.arrived) == (NUMBER, "parked", False)
        assert told[0].name == "received"
        elsewhere = Subject(GEMEENTE, Kind.STAM, "sandbox-prod")
        assert (await following.follow(elsewhere, before, told.append, timeout=0)).row is None

    installation.ask(stuck)
