"""Writes the verzoek XML and the notification XML of the sandbox.

The schemas of STAM are not public: both documents are the sandbox's own reading of stam.md 1.2 and 1.5, and say so
in a comment. A receiver must not rely on their order, prefixes or completeness.
"""

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from typing import Final

from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.documents import render
from digikoppelaar.sandbox.model import Head, Inhoud, Locatie, Punt, Ring
from digikoppelaar.stam.coordinates import ETRS89, RD
from digikoppelaar.stam.geometry import converted
from digikoppelaar.stam.model import Geometrie

STAM_VERSIONS: Final = (2, 4)
"""STAM namespaces that were seen (stam.md 1.1)."""

WITHDRAWN: Final = 999
"""The volgnummer of a withdrawal (stam.md 1.3)."""

AANVULLEN: Final = "Aanvullen"
INTREKKEN: Final = "Intrekken"
CONCEPT: Final = "Conceptverzoek"

_MIDDLE_EUROPE = timezone(timedelta(hours=1))  # the offset is right all year, and no time zone data are needed


def verzoeknummer(day: date, serial: int) -> str:
    """Thirteen digits: the day of submission and a serial number of that day (stam.md 1.3)."""
    if not 0 < serial < 100_000:
        raise ValueError(f"a day has 99999 verzoeknummers; {serial} is not one of them")
    return f"{day:%Y%m%d}{serial:05}"


def verzoek_xml(head: Head, inhoud: Inhoud, bijlagen: Sequence[Bijlage]) -> bytes:
    """The verzoek; the bijlagen that were asked for stand with their question, others under verzoekbijlages."""
    base = f"http://www.omgevingswet.nl/koppelvlak/stam-v{head.stam}"
    return render(
        "verzoek.xml.jinja",
        head=head,
        doel=spelled(head.doel, head.stam),
        # In namespace 2 only IMAM was seen; in 4 the verzoek has a namespace of its own (stam.md 1.1).
        namespace=f"{base}/IMAM" if head.stam < 4 else f"{base}/verzoek",
        imam=f"{base}/IMAM",
        inhoud=inhoud,
        ingediend=head.submitted_at.astimezone(_MIDDLE_EUROPE).isoformat(timespec="milliseconds"),
        etrs=_etrs,
        gevraagd=[each for each in bijlagen if each.gevraagd],
        overige=[each for each in bijlagen if not each.gevraagd],
    )


def notification_xml(nummer: str, *, stam: int = 4, withdrawn: bool = False) -> bytes:
    """The notification: little more than the verzoeknummer (stam.md 1.2).

    `withdrawn`: it tells a withdrawal behind which there is no verzoekbericht.
    """
    return render("notification.xml.jinja", verzoeknummer=nummer, stam=stam, withdrawn=WITHDRAWN if withdrawn else None)


def spelled(doel: str, stam: int) -> str:
    """The doel in the words of a version: a conceptverzoek was called vooroverleg before STAM 4 (stam.md 1.4)."""
    return "Vooroverleg" if doel == CONCEPT and stam < 4 else doel


def _etrs(locatie: Locatie) -> Locatie:
    """The same place in ETRS89, latitude first: what a submitted verzoek has (stam.md 1.8)."""
    if locatie.punt and not locatie.vlak and locatie.etrs89:
        return Locatie(punt=locatie.etrs89)
    points = (locatie.punt,) if locatie.punt else ()
    found = converted(Geometrie(RD, points, vlakken=(locatie.vlak,) if locatie.vlak else ()), ETRS89)
    return Locatie(
        punt=_north_first(found.punten)[0] if points else None,
        vlak=tuple(map(_north_first, found.vlakken[0])) if locatie.vlak else (),
    )


def _north_first(positions: Sequence[Punt]) -> Ring:
    return tuple((north, east) for east, north in positions)
