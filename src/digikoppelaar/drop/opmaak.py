r"""The small form in which people write the text of a notice, read into blocks. Pure.

    # heading            a line of its own
    - item               items on consecutive lines are one list
    **bold**             in a line
    [text](https://...)  in a line; also http: and mailto:
    \* \[ \] \# \- \\    the sign itself

Lines that follow each other are one paragraph; a blank line ends it. Anything else that looks like form is an error:
what is published cannot be called back.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NoReturn
from urllib.parse import urlsplit

from digikoppelaar.drop.characters import is_hidden
from digikoppelaar.drop.model import Alinea, Blok, Lijst, Punt, Regel, Stuk, Tussenkop
from digikoppelaar.errors import SubmissionError

ITEM: Final = "-"
"""The mark of every item."""

LINK_SCHEMES: Final = ("https", "http", "mailto")

_SIGNS: Final = re.compile(r"([\\*\[\]()#-])")
_TOKEN: Final = re.compile(
    r"\\(?P<sign>[\\*\[\]()#-])"
    r"|(?P<bold>\*\*)"
    r"|\[(?P<text>(?:\\[\\*\[\]()#-]|[^\\*\[\]])+)\]\((?P<url>(?:\\[\\*\[\]()#-]|[^\\()\s])+)\)"
    r"|(?P<plain>[^\\*\[\]]+)"
)
_ESCAPED: Final = re.compile(r"\\([\\*\[\]()#-])")
_Line = tuple[int, str]
"""Its number, from one, and the text."""


def parse(text: str) -> tuple[Blok, ...]:
    """The blocks of a text in this form. Raises SubmissionError, whose advice says which line is wrong, and why."""
    return tuple(_block(lines) for lines in _groups(text))


def written(blokken: Iterable[Blok]) -> str:
    """The blocks in this form, for who goes on writing: read again they are the same, if this form can have them.

    It has no blank paragraphs, no numbered items and no items of several paragraphs: these are left out, become items
    with their number in the text, and are joined.
    """
    return "\n\n".join(filter(None, map(_written_block, blokken)))


def escape(value: str) -> str:
    """The value as text that has no form: on one line, every sign escaped, without characters that show nothing."""
    return _signed(one_line(value))


def one_line(value: str) -> str:
    """With single blanks only, and without control and direction characters."""
    return " ".join("".join(letter for letter in " ".join(value.split()) if not is_hidden(letter)).split())


def is_link(url: str) -> bool:
    """Whether a reader may be led there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not url.isprintable() or " " in url or parts.scheme not in LINK_SCHEMES:
        return False
    return bool(parts.path) if parts.scheme == "mailto" else bool(parts.hostname)


def _written_block(blok: Blok) -> str:
    match blok:
        case Tussenkop(regel):
            return f"# {_written_line(regel)}"
        case Lijst(punten):
            return "\n".join(f"{ITEM} {_mark(punt)}{_written_item(punt)}" for punt in punten)
        case Alinea(regel):
            return _written_line(regel)


def _mark(punt: Punt) -> str:
    return "" if punt.nummer == ITEM else f"{_signed(punt.nummer)} "


def _written_item(punt: Punt) -> str:
    return " ".join(_written_line(alinea.regel) for alinea in punt.alineas)


def _written_line(regel: Regel) -> str:
    runs = ((bold, "".join(map(_written_stretch, run))) for bold, run in groupby(regel, key=lambda stuk: stuk.vet))
    return "".join(f"**{text}**" if bold else text for bold, text in runs)


def _written_stretch(stuk: Stuk) -> str:
    text = _signed(stuk.tekst)
    return f"[{text}]({_signed(stuk.link)})" if stuk.link else text


def _signed(text: str) -> str:
    return _SIGNS.sub(r"\\\1", text)


def _groups(text: str) -> Iterator[list[_Line]]:
    """The lines of each block: a heading alone, items together, and the lines of a paragraph."""
    group: list[_Line] = []
    for line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        number, content = line[0], line[1].strip()
        if group and (not content or _kind(content) != _kind(group[-1][1]) or _kind(content) == "#"):
            yield group
            group = []
        if content:
            group.append((number, content))
    if group:
        yield group


def _kind(line: str) -> str:
    """The sign with which it begins when that gives it a form; empty for a paragraph."""
    return line[0] if line[0] in f"#{ITEM}" else ""


def _block(lines: list[_Line]) -> Blok:
    match _kind(lines[0][1]):
        case "#":
            return Tussenkop(_inline(_after_sign(lines[0])))
        case "-":
            return Lijst(tuple(Punt(ITEM, (Alinea(_inline(_after_sign(line))),)) for line in lines))
    return Alinea(_inline((lines[0][0], " ".join(content for _, content in lines))))


def _after_sign(line: _Line) -> _Line:
    number, content = line
    if content[1:2] != " ":
        _refuse(number, f"na het teken {content[0]} hoort één spatie en dan de tekst")
    return number, content[2:].strip()


def _inline(line: _Line) -> Regel:
    """The stretches of a line; neighbours that look the same are one."""
    number, text = line[0], " ".join(line[1].split())
    if any(is_hidden(letter) for letter in text):
        _refuse(number, "er staat een onzichtbaar teken in")
    stretches: list[Stuk] = []
    bold = False
    for token in _tokens(number, text):
        if token["bold"]:
            bold = not bold
        else:
            stretches.append(_stretch(number, token, bold=bold))
    if bold:
        _refuse(number, "vetgedrukte tekst begint met ** en eindigt er niet mee")
    if not stretches:
        _refuse(number, "er staat alleen een teken, en geen tekst")
    alike = groupby(stretches, key=lambda stuk: (stuk.vet, stuk.link))
    return tuple(Stuk("".join(stuk.tekst for stuk in group), *look) for look, group in alike)


def _tokens(number: int, text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        if text.startswith("****", position):
            _refuse(number, "tussen ** en ** staat geen tekst")
        token = _TOKEN.match(text, position)
        if token is None:
            _refuse(number, f"het teken {text[position]} heeft hier geen betekenis; zet er een \\ voor")
        yield token
        position = token.end()


def _stretch(number: int, token: re.Match[str], *, bold: bool) -> Stuk:
    if not token["url"]:
        return Stuk(token["sign"] or token["plain"], vet=bold)
    url = _ESCAPED.sub(r"\1", token["url"])
    if not is_link(url):
        _refuse(number, "een link begint met https://, http:// of mailto: en heeft daarna een adres")
    return Stuk(_ESCAPED.sub(r"\1", token["text"]), vet=bold, link=url)


def _refuse(number: int, why: str) -> NoReturn:
    raise SubmissionError(f"line {number} of the text has no known form", advice=f"Regel {number} van de tekst: {why}.")
