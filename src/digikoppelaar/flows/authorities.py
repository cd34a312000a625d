"""A list of authorities in a CSV file, as a spreadsheet writes it: one line each, judged whole. Pure."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from digikoppelaar.drop.bladen import BLAD_OF
from digikoppelaar.drop.model import Bestuurslaag, Blad
from digikoppelaar.errors import ConfigError, OinError, several
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.pki.oin import LENGTH, check_oin

NEEDED: Final = ("oin", "naam", "bestuurslaag")
OPTIONAL: Final = ("blad", "creator", "gebied", "behandeldienst")
"""Columns with a meaning: the blad and name at KOOP, a file with the area, the OIN of the behandeldienst."""
_LAYERS: Final = {
    "gemeente": Bestuurslaag.GEMEENTE,
    "provincie": Bestuurslaag.PROVINCIE,
    "waterschap": Bestuurslaag.WATERSCHAP,
    "rijk": Bestuurslaag.RIJK,
}


@dataclass(frozen=True, slots=True)
class Authority:
    """One line of the list; `values` has every column, also those that we give no meaning."""

    line: int
    values: Mapping[str, str]

    @property
    def oin(self) -> str:
        """Its OIN."""
        return self.values["oin"]

    @property
    def bestuurslaag(self) -> str:
        """One of BESTUURSLAGEN."""
        return self.values["bestuurslaag"]

    @property
    def fields(self) -> Mapping[str, str]:
        """What a template may use: the columns, and `kort`, the naam without the word for what it is."""
        blad = self.values.get("blad") or BLAD_OF[koop_layer(self.bestuurslaag)].value
        return {**self.values, "blad": blad, "kort": short_name(self.values["naam"], self.bestuurslaag)}


def koop_layer(bestuurslaag: str) -> Bestuurslaag:
    """How KOOP calls it; an omgevingsdienst and a samenwerkingsverband are a gemeenschappelijke regeling."""
    return _LAYERS.get(bestuurslaag, Bestuurslaag.SAMENWERKING)


def short_name(naam: str, bestuurslaag: str) -> str:
    """`Voorbeeldstad` for `Gemeente Voorbeeldstad`."""
    kind, _, rest = naam.partition(" ")
    return rest if rest and kind.lower() == bestuurslaag else naam


def read_authorities(content: bytes) -> tuple[Authority, ...]:
    """The authorities of a CSV file in UTF-8, with ; or , between its columns.

    Raises ConfigError that names every line that is wrong, or what is wrong with the file.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "not in UTF-8", advice="Sla het op als “CSV UTF-8”; zo blijven letters als ë en ú wat ze zijn."
        ) from error
    found: list[Authority] = []
    troubles: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    columns: tuple[str, ...] = ()
    for number, row in _rows(text, troubles):
        if not columns:
            columns = _columns(row)
            continue
        authority = Authority(number, dict(zip(columns, row, strict=False)))
        if wrong := list(_wrong(authority, columns, row)):
            troubles += [(number, each) for each in wrong]
        elif (earlier := first.setdefault(authority.oin, number)) != number:
            troubles.append((number, f"oin {authority.oin} is in line {earlier} already"))
        else:
            found.append(authority)
    refuse(troubles)
    if not found:
        raise ConfigError("no authority in it", advice=f"Zet op de eerste regel {';'.join(NEEDED)}, en daaronder elk.")
    return tuple(found)


def refuse(troubles: Sequence[tuple[int, str]]) -> None:
    """Raises ConfigError when there are any, with the lines they are about."""
    if troubles:
        raise ConfigError(
            several("nothing is imported", [f"line {line}: {what}" for line, what in troubles]),
            advice="Verbeter de genoemde regels. Laat een kolom met OIN's als tekst opmaken, want een rekenblad haalt "
            "voorloopnullen weg.",
        )


def _rows(text: str, troubles: list[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with the line on which each ends, and no blanks around their values."""
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            troubles.append((reader.line_num, f"not CSV: {error}"))
            continue
        if any(row):
            yield reader.line_num, row


def _columns(row: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(cell.lower() for cell in row)
    if lacking := [each for each in NEEDED if each not in columns]:
        advice = f"Begin met een regel kolomnamen: {', '.join(NEEDED)}, en als u wilt {', '.join(OPTIONAL)}."
        raise ConfigError(f"no column {', '.join(lacking)}", advice=advice)
    if twice := sorted({each for each in columns if columns.count(each) > 1}):
        raise ConfigError(f"column {', '.join(twice)} is there twice", advice="Geef elke kolom een eigen naam.")
    return columns


def _wrong(authority: Authority, columns: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    if len(row) != len(columns):
        yield f"it has {len(row)} values for {len(columns)} columns"
        return
    values = authority.values
    if not _is_oin(authority.oin):
        yield f"oin {authority.oin[:40]!r} is no OIN of {LENGTH} positions"
    if not values["naam"] or set(values["naam"]) & set("/\\"):
        yield "naam is missing or has a slash in it"
    if authority.bestuurslaag not in BESTUURSLAGEN:
        yield f"bestuurslaag {authority.bestuurslaag[:40]!r} is none of {', '.join(BESTUURSLAGEN)}"
    if values.get("blad") and values["blad"] not in tuple(Blad):
        yield f"blad {values['blad'][:40]!r} is none of {', '.join(Blad)}"
    if values.get("behandeldienst") and not _is_oin(values["behandeldienst"]):
        yield f"behandeldienst {values['behandeldienst'][:40]!r} is no OIN of {LENGTH} positions"
    if not all(cell.isprintable() for cell in row):
        yield "a value has a line break or a control character in it"


def _is_oin(text: str) -> bool:
    try:
        return bool(check_oin(text))
    except OinError:
        return False
