"""The worklist: per organisatie what a person must look at, since when, and what to do. Pure.

Items are made of rows each time and kept nowhere; what is on record of them, so that a mail about one goes once, is in
flows/worklist_mail.py. `what` and `todo` are Dutch and hold ids only, for they go out by mail.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from digikoppelaar.drop.terms import ALARM_TIME, alarm_day
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.worklist_rows import (
    CaseEventRow,
    CpaRow,
    FailingRow,
    HeardRow,
    Item,
    KennisgevingRow,
    KeptRows,
    Limits,
    MissedRow,
    NotDraftedRow,
    ParkedRow,
    Place,
    Rows,
    Sort,
    UntoldRow,
    WaitingRow,
    WrongStepRow,
)
from digikoppelaar.pki.expiry import Ending, Expiry, Kind, expiries

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


def items(rows: Rows, certificates: Iterable[tuple[Place, Ending]], now: datetime, limits: Limits) -> list[Item]:
    """The worklist at `now`, sort by sort, what waits longest first."""
    found = [
        *(_failing(row) for row in rows.failing if now - row.since > limits.failing),
        *(_not_fetched(row) for row in rows.waiting if now - row.received_at > limits.fetch),
        *map(_parked, rows.parked),
        *(_missed(row) for row in rows.missed if now - row.found_at <= limits.missed),
        *(_kennisgeving(row) for row in rows.kennisgevingen if _is_late(row, now)),
        *map(_not_drafted, rows.not_drafted),
        *(_untold(row) for row in rows.untold if row.parked or now - row.since > limits.failing),
        *map(_wrong_step, rows.wrong_steps),
        *map(_case_event, rows.case_events),
        *(_silent(row, now) for row in rows.heard if limits.silent and now - row.last > limits.silent),
        *map(_kept, rows.kept),
        *_expiring([*certificates, *map(_cpa_ending, rows.cpas)], now, limits),
    ]
    order = list(Sort)
    return sorted(found, key=lambda item: (order.index(item.sort), item.since, item.key))


def _failing(row: FailingRow) -> Item:
    many = f"er wachten {row.waiting} verzoeken" if row.waiting > 1 else "er wacht één verzoek"
    return Item(
        f"failing:{row.place.aansluiting_id}:{row.target}",
        Sort.FAILING_TARGET,
        row.place,
        row.since,
        f"Afleveren bij bestemming {row.target} lukt niet; {many}.",
        "Controleer of het zaaksysteem werkt en de instellingen van de bestemming kloppen; het wordt vanzelf herhaald.",
    )


def _not_fetched(row: WaitingRow) -> Item:
    return Item(
        f"not-fetched:{row.id}",
        Sort.NOT_FETCHED,
        row.place,
        row.received_at,
        f"Verzoek {row.verzoeknummer} is aangekondigd en nog niet opgehaald.",
        row.advice or "Controleer of de worker draait en DSO-LV bereikbaar is; het wordt vanzelf herhaald.",
        row.verzoeknummer,
        row.reason,
    )


def _parked(row: ParkedRow) -> Item:
    kind = "notification" if row.volgnummer is None else "verzoek"
    what = f"Verzoek {row.verzoeknummer}" if row.verzoeknummer else "Een notificatie zonder leesbaar verzoeknummer"
    version = "" if row.volgnummer is None else f", versie {row.volgnummer},"
    where = f" (bestemming {', '.join(row.targets)})" if row.targets else ""
    return Item(
        f"parked:{kind}:{row.id}",
        Sort.PARKED,
        row.place,
        row.since,
        f"{what}{version} wacht op een beheerder{where}.",
        row.advice or "Neem de oorzaak weg en geef het verzoek vrij met `digikoppelaar verzoek release`.",
        row.verzoeknummer or None,
        row.reason,
    )


def _missed(row: MissedRow) -> Item:
    return Item(
        f"missed:{row.id}",
        Sort.MISSED,
        row.place,
        row.found_at,
        f"Verzoek {row.verzoeknummer} is bij DSO-LV gevonden; de notificatie is hier nooit aangekomen.",
        "Het verzoek wordt vanzelf opgehaald. Gebeurt dit vaker, meld het dan bij DSO-LV.",
        row.verzoeknummer,
    )


def _silent(row: HeardRow, now: datetime) -> Item:
    return Item(
        f"silent:{row.place.aansluiting_id}",
        Sort.SILENT,
        row.place,
        row.last,
        f"Er kwam al {(now - row.last).days} dagen geen notificatie binnen.",
        "Controleer met `digikoppelaar check` of DSO-LV deze aansluiting kan bereiken, en vraag anders bij DSO-LV na "
        "of er verzoeken waren.",
    )


_KENNISGEVING: Final = {
    KennisgevingState.DRAFT: "wacht op iemand die haar vrijgeeft",
    KennisgevingState.REFUSED: "is niet aangenomen",
    KennisgevingState.UNKNOWN: "is verzonden, maar of KOOP haar heeft is niet bekend",
    KennisgevingState.ACCEPTED: "had gepubliceerd moeten zijn en is niet gevonden",
    KennisgevingState.CANCELLED: "is ingetrokken, maar KOOP heeft haar toch",
}

_HINT: Final = {
    KennisgevingState.ACCEPTED: "Kijk in DROP of zij is verschenen. Zo ja, dan spelt de zoekdienst van KOOP de naam "
    "van de organisatie misschien anders: zet die dan als `creator` in de aansluiting. ",
    KennisgevingState.CANCELLED: "Trek haar in DROP in, of herstel met een rectificatie als zij al is verschenen. Geef "
    "daarna nog eens `digikoppelaar kennisgeving cancel`, dan verdwijnt dit van de werklijst. ",
}


def _is_late(row: KennisgevingRow, now: datetime) -> bool:
    """What KOOP has is no item before noon of the working day after its day."""
    if row.state != KennisgevingState.ACCEPTED:
        return True
    if row.planned > now.astimezone(AMSTERDAM).date():  # also the last day that there is, which has no day after it
        return False
    return now >= datetime.combine(alarm_day(row.planned), ALARM_TIME, AMSTERDAM)


def _kennisgeving(row: KennisgevingRow) -> Item:
    state = KennisgevingState(row.state)
    return Item(
        f"kennisgeving:{row.id}:{state}",
        Sort.KENNISGEVING,
        row.place,
        row.since,
        f"Kennisgeving {row.id} van zaak {row.referentienummer} {_KENNISGEVING[state]}.",
        row.advice or f"{_HINT.get(state, '')}Bekijk haar met `digikoppelaar kennisgeving show {row.id}`.",
        reason=row.reason,
    )


def _not_drafted(row: NotDraftedRow) -> Item:
    number = row.verzoeknummer
    return Item(
        f"not-drafted:{row.id}",
        Sort.KENNISGEVING,
        row.place,
        row.since,
        f"Van verzoek {number} kon geen concept van een kennisgeving worden gemaakt.",
        f"{row.advice} Maak het daarna met `digikoppelaar kennisgeving draft {number}`, "
        f"of zeg met `digikoppelaar kennisgeving none {number}` waarom er geen komt.",
        reason=row.reason,
    )


_TOLD_OF: Final = {
    KennisgevingState.PUBLISHED: "is gepubliceerd",
    KennisgevingState.REFUSED: "niet is aangenomen",
    KennisgevingState.UNKNOWN: "is verzonden zonder antwoord",
}


def _untold(row: UntoldRow) -> Item:
    receiver = f"Bestemming {row.target}" if row.target else "De applicatie op webhook_url"
    what = f"kennisgeving {row.kennisgeving_id} van zaak {row.referentienummer}"
    return Item(
        f"untold:{row.id}",
        Sort.UNTOLD,
        row.place,
        row.since,
        f"{receiver} weet nog niet dat {what} {_TOLD_OF[KennisgevingState(row.state)]}.",
        row.advice or f"Bekijk haar met `digikoppelaar kennisgeving show {row.kennisgeving_id}`.",
        row.verzoeknummer,
        row.reason,
    )


def _wrong_step(row: WrongStepRow) -> Item:
    return Item(
        f"onboarding:{row.place.aansluiting_id}:{row.number}",
        Sort.ONBOARDING,
        row.place,
        row.since,
        f"Stap {row.number} van de {row.kind.upper()}-aansluiting was gedaan en is niet goed meer: {row.says}",
        f"Aan zet: {row.who}. {row.advice}",
    )


def _case_event(row: CaseEventRow) -> Item:
    return Item(
        f"case-event:{row.id}",
        Sort.KENNISGEVING,
        row.place,
        row.since,
        f"Van een {row.resource} in het zaaksysteem kon geen concept van een kennisgeving worden gemaakt.",
        f"{row.advice} Probeer het daarna opnieuw met `digikoppelaar case-event again {row.id}`, "
        f"of sluit het af met `digikoppelaar case-event end {row.id}`.",
        reason=row.reason,
    )


def _kept(row: KeptRows) -> Item:
    counts = ((row.verzoeken, "verzoek", "verzoeken"), (row.messages, "bericht", "berichten"))
    many = " en ".join(f"{count} {one if count == 1 else more}" for count, one, more in counts if count)
    return Item(
        f"kept:{row.place.aansluiting_id}",
        Sort.KEPT,
        row.place,
        row.since,
        f"De bewaartermijn is voorbij voor {many}; de inhoud wordt bewaard tot de afhandeling klaar is.",
        "Bekijk met `digikoppelaar retention report` waarop elk wacht, en handel het af.",
    )


def _cpa_ending(row: CpaRow) -> tuple[Place, Ending]:
    return row.place, Ending(Kind.CPA, row.place.omgeving, row.cpa_id, f"CPA {row.cpa_id}", row.ends_at)


def _expiring(endings: Iterable[tuple[Place, Ending]], now: datetime, limits: Limits) -> Iterator[Item]:
    """Each threshold that is passed is an item of its own: it is told again when the end comes nearer."""
    for place, ending in dict.fromkeys(endings):
        for expiry in expiries([ending], now):
            if expiry.threshold <= limits.expiry:
                yield _expiry(place, expiry)


def _expiry(place: Place, expiry: Expiry) -> Item:
    ending = expiry.ending
    what = f"De {ending.subject}" if ending.kind is Kind.CPA else f"Het certificaat van {ending.subject}"
    verb = "verloopt" if expiry.threshold else "is verlopen"
    renew = (
        "Vraag een nieuwe CPA aan (`digikoppelaar cpa regenerate`)"
        if ending.kind is Kind.CPA
        else "Vraag een nieuw certificaat aan (`digikoppelaar certificate request`)"
    )
    return Item(
        f"expiring:{place.aansluiting_id}:{ending.kind}:{ending.name}:{expiry.threshold}",
        Sort.EXPIRING,
        place,
        ending.ends_at - timedelta(days=expiry.threshold),
        f"{what} {verb} op {dutch_day(ending.ends_at)}.",
        f"{renew} en zet die naast de oude; zie `digikoppelaar check`.",
    )


def dutch_day(moment: datetime) -> str:
    """The day in the Netherlands, as people there write it."""
    return f"{moment.astimezone(AMSTERDAM):%d-%m-%Y}"


def dutch_time(moment: datetime) -> str:
    """Day and time in the Netherlands."""
    return f"{moment.astimezone(AMSTERDAM):%d-%m-%Y %H:%M}"
