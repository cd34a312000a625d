"""What becomes of a notice is in the case systems of its verzoek and known to the application, whatever went wrong."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest_asyncio
from tests.doubles.zgw.double import Document, Zaak, ZgwDouble
from tests.journeys import steps
from tests.journeys.casesystems import RSIN, Receiver, Supplier, zaken_of
from tests.journeys.steps import Verzoek, eventually, gateway_command
from tests.journeys.test_kills import kill

from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.trial import PUBLISHING, Trial
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.flows.ports.tellings import StoredTelling
from digikoppelaar.flows.registration import AansluitingEntry, Entry
from digikoppelaar.flows.targets import flattened
from digikoppelaar.flows.webhooks import signature
from digikoppelaar.wiring import Stores, apply_registration, open_stores

SETTINGS: Final = f"""{steps.SETTINGS}
[retention]
days = 0
"""


@dataclass(frozen=True, slots=True)
class Place:
    """An installation whose notices go by themselves, the case systems of its verzoeken, and an application."""

    trial: Trial
    stores: Stores
    zgw: ZgwDouble
    supplier: Supplier
    application: Receiver

    async def connect(self, *more: Mapping[str, Any]) -> None:
        """Deliver to a zaak, a case folder and a supplier, and to what is more; tell the application of notices."""
        targets = [*self._targets(), *more]
        entries = [self._entry(each, targets) for each in read_file(Path(self.trial.facts["organisatie_file"]))]
        await apply_registration(self.trial.config, entries, dry_run=False)

    def _entry(self, entry: Entry, targets: Sequence[Mapping[str, Any]]) -> Entry:
        if not isinstance(entry, AansluitingEntry):
            return entry
        if entry.kind == "stam":
            return replace(entry, case_system=flattened(targets))
        secret = str(self.trial.folder / "pass-on-secret")
        webhook = {"webhook_url": self.application.url, "webhook_secret_file": secret}
        return replace(entry, publishing={**entry.publishing, **PUBLISHING, **webhook})

    def _targets(self) -> list[dict[str, Any]]:
        secret = self.trial.folder / "zgw-secret"
        secret.write_text(self.zgw.access.secret)
        zaak = {
            **{f"{api}_url": self.zgw.addresses[api] for api in ("zaken", "documenten", "catalogi")},
            "client_id": self.zgw.access.client_id,
            "secret_file": str(secret),
            "bronorganisatie": RSIN,
            "zaaktype": "OMGEVING-AANVRAAG",
            "informatieobjecttype": "Bijlage",
            "publicatie": {"nummer": "publicatienummer", "datum": "publicatiedatum"},
        }
        vth = {
            "url": f"{self.supplier.url}/verzoeken",
            "upload": False,
            "publication": {"url": f"{self.supplier.url}/publicaties"},
        }
        return [
            {"name": "zaak", "kind": "zgw", "settings": zaak},
            {"name": "map", "kind": "folder", "settings": {"path": str(self.trial.case_folder)}},
            {"name": "vth", "kind": "webhook", "settings": vth},
        ]

    async def application_for_a_permit(self) -> Verzoek:
        [verzoek] = await self.trial.submit(soort="vergunningaanvraag", bijlagen=["txt"])
        return verzoek  # type: ignore[no-any-return]

    async def in_state(self, verzoek: Verzoek, state: str) -> StoredKennisgeving:
        """Wait until the one notice of this verzoek is in this state."""

        async def look() -> list[StoredKennisgeving]:
            wanted = KennisgevingFilter(verzoeknummer=verzoek["verzoeknummer"])
            return list(await self.stores.kennisgevingen.kennisgevingen(wanted))

        [row] = await eventually(look, lambda rows: [row.state for row in rows] == [state], state)
        return row

    async def told(self, row: StoredKennisgeving, *targets: str | None) -> dict[str | None, StoredTelling]:
        """Wait until these know that it is published."""

        async def look() -> dict[str | None, StoredTelling]:
            found = await self.stores.tellings.of(row.id)
            return {each.target: each for each in found if each.state == "published"}

        def all_told(found: dict[str | None, StoredTelling]) -> bool:
            return all(each in found and found[each].told_at for each in targets)

        return await eventually(look, all_told, f"told: {targets}")

    def zaak(self, verzoek: Verzoek) -> Zaak:
        [zaak] = zaken_of(self.zgw, verzoek)
        return zaak

    def pages(self, verzoek: Verzoek) -> list[Document]:
        """The documents in its zaak that are about publications."""
        return [each for each in self.zaak(verzoek).documenten if each.resource["formaat"] == "text/html"]

    def events(self, verzoek: Verzoek) -> list[Mapping[str, Any]]:
        """What the application was posted about it."""
        return [json.loads(body) for _, body in self.application.about(verzoek)]

    def file(self, verzoek: Verzoek, number: str) -> Path:
        """Beside its case folder."""
        return self.trial.case(verzoek["verzoeknummer"]).with_name(
            f"{verzoek['verzoeknummer']}-publicatie-{number}.json"
        )

    async def unfindable(self) -> None:
        """KOOP's search does not answer, until all faults are switched off."""
        await self.trial.fault(kind="answer", target="sru", status=400)


