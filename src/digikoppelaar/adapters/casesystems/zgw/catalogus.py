"""What the Catalogi API says, remembered for a while: a zaaktype seldom changes, and every verzoek needs it.

What is remembered is bounded, and is asked for anew when the case system refuses what was made with it.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from digikoppelaar.adapters.casesystems.zgw.client import Zgw, id_of
from digikoppelaar.adapters.casesystems.zgw.problems import ZgwRefused
from digikoppelaar.adapters.casesystems.zgw.typen import (
    Zaaktype,
    read_eigenschappen,
    read_informatieobjecttypen,
    read_roltypen,
    read_statustypen,
    version_on,
)

LIFE: Final = timedelta(minutes=15)
BOUND: Final = 500
"""Answers that are remembered, in one process."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Memory:
    """Answers by what was asked, the one that was used longest ago goes first."""

    bound: int = BOUND
    _found: "OrderedDict[Key, tuple[Any, datetime]]" = field(default_factory=OrderedDict)

    def get(self, key: Key, now: datetime) -> Any:
        """What is remembered; None when it is not, or not any more."""
        value, until = self._found.get(key, (None, now))
        if value is None or until <= now:
            return None
        self._found.move_to_end(key)
        return value

    def put(self, key: Key, value: Any, now: datetime) -> None:
        """Remember it for LIFE."""
        self._found[key] = (value, now + LIFE)
        self._found.move_to_end(key)
        while len(self._found) > self.bound:
            self._found.popitem(last=False)

    def forget(self, start: Key) -> None:
        """Everything that was asked of one catalogus."""
        for key in [key for key in self._found if key[: len(start)] == start]:
            del self._found[key]

    def __len__(self) -> int:
        return len(self._found)


@dataclass(slots=True)
class Catalogus:
    """The catalogus of one target. `remembered`: an answer, since all was asked anew, came out of the memory."""

    zgw: Zgw
    memory: Memory
    remembered: bool = False

    async def zaaktype(self, day: date) -> Zaaktype:
        """The zaaktype of the settings: its URL, else the newest version on `day`. Raises ConfigError, as Zgw does."""
        wanted = self.zgw.settings.zaaktype
        if wanted.startswith(("https://", "http://")):
            return await self.at(wanted, day)
        versions = await self._versions(wanted)
        return await self.at(str(version_on(versions, day, wanted)["url"]), day)

    async def at(self, url: str, day: date) -> Zaaktype:
        """The zaaktype at `url` with its parts; documents are of types that are valid on `day`."""
        key = (*self._start, url, day.isoformat())
        if (found := self._known(key)) is None:
            found = await self._fetched(url, day)
            self._put(key, found)
        return found  # type: ignore[no-any-return]

    def may_be_why(self, refused: ZgwRefused) -> bool:
        """Whether what was remembered may be why; then everything is asked for anew."""
        if refused.status != HTTPStatus.BAD_REQUEST or not self.remembered:
            return False
        self.memory.forget(self._start)
        self.remembered = False
        return True

    @property
    def _start(self) -> Key:
        settings = self.zgw.settings
        return (settings.catalogi_url, settings.client_id, settings.catalogus)

    async def _versions(self, identificatie: str) -> list[dict[str, Any]]:
        key = (*self._start, "versions", identificatie)
        if (found := self._known(key)) is None:
            filters = {"identificatie": identificatie, "status": "definitief"}
            if self.zgw.settings.catalogus:
                filters["catalogus"] = self.zgw.settings.catalogus
            found = await self.zgw.list(self.zgw.catalogi("zaaktypen"), filters)
            self._put(key, found)
        return found  # type: ignore[no-any-return]

    async def _fetched(self, url: str, day: date) -> Zaaktype:
        zaaktype = await self.zgw.get(self.zgw.catalogi("zaaktypen", id_of(url)))
        catalogus = str(zaaktype.get("catalogus", ""))
        of_zaaktype = {"zaaktype": url, "status": "alles"}
        roltypen, statustypen, eigenschappen, relations, types = await asyncio.gather(
            self._list("roltypen", of_zaaktype),
            self._list("statustypen", of_zaaktype),
            self._list("eigenschappen", of_zaaktype),
            self._list("zaaktype-informatieobjecttypen", of_zaaktype),
            self._list("informatieobjecttypen", {"catalogus": catalogus, "status": "definitief"}),
        )
        return Zaaktype(
            url,
            catalogus,
            str(zaaktype.get("identificatie", "")),
            read_roltypen(roltypen),
            read_statustypen(statustypen),
            read_eigenschappen(eigenschappen),
            read_informatieobjecttypen(types, relations, day),
        )

    async def _list(self, name: str, filters: dict[str, str]) -> list[dict[str, Any]]:
        return await self.zgw.list(self.zgw.catalogi(name), filters)

    def _known(self, key: Key) -> Any:
        found = self.memory.get(key, self.zgw.clock.now())
        self.remembered = self.remembered or found is not None
        return found

    def _put(self, key: Key, value: Any) -> None:
        self.memory.put(key, value, self.zgw.clock.now())
