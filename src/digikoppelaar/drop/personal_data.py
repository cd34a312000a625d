"""What in a notice looks like personal data, and where. Pure; what it finds is told by place, never by value.

This looks at form alone: numbers that pass their test, addresses, phone numbers, words before a name. Whether it is the
applicant's is another check, of which only the outcome comes here (see `PrivacyChecked`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

from digikoppelaar.drop.model import Kennisgeving, Locatie, plain


class Kind(StrEnum):
    """What it looks like."""

    BSN = "bsn"
    IBAN = "iban"
    EMAIL = "e-mail"
    PHONE = "telefoon"
    PERSON = "persoon"


class Outcome(StrEnum):
    """What comparing a notice with the applicant's data came to."""

    CLEAN = "niets gevonden"
    FOUND = "gevonden"
    NOT_DONE = "niet uitgevoerd"


@dataclass(frozen=True, slots=True)
class PrivacyChecked:
    """The outcome; `places` are offsets in `joined` where something was found, and `reason` is Dutch."""

    outcome: Outcome
    places: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A text of a notice that is published, and where it stands in the notice."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, from `start` up to `end` in the text of that place."""

    kind: Kind
    where: str
    start: int
    end: int


def published(kennisgeving: Kennisgeving) -> tuple[Stretch, ...]:
    """Every text of a notice that a reader gets to see and somebody wrote: a line of the text is one."""
    stretches = [Stretch("titel", kennisgeving.titel), Stretch("samenvatting", kennisgeving.samenvatting)]
    stretches.append(Stretch("referentienummer", kennisgeving.referentienummer))
    lines = plain(kennisgeving.tekst).split("\n")
    stretches += [Stretch(f"tekst, regel {number}", line) for number, line in enumerate(lines, start=1)]
    for number, locatie in enumerate(kennisgeving.locaties, start=1):
        stretches.append(Stretch(f"locatie {number}", _words_of(locatie)))
    for number, bijlage in enumerate(kennisgeving.bijlagen, start=1):
        stretches.append(Stretch(f"bijlage {number}, bestandsnaam", bijlage.bestandsnaam))
    return tuple(stretch for stretch in stretches if stretch.text)


def chosen(kennisgeving: Kennisgeving) -> tuple[Stretch, ...]:
    """What is published too and should be of a list, or a number: a word of it says nothing of the applicant."""
    values = {"rubriek": kennisgeving.rubriek, "onderwerp": kennisgeving.onderwerp}
    values |= {f"activiteit {number}": value for number, value in enumerate(kennisgeving.activiteiten, start=1)}
    if kennisgeving.bopa:
        values["planafwijking, nummer"] = kennisgeving.bopa.identificatie
    return tuple(Stretch(where, value) for where, value in values.items() if value)


def case_numbers(kennisgeving: Kennisgeving) -> tuple[str, ...]:
    """What is passed over: its own number, unless more than a number was put in its place."""
    number = kennisgeving.referentienummer.strip()
    return () if "@" in number or len(number.split()) > 1 else (number,)


def _words_of(locatie: Locatie) -> str:
    """All that is text in it, also an address: nothing else keeps a BSN out of a toevoeging."""
    values = [getattr(locatie, field.name) for field in fields(locatie) if field.name != "soort"]
    return ", ".join(value for value in values if isinstance(value, str))


def joined(stretches: Collection[Stretch]) -> str:
    """All of them as one text, to be compared with the applicant's data."""
    return "\n".join(stretch.text for stretch in stretches)


def where_in(stretches: Collection[Stretch], offset: int) -> str:
    """The place of what begins at `offset` in `joined`."""
    for stretch in stretches:
        if offset <= len(stretch.text):
            return stretch.where
        offset -= len(stretch.text) + 1
    return "tekst"


def personal_data(
    stretches: Collection[Stretch], allowed: Collection[str] = (), ignored: Collection[str] = ()
) -> Iterator[Found]:
    """What looks like personal data. `allowed` are numbers and addresses of the body itself, `ignored` case numbers.

    A case number is passed over, for one in eleven of nine digits is a BSN by chance.
    """
    known = {_key(value) for value in allowed}
    for stretch in stretches:
        text = _without(stretch.text, ignored)
        for kind, (pattern, passes) in _TESTED.items():
            matches = [match for match in pattern.finditer(text) if passes(match.group())]
            text = _blotted(text, matches)
            for match in matches:
                if _key(match.group()) not in known:
                    yield Found(kind, stretch.where, match.start(), match.end())


