"""Official material in the place of what was assumed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from digikoppelaar.adapters import profile_files
from digikoppelaar.adapters.profile_changes import facts_in, judge, propose
from digikoppelaar.adapters.profiles import Fact, built, dso_profile, load_drop_profile
from digikoppelaar.drop.schema import wsdl
from digikoppelaar.errors import ConfigError

KOOP, DSO, LISTS = "koop-3pas-2020-01", "dso-lv", "kennisgeving-controles"


def shipped(name: str) -> str:
    text = profile_files.shipped(name)
    assert text
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    profile_files.use(tmp_path / "profiles")
    yield tmp_path / "profiles"
    profile_files.use(None)


@pytest.mark.parametrize("name", profile_files.names())
def test_every_profile_is_judged_and_holds(name: str) -> None:
    judge(name, shipped(name))


def test_a_wsdl_that_fits_confirms_what_was_assumed() -> None:
    envelope = load_drop_profile(KOOP).envelope
    proposed = propose(KOOP, shipped(KOOP), "3pas.wsdl", wsdl(envelope, "https://drop.example/3pas"))
    facts = facts_in(proposed.text)
    assert facts["path.rubriek"] == Fact("Rubriek", "3pas.wsdl", False)
    assert facts["response"].provisional is False
    assert facts["order"].provisional, "a schema is compared by name only"
    assert proposed.missing == ()
    assert {change.name for change in proposed.changes} > {"path.rubriek", "response", "fault_code"}


def test_a_wsdl_that_says_otherwise_replaces_what_it_states_and_names_what_it_lacks() -> None:
    other = wsdl(load_drop_profile(KOOP).envelope, "https://drop.example/3pas")
    other = other.replace(b"VoegDossierToeEnPubliceerResponse", b"Antwoord").replace(b"Rubriek", b"Soort")
    proposed = propose(KOOP, shipped(KOOP), "3pas.wsdl", other)
    assert facts_in(proposed.text)["response"] == Fact("Antwoord", "3pas.wsdl", False)
    assert facts_in(proposed.text)["path.rubriek"].provisional
    assert proposed.missing == ("path.rubriek",)
    assert "Soort" in proposed.unknown


def test_an_openapi_document_confirms_paths_and_headers() -> None:
    document = {
        "paths": {
            "/v3/verzoeken/{nummer}/samenvatting": {"get": {"parameters": [{"in": "header", "name": "X-OIN"}]}},
            "/v3/verzoeken/{nummer}/bijlagen": {},
        }
    }
    proposed = propose(DSO, shipped(DSO), "afhandelen.json", json.dumps(document).encode())
    facts = facts_in(proposed.text)
    assert facts["summary_path"] == Fact("verzoeken/{verzoeknummer}/samenvatting", "afhandelen.json", False)
    assert facts["oin_header"].provisional is False
    assert set(proposed.missing) == {"search_path", "reroute_path", "api_key_header", "crs_header"}
    assert proposed.unknown == ("/v3/verzoeken/{nummer}/bijlagen",)


def test_a_list_replaces_a_list() -> None:
    proposed = propose(LISTS, shipped(LISTS), "rubrieken.csv", b"kapvergunning,x\n\nbouwen\nbouwen\n", "rubrieken")
    assert facts_in(proposed.text)["rubrieken"] == Fact(("kapvergunning", "bouwen"), "rubrieken.csv", False)


def test_some_facts_of_a_profile_are_enough() -> None:
    text = '[summary_path]\nvalue = "v/{verzoeknummer}"\nsource = "mail \\u0007"\nprovisional = false\n'
    proposed = propose(DSO, shipped(DSO), "facts.toml", text.encode())
    assert [change.name for change in proposed.changes] == ["summary_path"]
    profile = built(DSO, proposed.text, dso_profile)
    assert profile.summary_path == "v/{verzoeknummer}"
    assert profile.facts["summary_path"].source == "mail \x07"


def test_a_whole_profile_under_a_new_name_is_judged_by_its_family() -> None:
    proposed = propose("koop-3pas-2027-01", None, "new.toml", shipped(KOOP).encode())
    assert all(change.before is None for change in proposed.changes)
    with pytest.raises(ConfigError, match="nothing reads"):
        propose("iets-anders", None, "new.toml", shipped(KOOP).encode())


@pytest.mark.parametrize(
    ("file", "content", "wanted"),
    [
        ("a.toml", b"[nothing]\nvalue = 1\nsource = 'x'\nprovisional = false\n", None),
        ("a.toml", b"not toml", None),
        ("a.toml", b"\xff", None),
        ("a.toml", b"name = 'dso-lv'\nfacility = 'half'\n", None),
        ("a.toml", b"[oin_header]\nsource = 'x'\nprovisional = false\n", None),
        ("a.toml", b"[oin_header]\nvalue = 2020-01-01\nsource = 'x'\nprovisional = false\n", None),
        ("a.toml", b"[oin_header]\nvalue = 1.5\nsource = 'x'\nprovisional = false\n", None),
        ("a.toml", b"[oin_header]\nvalue = 'x'\nsource = 'x'\n", None),
        ("a.wsdl", b"<!DOCTYPE x><x/>", None),
        ("a.json", b"[" * 100_000, None),
        ("a.json", b'{"paths": 1}', None),
        ("a.pdf", b"%PDF", None),
        ("a.csv", b"", "json_media_types"),
        ("a.csv", b"x", "oin_header"),
        ("a.csv", b"\xff\xfe", "json_media_types"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(file: str, content: bytes, wanted: str | None) -> None:
    with pytest.raises(ConfigError):
        propose(DSO, shipped(DSO), file, content, wanted)


def test_a_replacement_is_in_force_until_ours_is_restored(folder: Path) -> None:
    assert profile_files.text_of(DSO) == shipped(DSO)
    profile_files.replace(DSO, "first")
    profile_files.replace(DSO, "second")
    assert profile_files.text_of(DSO) == "second"
    assert (folder / "dso-lv.old").read_text() == "first"
    assert profile_files.restore(DSO)
    assert not profile_files.restore(DSO)
    assert profile_files.text_of(DSO) == shipped(DSO)
    assert (folder / "dso-lv.old").read_text() == "second"


def test_what_was_half_written_is_not_in_force(folder: Path) -> None:
    folder.mkdir()
    (folder / "dso-lv.new").write_text("half")
    assert profile_files.text_of(DSO) == shipped(DSO)
    assert profile_files.names().count(DSO) == 1


@pytest.mark.parametrize("name", ["../secret", "", "a/b", "a.b"])
def test_a_name_reaches_no_other_folder(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        profile_files.replace(name, "x")
    with pytest.raises(ConfigError):
        profile_files.text_of(name)
    assert not folder.exists()
