"""The search of KOOP's repository (SRU 2.0): what is asked, and what an answer says (drop-3pas.md 7).

Names of indexes and parameters are from the profile. Answers are read by local name, in any namespace.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop import cql
from digikoppelaar.drop.markers import Markering
from digikoppelaar.drop.metadata import ACTIVITEIT, RUBRIEK, read_date
from digikoppelaar.drop.model import Locatie
from digikoppelaar.drop.opmaak import is_link
from digikoppelaar.drop.publication import one_line, parsed
from digikoppelaar.errors import FacilityAnswerBroken, FacilityError

BAD_QUERY: Final = "info:srw/diagnostic/1/10"
"""Query syntax error: answered with HTTP 200, and without a count."""
ESTIMATE: Final = "estimate"


@dataclass(frozen=True, slots=True)
class SruNames:
    """What parameters and indexes are called; from the profile of the facility."""

    operation: str
    version: str
    record_schema: str
    page_size: int
    product_area_index: str
    product_area: str
    creator_index: str
    available_index: str
    title_index: str
    title_relation: str
    identifier_index: str
    modified_index: str
    rubriek_index: str
    text_index: str
    publication_name_index: str
    year_index: str


# --- Asking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """Which publications are looked for: of one body, published on the day `since` or later.

    `creator` is compared as it stands. `titel` is better left empty: an index that cuts words in another way than we do
    would hide a publication.
    `start` is the position of the first record of the page, from 1.
    """

    creator: str
    since: date
    titel: str = ""
    start: int = 1


def query(search: Search, names: SruNames) -> str:
    """The search in CQL."""
    clauses = [
        cql.clause(names.product_area_index, "==", names.product_area),
        cql.clause(names.creator_index, "==", search.creator),
        cql.clause(names.available_index, ">=", search.since.isoformat()),
    ]
    if search.titel:
        clauses.append(cql.clause(names.title_index, names.title_relation, search.titel))
    return " AND ".join(clauses)


def address(sru_url: str, search: Search, names: SruNames) -> str:
    """The address of a page of the search."""
    parameters = {
        "operation": names.operation,
        "version": names.version,
        "recordSchema": names.record_schema,
        "query": query(search, names),
        "startRecord": search.start,
        "maximumRecords": names.page_size,
    }
    return f"{sru_url}?{urlencode(parameters)}"


def next_page(search: Search, answer: "Answer") -> Search | None:
    """The search for what follows; None after the last page. It always leads on, so that the pages end."""
    seen = len(answer.records) + answer.unreadable
    after = search.start + seen
    if not seen or (answer.next is None and after > answer.total):
        return None
    return replace(search, start=max(after, answer.next or 0))


# --- Reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """One publication as the search tells it. What it leaves out is empty, or None."""

    identifier: str
    titel: str
    creator: str
    rubriek: str
    datum: date | None
    activiteiten: tuple[str, ...]
    samenvatting: str
    markeringen: tuple[Markering, ...]
    preferred_url: str
    manifestaties: tuple[tuple[str, str], ...]
    timestamp: datetime | None

    @property
    def locaties(self) -> tuple[Locatie, ...]:
        """The gebiedsmarkeringen of which a location can be made."""
        return tuple(found for each in self.markeringen if (found := each.locatie) is not None)

    def url(self, manifestatie: str) -> str | None:
        """The address of a form of it, such as `xml` or `metadata`."""
        return dict(self.manifestaties).get(manifestatie)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page. `total` counts all pages, and is a guess when `estimated`; `next` is where the next page begins.

    `unreadable` counts records without an identifier or a title: they are not of use, but say that something is wrong.
    """

    records: tuple[Record, ...]
    total: int
    estimated: bool
    next: int | None
    unreadable: int = 0


def read_answer(document: bytes) -> Answer:
    """The answer in `document`.

    Raises FacilityError when it is a diagnostic (asking the same again will not help), and FacilityAnswerBroken when it
    is no answer. An index that KOOP does not know is not told: there are no records then.
    """
    root = parsed(document, "answer of the search")
    total = _number(root, "numberOfRecords")
    found = [_read_record(element) for element in _children(root, "records", "record")]
    if total is None or (not found and any(_diagnostics(root))):
        raise _refusal(root)
    records = tuple(record for record in found if record is not None)
    return Answer(
        records=records,
        total=total,
        estimated=_text(root, "resultCountPrecision").rpartition("/")[2] == ESTIMATE,
        next=_number(root, "nextRecordPosition"),
        unreadable=found.count(None),
    )


def _diagnostics(root: etree._Element) -> list[str]:
    return [_text(each, "uri") or "?" for each in _children(root, "diagnostics", "diagnostic")]


def _refusal(root: etree._Element) -> FacilityError:
    found = _diagnostics(root)
    if not found:
        return FacilityAnswerBroken("answer of the search: it has neither a count nor a diagnostic")
    uri = found[0]
    # Only the code: the words of a diagnostic quote what was asked.
    code = uri if uri.startswith("info:srw/diagnostic/") and len(uri) < 40 else "without a known code"
    return FacilityError(
        f"the search was refused: {code}",
        advice="KOOP begreep de zoekvraag niet. Meld dit aan de beheerder van digikoppelaar; "
        "opnieuw vragen helpt niet.",
    )


def _read_record(record: etree._Element) -> Record | None:
    gzd = next(_children(record, "recordData", "gzd"), None)
    if gzd is None:
        return None
    meta = ("originalData", "meta")
    identifier, titel = (_text(gzd, *meta, "owmskern", name) for name in ("identifier", "title"))
    if not identifier or not titel:
        return None
    address = _text(gzd, "enrichedData", "preferredUrl")
    kinds = (element for element in _children(gzd, *meta, "owmskern", "type") if element.get("scheme") == RUBRIEK)
    activities = _children(gzd, *meta, "tpmeta", "activiteit")
    return Record(
        identifier=identifier,
        titel=titel,
        creator=_text(gzd, *meta, "owmskern", "creator"),
        rubriek=next((one_line(element) for element in kinds), ""),
        datum=read_date(_text(gzd, *meta, "owmsmantel", "available")),
        activiteiten=tuple(one_line(each) for each in activities if each.get("scheme") in (None, ACTIVITEIT)),
        samenvatting=_text(gzd, *meta, "owmsmantel", "abstract"),
        markeringen=tuple(_read_markers(_children(gzd, *meta, "tpmeta", "gebiedsmarkering"))),
        preferred_url=address if is_link(address) else "",
        manifestaties=tuple(
            (each.get("manifestation", ""), one_line(each)) for each in _children(gzd, "enrichedData", "itemUrl")
        ),
        timestamp=_moment(_text(gzd, "enrichedData", "timestamp")),
    )


def _read_markers(markers: Iterator[etree._Element]) -> Iterator[Markering]:
    for outer in markers:
        for kind in outer.iterchildren("*"):
            velden = tuple((xml.local_name(each), one_line(each)) for each in kind.iterchildren("*"))
            yield Markering(xml.local_name(kind), velden)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """The elements at the end of the path of local names."""
    first, *rest = names
    for child in element.iterchildren("*"):
        if xml.local_name(child) == first:
            if rest:
                yield from _children(child, *rest)
            else:
                yield child


def _text(element: etree._Element, *names: str) -> str:
    return next((one_line(found) for found in _children(element, *names)), "")


def _number(element: etree._Element, name: str) -> int | None:
    text = _text(element, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
