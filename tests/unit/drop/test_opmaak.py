"""The form of a text is read strictly, and a value in it never changes it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.drop.model import Alinea, Blok, Lijst, Punt, Stuk, Tussenkop, plain
from digikoppelaar.drop.opmaak import escape, is_link, one_line, parse, written
from digikoppelaar.errors import SubmissionError

TEXTS = st.text(st.one_of(st.sampled_from("\\*[]()#- \n\t.:/"), st.characters()), max_size=40)


@pytest.mark.parametrize(
    ("text", "blokken"),
    [
        ("", ()),
        ("\n \n", ()),
        ("Een zin.", (Alinea((Stuk("Een zin."),)),)),
        (
            "Een zin\nover twee regels.\r\n\r\nNog een.",
            (Alinea((Stuk("Een zin over twee regels."),)), Alinea((Stuk("Nog een."),))),
        ),
        ("# Kop", (Tussenkop((Stuk("Kop"),)),)),
        ("# Kop\ntekst", (Tussenkop((Stuk("Kop"),)), Alinea((Stuk("tekst"),)))),
        ("# Een\n# Twee", (Tussenkop((Stuk("Een"),)), Tussenkop((Stuk("Twee"),)))),
        ("zo **vet** is", (Alinea((Stuk("zo "), Stuk("vet", vet=True), Stuk(" is"))),)),
        ("[hier](https://a.example/b_c)", (Alinea((Stuk("hier", link="https://a.example/b_c"),)),)),
        ("**[hier](mailto:a@b.example)**", (Alinea((Stuk("hier", vet=True, link="mailto:a@b.example"),)),)),
        (r"\*\[a\]\# \- \\", (Alinea((Stuk("*[a]# - \\"),)),)),
        ("(tussen haakjes) - en #1", (Alinea((Stuk("(tussen haakjes) - en #1"),)),)),
        (
            "- een\n- **twee**",
            (Lijst((Punt("-", (Alinea((Stuk("een"),)),)), Punt("-", (Alinea((Stuk("twee", vet=True),)),)))),),
        ),
    ],
)
def test_the_form_gives_these_blocks(text: str, blokken: tuple[Blok, ...]) -> None:
    assert parse(text) == blokken


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ok\n\n#Kop", 3),
        ("## Kop", 1),
        ("-item", 1),
        ("- een\n-twee", 2),
        ("**open", 1),
        ("# # ****", 1),
        ("# ****", 1),
        ("- een\n- ****", 2),
        ("een * ster", 1),
        ("[geen link]", 1),
        ("[leeg]()", 1),
        ("[a](javascript:alert\\(1\\))", 1),
        ("[a](https://)", 1),
        ("[a](//b.example)", 1),
        ("[a](https://b.example/met spatie)", 1),
        ("een ] haak", 1),
        ("een \\ schuine streep", 1),
        ("onzichtbaar\u202e", 1),
        ("nul\x00", 1),
    ],
)
def test_what_has_no_known_form_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SubmissionError) as caught:
        parse(text)
    assert caught.value.advice.startswith(f"Regel {line} van de tekst: ")


@given(TEXTS.filter(one_line))
def test_a_value_is_read_back_as_it_was_on_one_line(value: str) -> None:
    read = parse(f"- **{escape(value)}**x")
    assert read == (Lijst((Punt("-", (Alinea((Stuk(one_line(value), vet=True), Stuk("x"))),)),)),)


@given(TEXTS)
def test_a_value_alone_on_a_line_is_a_paragraph_with_that_text(value: str) -> None:
    text = one_line(value)
    assert parse(escape(value)) == ((Alinea((Stuk(text),)),) if text else ())


FORMS = st.sampled_from(
    ["# ", "- ", "**", "**", "[x](https://a.example/b_c\\(1\\))", "\\*", "\\-", "\n", "\n\n", "tekst", " "]
)


@given(st.lists(st.one_of(FORMS, TEXTS), max_size=15))
def test_what_was_read_and_written_again_reads_the_same(pieces: list[str]) -> None:
    blokken: tuple[Blok, ...] = ()
    with suppress(SubmissionError):
        blokken = parse("".join(pieces))
    assert parse(written(blokken)) == blokken


def test_what_is_bold_with_a_link_in_it_is_written_as_one_stretch() -> None:
    text = "**a [x](https://a.example/) b** c"
    assert written(parse(text)) == text


def test_what_this_form_does_not_have_is_written_as_near_as_can_be() -> None:
    punten = (Punt("1.", (Alinea((Stuk("een"),)), Alinea((Stuk("twee"),)))), Punt("-", (Alinea((Stuk("# drie"),)),)))
    assert written((Alinea(), Lijst(punten), Alinea((Stuk("- vier"),)))) == "- 1. een twee\n- \\# drie\n\n\\- vier"


@given(TEXTS)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SubmissionError):
        assert plain(parse(text)) or not one_line(text)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a.example/x?y=1#z", True),
        ("http://a.example", True),
        ("mailto:info@a.example", True),
        ("mailto:", False),
        ("data:text/html,x", False),
        ("https://[::1", False),
        ("HTTPS://a.example", True),
        ("/relatief", False),
    ],
)
def test_only_web_and_mail_addresses_are_links(url: str, *, good: bool) -> None:
    assert is_link(url) == good
