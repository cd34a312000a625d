"""What a profile says fact by fact, in what another differs from it, and a profile that may take its place."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from digikoppelaar.adapters import onboarding_profiles, profiles
from digikoppelaar.adapters.mail_templates import read_templates
from digikoppelaar.adapters.official import Said, read_official
from digikoppelaar.adapters.profiles import Fact, built
from digikoppelaar.adapters.steps import read_process
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.toml import toml

_JUDGES: Final[Mapping[str, Callable[[str, str], object]]] = {
    "dso-lv": lambda name, text: built(name, text, profiles.dso_profile),
    "dso-adressen": lambda name, text: built(name, text, onboarding_profiles.addresses),
    "dso-cpa-aanbieden": lambda name, text: built(name, text, onboarding_profiles.offering_profile),
    "dso-portaal": lambda name, text: built(name, text, onboarding_profiles.portal_profile),
    "cpa-register": lambda name, text: built(name, text, onboarding_profiles.register_profile),
    "pkioverheid-aanvraag": lambda name, text: built(name, text, onboarding_profiles.certificate_kinds),
    "koop-3pas": lambda name, text: built(name, text, profiles.drop_profile),
    "koop-sru": lambda name, text: built(name, text, profiles.sru_profile),
    "kennisgeving-termijnen": lambda name, text: built(name, text, profiles.rekenregels),
    "kennisgeving-controles": lambda name, text: built(name, text, profiles.lists),
    "aansluiten-mail": lambda name, text: read_templates(text, name),
    "aansluiten": lambda name, text: read_process(text, name),
}
"""By what the name of a profile begins with."""


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact that is new (`before` None), gone (`after` None) or different."""

    name: str
    before: Fact | None
    after: Fact | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a file changes in a profile, and the text that it would be; `missing` and `unknown` as those of Said."""

    changes: tuple[FactChange, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    text: str


def propose(name: str, in_force: str | None, file: str, content: bytes, wanted: str | None = None) -> Proposal:
    """The profile called `name` with what `content`, of a file called `file`, says; `in_force` None: there is none yet.

    `wanted` as that of read_official. Raises ConfigError when the material cannot be read, or would make a profile
    that does not hold together.
    """
    before = facts_in(in_force) if in_force else {}
    said = Said({})
    if file.endswith(".toml"):
        text = _whole(in_force, file, content)
    elif in_force is None:
        raise ConfigError(f"there is no profile {name!r} yet", advice="Geef een volledig profielbestand (TOML).")
    else:
        said = read_official(file, content, before, wanted)
        text = merged(in_force, said.known)
    judge(name, text)
    return Proposal(differences(before, facts_in(text)), said.missing, said.unknown, text)


def _whole(in_force: str | None, file: str, content: bytes) -> str:
    """The profile that the TOML is, or that it makes of the one in force when it has no more than some facts."""
    try:
        text = content.decode()
        data = tomllib.loads(text)
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are both one
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    if in_force is None or "name" in data or "kind" in data:
        return text
    if without := [name for name, table in _tables(data, "") if "value" not in table]:
        raise ConfigError(f"fact {', '.join(without)} has no value")
    return merged(in_force, facts_in(text))


def judge(name: str, text: str) -> None:
    """Raises ConfigError when `text` cannot be the profile called `name`."""
    for family, check in _JUDGES.items():
        if name == family or name.startswith(f"{family}-"):
            check(name, text)
            return
    raise ConfigError(
        f"nothing reads a profile called {name!r}", advice=f"De naam begint met een van: {', '.join(_JUDGES)}."
    )


def facts_in(text: str) -> dict[str, Fact]:
    """Every fact of a profile under its dotted name. Raises ConfigError when it is no TOML, or a value no fact has.

    A table with a source and no value is one fact, with all that it says besides as its value.
    """
    return {name: _fact(name, table) for name, table in _tables(_read(text), "")}


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from error


def _tables(table: Mapping[str, Any], group: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, inner in table.items():
        if isinstance(inner, dict) and "source" in inner:
            yield f"{group}{key}", inner
        elif isinstance(inner, dict):
            yield from _tables(inner, f"{group}{key}.")


def _fact(name: str, table: Mapping[str, Any]) -> Fact:
    said = {key: each for key, each in table.items() if key not in ("source", "provisional")}
    value = table.get("value", ", ".join(f"{key} {each}" for key, each in said.items()))
    value = tuple(map(str, value)) if isinstance(value, list) else value
    if not isinstance(value, str | int | tuple):
        raise ConfigError(f"fact {name} must be a text, a number, true, false or a list of texts")
    if not isinstance(table["source"], str) or not isinstance(table.get("provisional"), bool):
        raise ConfigError(f"fact {name} must have a source, and provisional must be true or false")
    return Fact(value, table["source"], table["provisional"])


def differences(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> tuple[FactChange, ...]:
    """In the order of `before`, and then what is new."""
    names = dict.fromkeys([*before, *after])
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(FactChange(name, was, will) for name, was, will in pairs if was != will)


def merged(text: str, known: Mapping[str, Fact]) -> str:
    """The profile `text` with the facts of `known` in it, as a new file. Raises ConfigError for one it does not have.

    A profile whose tables are no facts, as that of the terms, cannot be merged.
    """
    facts, data = facts_in(text), _read(text)
    if "facility" not in data:
        raise ConfigError(
            "only a profile of a facility takes single facts", advice="Geef een volledig profielbestand (TOML)."
        )
    if unknown := sorted(set(known) - set(facts)):
        raise ConfigError(
            f"the profile has no fact {', '.join(unknown)}", advice="Zie `digikoppelaar profile show` voor de namen."
        )
    head = [f"name = {toml(data['name'])}", f"facility = {toml(data['facility'])}"]
    return (
        "\n".join([*head, *(line for name, fact in {**facts, **known}.items() for line in _lines(name, fact))]) + "\n"
    )


def _lines(name: str, fact: Fact) -> list[str]:
    return [
        "",
        f"[{'.'.join(map(toml, name.split('.')))}]",
        f"value = {toml(fact.value)}",
        f"provisional = {toml(fact.provisional)}",
        f"source = {toml(fact.source)}",
    ]
