"""Profiles: what is assumed about a national facility, as data with a source. For clients and for the sandbox.

A profile file lies in the package `digikoppelaar.profiles`, or another stands in its place (profile_files). Each fact
in it is a table with `value`, `source` and `provisional`, alone or in a group of such tables; this module turns the
file into values and refuses one that lacks a fact or a source.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar, cast

from digikoppelaar.adapters import profile_files
from digikoppelaar.drop.findings import Lists
from digikoppelaar.drop.inhoud import Markup
from digikoppelaar.drop.profile import Authentication, Doer, EnvelopeProfile, Stage
from digikoppelaar.drop.sru import SruNames
from digikoppelaar.drop.stages import DOCUMENTTYPEN
from digikoppelaar.drop.terms import Begin, Eenheid, Gebeurtenis, Rekenregels, Termijn
from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.links import SummaryNames
from digikoppelaar.stam.search import SearchNames

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class DropProfile:
    """How 3PAS is spoken to: its messages, and the stages by name. `facts` as those of DsoProfile.

    `user_name_carrier` says how a user name travels; `basic` is all that is known here.
    """

    name: str
    facility: str
    user_name_carrier: str
    envelope: EnvelopeProfile
    stages: Mapping[str, Stage]
    facts: Mapping[str, Fact]

    @property
    def provisional(self) -> bool:
        """Whether any fact is provisional."""
        return any(fact.provisional for fact in self.facts.values())


@dataclass(frozen=True, slots=True)
class SruProfile:
    """Where KOOP's search and publications are, and the manners they ask of us; times are in milliseconds.

    Addresses of a publication have the field `{identifier}`; `facts` as those of DsoProfile.
    """

    name: str
    facility: str
    sru_url: str
    publication_url: str
    metadata_url: str
    manifestation_url: str
    search_pause_ms: int
    metadata_pause_ms: int
    attempts: int
    first_wait_ms: int
    longest_wait_ms: int
    names: SruNames
    facts: Mapping[str, Fact]


@cache
def load_profile(name: str) -> DsoProfile:
    """The profile of DSO-LV that is called `name` (`dso-lv`). Raises ConfigError when it is absent or incomplete."""
    return loaded(name, dso_profile)


def base_url_of(name: str, omgeving: str) -> str | None:
    """The address of DSO-LV that a profile has for an omgeving; None for a sandbox, which is where somebody started it.

    Raises ConfigError as `load_profile` does.
    """
    profile = load_profile(name)
    return {"pre": profile.base_url_pre, "prod": profile.base_url_prod}.get(omgeving)


@cache
def load_drop_profile(name: str) -> DropProfile:
    """The profile of 3PAS that is called `name` (`koop-3pas-2020-01`). Raises ConfigError as `load_profile` does."""
    return loaded(name, drop_profile)


def load_stages(name: str) -> Mapping[str, Stage]:
    """The stages of the profile of 3PAS that is called `name`. Raises ConfigError as `load_profile` does."""
    return load_drop_profile(name).stages


@cache
def load_sru_profile(name: str) -> SruProfile:
    """The profile of the search that is called `name` (`koop-sru`). Raises ConfigError as `load_profile` does."""
    return loaded(name, sru_profile)


@cache
def load_rekenregels(name: str = "kennisgeving-termijnen") -> Rekenregels:
    """The terms and equated days in the profile called `name`. Raises ConfigError when it is absent or incomplete."""
    return loaded(name, rekenregels)


@cache
def load_lists(name: str = "kennisgeving-controles") -> Lists:
    """What notices are held against, in the profile called `name`. Raises ConfigError as `load_profile` does."""
    return loaded(name, lists)


@dataclass(frozen=True, slots=True)
class FactsFile:
    """A profile file as it was read; the name of a fact in a group has the group and a dot before it."""

    name: str
    facility: str
    facts: Mapping[str, Fact]

    def build(self, target: Callable[..., T], **more: object) -> T:
        """The dataclass `target`; what is not in `more` is the value of the fact with the name of the field."""
        wanted = [each.name for each in fields(cast("Any", target)) if each.name not in more]
        return target(**{name: self.facts[name].value for name in wanted}, **more)

    def group(self, name: str) -> dict[str, Any]:
        """The values in a group, groups in it as mappings."""
        found: dict[str, Any] = {}
        for path, fact in self.facts.items():
            top, *between = path.split(".")
            if top == name and between:
                inner = found
                for step in between[:-1]:
                    inner = inner.setdefault(step, {})
                inner[between[-1]] = fact.value
        return found


def loaded(name: str, build: Callable[[Mapping[str, Any]], T]) -> T:
    """What `build` makes of the profile called `name`. Raises ConfigError when it is absent or incomplete."""
    return built(name, profile_files.text_of(name), build)


def built(name: str, text: str, build: Callable[[Mapping[str, Any]], T]) -> T:
    """What `build` makes of `text`, a profile that is to be called `name`. Raises ConfigError when it is incomplete."""
    try:
        return build(tomllib.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"profile {name} lacks or misspells {error}") from error


def lists(data: Mapping[str, Any]) -> Lists:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(Lists, activiteit_namen=file.group("activiteit_namen"))


def rekenregels(data: Mapping[str, Any]) -> Rekenregels:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    tables = {key: table for key, table in data.items() if isinstance(table, dict)}
    equated = frozenset(tables.pop("gelijkgestelde-dagen")["value"])
    return Rekenregels({naam: _termijn(naam, table) for naam, table in tables.items()}, equated)


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


def _facts(table: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Fact]]:
    for key, inner in table.items():
        if isinstance(inner, dict) and "value" in inner:
            yield f"{group}{key}", _fact(inner)
        elif isinstance(inner, dict):
            yield from _facts(inner, f"{group}{key}.")


def _fact(table: Mapping[str, Any]) -> Fact:
    value = table["value"]
    return Fact(tuple(value) if isinstance(value, list) else value, table["source"], table["provisional"])


def read_facts(data: Mapping[str, Any]) -> FactsFile:
    """The facts in a profile file; raises KeyError for one without source."""
    return FactsFile(data["name"], data["facility"], dict(_facts(data)))


def dso_profile(data: Mapping[str, Any]) -> DsoProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(
        DsoProfile,
        name=file.name,
        facility=file.facility,
        summary=file.build(SummaryNames),
        search=file.build(SearchNames),
        facts=file.facts,
    )


def drop_profile(data: Mapping[str, Any]) -> DropProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    groups = {name: file.group(name) for name in ("path", "locatie_path", "spelling", "flaw_codes")}
    accepted: Any = file.facts["accepted"].value
    envelope = file.build(EnvelopeProfile, accepted=frozenset(map(Markup, accepted)), **groups)
    return file.build(
        DropProfile,
        name=file.name,
        facility=file.facility,
        envelope=envelope,
        stages={name: _stage(name, values, file) for name, values in file.group("stage").items()},
        facts=file.facts,
    )


def sru_profile(data: Mapping[str, Any]) -> SruProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(SruProfile, name=file.name, facility=file.facility, names=file.build(SruNames), facts=file.facts)


def _stage(name: str, values: Mapping[str, Any], file: FactsFile) -> Stage:
    facts = [fact for path, fact in file.facts.items() if path.startswith(f"stage.{name}.")]
    read = {
        "who": Doer(values["who"]),
        "wanted": tuple(DOCUMENTTYPEN[each] for each in values["wanted"]),
        "authentication": Authentication(values["authentication"]),
    }
    source, provisional = file.facts[f"stage.{name}.naam"].source, any(fact.provisional for fact in facts)
    return Stage(name=name, source=source, provisional=provisional, **{**values, **read})
