"""A draft of a kennisgeving: out of a verzoek that came in (what was applied for, where, and when it came), and of what
happened later in its case.

No word of the applicant gets into it: activities have names of the catalogue, and the place is that of the work. What
a text says besides is the organisatie's own. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from digikoppelaar.drop.checks_parts import DOCUMENTTYPES
from digikoppelaar.drop.findings import Lists, Severity
from digikoppelaar.drop.model import (
    AlsAdres,
    AlsLijn,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Blad,
    Data,
    Documenttype,
    Kennisgeving,
    Locatie,
    Moment,
    Procedure,
    Publicist,
    Uitkomst,
)
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.drop.terms import Rekenregels
from digikoppelaar.drop.texts import For, TextTemplate, Value, chosen, values_of
from digikoppelaar.drop.variables import SETTINGS
from digikoppelaar.flows.ports import EVERY_MELDING, Aansluiting, PublishingSettings
from digikoppelaar.stam import codes
from digikoppelaar.stam.geometry import in_rd
from digikoppelaar.stam.model import Adres, Projectlocatie, Verzoek

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_RUBRIEKEN: Final = {Moment.AANVRAAG: "omgevingsvergunning", Moment.MELDING: "omgevingsmelding"}
_YEARS: Final = range(2000, 2200)
_DECISION: Final = {Procedure.REGULIER: "beslissing-regulier", Procedure.UITGEBREID: "beslissing-uitgebreid"}


@dataclass(frozen=True, slots=True)
class Texts:
    """What texts are made of and held against.

    `templates` gives those for everybody, and those of the organisatie with this OIN. It raises ConfigError without
    them, TemplateBroken when one of them is broken.

    `profile` gives that of 3PAS with this name; it raises ConfigError without one.
    """

    templates: Callable[[str | None], Mapping[For, TextTemplate]]
    rules: Rekenregels
    lists: Lists
    profile: Callable[[str], EnvelopeProfile]
    severities: Mapping[str, Severity] = field(default_factory=dict)


def why_none(verzoek: Verzoek, settings: PublishingSettings | None) -> str | None:
    """In Dutch why the verzoek gets no kennisgeving; None when it does. `settings`: of who would publish it."""
    if verzoek.aansluitactiviteit:
        return "Het is een TEST: alle activiteiten zijn aansluitactiviteiten."
    if verzoek.doel != codes.INITIEREN:
        return f"Het doel is {verzoek.doel}; alleen een aanvraag wordt bekendgemaakt."
    if verzoek.type == codes.MELDING:
        chosen = settings is not None and _is_chosen(verzoek, settings.meldingen)
        return None if chosen else "Het is een Melding, en de instelling meldingen wil daar geen kennisgeving van."
    if verzoek.type != codes.VERGUNNINGAANVRAAG:
        return f"Het is een {verzoek.type}; alleen van een aanvraag om vergunning wordt kennisgegeven."
    return None


def why_not_by_itself(verzoek: Verzoek, drafts_from: str) -> str | None:
    """In Dutch why no draft is made without a person; None when one is."""
    if not drafts_from:
        return "Deze organisatie laat concepten niet vanzelf maken."
    if verzoek.indien_datum is None:
        return "Het verzoek heeft geen datum van indienen."
    if verzoek.indien_datum.astimezone(AMSTERDAM).date() < date.fromisoformat(drafts_from):
        return f"Ingediend voor {drafts_from}, de dag vanaf welke concepten vanzelf worden gemaakt."
    return None


def _is_chosen(verzoek: Verzoek, meldingen: str) -> bool:
    ids = {activity.activiteit_id for activity in verzoek.projectactiviteiten}
    return meldingen == EVERY_MELDING or not ids.isdisjoint(filter(None, meldingen.split(",")))


def drafted(
    verzoek: Verzoek,
    drop: Aansluiting,
    texts: Texts,
    zaaktype: str | None = None,
    procedure: Procedure = Procedure.REGULIER,
) -> Kennisgeving:
    """The notice of the application or melding; `drop` is the aansluiting that publishes, `zaaktype` that of its zaak.

    Raises SubmissionError that names the values which the text needs and nobody set.
    """
    settings = drop.publishing
    assert settings, "only an aansluiting that publishes has drafts"
    received = verzoek.indien_datum.astimezone(AMSTERDAM).date() if verzoek.indien_datum else None
    data = Data(ontvangst=received)
    moment = Moment.MELDING if verzoek.type == codes.MELDING else Moment.AANVRAAG
    template = chosen(texts.templates(drop.organisatie_oin), For(procedure, moment, drop.organisatie_oin, zaaktype))
    text = template.render(_values(verzoek, settings, data) | _decision(procedure, received, texts.rules))
    values = {naam: texts.lists.activiteit(naam) for naam in _activities(verzoek)}
    handler = verzoek.uitvoerende_instantie.oin if verzoek.uitvoerende_instantie else None
    return Kennisgeving(
        publicist=Publicist(drop.organisatie_oin, settings.naam, Bestuurslaag(settings.bestuurslaag)),
        behandelaar_oin=handler or drop.organisatie_oin,
        blad=Blad(settings.blad),
        documenttype=Documenttype.AANVRAAG,
        procedure=procedure,
        moment=moment,
        titel=text.titel,
        tekst=text.blokken,
        rubriek=_RUBRIEKEN[moment],
        referentienummer=verzoek.verzoeknummer,
        activiteiten=tuple(dict.fromkeys(value for value in values.values() if value)),
        activiteiten_zonder_waarde=tuple(naam for naam, value in values.items() if not value),
        samenvatting=", ".join(values),
        locaties=tuple(_locations(verzoek.projectlocaties)),
        data=data,
    )


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened in a case that is to be made known; `uitkomst` is how was decided, or would be.

    `values` are what a text can say of it besides `data`, by their names in drop.variables.
    """

    procedure: Procedure
    moment: Moment
    uitkomst: Uitkomst | None = None
    data: Data = field(default_factory=Data)
    values: Mapping[str, Value] = field(default_factory=dict)


