"""Every sentence of the sources is known, and what it asks of us is met by something that exists."""

import re
from dataclasses import replace

import pytest
from tests.shared import SHARED_DATA
from tests.unit.onboarding.pages import (
    CHECKS_PAGE,
    DOCS,
    STEPS_PAGE,
    TRACEABILITY_PAGE,
    checks_page,
    steps_page,
    traceability_page,
    unmet,
)
from tests.unit.onboarding.sentences import Sentence, Source, digest, met_by, sources, split, steps_by_sentence
from tests.unit.test_documentation import anchors, unknown_word

from digikoppelaar.onboarding.model import CHECKS, Rol
from digikoppelaar.onboarding.states import MOVES

BRONNEN = SHARED_DATA.parent / "bronnen"
ALL = [sentence for source in sources() for sentence in source.sentences]


def text_of(source: Source) -> str:
    if not BRONNEN.is_dir():
        pytest.skip("the folder shared/bronnen, with the source documents, is not beside this repository")
    return (BRONNEN / source.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.kind)
def test_no_sentence_of_the_source_changed_came_or_went(source: Source) -> None:
    found = [digest(sentence) for sentence in split(text_of(source))]
    known = [sentence.hash for sentence in source.sentences]
    changed = [number for number, pair in enumerate(zip(found, known, strict=False), 1) if len(set(pair)) > 1]
    assert (len(found), changed) == (len(known), [])


def test_a_sentence_that_changed_is_noticed_and_one_that_is_only_set_otherwise_is_not() -> None:
    assert split("- a. Eerst dit.\nDan  dat? (Ook) dat! Na 1.\nEn zo\n\nverder.") == [
        "Eerst dit.",
        "Dan  dat?",
        "(Ook) dat!",
        "Na 1.",
        "En zo verder.",
    ]
    assert digest("Dan  dat?") == digest("Dan dat?") != digest("Dan dit?")


def test_every_sentence_that_asks_something_of_us_is_met() -> None:
    assert unmet(ALL) == []


def test_one_that_is_met_by_nothing_is_found() -> None:
    lonely = Sentence("stam:999", "", "", (Rol.LEVERANCIER,))
    assert unmet([lonely, replace(lonely, asks=(Rol.KOOP,))]) == ["stam:999"]


def test_steps_name_only_sentences_that_are_there() -> None:
    assert set(steps_by_sentence()) <= {sentence.name for sentence in ALL}


def test_no_step_rests_on_headings_alone() -> None:
    says = {sentence.name: sentence.says for sentence in ALL}
    steps = {step for steps in steps_by_sentence().values() for step in steps}
    with_content = {
        step for name, steps in steps_by_sentence().items() if "heading" not in says[name] for step in steps
    }
    assert steps == with_content


@pytest.mark.parametrize("where", list(dict.fromkeys(each for sentence in ALL for each in sentence.met_by)))
def test_what_is_said_to_meet_a_sentence_exists(where: str) -> None:
    kind, _, what = where.partition(" ")
    if kind == "page":
        file, _, anchor = what.partition("#")
        assert not anchor or anchor in anchors((DOCS / file).read_text(encoding="utf-8"))
    elif kind == "command":
        assert unknown_word(f"digikoppelaar {what}") is None
    else:
        assert (kind, what in CHECKS) == ("check", True)


def test_every_sentence_with_content_can_be_found_back_or_only_tells() -> None:
    """Those that ask nothing and are met nowhere are headings, pictures, and facts of which nothing follows."""
    silent = [sentence.says for sentence in ALL if not sentence.asks and not met_by(sentence)]
    told = re.compile(
        r"heading|picture|title|step \d of the list|version|dated|written|what PKIoverheid|meetings|reports|Logius"
    )
    assert [says for says in silent if not told.search(says)] == []


def test_the_pages_are_current() -> None:
    assert STEPS_PAGE.read_text(encoding="utf-8") == steps_page(), "make docs"
    assert CHECKS_PAGE.read_text(encoding="utf-8") == checks_page(), "make docs"
    assert TRACEABILITY_PAGE.read_text(encoding="utf-8") == traceability_page(), "make docs"


def test_the_diagram_has_every_move_of_the_table() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): (.+)$", steps_page(), flags=re.MULTILINE)
    moves = {(one, event): two for one, two, events in drawn for event in events.split(", ")}
    assert moves == MOVES


def test_nobody_is_named_in_what_we_say_of_the_sources() -> None:
    assert "@" not in traceability_page() + steps_page()
