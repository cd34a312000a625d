"""A kennisgeving as JSON: how it is kept, and how other programs hand one in. Pure.

The names are those of the model; dates are ISO 8601, positions `[x, y]`. What is not known is refused: a
misspelled key would else be a value that silently lacks.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple, Never

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.errors import SubmissionError

_ADAPTER: Final = TypeAdapter(Kennisgeving)
_TAG: Final = "soort"
_TAGGED: Final = frozenset({"tekst", "locaties"})
"""Lists of which each part says by its `soort` which of several it is."""
_MOST_TOLD: Final = 20
"""Faults that an error names."""
_LONGEST_NAME: Final = 40
_NO_CHARACTER: Final = re.compile("[\x00\ud800-\udfff]")
"""What no database keeps."""
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "ontbreekt",
    "unknown": "is geen bekend veld",
    "character": "heeft een teken dat niet kan worden vastgelegd",
    "number": "is een te groot getal",
    "string": "moet tekst zijn",
    "float": "moet een getal zijn",
    "bool": "moet true of false zijn",
    "date": "moet een dag zijn, zoals 2026-06-02",
    "enum": "moet een van deze zijn: {expected}",
    "tuple": "moet een lijst zijn",
    "too": "heeft te veel of te weinig waarden",
    "dataclass": "moet een object zijn",
    "dict": "moet een object zijn",
}
"""By the first word of the kind of fault."""


class _Wrong(NamedTuple):
    """A fault: where it is, and its kind as pydantic or this module calls it."""

    place: str
    kind: str
    expected: str = ""

    @property
    def sentence(self) -> str:
        said = _SENTENCES.get(self.kind.partition("_")[0], "heeft niet de juiste vorm")
        return f"`{self.place}` {said.format(expected=self.expected)}."


def read_document(content: bytes) -> dict[str, Any]:
    """The JSON object in `content`, for `from_document`. Raises SubmissionError.

    JSON has no NaN, and of two values under one name nobody knows which was meant.
    """
    try:
        document = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise _nested() from None
    except ValueError as error:
        raise SubmissionError(
            f"no JSON that can be read: {error}",
            advice="Lever de kennisgeving aan als geldige JSON, met elke naam één keer en zonder NaN of Infinity.",
        ) from None
    if not isinstance(document, dict):
        raise SubmissionError("no JSON object", advice="Lever één kennisgeving aan als JSON-object.")
    return document


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    known: dict[str, object] = {}
    for name, value in pairs:
        if name in known:
            raise ValueError(f"{_named(name)} is there twice")
        known[name] = value
    return known


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no number")


def to_document(kennisgeving: Kennisgeving) -> dict[str, Any]:
    """The JSON object of it, without what has no value."""
    return dict(_ADAPTER.dump_python(kennisgeving, mode="json", exclude_none=True))


def from_document(document: Mapping[str, object]) -> Kennisgeving:
    """The kennisgeving that a JSON object says. Raises SubmissionError that names every place, and no value."""
    try:
        read = _ADAPTER.validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        found = error.errors(include_input=False)
        if any(each["type"] == "json_invalid" for each in found):
            raise _nested() from None
        raise _error(map(_wrong, found)) from None
    except RecursionError:
        raise _nested() from None
    if wrong := list(_departures(document, _ADAPTER.dump_python(read, mode="json"))):
        raise _error(wrong)
    return read


def _nested() -> SubmissionError:
    return SubmissionError(
        "this is no kennisgeving: it nests too deep, or holds half a character",
        advice="De JSON is te diep genest, of bevat een half teken (\\ud800 tot en met \\udfff). Verbeter het bestand.",
    )


def schemas(reference: str) -> dict[str, dict[str, Any]]:
    """The JSON Schemas of a document and its parts, by name; `reference` says where one is, as `#/schemas/{model}`."""
    found = _ADAPTER.json_schema(ref_template=reference)
    parts: dict[str, dict[str, Any]] = {**found.pop("$defs"), Kennisgeving.__name__: found}
    for part in parts.values():
        if "properties" in part:
            tags = [_TAG] if _TAG in part["properties"] else []
            part |= {"additionalProperties": False, "required": [*part.get("required", []), *tags]}
    return parts


def _wrong(error: ErrorDetails) -> _Wrong:
    place, kind, about = error["loc"], error["type"], error.get("ctx", {})
    if place and place[0] in _TAGGED:
        place = (*place[:2], *place[3:])  # pydantic puts the soort behind the number
    if kind.startswith("union_tag"):
        place, kind = (*place, _TAG), "missing" if kind == "union_tag_not_found" else "enum"
    expected = about.get("expected", about.get("expected_tags", ""))
    return _Wrong("/".join(map(str, place)), kind, expected.replace(" or ", " of "))


def _departures(given: object, known: object, path: str = "") -> Iterator[_Wrong]:
    """What is given and not known, and what cannot be kept."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        yield from (_Wrong(f"{path}{_named(key)}", "unknown") for key in given.keys() - known.keys())
        for key in given.keys() & known.keys():
            yield from _departures(given[key], known[key], f"{path}{key}/")
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _departures(one, other, f"{path}{number}/")
    elif isinstance(given, str) and _NO_CHARACTER.search(given):
        yield _Wrong(path.rstrip("/"), "character")
    elif isinstance(known, float) and not isfinite(known):
        yield _Wrong(path.rstrip("/"), "number_too_large")


def _named(name: str) -> str:
    """A name as somebody gave it, for people."""
    return name[:_LONGEST_NAME] if name.isprintable() else ascii(name[:_LONGEST_NAME])


def _error(wrong: Iterable[_Wrong]) -> SubmissionError:
    found = sorted(set(wrong))
    told, rest = found[:_MOST_TOLD], len(found) - _MOST_TOLD
    more = f" En nog {rest} fouten." if rest > 0 else ""
    return SubmissionError(
        f"this is no kennisgeving: {'; '.join(f'{each.place}: {each.kind}' for each in told)}",
        advice=f"{' '.join(each.sentence for each in told)}{more}",
    )
