"""Values as TOML, for files that we write. Pure."""

import json
from collections.abc import Iterable, Mapping


def toml(value: object) -> str:
    """A text, number, boolean, date, list or table as TOML on one line: JSON writes the first three as TOML does."""
    match value:
        case Mapping():
            return f"{{{', '.join(f'{toml(str(name))} = {toml(each)}' for name, each in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case str() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def tables(found: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """Tables under their heads, such as `[[partij]]`."""
    return "\n".join(
        "\n".join([head, *(f"{name} = {toml(value)}" for name, value in values.items()), ""]) for head, values in found
    )
