"""A kennisgeving as JSON: how it is kept, and how other programs hand one in. Pure.

The names are those of the model; dates are ISO 8601, positions `[x, y]`. What is not known is refused: a
misspelled key would else be a value that silently lacks.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.errors import SubmissionError

_ADAPTER: Final = TypeAdapter(Kennisgeving)
_TAG: Final = "soort"


def to_document(kennisgeving: Kennisgeving) -> dict[str, Any]:
    """The JSON object of it, without what has no value."""
    return dict(_ADAPTER.dump_python(kennisgeving, mode="json", exclude_none=True))


def from_document(document: Mapping[str, object]) -> Kennisgeving:
    """The kennisgeving that a JSON object says. Raises SubmissionError that names every place, and no value."""
    try:
        read = _ADAPTER.validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        places = {f"{_path(each['loc'])}: {each['type']}" for each in error.errors(include_input=False)}
        raise _error(sorted(places)) from None
    if wrong := list(_departures(document, _ADAPTER.dump_python(read, mode="json"))):
        raise _error(wrong)
    return read


def _path(parts: tuple[int | str, ...]) -> str:
    """Without the names of our classes, which pydantic puts where a value may be one of several."""
    return "/".join(str(part) for part in parts if not (isinstance(part, str) and part[:1].isupper()))


def _departures(given: object, known: object, path: str = "") -> Iterator[str]:
    """What is given and not known, and what is given without saying which of several it is."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        yield from (f"{path}{key}: unknown" for key in given.keys() - known.keys())
        if _TAG in known and _TAG not in given:
            yield f"{path}{_TAG}: missing"
        for key in given.keys() & known.keys():
            yield from _departures(given[key], known[key], f"{path}{key}/")
    elif isinstance(given, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from _departures(one, other, f"{path}{number}/")


def _error(wrong: list[str]) -> SubmissionError:
    return SubmissionError(
        f"this is no kennisgeving: {'; '.join(sorted(wrong))}",
        advice="Verbeter de genoemde velden van de kennisgeving en bied haar opnieuw aan.",
    )
