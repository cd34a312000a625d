"""What the four case systems of West or North have of a verzoek, and which rule put it there."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from tests.journeys import steps
from tests.journeys.casesystems import WEST, Place, zaken_of

from digikoppelaar.adapters.postgres.connect import transaction

RULE: Final = """
    SELECT verzoek.rule FROM verzoek JOIN aansluiting ON aansluiting.id = verzoek.aansluiting_id
    WHERE (aansluiting.organisatie_oin, verzoek.verzoeknummer, verzoek.volgnummer) = (%s, %s, %s)
"""
Acts = Mapping[int, str]
"""What a case system was told to do, by volgnummer."""
NOTHING: Final[Acts] = {}


def in_zaken(place: Place, verzoek: steps.Verzoek) -> list[str]:
    """What was done to the zaken of a verzoek."""
    acts = []
    for zaak in zaken_of(place.west, verzoek):
        told = str(zaak.resource["toelichting"])
        acts += ["nieuw", *["aanvulling"] * told.count("Aanvulling "), *["intrekking"] * told.count("Ingetrokken door")]
    return acts


def in_folder(place: Place, verzoek: steps.Verzoek, oin: str) -> set[int]:
    """The volgnummers in the case folder, also of what is not whole."""
    found = list(place.trial.case_folder.rglob(f"*{verzoek['verzoeknummer']}-*"))
    assert all(each.parent.name == oin for each in found)
    return {int(each.name.rpartition("-")[2]) for each in found}


def assert_done(place: Place, verzoek: steps.Verzoek, oin: str, acts: Acts) -> None:
    """Each of the four case systems did exactly this for a verzoek, in this order."""
    told = [(each["volgnummer"], each["actie"]) for each in place.supplier.about(verzoek)]
    objects = [each["aanvraaggegevens"]["dso"] for each in place.objects_about(verzoek)]
    assert in_zaken(place, verzoek) == list(acts.values())
    assert in_folder(place, verzoek, oin) == set(acts)
    assert told == list(acts.items())
    assert [(each["volgnummer"], each["actie"]) for each in objects] == list(acts.items())


async def assert_whole(place: Place, verzoek: steps.Verzoek, oin: str) -> None:
    """Each of the four has the newest version with the files that DSO-LV serves of it; only the zaak may have more."""
    wanted = sorted(each["sha256"] for each in (await place.trial.submitted(verzoek["verzoeknummer"]))["files"])
    [zaak] = zaken_of(place.west, verzoek)
    assert {*wanted} <= {document.sha256 for document in zaak.documenten}
    case = place.trial.case(verzoek["verzoeknummer"], verzoek["volgnummer"], oin)
    named = json.loads((case / "manifest.json").read_text())["bestanden"]
    assert sorted(steps.sha256(case / each["pad"]) for each in named) == wanted
    assert sorted(each["sha256"] for each in place.supplier.about(verzoek)[-1]["bestanden"]) == wanted
    assert {*wanted} <= {hashlib.sha256(body).hexdigest() for body in place.supplier.files.values()}
    assert place.archived(place.objects_about(verzoek)[-1]) == wanted


async def one(place: Place, query: str, *values: object) -> Mapping[str, Any]:
    """The one row of a query."""
    async with transaction(place.stores.pool) as connection:
        found = await (await connection.execute(query.encode(), values)).fetchall()
    [row] = found
    return row


async def assert_ruled(place: Place, verzoek: steps.Verzoek, rule: str, oin: str = WEST) -> None:
    """This rule decided about the newest version of a verzoek."""
    assert (await one(place, RULE, oin, verzoek["verzoeknummer"], verzoek["volgnummer"]))["rule"] == rule
