"""What *Verzoek afhandelen* of the sandbox finds, and whose a verzoek is after a re-route. Pure.

Keys come from the profile, as in the gateway's client. Beside every verzoek that it finds stands one of a neighbour,
which no receiver may keep: the real search names verzoeken of other authorities too (stam.md 3.2).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from digikoppelaar.errors import OinError, PartnerError
from digikoppelaar.pki.oin import check_oin
from digikoppelaar.sandbox.model import BevoegdGezag, Route
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.state import Submitted
from digikoppelaar.stam.search import SearchNames
from digikoppelaar.stam.times import read_moment

NEIGHBOUR: Final = BevoegdGezag("00000099000000006000", "Gemeente Verzonnen Buurland")
"""Whose verzoeken every search finds too; it is not connected to the sandbox."""
MOST_ON_A_PAGE: Final = 100

Point = tuple[float, float]


class BadQuestion(PartnerError):
    """What was asked cannot be understood: the answer is 400."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A version of a verzoek, with where it is in RD and whose it is."""

    verzoeknummer: str
    volgnummer: int
    doel: str
    submitted_at: datetime
    rd: Point
    bevoegd_gezag: BevoegdGezag
    behandeldienst: BevoegdGezag | None = None


def rerouted(
    before: Route, said: Mapping[str, Any], names: SearchNames, organisaties: Mapping[str, Organisatie]
) -> Route:
    """What a re-route asks, which is one change; raises BadQuestion. `organisaties` are those with a name, by OIN."""
    if len(said) != 1 or not set(said) <= {names.bevoegd_gezag_key, names.behandeldienst_key}:
        raise BadQuestion(f"a re-route changes either {names.bevoegd_gezag_key} or {names.behandeldienst_key}")
    ((key, value),) = said.items()
    to = None if value is None else _authority(value, names, organisaties)
    if key == names.behandeldienst_key:
        return replace(before, behandeldienst=to)
    if to is None:
        raise BadQuestion("a verzoek has a bevoegd gezag")
    return replace(before, bevoegd_gezag=to)


def placed(verzoeken: Iterable[Submitted]) -> Iterator[Placed]:
    """The newest version of each verzoek that has coordinates, and beside each one of the neighbour."""
    for verzoek in verzoeken:
        route, version = verzoek.route, verzoek.newest
        rd = next((locatie.midden for locatie in version.inhoud.locaties if locatie.midden), None)
        if rd is None:
            continue
        found = Placed(
            verzoek.verzoeknummer,
            version.head.volgnummer,
            version.head.doel,
            version.head.submitted_at,
            rd,
            route.bevoegd_gezag,
            route.behandeldienst,
        )
        yield found
        yield replace(found, verzoeknummer=_beside(found.verzoeknummer), bevoegd_gezag=NEIGHBOUR, behandeldienst=None)


def find(all_placed: Iterable[Placed], said: Mapping[str, Any], names: SearchNames) -> list[Placed]:
    """What fits the question; raises BadQuestion. The end of the period does not belong to it."""
    since, until = (_moment(said, key) for key in (names.search_since_key, names.search_until_key))
    everything = list(all_placed)
    area, number = said.get(names.search_area_key), said.get(names.verzoeknummer_key)
    if (area is None) == (number is None):
        raise BadQuestion(f"a search has either {names.search_area_key} or {names.verzoeknummer_key}")
    within = _polygon(area) if number is None else None
    here = {each.rd for each in everything if each.verzoeknummer == number}
    return [
        each
        for each in everything
        if since <= each.submitted_at < until and (_covers(within, each.rd) if within else each.rd in here)
    ]


def page(found: Sequence[Placed], parameters: Mapping[str, str], address: str, names: SearchNames) -> dict[str, object]:
    """The page that `parameters` ask for, as HAL; `address` is that of the search."""
    number = _parameter(parameters, names.search_page_parameter, names.search_first_page)
    size = min(MOST_ON_A_PAGE, max(1, _parameter(parameters, names.search_size_parameter, 20)))
    start = (number - names.search_first_page) * size
    pages = -(-len(found) // size)

    def link(to: int) -> dict[str, str]:
        query = f"{names.search_page_parameter}={to}&{names.search_size_parameter}={size}"
        return {names.href_key: f"{address}?{query}"}

    links = {"self": link(number)}
    if number + 1 < pages + names.search_first_page:
        links[names.next_rel] = link(number + 1)
    return {
        names.embedded_key: {names.verwijzingen_key: [_as_values(each, names) for each in found[start : start + size]]},
        names.links_key: links,
        names.page_key: {
            "size": size,
            names.page_number_key: number,
            names.page_total_key: len(found),
            names.page_count_key: pages,
        },
    }


def question(body: bytes) -> Mapping[str, Any]:
    """The JSON object that was posted; raises BadQuestion."""
    try:
        said = json.loads(body)
    except ValueError as error:
        raise BadQuestion("the body is not JSON") from error
    if not isinstance(said, dict):
        raise BadQuestion("the body is not a JSON object")
    return said


def _beside(verzoeknummer: str) -> str:
    """A number of the same day that the sandbox itself would reach last."""
    return f"{verzoeknummer[:8]}{100_000 - int(verzoeknummer[8:]):05}"


def _as_values(each: Placed, names: SearchNames) -> dict[str, object]:
    values: dict[str, object] = {
        names.verzoeknummer_key: each.verzoeknummer,
        names.volgnummer_key: each.volgnummer,
        names.doel_key: each.doel,
        names.bevoegd_gezag_key: _whose(each.bevoegd_gezag, names),
    }
    if each.behandeldienst:
        values[names.behandeldienst_key] = _whose(each.behandeldienst, names)
    return values


def _whose(gezag: BevoegdGezag, names: SearchNames) -> dict[str, str]:
    return {names.oin_key: gezag.oin, "naam": gezag.naam}


def _authority(value: object, names: SearchNames, organisaties: Mapping[str, Organisatie]) -> BevoegdGezag:
    try:
        oin = check_oin(str(value.get(names.oin_key) if isinstance(value, dict) else None))
    except OinError as error:
        raise BadQuestion("to whom a verzoek goes is not an OIN") from error
    return BevoegdGezag(oin, organisaties[oin].naam if oin in organisaties else f"OIN {oin}")


def _moment(said: Mapping[str, Any], key: str) -> datetime:
    moment = read_moment(said.get(key)) if isinstance(said.get(key), str) else None
    if moment is None:
        raise BadQuestion(f"{key} is not a moment")
    return moment


def _parameter(parameters: Mapping[str, str], key: str, otherwise: int) -> int:
    text = parameters.get(key, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise BadQuestion(f"{key} is not a number")
    return int(text)


def _polygon(area: object) -> Any:
    from shapely.errors import ShapelyError  # type: ignore[import-untyped]  # here, for it takes 30 MiB with numpy
    from shapely.geometry import shape  # type: ignore[import-untyped]

    try:
        polygon = shape(area)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise BadQuestion("the area cannot be read") from error
    if polygon.geom_type != "Polygon" or not polygon.is_valid or polygon.is_empty:
        raise BadQuestion("the area is not a polygon that is closed and does not cross itself")
    return polygon


def _covers(polygon: Any, rd: Point) -> bool:
    from shapely.geometry import Point as Place

    return bool(polygon.covers(Place(rd)))
