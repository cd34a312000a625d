"""What happened in a zaak, read at the ZGW API's: a status that was set, a besluit that was taken.

As everywhere here, a resource is asked for below the address in the settings, by the id at the end of its URL: whoever
tells us of one cannot lead us elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from digikoppelaar.adapters.casesystems.zgw.client import Zgw, id_of
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.ports.case_events import Happened, Resource

_AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_ADVICE_REFUSED: Final = (
    "Het zaaksysteem geeft deze status of dit besluit niet. Controleer de rechten van de applicatie (zaken.lezen, "
    "besluiten.lezen, catalogi.lezen), het geheim en `besluiten_url` van de bestemming."
)
_ADVICE_NO_URL: Final = "Geef bij de bestemming van soort zgw het adres van de Besluiten API op als `besluiten_url`."


@dataclass(frozen=True, slots=True)
class ZgwHappenings:
    """flows.ports.case_events.CaseReader."""

    zgw: Zgw

    async def read(self, resource: Resource, url: str) -> Happened:
        """See flows.ports.case_events.CaseReader."""
        try:
            return await (self._status(url) if resource is Resource.STATUS else self._besluit(url))
        except CaseSystemRefused as refused:
            raise CaseSystemRefused(str(refused), advice=_ADVICE_REFUSED) from refused

    async def _status(self, url: str) -> Happened:
        status = await self.zgw.get(self.zgw.zaken("statussen", id_of(url)))
        zaak = await self.zgw.get(self.zgw.zaken("zaken", id_of(status.get("zaak"))))
        return Happened(
            zaak=str(status["zaak"]),
            type_url=str(status.get("statustype", "")),
            type_name=await self._name("statustypen", status.get("statustype")),
            day=_moment(status, "datumStatusGezet"),
            decide_by=_day(zaak, "uiterlijkeEinddatumAfdoening"),
        )

    async def _besluit(self, url: str) -> Happened:
        besluiten = self.zgw.settings.besluiten_url
        if not besluiten:
            raise ConfigError("the target has no besluiten_url", advice=_ADVICE_NO_URL)
        besluit = await self.zgw.get(f"{besluiten}/besluiten/{id_of(url)}")
        day = _day(besluit, "datum")
        if day is None:
            raise CaseSystemError("the besluit has no datum")
        return Happened(
            zaak=str(besluit.get("zaak") or ""),
            type_url=str(besluit.get("besluittype", "")),
            type_name=await self._name("besluittypen", besluit.get("besluittype")),
            day=day,
            sent=_day(besluit, "verzenddatum"),
            publish_on=_day(besluit, "publicatiedatum"),
            in_force=_day(besluit, "ingangsdatum"),
        )

    async def _name(self, types: str, url: object) -> str:
        return str((await self.zgw.get(self.zgw.catalogi(types, id_of(url)))).get("omschrijving", ""))


def _day(resource: Mapping[str, Any], name: str) -> date | None:
    value = resource.get(name)
    try:
        return date.fromisoformat(value) if value else None
    except (TypeError, ValueError) as error:
        raise CaseSystemError(f"{name} in the answer is no date") from error


def _moment(resource: Mapping[str, Any], name: str) -> date:
    """The day in the Netherlands."""
    try:
        return datetime.fromisoformat(resource[name]).astimezone(_AMSTERDAM).date()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CaseSystemError(f"{name} in the answer is no moment") from error
