"""Whatever an applicant called a file, its name in the case folder is safe, its own, and still recognisable."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.adapters.casesystems.filenames import MAX_BYTES, FileNames, safe_name

ATTACKS = {
    "../../etc/passwd": "_.._etc_passwd",
    "..\\..\\windows\\win.ini": "_.._windows_win.ini",
    "/etc/passwd": "_etc_passwd",
    "C:\\autoexec.bat": "C__autoexec.bat",
    "..": "",
    ".": "",
    "": "",
    "   ": "",
    "\u3000\u00a0": "",
    ".bashrc": "bashrc",
    "gevel.pdf ": "gevel.pdf",
    "gevel.pdf.": "gevel.pdf",
    "a\0b.pdf": "ab.pdf",
    "regel\neinde.pdf": "regel einde.pdf",
    "\x1b[31mrood.pdf": "[31mrood.pdf",
    "factuur\u202efdp.exe": "factuurfdp.exe",
    "nul\u200bruimte.pdf": "nulruimte.pdf",
    "CON": "_CON",
    "con.txt": "_con.txt",
    "LPT1.tar.gz": "_LPT1.tar.gz",
    "com².pdf": "_com².pdf",
    "controle.pdf": "controle.pdf",
    'plan "A" <def>|*?.pdf': "plan _A_ _def____.pdf",
    "bestand.pdf::$DATA": "bestand.pdf__$DATA",
    "ge\u0308ve\u0301l.pdf": "gëvél.pdf",
    "Straße 北京.pdf": "Straße 北京.pdf",
    "half\ud800.pdf": "half.pdf",
    "priv\ue000.pdf": "priv.pdf",
}


@pytest.mark.parametrize(("wanted", "expected"), ATTACKS.items(), ids=map(ascii, ATTACKS))
def test_a_name_that_could_do_harm_is_tamed(wanted: str, expected: str) -> None:
    assert safe_name(wanted) == expected


def test_a_long_name_keeps_its_extension_and_whole_characters() -> None:
    name = safe_name("é" * 300 + ".pdf")
    assert name.endswith("é.pdf")
    assert MAX_BYTES - 2 < len(name.encode()) <= MAX_BYTES


def test_the_same_name_twice_gets_a_number_before_the_extension() -> None:
    names = FileNames()
    wanted = ["gevel.pdf", "gevel.pdf", "GEVEL.PDF", "gevel (2).pdf", "gevel"]
    given_names = [names.give(name, "bijlage") for name in wanted]
    assert given_names == ["gevel.pdf", "gevel (2).pdf", "GEVEL (3).PDF", "gevel (2) (2).pdf", "gevel"]


def test_a_name_in_use_is_not_given() -> None:
    assert FileNames("manifest.json").give("Manifest.JSON", "x") == "Manifest (2).JSON"


def test_ten_thousand_files_of_one_name_are_no_trouble() -> None:
    names = FileNames()
    assert len({names.give("gevel.pdf", "x") for _ in range(10_000)}) == 10_000


nasty = st.text(
    st.one_of(st.characters(), st.sampled_from('/\\:.. *?"<>|\0\r\n\u202e\u0301\u0338e=CONconlpt1²\u00a0\U0001f600')),
    max_size=260,
)


@given(nasty)
def test_every_name_is_one_safe_path_segment(wanted: str) -> None:
    name = safe_name(wanted)
    assert len(name.encode()) <= MAX_BYTES
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(character).startswith("C") for character in name)
    assert name == unicodedata.normalize("NFC", name)
    assert name == name.strip(". ")
    assert safe_name(name) == name


@given(st.lists(nasty, max_size=12))
def test_every_file_gets_a_name_of_its_own_on_every_file_system(wanted: list[str]) -> None:
    names = FileNames("manifest.json")
    given_names = [names.give(name, "bijlage") for name in wanted]
    assert len({unicodedata.normalize("NFKC", name.casefold()) for name in given_names}) == len(wanted)
    assert all(0 < len(name.encode()) <= MAX_BYTES for name in given_names)
