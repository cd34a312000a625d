"""Good notices for tests: made of the templates that come with the program. Persons and bodies are made up."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.adapters.notice_templates import default_templates
from digikoppelaar.adapters.profiles import load_drop_profile, load_lists, load_rekenregels
from digikoppelaar.drop.checks_terms import REACTIE
from digikoppelaar.drop.findings import Given
from digikoppelaar.drop.model import (
    AlsPunt,
    AlsVlak,
    Data,
    Documenttype,
    Kennisgeving,
    Moment,
    Periode,
    Procedure,
    Uitkomst,
)
from digikoppelaar.drop.personal_data import Outcome, PrivacyChecked
from digikoppelaar.drop.terms import working_day_from
from digikoppelaar.drop.texts import COMBINATIONS, For, Value, values_of
from digikoppelaar.drop.variables import VARIABLES

TODAY = date(2026, 6, 1)
REGELS = load_rekenregels()
PROFILE = load_drop_profile("koop-3pas-2020-01").envelope
SQUARE = AlsVlak(
    (((100_000, 400_000), (110_000, 400_000), (110_000, 410_000), (100_000, 410_000), (100_000, 400_000)),)
)
ALL = sorted(COMBINATIONS - {(Procedure.REGULIER, Moment.MELDING)})
"""But for that of a melding, which is never good: its documenttype is not known."""


def given(**changes: Any) -> Given:
    """What the checks know, with everything in order."""
    known = Given(
        TODAY, REGELS, load_lists(), PROFILE, PrivacyChecked(Outcome.CLEAN), (SQUARE,), frozenset({"0123-456789"})
    )
    return replace(known, **changes)


def days(procedure: Procedure, moment: Moment, published: date = TODAY) -> Data:
    """The days of a notice that is published on or soon after `published`, with the periods of the law."""
    published = working_day_from(published, REGELS.gelijkgesteld)
    data = Data(ontvangst=published - timedelta(days=40), publicatie=published)
    if moment is Moment.BESLUIT:
        data = replace(data, besluit=published - timedelta(days=3), verzending=published - timedelta(days=1))
    if moment is Moment.VERLENGING:
        data = replace(data, besluit=published - timedelta(days=3))
    term = REACTIE.get((procedure, moment))
    if term is None:
        return data
    laid = published + timedelta(days=1)
    reactie = REGELS.period(term, data.verzending or published if term == "bezwaar" else laid)
    return replace(data, inzage=Periode(laid, max(reactie.laatste, laid)), reactie=reactie)


def notice(
    procedure: Procedure = Procedure.REGULIER,
    moment: Moment = Moment.BESLUIT,
    data: Data | None = None,
    **values: Value,
) -> Kennisgeving:
    """A notice with nothing wrong; `values` are for the template."""
    data = data or days(procedure, moment)
    examples = {name: variable.example for name, variable in VARIABLES.items()}
    told: dict[str, Value] = {**examples, "planafwijking": None, **values_of(data), "telefoon": "0123-456789", **values}
    text = default_templates()[For(procedure, moment)].render(told)
    decided = moment in (Moment.ONTWERPBESLUIT, Moment.BESLUIT)
    return replace(
        KENNISGEVING,
        documenttype=Documenttype.AANVRAAG if moment is Moment.AANVRAAG else Documenttype.AFHANDELING,
        procedure=procedure,
        moment=moment,
        titel=text.titel,
        tekst=text.blokken,
        referentienummer=str(told["referentienummer"]),
        uitkomst=Uitkomst(str(told["uitkomst"])) if decided else None,
        activiteiten=("bouwen",),
        locaties=(AlsPunt((105_000, 405_000), gemeente="Voorbeeldstad"),),
        data=data,
    )
