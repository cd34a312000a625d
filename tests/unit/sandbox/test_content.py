"""Generated verzoeken and their bijlagen."""

import hashlib
import io
import random
import re
import tracemalloc
import zlib
from datetime import UTC, date, datetime

import pytest

from digikoppelaar.sandbox.bijlagen import CHUNK, make_bijlagen
from digikoppelaar.sandbox.content import invent
from digikoppelaar.sandbox.model import Bedrijf, BevoegdGezag, Head, Inhoud, Persoon, Soort
from digikoppelaar.sandbox.pdf import publishable
from digikoppelaar.sandbox.verzoek_document import notification_xml, verzoek_xml, verzoeknummer
from digikoppelaar.stam.notification import read_notification
from digikoppelaar.xml import local_name, parse

GEMEENTE = BevoegdGezag("00000099000000002000", "Gemeente Oeverloo")
NOW = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)


def head(inhoud: Inhoud) -> Head:
    return Head("2026060200019", 0, inhoud.doel, NOW, GEMEENTE)


def texts(document: bytes, name: str) -> list[str]:
    return [element.text or "" for element in parse(document, limit=1 << 20).iter() if local_name(element) == name]


def many(soort: Soort, number: int = 60) -> list[Inhoud]:
    chance = random.Random(3)
    return [invent(soort, chance) for _ in range(number)]


@pytest.mark.parametrize("soort", Soort)
def test_the_same_seed_gives_the_same_verzoek(soort: Soort) -> None:
    assert invent(soort, random.Random(5)) == invent(soort, random.Random(5))


@pytest.mark.parametrize("soort", Soort)
def test_every_invented_verzoek_becomes_well_formed_xml_with_its_facts(soort: Soort) -> None:
    for inhoud in many(soort):
        document = verzoek_xml(head(inhoud), inhoud, [])
        assert texts(document, "verzoeknummer") == ["2026060200019"]
        assert texts(document, "type") == [inhoud.type]
        assert texts(document, "doel") == [inhoud.doel]
        assert texts(document, "oin") == [GEMEENTE.oin]
        assert texts(document, "antwoord") == [item.antwoord for item in inhoud.specificaties]


def test_a_conceptverzoek_has_its_own_doel() -> None:
    assert {inhoud.doel for inhoud in many(Soort.CONCEPTVERZOEK)} == {"Conceptverzoek"}


def test_a_bsn_is_from_the_range_for_tests_and_right_by_the_eleven_test_or_absent() -> None:
    people = [one.initiatiefnemer for one in many(Soort.MELDING, 200) if isinstance(one.initiatiefnemer, Persoon)]
    numbers = {person.bsn for person in people}
    assert "000000000" in numbers
    for bsn in numbers - {"000000000"}:
        assert re.fullmatch(r"99999\d{4}", bsn)
        weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
        assert sum(weight * int(digit) for weight, digit in zip(weights, bsn, strict=True)) % 11 == 0


def test_a_contactpersoon_comes_only_with_a_company_that_submits() -> None:
    for inhoud in many(Soort.VERGUNNINGAANVRAAG):
        document = verzoek_xml(head(inhoud), inhoud, [])
        submitter = inhoud.gemachtigde or inhoud.initiatiefnemer
        assert (b"<vx:contactpersoon>" in document) == isinstance(submitter, Bedrijf)


def test_every_bijlage_is_named_in_the_verzoek_also_those_beyond_what_was_asked() -> None:
    inhoud = invent(Soort.INFORMATIE, random.Random(1))
    bijlagen = make_bijlagen(["txt", "png", 10], inhoud.bijlagen, random.Random(2))
    document = verzoek_xml(head(inhoud), inhoud, bijlagen)
    assert texts(document, "documentId") == [bijlage.document_id for bijlage in bijlagen]
    assert texts(document, "bestandsnaam") == [bijlage.bestandsnaam for bijlage in bijlagen]
    assert len(inhoud.bijlagen) < len(bijlagen)


def test_the_notification_is_read_by_the_gateway() -> None:
    assert read_notification(notification_xml("2026060200019")).verzoeknummer == "2026060200019"


def test_a_verzoeknummer_is_the_day_and_a_serial_number() -> None:
    assert verzoeknummer(date(2026, 6, 2), 19) == "2026060200019"
    with pytest.raises(ValueError, match="100000"):
        verzoeknummer(date(2026, 6, 2), 100_000)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3_000_000])
def test_a_bijlage_has_the_size_that_was_asked_and_the_hash_that_was_announced(size: int) -> None:
    (bijlage,) = make_bijlagen([size], ["Tekening"], random.Random(4))
    content = b"".join(bijlage.chunks())
    assert len(content) == size == bijlage.size
    assert hashlib.sha256(content).digest() == bijlage.sha256


def test_a_large_bijlage_is_never_whole_in_memory() -> None:
    tracemalloc.start()
    (bijlage,) = make_bijlagen([25 * 1024 * 1024], ["Tekening"], random.Random(4))
    for _ in bijlage.chunks():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


def test_small_bijlagen_are_real_files() -> None:
    pdf, png, text = make_bijlagen(["pdf", "png", "txt"], ["Foto's façade"], random.Random(4))
    assert b"".join(pdf.chunks()).startswith(b"%PDF-")
    assert "Foto's façade" in b"".join(text.chunks()).decode()
    stream = io.BytesIO(b"".join(png.chunks()))
    assert stream.read(8) == b"\x89PNG\r\n\x1a\n"
    while length := stream.read(4):
        name_and_data = stream.read(4 + int.from_bytes(length))
        assert int.from_bytes(stream.read(4)) == zlib.crc32(name_and_data)
    assert name_and_data == b"IEND"


def test_the_publishable_pdf_is_the_same_each_time() -> None:
    inhoud = invent(Soort.VERGUNNINGAANVRAAG, random.Random(9))
    first, again = (publishable(head(inhoud), inhoud) for _ in range(2))
    assert first == again
    assert first.startswith(b"%PDF-")
