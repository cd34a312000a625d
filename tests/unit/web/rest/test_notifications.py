"""A notification that another adapter received, by POST: taken in once, for the organisatie of the key."""

import pytest
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.web.rest.world import NOW, OTHER, STAM, World

from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.flows.registration import difference
from digikoppelaar.stam.notification import LIMIT

PATH = "/api/v1/notifications"
TRIGGER = b"<n><verzoeknummer>2026060200019</verzoeknummer></n>"
ROWS = """
    SELECT organisatie_oin, verzoeknummer, withdrawal, state, document,
        (SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'fetch') AS jobs
    FROM notification JOIN aansluiting ON aansluiting.id = aansluiting_id
"""


@pytest.fixture
async def receiving(world: World) -> World:
    await world.registry.apply(difference([], STAM), NOW)
    return world


async def rows(world: World) -> list[dict[str, object]]:
    async with transaction(world.pool) as connection:
        return await (await connection.execute(ROWS)).fetchall()


async def test_it_is_on_record_with_its_job_before_it_is_answered(receiving: World) -> None:
    async with await receiving.http(OTHER) as http:
        answer = await http.post(PATH, content=TRIGGER)
    assert (answer.status_code, answer.json()) == (
        202,
        {"verzoeknummer": "2026060200019", "intrekking": False, "new": True},
    )
    [row] = await rows(receiving)
    assert (row["organisatie_oin"], row["state"], row["document"], row["jobs"]) == (OTHER, "received", TRIGGER, 1)


async def test_the_same_one_again_is_taken_once(receiving: World) -> None:
    async with await receiving.http() as http:
        told = [(await http.post(PATH, content=TRIGGER)).json()["new"] for _ in range(3)]
    assert told == [True, False, False]
    assert [row["jobs"] for row in await rows(receiving)] == [1]


async def test_the_withdrawal_of_an_intermediary_is_one(receiving: World) -> None:
    closing = b"<root><oin>%s</oin><verzoeknummer>2026060200019</verzoeknummer><actie>close</actie></root>"
    async with await receiving.http() as http:
        answer = await http.post(PATH, content=closing % GEMEENTE.encode())
    assert answer.json()["intrekking"] is True
    assert [row["withdrawal"] for row in await rows(receiving)] == [True]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"<n/>", 400),
        (b"<n><verzoeknummer>../../etc</verzoeknummer></n>", 400),
        (b"<!DOCTYPE n><n><verzoeknummer>1</verzoeknummer></n>", 400),
        (b"<n>" + b" " * LIMIT + b"</n>", 413),
    ],
)
async def test_what_is_no_notification_stores_nothing(receiving: World, content: bytes, status: int) -> None:
    async with await receiving.http() as http:
        assert (await http.post(PATH, content=content)).status_code == status
    assert await rows(receiving) == []


async def test_who_receives_no_verzoeken_is_told(world: World) -> None:
    async with await world.http() as http:
        answer = await http.post(PATH, content=TRIGGER)
    assert (answer.status_code, "no aansluiting stam" in answer.text) == (400, True)
