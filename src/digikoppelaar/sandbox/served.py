"""What *Verzoek afhandelen* serves of a version: the verzoekbericht, the PDF and the bijlagen.

XML and PDF are written when somebody asks, and the same input gives the same bytes: a country of ten thousand verzoeken
then fits in memory.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.model import Head, Inhoud
from digikoppelaar.sandbox.pdf import publishable
from digikoppelaar.sandbox.verzoek_document import verzoek_xml


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file as the REST service gives it. `kind` is xml, pdf or bijlage; `sha256` is raw."""

    kind: str
    document_id: str
    naam: str
    media_type: str
    size: int
    sha256: bytes
    content: Bijlage | bytes = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes."""
        return iter((self.content,)) if isinstance(self.content, bytes) else self.content.chunks()


def served_files(head: Head, inhoud: Inhoud, bijlagen: Sequence[Bijlage]) -> tuple[ServedFile, ...]:
    """The files of a version; takes some 10 ms, most of it for the PDF."""
    nummer = head.verzoeknummer
    return (
        _whole("xml", f"verzoek-{nummer}.xml", "application/xml", verzoek_xml(head, inhoud, bijlagen)),
        _whole("pdf", f"verzoek-{nummer}.pdf", "application/pdf", publishable(head, inhoud)),
        *(ServedFile("bijlage", b.document_id, b.bestandsnaam, b.media_type, b.size, b.sha256, b) for b in bijlagen),
    )


def _whole(kind: str, naam: str, media_type: str, content: bytes) -> ServedFile:
    return ServedFile(kind, kind, naam, media_type, len(content), hashlib.sha256(content).digest(), content)
