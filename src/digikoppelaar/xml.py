"""The one door through which XML comes in and goes out.

Nothing here reads the network or a file, and nothing expands an entity: a DOCTYPE is refused before the parser
sees the document (statements 211, 219 and 220 of the ebMS2 checklist).
"""

import re
from collections.abc import Mapping
from posixpath import normpath
from typing import Any, Final

from lxml import etree

from digikoppelaar.errors import TooLarge, XmlError

MAX_DEPTH: Final = 200
"""Deeper documents are refused: no document of these standards comes near it."""
MAX_ATTRIBUTES: Final = 256
"""Of one element. Walking through them takes time with the square of their number: 60,000 took eighteen seconds."""
MAX_NAMESPACES: Final = 512
"""In scope at one place: so many again are written with each element that is signed, copied or kept as it stood."""

_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ASCII_COMPATIBLE: Final = frozenset({"UTF-8", "US-ASCII", "ASCII", "ISO-8859-1"})
"""Encodings in which each `<` and `=` is that byte."""
_UTF16_OR_32: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x3c", b"\x3c\x00", b"\x00\x00\xfe\xff")


def parse(document: bytes, *, limit: int, max_elements: int | None = None) -> etree._Element:
    """The root element of `document`.

    `limit` is the largest accepted size in bytes. Raises TooLarge, or XmlError when the document is not
    well-formed UTF-8 (or ASCII-compatible) XML, holds a DOCTYPE, or goes over `max_elements`, MAX_DEPTH,
    MAX_ATTRIBUTES or MAX_NAMESPACES.
    """
    if len(document) > limit:
        raise TooLarge(f"XML document of {len(document)} bytes is over the limit of {limit}")
    if document.startswith(_UTF16_OR_32):
        raise XmlError("XML document is not UTF-8")
    if _DOCTYPE.search(document):
        raise XmlError("XML document has a DOCTYPE or entity declaration, which is refused")
    try:
        root = etree.fromstring(document, _parser())  # noqa: TID251  # this is the one place
    except etree.XMLSyntaxError as error:
        raise XmlError(f"XML document is not well-formed: {_where(error)}") from None
    if root.getroottree().docinfo.doctype:  # an exotic encoding can hide it from the search above
        raise XmlError("XML document has a DOCTYPE, which is refused")
    if not _is_small(document, root.getroottree().docinfo.encoding, max_elements):
        _refuse_endless(root, max_elements)
    return root


def _parser() -> etree.XMLParser:
    # A new parser each time: parsers are cheap and sharing one between threads is a known source of faults.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=False,
        remove_comments=False,
        remove_pis=False,
    )


def _where(error: etree.XMLSyntaxError) -> str:
    """Kind and place. The parser's own text can quote the document, and so can the error that carries it."""
    line, column = error.position
    last = error.error_log.last_error
    return f"{last.type_name if last else 'syntax'} at line {line}, column {column}"


def _is_small(document: bytes, encoding: str | None, max_elements: int | None) -> bool:
    """Whether it cannot go over a limit: each level but the last takes two `<`, each attribute and namespace an `=`.

    Counting bytes takes a hundredth of the time that walking through the elements takes.
    """
    tags = document.count(b"<")
    few_tags = tags < 2 * MAX_DEPTH and (max_elements is None or tags <= max_elements)
    plain = encoding is None or encoding.upper() in _ASCII_COMPATIBLE
    return few_tags and plain and document.count(b"=") <= MAX_ATTRIBUTES


def _refuse_endless(root: etree._Element, max_elements: int | None) -> None:
    depth = namespaces = elements = 0
    for event, found in etree.iterwalk(root, events=("start", "end", "start-ns", "end-ns")):
        match event:
            case "start":
                depth += 1
                elements += 1
                _refuse(max_elements is not None and elements > max_elements, f"has over {max_elements} elements")
                _refuse(depth > MAX_DEPTH, f"nests deeper than {MAX_DEPTH} elements")
                assert isinstance(found, etree._Element), "the events start and end come with an element"
                _refuse(len(found.attrib) > MAX_ATTRIBUTES, f"has an element with over {MAX_ATTRIBUTES} attributes")
            case "end":
                depth -= 1
            case "start-ns":
                namespaces += 1
                _refuse(namespaces > MAX_NAMESPACES, f"has over {MAX_NAMESPACES} namespaces at one place")
            case "end-ns":
                namespaces -= 1


def _refuse(wrong: bool, reason: str) -> None:
    if wrong:
        raise XmlError(f"XML document {reason}")


def read_schema(name: str, files: Mapping[str, bytes], *, limit: int) -> etree.XMLSchema:
    """The XML Schema in `files[name]`; what it imports and includes comes out of `files` alone.

    A location is looked up as a path from the file that names it, and else by its last part: official schemas name
    addresses on the network. `limit` is in bytes for each file. Raises TooLarge, or XmlError when it is no schema.
    """
    for content in files.values():
        parse(content, limit=limit)  # refused before the reader of schemas sees it
    parser = _parser()
    parser.resolvers.add(_Files(files))
    try:
        return etree.XMLSchema(etree.fromstring(files[name], parser, base_url=f"{_SCHEMA_BASE}{name}"))  # noqa: TID251
    except etree.XMLSchemaParseError as error:
        last = error.error_log.last_error
        raise XmlError(f"not a usable XML Schema: {last.type_name if last else 'unknown'}") from None


_SCHEMA_BASE: Final = "schema:/"


class _Files(etree.Resolver):
    """Gives the reader of schemas files out of memory; nothing for what is not there."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._by_last = {name.rpartition("/")[2]: content for name, content in files.items()}

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        """See lxml."""
        del public_id
        path = normpath((system_url or "").removeprefix(_SCHEMA_BASE))
        content = self._files.get(path, self._by_last.get(path.rpartition("/")[2]))
        if content is None:
            return self.resolve_empty(context)
        return self.resolve_string(content, context, base_url=f"{_SCHEMA_BASE}{path}")


def serialize(root: etree._Element) -> bytes:
    """UTF-8 with an XML declaration."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; an empty string for a comment or processing instruction."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
