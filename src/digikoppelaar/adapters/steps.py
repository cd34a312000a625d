"""The steps of onboarding: data files of the package `digikoppelaar.profiles`, turned into values or refused.

A file has `kind`, `source`, tables `step` and tables `words`; what it says of `omgevingen` and `bestuurslagen` holds
for every step that does not say otherwise. What does not hold together is refused whole, with the step that is at
fault.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import StrEnum
from functools import cache
from itertools import combinations
from string import Formatter
from typing import Any, Final

from digikoppelaar.adapters import profile_files
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.onboarding.model import CHECKS, How, Kind, Process, Rol, Sight, Step

OMGEVINGEN: Final = ("pre", "prod")
_TABLES: Final = frozenset({"kind", "source", "changed_from", "omgevingen", "bestuurslagen", "words", "step"})
_KEYS: Final = frozenset(each.name for each in fields(Step)) - {"kind"}


@cache
def load_process(kind: Kind) -> Process:
    """The steps of this kind. Raises ConfigError when its file does not hold together."""
    name = f"aansluiten-{kind}"
    return read_process(profile_files.text_of(name), f"{name}.toml")


def read_process(text: str, name: str) -> Process:
    """What a file of steps says; `name` is for people. Raises ConfigError that names the step and what is wrong."""
    try:
        process = _process(tomllib.loads(text))
    except KeyError as error:
        raise ConfigError(f"{name} lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name}: {error}") from error
    if trouble := next(_troubles(process), None):
        raise ConfigError(f"{name}: {trouble}")
    return process


def _process(data: Mapping[str, Any]) -> Process:
    if unknown := sorted(set(data) - _TABLES):
        raise ValueError(f"there is no table or key {', '.join(unknown)}")
    kind = Kind(data["kind"])
    common = {name: data[name] for name in ("omgevingen", "bestuurslagen") if name in data}
    steps = tuple(_step(kind, common | table) for table in data["step"])
    return Process(kind, data["source"], steps, _words(data.get("words", {})), data.get("changed_from", ""))


def _step(kind: Kind, table: Mapping[str, Any]) -> Step:
    number = table["number"]
    if unknown := sorted(set(table) - _KEYS):
        raise ValueError(f"step {number} has no key {', '.join(unknown)}")
    values: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in table.items()}
    named: Mapping[str, type[StrEnum]] = {"who": Rol, "how": How, "asks": Rol, "sight": Sight}
    try:
        return Step(kind, **(values | {key: of(values[key]) for key, of in named.items() if key in values}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"step {number}: {error}") from error


def _words(table: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Those of nobody in particular stand under ""."""
    common = {name: text for name, text in table.items() if isinstance(text, str)}
    return {"": common, **{name: words for name, words in table.items() if name not in common}}


# --- what makes a file wrong -----------------------------------------------------------------------------------------


def _troubles(process: Process) -> Iterator[str]:
    if unknown := sorted(set(process.words) - {"", *OMGEVINGEN, *BESTUURSLAGEN}):
        yield f"there are words of {', '.join(unknown)}, which is no bestuurslaag nor omgeving"
    for who, words in process.words.items():
        if words.get("rol", Rol.BEVOEGD_GEZAG) not in set(Rol):
            yield f"{who} has an unknown rol {words['rol']}"
    numbers = {step.number for step in process.steps}
    if process.changed_from not in {"", *numbers}:
        yield f"changed_from names step {process.changed_from}, which is not there"
    for step in process.steps:
        yield from (f"step {step.number}: {trouble}" for trouble in _of_step(process, step, numbers))
    yield from _twice(process.steps)
    yield from _circles(process.steps)


def _of_step(process: Process, step: Step, numbers: set[str]) -> Iterator[str]:
    for what, given, known in (
        ("check", step.checks, CHECKS),
        ("step in first", step.first, numbers),
        ("omgeving", step.omgevingen, OMGEVINGEN),
        ("bestuurslaag", step.bestuurslagen, BESTUURSLAGEN),
    ):
        yield from (f"there is no {what} {each}" for each in given if each not in known)
    for each in fields(Step):
        value = getattr(step, each.name)
        if each.default is MISSING and not value:
            yield f"it has no {each.name}"
        if each.default is not MISSING and each.default is not None and type(value) is not type(each.default):
            yield f"{each.name} is no {type(each.default).__name__}"
    for source in step.sources:
        if not source.removeprefix(f"{process.kind}:").isdecimal():
            yield f"source {source} is no number of a sentence of {process.kind}"
    yield from _without_a_field(process, step)
    yield from _without_a_way(step)


def _without_a_field(process: Process, step: Step) -> Iterator[str]:
    wanted = {field for text in (step.title, step.text) for _, field, _, _ in Formatter().parse(text) if field}
    for omgeving in step.omgevingen:
        for laag in step.bestuurslagen or BESTUURSLAGEN:
            if lacking := sorted(wanted - set(process.words_for(omgeving, laag))):
                yield f"there are no words for {', '.join(lacking)} of {laag} in {omgeving}"


def _without_a_way(step: Step) -> Iterator[str]:
    """How it gets done does not go with what it has."""
    if step.how is How.CHECK and not step.checks:
        yield "it is done by a check, and has none"
    if (step.how is How.SEEN) != (step.sight is not None):
        yield "what is seen has a sight, and nothing else has"
    if step.or_word and step.how is not How.SEEN:
        yield "or_word is only for what is seen"
    if step.asks and not step.takes_word:
        yield "nobody can say what was answered: it takes no word"
    if step.days and not step.asks:
        yield "days are those of whom it asks, and it asks nobody"


def _twice(steps: Sequence[Step]) -> Iterator[str]:
    """A number may come back only for other bodies or another omgeving."""
    for one, other in combinations(steps, 2):
        layers = set(one.bestuurslagen or BESTUURSLAGEN) & set(other.bestuurslagen or BESTUURSLAGEN)
        if one.number == other.number and layers and set(one.omgevingen) & set(other.omgevingen):
            yield f"step {one.number} is there twice"


def _circles(steps: Iterable[Step]) -> Iterator[str]:
    """Every step comes after those in `first`, whatever body it is: take away what waits for nothing, over and over."""
    waiting: dict[str, set[str]] = {}
    for step in steps:
        waiting.setdefault(step.number, set()).update(step.first)
    while free := [number for number, first in waiting.items() if not first & waiting.keys()]:
        for number in free:
            del waiting[number]
    if waiting:
        yield f"steps {', '.join(waiting)} wait for each other"
