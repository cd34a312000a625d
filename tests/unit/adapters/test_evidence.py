"""Evidence is read back from its PDF, and its hashes are those of the files beside it."""

import hashlib
import io
import json
import shutil
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from digikoppelaar.adapters.evidence import papers, read_evidence, write_evidence
from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.evidence import MARK, Attachment, Evidence, Section
from digikoppelaar.onboarding.model import Kind, Subject

OIN = "00000099000000100000"
EVIDENCE = Evidence(
    Subject(OIN, Kind.STAM, "pre"),
    "Gemeente Voorbeeldstad",
    "3.6",
    "Ping-pong",
    datetime(2026, 11, 30, 9, 30, tzinfo=UTC),
    "j.devries",
    (Section("Berichten", (("Ping", "0b1c@voorbeeld"), ("Pong", "#eval(\"1\") *vet* $x$ <a> [b] \\ é 漢"))),),
)  # fmt: skip


def a_png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = (b"\0" + b"\xff\0\0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(data)


def text_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_the_pdf_says_omgeving_organisatie_oin_and_every_line() -> None:
    [text] = text_of(papers(EVIDENCE, {})[0])
    for said in ("oefenomgeving (PRE)", "Gemeente Voorbeeldstad", OIN, "2026-11-30 09:30:00 UTC", "j.devries", "0b1c@"):
        assert said in text
    assert MARK not in text


def test_what_is_shown_is_never_read_as_markup() -> None:
    [text] = text_of(papers(EVIDENCE, {})[0])
    assert '#eval("1") *vet* $x$ <a> [b] \\ é' in text


def test_every_page_of_a_sandbox_says_so() -> None:
    long = Section("Lang", tuple((f"Regel {number}", "x") for number in range(120)))
    ours = replace(EVIDENCE, subject=replace(EVIDENCE.subject, omgeving="sandbox-prod"), sections=(long,))
    pages = text_of(papers(ours, {})[0])
    assert len(pages) > 1
    assert all(MARK in page for page in pages)
    assert "sandbox die de productieomgeving (PROD) speelt" in pages[0]


def test_the_same_evidence_gives_the_same_bytes() -> None:
    assert papers(EVIDENCE, {}) == papers(EVIDENCE, {})


def test_the_files_have_the_hashes_that_the_json_names(tmp_path: Path) -> None:
    picture = Attachment("scherm.png", "image/png", a_png())
    message = Attachment("ping.xml", "application/xml", b"<ping/>")
    seal, *files = write_evidence(tmp_path, EVIDENCE, (picture, message))
    said = json.loads(seal.read_text())
    assert (said["omgeving"], said["oin"], said["step"], said["sandbox"]) == ("pre", OIN, "3.6", False)
    assert [each["name"] for each in said["files"]] == [file.name for file in files]
    for each, file in zip(said["files"], files, strict=True):
        assert each["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {file.suffix for file in files} == {".pdf", ".png", ".xml"}
    assert len(PdfReader(files[0]).pages[0].images) == 1


LATER = replace(EVIDENCE, made_at=datetime(2026, 12, 1, tzinfo=UTC), made_by="een ander")


def test_what_says_the_same_is_not_made_again_and_nothing_is_written_over(tmp_path: Path) -> None:
    message = Attachment("ping.xml", "application/xml", b"<ping/>")
    first = write_evidence(tmp_path, EVIDENCE, (message,))
    assert write_evidence(tmp_path, LATER, (message,)) == first
    for other, attached in ((replace(LATER, sections=()), (message,)), (LATER, ())):
        made = write_evidence(tmp_path, other, attached)
        assert set(made).isdisjoint(first)
        assert write_evidence(tmp_path, replace(other, made_at=EVIDENCE.made_at), attached) == made
        shutil.rmtree(made[0].parent)


def test_what_was_changed_or_cut_short_is_told_and_made_anew(tmp_path: Path) -> None:
    seal, pdf, *_ = write_evidence(tmp_path, EVIDENCE)
    said, files = read_evidence(seal)
    assert (said["step"], files[:2]) == ("3.6", (seal, pdf))
    pdf.write_bytes(b"%PDF nagemaakt")
    with pytest.raises(ConfigError, match="was changed"):
        read_evidence(seal)
    again = write_evidence(tmp_path, LATER)
    assert seal not in again
    again[0].unlink()
    with pytest.raises(ConfigError, match="No such file"):
        read_evidence(again[0])
    assert write_evidence(tmp_path, replace(LATER, made_at=datetime(2026, 12, 2, tzinfo=UTC)))[0] != again[0]


def test_a_picture_that_is_none_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be typeset"):
        write_evidence(tmp_path, EVIDENCE, (Attachment("scherm.png", "image/png", b"no picture"),))
    assert list(tmp_path.iterdir()) == []
