"""A kennisgeving as JSON: how it is kept, and how other programs hand one in. Pure.

The names are those of the model; dates are ISO 8601, positions `[x, y]`. What is not known is refused: a
misspelled key would else be a value that silently lacks.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Final, Never

from pydantic import TypeAdapter, ValidationError

from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.errors import SubmissionError

_ADAPTER: Final = TypeAdapter(Kennisgeving)
_TAG: Final = "soort"
_MOST_TOLD: Final = 20
"""Places that an error names."""
_LONGEST_NAME: Final = 40
_NO_CHARACTER: Final = re.compile("[\x00\ud800-\udfff]")
"""What no database keeps."""


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
        raise _error({f"{_path(each['loc'])}: {each['type']}" for each in found}) from None
    except RecursionError:
        raise _nested() from None
    if wrong := set(_departures(document, _ADAPTER.dump_python(read, mode="json"))):
        raise _error(wrong)
    return read


def _nested() -> SubmissionError:
    return SubmissionError(
        "this is no kennisgeving: it nests too deep, or holds half a character",
        advice="De JSON is te diep genest, of bevat een half teken (\\ud800 tot en met \\udfff). Verbeter het bestand.",
    )


def _path(parts: tuple[int | str, ...]) -> str:
    """Without the names of our classes, which pydantic puts where a value may be one of several."""
    return "/".join(str(part) for part in parts if not (isinstance(part, str) and part[:1].isupper()))


def _departures(given: object, known: object, path: str = "") -> Iterator[str]:
    """What is given and not known, what is given without saying which of several it is, and what cannot be kept."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        yield from (f"{path}{_named(key)}: unknown" for key in given.keys() - known.keys())
        if _TAG in known and _TAG not in given:
            yield f"{path}{_TAG}: missing"
        for key in given.keys() & known.keys():
            yield from _departures(given[key], known[key], f"{path}{key}/")
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _departures(one, other, f"{path}{number}/")
    elif isinstance(given, str) and _NO_CHARACTER.search(given):
        yield f"{path.rstrip('/')}: holds what is no character"
    elif isinstance(known, float) and not isfinite(known):
        yield f"{path.rstrip('/')}: number_too_large"


def _named(name: str) -> str:
    """A name as somebody gave it, for people."""
    return name[:_LONGEST_NAME] if name.isprintable() else ascii(name[:_LONGEST_NAME])


def _error(wrong: set[str]) -> SubmissionError:
    told = sorted(wrong)[:_MOST_TOLD]
    return SubmissionError(
        f"this is no kennisgeving: {'; '.join(told)}",
        advice="Verbeter de genoemde velden van de kennisgeving en bied haar opnieuw aan.",
    )