@asynccontextmanager
async def running(folders: list[Path]) -> AsyncIterator[Place]:
    supplier, application = Supplier(), Receiver()
    async with (
        ZgwDouble().running() as zgw,
        supplier.running(),
        steps.new_trial(folders, settings=SETTINGS) as trial,
        application.running(trial),
    ):
        trial.publishes = True
        async with trial.prepared(), open_stores(trial.config) as stores:
            place = Place(trial, stores, zgw, supplier, application)
            await place.connect()
            await trial.start_gateway()
            yield place


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_place(trial_folders: list[Path]) -> AsyncIterator[Place]:
    """One installation for all of these. Ask for `place`."""
    async with running(trial_folders) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="session")
async def place(shared_place: Place) -> AsyncIterator[Place]:
    """With nothing wrong before and after."""
    await shared_place.trial.no_faults()
    yield shared_place
    await shared_place.trial.no_faults()
    shared_place.zgw.heal()
    shared_place.application.refusals.clear()


async def test_where_a_notice_was_published_is_in_every_case_system_and_known_to_the_application(place: Place) -> None:
    verzoek = await place.application_for_a_permit()
    row = await place.in_state(verzoek, "published")
    await place.told(row, "zaak", "map", "vth", None)
    found = row.publication
    assert found
    day = found.published_on.isoformat()
    eigenschappen = place.zaak(verzoek).eigenschappen
    assert (eigenschappen["publicatienummer"], eigenschappen["publicatiedatum"]) == ([found.number], [day])
    [page] = place.pages(verzoek)
    assert found.url in page.content.decode()
    said = json.loads(place.file(verzoek, found.number).read_bytes())
    assert said["publicatie"] == {"nummer": found.number, "datum": day, "url": found.url, "verschillen": []}
    [by_webhook] = [
        each for each in place.supplier.publications.values() if each["verzoeknummer"] == verzoek["verzoeknummer"]
    ]
    assert (by_webhook["actie"], by_webhook["publicatie"]) == ("publicatie", said["publicatie"])
    [(headers, body)] = place.application.about(verzoek)
    at = int(headers["digikoppelaar-signature"].partition(",")[0].removeprefix("t="))
    assert headers["digikoppelaar-signature"] == signature(place.application.secret.encode(), at, body)
    event = json.loads(body)
    assert (event["type"], event["publication"]["number"]) == ("kennisgeving.published", found.number)
    assert str(row.document["titel"]) not in body.decode()
    shown = (await gateway_command(place.trial, "verzoek", "show", verzoek["verzoeknummer"], "--json")).document
    [line] = shown["kennisgevingen"]
    assert (line["publication"], line["publication_url"], line["published_on"]) == (found.number, found.url, day)


async def test_a_gateway_that_is_killed_while_it_tells_a_zaak_makes_nothing_twice(place: Place) -> None:
    await place.unfindable()
    verzoek = await place.application_for_a_permit()
    await place.in_state(verzoek, "accepted")
    before = len(place.zgw.called("POST documenten/enkelvoudiginformatieobjecten"))
    place.zgw.cut("POST documenten/enkelvoudiginformatieobjecten", carried_out=True)
    await place.trial.no_faults()

    async def made() -> int:
        return len(place.zgw.called("POST documenten/enkelvoudiginformatieobjecten")) - before

    await eventually(made, what="the page is made and nobody heard of it")
    await kill(place.trial)
    await place.trial.start_gateway()
    row = await place.in_state(verzoek, "published")
    await place.told(row, "zaak", "map", "vth", None)
    assert len(place.pages(verzoek)) == 1
    assert {len(values) for values in place.zaak(verzoek).eigenschappen.values()} == {1}
    assert len({event["id"] for event in place.events(verzoek)}) == 1


