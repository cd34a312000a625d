"""Writes the verzoek XML and the notification XML of the sandbox.

The schemas of STAM are not public: both documents are the sandbox's own reading of stam.md 1.2 and 1.5, and say so
in a comment. A receiver must not rely on their order, prefixes or completeness.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.content import Bedrijf, Inhoud, Persoon
from digikoppelaar.sandbox.documents import render

_MIDDLE_EUROPE = timezone(timedelta(hours=1))  # the offset is right all year, and no time zone data are needed


@dataclass(frozen=True, slots=True)
class BevoegdGezag:
    """The authority that a verzoek is addressed to."""

    oin: str
    naam: str


def verzoeknummer(day: date, serial: int) -> str:
    """Thirteen digits: the day of submission and a serial number of that day (stam.md 1.3)."""
    if not 0 < serial < 100_000:
        raise ValueError(f"a day has 99999 verzoeknummers; {serial} is not one of them")
    return f"{day:%Y%m%d}{serial:05}"


def verzoek_xml(
    nummer: str,
    inhoud: Inhoud,
    bevoegd_gezag: BevoegdGezag,
    bijlagen: Sequence[Bijlage],
    submitted_at: datetime,
    volgnummer: int = 0,
) -> bytes:
    """The verzoek; the bijlagen that were asked for stand with their question, others under verzoekbijlages."""
    asked = min(len(bijlagen), len(inhoud.bijlagen))
    return render(
        "verzoek.xml.jinja",
        verzoeknummer=nummer,
        volgnummer=volgnummer,
        inhoud=inhoud,
        bevoegd_gezag=bevoegd_gezag,
        contactpersoon=_contactpersoon(inhoud),
        ingediend=submitted_at.astimezone(_MIDDLE_EUROPE).isoformat(timespec="milliseconds"),
        gevraagd=bijlagen[:asked],
        overige=bijlagen[asked:],
    )


def notification_xml(nummer: str) -> bytes:
    """The notification: little more than the verzoeknummer (stam.md 1.2)."""
    return render("notification.xml.jinja", verzoeknummer=nummer)


def _contactpersoon(inhoud: Inhoud) -> Persoon | None:
    """Only when the submitting party is a company (stam.md 1.7)."""
    submitter = inhoud.gemachtigde or inhoud.initiatiefnemer
    return submitter.contactpersoon if isinstance(submitter, Bedrijf) else None
