"""Keyed hashes of what a verzoek says about persons, by which a text can be searched for it after it was deleted.

    verzoek ──▶ words of names, BSN, e-mail, phone ──▶ normalised ──▶ HMAC-SHA-256 ──▶ kept for some months
    text ──▶ words, runs of digits, addresses in it ──▶ normalised ──▶ HMAC-SHA-256 ──▶ the same? then it occurs

A hash is made for one verzoek (`scope`): of two verzoeken of one person nobody can see that they are. Without the key a
hash says nothing, though a BSN has only nine digits. Pure; what texts are searched for is drop-3pas.md 8: BSN, e-mail,
phone and name of the applicant.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from digikoppelaar.stam.model import Persoon, Verzoek

SHORTEST: Final = 3
"""Letters of a word of a name: shorter ones are in every text."""
_IN_EVERY_TEXT: Final = """
aan ben bij bin das den der des dos het las los onder over ten ter tot uit van vande vanden vander vom von voor zum zur
"""
_OF_COMPANIES: Final = "beheer gemeente groep holding maatschap provincie stichting vereniging waterschap"
PARTICLES: Final = frozenset(_IN_EVERY_TEXT.split())
"""Words between first and last name that tell nothing."""
COMMON: Final = frozenset(_OF_COMPANIES.split())
"""Words of names of companies that tell nothing."""

_WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_DIGITS: Final = re.compile(r"[0-9]+")
_BETWEEN: Final = re.compile(r"[\s.()/+\-\u2010-\u2013]{1,3}")
"""What people write between the digits of one number."""
_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_QUOTES: Final = "'`*/=?^{|}~!#$&"
"""Allowed in front of an e-mail address, and far more often a mark beside it."""
_BSN_DIGITS: Final = 9
_LONGEST_NUMBER: Final = 15


class Kind(StrEnum):
    """What was found of a person."""

    NAAM = "naam"
    HANDELSNAAM = "handelsnaam"
    BSN = "bsn"
    EMAIL = "e-mailadres"
    TELEFOON = "telefoonnummer"


@dataclass(frozen=True, slots=True)
class Key:
    """What the hashes are made with; `id` tells keys apart and says nothing about the secret."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The keyed hash (raw) of one value."""

    kind: Kind
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Match:
    """Where in a text a value occurs: from `start` up to `end`, in characters."""

    kind: Kind
    start: int
    end: int


def scope_of(aansluiting_id: int, verzoeknummer: str) -> str:
    """For what the hashes of a verzoek are made: those of another never fit."""
    return f"{aansluiting_id}/{verzoeknummer}"


def fingerprints(verzoek: Verzoek, key: Key, scope: str) -> frozenset[Fingerprint]:
    """Of initiatiefnemer, gemachtigde and contactpersoon. Empty: it says nothing about a person."""
    persons = (verzoek.initiatiefnemer, verzoek.gemachtigde, verzoek.contactpersoon)
    values = {value for person in persons if person for value in _values(person)}
    return frozenset(Fingerprint(kind, _digest(key, scope, kind, value)) for kind, value in values)


def matches(text: str, known: Collection[Fingerprint], key: Key, scope: str) -> tuple[Match, ...]:
    """Where values with these hashes occur in `text`, in its order; key and scope as the hashes were made with.

    Of one number that could begin or end at several places, the longest.
    """
    wanted = {(each.kind, each.digest) for each in known}
    found = {
        Match(kind, start, end)
        for kind, value, start, end in _candidates(text)
        if (kind, _digest(key, scope, kind, value)) in wanted
    }
    whole = (match for match in found if not any(_is_part(match, other) for other in found))
    return tuple(sorted(whole, key=lambda match: (match.start, match.end, match.kind)))


def _is_part(match: Match, other: Match) -> bool:
    inside = other.start <= match.start and match.end <= other.end
    return match != other and match.kind is other.kind and inside


def _digest(key: Key, scope: str, kind: Kind, value: str) -> bytes:
    return hmac.digest(key.secret, "\0".join((kind, scope, value)).encode(), hashlib.sha256)


def _values(person: Persoon) -> Iterator[tuple[Kind, str]]:
    """What is known of a person, normalised."""
    for text in (person.voorletters, person.achternaam):
        yield from ((Kind.NAAM, word) for word, _, _ in _words(text or ""))
    words = (word for word, _, _ in _words(person.handelsnaam or ""))
    yield from ((Kind.HANDELSNAAM, word) for word in words if word not in COMMON)
    if person.bsn:
        yield Kind.BSN, person.bsn
    yield from ((Kind.EMAIL, address) for address, _, _ in _addresses(person.emailadres or ""))
    phone = _phone("".join(_DIGITS.findall(person.telefoonnummer or "")))
    if phone:
        yield Kind.TELEFOON, phone


def _candidates(text: str) -> Iterator[tuple[Kind, str, int, int]]:
    """Everything in a text that could be a value, normalised, with its place."""
    for word, start, end in _words(text):
        yield Kind.NAAM, word, start, end
        yield Kind.HANDELSNAAM, word, start, end
    for address, start, end in _addresses(text):
        yield Kind.EMAIL, address, start, end
    for digits, start, end in _numbers(text):
        if len(digits) == _BSN_DIGITS:
            yield Kind.BSN, digits, start, end
        if phone := _phone(digits):
            yield Kind.TELEFOON, phone, start, end


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words that tell something: without diacritics, in one case, no particles, none that is too short."""
    for found in _WORD.finditer(text):
        word = _folded(found.group())
        if len(word) >= SHORTEST and word not in PARTICLES:
            yield word, found.start(), found.end()


def _addresses(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _EMAIL.finditer(text):
        address = found.group().lstrip(_QUOTES)
        yield unicodedata.normalize("NFKC", address).casefold(), found.end() - len(address), found.end()


def _numbers(text: str) -> Iterator[tuple[str, int, int]]:
    """Every number that people could mean: neighbouring groups of digits, joined in all ways up to the longest."""
    groups = list(_DIGITS.finditer(text))
    for first, group in enumerate(groups):
        digits, end = group.group(), group.end()
        yield digits, group.start(), end
        for following in groups[first + 1 :]:
            if not _BETWEEN.fullmatch(text[end : following.start()]) or len(digits) > _LONGEST_NUMBER:
                break
            digits, end = digits + following.group(), following.end()
            yield digits, group.start(), end


def _phone(digits: str) -> str | None:
    """In international form, a number without prefix taken as Dutch; None when it can be none.

    06 12345678, +31 (0)6 12345678, 0031 612345678 and 612345678 are one number.
    """
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    if digits.startswith("0"):
        digits = f"31{digits[1:]}"
    elif digits.startswith("310"):
        digits = f"31{digits[3:]}"
    elif len(digits) == _BSN_DIGITS:
        digits = f"31{digits}"
    return f"+{digits}" if _BSN_DIGITS <= len(digits) <= _LONGEST_NUMBER else None


def _folded(word: str) -> str:
    """In one case and without diacritics."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
