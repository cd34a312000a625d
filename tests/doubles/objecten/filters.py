"""The filter `data_attr` of the Objecten API: `key__operator__value`, with `__` between the names of a path."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.doubles.answers import invalid

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "exact": lambda found, wanted: bool(found == wanted),
    "gt": lambda found, wanted: bool(found > wanted),
    "gte": lambda found, wanted: bool(found >= wanted),
    "lt": lambda found, wanted: bool(found < wanted),
    "lte": lambda found, wanted: bool(found <= wanted),
    "icontains": lambda found, wanted: str(wanted).lower() in str(found).lower(),
    "in": lambda found, wanted: str(found) in str(wanted).split("|"),
}


def fits(data: Any, text: str) -> bool:
    """Whether the data have what the filter asks. Raises Problem for a filter that is none."""
    path, _, value = text.rpartition("__")
    path, _, operator = path.rpartition("__")
    if not path or operator not in _OPERATORS:
        raise invalid("data_attr", "invalid-data-attrs-query", "Comparison operator is unknown")
    for name in path.split("__"):
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return any(_compared(data, operator, wanted) for wanted in {value, _number(value)})


def _compared(found: Any, operator: str, wanted: Any) -> bool:
    try:
        return _OPERATORS[operator](found, wanted)
    except TypeError:
        return False


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