def is_written_bsn(text: str) -> bool:
    """Whether it is a BSN and nothing else, in a form in which people write one."""
    return bool(_BSN.fullmatch(text)) and is_bsn(text)


def is_bsn(text: str) -> bool:
    """Nine digits that pass the elfproef: they count 9, 8, ... 2 and the last one -1 times (RvIG, ontwerp BSN)."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    if len(digits) != len(weights) or not any(digits):
        return False
    return sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11 == 0


def is_iban(text: str) -> bool:
    """Country, check digits and account, of the length of the country, and 1 modulo 97 (ISO 13616, ISO 7064)."""
    signs = "".join(text.split()).upper()
    if len(signs) != IBAN_LENGTHS.get(signs[:2]) or not (signs.isascii() and signs.isalnum()):
        return False
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def has_phone(text: str) -> bool:
    """Whether a reader finds a number to call in `text`: also 14 and an area code, and 0800 and 0900."""
    return bool(_SERVICE.search(text) or _PHONE.search(text))


IBAN_LENGTHS: Final[Mapping[str, int]] = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GI23 GR27 HR21 HU28 IE22 IS26 IT27 LI21 "
        "LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 RO24 SE24 SI19 SK24 SM27 VA22",
    )
}
"""Signs of an IBAN in the countries of SEPA."""

_DASHES: Final = r"\-\u2010-\u2013"
_GAP: Final = rf"[ .{_DASHES}\u00a0\u2009\u202f]"
_BSN: Final = re.compile(rf"(?<!\d)(?:\d{{9}}|\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}|\d{{4}}{_GAP}\d\d{_GAP}\d{{3}})(?!\d)")
_IBAN: Final = re.compile(
    "|".join(rf"\b{country}\d\d(?:[ \u00a0]?[A-Z0-9]){{{length - 4}}}\b" for country, length in IBAN_LENGTHS.items()),
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"(?<![\w.+'-])[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_BETWEEN: Final = rf"[ {_DASHES}./()\u00a0\u202f]{{0,3}}"
_DATE: Final = rf"\d{{1,2}}[{_DASHES}./]\d{{1,2}}[{_DASHES}./]\d{{4}}"
_PHONE: Final = re.compile(
    rf"(?<![\w+])(?!{_DATE})(?:"
    rf"(?:\+|00)31(?:{_BETWEEN}\(0\))?(?:{_BETWEEN}\d){{9}}"
    rf"|\(?0{_BETWEEN}[1-9](?:{_BETWEEN}\d){{8}}"
    rf"|\+(?!31)\d{{1,3}}(?:{_BETWEEN}\d){{6,12}}"
    r")(?!\d)"
)
"""Of a subscriber: ten digits in the Netherlands, or with the code of a country in front."""

_SERVICE: Final = re.compile(r"(?<!\d)(?:14[ \u00a0]?0\d{2,3}|0[89]00(?:[ \-\u00a0]?\d){4,7})(?!\d)")
"""14 and the area code of a gemeente, and what begins with 0800 or 0900."""

_PERSON: Final = re.compile(
    r"\b(?:[Dd]e heer|[Dd]hr\.?|[Mm]evrouw|[Mm]evr\.?|[Mm]w\.?|[Ff]amilie|[Ff]am\.|[Ee]rven)"
    r" (?:[a-z]{1,8}\.? ){0,3}[A-Z]"
)

_TESTED: Final[Mapping[Kind, tuple[re.Pattern[str], Callable[[str], bool]]]] = {
    Kind.IBAN: (_IBAN, is_iban),
    Kind.BSN: (_BSN, is_bsn),
    Kind.EMAIL: (_EMAIL, bool),
    Kind.PHONE: (_PHONE, bool),
    Kind.PERSON: (_PERSON, bool),
}
"""In this order: what one kind takes, the next does not see, as the digits of an IBAN."""


def _without(text: str, ignored: Collection[str]) -> str:
    for value in filter(None, ignored):
        text = _blotted(text, re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
    return text


def _blotted(text: str, matches: Iterable[re.Match[str]]) -> str:
    """The text with a sign that means nothing in the place of each that was matched; all others stay where they are."""
    pieces, end = list[str](), 0
    for match in matches:
        pieces += [text[end : match.start()], "\N{REPLACEMENT CHARACTER}" * len(match.group())]
        end = match.end()
    return "".join((*pieces, text[end:]))


def _key(value: str) -> str:
    """The same for every way to write one number or address."""
    bare = re.sub(rf"[\s{_DASHES}./()]" if "@" not in value else r"\s", "", value).casefold()
    return re.sub(r"^(?:\+|00)310?", "0", bare)
