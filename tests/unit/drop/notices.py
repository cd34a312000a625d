"""Kennisgevingen for tests: fictitious, and as full as a real one gets."""

from dataclasses import replace
from datetime import date

from digikoppelaar.drop.model import (
    Alinea,
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Blad,
    Bopa,
    Data,
    Documenttype,
    Kennisgeving,
    Lijst,
    Moment,
    Procedure,
    Publicist,
    Punt,
    Stuk,
    Tussenkop,
    Uitkomst,
)

GEMEENTE = "00000099000000001000"
OMGEVINGSDIENST = "00000099000000003000"

VLAK = AlsVlak(
    (
        ((120000.0, 480000.0), (120050.0, 480000.0), (120050.0, 480050.1234), (120000.0, 480000.0)),
        ((120010.0, 480005.0), (120020.0, 480010.0), (120020.0, 480005.0), (120010.0, 480005.0)),
    )
)

KENNISGEVING = Kennisgeving(
    publicist=Publicist(GEMEENTE, "Voorbeeldstad", Bestuurslaag.GEMEENTE),
    behandelaar_oin=GEMEENTE,
    blad=Blad.GEMEENTEBLAD,
    documenttype=Documenttype.AANVRAAG,
    procedure=Procedure.REGULIER,
    moment=Moment.AANVRAAG,
    titel="Aanvraag omgevingsvergunning, kappen van een boom, Dorpsstraat 1 te Voorbeeldstad",
    tekst=(
        Alinea((Stuk("Locatie: ", vet=True), Stuk("Dorpsstraat 1 & omgeving"))),
        Alinea(),
        Tussenkop((Stuk("Vragen?"),)),
        Alinea((Stuk("Kijk op "), Stuk("onze site", link="https://voorbeeldstad.test/"), Stuk("."))),
    ),
    rubriek="omgevingsvergunning",
    referentienummer="Z2026-000123",
    activiteiten=("kappen",),
    samenvatting="kappen van een boom",
    onderwerp="Ruimte en infrastructuur | Organisatie en beleid",
    locaties=(
        AlsAdres("1234AB", "1", "Dorpsstraat", "Voorbeeldstad", gemeente="Voorbeeldstad", positie=(151229, 368702)),
        AlsPunt((151235.5, 368701), "Gebiedsmarkering", "Voorbeeldstad"),
    ),
)

BESLUIT = replace(
    KENNISGEVING,
    behandelaar_oin=OMGEVINGSDIENST,
    documenttype=Documenttype.AFHANDELING,
    moment=Moment.BESLUIT,
    titel="Verleende omgevingsvergunning, kappen van een boom, Dorpsstraat 1 in Voorbeeldstad",
    tekst=(
        Tussenkop((Stuk("Waarom publiceert de gemeente dit bericht?"),)),
        Alinea((Stuk("Zaaknummer: ", vet=True), Stuk("Z2026-0001 & <meer>"))),
        Alinea(),
        Lijst(
            (
                Punt("1.", (Alinea((Stuk("het kappen van een boom;"),)),)),
                Punt("2.", (Alinea((Stuk("het planten van een boom;"),)), Alinea((Stuk("binnen een jaar."),)))),
            )
        ),
        Alinea(
            (Stuk("Meer staat op "), Stuk("onze site", link="https://www.voorbeeldstad.test/kap?a=1&b=2"), Stuk("."))
        ),
    ),
    referentienummer="Z2026-0001",
    uitkomst=Uitkomst.VERLEEND,
    activiteiten=("kappen", "uitweg en inrit"),
    locaties=(
        AlsAdres("1234AB", "1", "Dorpsstraat", "Voorbeeldstad", gemeente="Voorbeeldstad", positie=(120001.5, 480002.0)),
        AlsPunt((120003.0, 480004.0), "achter de kerk", "Voorbeeldstad"),
    ),
    data=Data(ontvangst=date(2026, 5, 1), besluit=date(2026, 6, 1), publicatie=date(2026, 6, 3)),
)

PLANAFWIJKING = replace(
    BESLUIT,
    documenttype=Documenttype.PLANAFWIJKING,
    locaties=(VLAK,),
    bopa=Bopa("Z2026-0001", (VLAK, VLAK), ("NL.IMRO.9999.BP01-VA01",)),
)

MANY_PLACES = replace(
    BESLUIT,
    locaties=(
        *BESLUIT.locaties,
        AlsAdres("1234AB", "1", huisletter="a", toevoeging="bis"),
        AlsLijn(((1.0, 2.0), (3.5, 4.25)), "de dijk"),
        VLAK,
        AlsPostcode("1234AB", "Voorbeeldstad"),
        AlsGemeente("Voorbeeldstad", "Voorbeeldland"),
    ),
)
"""With every kind of place."""
