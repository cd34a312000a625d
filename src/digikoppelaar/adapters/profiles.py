"""Profiles: what is assumed about a national facility, as data with a source. For clients and for the sandbox.

A profile file lies in the package `digikoppelaar.profiles`. Each fact in it is a table with `value`, `source` and
`provisional`; this module turns the file into values and refuses one that lacks a fact or a source.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.links import SummaryNames


@dataclass(frozen=True, slots=True)
class Fact:
    """One assumption: where it comes from, and whether the official text may still change it."""

    value: str | tuple[str, ...]
    source: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class DsoProfile:
    """How *Verzoek afhandelen* is spoken to.

    `summary_path` is relative to the base URL and has the field `{verzoeknummer}`. Header names are names only;
    `summary` holds the keys and link relations of the summary. `facts` has every fact under its name in the file,
    for pages and logs that say what is provisional.
    """

    name: str
    facility: str
    base_url_pre: str
    base_url_prod: str
    summary_path: str
    api_key_header: str
    oin_header: str
    summary_accept: str
    download_accept: str
    pdf_media_types: tuple[str, ...]
    error_media_types: tuple[str, ...]
    summary: SummaryNames
    facts: Mapping[str, Fact]

    @property
    def provisional(self) -> bool:
        """Whether any fact is provisional."""
        return any(fact.provisional for fact in self.facts.values())

    def summary_url(self, base_url: str, verzoeknummer: str) -> str:
        """The address of the summary of a verzoek."""
        return f"{base_url.rstrip('/')}/{self.summary_path.format(verzoeknummer=verzoeknummer)}"


_NOT_FACTS = {"name", "facility", "summary", "facts"}


@cache
def load_profile(name: str) -> DsoProfile:
    """The profile that is called `name` (such as `dso-lv`). Raises ConfigError when it is absent or incomplete."""
    file = resources.files("digikoppelaar.profiles") / f"{name}.toml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise ConfigError(f"there is no profile {name!r}")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        return _profile(data)
    except (KeyError, TypeError) as error:
        raise ConfigError(f"profile {name} lacks or misspells {error}") from error


def _profile(data: Mapping[str, Any]) -> DsoProfile:
    facts = {key: _fact(table) for key, table in data.items() if isinstance(table, dict)}
    return DsoProfile(
        name=data["name"],
        facility=data["facility"],
        summary=SummaryNames(**_values(facts, SummaryNames)),
        facts=facts,
        **_values(facts, DsoProfile),
    )


def _fact(table: Mapping[str, Any]) -> Fact:
    value = table["value"]
    return Fact(tuple(value) if isinstance(value, list) else value, table["source"], table["provisional"])


def _values(facts: Mapping[str, Fact], target: type[DsoProfile] | type[SummaryNames]) -> dict[str, Any]:
    """The values of the facts that are fields of `target`."""
    return {field.name: facts[field.name].value for field in fields(target) if field.name not in _NOT_FACTS}
