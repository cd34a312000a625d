"""inhoud.xml and its zip: as a supplier's real one, always the same bytes, and read back strictly."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.shared import shared_data
from tests.unit.drop.notices import BESLUIT

from digikoppelaar import xml
from digikoppelaar.drop.inhoud import (
    INHOUD_LIMIT,
    ZIP_LIMIT,
    Flaw,
    Markup,
    inhoud_xml,
    inhoud_zip,
    plainer,
    read_inhoud,
    read_inhoud_zip,
    unpack,
)
from digikoppelaar.drop.model import Alinea, Blok, Kennisgeving, Lijst, Punt, Stuk, Tussenkop
from digikoppelaar.drop.opmaak import one_line
from digikoppelaar.errors import AanleveringError, PartnerError, SubmissionError

ALL = frozenset(Markup)


def notice(titel: str, *tekst: Blok) -> Kennisgeving:
    return replace(BESLUIT, titel=titel, tekst=tekst)


def line(text: str, *, vet: str = "") -> Alinea:
    return Alinea((Stuk(vet, vet=True), Stuk(text)) if vet else (Stuk(text),))


def inner(kennisgeving: Kennisgeving, accepted: frozenset[Markup] = frozenset()) -> str:
    """What is in `inhoud`."""
    document = inhoud_xml(kennisgeving, accepted).decode()
    return document.partition("<inhoud>")[2].partition("</inhoud>")[0]


# --- As the one sample that is public --------------------------------------------------------------------------------

SAMPLE = notice(
    "testingtest",
    line("'t Boske 301 , Aalten", vet="Locatie: "),
    line("Reguliere procedure", vet="Omschrijving: "),
    line("2018W0081", vet="Registratienummer: "),
    line("03-09-2021", vet="Publicatiedatum: "),
    line("01-09-2021", vet="Datum aanvraag: "),
    Alinea(),
    line(
        "U kunt de ingediende aanvraag inzien bij de publieksbalie van het stadskantoor. U kunt geen bezwaar "
        "maken tegen een aangevraagde vergunning. Dit is pas mogelijk nadat de vergunning is verleend."
    ),
)


def normalized(element: etree._Element) -> object:
    """Everything in it, with each run of white space as one blank and none at the ends."""
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    children = [(normalized(child), " ".join((child.tail or "").split())) for child in element]
    return element.tag, attributes, " ".join((element.text or "").split()), children


def test_the_public_sample_of_a_supplier_can_be_made() -> None:
    sample = shared_data("koop", "openwave", "aanlevering-inhoud.xml").read_bytes()
    copying_error = b"2013-10-  08/xsd"  # in the page that it was copied from
    assert sample.count(copying_error) == 1
    theirs = xml.parse(sample.replace(copying_error, b"2013-10-08/xsd"), limit=100_000)
    ours = xml.parse(inhoud_xml(SAMPLE), limit=100_000)
    assert normalized(ours) == normalized(theirs)


def test_the_public_sample_is_read() -> None:
    titel, tekst = read_inhoud(shared_data("koop", "openwave", "aanlevering-inhoud.xml").read_bytes())
    assert titel == "testingtest"
    assert tekst[:2] == SAMPLE.tekst[:2]
    assert len(tekst) == len(SAMPLE.tekst)


# --- Bytes -----------------------------------------------------------------------------------------------------------


def test_the_bytes_of_a_kennisgeving_never_change() -> None:
    packed = inhoud_zip(BESLUIT)
    assert packed == inhoud_zip(BESLUIT)
    assert hashlib.sha256(packed).hexdigest() == "612126016f47ea27d09ca4ce7f6e7f637cc352ac0aa563ba35213b7edea82f3b"


def test_the_zip_holds_one_file_of_no_moment_and_no_machine() -> None:
    with zipfile.ZipFile(io.BytesIO(inhoud_zip(BESLUIT))) as archive:
        [entry] = archive.infolist()
        assert (entry.filename, entry.date_time, entry.create_system) == ("inhoud.xml", (1980, 1, 1, 0, 0, 0), 3)
        assert archive.read(entry) == inhoud_xml(BESLUIT)


# --- What is written of a text ---------------------------------------------------------------------------------------


def test_what_is_not_known_to_be_accepted_is_written_with_al_and_nadruk() -> None:
    assert inner(BESLUIT) == (
        '<al><nadruk type="vet">Waarom publiceert de gemeente dit bericht?</nadruk></al>'
        '<al><nadruk type="vet">Zaaknummer: </nadruk>Z2026-0001 &amp; &lt;meer&gt;</al>'
        "<al/>"
        "<al>1. het kappen van een boom;</al>"
        "<al>2. het planten van een boom;</al>"
        "<al>binnen een jaar.</al>"
        "<al>Meer staat op onze site (https://www.voorbeeldstad.test/kap?a=1&amp;b=2).</al>"
    )


def test_what_is_accepted_is_written_as_what_it_is() -> None:
    assert inner(BESLUIT, ALL) == (
        "<tussenkop>Waarom publiceert de gemeente dit bericht?</tussenkop>"
        '<al><nadruk type="vet">Zaaknummer: </nadruk>Z2026-0001 &amp; &lt;meer&gt;</al>'
        "<al/>"
        "<lijst><li><li.nr>1.</li.nr><al>het kappen van een boom;</al></li>"
        "<li><li.nr>2.</li.nr><al>het planten van een boom;</al><al>binnen een jaar.</al></li></lijst>"
        '<al>Meer staat op <extref doc="https://www.voorbeeldstad.test/kap?a=1&amp;b=2">onze site</extref>.</al>'
    )


@pytest.mark.parametrize(
    ("stuk", "written"),
    [
        (Stuk("info@gemeente.test", link="mailto:info@gemeente.test"), "info@gemeente.test"),
        (Stuk("mail ons", link="mailto:info@gemeente.test"), "mail ons (info@gemeente.test)"),
        (Stuk("https://a.test/", link="https://a.test/"), "https://a.test/"),
        (Stuk("", link="https://a.test/"), "https://a.test/"),
        (Stuk("hier", vet=True, link="https://a.test/"), '<nadruk type="vet">hier (https://a.test/)</nadruk>'),
    ],
)
def test_the_address_of_a_link_stays_readable(stuk: Stuk, written: str) -> None:
    assert inner(notice("t", Alinea((stuk,)))) == f"<al>{written}</al>"


def test_a_link_in_bold_is_both_where_links_are_accepted() -> None:
    written = inner(notice("t", Alinea((Stuk("hier", vet=True, link="https://a.test/"),))), ALL)
    assert written == '<al><nadruk type="vet"><extref doc="https://a.test/">hier</extref></nadruk></al>'


def test_an_item_without_mark_or_without_text_is_not_lost() -> None:
    items = Lijst((Punt("", (line("los"),)), Punt("3.", ())))
    assert inner(notice("t", items)) == "<al>los</al><al>3.</al>"


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1b", "\x7f", "\x85", "\ud800", "\ufffe", "\ufdd0"])
@pytest.mark.parametrize(
    ("where", "make"),
    [
        ("de titel", lambda bad: notice(f"t{bad}", line("x"))),
        ("de tekst", lambda bad: notice("t", line(f"x{bad}"))),
        ("het adres van een link", lambda bad: notice("t", Alinea((Stuk("x", link=f"x{bad}"),)))),
        ("het nummer in een lijst", lambda bad: notice("t", Lijst((Punt(f"1{bad}", (line("x"),)),)))),
    ],
)
def test_a_character_that_nobody_can_see_is_refused_with_its_place(bad: str, where: str, make: object) -> None:
    assert callable(make)
    with pytest.raises(SubmissionError) as caught:
        inhoud_xml(make(bad), ALL)
    assert f"U+{ord(bad):04X} op positie 2 van {where} " in caught.value.advice
    assert bad not in str(caught.value)


def test_line_ends_and_tabs_are_kept_as_white_space() -> None:
    assert inner(notice("t", line("een\r\ntwee\rdrie\tvier"))) == "<al>een\ntwee\ndrie\tvier</al>"


@pytest.mark.parametrize("empty", [notice(" \n", line("x")), notice("t")])
def test_without_title_or_text_nothing_is_made(empty: Kennisgeving) -> None:
    with pytest.raises(SubmissionError, match="without title or text"):
        inhoud_xml(empty)


# --- Reading back ----------------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=8)
stukken = st.builds(Stuk, texts, st.booleans(), st.none() | st.just("https://a.test/?x=1&y=2"))
regels = st.lists(stukken, max_size=4).map(tuple)
alineas = st.builds(Alinea, regels)
lijsten = st.builds(
    Lijst, st.lists(st.builds(Punt, texts, st.lists(alineas, max_size=3).map(tuple)), max_size=3).map(tuple)
)
blokken = st.lists(alineas | st.builds(Tussenkop, regels) | lijsten, min_size=1, max_size=4)


@given(texts.filter(one_line), blokken, st.frozensets(st.sampled_from(list(Markup))))
def test_what_is_read_back_is_what_was_written(titel: str, tekst: Sequence[Blok], accepted: frozenset[Markup]) -> None:
    packed = inhoud_zip(notice(titel, *tekst), accepted)
    # A text that held nothing but lists without items has no paragraph left.
    if plain := plainer(tekst, accepted):
        assert read_inhoud_zip(packed, accepted) == (titel, plain)


GOOD = inhoud_xml(SAMPLE)


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        (b"aanlevering", b"levering", Flaw.ROOT),
        (b"<aanlevering ", b'<aanlevering xmlns="urn:x" ', Flaw.ROOT),
        (b"<kop><titel>testingtest</titel></kop>", b"", Flaw.TITEL),
        (b"<titel>testingtest</titel>", b"", Flaw.TITEL),
        (b"testingtest", b" \n", Flaw.TITEL),
        (b"testingtest", b"<nadruk type='vet'>x</nadruk>", Flaw.INHOUD),
        (b"<zakelijke-mededeling><kop>", b"<zakelijke-mededeling>text<kop>", Flaw.INHOUD),
        (b"zakelijke-mededeling-tekst", b"tekst", Flaw.TITEL),
        (b"inhoud>", b"tekst>", Flaw.INHOUD),
        (b"<al/>", b"<al><al/></al>", Flaw.INHOUD),
        (b"<al/>", b"<tussenkop>x</tussenkop>", Flaw.INHOUD),
        (b"<al/>", b"<lijst/>", Flaw.INHOUD),
        (b"<al/>", b"<al><extref doc='https://a.test/'>x</extref></al>", Flaw.INHOUD),
        (b"<al/>", b"<al><nadruk type='cur'>x</nadruk></al>", Flaw.INHOUD),
        (b"<al/>", b"<al><nadruk>x</nadruk></al>", Flaw.INHOUD),
        (b"<al/>", b"<al><nadruk type='vet' id='1'>x</nadruk></al>", Flaw.INHOUD),
        (b"</aanlevering>", b"", Flaw.INHOUD),
        (b"<aanlevering", b"<!DOCTYPE a><aanlevering", Flaw.INHOUD),
    ],
)
def test_a_document_of_another_structure_is_refused(old: bytes, new: bytes, flaw: Flaw) -> None:
    assert old in GOOD
    with pytest.raises(AanleveringError) as caught:
        read_inhoud(GOOD.replace(old, new))
    assert caught.value.reason == flaw


@pytest.mark.parametrize("bad", ["<lijst>x</lijst>", "<lijst><al/></lijst>", "<lijst><li/></lijst>"])
def test_a_list_of_another_structure_is_refused(bad: str) -> None:
    with pytest.raises(AanleveringError):
        read_inhoud(GOOD.replace(b"<al/>", bad.encode()), ALL)


def test_a_text_without_paragraphs_is_refused() -> None:
    head, _, rest = GOOD.partition(b"<inhoud>")
    with pytest.raises(AanleveringError, match="no text"):
        read_inhoud(head + b"<inhoud/>" + rest.partition(b"</inhoud>")[2])


def test_comments_and_inner_looks_do_not_break_a_line() -> None:
    mixed = b"<al>a<!-- c -->b<extref doc='u:x'>c<nadruk type='vet'>d</nadruk></extref></al>"
    _, tekst = read_inhoud(GOOD.replace(b"<al/>", mixed), ALL)
    assert tekst[5] == Alinea((Stuk("ab"), Stuk("c", link="u:x"), Stuk("d", vet=True, link="u:x")))


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def encrypted(packed: bytes) -> bytes:
    """With the flag of encryption, in the local and in the central header."""
    central = packed.index(b"PK\x01\x02")
    return b"".join([packed[:6], b"\x01", packed[7 : central + 8], b"\x01", packed[central + 9 :]])


BAD_ZIPS = {
    "empty": b"",
    "no zip": GOOD,
    "no file": zipped(),
    "another name": zipped(("Inhoud.xml", GOOD)),
    "in a folder": zipped(("a/inhoud.xml", GOOD)),
    "a file more": zipped(("inhoud.xml", GOOD), ("plaatje.png", b"")),
    "cut": inhoud_zip(SAMPLE)[:-30],
    "something before it": b"MZ" + inhoud_zip(SAMPLE),
    "another checksum": inhoud_zip(SAMPLE).replace(b"testingtest", b"testingtesT"),
    "encrypted": encrypted(inhoud_zip(SAMPLE)),
    "a rare kind": zipped(("inhoud.xml", GOOD), method=zipfile.ZIP_BZIP2),
    "a bomb": zipped(("inhoud.xml", bytes(INHOUD_LIMIT + 1))),
    "too large": zipped(("inhoud.xml", bytes(ZIP_LIMIT)), method=zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("which", BAD_ZIPS)
def test_a_zip_with_anything_but_one_good_file_is_refused(which: str) -> None:
    with pytest.raises(AanleveringError) as caught:
        unpack(BAD_ZIPS[which])
    assert caught.value.reason == Flaw.ZIP


def test_a_bomb_is_not_unpacked_even_when_it_lies_about_its_size() -> None:
    bomb = zipped(("inhoud.xml", bytes(200 * 1024 * 1024)))
    size = (200 * 1024 * 1024).to_bytes(4, "little")
    assert len(bomb) < ZIP_LIMIT
    with pytest.raises(AanleveringError):
        unpack(bomb.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(AanleveringError, match="over"):
        unpack(bomb)


def test_a_compressed_zip_of_somebody_else_is_read() -> None:
    assert read_inhoud_zip(zipped(("inhoud.xml", GOOD))) == (SAMPLE.titel, SAMPLE.tekst)


@given(st.integers(0, len(inhoud_zip(SAMPLE)) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_read_or_refused_and_nothing_else(place: int, value: int) -> None:
    packed = bytearray(inhoud_zip(SAMPLE))
    packed[place] = value
    try:
        titel, _ = read_inhoud_zip(bytes(packed))
    except PartnerError:
        return
    assert titel == SAMPLE.titel  # the checksum keeps the text as it was
