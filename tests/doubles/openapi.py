"""What an OpenAPI 3.0 file says of a request and an answer, as a list of faults in words. Knows nothing of a double.

jsonschema-rs does the judging; this module says OpenAPI 3.0 in JSON Schema 2020-12, once for requests and once for
answers. It is stricter than the file in one respect: a request may hold no field that the file does not name, or a
typing error would pass unseen.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import yaml

Json = Any
_KEPT: Final = frozenset(
    {
        *("type", "enum", "minLength", "maxLength", "pattern", "minimum", "maximum"),
        *("minItems", "maxItems", "uniqueItems", "minProperties"),
    }
)
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_NOT_CHECKED: Final = frozenset({"content-type", "accept", "authorization"})
"""Header parameters that OpenAPI 3.0 says to ignore."""
_URL_AS_INTEGER: Final = frozenset({"zaak", "zaaktype", "catalogus", "informatieobjecttype"})
"""Query parameters that Open Zaak's files call an integer, where the server and the standard take a URL."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request or an answer: parsed JSON or the fields of a form; None when there is none."""

    content_type: str = ""
    value: Json = None


class Contract:
    """One OpenAPI file. Make it with `contract`, which reads each file once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.title = f"{document['info']['title']} {document['info']['version']}"
        requests, answers = _Schemas(document, requests=True), _Schemas(document, requests=False)
        self._operations = [
            (method.upper(), _pattern(path), Operation(document, path, method, requests, answers))
            for path, item in document["paths"].items()
            for method in item
            if method != "parameters"
        ]
        self._operations.sort(key=lambda each: each[2].path.count("{"))  # a literal path wins over a template

    def operation(self, method: str, path: str) -> "Operation | None":
        """What the file has for this call; `path` is relative to the server's address."""
        for its_method, pattern, operation in self._operations:
            if its_method == method and pattern.fullmatch(path):
                return operation
        return None


@functools.cache
def contract(path: Path) -> Contract:
    """The contract in a file; parsing takes up to half a second."""
    return Contract(yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))


class Operation:
    """One method on one path. Its schemas are compiled when first needed."""

    def __init__(
        self, document: Mapping[str, Any], path: str, method: str, requests: "_Schemas", answers: "_Schemas"
    ) -> None:
        item = document["paths"][path]
        self.path = path
        self._said = item[method]
        self._requests, self._answers = requests, answers
        common, own = item.get("parameters", ()), self._said.get("parameters", ())
        self._parameters = [requests.resolved(each) for each in (*common, *own)]

    def request_faults(self, query: Sequence[tuple[str, str]], headers: Mapping[str, str], body: Body) -> list[str]:
        """Everything that the file forbids in this request. Header names in lower case."""
        return [*self._query_faults(query), *self._header_faults(headers), *self._body_faults(body)]

    def answer_faults(self, status: int, headers: Mapping[str, str], body: Body) -> list[str]:
        """Everything that the file forbids in this answer."""
        said = self._said["responses"].get(str(status))
        if said is None:
            if status >= 400 and not any(each >= "400" for each in self._said["responses"]):
                return []  # a file that tells of no errors
            return [f"status {status} is not among the answers"]
        said = self._answers.resolved(said)
        faults = [
            f"header {name} is missing"
            for name, header in said.get("headers", {}).items()
            if header.get("required") and name.lower() not in headers
        ]
        return faults + _content_faults(said.get("content") or {}, body, self._answers)

    def _query_faults(self, query: Sequence[tuple[str, str]]) -> Iterator[str]:
        known = {each["name"]: each for each in self._parameters if each["in"] == "query"}
        for name, text in query:
            if name not in known:
                yield f"query {name}: no such parameter"
                continue
            schema = known[name].get("schema", {})
            if name in _URL_AS_INTEGER and schema.get("type") == "integer":
                schema = {"type": "string", "format": "uri"}
            yield from (f"query {name}: {fault}" for fault in self._requests.faults(schema, _typed(schema, text)))

    def _header_faults(self, headers: Mapping[str, str]) -> Iterator[str]:
        for each in self._parameters:
            name = each["name"].lower()
            if each["in"] != "header" or name in _NOT_CHECKED:
                continue
            if name in headers:
                for fault in self._requests.faults(each.get("schema", {}), headers[name]):
                    yield f"header {each['name']}: {fault}"
            elif each.get("required"):
                yield f"header {each['name']} is missing"

    def _body_faults(self, body: Body) -> list[str]:
        said = self._said.get("requestBody")
        if said is None:
            return [] if body.value in (None, {}) else ["a body, where the file has none"]
        said = self._requests.resolved(said)
        if body.value is None and not said.get("required", False):
            return []
        return _content_faults(said["content"], body, self._requests)


def _content_faults(content: Mapping[str, Any], body: Body, schemas: "_Schemas") -> list[str]:
    if not content:
        return [] if body.value is None else ["a body, where the file has none"]
    said = content.get(body.content_type)
    if said is None:
        return [f"content type {body.content_type or 'absent'} is not among {sorted(content)}"]
    return schemas.faults(said.get("schema", {}), body.value, closed=True)


def _mere_consequence(error: Any, errors: Sequence[Any]) -> bool:
    """Whether fields seem unknown only because something else is wrong in the same object."""
    if error.kind.name != "unevaluatedProperties":
        return False
    depth = len(error.instance_path)
    return any(each is not error and each.instance_path[:depth] == error.instance_path for each in errors)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


