"""A verzoek XML held against official schemas, when an administrator has them: findings, never a refusal. Pure.

The STAM schemas are not public (stam.md 8), so none is shipped: they come as files. A finding names kind, place and
line; the text of the validator is not used, for it quotes the document.
"""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from digikoppelaar.errors import ConfigError, XmlError
from digikoppelaar.stam.model import Finding
from digikoppelaar.xml import parse, read_schema

SCHEMA_LIMIT: Final = 16 * 1024**2
"""Bytes of one schema file."""
MAX_VIOLATIONS: Final = 20
"""Violations that are told one by one."""

Schemas = Mapping[str, etree.XMLSchema]
"""By target namespace; empty without official schemas."""

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_REFERENCES: Final = (f"{_XS}import", f"{_XS}include", f"{_XS}redefine")
_KINDS: Final[tuple[tuple[str, str], ...]] = (
    # How the names of the validator begin, and what they mean; the first that fits counts.
    ("SCHEMAV_CVC_ELT_1", "Het officiële schema kent het hoofdelement van dit bericht niet."),
    ("SCHEMAV_ELEMENT_CONTENT", "Volgens het officiële schema hoort hier een ander element, of ontbreekt er een."),
    ("SCHEMAV_CVC_COMPLEX_TYPE", "De inhoud of een attribuut van dit element wijkt af van het officiële schema."),
    ("SCHEMAV_CVC_ENUMERATION", "De waarde staat niet in de lijst van het officiële schema."),
    ("SCHEMAV_CVC_", "De waarde heeft niet de vorm die het officiële schema vraagt."),
    ("", "Dit onderdeel voldoet niet aan het officiële schema."),
)


def read_schemas(files: Mapping[str, bytes]) -> Schemas:
    """The schemas in `files` (by path) that no other one imports or includes, by target namespace.

    Raises ConfigError, with the name of the file, when one cannot be read or two are for the same namespace.
    """
    roots = {name: _parsed(name, content) for name, content in files.items()}
    referred = {_last(each.get("schemaLocation", "")) for root in roots.values() for each in root.iter(*_REFERENCES)}
    schemas: dict[str, etree.XMLSchema] = {}
    for name, root in roots.items():
        namespace = root.get("targetNamespace", "")
        if _last(name) in referred:
            continue
        if namespace in schemas:
            raise ConfigError(f"{name}: there is another schema for {namespace or 'no namespace'}", advice=_ONE_SET)
        try:
            schemas[namespace] = read_schema(name, files, limit=SCHEMA_LIMIT)
        except XmlError as error:
            raise ConfigError(f"{name}: {error}", advice=_ONE_SET) from error
    return schemas


def violations(schemas: Schemas, document: bytes, *, limit: int) -> tuple[Finding, ...]:
    """Where `document`, of at most `limit` bytes, departs from the schema for its namespace; none without schemas.

    Raises XmlError or TooLarge as `xml.parse` does. A schema may be used by one thread at a time.
    """
    if not schemas:
        return ()
    root = parse(document, limit=limit)
    namespace = etree.QName(root).namespace or ""
    schema = schemas.get(namespace)
    if schema is None:
        return (Finding("schema-missing", "", "Er is geen officieel schema voor de namespace van dit bericht."),)
    schema.validate(root)
    told = list(schema.error_log)
    found = [Finding("schema", _path(root, each.path), _sentence(each.type_name), each.line) for each in told]
    unique = tuple(dict.fromkeys(found))
    if len(unique) <= MAX_VIOLATIONS:
        return unique
    more = f"Er zijn nog {len(unique) - MAX_VIOLATIONS} afwijkingen van het officiële schema."
    return (*unique[:MAX_VIOLATIONS], Finding("schema", "", more))


def _parsed(name: str, content: bytes) -> etree._Element:
    try:
        return parse(content, limit=SCHEMA_LIMIT)
    except XmlError as error:
        raise ConfigError(f"{name}: {error}") from error


def _last(location: str) -> str:
    return location.rpartition("/")[2]


def _path(root: etree._Element, found: str | None) -> str:
    """The element below the root by its local names; the validator writes `*` for those in a default namespace."""
    if not found or "*" not in found:
        return "/".join(step.rpartition(":")[2] for step in (found or "").split("/")[2:])
    prefixes = {prefix: uri for each in root.iter("*") for prefix, uri in each.nsmap.items() if prefix}
    element, names = next(iter(root.xpath(found, namespaces=prefixes)), None), []
    while element is not None and element is not root:
        names.append(etree.QName(element).localname)
        element = element.getparent()
    return "/".join(reversed(names))


def _sentence(type_name: str) -> str:
    return next(sentence for start, sentence in _KINDS if type_name.startswith(start))


_ONE_SET: Final = "Zet in de map alle bestanden van één officiële schemaset, ook die van GML, en niets anders."
