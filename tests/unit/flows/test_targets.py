"""A verzoek goes, for each name, to the first target whose conditions it meets."""

from typing import Any

import pytest

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CaseSystemSettings
from digikoppelaar.flows.targets import chosen, flattened, targets_of
from digikoppelaar.stam.model import Instantie, Projectactiviteit, Verzoek

GEZAG, DIENST = "00000099000000001000", "00000099000000002000"
MELDING = Verzoek(
    stam_versie=4,
    verzoeknummer="2026060200019",
    volgnummer=0,
    doel="initieren",
    type="Melding",
    bevoegd_gezag=Instantie(GEZAG),
    uitvoerende_instantie=Instantie(DIENST),
    projectactiviteiten=(Projectactiviteit("Boom kappen", "act-1"),),
)


def target(name: str, url: str = "https://zaken.example.org", **when: Any) -> dict[str, Any]:
    """A target as a TOML file has it."""
    return {"name": name, "kind": "webhook", "settings": {"url": url}, "when": when}


def choose(*tables: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and url of what is chosen for MELDING."""
    settings = flattened(tables)
    targets = targets_of(CaseSystemSettings(settings.pop("kind"), settings))
    return [(each.name, each.settings["url"]) for each in chosen(targets, MELDING)]


def test_the_first_that_fits_counts_for_each_name() -> None:
    tables = target("zaken", "a", type="Informatie"), target("zaken", "b", type="melding"), target("zaken", "c")
    assert choose(*tables, target("archief", "d")) == [("zaken", "b"), ("archief", "d")]


@pytest.mark.parametrize(
    ("condition", "fits", "other"),
    [
        ("bevoegd_gezag", GEZAG, DIENST),
        ("behandeldienst", DIENST, GEZAG),
        ("type", "MELDING", "Informatie"),
        ("concept", False, True),
        ("activiteit", "boom KAPPEN", "Slopen"),
        ("activiteit", "act-1", "act-2"),
    ],
)
def test_each_condition_is_met_or_not(condition: str, fits: Any, other: Any) -> None:
    tables = target("t", "other", **{condition: other}), target("t", "fits", **{condition: fits})
    assert choose(*tables) == [("t", "fits")]


def test_all_conditions_must_be_met() -> None:
    assert choose(target("t", "no", type="Melding", concept=True), target("t", "yes")) == [("t", "yes")]


def test_none_that_fits_is_told_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="no target") as told:
        choose(target("t", type="Informatie"))
    assert "verzoek release" in told.value.advice


def test_one_case_system_without_a_list_is_a_target_named_map() -> None:
    (only,) = targets_of(CaseSystemSettings("folder", {"path": "/cases"}))
    assert (only.name, only.kind, only.settings, only.when) == ("map", "folder", {"path": "/cases"}, {})
    assert targets_of(None) == ()


def test_more_than_nine_keep_their_order_and_nested_settings_their_keys() -> None:
    tables = [{"name": f"t{n}", "kind": "webhook", "settings": {"url": "u", "map": [{"a": n}]}} for n in range(1, 12)]
    settings = flattened(tables)
    read = targets_of(CaseSystemSettings(settings.pop("kind"), settings))
    assert [each.name for each in read] == [f"t{n}" for n in range(1, 12)]
    assert read[10].settings == {"url": "u", "map.1.a": "11"}


@pytest.mark.parametrize(
    ("table", "told"),
    [({"kind": "zgw"}, "name"), ({"name": "t", "kind": "fax"}, "kind"), (target("t", moon="full"), "moon")],
)
def test_a_broken_target_is_told(table: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        choose(table)
