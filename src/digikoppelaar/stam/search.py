"""Searching verzoeken at DSO-LV (`_zoek`) and re-routing one: what is asked, and what an answer says. Pure.

Neither is public: the names of all keys come from the profile. What is known is that a search takes a period and
either an area in RD or a verzoeknummer, is paged, and names verzoeken of other authorities too (stam.md 3.2).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam import codes
from digikoppelaar.stam.links import json_object, media_type_of
from digikoppelaar.stam.notification import checked_verzoeknummer
from digikoppelaar.stam.rules import withdraws

Ring = Sequence[tuple[float, float]]
"""The boundary of an area as x and y in RD, in metres; the first point is repeated as the last."""

_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class SearchNames:
    """What the parts of a search and of its answer are called; from the profile of the facility."""

    json_media_types: tuple[str, ...]
    search_since_key: str
    search_until_key: str
    search_area_key: str
    verzoeknummer_key: str
    search_page_parameter: str
    search_size_parameter: str
    search_first_page: int
    links_key: str
    next_rel: str
    href_key: str
    embedded_key: str
    verwijzingen_key: str
    page_key: str
    page_number_key: str
    page_count_key: str
    page_total_key: str
    volgnummer_key: str
    doel_key: str
    bevoegd_gezag_key: str
    behandeldienst_key: str
    oin_key: str


@dataclass(frozen=True, slots=True)
class Zaakverwijzing:
    """What a search says of a verzoek version (stam.md 3.2); `doel` as `stam.codes` spells it.

    `volgnummer` is None when the answer does not tell it: no published answer is known. The others are OINs.
    """

    verzoeknummer: str
    doel: str
    volgnummer: int | None
    bevoegd_gezag: str | None
    behandeldienst: str | None

    @property
    def withdrawal(self) -> bool:
        """Whether the applicant withdraws."""
        return withdraws(self.doel, self.volgnummer or 0)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: what it names, the address of the next page, and how many there are in all, when it says that."""

    found: tuple[Zaakverwijzing, ...]
    next: str | None
    total: int | None


def search_body(where: Ring | str, since: datetime, until: datetime, names: SearchNames) -> bytes:
    """What to search: a period, and either an area or a verzoeknummer. The moments must have a time zone."""
    place = {names.verzoeknummer_key: where} if isinstance(where, str) else {names.search_area_key: _polygon(where)}
    period = {names.search_since_key: _moment(since), names.search_until_key: _moment(until)}
    return json.dumps({**period, **place}).encode()


def first_page(address: str, size: int, names: SearchNames) -> str:
    """The address of the first page of a search, with `size` verzoeken on a page."""
    return _with(address, {names.search_page_parameter: names.search_first_page, names.search_size_parameter: size})


def read_page(body: bytes, content_type: str, *, address: str, names: SearchNames) -> Page:
    """A page of the answer; `address` is where it came from. Raises VerzoekError when it cannot be understood.

    The next page is what its link says, and without that link the number after this one (stam.md 3.4).
    """
    if media_type_of(content_type) not in names.json_media_types:
        raise VerzoekError("a page of the search is not JSON")
    said = json_object(body, "a page of the search")
    page = _object(said, names.page_key)
    total = _number(page.get(names.page_total_key))
    return Page(tuple(_found(said, total, names)), _next(said, page, address, names), total)


def reroute_body(key: str, oin: str | None, names: SearchNames) -> bytes:
    """To whom a verzoek goes: `key` says whether that is its bevoegd gezag or its behandeldienst; None empties it."""
    return json.dumps({key: None if oin is None else {names.oin_key: oin}}).encode()


def _polygon(ring: Ring) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in ring]]}


def _moment(moment: datetime) -> str:
    """As DSO-LV writes them: with milliseconds and offset (stam.md 3.4)."""
    return moment.isoformat(timespec="milliseconds")


def _with(address: str, parameters: Mapping[str, int]) -> str:
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()])))


def _next(said: Mapping[str, object], page: Mapping[str, object], address: str, names: SearchNames) -> str | None:
    links = _object(said, names.links_key)
    href = _object(links, names.next_rel).get(names.href_key)
    if isinstance(href, str) and href:
        try:
            return urljoin(address, href)
        except ValueError:
            raise VerzoekError("a page of the search has a link that is not an address") from None
    number, count = (_number(page.get(key)) for key in (names.page_number_key, names.page_count_key))
    if number is None or count is None or number + 1 >= count + names.search_first_page:
        return None
    return _with(address, {names.search_page_parameter: number + 1})


def _found(said: Mapping[str, object], total: int | None, names: SearchNames) -> Iterator[Zaakverwijzing]:
    """What the page names. Nothing at all is only believed when the answer says that there is nothing."""
    listed = _object(said, names.embedded_key).get(names.verwijzingen_key)
    if not isinstance(listed, list) and not (listed is None and total == 0):
        raise VerzoekError(f"a page of the search has no list {names.verwijzingen_key}")
    for each in listed or []:
        if not isinstance(each, dict):
            raise VerzoekError("a page of the search has a zaakverwijzing that is not an object")
        yield _verwijzing(each, names)


def _verwijzing(said: Mapping[str, object], names: SearchNames) -> Zaakverwijzing:
    """Only what is needed: a title or a place of the verzoek of another authority is not even looked at."""
    doel = said.get(names.doel_key)
    return Zaakverwijzing(
        verzoeknummer=_verzoeknummer(_text(said.get(names.verzoeknummer_key))),
        doel=codes.read_doel(doel.replace("\0", "") if isinstance(doel, str) else None),
        volgnummer=_number(said.get(names.volgnummer_key)),
        bevoegd_gezag=_oin(said.get(names.bevoegd_gezag_key), names.oin_key),
        behandeldienst=_oin(said.get(names.behandeldienst_key), names.oin_key),
    )


def _verzoeknummer(text: str) -> str:
    """Empty when it cannot be one: what is odd about a verzoek of another authority must not keep ours from us.

    Raises VerzoekError when there is nothing at all: then the answer has another form than we think.
    """
    try:
        return checked_verzoeknummer(text)
    except VerzoekError:
        if not text:
            raise
        return ""


def _object(said: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = said.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _oin(value: object, key: str) -> str | None:
    """An OIN that stands by itself or in an object with the name."""
    return _text(value.get(key) if isinstance(value, dict) else value) or None


def _number(value: object) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
