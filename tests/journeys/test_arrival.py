"""The main job: what an applicant submits at DSO-LV is in the case folder, whole, and can be looked at."""

import html
import re
from collections import Counter
from collections.abc import Mapping

import pytest
import pytest_asyncio
from tests.journeys.steps import (
    Verzoek,
    acknowledged,
    answered,
    assert_once,
    assert_whole,
    delivered,
    gateway_command,
    in_state,
)

from digikoppelaar.cli.trial import Trial
from digikoppelaar.sandbox.model import Soort
from digikoppelaar.wiring import Stores

SOORTEN = [soort.value for soort in Soort]
BIJLAGEN: tuple[int | str, ...] = ("pdf", "png", "txt", 0, 300_000, 5_000_000)
"""Some of each kind; an empty one, one above what is kept in memory, and a large one."""
STEPS = Counter(received=1, outbound_delivered=1, file_fetched=2 + len(BIJLAGEN), fetched=1, delivered=1)
DUTCH_STEPS = (
    "Bericht ontvangen",
    "Antwoord bezorgd bij de partner",
    "Bestand opgehaald",
    "Alles opgehaald bij DSO-LV",
    "Afgeleverd in het zaaksysteem",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def arrived(shared_trial: Trial, stores: Stores) -> Mapping[str, Verzoek]:
    """A verzoek of each soort, delivered and acknowledged; by soort."""
    verzoeken = {soort: (await shared_trial.submit(soort=soort, bijlagen=BIJLAGEN))[0] for soort in SOORTEN}
    await delivered(shared_trial, *verzoeken.values())
    for verzoek in verzoeken.values():
        await answered(stores, verzoek)
    return {soort: await acknowledged(shared_trial, verzoek) for soort, verzoek in verzoeken.items()}


@pytest.mark.parametrize("soort", SOORTEN)
async def test_each_soort_arrives_whole_and_once(
    trial: Trial, stores: Stores, arrived: Mapping[str, Verzoek], soort: str
) -> None:
    assert_whole(trial, arrived[soort])
    assert_once(trial, arrived[soort])
    row = await in_state(stores, arrived[soort], "delivered")
    assert (row.volgnummer, row.type, row.naam) == (0, arrived[soort]["type"], arrived[soort]["naam"])
    assert (row.reason, row.advice) == (None, None)


async def test_dso_lv_has_nothing_to_complain_about_a_leverancier_that_acts_under_machtiging(
    trial: Trial, arrived: Mapping[str, Verzoek]
) -> None:
    assert trial.facts["partij_oin"] != trial.facts["organisatie_oin"]
    assert all(verzoek["acknowledged"] for verzoek in arrived.values())
    assert await trial.refusals() == []


async def test_the_command_line_lists_what_arrived(trial: Trial, arrived: Mapping[str, Verzoek]) -> None:
    rows = (await gateway_command(trial, "verzoek", "list", "--json")).document
    states = {row["verzoeknummer"]: row["state"] for row in rows}
    assert {states[verzoek["verzoeknummer"]] for verzoek in arrived.values()} == {"delivered"}


async def test_the_command_line_shows_files_steps_and_messages_of_a_verzoek(
    trial: Trial, arrived: Mapping[str, Verzoek]
) -> None:
    verzoek = arrived["melding"]
    page = (await gateway_command(trial, "verzoek", "show", verzoek["verzoeknummer"], "--json")).document
    [version] = page["versions"]
    assert [(file["kind"], file["naam"], file["sha256"]) for file in version["files"]] == [
        (file["kind"], file["naam"], file["sha256"]) for file in verzoek["files"]
    ]
    assert Counter(step["name"] for step in version["steps"]) == STEPS
    notification, acknowledgment = page["messages"]
    assert (notification["direction"], notification["message_id"]) == ("in", verzoek["message_id"])
    assert (acknowledgment["direction"], acknowledgment["action"]) == ("out", "Acknowledgment")
    assert acknowledgment["ref_to_message_id"] == verzoek["message_id"]
    assert acknowledgment["state"] == "delivered"


async def test_the_web_page_shows_steps_bijlagen_and_messages(trial: Trial, arrived: Mapping[str, Verzoek]) -> None:
    verzoek = arrived["vergunningaanvraag"]
    index = await _page(trial, "verzoeken")
    [address] = set(re.findall(rf'href="/(verzoeken/\d+/{verzoek["verzoeknummer"]})"', index))
    page = await _page(trial, address)
    for shown in (*DUTCH_STEPS, verzoek["message_id"], *(file["naam"] for file in verzoek["files"])):
        assert shown in page
    messages = set(re.findall(r'href="/(berichten/(?:in|out)/\d+)"', page))
    assert len(messages) == 2
    for message in messages:
        assert verzoek["message_id"] in await _page(trial, message)


async def test_a_small_verzoek_is_in_the_case_folder_within_a_second_of_its_notification(
    trial: Trial, stores: Stores
) -> None:
    seconds = []
    for _ in range(3):
        [verzoek] = await trial.submit(bijlagen=["txt"])
        row = await in_state(stores, verzoek, "delivered")
        assert row.delivered_at is not None
        seconds.append((row.delivered_at - row.received_at).total_seconds())
    assert min(seconds) < 1.0, "the least of three: other tests may keep this machine busy"


async def _page(trial: Trial, address: str) -> str:
    async with trial.http.get(trial.web_url + address) as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())
