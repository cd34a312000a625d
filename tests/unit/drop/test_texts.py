"""Templates: read strictly, chosen from most to least specific, filled in without a value changing the form."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.adapters.notice_templates import default_templates
from digikoppelaar.drop.model import Alinea, Data, Moment, Periode, Procedure, Stuk, Uitkomst, plain
from digikoppelaar.drop.opmaak import one_line, parse, written
from digikoppelaar.drop.preview import as_html, as_text
from digikoppelaar.drop.texts import COMBINATIONS, For, TextTemplate, chosen, has_gaps, read_template, values_of
from digikoppelaar.drop.variables import VARIABLES
from digikoppelaar.errors import ConfigError, SubmissionError

EXAMPLES = {name: variable.example for name, variable in VARIABLES.items()}
TEMPLATES = default_templates()


def read(text: str, titel: str = "Titel") -> TextTemplate:
    return read_template("proef", f"titel: {titel}\n\n{text}\n")


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("Tekst zonder titel", "proef: its first line"),
        ("titel: {{ naam_aanvrager }}\n\nTekst", "proef: there is no naam_aanvrager; there is bestuursorgaan"),
        ("titel: T\n\n{% if bsn %}x{% endif %}y", "proef: there is no bsn"),
        ("titel: T\n\n{{ plaats", "proef, line 3"),
        ("titel: T\n\n{% for a in plaats %}x{% endfor %}", "proef, line 3: `for` is more than a template can do"),
        ("titel: T\n\n{{ plaats.__class__ }}", "`getattr` is more"),
        ("titel: T\n\n{{ plaats | upper }}", "`filter` is more"),
        ("titel: T\n\n{% include 'x' %}", "`include` is more"),
        ("titel: T\n\n{% set plaats = 'x' %}y", "`assign` is more"),
        ("titel: T\n\n{{ 1e999 }}", "`const` is more"),
        (f"titel: T\n\n{'{% if plaats %}' * 2000}x{'{% endif %}' * 2000}", "nests too deep"),
        (f"titel: T\n\n{{% if plaats == {'9' * 5000} %}}x{{% endif %}}y", "a number that is too large"),
        ("titel: T\n\n{{ self }}", "cannot stand in a text"),
        ("titel: T\n\n{{ planafwijking }}", "cannot stand in a text"),
        ("titel: T\n\nEen ** te veel", "no known form"),
        ("titel: T\n\n{% if uitkomst == 'geweigerd' %}Een ** te veel{% else %}goed{% endif %}", "no known form"),
        ("titel: T\n\n{% if inzage_link %}goed{% else %}Een ** te veel{% endif %}", "no known form"),
        ("titel: T\n\n[x]({{ plaats }})", "no known form"),
        ("titel: T\n", "no title or no text"),
        ("titel:\n\nTekst", "no title or no text"),
    ],
)
def test_a_template_that_cannot_be_right_is_refused_when_it_is_read(source: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_template("proef", source)
    assert told in str(caught.value)
    assert caught.value.advice != ConfigError.default_advice


def test_markup_and_signs_of_the_template_itself_are_text() -> None:
    assert plain(read("<al>Kapot <b> & {{ '{{' }}").render({}).blokken) == "<al>Kapot <b> & {{"


def test_what_has_no_value_is_named_all_at_once_and_in_dutch() -> None:
    template = read("{{ plaats }} {{ telefoon }} {{ ontvangst }}", titel="{{ activiteit }}")
    with pytest.raises(SubmissionError) as caught:
        template.render({"telefoon": "14 0123", "activiteit": " \n"})
    assert caught.value.advice == (
        "Vul in: activiteit (waarvoor de vergunning is), plaats (waar het is), "
        "ontvangst (de dag waarop de aanvraag is ontvangen)."
    )


def test_what_only_a_condition_asks_for_may_be_absent() -> None:
    template = read("{% if inzage_link %}[hier]({{ inzage_link }}){% else %}Nergens.{% endif %}")
    assert template.render({}).blokken == (Alinea((Stuk("Nergens."),)),)


def test_what_is_compared_must_be_there() -> None:
    template = read("{% if uitkomst == 'verleend' %}ja{% else %}nee{% endif %}")
    assert template.missing({}) == ("uitkomst",)
    assert template.render({"uitkomst": Uitkomst.GEWEIGERD}).opmaak == "nee"


def test_a_link_that_leads_nowhere_good_is_refused_when_it_is_filled_in() -> None:
    with pytest.raises(SubmissionError):
        read("[hier]({{ inzage_link }})").render({"inzage_link": "javascript:alert(1)"})


@given(st.text(st.one_of(st.sampled_from("\\*[]()#-{}% \n"), st.characters()), max_size=40))
def test_a_value_never_changes_the_form(value: str) -> None:
    template = read("# Kop {{ plaats }}\n\n- {{ plaats }}\n- **a {{ plaats }} b**\n\n{{ plaats }}.", "T {{ plaats }}")
    if not one_line(value):
        assert template.missing({"plaats": value}) == ("plaats",)
        return
    text = template.render({"plaats": value})
    told = plain(text.blokken).split("\n")
    shown = one_line(value)
    assert told == [f"Kop {shown}", f"- {shown}", f"- a {shown} b", f"{shown}."]
    assert text.titel == f"T {one_line(value)}"


# --- gaps ---


@pytest.mark.parametrize("key", TEMPLATES, ids=lambda key: f"{key.procedure}-{key.moment}")
def test_what_nobody_knows_is_a_mark_that_is_found_again(key: For) -> None:
    """Of any one value that is not there, and of all of them."""
    whole = TEMPLATES[key].render_with_gaps(EXAMPLES)
    assert not has_gaps(as_text(whole.titel, whole.blokken))
    for missing in ([name] for name in TEMPLATES[key].missing({"uitkomst": "verleend"})):
        values = {name: value for name, value in EXAMPLES.items() if name not in missing}
        text = TEMPLATES[key].render_with_gaps(values)
        assert has_gaps(as_text(text.titel, text.blokken)), missing
    empty = TEMPLATES[key].render_with_gaps({"uitkomst": "verleend"})
    assert parse(written(empty.blokken)) == empty.blokken
    assert "[[waar het is]]" in empty.titel


# --- choosing --------------------------------------------------------------------------------------------------------


def test_the_most_specific_template_is_chosen() -> None:
    def key(organisatie: str | None, zaaktype: str | None) -> For:
        return For(Procedure.REGULIER, Moment.BESLUIT, organisatie, zaaktype)

    oin = "00000099000000001000"
    order = [key(oin, "kap"), key(oin, None), key(None, "kap"), key(None, None)]
    templates = {each: read("Tekst") for each in order}
    for expected in order:
        assert chosen(templates, key(oin, "kap")) is templates[expected]
        del templates[expected]
    with pytest.raises(ConfigError, match="regulier and besluit"):
        chosen(templates, key(oin, "kap"))


def test_a_template_of_another_organisatie_is_never_chosen() -> None:
    mine = For(Procedure.REGULIER, Moment.BESLUIT, "00000099000000001000")
    templates = {mine: read("Van mij")}
    with pytest.raises(ConfigError):
        chosen(templates, For(Procedure.REGULIER, Moment.BESLUIT, "00000099000000002000", "kap"))


# --- the templates that come with the program ------------------------------------------------------------------------


def test_there_is_one_for_every_combination() -> None:
    assert {(key.procedure, key.moment) for key in TEMPLATES} == COMBINATIONS
    assert all(key.organisatie is None and key.zaaktype is None for key in TEMPLATES)


@pytest.mark.parametrize("key", TEMPLATES, ids=lambda key: f"{key.procedure}-{key.moment}")
def test_every_notice_has_what_finds_the_case_again_and_no_person(key: For) -> None:
    text = TEMPLATES[key].render(EXAMPLES)
    read_text = as_text(text.titel, text.blokken)
    for name in ("activiteit", "plaats", "referentienummer", "telefoon", "bestuursorgaan"):
        assert str(EXAMPLES[name]) in read_text
    assert str(EXAMPLES["plaats"]) in text.titel
    assert parse(written(text.blokken)) == text.blokken
    assert not {"aanvrager", "naam"} & set(VARIABLES)


@pytest.mark.parametrize(
    ("procedure", "moment", "words"),
    [
        ("regulier", "aanvraag", ("1 juni 2026", "27 juli 2026", "ter inzage", "geen bezwaar")),
        ("uitgebreid", "aanvraag", ("1 juni 2026", "ontwerpbesluit", "Iedereen")),
        (
            "uitgebreid",
            "ontwerpbesluit",
            ("zienswijze", "23 juli 2026", "2 september 2026", "op internet", "op papier", "mondeling", "brief"),
        ),
        (
            "regulier",
            "besluit",
            ("bezwaar", "20 juli 2026", "21 juli 2026", "1 september 2026", "in werking op", "voorlopige voorziening"),
        ),
        ("uitgebreid", "besluit", ("beroep", "Rechtbank", "in werking op", "1 september 2026", "buitenplanse")),
        ("regulier", "verlenging", ("7 september 2026", "geen bezwaar", "1 juni 2026")),
        ("uitgebreid", "opschorting", ("15 juni 2026", "geen bezwaar")),
        ("regulier", "intrekking", ("20 juni 2026", "geen besluit")),
        ("regulier", "melding", ("1 juni 2026", "geen besluit", "geen bezwaar")),
        ("regulier", "rectificatie", ("gmb-2026-12345", "22 juli 2026")),
    ],
)
def test_a_notice_says_what_the_law_asks_at_that_moment(procedure: str, moment: str, words: tuple[str, ...]) -> None:
    text = TEMPLATES[For(Procedure(procedure), Moment(moment))].render(EXAMPLES)
    assert [word for word in words if word not in plain(text.blokken)] == []


@pytest.mark.parametrize("procedure", Procedure)
@pytest.mark.parametrize("uitkomst", Uitkomst)
def test_a_decision_names_its_own_outcome_and_no_other(procedure: Procedure, uitkomst: Uitkomst) -> None:
    text = TEMPLATES[For(procedure, Moment.BESLUIT)].render({**EXAMPLES, "uitkomst": uitkomst, "planafwijking": None})
    told = as_text(text.titel, text.blokken)
    assert [each for each in Uitkomst if each in told] == [uitkomst]
    assert ("in werking" in told) == (uitkomst is Uitkomst.VERLEEND)
    assert "buitenplanse" not in told


def test_the_days_of_a_notice_have_their_names_in_templates() -> None:
    data = Data(ontvangst=date(2026, 6, 1), inzage=Periode(date(2026, 6, 4), date(2026, 7, 15)))
    values = values_of(data)
    assert set(values) <= set(VARIABLES)
    assert values["inzage_laatste"] == date(2026, 7, 15)
    assert values["reactie_eerste"] is None


# --- preview ---------------------------------------------------------------------------------------------------------


def test_the_preview_shows_what_a_reader_will_see() -> None:
    blokken = read("# Kop\n\nZie **[hier](https://a.example/?a=1&b=2)**.\n\n- een\n- twee").render({}).blokken
    assert as_text("Titel", blokken) == "Titel\n\nKop\n\nZie hier (https://a.example/?a=1&b=2).\n\n- een\n- twee\n"
    assert as_html("Titel", blokken) == (
        "<article>\n<h1>Titel</h1>\n<h2>Kop</h2>\n"
        '<p>Zie <strong><a href="https://a.example/?a=1&amp;b=2" rel="noreferrer">hier</a></strong>.</p>\n'
        "<ul>\n<li>een</li>\n<li>twee</li>\n</ul>\n</article>"
    )


def test_nothing_in_a_notice_is_html() -> None:
    blokken = (Alinea((Stuk("<script>"), Stuk('"x"', link='javascript:"'))),)
    assert as_html("<b>", blokken) == (
        "<article>\n<h1>&lt;b&gt;</h1>\n<p>&lt;script&gt;&quot;x&quot; (javascript:&quot;)</p>\n</article>"
    )
