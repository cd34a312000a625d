"""Reading XML of which the schema is not known: by local name, without case, in any order.

A `Node` remembers what was read of it, so that at the end everything else can be kept as unknown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.stam.model import Onbekend, Waarden
from digikoppelaar.stam.times import read_moment

T = TypeVar("T")

_LOCATIONS: Final = frozenset({"schemaLocation", "noNamespaceSchemaLocation"})
"""Attributes that say where a schema is, and nothing of the verzoek."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a document so far: elements by their name, their own text, or with all that is in them.

    `named` remembers the children of an element by their names, for each is asked for many names.
    """

    elements: set[etree._Element] = field(default_factory=set)
    texts: set[etree._Element] = field(default_factory=set)
    whole: set[etree._Element] = field(default_factory=set)
    named: dict[etree._Element, dict[str, list[etree._Element]]] = field(default_factory=dict)

    def children(self, element: etree._Element) -> dict[str, list[etree._Element]]:
        """The children of an element by their names without case, in their order."""
        if element not in self.named:
            found: dict[str, list[etree._Element]] = {}
            for each in element.iterchildren("*"):
                found.setdefault(_name(each), []).append(each)
            self.named[element] = found
        return self.named[element]


@dataclass(frozen=True, slots=True)
class Node:
    """An element while it is read. `read` is shared by all nodes of a document and grows."""

    element: etree._Element
    read: Read = field(default_factory=Read)

    def child(self, *names: str) -> "Node | None":
        """The first child with one of these names; None when absent or without any content."""
        return next((found for found in self._named(names) if found._has_content()), None)

    def deep(self, *names: str) -> list["Node"]:
        """Every descendant with one of these names, however deep, that has content; not the ones inside another."""
        found: list[Node] = []
        for each in self.element.iterchildren("*"):
            node = Node(each, self.read)
            if _name(each) in _folded(names) and node._has_content():
                self.read.elements.add(each)
                found.append(node)
            elif inner := node.deep(*names):
                self.read.elements.add(each)
                found.extend(inner)
        return found

    def children(self, *path: str) -> list["Node"]:
        """All elements at the end of a path of names."""
        nodes = [self]
        for name in path:
            nodes = [child for node in nodes for child in node._named((name,))]
        return nodes

    def text(self, *names: str) -> str | None:
        """The trimmed text of the first child with one of these names that has any; None when there is none."""
        return next((text for each in self._named(names) if (text := each._taken_text())), None)

    def deep_text(self, name: str) -> str | None:
        """The same for the first descendant with this name, however deep."""
        for element in self.element.iterdescendants("*"):
            if _name(element) == name.casefold():
                self.read.elements.update((element, *_up_to(element, self.element)))
                return Node(element, self.read)._taken_text()
        return None

    def flag(self, *names: str) -> bool | None:
        """A boolean, also as ja and nee; None when absent. Something else is None too, and stays unknown."""
        return next((value for each in self._named(names) if (value := each._understood(_flag)) is not None), None)

    def moment(self, *names: str) -> datetime | None:
        """A moment in UTC; None when absent. What cannot be read is None too, and stays unknown."""
        return next((value for each in self._named(names) if (value := each._understood(read_moment))), None)

    def waarden(self) -> Waarden:
        """Everything below as names and texts, in order; nothing of it is unknown any more."""
        self.read.whole.add(self.element)
        return tuple(_leaves(self.element, ""))

    def unknown(self, path: str = "") -> Iterator[Onbekend]:
        """What nobody read: elements, not the ones inside them again, and attributes and texts of those read."""
        if self.element in self.read.whole:
            return
        yield from self._unread_attributes(path)
        if self.element not in self.read.texts and (text := self._own_text()):
            yield Onbekend(f"{path}/text()".removeprefix("/"), escape(text))
        for element in self.element.iterchildren("*"):
            where = f"{path}/{xml.local_name(element)}".removeprefix("/")
            if element in self.read.elements:
                yield from Node(element, self.read).unknown(where)
            else:
                yield Onbekend(where, etree.tostring(element, encoding="unicode", with_tail=False))

    def _unread_attributes(self, path: str) -> Iterator[Onbekend]:
        for key, value in self.element.attrib.items():
            name = etree.QName(str(key)).localname
            if name not in _LOCATIONS:
                yield Onbekend(f"{path}/@{name}".removeprefix("/"), f"{name}={quoteattr(str(value))}")

    def _named(self, names: tuple[str, ...]) -> Iterator["Node"]:
        """Children with one of these names, those of the first name first; each is read once it is asked for."""
        children = self.read.children(self.element)
        for wanted in _folded(names):
            for element in children.get(wanted, ()):
                self.read.elements.add(element)
                yield Node(element, self.read)

    def _understood(self, read: Callable[[str], T | None]) -> T | None:
        text = self._own_text()
        value = read(text) if text else None
        if value is None and text:
            self.read.elements.discard(self.element)
        elif text:
            self.read.texts.add(self.element)
        return value

    def _has_content(self) -> bool:
        return bool(len(self.element) or self._own_text())

    def _taken_text(self) -> str | None:
        self.read.texts.add(self.element)
        return self._own_text()

    def _own_text(self) -> str | None:
        return own_text(self.element) or None


def own_text(element: etree._Element) -> str:
    """The trimmed text between its children, which a comment or a processing instruction may split."""
    pieces = [element.text, *(child.tail for child in element)]
    return "".join(piece for piece in pieces if piece).strip()


_FLAGS: Final = {"true": True, "1": True, "ja": True, "false": False, "0": False, "nee": False}


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.casefold())


@lru_cache(maxsize=1024)
def _folded(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in names)


def _name(element: etree._Element) -> str:
    return _folded_name(str(element.tag))


@lru_cache(maxsize=1024)
def _folded_name(tag: str) -> str:
    return tag.rpartition("}")[2].casefold()


def _up_to(element: etree._Element, ancestor: etree._Element) -> Iterator[etree._Element]:
    for parent in element.iterancestors():
        if parent is ancestor:
            return
        yield parent


def _leaves(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield f"{path}/@{etree.QName(str(name)).localname}".removeprefix("/"), str(value)
    if text := own_text(element):
        yield path or xml.local_name(element), text
    for child in element.iterchildren("*"):
        yield from _leaves(child, f"{path}/{xml.local_name(child)}".removeprefix("/"))
