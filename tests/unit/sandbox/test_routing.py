"""Who a submission is for: by place and activity, and as the bevoegd gezag set it up."""

import pytest

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.country import connected, read_country, read_option, read_ring, square
from digikoppelaar.sandbox.model import Activiteit, Locatie
from digikoppelaar.sandbox.routing import Behandeldienst, Organisatie, Toedeling, inside, route
from digikoppelaar.stam.codes import TYPES

WEST, EAST, WATER, DIENST = (f"0000009900000000{number}000" for number in (1, 2, 3, 4))
MILIEU = "Milieubelastende activiteit"
BOUW = "Bouwactiviteit (omgevingsplan)"
IN_WEST, IN_EAST = Locatie(punt=(132_000.0, 447_000.0)), Locatie(punt=(142_000.0, 447_000.0))


def country(*, kopie: bool = True) -> dict[str, Organisatie]:
    dienst = Behandeldienst(DIENST, frozenset({MILIEU}), kopie)
    organisaties = connected(
        [
            Organisatie(WEST, "Gemeente West", behandeldiensten=(dienst,)),
            Organisatie(EAST, "Gemeente Oost"),
            Organisatie(WATER, "Waterschap", "waterschap"),
            Organisatie(DIENST, "Omgevingsdienst", "omgevingsdienst"),
        ]
    )
    return {each.oin: each for each in organisaties}


def activity(naam: str) -> Activiteit:
    return Activiteit(naam, bestuurslaag=catalogue()[naam].bestuurslaag if naam in catalogue() else "gemeente")


def routed(*namen: str, at: Locatie = IN_WEST, chosen: str | None = None, kopie: bool = True) -> list[Toedeling]:
    return list(route([activity(naam) for naam in namen], [at], country(kopie=kopie), chosen))


def shape(found: list[Toedeling]) -> list[tuple[list[str], str, str | None]]:
    return [
        ([each.naam for each in one.activiteiten], one.bevoegd_gezag.oin, one.behandeldienst and one.behandeldienst.oin)
        for one in found
    ]


def test_the_bevoegd_gezag_follows_from_the_place() -> None:
    assert shape(routed(BOUW)) == [([BOUW], WEST, None)]
    assert shape(routed(BOUW, at=IN_EAST)) == [([BOUW], EAST, None)]


def test_an_area_is_where_the_middle_of_it_is() -> None:
    east = Locatie(vlak=(square(1),))
    assert east.midden == (145_000.0, 445_000.0)
    assert shape(routed(BOUW, at=east)) == [([BOUW], EAST, None)]


def test_the_bestuurslaag_follows_from_the_activity() -> None:
    assert shape(routed("Lozen van afvalwater op een oppervlaktewater")) == [
        (["Lozen van afvalwater op een oppervlaktewater"], WATER, None)
    ]


def test_activities_of_other_authorities_become_verzoeken_of_their_own() -> None:
    water = "Steiger of vlonder in een waterstaatswerk"
    assert shape(routed(BOUW, water, "Sloopactiviteit")) == [
        ([BOUW, "Sloopactiviteit"], WEST, None),
        ([water], WATER, None),
    ]


def test_what_a_behandeldienst_handles_becomes_a_verzoek_of_its_own() -> None:
    assert shape(routed(BOUW, MILIEU)) == [([BOUW], WEST, None), ([MILIEU], WEST, DIENST)]


def test_another_gemeente_has_no_behandeldienst_for_it() -> None:
    assert shape(routed(MILIEU, at=IN_EAST)) == [([MILIEU], EAST, None)]


def test_the_applicant_may_submit_elsewhere() -> None:
    assert shape(routed(BOUW, at=IN_WEST, chosen=EAST)) == [([BOUW], EAST, None)]
    with pytest.raises(ConfigError, match="not connected"):
        routed(BOUW, chosen="00000099000000009000")


def test_a_submission_without_activiteit_is_refused() -> None:
    with pytest.raises(ConfigError, match="no activiteit"):
        route((), (), {})


