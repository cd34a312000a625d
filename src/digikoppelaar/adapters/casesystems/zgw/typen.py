"""What a catalogus says of a zaaktype, as values, read leniently. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from digikoppelaar.errors import ConfigError

Found = Mapping[str, Any]
"""A resource as the Catalogi API gave it."""


@dataclass(frozen=True, slots=True)
class Roltype:
    """`generiek` is one of the standard's own list, as initiator."""

    url: str
    omschrijving: str
    generiek: str


@dataclass(frozen=True, slots=True)
class Statustype:
    """A zaak with the eindstatus is closed."""

    url: str
    omschrijving: str
    volgnummer: int
    eind: bool


@dataclass(frozen=True, slots=True)
class Eigenschap:
    """`formaat` is tekst, getal, datum or datum_tijd; `lengte` is 0 when there is none to mind."""

    url: str
    naam: str
    formaat: str = "tekst"
    lengte: int = 0


@dataclass(frozen=True, slots=True)
class Informatieobjecttype:
    """A kind of document that a zaak of the zaaktype may have."""

    url: str
    omschrijving: str


@dataclass(frozen=True, slots=True)
class Zaaktype:
    """A version of a zaaktype with its parts."""

    url: str
    catalogus: str
    identificatie: str
    roltypen: tuple[Roltype, ...] = ()
    statustypen: tuple[Statustype, ...] = ()
    eigenschappen: tuple[Eigenschap, ...] = ()
    informatieobjecttypen: tuple[Informatieobjecttype, ...] = ()

    @property
    def start(self) -> Statustype | None:
        """The first statustype; None when there is none that leaves the zaak open."""
        first = min(self.statustypen, key=lambda each: each.volgnummer, default=None)
        return None if first is None or first.eind else first


def version_on(versions: Iterable[Found], day: date, identificatie: str) -> Found:
    """The newest published version that is valid on `day`. Raises ConfigError when there is none, or no single one."""
    published = [each for each in versions if not each.get("concept") and _valid_on(each, day)]
    if len({str(each.get("catalogus")) for each in published}) > 1:
        raise ConfigError(
            f"zaaktype {identificatie} is in more than one catalogus",
            advice=f"Het zaaktype {identificatie} staat in meer dan één catalogus: zet de URL van de goede in de "
            "instelling `catalogus`, en geef het verzoek vrij met `digikoppelaar verzoek release`.",
        )
    if not published:
        raise ConfigError(
            f"no published version of zaaktype {identificatie} is valid on {day.isoformat()}",
            advice=f"Van het zaaktype {identificatie} is geen versie gepubliceerd die geldt op {day:%d-%m-%Y}. "
            "Publiceer die of pas de instelling `zaaktype` aan, en geef het verzoek vrij met "
            "`digikoppelaar verzoek release`.",
        )
    return max(published, key=lambda each: str(each.get("beginGeldigheid") or ""))


def _valid_on(found: Found, day: date) -> bool:
    begin, end = found.get("beginGeldigheid"), found.get("eindeGeldigheid")
    return (not begin or str(begin)[:10] <= day.isoformat()) and (not end or day.isoformat() <= str(end)[:10])


def read_roltypen(found: Iterable[Found]) -> tuple[Roltype, ...]:
    """The roltypen in an answer."""
    return tuple(
        Roltype(str(each["url"]), str(each.get("omschrijving", "")), str(each.get("omschrijvingGeneriek", "")))
        for each in found
    )


def read_statustypen(found: Iterable[Found]) -> tuple[Statustype, ...]:
    """The statustypen in an answer."""
    return tuple(
        Statustype(
            str(each["url"]),
            str(each.get("omschrijving", "")),
            int(each.get("volgnummer") or 0),
            bool(each.get("isEindstatus")),
        )
        for each in found
    )


def read_eigenschappen(found: Iterable[Found]) -> tuple[Eigenschap, ...]:
    """The eigenschappen in an answer."""
    return tuple(_eigenschap(each) for each in found)


def _eigenschap(found: Found) -> Eigenschap:
    specificatie = found.get("specificatie") or {}
    lengte = str(specificatie.get("lengte") or "")
    return Eigenschap(
        str(found["url"]),
        str(found.get("naam", "")),
        str(specificatie.get("formaat") or "tekst"),
        int(lengte) if lengte.isascii() and lengte.isdigit() else 0,  # of a number with decimals it is "14,2"
    )


def read_informatieobjecttypen(
    found: Iterable[Found], relations: Iterable[Found], day: date
) -> tuple[Informatieobjecttype, ...]:
    """Those that `relations` tie to the zaaktype and that are valid on `day`, of each name the newest.

    A relation names its type by URL, or, as later standards allow, by omschrijving.
    """
    tied = {str(each.get("informatieobjecttype")) for each in relations}
    newest: dict[str, Found] = {}
    for each in sorted(found, key=lambda one: str(one.get("beginGeldigheid") or "")):
        names = {str(each.get("url")), str(each.get("omschrijving"))}
        if names & tied and not each.get("concept") and _valid_on(each, day):
            newest[str(each.get("omschrijving"))] = each
    return tuple(Informatieobjecttype(str(each["url"]), name) for name, each in newest.items())
