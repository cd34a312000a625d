"""The gateway dies at every single call of a delivery, before or after the case system carried it out, and begins anew.

One double serves every run, each with a verzoeknummer of its own. What must hold in the end: one zaak, and of
everything in it exactly one.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from tests.doubles.zgw.double import Zaak
from tests.doubles.zgw.world import Quirks
from tests.unit.adapters.casesystems.zgw.sample import World, sha256, world
from tests.unit.adapters.casesystems.zgw.test_delivery import AANVULLING, DEARER, INTREKKING

from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import FileKind, Handover
from digikoppelaar.stam import codes
from digikoppelaar.stam.notification import WITHDRAWN

LARGE = b"large" * 500
FIRST: Final = ((FileKind.XML, "xml", "verzoek.xml", b"<verzoek/>"), (FileKind.BIJLAGE, "d1", "groot.bin", LARGE))
SECOND = ((FileKind.XML, "xml", "verzoek.xml", b"<verzoek>1</verzoek>"), (FileKind.BIJLAGE, "d2", "ook.bin", LARGE * 2))
SMALL = {"documents_at_once": "1", "parts_above_mb": "0.001"}
Files = tuple[tuple[FileKind, str, str, bytes], ...]
Make = Callable[[World, str], Awaitable[Handover]]


async def new(here: World, nummer: str) -> Handover:
    return await here.handover(files=FIRST, verzoeknummer=nummer)


async def aanvulling(here: World, nummer: str) -> Handover:
    case = await here.deliver(await new(here, nummer))
    changes = {"projectactiviteiten": DEARER, "verzoeknummer": nummer, "initiatiefnemer": None}
    return await here.handover(1, AANVULLING, files=SECOND, lapsed=("d1",), case=case, **changes)


async def intrekking(here: World, nummer: str) -> Handover:
    case = await here.deliver(await new(here, nummer))
    here.clock.moment = here.clock.moment.replace(hour=here.clock.moment.hour + 1)
    withdrawn = {"verzoeknummer": nummer, "doel": codes.INTREKKEN}
    return await here.handover(WITHDRAWN, INTREKKING, files=SECOND[:1], case=case, **withdrawn)


def whole(zaak: Zaak, contents: list[bytes], statussen: list[str]) -> None:
    """Of everything exactly one."""
    assert (len(zaak.rollen), len(zaak.zaakobjecten)) == (3, 2)
    assert zaak.statussen == statussen
    assert set(map(len, zaak.eigenschappen.values())) == {1}
    assert sorted(each.sha256 for each in zaak.documenten) == sorted(map(sha256, contents))


@pytest.mark.parametrize(
    ("make", "contents", "statussen", "carried_out"),
    [
        (new, (FIRST,), ["Ontvangen"], True),
        (new, (FIRST,), ["Ontvangen"], False),
        (aanvulling, (FIRST, SECOND), ["Ontvangen"], True),
        (intrekking, (FIRST, SECOND[:1]), ["Ontvangen", "Ingetrokken"], True),
    ],
)
async def test_a_crash_at_any_call_repeats_that_call_and_makes_nothing_twice(
    tmp_path: Path, make: Make, contents: tuple[Files, ...], statussen: list[str], *, carried_out: bool
) -> None:
    expected = [file[3] for files in contents for file in files]
    crashed = 0
    async with world(tmp_path, quirks=Quirks(part_size=1000), checked=False, **SMALL) as here:
        for calls in range(200):
            begin = here.clock.moment
            here.records.clear()
            nummer = f"2026060200{calls:03}"
            handover = await make(here, nummer)
            here.double.cut_after(calls, carried_out=carried_out)
            try:
                await here.deliver(handover)
                finished = True
            except CaseSystemError:
                finished = False
            here.double.heal()
            url = await here.deliver(handover)
            (zaak,) = [each for each in here.double.zaken if each.resource["kenmerken"][0]["kenmerk"] == nummer]
            assert zaak.resource["url"] == url
            whole(zaak, expected, statussen)
            here.clock.moment = begin
            if finished:
                break
            crashed += 1
        locked = [each for zaak in here.double.zaken for each in zaak.documenten if each.locked]
        strays = [each for each in here.double.documenten if not each.sha256]
        linked = {document.resource["url"] for zaak in here.double.zaken for document in zaak.documenten}
        assert not any(each.resource["url"] in linked for each in strays)
        lost = 1 if carried_out else 0
        """Of each kind of lock the one that was in the answer that never came."""
        assert len(strays) <= lost
        assert len(locked) <= lost
    assert crashed >= 10
