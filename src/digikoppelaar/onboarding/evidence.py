"""Evidence that a step is done, as values: what is shown of it, and what it says in JSON.

It holds identifiers, times and names of authorities; never a key, and no personal data but what a picture of a case
system may show, for which whoever adds it answers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from digikoppelaar.onboarding.model import SANDBOX, Subject, plays

Rows = tuple[tuple[str, str], ...]
"""What each line is about, in Dutch, and what it says."""

_OMGEVING: Final = {"pre": "oefenomgeving (PRE)", "prod": "productieomgeving (PROD)"}
MARK: Final = "SANDBOX: geen bewijs voor DSO-LV of KOOP"
"""Stands on every page of the evidence of a sandbox."""
PAPERS: Final = 2
"""A PDF and a PNG are made of all evidence."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the evidence under a heading, in Dutch."""

    heading: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with the evidence: a message as it was sent, or a picture of a case system."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileProof:
    """A file that belongs to the evidence; `sha256` in hexadecimal."""

    name: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves that a step of `subject` is done, or with `number` empty that all are.

    `made_by` is who asked for it. `attachments` lie beside it; one that is a picture is shown.
    """

    subject: Subject
    naam: str
    number: str
    title: str
    made_at: datetime
    made_by: str
    sections: tuple[Section, ...]
    attachments: tuple[FileProof, ...] = ()

    @property
    def is_sandbox(self) -> bool:
        """Whether it proves nothing outside this machine."""
        return self.subject.omgeving.startswith(SANDBOX)

    @property
    def name(self) -> str:
        """What its files are called, without an ending."""
        what = f"stap-{self.number}" if self.number else "aansluiting"
        return f"bewijs-{self.subject.kind}-{self.subject.omgeving}-{self.subject.oin}-{what}"


def omgeving_in_words(omgeving: str) -> str:
    """What an omgeving is called on paper, or what the sandbox plays."""
    words = _OMGEVING[plays(omgeving)]
    return f"sandbox die de {words} speelt" if omgeving.startswith(SANDBOX) else words


def heading(evidence: Evidence) -> Rows:
    """The lines that all evidence begins with."""
    return (
        ("Omgeving", omgeving_in_words(evidence.subject.omgeving)),
        ("Organisatie", evidence.naam),
        ("OIN", evidence.subject.oin),
        ("Koppelvlak", evidence.subject.kind.upper()),
        ("Gemaakt op", f"{evidence.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("Gemaakt door", evidence.made_by),
    )


def as_json(evidence: Evidence, papers: Sequence[FileProof]) -> bytes:
    """The evidence with the hashes of everything that lies beside it; `papers` are the PDF and PNG made of it."""
    return json.dumps(_content(evidence, papers), ensure_ascii=False, indent=2).encode() + b"\n"


def says_the_same(evidence: Evidence, made: Mapping[str, Any]) -> bool:
    """Whether `made`, read from JSON, is this evidence but for its papers, and for when and by whom it was made."""
    own = _content(evidence, ())
    here = {**made, "files": made["files"][PAPERS:]}
    return all(here.get(name) == own[name] for name in own.keys() - {"made_at", "made_by"})


def _content(evidence: Evidence, papers: Sequence[FileProof]) -> dict[str, Any]:
    return {
        "sandbox": evidence.is_sandbox,
        "kind": evidence.subject.kind,
        "omgeving": evidence.subject.omgeving,
        "oin": evidence.subject.oin,
        "organisatie": evidence.naam,
        "step": evidence.number,
        "title": evidence.title,
        "made_at": evidence.made_at.astimezone(UTC).isoformat(),
        "made_by": evidence.made_by,
        "sections": [{"heading": each.heading, "rows": [list(row) for row in each.rows]} for each in evidence.sections],
        "files": [
            {"name": each.name, "media_type": each.media_type, "bytes": each.bytes, "sha256": each.sha256}
            for each in (*papers, *evidence.attachments)
        ],
    }
