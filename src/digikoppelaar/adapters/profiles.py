"""Profiles: what is assumed about a national facility, as data with a source. For clients and for the sandbox.

A profile file lies in the package `digikoppelaar.profiles`. Each fact in it is a table with `value`, `source` and
`provisional`; this module turns the file into values and refuses one that lacks a fact or a source.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from digikoppelaar.drop.terms import Begin, Eenheid, Gebeurtenis, Rekenregels, Termijn
from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.links import SummaryNames
from digikoppelaar.stam.search import SearchNames

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Fact:
    """One assumption: where it comes from, and whether the official text may still change it."""

    value: str | int | bool | tuple[str, ...]
    source: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class DsoProfile:
    """How *Verzoek afhandelen* is spoken to.

    Paths are relative to the base URL; those of one verzoek have the field `{verzoeknummer}`. Header names are names
    only; `summary` and `search` hold keys and link relations, `search_size` is verzoeken on a page. `facts` has every
    fact under its name in the file, for pages and logs that say what is provisional.
    """

    name: str
    facility: str
    base_url_pre: str
    base_url_prod: str
    summary_path: str
    search_path: str
    reroute_path: str
    api_key_header: str
    oin_header: str
    summary_accept: str
    download_accept: str
    search_accept: str
    body_media_type: str
    crs_header: str
    crs: str
    search_size: int
    use_ranges: bool
    pdf_media_types: tuple[str, ...]
    error_media_types: tuple[str, ...]
    summary: SummaryNames
    search: SearchNames
    facts: Mapping[str, Fact]

    @property
    def provisional(self) -> bool:
        """Whether any fact is provisional."""
        return any(fact.provisional for fact in self.facts.values())

    def summary_url(self, base_url: str, verzoeknummer: str) -> str:
        """The address of the summary of a verzoek."""
        return self._url(base_url, self.summary_path, verzoeknummer)

    def search_url(self, base_url: str) -> str:
        """The address of the search, without its parameters."""
        return self._url(base_url, self.search_path)

    def reroute_url(self, base_url: str, verzoeknummer: str) -> str:
        """The address to which it is posted that a verzoek goes to another authority."""
        return self._url(base_url, self.reroute_path, verzoeknummer)

    @staticmethod
    def _url(base_url: str, path: str, verzoeknummer: str = "") -> str:
        return f"{base_url.rstrip('/')}/{path.format(verzoeknummer=verzoeknummer)}"


_NOT_FACTS = {"name", "facility", "summary", "search", "facts"}


@cache
def load_profile(name: str) -> DsoProfile:
    """The profile that is called `name` (such as `dso-lv`). Raises ConfigError when it is absent or incomplete."""
    data = _data(name)
    try:
        return _profile(data)
    except (KeyError, TypeError) as error:
        raise ConfigError(f"profile {name} lacks or misspells {error}") from error


@cache
def load_rekenregels(name: str = "kennisgeving-termijnen") -> Rekenregels:
    """The terms and equated days in the profile called `name`. Raises ConfigError when it is absent or incomplete."""
    tables = {key: table for key, table in _data(name).items() if isinstance(table, dict)}
    try:
        equated = frozenset(tables.pop("gelijkgestelde-dagen")["value"])
        return Rekenregels({naam: _termijn(naam, table) for naam, table in tables.items()}, equated)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"profile {name} lacks or misspells {error}") from error


def _data(name: str) -> Mapping[str, Any]:
    file = resources.files("digikoppelaar.profiles") / f"{name}.toml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise ConfigError(f"there is no profile {name!r}")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _termijn(naam: str, table: Mapping[str, Any]) -> Termijn:
    return Termijn(
        naam,
        aantal=table["aantal"],
        eenheid=Eenheid(table["eenheid"]),
        gebeurtenis=Gebeurtenis(table["gebeurtenis"]),
        begin=Begin(table["begin"]),
        bron=table["source"],
        provisional=table["provisional"],
    )


def _profile(data: Mapping[str, Any]) -> DsoProfile:
    facts = {key: _fact(table) for key, table in data.items() if isinstance(table, dict)}
    return DsoProfile(
        name=data["name"],
        facility=data["facility"],
        summary=SummaryNames(**_values(facts, SummaryNames)),
        search=SearchNames(**_values(facts, SearchNames)),
        facts=facts,
        **_values(facts, DsoProfile),
    )


def _fact(table: Mapping[str, Any]) -> Fact:
    value = table["value"]
    return Fact(tuple(value) if isinstance(value, list) else value, table["source"], table["provisional"])


def _values(
    facts: Mapping[str, Fact], target: type[DsoProfile] | type[SummaryNames] | type[SearchNames]
) -> dict[str, Any]:
    """The values of the facts that are fields of `target`."""
    return {field.name: facts[field.name].value for field in fields(target) if field.name not in _NOT_FACTS}
