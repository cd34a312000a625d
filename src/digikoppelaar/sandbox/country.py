"""The country of a sandbox: which authorities are connected, as the command line or a TOML file says it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from digikoppelaar.errors import ConfigError, OinError
from digikoppelaar.flows.authorities import Authority
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.pki.oin import check_oin
from digikoppelaar.sandbox.model import Ring
from digikoppelaar.sandbox.routing import Behandeldienst, Organisatie

SIDE: Final = 10_000.0
"""Metres of the square that an authority gets when it names no area."""
_CORNER: Final = (130_000.0, 440_000.0)
"""South west of the first square, in RD. The places of data/content.toml lie in it."""
_COLUMNS: Final = 16
_ROWS: Final = 17
"""Of squares, that all lie within RD: to the north first, and when that is full to the south."""
_KEYS: Final = {"oin", "naam", "bestuurslaag", "gebied", "behandeldienst"}


def read_option(text: str) -> Organisatie:
    """`OIN=naam=bestuurslaag`; raises ConfigError."""
    oin, _, rest = text.partition("=")
    naam, _, bestuurslaag = rest.rpartition("=")
    return _organisatie({"oin": oin, "naam": naam, "bestuurslaag": bestuurslaag})


def read_country(content: Mapping[str, Any]) -> tuple[Organisatie, ...]:
    """The authorities of a TOML file with `[[organisatie]]` tables; raises ConfigError."""
    tables = content.get("organisatie")
    if set(content) != {"organisatie"} or not isinstance(tables, list):
        raise ConfigError("a country has [[organisatie]] tables, and nothing else")
    return connected([_organisatie(table) for table in tables])


def of_list(authorities: Iterable[Authority]) -> tuple[Organisatie, ...]:
    """The authorities of a list, as `organisatie import` takes it; raises ConfigError."""
    return connected(
        [
            Organisatie(
                each.oin,
                each.values["naam"],
                each.bestuurslaag,
                behandeldiensten=tuple(Behandeldienst(oin) for oin in [each.values.get("behandeldienst")] if oin),
            )
            for each in authorities
        ]
    )


def connected(organisaties: Sequence[Organisatie]) -> tuple[Organisatie, ...]:
    """The same with an area for each that named none; raises ConfigError when they do not go together.

    A bestuurslaag with one authority has it everywhere; of more, those without an area get squares in a row.
    """
    oins = [each.oin for each in organisaties]
    if not organisaties or len(set(oins)) != len(oins):
        raise ConfigError("a country has at least one organisatie, and each OIN once")
    for dienst in (dienst for each in organisaties for dienst in each.behandeldiensten):
        if dienst.oin not in oins:
            raise ConfigError(f"behandeldienst {dienst.oin} is no organisatie of this country")
    layers = [each.bestuurslaag for each in organisaties]
    return tuple(
        replace(each, gebied=(square(layers[:at].count(each.bestuurslaag)),))
        if not each.gebied and layers.count(each.bestuurslaag) > 1
        else each
        for at, each in enumerate(organisaties)
    )


def square(number: int) -> Ring:
    """The area with this number: in rows from west to east."""
    row, column = divmod(number, _COLUMNS)
    west, south = _CORNER[0] + column * SIDE, _CORNER[1] + (row if row < _ROWS else _ROWS - 1 - row) * SIDE
    return ((west, south), (west + SIDE, south), (west + SIDE, south + SIDE), (west, south + SIDE), (west, south))


def read_ring(text: str) -> Ring:
    """`x,y x,y ...` in RD, the first point repeated last (stam.md 3.2); raises ConfigError."""
    try:
        points = [tuple(map(float, pair.split(","))) for pair in text.split()]
        ring = tuple((x, y) for x, y in points)
    except ValueError as error:
        raise ConfigError("an area is written as x,y x,y ... in RD") from error
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise ConfigError("an area has at least three points, and the first one again at the end")
    return ring


def _organisatie(table: Mapping[str, Any]) -> Organisatie:
    if unknown := set(table) - _KEYS:
        raise ConfigError(f"an organisatie has no {', '.join(sorted(unknown))}")
    bestuurslaag = table.get("bestuurslaag")
    if bestuurslaag not in BESTUURSLAGEN:
        raise ConfigError(f"bestuurslaag must be one of {', '.join(BESTUURSLAGEN)}")
    naam, gebied = table.get("naam"), table.get("gebied", [])
    if not isinstance(naam, str) or not naam.strip():
        raise ConfigError("an organisatie has a naam")
    rings = [gebied] if isinstance(gebied, str) else gebied
    diensten = tuple(map(_behandeldienst, table.get("behandeldienst", [])))
    return Organisatie(_oin(table), naam.strip(), bestuurslaag, tuple(map(read_ring, rings)), diensten)


def _behandeldienst(table: Mapping[str, Any]) -> Behandeldienst:
    if unknown := set(table) - {"oin", "activiteiten", "kopie"}:
        raise ConfigError(f"a behandeldienst has no {', '.join(sorted(unknown))}")
    return Behandeldienst(_oin(table), frozenset(table.get("activiteiten", [])), bool(table.get("kopie", True)))


def _oin(table: Mapping[str, Any]) -> str:
    try:
        return check_oin(str(table.get("oin", "")))
    except OinError as error:
        raise ConfigError("an OIN has twenty digits, such as 00000099000000002000") from error
