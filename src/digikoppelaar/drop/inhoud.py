"""The text of a kennisgeving as `inhoud.xml` in a zip, and back (drop-3pas.md 2.1).

The same kennisgeving gives the same bytes: nothing here knows the time, and the zip is not compressed, for what a
compressor makes differs between its versions.

Only `al` and `nadruk` are known to pass. What KOOP is not known to take (`Markup`) is written with those two: a heading
in bold, a list as a paragraph for each item, a link as its text and its address. Nothing of the text is lost.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from io import BytesIO
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.blocks import write_blocks
from digikoppelaar.drop.characters import checked
from digikoppelaar.drop.model import Alinea, Blok, Kennisgeving, Lijst, Punt, Regel, Stuk, Tussenkop
from digikoppelaar.drop.opmaak import one_line
from digikoppelaar.errors import AanleveringError, SubmissionError, TooLarge, XmlError

FILE_NAME: Final = "inhoud.xml"
"""The one file in the zip (drop-3pas.md 2.1)."""

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = (
    "http://technische-documentatie.oep.overheid.nl/repository/schemas/gvop_zakelijke_mededeling_3ePAS_content-only/"
    "2013-10-08/xsd/gvop_zakelijke_mededeling_3epas_content-only_2013-10-08.xsd"
)
"""As a message to the endpoint of 2020/01 had it; nobody reads what is there."""


class Markup(StrEnum):
    """Elements beside `al` and `nadruk`; the value is the name of the element in published notices."""

    TUSSENKOP = "tussenkop"
    LIJST = "lijst"
    EXTREF = "extref"


Accepted = frozenset[Markup]
"""Which of them the receiver takes."""
NONE_ACCEPTED: Final[Accepted] = frozenset()


# --- Writing ---------------------------------------------------------------------------------------------------------


def inhoud_zip(kennisgeving: Kennisgeving, accepted: Accepted = NONE_ACCEPTED) -> bytes:
    """The zip with `inhoud.xml`. Raises SubmissionError as `inhoud_xml` does."""
    entry = zipfile.ZipInfo(FILE_NAME, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # else it would say on which operating system it was made
    entry.external_attr = 0o644 << 16
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, inhoud_xml(kennisgeving, accepted))
    return packed.getvalue()


def inhoud_xml(kennisgeving: Kennisgeving, accepted: Accepted = NONE_ACCEPTED) -> bytes:
    """The document. Raises SubmissionError without a title or a text, or for a character that XML cannot hold."""
    if not one_line(kennisgeving.titel) or not kennisgeving.tekst:
        raise SubmissionError(
            "a kennisgeving without title or text cannot be sent",
            advice="Geef de kennisgeving een titel en een tekst.",
        )
    root = etree.Element("aanlevering", nsmap={"xsi": _XSI})
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", _SCHEMA)
    mededeling = etree.SubElement(root, "zakelijke-mededeling")
    titel = etree.SubElement(etree.SubElement(mededeling, "kop"), "titel")
    titel.text = checked(kennisgeving.titel, "de titel")
    inhoud = etree.SubElement(etree.SubElement(mededeling, "zakelijke-mededeling-tekst"), "inhoud")
    write_blocks(inhoud, plainer(kennisgeving.tekst, accepted))
    return xml.serialize(root)


def plainer(tekst: Iterable[Blok], accepted: Accepted) -> tuple[Blok, ...]:
    """The text with nothing in it that is not accepted; what a reader will see. Raises SubmissionError as above."""
    return tuple(plain for blok in tekst for plain in _plainer(blok, accepted))


def _plainer(blok: Blok, accepted: Accepted) -> Iterator[Blok]:
    match blok:
        case Alinea(regel):
            yield Alinea(_plain_regel(regel, accepted))
        case Tussenkop(regel) if Markup.TUSSENKOP in accepted:
            yield Tussenkop(_plain_regel(regel, accepted))
        case Tussenkop(regel):
            yield Alinea(_plain_regel([Stuk(stuk.tekst, True, stuk.link) for stuk in regel], accepted))
        case Lijst(punten):
            plain = [_plain_punt(punt, accepted) for punt in punten]
            if Markup.LIJST in accepted:
                yield Lijst(tuple(plain))
            else:
                for punt in plain:
                    yield from _without_list(punt)


def _plain_punt(punt: Punt, accepted: Accepted) -> Punt:
    alineas = tuple(Alinea(_plain_regel(alinea.regel, accepted)) for alinea in punt.alineas)
    return Punt(checked(punt.nummer, "het nummer in een lijst"), alineas)


def _without_list(punt: Punt) -> Iterator[Alinea]:
    first, *others = punt.alineas or (Alinea(),)
    mark = Stuk(f"{punt.nummer} ") if punt.nummer and first.regel else Stuk(punt.nummer)
    yield Alinea(_merged((mark, *first.regel)))
    yield from others


def _plain_regel(regel: Iterable[Stuk], accepted: Accepted) -> Regel:
    return _merged(_plain_stuk(stuk, accepted) for stuk in regel)


def _plain_stuk(stuk: Stuk, accepted: Accepted) -> Stuk:
    tekst, link = checked(stuk.tekst, "de tekst"), checked(stuk.link or "", "het adres van een link")
    address = link.removeprefix("mailto:")
    if link and Markup.EXTREF in accepted:
        return Stuk(tekst or address, stuk.vet, link)
    if address and not tekst.strip():
        return Stuk(address, stuk.vet)
    if address and tekst.strip() != address:
        return Stuk(f"{tekst} ({address})", stuk.vet)
    return Stuk(tekst, stuk.vet)


def _merged(regel: Iterable[Stuk]) -> Regel:
    """Without empty stretches, and with neighbours of one look as one: so there is one way to write a line."""
    merged: list[Stuk] = []
    for stuk in regel:
        if merged and (merged[-1].vet, merged[-1].link) == (stuk.vet, stuk.link):
            merged[-1] = Stuk(merged[-1].tekst + stuk.tekst, stuk.vet, stuk.link)
        elif stuk.tekst:
            merged.append(stuk)
    return tuple(merged)


# --- Reading ---------------------------------------------------------------------------------------------------------

ZIP_LIMIT: Final = 4 * 1024 * 1024
"""Largest zip in bytes. How much KOOP takes is not public; a text of this size is a book."""
INHOUD_LIMIT: Final = 4 * 1024 * 1024
"""Largest `inhoud.xml` in bytes, unpacked."""
INHOUD_ELEMENTS: Final = 50_000
"""Most elements in it."""

_LOCAL_HEADER: Final = b"PK\x03\x04"
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
    RuntimeError,
)


class Flaw(StrEnum):
    """What is wrong with what was delivered: `reason` of AanleveringError."""

    ENVELOPE = "envelope"
    WAARDE = "waarde"
    ZIP = "zip"
    ROOT = "root"
    TITEL = "titel"
    INHOUD = "inhoud"
    CERTIFICAAT = "certificaat"
    RUBRIEK = "rubriek"
    PLAATS = "plaats"
    DUBBEL = "dubbel"


def read_inhoud_zip(packed: bytes, accepted: Accepted = NONE_ACCEPTED) -> tuple[str, tuple[Blok, ...]]:
    """Title and text out of the zip. Raises AanleveringError, as `unpack` and `read_inhoud` do."""
    return read_inhoud(unpack(packed), accepted)


def unpack(packed: bytes) -> bytes:
    """`inhoud.xml` out of the zip, which holds nothing else. Raises AanleveringError; reads no more than the limits."""
    if len(packed) > ZIP_LIMIT:
        raise AanleveringError(f"the zip is over {ZIP_LIMIT} bytes", reason=Flaw.ZIP)
    if not packed.startswith(_LOCAL_HEADER):
        raise AanleveringError("InhoudZip is not a zip", reason=Flaw.ZIP)
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            return _the_one_file(archive)
    except _BROKEN as error:
        raise AanleveringError(f"the zip is broken ({type(error).__name__})", reason=Flaw.ZIP) from None


def _the_one_file(archive: zipfile.ZipFile) -> bytes:
    entries = archive.infolist()
    if [entry.filename for entry in entries] != [FILE_NAME]:
        raise AanleveringError(f"the zip has {len(entries)} files; it must have one, {FILE_NAME}", reason=Flaw.ZIP)
    if entries[0].flag_bits & _ENCRYPTED or entries[0].compress_type not in _METHODS:
        raise AanleveringError("the zip is encrypted or of a rare kind", reason=Flaw.ZIP)
    with archive.open(entries[0]) as file:
        # What the zip says of its size may be a lie, so the reading itself is bounded.
        content = file.read(INHOUD_LIMIT + 1)
    if len(content) > INHOUD_LIMIT:
        raise AanleveringError(f"{FILE_NAME} is over {INHOUD_LIMIT} bytes", reason=Flaw.ZIP)
    return content


def read_inhoud(document: bytes, accepted: Accepted = NONE_ACCEPTED) -> tuple[str, tuple[Blok, ...]]:
    """Title and text of the document, white space as it stands.

    Strict: an element, attribute or text that this module would not write is an AanleveringError.
    """
    root = _parsed(document)
    if root.tag != "aanlevering":
        raise AanleveringError("the root is not aanlevering without a namespace", reason=Flaw.ROOT)
    [mededeling] = _elements(root, ("zakelijke-mededeling",), Flaw.INHOUD)
    kop, tekst = _elements(mededeling, ("kop", "zakelijke-mededeling-tekst"), Flaw.TITEL)
    [inhoud] = _elements(tekst, ("inhoud",), Flaw.INHOUD)
    blokken = tuple(_read_blok(element, accepted) for element in _children(inhoud))
    if not blokken:
        raise AanleveringError("inhoud has no text", reason=Flaw.INHOUD)
    return _read_titel(kop), blokken


def _parsed(document: bytes) -> etree._Element:
    try:
        return xml.parse(document, limit=INHOUD_LIMIT, max_elements=INHOUD_ELEMENTS)
    except (XmlError, TooLarge) as error:
        raise AanleveringError(f"{FILE_NAME}: {error}", reason=Flaw.INHOUD) from None


def _read_titel(kop: etree._Element) -> str:
    [titel] = _elements(kop, ("titel",), Flaw.TITEL)
    text = "".join(text for _, text in _pieces(titel, ()))
    if not text.strip():
        raise AanleveringError("titel is empty", reason=Flaw.TITEL)
    return text


def _elements(parent: etree._Element, tags: tuple[str, ...], flaw: Flaw) -> list[etree._Element]:
    """The children of `parent`, which are exactly those with these tags."""
    children = _children(parent)
    if tuple(child.tag for child in children) != tags:
        raise AanleveringError(f"{xml.local_name(parent)} must hold {' and '.join(tags)}", reason=flaw)
    return children


def _children(parent: etree._Element) -> list[etree._Element]:
    """The elements in an element that holds nothing else but white space."""
    pieces = [parent.text, *(child.tail for child in parent)]
    if any(piece and piece.strip() for piece in pieces):
        raise AanleveringError(f"{xml.local_name(parent)} holds text outside its elements", reason=Flaw.INHOUD)
    return list(parent.iterchildren("*"))


def _read_blok(element: etree._Element, accepted: Accepted) -> Blok:
    match element.tag:
        case "al":
            return Alinea(_read_regel(element, accepted))
        case "tussenkop" if Markup.TUSSENKOP in accepted:
            return Tussenkop(_read_regel(element, accepted))
        case "lijst" if Markup.LIJST in accepted:
            return Lijst(tuple(_read_punt(li, accepted) for li in _children(element)))
    raise _not_taken(element)


def _read_punt(li: etree._Element, accepted: Accepted) -> Punt:
    nummer, *alineas = _children(li) if len(li) else (li,)
    if (li.tag, nummer.tag) != ("li", "li.nr") or any(alinea.tag != "al" for alinea in alineas):
        raise _not_taken(li)
    text = "".join(text for _, text in _pieces(nummer, ()))
    return Punt(text, tuple(Alinea(_read_regel(alinea, accepted)) for alinea in alineas))


def _read_regel(element: etree._Element, accepted: Accepted) -> Regel:
    """The stretches of a line; what is in one inside another has the look of both."""
    inline = ("nadruk", "extref") if Markup.EXTREF in accepted else ("nadruk",)
    return _merged(Stuk(text, vet, link) for (vet, link), text in _pieces(element, inline))


_Look = tuple[bool, str | None]


def _pieces(
    element: etree._Element, inline: tuple[str, ...], look: _Look = (False, None)
) -> Iterator[tuple[_Look, str]]:
    """The texts in `element` and the elements in it, each with its look, in order."""
    yield look, element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            if child.tag not in inline:
                raise _not_taken(child)
            yield from _pieces(child, inline, _look(child, look))
        yield look, child.tail or ""


def _look(element: etree._Element, around: _Look) -> _Look:
    match element.tag, dict(element.attrib):
        case "nadruk", {"type": "vet", **more} if not more:
            return True, around[1]
        case "extref", {"doc": str(link), **more} if link and not more:
            return around[0], link
    raise _not_taken(element)


def _not_taken(element: etree._Element) -> AanleveringError:
    return AanleveringError(f"{xml.local_name(element)[:40]} is not taken here", reason=Flaw.INHOUD)
