"""A notice as its reader will see it: as plain text, and as HTML in which nothing of it is markup. Pure."""

from collections.abc import Iterable, Iterator
from html import escape

from digikoppelaar.drop.model import Alinea, Blok, Lijst, Regel, Stuk, Tussenkop, told
from digikoppelaar.drop.opmaak import ITEM, is_link


def as_text(titel: str, blokken: Iterable[Blok]) -> str:
    """The title, and each block after a blank line; the target of a link behind its text."""
    return "\n\n".join([titel, *filter(None, map(_block_text, blokken))]) + "\n"


def as_html(titel: str, blokken: Iterable[Blok]) -> str:
    """An `article` element. A link that a reader may not be led to is shown as text."""
    lines = [f"<h1>{escape(titel)}</h1>", *(line for blok in blokken for line in _block_html(blok))]
    return "\n".join(["<article>", *lines, "</article>"])


def _block_text(blok: Blok) -> str:
    if not isinstance(blok, Lijst):
        return told(blok.regel)
    items = ((punt.nummer, "\n".join(told(alinea.regel) for alinea in punt.alineas)) for punt in blok.punten)
    return "\n".join(f"{nummer} {text}" for nummer, text in items)


def _block_html(blok: Blok) -> Iterator[str]:
    match blok:
        case Alinea(regel):
            yield f"<p>{_line_html(regel)}</p>"
        case Tussenkop(regel):
            yield f"<h2>{_line_html(regel)}</h2>"
        case Lijst(punten):
            yield "<ul>"
            for punt in punten:
                mark = "" if punt.nummer == ITEM else f"{escape(punt.nummer)} "
                yield f"<li>{mark}{'<br>'.join(_line_html(alinea.regel) for alinea in punt.alineas)}</li>"
            yield "</ul>"


def _line_html(regel: Regel) -> str:
    return "".join(map(_stretch_html, regel))


def _stretch_html(stuk: Stuk) -> str:
    text = escape(stuk.tekst)
    if stuk.link:
        target = escape(stuk.link)
        text = f'<a href="{target}" rel="noreferrer">{text}</a>' if is_link(stuk.link) else f"{text} ({target})"
    return f"<strong>{text}</strong>" if stuk.vet else text
