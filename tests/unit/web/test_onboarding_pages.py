"""What the pages of onboarding show; that they are well-formed and escaped stands in test_pages."""

from typing import Any

import pytest
from tests.asgi import request
from tests.unit.web import examples
from tests.unit.web.archive import Archive
from tests.unit.web.gates import OPEN
from tests.unit.web.test_pages import AANSLUITING, HOSTILE, FixedClock, shown, words_of

from digikoppelaar.adapters.memory.views import MemoryViews
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_report import COMPLETE, STATES
from digikoppelaar.flows.reading import VerzoekFilter
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.web.app import make_app
from digikoppelaar.web.words import Tone, onboarding_state


def app_over(onboarding: Onboarding) -> Any:
    return make_app(Archive(), MemoryViews(), FixedClock(), OPEN, statuses=onboarding.statuses)


async def test_the_list_has_how_far_each_is_whose_turn_it_is_and_what_is_next() -> None:
    page = await shown(app_over(examples.onboarding()), "/aansluitingen?soort=stam&omgeving=pre")
    [row] = [words_of(row) for row in page.xpath("//tbody/tr")]
    assert "Gemeente Voorbeeldam gemeente STAM pre 1 van 21 te doen bevoegd gezag Stap 0.2: eHerkenning." in row
    assert page.xpath("//tbody//a/@href") == [AANSLUITING]


async def test_the_list_is_narrowed_and_keeps_what_was_chosen() -> None:
    app = app_over(examples.onboarding())
    page = await shown(app, "/aansluitingen?bestuurslaag=gemeente&open=ja&omgeving=prod")
    assert len(page.xpath("//tbody/tr")) == 2
    assert page.xpath("//select/option[@selected]/@value") == ["prod", "gemeente", "ja"]
    assert "Niets:" in words_of(await shown(app, "/aansluitingen?bestuurslaag=rijk"))


@pytest.mark.parametrize("query", ["omgeving=test", "soort=stop", "bestuurslaag=dorp", "oin=%00"])
async def test_a_filter_that_cannot_be_is_answered_with_400(query: str) -> None:
    assert (await request(app_over(examples.onboarding()), f"/aansluitingen?{query}")).status == 400


async def test_a_page_shows_every_step_with_what_to_do_what_was_found_and_what_proves_it() -> None:
    page = await shown(app_over(examples.onboarding()), AANSLUITING)
    headings = [words_of(heading) for heading in page.xpath("//h3")]
    assert len(headings) == 21
    assert headings[0] == "0.1 OIN"
    text = words_of(page)
    for part in (
        "Het certificaat van Gemeente Voorbeeldam is verlopen. Vernieuw het.",
        "/bewijs/Gemeente Voorbeeldam.pdf",
        "wacht op antwoord sinds 15-01-2026 13:00:00 CET Antwoord verwacht rond 22-01-2026",
        "kies 'Aansluitactiviteit Gemeentes - Melding'",
    ):
        assert part in text


@pytest.mark.parametrize(
    "target", ["stop/pre/1", "stam/test/1", "stam/pre/x", f"stam/pre/{'9' * 20}", "stam/pre/%C2%B2"]
)
async def test_what_is_not_there_is_not_found(target: str) -> None:
    assert (await request(app_over(examples.onboarding()), f"/aansluitingen/{target}")).status == 404


async def test_text_of_others_is_shown_as_text() -> None:
    app = app_over(examples.onboarding(HOSTILE))
    for target in ("/aansluitingen", AANSLUITING):
        answer = await request(app, target)
        assert answer.status == 200
        assert not any(tag in answer.text for tag in ("<script", "<img", str(1234 * 5678)))


async def test_the_sandbox_is_marked() -> None:
    app = app_over(examples.onboarding("Gemeente Voorbeeldam", "sandbox-pre"))
    for target in ("/aansluitingen", AANSLUITING.replace("/pre/", "/sandbox-pre/")):
        assert (await shown(app, target)).xpath("//*[@role='note'][contains(., 'SANDBOX')]")
    assert "SANDBOX" not in (await request(app_over(examples.onboarding()), AANSLUITING)).text


async def test_who_onboards_nobody_has_an_empty_list() -> None:
    app = make_app(Archive(), MemoryViews(), FixedClock(), OPEN)
    assert "Niets:" in words_of(await shown(app, "/aansluitingen"))
    assert await Archive().verzoeken(VerzoekFilter()) == []


def test_only_what_is_wrong_is_red_and_what_is_done_is_green() -> None:
    tones = {state: onboarding_state(text).tone for state, text in STATES.items()}
    assert tones == {
        StepState.OPEN: Tone.BUSY,
        StepState.WAITING: Tone.BUSY,
        StepState.WRONG: Tone.BAD,
        StepState.DONE: Tone.GOOD,
    }
    assert onboarding_state(COMPLETE).tone is Tone.GOOD
