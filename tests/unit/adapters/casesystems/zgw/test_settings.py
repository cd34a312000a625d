"""Settings that are wrong are told when they are applied, and what is remembered of a catalogus has a bound."""

import tomllib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.unit.adapters.casesystems.handovers import AANSLUITING
from tests.unit.adapters.casesystems.zgw.sample import NOW, settings

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.kinds import Facilities, make
from digikoppelaar.adapters.casesystems.zgw.catalogus import LIFE, Memory
from digikoppelaar.adapters.casesystems.zgw.settings import is_rsin, read_settings
from digikoppelaar.adapters.casesystems.zgw.system import ZgwCaseSystem
from digikoppelaar.adapters.casesystems.zgw.typen import (
    Zaaktype,
    read_eigenschappen,
    read_informatieobjecttypen,
    read_statustypen,
    version_on,
)
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CaseSystemSettings
from digikoppelaar.flows.targets import flattened, targets_of


def test_tables_urls_files_and_numbers_are_read() -> None:
    found = settings(
        zaken_url="https://z/api/",
        ca_file="/ca.pem",
        parts_above_mb="0.5",
        timeout="5",
        **{"documentsoort.Tekening": "T", "eigenschap.1": "E"},
    )
    assert (found.zaken_url, str(found.ca_file), found.parts_above) == ("https://z/api", "/ca.pem", 512 * 1024)
    assert (found.documentsoorten, found.eigenschappen["1"], found.timeout) == ({"tekening": "T"}, "E", 5)
    assert (found.taal, found.identificatie, found.verify) == ("dut", "derived", "no")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"zaken_url": ""}, "zaken_url"),
        ({"zaken_url": "http://zgw.example.org/zaken"}, "must use https"),
        ({"token_url": "https://naam:geheim@zgw.example.org/token"}, "without user and password"),
        ({"zaaktipe": "x"}, "zaaktipe"),
        ({"veld.titl": "x"}, "veld.titl"),
        ({"roltype.behandelaar": "x"}, "roltype.behandelaar"),
        ({"auth": "ntlm"}, "auth must be one of zgw, oauth2"),
        ({"auth": "oauth2"}, "token_url"),
        ({"certificate_file": "/c"}, "belong together"),
        ({"bronorganisatie": "123456789"}, "not an RSIN"),
        ({"parts_above_mb": "veel"}, "parts_above_mb must be a number"),
        ({"timeout": "-1"}, "timeout must be a whole number above zero"),
        ({"documents_at_once": "0"}, "documents_at_once must be"),
        ({"vertrouwelijk": "heel erg"}, "vertrouwelijk must be"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        settings(**changes)


def test_nothing_at_all_names_what_is_needed() -> None:
    with pytest.raises(ConfigError, match="zaken_url is missing"):
        read_settings({})


@pytest.mark.parametrize(
    ("text", "is_one"), [("999990019", True), ("999990018", False), ("٩٩٩٩٩٠٠١٩", False), ("", False)]
)
def test_an_rsin_passes_the_elfproef(text: str, *, is_one: bool) -> None:
    assert is_rsin(text) is is_one


def version(begin: str, end: str | None = None, catalogus: str = "c", **more: object) -> dict[str, object]:
    return {"url": begin, "beginGeldigheid": begin, "eindeGeldigheid": end, "catalogus": catalogus, **more}


def test_the_newest_published_version_that_is_valid_counts() -> None:
    versions = [
        version("2020-01-01", "2025-12-31"),
        version("2026-01-01"),
        version("2026-05-01"),
        version("2027-01-01"),
    ]
    versions.append(version("2026-06-01", concept=True))
    assert version_on(versions, date(2026, 6, 2), "Z")["url"] == "2026-05-01"
    assert version_on(versions, date(2025, 12, 31), "Z")["url"] == "2020-01-01"


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ([], "no published version"),
        ([version("2027-01-01")], "valid on 2026-06-02"),
        ([version("2026-01-01"), version("2026-01-01", catalogus="d")], "more than one catalogus"),
    ],
)
def test_no_version_or_two_catalogi_are_told(versions: list[dict[str, object]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        version_on(versions, date(2026, 6, 2), "Z")


def test_what_a_catalogus_leaves_out_is_no_trouble() -> None:
    (bare,) = read_eigenschappen([{"url": "u"}])
    assert (bare.formaat, bare.lengte) == ("tekst", 0)
    (amount,) = read_eigenschappen([{"url": "u", "naam": "n", "specificatie": {"formaat": "getal", "lengte": "14,2"}}])
    assert (amount.formaat, amount.lengte) == ("getal", 0)
    assert read_statustypen([{"url": "u"}])[0].eind is False


def test_a_zaaktype_whose_first_status_closes_it_gets_none() -> None:
    only = read_statustypen([{"url": "u", "volgnummer": 1, "isEindstatus": True}])
    assert Zaaktype("z", "c", "Z", statustypen=only).start is None
    assert Zaaktype("z", "c", "Z").start is None


def test_a_document_type_is_tied_by_url_or_by_name_and_the_newest_counts() -> None:
    types = [version(begin, omschrijving="Bijlage", url=f"u{begin}") for begin in ("2026-01-01", "2020-01-01")]
    types += [
        version("2020-01-01", omschrijving="Los"),
        version("2020-01-01", omschrijving="Oud", eindeGeldigheid="2021-01-01"),
    ]
    for tie in ("u2026-01-01", "Bijlage"):
        found = read_informatieobjecttypen(types, [{"informatieobjecttype": tie}], date(2026, 6, 2))
        assert [(each.url, each.omschrijving) for each in found] == [("u2026-01-01", "Bijlage")]


def test_memory_is_bounded_and_forgets_in_time() -> None:
    memory = Memory(bound=3)
    for number in range(5):
        memory.put(("a", str(number)), number, NOW)
        memory.get(("a", "2"), NOW)
    assert len(memory) == 3
    assert memory.get(("a", "2"), NOW) == 2
    assert memory.get(("a", "0"), NOW) is None
    assert memory.get(("a", "4"), NOW + LIFE) is None
    memory.put(("b", "1"), 1, NOW + timedelta(seconds=1))
    memory.forget(("a",))
    assert len(memory) == 1


def test_the_example_in_the_how_to_is_a_target_that_can_be_made() -> None:
    text = (Path(__file__).parents[5] / "docs" / "howto" / "deliver-to-zgw.md").read_text()
    example = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    found = flattened(example["aansluiting"]["target"])
    (target,) = targets_of(CaseSystemSettings(found.pop("kind"), found))
    facilities = Facilities(CaseSystemHttp(), SystemClock())
    system = make(AANSLUITING, target, facilities)
    assert isinstance(system, ZgwCaseSystem)
    assert system.settings.eigenschappen == {"284856": "Bouwkosten"}
    assert system.settings.informatieobjecttypen == {"xml": "Aanvraag", "pdf": "Aanvraag"}
    with pytest.raises(ConfigError, match=f"{AANSLUITING.organisatie_oin}, target zaken: there is no setting moon"):
        make(AANSLUITING, replace(target, settings={**target.settings, "moon": "full"}), facilities)
