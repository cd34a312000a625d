"""Evidence as files: a PDF and a PNG to look at (typst), and a JSON with the hashes of all of them, written last.

    <folder>/<omgeving>/<oin>/<kind>-<number or "alles">-<UTC time>/
        bewijs-....pdf, .png, .json, and what belongs to it

Evidence is never changed: when there is more to tell, another folder is made. One without its JSON was cut short, and
counts for nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import typst

from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.evidence import (
    MARK,
    PAPERS,
    Attachment,
    Evidence,
    FileProof,
    as_json,
    heading,
    says_the_same,
)

PDF: Final = "application/pdf"
PNG: Final = "image/png"
PICTURES: Final = {PNG: ".png", "image/jpeg": ".jpg"}
"""What is shown on the paper, by media type."""
_DOTS_PER_INCH: Final = 120.0
AGAIN: Final = "Maak het bewijs opnieuw met `digikoppelaar aansluiting evidence`."


def write_evidence(folder: Path, evidence: Evidence, attachments: tuple[Attachment, ...] = ()) -> tuple[Path, ...]:
    """Make the evidence below `folder`; its JSON, PDF, PNG and attachments, in that order, durable when this returns.

    What says the same and lies there whole is not made again. Raises ConfigError when the folder cannot be written, or
    a picture cannot be shown.
    """
    contents = {each.name: each.content for each in attachments}
    evidence = replace(
        evidence, attachments=tuple(proof(each.name, each.media_type, each.content) for each in attachments)
    )
    if made := _made_before(folder, evidence):
        return made
    pdf, png = papers(evidence, contents)
    files = {f"{evidence.name}.pdf": pdf, f"{evidence.name}.png": png, **contents}
    proofs = [proof(f"{evidence.name}.pdf", PDF, pdf), proof(f"{evidence.name}.png", PNG, png)]
    place = _place(folder, evidence) / _folder_name(evidence)
    try:
        place.mkdir(parents=True, exist_ok=False)
        written = tuple(_write(place / name, content) for name, content in files.items())
        seal = _write(place / f"{evidence.name}.json", as_json(evidence, proofs))
    except OSError as error:
        raise ConfigError(f"evidence cannot be written in {place}: {error.strerror}") from error
    return (seal, *written)


def read_evidence(seal: Path) -> tuple[Mapping[str, Any], tuple[Path, ...]]:
    """What its JSON says, and all files with that first. Raises ConfigError when one is gone or was changed."""
    try:
        said = json.loads(seal.read_bytes())
        files = {seal.parent / Path(each["name"]).name: each["sha256"] for each in said["files"]}
        broken = [
            file.name for file, digest in files.items() if hashlib.sha256(file.read_bytes()).hexdigest() != digest
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it cannot be read"
        raise ConfigError(f"evidence {seal}: {reason}", advice=AGAIN) from error
    if broken:
        raise ConfigError(f"evidence {seal}: {', '.join(broken)} was changed", advice=AGAIN)
    return said, (seal, *files)


def as_attachments(seal: str) -> tuple[Mapping[str, Any], tuple[Attachment, ...]]:
    """What its JSON says, with its PDF, PNG and JSON to send along. Raises ConfigError as `read_evidence` does."""
    said, (first, *files) = read_evidence(Path(seal))
    papers = zip(said["files"][:PAPERS], files[:PAPERS], strict=True)
    sent = [Attachment(file.name, each["media_type"], file.read_bytes()) for each, file in papers]
    return said, (*sent, Attachment(first.name, "application/json", first.read_bytes()))


def _made_before(folder: Path, evidence: Evidence) -> tuple[Path, ...] | None:
    """Its files, when the same is there: also when nobody put it on record."""
    what = f"{evidence.subject.kind}-{evidence.number or 'alles'}-*/{evidence.name}.json"
    for seal in sorted(_place(folder, evidence).glob(what), reverse=True):
        with suppress(ConfigError):
            said, files = read_evidence(seal)
            if says_the_same(evidence, said):
                return files
    return None


def _place(folder: Path, evidence: Evidence) -> Path:
    return folder / evidence.subject.omgeving / evidence.subject.oin


def papers(evidence: Evidence, contents: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """The evidence as PDF and as PNG, the same bytes for the same evidence; `contents` are files by name.

    Raises ConfigError when a picture cannot be shown.
    """
    shown = [each for each in evidence.attachments if each.media_type in PICTURES]
    given = {
        "title": evidence.title,
        "name": evidence.name,
        "mark": MARK if evidence.is_sandbox else "",
        "heading": heading(evidence),
        "sections": [{"heading": each.heading, "rows": each.rows} for each in evidence.sections],
        "files": [{"name": each.name, "bytes": each.bytes, "sha256": each.sha256} for each in evidence.attachments],
        "pictures": [f"{number}{PICTURES[each.media_type]}" for number, each in enumerate(shown)],
    }
    template = (resources.files("digikoppelaar.adapters") / "templates" / "evidence.typ").read_bytes()
    with TemporaryDirectory() as folder:  # typst reads pictures from files below its root, and nothing else
        Path(folder, "evidence.typ").write_bytes(template)
        for name, each in zip(given["pictures"], shown, strict=True):
            Path(folder, str(name)).write_bytes(contents[each.name])
        return _typeset(folder, given, "pdf"), _typeset(folder, given, "png")


def _typeset(folder: str, given: Mapping[str, object], form: Literal["pdf", "png"]) -> bytes:
    inputs = {"evidence": json.dumps(given), "whole": "yes" if form == "png" else "no"}
    try:
        made = typst.compile(
            Path(folder, "evidence.typ"),
            root=Path(folder),
            format=form,
            ppi=_DOTS_PER_INCH,
            sys_inputs=inputs,
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        raise ConfigError(
            f"the evidence cannot be typeset: {error}",
            advice="Geef een afbeelding als PNG of JPEG, en probeer opnieuw.",
        ) from error
    assert isinstance(made, bytes), "a PNG has one page, for its page is as high as it needs"
    return made


def proof(name: str, media_type: str, content: bytes) -> FileProof:
    """A file with its hash."""
    return FileProof(name, media_type, len(content), hashlib.sha256(content).hexdigest())


def _folder_name(evidence: Evidence) -> str:
    moment = evidence.made_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    return f"{evidence.subject.kind}-{evidence.number or 'alles'}-{moment}"


def _write(file: Path, content: bytes) -> Path:
    with file.open("xb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    return file
