"""What official material says about the facts of a profile: a WSDL, an OpenAPI document or a list of values.

A fact is confirmed when the material has its value in the right place, and replaced when the material has another where
there is but one. What the material does not speak of stays as assumed as it was.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from digikoppelaar.adapters.profiles import Fact
from digikoppelaar.errors import ConfigError, PartnerError
from digikoppelaar.xml import parse

LIMIT: Final = 16 * 1024**2
"""Bytes of a file of official material."""
_FIELD: Final = re.compile(r"\{[^{}]*\}")
_SOAP: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_ADVICE: Final = (
    "Geef een profiel (.toml), een WSDL (.wsdl, .xsd), OpenAPI als JSON (.json), of met --fact een lijst van waarden."
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the material says.

    `known` are facts by name. `missing` are facts of which it should have spoken and says nothing; `unknown` are names
    in it that no fact has.
    """

    known: Mapping[str, Fact]
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def read_official(name: str, content: bytes, facts: Mapping[str, Fact], wanted: str | None = None) -> Said:
    """What the file called `name` says of `facts`; a list of values is for the fact `wanted`. Raises ConfigError."""
    if len(content) > LIMIT:
        raise ConfigError(f"{name} is larger than {LIMIT} bytes")
    suffix = name.rpartition(".")[2].lower()
    if wanted is not None:
        return _list(name, content, facts, wanted)
    if suffix in ("wsdl", "xsd"):
        return _wsdl(name, content, facts)
    if suffix == "json":
        return _openapi(name, content, facts)
    raise ConfigError(f"{name}: not a kind of file that is understood", advice=_ADVICE)


# --- WSDL and XML Schema -------------------------------------------------------------------------------------


def _wsdl(name: str, content: bytes, facts: Mapping[str, Fact]) -> Said:
    try:
        root = parse(content, limit=LIMIT)
    except PartnerError as error:
        raise ConfigError(f"{name}: {error}", advice=error.advice) from error
    elements = {_local(each.get("name") or each.get("ref") or "") for each in root.iter("{*}element")} - {""}
    stated = {each: value for each, value in _stated(root) if each in facts}
    paths = {each: str(fact.value).split("/") for each, fact in facts.items() if _is_path(each)}
    confirmed = {each: facts[each].value for each, steps in paths.items() if elements.issuperset(steps)}
    ours = {step for steps in paths.values() for step in steps} | {str(value) for value in stated.values()}
    return Said(
        {each: Fact(value, name, False) for each, value in (stated | confirmed).items()},
        tuple(each for each in paths if each not in confirmed),
        tuple(sorted(elements - ours)),
    )


def _is_path(name: str) -> bool:
    """Whether the value of this fact is a path of element names in a message of 3PAS."""
    return name.startswith(("path.", "locatie_path.")) or name in ("dossiernummer", "fault_code", "fault_text")


def _stated(root: etree._Element) -> Iterator[tuple[str, str]]:
    """What a WSDL 1.1 with one operation says of itself; nothing of one with more, for a person must choose."""
    ports = list(root.iter("{*}portType"))
    operations = [each for port in ports for each in port.iter("{*}operation")]
    if len(operations) != 1:
        return
    namespace = root.get("targetNamespace", "")
    yield from (("namespace", namespace), ("contract", ports[0].get("name", "")))
    yield "operation", operations[0].get("name", "")
    messages = {each.get("name"): each for each in root.iter("{*}message")}
    for output in operations[0].iter("{*}output"):
        for part in messages[_local(output.get("message", ""))].iter("{*}part"):
            yield "response", _local(part.get("element", ""))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


# --- OpenAPI -------------------------------------------------------------------------------------------------


def _openapi(name: str, content: bytes, facts: Mapping[str, Fact]) -> Said:
    document = _json_object(name, content)
    paths = [str(path) for path in _mapping(document.get("paths"))]
    headers = {each.lower() for each in _headers(document)}
    known: dict[str, Fact] = {}
    missing: list[str] = []
    spoken: set[str] = set()
    for each, fact in facts.items():
        if each.endswith("_path"):
            found = [path for path in paths if _ends_with(path, str(fact.value))]
        elif each.endswith("_header"):
            found = [str(fact.value)] if str(fact.value).lower() in headers else []
        else:
            continue
        spoken.update(found)
        if found:
            known[each] = Fact(fact.value, name, False)
        else:
            missing.append(each)
    return Said(known, tuple(missing), tuple(sorted(set(paths) - spoken)))


def _json_object(name: str, content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid JSON: {error}", advice=_ADVICE) from error
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise ConfigError(f"{name}: no OpenAPI document, for it has no paths", advice=_ADVICE)
    return document


def _headers(value: Any) -> Iterator[str]:
    """The names of parameters and of API keys that go in a header, anywhere in the document."""
    if isinstance(value, dict):
        if value.get("in") == "header" and isinstance(value.get("name"), str):
            yield value["name"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _headers(each)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _ends_with(path: str, ours: str) -> bool:
    """Whether it is our path, whatever its fields are called; theirs may begin with a version."""
    theirs, wanted = (_FIELD.sub("{}", each).strip("/").split("/") for each in (path, ours))
    return theirs[-len(wanted) :] == wanted


# --- A list of values ----------------------------------------------------------------------------------------


def _list(name: str, content: bytes, facts: Mapping[str, Fact], wanted: str) -> Said:
    """The first column of a CSV or text file with one value on a line."""
    if wanted not in facts or not isinstance(facts[wanted].value, tuple):
        raise ConfigError(f"{wanted!r} is no fact that is a list", advice="Zie `digikoppelaar profile show`.")
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        values = tuple(dict.fromkeys(row[0].strip() for row in rows if row and row[0].strip()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{name}: not a list in UTF-8: {error}") from error
    if not values:
        raise ConfigError(f"{name}: holds no value")
    return Said({wanted: Fact(values, name, False)})
