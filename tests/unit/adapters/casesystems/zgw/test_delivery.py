"""A verzoek becomes one zaak with everything in it, in both versions of the standard."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.doubles.zgw.double import Version
from tests.doubles.zgw.types import ZAAKTYPEN
from tests.doubles.zgw.world import Quirks
from tests.unit.adapters.casesystems.handovers import AANSLUITING, NUMMER
from tests.unit.adapters.casesystems.zgw.sample import (
    BSN,
    COMPANY,
    FILES,
    LOCATIES,
    READ,
    RSIN,
    TITLE,
    World,
    sha256,
    world,
)

from digikoppelaar.errors import CaseSystemRefused, ConfigError
from digikoppelaar.flows.ports import FileKind
from digikoppelaar.flows.targets import Target
from digikoppelaar.flows.tryout import TriedStep, made_up, try_out
from digikoppelaar.stam import codes
from digikoppelaar.stam.model import Specificatie
from digikoppelaar.stam.notification import WITHDRAWN
from digikoppelaar.stam.rules import Action

VERSIONS: tuple[Version, ...] = ("openzaak", "standard")
AANVULLING, INTREKKING = Action.DELIVER_AANVULLING, Action.DELIVER_INTREKKING
SECOND_FILES = (
    (FileKind.XML, "xml", "verzoek.xml", b"<verzoek>1</verzoek>"),
    (FileKind.PDF, "pdf", "verzoek.pdf", b"%PDF-1.7 more"),
    FILES[2],
    (FileKind.BIJLAGE, "d4", "plattegrond.png", b"new"),
)
DEARER = tuple(
    replace(each, specificaties=(Specificatie("284856", antwoord="20.000"),)) for each in READ.projectactiviteiten
)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_verzoek_becomes_a_zaak_with_everything_in_it(tmp_path: Path, version: Version) -> None:
    async with world(tmp_path, version) as here:
        url = await here.deliver(await here.handover())
        (zaak,) = here.double.zaken
        assert zaak.resource["url"] == url
        assert zaak.resource["identificatie"].startswith(f"DSO-{NUMMER}-")
        assert zaak.resource["startdatum"] == "2026-06-02"
        assert zaak.resource["omschrijving"].endswith("…")
        assert zaak.resource["toelichting"].startswith(TITLE)
        assert zaak.resource["zaakgeometrie"]["type"] == "Polygon"
        assert zaak.statussen == ["Ontvangen"]
        assert [each["omschrijving"] for each in zaak.rollen] == ["Aanvrager", "Gemachtigde", "Contactpersoon"]
        assert zaak.rollen[0]["betrokkeneIdentificatie"]["inpBsn"] == BSN
        assert [each["objectType"] for each in zaak.zaakobjecten] == ["adres", "kadastrale_onroerende_zaak"]
        assert zaak.eigenschappen == {
            "projectnaam": [TITLE],
            "verzoeknummer": [NUMMER],
            "test": ["nee"],
            "bouwkosten": ["€ 12.500,50"],
        }
        check_documents(here, FILES)
        check_violations(here)


def check_violations(here: World) -> None:
    """Nothing but the numbers of a company, which the standard does not know, and which are then left out."""
    assert all("'kvkNummer', 'vestigingsNummer' were unexpected" in each for each in here.double.violations)
    here.double.violations.clear()


def check_documents(here: World, files: tuple[tuple[FileKind, str, str, bytes], ...]) -> None:
    """Exactly these are linked, each whole and unlocked, and none is double."""
    (zaak,) = here.double.zaken
    assert sorted(each.sha256 for each in zaak.documenten) == sorted(sha256(content) for *_, content in files)
    assert not any(each.locked for each in zaak.documenten)
    identificaties = [each.resource["identificatie"] for each in zaak.documenten]
    assert len(set(identificaties)) == len(identificaties)


async def test_delivering_again_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        handover = await here.handover()
        url = await here.deliver(handover)
        here.double.calls.clear()
        assert await here.deliver(handover) == url
        assert {call.method for call in here.double.calls} <= {"GET"}


async def test_a_database_of_before_the_delivery_finds_the_zaak_and_makes_nothing_twice(tmp_path: Path) -> None:
    """The restore drill: the case system is ahead of us."""
    async with world(tmp_path) as here:
        handover = await here.handover()
        url = await here.deliver(handover)
        before = here.double.figures()
        here.records.clear()
        assert await here.deliver(handover) == url
        after = here.double.figures()
        assert len(here.double.documenten) == len(FILES)
        (zaak,) = here.double.zaken
        assert (len(zaak.rollen), len(zaak.zaakobjecten), len(zaak.statussen)) == (3, 2, 1)
        assert all(len(waarden) == 1 for waarden in zaak.eigenschappen.values())
        assert before["calls"] < after["calls"]


async def test_a_reserved_number_is_the_number_of_the_zaak(tmp_path: Path) -> None:
    for version in VERSIONS:
        async with world(tmp_path, version, identificatie="reserved", checked=False) as here:
            await here.deliver(await here.handover())
            assert here.double.zaken[0].resource["identificatie"] == here.records[0]["zaaknummer"]["identificatie"]
            assert here.double.zaken[0].resource["identificatie"].startswith("ZAAK-")


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_aanvulling_updates_the_same_zaak(tmp_path: Path, version: Version) -> None:
    async with world(tmp_path, version) as here:
        url = await here.deliver(await here.handover())
        moved = (LOCATIES[0],)
        second = await here.handover(
            1,
            AANVULLING,
            files=SECOND_FILES,
            lapsed=("d2", "d3", "never-came"),
            case=url,
            projectactiviteiten=DEARER,
            projectlocaties=moved,
            initiatiefnemer=replace(READ.initiatiefnemer or COMPANY, achternaam="Ander"),
        )
        assert await here.deliver(second) == url
        (zaak,) = here.double.zaken
        check_documents(here, (*FILES, *SECOND_FILES[:2], SECOND_FILES[3]))
        assert zaak.eigenschappen["bouwkosten"] == ["20.000"]
        assert [each["betrokkeneIdentificatie"].get("geslachtsnaam") for each in zaak.rollen][-1] == "Ander"
        assert len(zaak.rollen) == 3
        assert len(zaak.zaakobjecten) == 2
        assert zaak.resource["toelichting"].startswith("Aanvulling 1 op 02-06-2026")
        lapsed = [link for link in zaak.links if link["beschrijving"].startswith("VERVALLEN bij versie 1")]
        assert len(lapsed) == 2
        documents = {each.resource["url"]: each for each in zaak.documenten}
        for link in lapsed:
            document = documents[link["informatieobject"]].resource
            marked = document.get("inhoudIsVervallen") is True or document["beschrijving"].startswith("VERVALLEN")
            assert marked
        check_violations(here)


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_intrekking_says_so_on_the_same_zaak_and_changes_nothing_else(
    tmp_path: Path, version: Version
) -> None:
    async with world(tmp_path, version) as here:
        url = await here.deliver(await here.handover())
        here.clock.moment += timedelta(days=1)
        taken_back = await here.handover(WITHDRAWN, INTREKKING, files=SECOND_FILES[:1], case=url, doel=codes.INTREKKEN)
        assert await here.deliver(taken_back) == url
        (zaak,) = here.double.zaken
        assert zaak.statussen == ["Ontvangen", "Ingetrokken"]
        assert zaak.eigenschappen["test"] == ["ja"]
        assert zaak.resource["toelichting"].startswith("Ingetrokken door de aanvrager op 02-06-2026")
        assert len(zaak.rollen) == 3
        check_documents(here, (*FILES, SECOND_FILES[0]))
        check_violations(here)


async def test_a_case_that_a_person_linked_is_continued_by_its_number(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.deliver(await here.handover())
        here.double.zaken[0].resource["identificatie"] = "Z/2026/1"
        here.records.clear()
        second = await here.handover(1, AANVULLING, files=SECOND_FILES, case=" Z/2026/1 ")
        assert await here.deliver(second) == here.double.zaken[0].resource["url"]
        assert len(here.double.zaken) == 1


@pytest.mark.parametrize(
    "case", [None, "Z/UNKNOWN", "https://x.example.org/zaken/6a0e1c52-5f0c-4a60-9d3b-0f2d51fd1d1d"]
)
async def test_an_aanvulling_to_a_zaak_that_is_not_there_waits_for_a_person(tmp_path: Path, case: str | None) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(CaseSystemRefused, match="no zaak") as refused:
            await here.deliver(await here.handover(1, AANVULLING, case=case))
        assert "verzoek link" in refused.value.advice
        assert not here.double.zaken
        assert not here.double.documenten


async def test_an_aanvulling_to_a_closed_zaak_waits_for_a_person(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        url = await here.deliver(await here.handover())
        here.double.close(here.double.zaken[0].resource["identificatie"])
        with pytest.raises(CaseSystemRefused, match="closed") as refused:
            await here.deliver(await here.handover(1, AANVULLING, files=SECOND_FILES, case=url))
        assert "afgesloten" in refused.value.advice
        check_documents(here, FILES)


async def test_a_zaak_that_is_closed_halfway_is_told_as_that(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.double.fail("POST zaken/statussen", status=500)
        with pytest.raises(Exception, match="500"):
            await here.deliver(await here.handover())
        here.double.close(here.double.zaken[0].resource["identificatie"])
        with pytest.raises(CaseSystemRefused, match="closed") as refused:
            await here.deliver(await here.handover())
        assert "afgesloten" in refused.value.advice


async def test_an_initiator_of_somebody_else_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        url = await here.deliver(await here.handover())
        theirs = here.double.zaken[0].rollen[0]
        theirs["roltoelichting"] = "Door een medewerker"
        await here.deliver(await here.handover(1, AANVULLING, files=SECOND_FILES, case=url))
        assert theirs in here.double.zaken[0].rollen
        assert len(here.double.zaken[0].rollen) == 3


async def test_test_verzoeken_say_so_everywhere(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.deliver(await here.handover(test=True))
        zaak = here.double.zaken[0].resource
        assert zaak["omschrijving"].startswith("TEST: ")
        assert zaak["toelichting"].startswith("TEST: ")
        assert {"kenmerk": "TEST", "bron": "DSO-aansluitactiviteit"} in zaak["kenmerken"]


async def test_a_preview_tells_each_step_and_makes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        handover = await here.handover()
        before = await here.preview(handover)
        assert {call.method for call in here.double.calls} == {"GET"}
        assert not any(step.done for step in before)
        assert [step.name for step in before][0 :: len(before) - 1] == ["zaak", "status"]
        await here.deliver(handover)
        assert all(step.done for step in await here.preview(handover))
        assert {step.name for step in before} == set(here.records[0])


async def test_a_preview_of_an_aanvulling_to_an_unknown_zaak_says_what_would_stop_it(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(CaseSystemRefused, match="no zaak"):
            await here.preview(await here.handover(1, AANVULLING))


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("zaaktype", "NO-SUCH", "NO-SUCH"),
        ("statustype", "Bestaat niet", "Bestaat niet"),
        ("statustype", "Afgehandeld", "eindstatus"),
        ("roltype.initiatiefnemer", "Bestaat niet", "Aanvrager"),
        ("veld.doel", "Bestaat niet", "bouwkosten"),
        ("informatieobjecttype", "Besluit", "Bijlage"),
    ],
)
async def test_settings_that_do_not_fit_the_catalogus_are_told_before_there_is_half_a_zaak(
    tmp_path: Path, setting: str, value: str, named: str
) -> None:
    async with world(tmp_path) as here:
        with pytest.raises(ConfigError) as wrong:
            await here.deliver(await here.handover(), **{setting: value})
        assert named in wrong.value.advice
        assert not here.double.zaken


async def test_a_zaaktype_by_its_url_is_used_as_it_is(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        melding = here.double.zaaktype(ZAAKTYPEN[1])["url"]
        await here.deliver(await here.handover(), zaaktype=melding)
        assert here.double.zaken[0].resource["zaaktype"] == melding


async def test_the_version_that_was_in_force_on_the_indiendatum_counts(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        current = here.double.zaaktype()["url"]
        here.double.new_version()  # from today on, and the verzoek came yesterday
        await here.deliver(await here.handover())
        assert here.double.zaken[0].resource["zaaktype"] == current


async def test_a_catalogus_that_changed_is_asked_for_anew_when_the_server_refuses(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.deliver(await here.handover(verzoeknummer="2026060200001"))
        here.records.clear()
        here.double.zaaktype()["concept"] = True
        fresh = here.double.new_version(ZAAKTYPEN[1])
        fresh["identificatie"], fresh["beginGeldigheid"] = ZAAKTYPEN[0], "2026-06-01"
        await here.deliver(await here.handover())
        assert here.double.zaken[1].resource["zaaktype"] == fresh["url"]


async def test_pages_are_read_to_their_end(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=Quirks(page_size=1)) as here:
        handover = await here.handover()
        await here.deliver(handover)
        here.records.clear()
        await here.deliver(handover)
        (zaak,) = here.double.zaken
        assert (len(zaak.rollen), len(zaak.zaakobjecten)) == (3, 2)


async def test_what_is_vertrouwelijk_is_so_in_the_case_system(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.deliver(await here.handover())
        confidential = [
            each.sha256
            for each in here.double.zaken[0].documenten
            if each.resource["vertrouwelijkheidaanduiding"] == "vertrouwelijk"
        ]
        assert confidential == [sha256(FILES[2][3])]


async def test_the_organisaties_are_those_of_the_settings(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.deliver(await here.handover())
        zaak = here.double.zaken[0].resource
        assert (zaak["bronorganisatie"], zaak["verantwoordelijkeOrganisatie"]) == (RSIN, RSIN)


async def test_a_refused_drawing_does_not_stop_the_verzoek(tmp_path: Path) -> None:
    async with world(tmp_path, quirks=Quirks(refuse_geometry=True)) as here:
        await here.deliver(await here.handover())
        (zaak,) = here.double.zaken
        assert zaak.resource["zaakgeometrie"] is None
        check_documents(here, FILES)


async def test_a_document_that_comes_back_has_lapsed_no_longer(tmp_path: Path) -> None:
    for version in VERSIONS:
        async with world(tmp_path, version) as here:
            url = await here.deliver(await here.handover())
            await here.deliver(await here.handover(1, AANVULLING, files=SECOND_FILES, lapsed=("d2",), case=url))
            third = (*SECOND_FILES[:1], FILES[3])
            await here.deliver(await here.handover(2, AANVULLING, files=third, case=url))
            (zaak,) = here.double.zaken
            back = next(each for each in zaak.documenten if each.sha256 == sha256(FILES[3][3]))
            assert not back.resource.get("inhoudIsVervallen")
            assert not back.resource["beschrijving"].startswith("VERVALLEN")
            assert not any(link["beschrijving"].startswith("VERVALLEN") for link in zaak.links)
            check_violations(here)


async def test_a_document_that_somebody_works_on_is_marked_on_its_link_only(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        url = await here.deliver(await here.handover())
        document = next(each for each in here.double.documenten if each.sha256 == sha256(FILES[3][3]))
        here.double.world.files[document.resource["url"].rsplit("/", 1)[1]].lock = "of an employee"
        await here.deliver(await here.handover(1, AANVULLING, files=SECOND_FILES, lapsed=("d2",), case=url))
        (zaak,) = here.double.zaken
        marked = [link["informatieobject"] for link in zaak.links if link["beschrijving"].startswith("VERVALLEN")]
        assert marked == [document.resource["url"]]
        assert not document.resource["beschrijving"].startswith("VERVALLEN")


async def test_a_case_of_another_organisatie_is_found_by_its_number_when_it_is_the_only_one(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        url = await here.deliver(await here.handover())
        here.double.zaken[0].resource["bronorganisatie"] = "123456782"
        number = here.double.zaken[0].resource["identificatie"]
        assert await here.deliver(await here.handover(1, AANVULLING, files=SECOND_FILES, case=number)) == url


async def test_an_oin_without_rsin_is_told_before_there_is_anything(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        for action in (here.preview, here.deliver):
            with pytest.raises(ConfigError, match="bronorganisatie"):
                await action(await here.handover(), bronorganisatie="")
        assert not here.double.zaken


async def test_a_made_up_verzoek_becomes_a_zaak_marked_test(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        target = Target("map", "zgw", here.values, {})
        handover = await made_up(AANSLUITING, target, "TEST-20260602120000-abcdef", here.blobs)
        told: list[TriedStep] = []
        await try_out(here.system(), handover, here.blobs, here.clock, told.append)
        (zaak,) = here.double.zaken
    assert zaak.resource["omschrijving"].startswith("TEST")
    assert len(zaak.documenten) == len(handover.verzoek.files)
    assert all(each.what for each in told)
