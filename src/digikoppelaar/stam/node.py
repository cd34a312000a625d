"""Reading XML of which the schema is not known: by local name, without case, in any order.

A `Node` remembers which elements were read, so that at the end everything else can be kept as unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.stam.model import Onbekend, Waarden


@dataclass(frozen=True, slots=True)
class Node:
    """An element while it is read. `seen` is shared by all nodes of a document and grows while reading."""

    element: etree._Element
    seen: set[etree._Element]

    def child(self, *names: str) -> "Node | None":
        """The first child with one of these names; None when absent or without any content."""
        found = next(self._named(names), None)
        return found if found and (len(found.element) or found._own_text()) else None

    def children(self, *path: str) -> list["Node"]:
        """All elements at the end of a path of names."""
        nodes = [self]
        for name in path:
            nodes = [child for node in nodes for child in node._named((name,))]
        return nodes

    def text(self, *names: str) -> str | None:
        """The trimmed text of the first child with one of these names; None when absent or empty."""
        found = next(self._named(names), None)
        return found._own_text() if found else None

    def deep_text(self, name: str) -> str | None:
        """The same for the first descendant with this name, however deep."""
        for element in self.element.iterdescendants("*"):
            if xml.local_name(element).casefold() == name.casefold():
                self.seen.update((element, *_up_to(element, self.element)))
                return Node(element, self.seen)._own_text()
        return None

    def flag(self, *names: str) -> bool | None:
        """A boolean, also as ja and nee; None when absent or something else."""
        return _FLAGS.get((self.text(*names) or "").casefold())

    def waarden(self) -> Waarden:
        """Everything below as names and texts, in order; nothing of it is unknown any more."""
        self.seen.update(self.element.iter("*"))
        return tuple(_leaves(self.element, ""))

    def unknown(self, path: str = "") -> Iterator[Onbekend]:
        """Every element below that nobody read; not the ones inside it again."""
        for element in self.element.iterchildren("*"):
            where = f"{path}/{xml.local_name(element)}".removeprefix("/")
            if element in self.seen:
                yield from Node(element, self.seen).unknown(where)
            else:
                yield Onbekend(where, etree.tostring(element, encoding="unicode", with_tail=False))

    def _named(self, names: tuple[str, ...]) -> Iterator["Node"]:
        wanted = {name.casefold() for name in names}
        for element in self.element.iterchildren("*"):
            if xml.local_name(element).casefold() in wanted:
                self.seen.add(element)
                yield Node(element, self.seen)

    def _own_text(self) -> str | None:
        # A comment or a processing instruction in the middle splits the text of an element.
        pieces = [self.element.text, *(child.tail for child in self.element)]
        return "".join(piece for piece in pieces if piece).strip() or None


_FLAGS = {"true": True, "1": True, "ja": True, "false": False, "0": False, "nee": False}


def _up_to(element: etree._Element, ancestor: etree._Element) -> Iterator[etree._Element]:
    for parent in element.iterancestors():
        if parent is ancestor:
            return
        yield parent


def _leaves(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        yield f"{path}/@{etree.QName(str(name)).localname}".removeprefix("/"), str(value)
    text = (element.text or "").strip()
    if text:
        yield path or xml.local_name(element), text
    for child in element.iterchildren("*"):
        yield from _leaves(child, f"{path}/{xml.local_name(child)}".removeprefix("/"))
