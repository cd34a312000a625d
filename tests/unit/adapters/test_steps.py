"""The steps that we ship hold together, and a file that does not is refused with the step that is at fault."""

from dataclasses import asdict

import pytest

from digikoppelaar.adapters.steps import load_process, read_process
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.onboarding.model import How, Kind, Process, Rol, Sight
from digikoppelaar.sandbox.catalogue import catalogue

FILE = """
kind = "stam"
source = "een document"
omgevingen = ["pre", "prod"]

[words]
wie = "u"

[[step]]
number = "1"
title = "Eerst"
text = "Doet {wie} dit."
who = "leverancier"
how = "word"
sources = ["stam:1"]

[[step]]
number = "2"
title = "Dan"
text = "En dat."
who = "digikoppelaar"
how = "check"
checks = ["cpa"]
first = ["1"]
sources = ["stam:2"]
"""


def stam() -> Process:
    return load_process(Kind.STAM)


def test_a_file_is_read() -> None:
    process = read_process(FILE, "f")
    one, two = process.steps_for("sandbox-pre", "rijk")
    assert (one.text, one.how, two.first, two.checks) == ("Doet u dit.", How.WORD, ("1",), ("cpa",))


@pytest.mark.parametrize(
    ("said", "instead", "trouble"),
    [
        ('checks = ["cpa"]', 'checks = ["cpas"]', "step 2: there is no check cpas"),
        ('checks = ["cpa"]', "", "step 2: it is done by a check, and has none"),
        ('first = ["1"]', 'first = ["3"]', "step 2: there is no step in first 3"),
        ('sources = ["stam:1"]', 'sources = ["stam:1"]\nfirst = ["2"]', "steps 1, 2 wait for each other"),
        ('text = "En dat."', 'text = ""', "step 2: it has no text"),
        ('text = "En dat."\n', "", "step 2: .*text"),
        ('sources = ["stam:2"]', "sources = []", "step 2: it has no sources"),
        ('sources = ["stam:2"]', 'sources = ["drop:2"]', "step 2: source drop:2 is no number of a sentence of stam"),
        ('wie = "u"', 'wat = "u"', "step 1: there are no words for wie of gemeente in pre"),
        ('[words]\nwie = "u"', '[words]\nwie = "u"\n[words.gemeent]\nwie = "v"', "words of gemeent"),
        ('number = "2"', 'number = "1"', "step 1 is there twice"),
        ('how = "word"', 'how = "words"', "step 1: 'words' is not a valid How"),
        ('how = "word"', 'how = "seen"', "step 1: what is seen has a sight"),
        ('how = "word"', 'how = "word"\nor_word = true', "step 1: or_word is only"),
        ('how = "word"', 'how = "word"\ndays = 5', "step 1: days"),
        ('how = "check"', 'how = "check"\nasks = "KOOP"', "step 2: .*takes no word"),
        ('how = "word"', 'how = "word"\nshared = "no"', "step 1: shared is no bool"),
        ('how = "word"', 'how = "word"\nbestuurslagen = ["dorp"]', "step 1: there is no bestuurslaag dorp"),
        ('how = "word"', 'how = "word"\nomgevingen = ["test"]', "step 1: there is no omgeving test"),
        ('how = "word"', 'how = "word"\ncolour = "red"', "step 1 has no key colour"),
        ('kind = "stam"', 'kind = "stam"\ncolour = "red"', "no table or key colour"),
        ('kind = "stam"', 'kind = "stam"\nchanged_from = "9"', "changed_from names step 9"),
        ('kind = "stam"', "", "lacks 'kind'"),
        ('kind = "stam"', "kind = stam", "f: "),
        ('[words]\nwie = "u"', '[words]\nwie = "u"\n[words.rijk]\nrol = "baas"', "rijk has an unknown rol baas"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(said: str, instead: str, trouble: str) -> None:
    assert said in FILE
    with pytest.raises(ConfigError, match=trouble):
        read_process(FILE.replace(said, instead), "f")


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("bestuurslaag", BESTUURSLAGEN)
def test_every_text_that_we_ship_is_filled_in_for_every_body(kind: Kind, bestuurslaag: str) -> None:
    for omgeving in ("pre", "sandbox-prod"):
        for step in load_process(kind).steps_for(omgeving, bestuurslaag):
            assert "{" not in step.title + step.text


def test_all_seven_steps_of_stam_are_there_in_both_omgevingen() -> None:
    for omgeving in ("pre", "prod"):
        whole = {step.number.partition(".")[0] for step in stam().steps_for(omgeving, "gemeente")}
        assert whole == set("01234567")


def test_the_four_stages_of_drop_are_there_but_not_for_the_rijk() -> None:
    drop = load_process(Kind.DROP)
    assert [step.number for step in drop.steps_for("pre", "gemeente") if not step.is_preparation] == ["1", "2", "3"]
    assert [step.number for step in drop.steps_for("prod", "gemeente")] == ["4"]
    assert not drop.steps_for("pre", "rijk")


def test_stages_one_and_two_are_shared_by_the_leverancier() -> None:
    shared = {step.number for step in load_process(Kind.DROP).steps if step.shared}
    assert {"1", "2"} <= shared
    assert not {"3", "4"} & shared


@pytest.mark.parametrize(
    ("bestuurslaag", "activiteit"),
    [
        ("gemeente", "Aansluitactiviteit Gemeentes - Melding"),
        ("waterschap", "Aansluitactiviteit Waterschappen - Melding"),
        ("provincie", "Aansluitactiviteit Provincies - Melding"),
        ("omgevingsdienst", "Aansluitactiviteit Gemeentes - Informatie"),
        ("samenwerkingsverband", "Aansluitactiviteit Gemeentes - Informatie"),
        ("rijk", "Aansluitactiviteit Gemeentes - Melding"),
    ],
)
def test_step_four_names_the_activity_of_each_bestuurslaag(bestuurslaag: str, activiteit: str) -> None:
    [step] = [step for step in stam().steps_for("prod", bestuurslaag) if step.number == "4.1"]
    assert f"'{activiteit}'" in step.text
    assert "'Definitief verzoek'" in step.text
    assert "uw naam" in step.text
    assert ("'Ergens anders indienen'" in step.text) == (bestuurslaag == "rijk")


def test_the_sandbox_offers_each_of_these_activities() -> None:
    assert {stam().words_for("pre", laag)["activiteit"] for laag in BESTUURSLAGEN} <= set(catalogue())


def test_only_a_behandeldienst_has_its_routing_set() -> None:
    with_routing = [
        laag for laag in BESTUURSLAGEN if any(step.number == "1.3" for step in stam().steps_for("prod", laag))
    ]
    assert with_routing == ["omgevingsdienst", "samenwerkingsverband"]


def test_what_a_bevoegd_gezag_does_a_behandeldienst_does_for_itself() -> None:
    for laag, rol in (("gemeente", Rol.BEVOEGD_GEZAG), ("omgevingsdienst", Rol.BEHANDELDIENST)):
        [visible] = [step for step in stam().steps_for("pre", laag) if step.number == "6.2"]
        assert visible.who is rol


def test_everything_that_can_be_seen_makes_a_step_done() -> None:
    assert {step.sight for step in stam().steps if step.sight} == set(Sight)


def test_nothing_that_we_ship_has_a_mail_address() -> None:
    assert not [step.number for kind in Kind for step in load_process(kind).steps if "@" in str(asdict(step))]
