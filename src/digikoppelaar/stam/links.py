"""The summary of a verzoek: which files DSO-LV has, and where. Pure: text and bytes in, values out.

The answer is HAL JSON with links, or the STAM XML itself (stam.md 3.2 and 8); the Content-Type decides. The names
of its keys are not public and come from the profile as `SummaryNames`. Nothing is fetched here, and no address is
judged here: whether a link may be followed is up to the client.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam.notification import same_verzoeknummer

MAX_LINKS: Final = 10_000
"""More files than any verzoek has (80 and more do occur, stam.md 3.4); a limit on what an answer may make us do."""


@dataclass(frozen=True, slots=True)
class SummaryNames:
    """What the parts of a summary are called; from the profile of the facility."""

    json_media_types: tuple[str, ...]
    xml_media_types: tuple[str, ...]
    verzoeknummer_key: str
    links_key: str
    xml_rel: str
    pdf_rel: str
    document_rel: str
    href_key: str
    document_id_key: str
    file_name_key: str
    media_type_key: str
    size_key: str


@dataclass(frozen=True, slots=True)
class AnnouncedFile:
    """A file that the summary points at. `kind` is xml, pdf or bijlage; `href` is absolute; `size` in bytes."""

    kind: str
    document_id: str
    naam: str
    media_type: str
    href: str
    size: int | None = None


def read_summary(
    body: bytes, content_type: str, *, address: str, verzoeknummer: str, names: SummaryNames
) -> tuple[AnnouncedFile, ...]:
    """The files of the newest version of `verzoeknummer`: the XML first, then the PDF, then the bijlagen.

    `address` is where the summary came from; relative links are resolved against it. A summary that is the STAM
    XML itself gives one file, at `address`. Raises VerzoekError when it is neither, is of another verzoek, or has
    no XML.
    """
    media_type = media_type_of(content_type)
    if media_type in names.xml_media_types:
        return (AnnouncedFile("xml", "xml", "verzoek.xml", media_type, address),)
    if media_type not in names.json_media_types:
        raise VerzoekError("summary is neither JSON nor XML")
    summary = json_object(body, "summary")
    _check_verzoeknummer(summary, names.verzoeknummer_key, verzoeknummer)
    return _files(summary, address, names)


def media_type_of(content_type: str) -> str:
    """The media type of a Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def json_object(body: bytes, what: str) -> Mapping[str, object]:
    """The JSON object in `body`. Raises VerzoekError, which calls the document `what` and quotes nothing of it."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise VerzoekError(f"{what} is not well-formed JSON") from None  # the cause quotes the document
    if not isinstance(document, dict):
        raise VerzoekError(f"{what} is not a JSON object")
    return document


def _check_verzoeknummer(summary: Mapping[str, object], key: str, verzoeknummer: str) -> None:
    said = summary.get(key)
    if said is not None and not same_verzoeknummer(str(said), verzoeknummer):
        raise VerzoekError(f"summary of verzoek {verzoeknummer} names another verzoeknummer")


def _files(summary: Mapping[str, object], address: str, names: SummaryNames) -> tuple[AnnouncedFile, ...]:
    links = summary.get(names.links_key)
    if not isinstance(links, dict):
        raise VerzoekError(f"summary has no object {names.links_key}")
    kinds = (("xml", names.xml_rel), ("pdf", names.pdf_rel), ("bijlage", names.document_rel))
    files = tuple(
        _file(kind, number, link, address, names)
        for kind, rel in kinds
        for number, link in enumerate(_each_link(links.get(rel)), start=1)
    )
    if sum(file.kind == "xml" for file in files) != 1:
        raise VerzoekError("summary does not have exactly one link to the verzoek XML")
    if len(files) > MAX_LINKS:
        raise VerzoekError(f"summary has more than {MAX_LINKS} links")
    _refuse_repeated(files)
    return files


def _each_link(value: object) -> Iterator[Mapping[str, object]]:
    """The link objects under one relation: HAL allows an object and an array of them."""
    for link in value if isinstance(value, list) else [] if value is None else [value]:
        if not isinstance(link, dict):
            raise VerzoekError("summary has a link that is not an object")
        yield link


def _file(kind: str, number: int, link: Mapping[str, object], address: str, names: SummaryNames) -> AnnouncedFile:
    href = _text(link, names.href_key)
    if not href or link.get("templated") is True:
        raise VerzoekError(f"summary has a {kind} link without an address that can be followed")
    document_id = _text(link, names.document_id_key) or (kind if kind == "xml" else f"{kind}-{number}")
    fallback = document_id if kind == "bijlage" else f"verzoek.{kind}"
    return AnnouncedFile(
        kind=kind,
        document_id=document_id,
        naam=_text(link, names.file_name_key) or fallback,
        media_type=media_type_of(_text(link, names.media_type_key)),
        href=_absolute(address, href),
        size=_size(link, names.size_key),
    )


def _text(link: Mapping[str, object], key: str) -> str:
    """A string of a link, without what no database and no file system takes: NUL and half surrogates."""
    value = link.get(key)
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


def _absolute(address: str, href: str) -> str:
    try:
        return urljoin(address, href)
    except ValueError:
        raise VerzoekError("summary has a link that is not an address") from None


def _size(link: Mapping[str, object], key: str) -> int | None:
    value = link.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise VerzoekError(f"summary has a link whose {key} is not a number of bytes")
    return value


def _refuse_repeated(files: tuple[AnnouncedFile, ...]) -> None:
    if len({(file.kind, file.document_id) for file in files}) != len(files):
        raise VerzoekError("summary has two links with the same kind and document id")
