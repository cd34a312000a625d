"""What a notice must say, per procedure and moment, and where its parts contradict each other. Pure.

A part is recognised by days and words in the text. That shows that something is said, not that it is said rightly: a
person still reads it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from digikoppelaar.drop.bladen import BLAD_OF
from digikoppelaar.drop.characters import code_of, is_hidden
from digikoppelaar.drop.checks_terms import REACTIE
from digikoppelaar.drop.dates import names_date
from digikoppelaar.drop.findings import Given, Seen
from digikoppelaar.drop.model import (
    Blad,
    Blok,
    Documenttype,
    Kennisgeving,
    Moment,
    Procedure,
    Tussenkop,
    Uitkomst,
    plain,
)
from digikoppelaar.drop.opmaak import one_line
from digikoppelaar.drop.personal_data import has_phone, is_written_bsn, published
from digikoppelaar.drop.texts import COMBINATIONS, has_gaps

Check = Callable[[Kennisgeving, Given], Iterator[Seen]]


def parts(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """Every finding about what is said, and what is not."""
    combination = (kennisgeving.procedure, kennisgeving.moment)
    if combination not in COMBINATIONS:
        yield Seen("moment-not-in-procedure", "procedure")
    for check in (*_ALWAYS, *PARTS.get(combination, ())):
        yield from check(kennisgeving, given)


# --- in every notice -------------------------------------------------------------------------------------------------


def _title(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    length, limit = len(kennisgeving.titel), given.lists.longest_title
    if not one_line(kennisgeving.titel):
        yield Seen("titel-missing", "titel")
    if length > limit:
        yield Seen("titel-too-long", "titel", {"length": length, "limit": limit})


def _text(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    text = plain(kennisgeving.tekst)
    if not one_line(text):
        yield Seen("tekst-missing", "tekst")
    if has_gaps(f"{kennisgeving.titel}\n{text}"):
        yield Seen("tekst-incomplete", "tekst")
    if not has_phone(text):
        yield Seen("telefoon-missing", "tekst")


def _hidden(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    """The first in each stretch; often they came along out of a PDF."""
    for stretch in published(kennisgeving):
        found = next(((number, each) for number, each in enumerate(stretch.text, 1) if is_hidden(each)), None)
        if found:
            yield Seen("character-hidden", f"{stretch.where}, teken {found[0]}", {"code": code_of(found[1])})


def _reference(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    number = kennisgeving.referentienummer.strip()
    if not number:
        yield Seen("referentienummer-missing", "referentienummer")
    elif not re.search(rf"(?<!\w){re.escape(number)}(?!\w)", plain(kennisgeving.tekst)):
        yield Seen("referentienummer-not-in-text", "tekst")
    if is_written_bsn(number):
        yield Seen("referentienummer-like-bsn", "referentienummer")


def _lists(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    if not kennisgeving.rubriek:
        yield Seen("rubriek-missing", "rubriek")
    elif kennisgeving.rubriek not in given.lists.rubrieken:
        yield Seen("rubriek-unknown", "rubriek")
    for number, activiteit in enumerate(kennisgeving.activiteiten, start=1):
        if activiteit not in given.lists.activiteiten:
            yield Seen("activiteit-unknown", f"activiteit {number}")
    for number in range(len(kennisgeving.activiteiten_zonder_waarde)):
        yield Seen("activiteit-without-value", f"activiteit zonder waarde {number + 1}")


def _blad(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    if kennisgeving.blad is not BLAD_OF[kennisgeving.publicist.bestuurslaag]:
        yield Seen("blad-of-others", "blad")


def _documenttype(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    if kennisgeving.documenttype not in DOCUMENTTYPES.get(kennisgeving.moment, Documenttype):
        yield Seen("documenttype-not-for-moment", "documenttype")


def _deviation(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """A notice with planafwijking says so, has its data, and is about a granted permit; another has none of it."""
    text = f"{kennisgeving.titel}\n{plain(kennisgeving.tekst)}"
    said, bopa = _says(text, given.lists.deviation_words), kennisgeving.bopa
    if kennisgeving.documenttype is not Documenttype.PLANAFWIJKING:
        if bopa:
            yield Seen("bopa-superfluous", "planafwijking")
        if said and kennisgeving.moment is Moment.BESLUIT and kennisgeving.uitkomst is Uitkomst.VERLEEND:
            yield Seen("planafwijking-perhaps", "documenttype")
        return
    if kennisgeving.uitkomst not in (Uitkomst.VERLEEND, None):
        yield Seen("planafwijking-not-granted", "documenttype")
    if _says(text, ("binnenplans",)):
        yield Seen("planafwijking-but-binnenplans", "tekst")
    if not said:
        yield Seen("planafwijking-not-in-text", "tekst")
    if bopa is None:
        yield Seen("bopa-missing", "planafwijking")
    elif not (bopa.vlakken and bopa.identificatie):
        yield Seen("bopa-without-area", "planafwijking")


# --- at some moments -------------------------------------------------------------------------------------------------


def _receipt(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    yield from _day(kennisgeving, "ontvangst", kennisgeving.data.ontvangst)


def _decision(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    yield from _day(kennisgeving, "besluit", kennisgeving.data.besluit)
    text = f"{kennisgeving.titel}\n{plain(kennisgeving.tekst)}"
    if kennisgeving.uitkomst and not _says(text, (kennisgeving.uitkomst,)):
        yield Seen("uitkomst-not-in-text", "tekst", {"uitkomst": kennisgeving.uitkomst})
    if kennisgeving.uitkomst is Uitkomst.VERLEEND and not _says(text, ("in werking",)):
        yield Seen("inwerkingtreding-missing", "tekst")


def _outcome(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    if kennisgeving.uitkomst is None:
        yield Seen("uitkomst-missing", "uitkomst")


def _inspection_told(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    if not _says(plain(kennisgeving.tekst), given.lists.inspection_words):
        yield Seen("inzage-not-told", "tekst")


def _inspection(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    lists, period = given.lists, kennisgeving.data.inzage
    text = _sections(kennisgeving.tekst, lists.inspection_words)
    if period is None:
        yield Seen("inzage-missing", "inzage")
    elif not (names_date(text, period.eerste) and names_date(text, period.laatste)):
        yield Seen("inzage-not-in-text", "tekst")
    if not _says(text, (*lists.place_words, *given.places)):
        yield Seen("inzage-place-missing", "tekst")
    if not _says(text, lists.electronic_words):
        yield Seen("inzage-electronic-missing", "tekst")


def _reaction(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    reactie, period = REACTIE[kennisgeving.procedure, kennisgeving.moment], kennisgeving.data.reactie
    text = _sections(kennisgeving.tekst, (reactie,))
    if not text:
        yield Seen("reactie-not-told", "tekst", {"reactie": reactie})
    if period is None:
        yield Seen("reactie-missing", "reactie")
    elif not names_date(text, period.laatste):
        yield Seen("reactie-not-in-text", "tekst")
    if not _says(text, given.lists.way_words):
        yield Seen("reactie-way-missing", "tekst")


def _correction(kennisgeving: Kennisgeving, _: Given) -> Iterator[Seen]:
    if not _says(kennisgeving.titel, ("rectificatie",)):
        yield Seen("rectificatie-not-in-title", "titel")
    if not _NUMBER.search(plain(kennisgeving.tekst)):
        yield Seen("rectificatie-of-nothing", "tekst")


def _report(_: Kennisgeving, __: Given) -> Iterator[Seen]:
    yield Seen("documenttype-of-melding", "documenttype")


# --- tables ----------------------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(rf"\b(?:{'|'.join(Blad)})-\d{{4}}-\d+")
"""Of a publication (drop-3pas.md 7)."""

_ALWAYS: Final[tuple[Check, ...]] = (_title, _text, _hidden, _reference, _lists, _blad, _documenttype, _deviation)

PARTS: Final[Mapping[tuple[Procedure, Moment], tuple[Check, ...]]] = {
    (Procedure.REGULIER, Moment.AANVRAAG): (_receipt, _inspection_told),
    (Procedure.UITGEBREID, Moment.AANVRAAG): (_receipt, _inspection_told),
    (Procedure.UITGEBREID, Moment.ONTWERPBESLUIT): (_outcome, _inspection, _reaction),
    (Procedure.REGULIER, Moment.BESLUIT): (_outcome, _decision, _inspection, _reaction),
    (Procedure.UITGEBREID, Moment.BESLUIT): (_outcome, _decision, _inspection, _reaction),
    (Procedure.REGULIER, Moment.MELDING): (_report,),
    (Procedure.REGULIER, Moment.RECTIFICATIE): (_correction,),
    (Procedure.UITGEBREID, Moment.RECTIFICATIE): (_correction,),
}
"""What is asked at a moment, beside what is asked always."""

DOCUMENTTYPES: Final[Mapping[Moment, tuple[Documenttype, ...]]] = {
    Moment.AANVRAAG: (Documenttype.AANVRAAG,),
    Moment.ONTWERPBESLUIT: (Documenttype.AFHANDELING,),
    Moment.BESLUIT: (Documenttype.AFHANDELING, Documenttype.PLANAFWIJKING),
    Moment.VERLENGING: (Documenttype.AANVRAAG, Documenttype.AFHANDELING),
    Moment.OPSCHORTING: (Documenttype.AANVRAAG, Documenttype.AFHANDELING),
    Moment.INTREKKING: (Documenttype.AANVRAAG, Documenttype.AFHANDELING),
}
"""Which can be used when (drop-3pas.md 2.3; of the last three it is not known); at a rectificatie any."""

# --- what a text says ------------------------------------------------------------------------------------------------


def _day(kennisgeving: Kennisgeving, name: str, day: date | None) -> Iterator[Seen]:
    if day is None:
        yield Seen(f"{name}-missing", name)
    elif not names_date(plain(kennisgeving.tekst), day):
        yield Seen(f"{name}-not-in-text", "tekst")


def _says(text: str, words: Iterable[str]) -> bool:
    low = text.casefold()
    return any(word.casefold() in low for word in words)


def _sections(blokken: tuple[Blok, ...], words: tuple[str, ...]) -> str:
    """The text of the sections, each with its heading, that have one of the words; empty when none has."""
    sections: list[list[Blok]] = [[]]
    for blok in blokken:
        if isinstance(blok, Tussenkop):
            sections.append([])
        sections[-1].append(blok)
    texts = [plain(tuple(section)) for section in sections]
    return "\n".join(text for text in texts if _says(text, words))