def _typed(schema: Mapping[str, Any], text: str) -> Json:
    match schema.get("type"):
        case "integer" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case "array":
            return text.split(",")
    return text


@dataclass(slots=True)
class _Schemas:
    """The schemas of a file in JSON Schema 2020-12, for requests or for answers."""

    document: Mapping[str, Any]
    requests: bool
    _translated: dict[str, Any] = field(default_factory=dict)
    """By the pointer within the file; the second form of a schema with subtypes has `!` behind its pointer."""
    _compiled: dict[tuple[int, bool], tuple[Any, Any]] = field(default_factory=dict)

    def faults(self, schema: Mapping[str, Any], value: Json, *, closed: bool = False) -> list[str]:
        """What is wrong with `value`, as one line each."""
        errors = list(self._validator(schema, closed).iter_errors(value))
        return [
            f"{'/'.join(str(step) for step in error.instance_path) or 'body'}: {error.message[:300]}"
            for error in errors
            if not _mere_consequence(error, errors)
        ]

    def resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference refers to, nothing for one into another file; anything else as it is."""
        while "$ref" in part:
            if not part["$ref"].startswith("#/"):
                return {}
            found: Any = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def _validator(self, schema: Mapping[str, Any], closed: bool) -> Any:
        key = (id(schema), closed)
        if key not in self._compiled:
            said = self._closed(schema) if closed else self._schema(schema)
            whole = {"allOf": [said], "$defs": self._used(said)}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._compiled[key] = (validator, schema)  # the schema too, or its id may come to mean another
        return self._compiled[key][0]

    def _used(self, said: Json) -> dict[str, Any]:
        """What a schema refers to: compiling all of the file each time takes seconds."""
        used: dict[str, Any] = {}
        waiting = [said]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                name = str(part.get("$ref", "")).removeprefix("#/$defs/")
                if name and name not in used:
                    used[name] = self._translated[name]
                    waiting.append(used[name])
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
        return used

    def _schema(self, schema: Mapping[str, Any], *, as_base: bool = False) -> dict[str, Any]:
        if "$ref" in schema:
            return self._reference(schema["$ref"], as_base=as_base)
        said = {key: value for key, value in schema.items() if key in _KEPT}
        said |= self._format(schema)
        said |= self._members(schema)
        if "items" in schema:
            said["items"] = self._closed(schema["items"])
        if "discriminator" in schema and not as_base:
            said |= self._subtypes(schema)
        else:
            # A subtype names its supertype in allOf: as what all subtypes have in common, or it would never end.
            said |= {key: [self._schema(each, as_base=True) for each in schema[key]] for key in _LISTS if key in schema}
        return {"anyOf": [{"type": "null"}, said]} if schema.get("nullable") else said

    def _reference(self, pointer: str, *, as_base: bool) -> dict[str, Any]:
        schema = self.resolved({"$ref": pointer})
        if not schema:
            return {}
        as_base = as_base and "discriminator" in schema and not any(key in schema for key in _LISTS)
        name = pointer.removeprefix("#/").replace("/", ".") + ("!" if as_base else "")
        if name not in self._translated:
            self._translated[name] = {}  # it may refer to itself
            self._translated[name] = self._schema(schema, as_base=as_base)
        return {"$ref": f"#/$defs/{name}"}

    def _subtypes(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The one subtype that the value names, for several may fit the same value by their fields alone."""
        name = schema["discriminator"]["propertyName"]
        mapping = schema["discriminator"].get("mapping") or {
            each["$ref"].rsplit("/", 1)[1]: each["$ref"] for each in schema.get("oneOf", ())
        }
        choices = [
            {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": self._schema({"$ref": ref})}
            for value, ref in mapping.items()
        ]
        named = {"type": "object", "required": [name], "properties": {name: {"enum": list(mapping)}}}
        return {"allOf": [named, *choices]}

    def _members(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        hidden = "readOnly" if self.requests else "writeOnly"
        absent = {name for name, each in schema.get("properties", {}).items() if each.get(hidden)}
        if "properties" in schema:
            said["properties"] = {
                name: self._closed(each) for name, each in schema["properties"].items() if name not in absent
            }
        if required := [name for name in schema.get("required", ()) if name not in absent]:
            said["required"] = required
        extra = schema.get("additionalProperties")
        if extra is not None:
            said["additionalProperties"] = extra if isinstance(extra, bool) else self._schema(extra)
        return said

    def _closed(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        said = self._schema(schema)
        if self.requests and self._names_its_fields(schema):
            return {"allOf": [said], "unevaluatedProperties": False}
        return said

    def _names_its_fields(self, schema: Mapping[str, Any]) -> bool:
        schema = self.resolved(schema)
        if "additionalProperties" in schema:
            return False
        if "properties" in schema or "discriminator" in schema:
            return True
        return any(self._names_its_fields(each) for key in _LISTS for each in schema.get(key, ()))

    def _format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        said = schema.get("format")
        if said in {None, "byte", "binary", "int64", "int32"}:
            return {}
        if said == "uri" and not self.requests and not schema.get("minLength"):
            return {"anyOf": [{"const": ""}, {"format": "uri"}]}  # what servers say of an address that is not filled in
        return {"format": said}
