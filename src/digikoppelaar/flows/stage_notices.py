"""Made-up kennisgevingen with which a stage of 3PAS is tried, one for each documenttype that KOOP wants to see.

They say TEST in title, text and referentienummer, and hold nothing of anybody. A made-up notice that is really
published stays public for ever, so there are none where that could be: not in a stage of production, and not to an
address that another aansluiting has for production.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from digikoppelaar.drop.area import position_in
from digikoppelaar.drop.document import to_document
from digikoppelaar.drop.findings import Checked, Severity
from digikoppelaar.drop.model import (
    Alinea,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Blad,
    Bopa,
    Data,
    Documenttype,
    Kennisgeving,
    Moment,
    Periode,
    Positie,
    Procedure,
    Publicist,
    Stuk,
    Uitkomst,
)
from digikoppelaar.drop.profile import Stage
from digikoppelaar.drop.stages import PRODUCTION
from digikoppelaar.drop.terms import Rekenregels
from digikoppelaar.drop.texts import For, Value, chosen, values_of
from digikoppelaar.drop.variables import VARIABLES
from digikoppelaar.errors import ConfigError, SubmissionError
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.drafting import AMSTERDAM, Texts, own_values
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports import Aansluiting, PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import Key, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.stages import StagesOf, settings_of, stage_of

SOMEWHERE: Final[Positie] = (155_000.0, 463_000.0)
"""Amersfoort, from where RD counts: for an organisatie of which nobody imported the area."""
_WARNING: Final = "TEST: dit is een verzonnen kennisgeving, om de aansluiting op DROP te proberen. Zij betekent niets."
_NO_APPLICANT: Final = "made up: there is no applicant"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A made-up kennisgeving, with what the checks say of it."""

    kennisgeving: Kennisgeving
    checked: Checked


def trial_stage(publisher: Aansluiting, publishers: Iterable[Aansluiting], stages_of: StagesOf) -> Stage:
    """The stage in which made-up notices of this aansluiting may be delivered. Raises ConfigError when that is none."""
    stages = stages_of(settings_of(publisher).profile)
    stage = stage_of(publisher, stages)
    real = {
        _address(each, theirs)
        for each in publishers
        if (theirs := stages_of(settings_of(each).profile).get(settings_of(each).stage))
        and theirs.omgeving == PRODUCTION
    }
    if stage.omgeving == PRODUCTION or _address(publisher, stage) in real - {""}:
        raise ConfigError(
            f"what is delivered in stage {stage.name} at this address is published for good",
            advice="In productie telt een echte kennisgeving: maak die met `kennisgeving draft`.",
        )
    return stage


async def made_up(
    desk: Desk, publisher: Aansluiting, stage: Stage, documenttypen: Iterable[Documenttype], number: int = 1
) -> list[Made]:
    """One notice of each documenttype, checked; `number` above 1 for another try. Raises ConfigError, StorageError."""
    today = desk.clock.now().astimezone(AMSTERDAM).date()
    area = await desk.area_of(publisher.organisatie_oin)
    place = position_in(area[0]) if area else SOMEWHERE
    made: list[Made] = []
    for documenttype in documenttypen:
        notice = _notice(publisher, documenttype, _reference(stage, documenttype, number), place, desk.texts, today)
        key = Key(publisher.id, notice.referentienummer, notice.moment, notice.blad)
        row = StoredKennisgeving(0, key, to_document(notice), KennisgevingState.DRAFT)
        made.append(Made(notice, await desk.check(row)))
    return made