@pytest.mark.parametrize(
    ("naam", "place"),
    [("Natura 2000-activiteit", IN_WEST), (BOUW, Locatie(punt=(10_000.0, 400_000.0)))],
)
def test_without_bevoegd_gezag_it_says_so(naam: str, place: Locatie) -> None:
    with pytest.raises(ConfigError, match="is bevoegd gezag") as refused:
        routed(naam, at=place)
    assert "aangesloten" in refused.value.advice


def test_a_place_without_coordinates_goes_to_the_first_of_the_bestuurslaag() -> None:
    assert shape(routed(BOUW, at=Locatie(kadaster="OVL00 A 1"))) == [([BOUW], WEST, None)]


def test_a_point_is_inside_a_ring_or_not() -> None:
    notched = read_ring("0,0 10,0 10,10 5,5 0,10 0,0")
    assert [inside(notched, point) for point in ((5.0, 2.0), (5.0, 7.0), (1.0, 8.0), (11.0, 2.0))] == [
        True,
        False,
        True,
        False,
    ]


def test_one_authority_of_a_bestuurslaag_is_everywhere_and_more_have_squares_in_a_row() -> None:
    by_oin = country()
    assert by_oin[WATER].gebied == ()
    assert [by_oin[oin].gebied for oin in (WEST, EAST)] == [(square(0),), (square(1),)]


def test_an_option_names_an_authority() -> None:
    assert read_option(f"{WEST}=Gemeente A=B=gemeente") == Organisatie(WEST, "Gemeente A=B", "gemeente")


@pytest.mark.parametrize(
    "option", ["", "1=Gemeente=gemeente", f"{WEST}=Gemeente", f"{WEST}==gemeente", f"{WEST}=X=dorp"]
)
def test_an_option_that_is_none_is_refused(option: str) -> None:
    with pytest.raises(ConfigError):
        read_option(option)


def test_a_country_file_has_areas_and_behandeldiensten() -> None:
    dienst = {"oin": DIENST, "activiteiten": [MILIEU], "kopie": False}
    table = {"oin": WEST, "naam": "West", "bestuurslaag": "gemeente", "gebied": "0,0 9,0 9,9 0,0"}
    handler = {"oin": DIENST, "naam": "Dienst", "bestuurslaag": "omgevingsdienst"}
    made, _ = read_country({"organisatie": [{**table, "behandeldienst": [dienst]}, handler]})
    assert made.gebied == (((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 0.0)),)
    assert made.behandeldiensten == (Behandeldienst(DIENST, frozenset({MILIEU}), kopie=False),)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"organisatie": [{}]},
        {"organisatie": [], "plaats": []},
        {"organisatie": [{"oin": WEST, "naam": "W", "bestuurslaag": "gemeente", "kleur": "rood"}]},
        {"organisatie": [{"oin": WEST, "naam": "W", "bestuurslaag": "gemeente", "gebied": "0,0 1,0 1,1 0,1"}]},
        {"organisatie": [{"oin": WEST, "naam": "W", "bestuurslaag": "gemeente", "gebied": "a b"}]},
        {"organisatie": [{"oin": WEST, "naam": "W", "bestuurslaag": "gemeente", "behandeldienst": [{"naam": "X"}]}]},
    ],
)
def test_a_country_file_that_makes_no_sense_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_country(content)


def test_authorities_that_do_not_go_together_are_refused() -> None:
    west = Organisatie(WEST, "West")
    for wrong in ([], [west, west], [Organisatie(WEST, "W", behandeldiensten=(Behandeldienst(DIENST),))]):
        with pytest.raises(ConfigError):
            connected(wrong)


def test_there_are_six_aansluitactiviteiten_and_every_type_can_be_chosen() -> None:
    aansluit = [each for naam, each in catalogue().items() if naam.startswith("Aansluitactiviteit ")]
    assert {(each.bestuurslaag, *each.types) for each in aansluit} == {
        (layer, verzoektype)
        for layer in ("gemeente", "waterschap", "provincie")
        for verzoektype in ("Informatie", "Melding")
    }
    assert {verzoektype for each in catalogue().values() for verzoektype in each.types} == set(TYPES)


def test_a_question_has_another_number_for_another_type() -> None:
    (first, *_) = catalogue()[BOUW].vragen
    assert first.vraag_id("Aanvraag vergunning") != first.vraag_id("Informatie")
