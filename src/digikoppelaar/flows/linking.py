"""Tying a verzoeknummer to a case that was made by hand or by an earlier system, one or a list of them.

Pure but for `link_all`. What is asked is judged line by line, so that a list is taken whole or not at all, and each
line says what is wrong with it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import ConfigError, VerzoekError
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, LinkStore, Who
from digikoppelaar.flows.targets import targets_of
from digikoppelaar.stam.notification import checked_verzoeknummer

COLUMNS: Final = ("verzoeknummer", "zaak", "target", "oin", "omgeving")
"""Of a CSV file, in any order; the first two must be there."""
LONGEST: Final = 1000
"""Characters of the reference of a case: more than any URL of a case system."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A link as a person asks for it; what is empty follows from the rest when there is one possibility."""

    verzoeknummer: str
    zaak: str
    target: str = ""
    oin: str = ""
    omgeving: str = ""
    line: int = 1


class Verdict(StrEnum):
    """What a line comes to."""

    NEW = "new"
    SAME = "same"
    """It is on record."""
    REPLACES = "replaces"
    """Another case was linked, and goes."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with its verdict; `problem` (English) and `advice` (Dutch) when it is refused, else `link`."""

    asked: Asked
    verdict: Verdict
    link: CaseLink | None = None
    problem: str = ""
    advice: str = ""


def read_links(content: bytes) -> tuple[Asked, ...]:
    """The lines of a CSV file in UTF-8, with `;` or `,` and a header row. Raises ConfigError with the line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError("not UTF-8", advice="Bewaar het bestand als CSV met codering UTF-8.") from error
    return tuple(_lines(text, ";" if ";" in text.partition("\n")[0] else ","))


def _columns(header: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    if wrong := sorted(set(names) - set(COLUMNS)):
        raise ConfigError(f"line 1: unknown column {', '.join(wrong)}; there are {', '.join(COLUMNS)}")
    if missing := [name for name in COLUMNS[:2] if name not in names]:
        raise ConfigError(f"line 1: column {', '.join(missing)} is missing")
    if len(set(names)) < len(names):
        raise ConfigError("line 1: a column stands there twice")
    return names


def _lines(text: str, delimiter: str) -> Iterator[Asked]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader, []))
        for row in reader:
            if any(cell.strip() for cell in row):
                yield _line(reader.line_num, columns, row)
    except csv.Error as error:
        raise ConfigError(f"line {reader.line_num}: not valid CSV: {error}") from error


def _line(number: int, columns: Sequence[str], row: Sequence[str]) -> Asked:
    if len(row) != len(columns):
        raise ConfigError(f"line {number}: {len(row)} fields instead of {len(columns)}")
    return Asked(line=number, **{name: cell.strip() for name, cell in zip(columns, row, strict=True)})


def judged(
    asked: Iterable[Asked], aansluitingen: Sequence[Aansluiting], kept: Iterable[KeptLink], *, replace: bool
) -> tuple[Judged, ...]:
    """Every line with its verdict; a line that says something else than an earlier one is refused."""
    known = {_key(each.link): each.link.case_reference for each in kept}
    told: dict[tuple[int, str, str], str] = {}
    found = []
    for each in asked:
        try:
            link = _link(each, aansluitingen)
        except ConfigError as error:
            found.append(Judged(each, Verdict.REFUSED, problem=str(error), advice=error.advice))
            continue
        found.append(_verdict(each, link, known, told, replace=replace))
        told.setdefault(_key(link), link.case_reference)
    return tuple(found)


def _verdict(
    asked: Asked,
    link: CaseLink,
    known: Mapping[tuple[int, str, str], str],
    told: Mapping[tuple[int, str, str], str],
    *,
    replace: bool,
) -> Judged:
    key = _key(link)
    if told.get(key, link.case_reference) != link.case_reference:
        problem = f"verzoek {link.verzoeknummer} is linked to another case earlier in the file"
        return Judged(asked, Verdict.REFUSED, problem=problem, advice="Laat per verzoeknummer één zaak staan.")
    if key not in known:
        return Judged(asked, Verdict.NEW, link)
    if known[key] == link.case_reference:
        return Judged(asked, Verdict.SAME, link)
    if replace:
        return Judged(asked, Verdict.REPLACES, link)
    error = linked_elsewhere(link)
    return Judged(asked, Verdict.REFUSED, problem=str(error), advice=error.advice)


def linked_elsewhere(link: CaseLink) -> ConfigError:
    """What stores raise when the verzoek is linked to another case."""
    return ConfigError(
        f"verzoek {link.verzoeknummer} is linked to another case at target {link.target}",
        advice="Controleer welke zaak de juiste is; vervangen kan met --replace.",
    )


async def link_all(store: LinkStore, lines: Sequence[Judged], who: Who, *, replace: bool) -> Sequence[CaseLink]:
    """Put the links of these lines on record; nothing when one of them is refused."""
    if any(line.verdict is Verdict.REFUSED for line in lines):
        return []
    return await store.link([line.link for line in lines if line.link], who, replace=replace)


def aansluiting_for(asked: Asked, aansluitingen: Iterable[Aansluiting]) -> Aansluiting:
    """The one over which this verzoek comes in. Raises ConfigError when there is none, or more."""
    found = [
        each
        for each in aansluitingen
        if each.kind == "stam" and asked.oin in ("", each.organisatie_oin) and asked.omgeving in ("", each.omgeving)
    ]
    if not found:
        raise ConfigError(
            f"organisatie {asked.oin or '(any)'} has no aansluiting stam in {asked.omgeving or 'any omgeving'}",
            advice="Kies een organisatie en omgeving uit de registratie.",
        )
    if len(found) > 1:
        where = ", ".join(sorted(f"{each.omgeving}/{each.organisatie_oin}" for each in found))
        raise ConfigError(f"there are more aansluitingen: {where}", advice="Kies met organisatie (OIN) en omgeving.")
    return found[0]


def target_name(aansluiting: Aansluiting, target: str) -> str:
    """`target` when the aansluiting has it, or its only one. Raises ConfigError."""
    names = list(dict.fromkeys(each.name for each in targets_of(aansluiting.case_system)))
    if not target and len(names) == 1:
        return names[0]
    if target not in names:
        what = f"there is no target {target}" if target else "there are more targets"
        raise ConfigError(f"{what}; there are {', '.join(names) or 'none'}", advice="Kies een bestemming met --target.")
    return target


def _link(asked: Asked, aansluitingen: Iterable[Aansluiting]) -> CaseLink:
    try:
        verzoeknummer = checked_verzoeknummer(asked.verzoeknummer)
    except VerzoekError as error:
        raise ConfigError(str(error), advice="Controleer het verzoeknummer.") from error
    if not asked.zaak or len(asked.zaak) > LONGEST or not asked.zaak.isprintable() or " " in asked.zaak:
        raise ConfigError(
            f"zaak must be 1 to {LONGEST} printable characters without spaces",
            advice="Geef de verwijzing naar de zaak zoals het zaaksysteem die geeft, bijvoorbeeld een URL.",
        )
    aansluiting = aansluiting_for(asked, aansluitingen)
    return CaseLink(aansluiting.id, verzoeknummer, target_name(aansluiting, asked.target), asked.zaak)


def _key(link: CaseLink) -> tuple[int, str, str]:
    return (link.aansluiting_id, link.verzoeknummer.casefold(), link.target)