async def deliver(desk: Desk, publisher: Aansluiting, made: Sequence[Made], who: Who) -> list[StoredKennisgeving]:
    """Draft them, and plan them to be sent now: each once, however often it is asked. What is on record of each.

    Raises SubmissionError, and plans none, when a check blocks one of them; and StorageError.
    """
    rows = [(await desk.draft(each.kennisgeving, publisher, who))[0] for each in made]
    drafts = [row for row in rows if row.state == KennisgevingState.DRAFT]
    blocking = sorted({code for row in drafts for code in held_up_by(await desk.check(row))})
    if blocking:
        raise SubmissionError(
            f"made-up kennisgevingen are held up by {', '.join(blocking)}",
            advice="Bekijk met --dry-run wat er mis is; meestal ontbreekt een instelling van de aansluiting.",
        )
    for row in drafts:
        await desk.approve(row.id, who, override=_NO_APPLICANT)
    return [await desk.store.kennisgeving(row.id) for row in rows]


def held_up_by(checked: Checked) -> set[str]:
    """What blocks a made-up notice: not that nobody could be asked whether it names its applicant, for it has none."""
    return {each.code for each in checked.findings if each.severity is Severity.BLOCK} - {"applicant-not-checked"}


def _address(publisher: Aansluiting, stage: Stage) -> str:
    return (settings_of(publisher).address or stage.address).rstrip("/").casefold()


def _reference(stage: Stage, documenttype: Documenttype, number: int) -> str:
    again = f"-{number}" if number > 1 else ""
    return f"TEST-{stage.name}-{documenttype.name.lower()}{again}"


def _notice(
    publisher: Aansluiting, documenttype: Documenttype, reference: str, place: Positie, texts: Texts, today: date
) -> Kennisgeving:
    settings, decided = settings_of(publisher), documenttype is not Documenttype.AANVRAAG
    moment, data = Moment.BESLUIT if decided else Moment.AANVRAAG, _days(today, texts.rules, decided=decided)
    departs = documenttype is Documenttype.PLANAFWIJKING
    oin = publisher.organisatie_oin
    template = chosen(texts.templates(oin), For(Procedure.REGULIER, moment, oin))
    text = template.render(_values(settings, data, reference, texts.rules, departs=departs))
    return Kennisgeving(
        publicist=Publicist(publisher.organisatie_oin, settings.naam, Bestuurslaag(settings.bestuurslaag)),
        behandelaar_oin=publisher.organisatie_oin,
        blad=Blad(settings.blad),
        documenttype=documenttype,
        procedure=Procedure.REGULIER,
        moment=moment,
        titel=f"TEST: {text.titel}",
        tekst=(Alinea((Stuk(_WARNING, vet=True),)), *text.blokken),
        rubriek="omgevingsvergunning",
        referentienummer=reference,
        uitkomst=Uitkomst.VERLEEND if decided else None,
        activiteiten=("bouwen",),
        samenvatting="TEST",
        locaties=(AlsPunt(place),),
        data=data,
        bopa=Bopa(reference, (_square(place),)) if departs else None,
    )


def _days(today: date, rules: Rekenregels, *, decided: bool) -> Data:
    """An application of some weeks ago, and a decision that is sent today."""
    received = today - 40 * _DAY
    if not decided:
        return Data(ontvangst=received)
    reactie = rules.period("bezwaar", today)
    return Data(received, today, today, inzage=Periode(today + _DAY, reactie.laatste), reactie=reactie)


def _values(
    settings: PublishingSettings, data: Data, reference: str, rules: Rekenregels, *, departs: bool
) -> dict[str, Value]:
    """Examples, with what the organisatie set and what is of this notice in their place."""
    examples = {name: variable.example for name, variable in VARIABLES.items()}
    assert data.ontvangst, "every made-up notice has a day of receipt"
    about: dict[str, Value] = {
        "referentienummer": reference,
        "planafwijking": departs,
        "uitkomst": Uitkomst.VERLEEND,
        "beslisdatum": rules.period("beslissing-regulier", data.ontvangst).laatste,
        "inwerkingtreding": data.verzending and data.verzending + _DAY,
    }
    return {**examples, **own_values(settings), **about, **values_of(data)}


def _square(place: Positie) -> AlsVlak:
    """Of two metres."""
    x, y = place
    return AlsVlak((((x - 1, y - 1), (x + 1, y - 1), (x + 1, y + 1), (x - 1, y + 1), (x - 1, y - 1)),))
