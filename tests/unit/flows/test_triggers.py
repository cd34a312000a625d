"""Which statustype or besluittype leads to which moment is read from the apply file, and no day of it is guessed."""

import tomllib
from datetime import date

import pytest

from digikoppelaar.adapters.profiles import load_rekenregels
from digikoppelaar.drop.model import Data, Moment, Periode, Procedure, Uitkomst
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_table import Table
from digikoppelaar.flows.ports.case_events import Happened, Resource
from digikoppelaar.flows.triggers import Trigger, read_triggers, triggers_of

RULES = load_rekenregels()
TODAY = date(2026, 7, 22)
DECIDED = Happened(
    "https://zaken.example/zaken/1",
    "https://zaken.example/besluittypen/7",
    "Vergunning verleend",
    date(2026, 7, 20),
    sent=date(2026, 7, 21),
    publish_on=date(2026, 7, 24),
    in_force=date(2026, 7, 22),
)
BESLUIT = Trigger(Resource.BESLUIT, "vergunning VERLEEND", Moment.BESLUIT, Procedure.REGULIER, Uitkomst.VERLEEND)
GOOD = """
[[trigger]]
besluittype = "Vergunning verleend"
moment = "besluit"
procedure = "regulier"
uitkomst = "verleend"

[[trigger]]
statustype = "https://zaken.example/statustypen/3"
moment = "opschorting"
procedure = "uitgebreid"
"""


def read(text: str) -> tuple[Trigger, ...]:
    return triggers_of(read_triggers(Table("aansluiting 1.publishing", tomllib.loads(text), "")))


def test_what_is_put_on_record_reads_back() -> None:
    assert read(GOOD) == (
        Trigger(Resource.BESLUIT, "Vergunning verleend", Moment.BESLUIT, Procedure.REGULIER, Uitkomst.VERLEEND),
        Trigger(Resource.STATUS, "https://zaken.example/statustypen/3", Moment.OPSCHORTING, Procedure.UITGEBREID, None),
    )
    assert triggers_of("") == ()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (GOOD, "trigger = 1", "publishing: trigger must be a list of tables"),
        (GOOD, "trigger = [1]", "publishing: trigger must be a list of tables"),
        ("besluittype =", "type =", "trigger 1: there is no setting type"),
        ("statustype =", 'besluittype = "x"\nstatustype =', "trigger 2: give one of statustype, besluittype"),
        ('besluittype = "Vergunning verleend"', "", "trigger 1: give one of"),
        ('"opschorting"', '"schorsing"', "trigger 2: moment must be one of aanvraag"),
        ('"opschorting"', '"melding"', "trigger 2: there is no moment melding in the procedure uitgebreid"),
        ('"besluit"', '"ontwerpbesluit"', "trigger 1: there is no moment ontwerpbesluit in the procedure regulier"),
        ('uitkomst = "verleend"', "", "trigger 1: uitkomst belongs to the moments besluit and ontwerpbesluit"),
        ('procedure = "uitgebreid"', 'procedure = "uitgebreid"\nuitkomst = "verleend"', "trigger 2: uitkomst belongs"),
        ('uitkomst = "verleend"', 'uitkomst = "ja"', "trigger 1: uitkomst must be one of verleend"),
    ],
)
def test_what_is_wrong_is_told_with_its_table(old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=complaint):
        read(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("resource", "named", "fits"),
    [
        (Resource.BESLUIT, "vergunning VERLEEND", True),
        (Resource.STATUS, "vergunning VERLEEND", False),
        (Resource.BESLUIT, "Vergunning", False),
        (Resource.BESLUIT, "http://intern:8000/catalogi/besluittypen/7/", True),
        (Resource.BESLUIT, "https://zaken.example/besluittypen/70", False),
    ],
)
def test_a_type_fits_by_its_name_or_by_the_id_in_its_url(resource: Resource, named: str, fits: bool) -> None:
    trigger = Trigger(Resource.BESLUIT, named, Moment.BESLUIT, Procedure.REGULIER, Uitkomst.VERLEEND)
    assert trigger.fits(resource, DECIDED) == fits


def test_of_a_besluit_the_term_of_bezwaar_is_counted_from_the_day_it_was_sent() -> None:
    made = BESLUIT.occasion(DECIDED, RULES, TODAY)
    assert made.data == Data(
        besluit=date(2026, 7, 20),
        verzending=date(2026, 7, 21),
        reactie=Periode(date(2026, 7, 22), date(2026, 9, 1)),
        publicatie=date(2026, 7, 24),
    )
    assert (made.uitkomst, made.values["inwerkingtreding"]) == (Uitkomst.VERLEEND, date(2026, 7, 22))


def test_what_is_not_known_or_cannot_be_is_left_open() -> None:
    unsent = Happened("", "", "", date(2026, 7, 20), publish_on=TODAY)
    assert BESLUIT.occasion(unsent, RULES, TODAY).data == Data(besluit=date(2026, 7, 20))
    odd = Happened("", "", "", date(2026, 7, 20), sent=date(9999, 12, 31))
    assert BESLUIT.occasion(odd, RULES, TODAY).data == Data(besluit=date(2026, 7, 20))
    beroep = Trigger(Resource.BESLUIT, "x", Moment.BESLUIT, Procedure.UITGEBREID, Uitkomst.VERLEEND)
    assert beroep.occasion(DECIDED, RULES, TODAY).data.reactie is None, "it runs from the first day of inzage"


def test_the_day_of_a_status_is_that_of_its_moment() -> None:
    stopped = Trigger(Resource.STATUS, "Opgeschort", Moment.OPSCHORTING, Procedure.REGULIER)
    made = stopped.occasion(Happened("", "", "", date(2026, 7, 20), decide_by=date(2026, 9, 7)), RULES, TODAY)
    assert made.data == Data()
    assert (made.values["opschorting_vanaf"], made.values["nieuwe_beslisdatum"]) == (
        date(2026, 7, 20),
        date(2026, 9, 7),
    )