def followed(
    before: Kennisgeving, occasion: Occasion, drop: Aansluiting, texts: Texts, zaaktype: str | None = None
) -> Kennisgeving:
    """The notice of a later moment in the case that `before` was about, with its place and activities.

    What nobody knows is a mark in the text (TextTemplate.render_with_gaps): a person completes it.
    """
    settings = drop.publishing
    assert settings, "only an aansluiting that publishes has drafts"
    procedure, moment, data = occasion.procedure, occasion.moment, occasion.data
    about: dict[str, Value] = {
        "activiteit": before.samenvatting,
        "plaats": _place(each for each in before.locaties if isinstance(each, AlsAdres)) or settings.naam,
        "referentienummer": before.referentienummer,
        "uitkomst": occasion.uitkomst,
    }
    data = replace(data, ontvangst=data.ontvangst or before.data.ontvangst)
    days = values_of(data) | _decision(procedure, data.ontvangst, texts.rules)
    template = chosen(texts.templates(drop.organisatie_oin), For(procedure, moment, drop.organisatie_oin, zaaktype))
    text = template.render_with_gaps({**own_values(settings), **about, **days, **occasion.values})
    return replace(
        before,
        documenttype=DOCUMENTTYPES.get(moment, (Documenttype.AANVRAAG,))[0],
        procedure=procedure,
        moment=moment,
        titel=text.titel,
        tekst=text.blokken,
        uitkomst=occasion.uitkomst,
        data=data,
        bijlagen=(),
        bopa=None,
    )


def _values(verzoek: Verzoek, settings: PublishingSettings, data: Data) -> dict[str, Value]:
    about: dict[str, Value] = {
        "activiteit": ", ".join(_activities(verzoek)),
        "plaats": _place(filter(None, (each.adres for each in verzoek.projectlocaties))) or settings.naam,
        "referentienummer": verzoek.verzoeknummer,
    }
    days = {name: day for name, day in values_of(data).items() if day is not None}
    return {**own_values(settings), **about, **days}


def own_values(settings: PublishingSettings) -> dict[str, Value]:
    """What an organisatie set to be said in its texts."""
    return {name: value for name in SETTINGS if (value := getattr(settings, name))}


def _decision(procedure: Procedure, received: date | None, rules: Rekenregels) -> dict[str, Value]:
    """Not for a day that cannot be: the checks refuse that one, and a term of it may not be a day at all."""
    if received is None or received.year not in _YEARS:
        return {}
    return {"beslisdatum": rules.period(_DECISION[procedure], received).laatste}


def _activities(verzoek: Verzoek) -> tuple[str, ...]:
    """Their names in the catalogue, once each."""
    return tuple(dict.fromkeys(activity.naam for activity in verzoek.projectactiviteiten if activity.naam))


def _place(adressen: Iterable[Adres | AlsAdres]) -> str:
    for adres in adressen:
        if adres.straatnaam and adres.woonplaats:
            return f"{adres.straatnaam} {_number(adres)} in {adres.woonplaats}"
    return ""


def _number(adres: Adres | AlsAdres) -> str:
    toevoeging = adres.toevoeging if isinstance(adres, AlsAdres) else adres.huisnummertoevoeging
    return f"{adres.huisnummer or ''}{adres.huisletter or ''}{f'-{toevoeging}' if toevoeging else ''}"


def _locations(locaties: Sequence[Projectlocatie]) -> Iterator[Locatie]:
    """Address, points, lines and areas of each place, as the neighbours are to be told."""
    for locatie in locaties:
        adres, rd = locatie.adres, in_rd(locatie)
        punt = rd.punten[0] if rd and rd.punten else None
        if adres and adres.postcode and adres.huisnummer:
            yield AlsAdres(
                postcode="".join(adres.postcode.split()).upper(),
                huisnummer=adres.huisnummer,
                straatnaam=adres.straatnaam,
                woonplaats=adres.woonplaats,
                huisletter=adres.huisletter,
                toevoeging=adres.huisnummertoevoeging,
                positie=punt,
            )
        elif punt:
            yield AlsPunt(punt)
        if rd:
            yield from (AlsLijn(lijn) for lijn in rd.lijnen)
            yield from (AlsVlak(vlak) for vlak in rd.vlakken)
