"""What a case folder holds, on a disk and in an object store alike. Pure.

    <omgeving>/<oin>/<verzoeknummer>-<volgnummer>/
        verzoek.xml       as DSO-LV sent it, byte for byte
        verzoek.pdf       the publishable version, when there is one
        bijlagen/         under the applicant's file names, made safe
        verzoek.json      the verzoek as it was understood
        manifest.json     every file with its bytes and SHA-256; what is TEST, and which documents lapsed
        gereed            the SHA-256 of manifest.json: from now on nothing changes here

    <omgeving>/<oin>/<verzoeknummer>-publicatie-<number>.json
        beside them, once a kennisgeving about the verzoek was published; see publication.py

Personal data are in these files: who may read the folder is up to whoever owns it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

from digikoppelaar.adapters.casesystems.filenames import FileNames
from digikoppelaar.adapters.casesystems.files import fetched
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import OMGEVINGEN, Aansluiting, File, FileKind, News, Verzoek

DONE: Final = "gereed"
"""The marker: what watches the folder may take a case once this file is there."""
MANIFEST: Final = "manifest.json"
DOCUMENT: Final = "verzoek.json"
BIJLAGEN: Final = "bijlagen"

_SEGMENT: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,79}", re.ASCII)
_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)


def case_path(verzoek: Verzoek) -> str:
    """The path of the case below the folder; raises CaseSystemError when a part of it could lead elsewhere.

    The verzoeknummer comes from outside; it was checked when it was read and is checked again where it counts.
    """
    return _below(verzoek.aansluiting, verzoek.verzoeknummer, str(verzoek.volgnummer))


def publication_path(news: News) -> str:
    """The path of the file that says where a kennisgeving was published, beside the case folders of its verzoek.

    Not in one of them: in those nothing changes, and who reads them may have taken them away. Raises as `case_path`.
    """
    return _below(news.aansluiting, news.verzoeknummer, "publicatie", news.publication.number) + ".json"


def _below(aansluiting: Aansluiting, *parts: str) -> str:
    omgeving, oin = aansluiting.omgeving, aansluiting.organisatie_oin
    if omgeving not in OMGEVINGEN or not _OIN.fullmatch(oin) or not all(map(_SEGMENT.fullmatch, parts)):
        raise CaseSystemError("omgeving, OIN, verzoeknummer or what follows it cannot be a folder name")
    return f"{omgeving}/{oin}/{'-'.join(parts)}"


def _laid_out(verzoek: Verzoek) -> list[str]:
    """Where each file goes, in the order of the files; the same every time for the same verzoek."""
    top, bijlagen = FileNames(DOCUMENT, MANIFEST, DONE, BIJLAGEN), FileNames()
    return [
        f"{BIJLAGEN}/{bijlagen.give(file.naam, f'bijlage-{number}')}"
        if file.kind is FileKind.BIJLAGE
        else top.give(f"verzoek.{file.kind.value}", "verzoek")
        for number, file in enumerate(verzoek.files, start=1)
    ]


def manifest_of(verzoek: Verzoek) -> dict[str, object]:
    """What manifest.json says of this version, the same every time. Raises StorageError when a file is missing."""
    marks = {"test": verzoek.test, "vervallenDocumenten": list(verzoek.lapsed)}
    return {
        "omgeving": verzoek.aansluiting.omgeving,
        "oin": verzoek.aansluiting.organisatie_oin,
        "verzoeknummer": verzoek.verzoeknummer,
        "volgnummer": verzoek.volgnummer,
        **{name: value for name, value in marks.items() if value},  # a case of before there were marks stays the same
        "bestanden": [_entry(file, path) for file, path in zip(verzoek.files, _laid_out(verzoek), strict=True)],
    }


def _entry(file: File, path: str) -> dict[str, object]:
    _, size, sha256 = fetched(file)
    return {
        "pad": path,
        "soort": file.kind.value,
        "naam": file.naam,
        "documentId": file.document_id,
        "mediaType": file.media_type,
        "bytes": size,
        "sha256": sha256.hex(),
    }


def paths_in(manifest: Mapping[str, object]) -> list[str]:
    """Where each file goes below the case folder, in the order of the files."""
    entries = manifest["bestanden"]
    assert isinstance(entries, list)
    return [str(entry["pad"]) for entry in entries]


def json_bytes(value: Mapping[str, object]) -> bytes:
    """As it stands in a file."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def marker_of(manifest: bytes) -> bytes:
    """What the done-marker holds beside this manifest."""
    return f"{hashlib.sha256(manifest).hexdigest()}\n".encode()


def is_same(marker: bytes, found: bytes, manifest: Mapping[str, object]) -> bool:
    """Whether a marker and a manifest that were found are those of this version."""
    try:
        return marker.strip() == marker_of(found).strip() and bool(json.loads(found) == manifest)
    except ValueError:
        return False


def other_content(case: str) -> CaseSystemError:
    """The error for something else in the place of this case folder; nobody overwrites it."""
    return CaseSystemError(
        f"the case folder {case} is there already with other content",
        advice="Op de plek van dit verzoek staat al een andere map; verplaats die. Wacht het verzoek al op een "
        "beheerder, geef het dan vrij met `digikoppelaar verzoek release`.",
    )
