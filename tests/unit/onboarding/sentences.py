"""The two source documents as numbered sentences, and what we say of each.

The documents are not in the repository, so neither are their sentences: `sentences.toml` has for each number a hash, by
which a changed document is noticed, what it says in our words, of whom it asks something, and where that is met other
than by the steps that name it.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.steps import load_process
from digikoppelaar.onboarding.model import Kind, Rol

OURS: Final = frozenset({Rol.LEVERANCIER, Rol.DIGIKOPPELAAR, Rol.BEVOEGD_GEZAG, Rol.BEHANDELDIENST})
"""What is asked of these must be met; the aansluitteam and KOOP do not read this."""

_MARK: Final = re.compile(r"^(?:- )?(?:\d+\.|[a-z]\.|-)\s+")
_END: Final = re.compile(r"(?<=[^\d][.?!])\s+(?=[A-Z(*])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as we have it; `name` is as steps name it: `stam:41`."""

    name: str
    hash: str
    says: str
    asks: tuple[Rol, ...] = ()
    met_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A document: the name of its file, and its sentences in order."""

    kind: Kind
    file: str
    sentences: tuple[Sentence, ...]


def split(text: str) -> list[str]:
    """The sentences of a document, in order; headings and labels of pictures are sentences too.

    A line is a paragraph, without its mark of a list; one that begins with a small letter goes on with the one before.
    A sentence ends at a point, question or exclamation mark after anything but a digit, before a capital.
    """
    paragraphs: list[str] = []
    for line in (_MARK.sub("", line.strip()) for line in text.splitlines() if line.strip()):
        if line[0].islower() and paragraphs:
            paragraphs[-1] += f" {line}"
        else:
            paragraphs.append(line)
    return [sentence for paragraph in paragraphs for sentence in _END.split(paragraph)]


def digest(sentence: str) -> str:
    """By which a sentence is known again, whatever its spaces."""
    return sha256(" ".join(sentence.split()).encode()).hexdigest()[:12]


@cache
def sources() -> tuple[Source, ...]:
    """Both documents, from sentences.toml."""
    data = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return tuple(Source(kind, data[kind]["file"], tuple(_sentences(kind, data[kind]["sentence"]))) for kind in Kind)


def _sentences(kind: Kind, rows: Iterable[Mapping[str, object]]) -> Iterator[Sentence]:
    for number, row in enumerate(rows, start=1):
        asks = tuple(Rol(each) for each in row.get("asks", ()))
        yield Sentence(f"{kind}:{number}", row["hash"], row["says"], asks, tuple(row.get("met_by", ())))


@cache
def steps_by_sentence() -> Mapping[str, tuple[str, ...]]:
    """By the name of a sentence the steps that name it, such as `step stam 3.1`."""
    found: dict[str, dict[str, None]] = {}
    for kind in Kind:
        for step in load_process(kind).steps:
            for source in step.sources:
                found.setdefault(source, {})[f"step {kind} {step.number}"] = None
    return {name: tuple(steps) for name, steps in found.items()}


def met_by(sentence: Sentence) -> tuple[str, ...]:
    """Everything that meets it: steps, and what sentences.toml says besides."""
    return (*steps_by_sentence().get(sentence.name, ()), *sentence.met_by)
