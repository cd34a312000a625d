"""Blocks of text as the elements in which KOOP publishes them, and back (drop-3pas.md 3).

Written are `al`, `nadruk type="vet"`, `extref`, `tussenkop` and `lijst`. Read is more: of an element that is not known
the words are kept, as a paragraph, for a reader compares what was published with what was sent.
"""

from collections.abc import Iterable, Iterator

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.model import Alinea, Blok, Lijst, Punt, Regel, Stuk, Tussenkop


def write_blocks(parent: etree._Element, blokken: Iterable[Blok]) -> None:
    """Append the blocks to `parent`."""
    for blok in blokken:
        match blok:
            case Alinea(regel):
                _write_line(etree.SubElement(parent, "al"), regel)
            case Tussenkop(regel):
                _write_line(etree.SubElement(parent, "tussenkop"), regel)
            case Lijst(punten):
                _write_list(etree.SubElement(parent, "lijst"), punten)


def _write_list(lijst: etree._Element, punten: Iterable[Punt]) -> None:
    for punt in punten:
        li = etree.SubElement(lijst, "li")
        etree.SubElement(li, "li.nr").text = punt.nummer
        write_blocks(li, punt.alineas)


def _write_line(element: etree._Element, regel: Regel) -> None:
    last: etree._Element | None = None
    for stuk in regel:
        if stuk.vet or stuk.link is not None:
            last = _write_stretch(element, stuk)
        elif last is None:
            element.text = (element.text or "") + stuk.tekst
        else:
            last.tail = (last.tail or "") + stuk.tekst


def _write_stretch(element: etree._Element, stuk: Stuk) -> etree._Element:
    outer = inner = etree.SubElement(element, "nadruk", type="vet") if stuk.vet else None
    if stuk.link is not None:
        inner = etree.SubElement(element if outer is None else outer, "extref", doc=stuk.link)
    assert inner is not None, "a stretch without either is plain text"
    inner.text = stuk.tekst
    return inner if outer is None else outer


# --- Reading ---------------------------------------------------------------------------------------------------------


def read_blocks(parent: etree._Element) -> tuple[Blok, ...]:
    """The blocks in `parent`."""
    return tuple(_read_block(child) for child in parent.iterchildren("*"))


def _read_block(element: etree._Element) -> Blok:
    match xml.local_name(element):
        case "tussenkop":
            return Tussenkop(_read_line(element))
        case "lijst":
            return Lijst(tuple(_read_item(li) for li in element.iterchildren("*")))
    return _read_paragraph(element)


def _read_item(li: etree._Element) -> Punt:
    mark = [child for child in li.iterchildren("*") if xml.local_name(child) == "li.nr"]
    nummer = _words(mark[0]) if mark else ""
    alineas = (child for child in li.iterchildren("*") if child not in mark)
    return Punt(nummer, tuple(_read_paragraph(child) for child in alineas))


def _read_paragraph(element: etree._Element) -> Alinea:
    return Alinea(_read_line(element)) if xml.local_name(element) == "al" else _words_alone(element)


def _words_alone(element: etree._Element) -> Alinea:
    words = " ".join(str(text) for text in element.itertext()).split()
    return Alinea((Stuk(" ".join(words)),) if words else ())


def _read_line(element: etree._Element) -> Regel:
    """White space with a line break in it is layout: none between elements, one blank within words."""
    return tuple(_stretches(element, Stuk("")))


def _stretches(element: etree._Element, like: Stuk) -> Iterator[Stuk]:
    """The stretches in an element, in the manner of `like`."""
    if text := _laid_out(element.text):
        yield Stuk(text, like.vet, like.link)
    for child in element.iterchildren("*"):
        bold = like.vet or (xml.local_name(child) == "nadruk" and child.get("type") == "vet")
        yield from _stretches(child, Stuk("", bold, child.get("doc", like.link)))
        if text := _laid_out(child.tail):
            yield Stuk(text, like.vet, like.link)


def _laid_out(text: str | None) -> str:
    if not text or ("\n" in text and not text.strip()):
        return ""
    first, *others = text.split("\n")
    if not others:
        return text
    *between, last = others
    return " ".join([first.rstrip(), *(words for line in between if (words := line.strip())), last.lstrip()])


def _words(element: etree._Element) -> str:
    return "".join(stuk.tekst for stuk in _read_line(element)).strip()