async def test_a_zaak_that_is_closed_waits_for_a_person_and_holds_up_nobody_else(place: Place) -> None:
    await place.unfindable()
    verzoek = await place.application_for_a_permit()
    await place.in_state(verzoek, "accepted")
    zaaknummer = place.zaak(verzoek).resource["identificatie"]
    place.zgw.close(zaaknummer)
    await place.trial.no_faults()
    row = await place.in_state(verzoek, "published")
    tellings = await place.told(row, "map", "vth", None)

    async def items() -> list[Mapping[str, Any]]:
        found = (await gateway_command(place.trial, "worklist", "list", "--json")).document
        return [each for each in found if each["sort"] == "untold"]

    [item] = await eventually(items, what="it is on the worklist")
    assert (item["key"], item["verzoeknummer"]) == (f"untold:{tellings['zaak'].id}", verzoek["verzoeknummer"])
    assert "Bestemming zaak" in item["what"]
    assert "afgesloten" in item["todo"]
    place.zgw.reopen(zaaknummer)
    released = await gateway_command(place.trial, "verzoek", "release", verzoek["verzoeknummer"], "--json")
    assert released.document["untold"] == [row.id]
    await place.told(row, "zaak")
    assert len(place.pages(verzoek)) == 1
    assert await items() == []


async def test_the_case_is_told_also_when_the_content_of_the_verzoek_was_deleted(place: Place) -> None:
    await place.unfindable()
    verzoek = await place.application_for_a_permit()
    await place.in_state(verzoek, "accepted")
    assert (await gateway_command(place.trial, "retention", "run", "--json")).status == 0
    shown = (await gateway_command(place.trial, "verzoek", "show", verzoek["verzoeknummer"], "--json")).document
    assert shown["versions"][0]["verzoek"]["purged_at"]
    await place.trial.no_faults()
    row = await place.in_state(verzoek, "published")
    await place.told(row, "zaak", "map", "vth", None)
    assert len(place.pages(verzoek)) == 1
    assert row.publication
    assert place.file(verzoek, row.publication.number).exists()


async def test_a_target_that_is_added_later_is_told_once_it_has_the_verzoek(place: Place) -> None:
    verzoek = await place.application_for_a_permit()
    row = await place.in_state(verzoek, "published")
    await place.told(row, "zaak", "map", "vth")
    archief = place.trial.folder / "archief"
    archief.mkdir()
    await place.connect({"name": "archief", "kind": "folder", "settings": {"path": str(archief)}})
    assert "archief" not in await place.told(row)
    redelivered = await gateway_command(
        place.trial, "verzoek", "redeliver", verzoek["verzoeknummer"], "--target", "archief"
    )
    assert redelivered.status == 0, redelivered.err
    await place.told(row, "archief")
    await place.connect()
    assert row.publication
    beside = place.file(verzoek, row.publication.number).relative_to(place.trial.case_folder)
    assert json.loads((archief / beside).read_bytes())["zaak"] == str(beside.with_name(f"{verzoek['verzoeknummer']}-0"))


async def test_the_application_hears_of_a_refusal_and_in_the_end_of_the_publication_though_it_was_away(
    place: Place,
) -> None:
    await place.trial.fault(kind="soap-fault", target="3pas", code="SBX-RUBRIEK", count=1)
    place.application.refusals += [500]
    verzoek = await place.application_for_a_permit()
    row = await place.in_state(verzoek, "refused")
    assert (await gateway_command(place.trial, "kennisgeving", "resume", str(row.id))).status == 0
    await place.in_state(verzoek, "published")
    await place.told(row, None)
    first, again, last = place.events(verzoek)
    assert (first, first["type"], first["publication"]) == (again, "kennisgeving.refused", None)
    assert last["type"] == "kennisgeving.published"
    shown = (await gateway_command(place.trial, "kennisgeving", "show", str(row.id), "--json")).document
    assert [(each["state"], each["target"]) for each in shown["tellings"] if each["target"] is None] == [
        ("refused", None),
        ("published", None),
    ]


async def test_in_the_end_nothing_is_in_a_zaak_twice(place: Place) -> None:
    figures = place.zgw.figures()
    assert {kind: number for kind, number in figures["duplicates"].items() if number} == {}
    assert (figures["incomplete"], figures["unlinked"]) == (0, 0)
