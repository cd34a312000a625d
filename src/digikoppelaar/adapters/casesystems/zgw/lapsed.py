"""Documents that a later version no longer has: marked, never removed (stam.md 1.3).

The link says so always. The document says so too where it can be locked: with inhoudIsVervallen where the server knows
that (Documenten 1.5), else in its beschrijving.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from digikoppelaar.adapters.casesystems.zgw import documenten
from digikoppelaar.adapters.casesystems.zgw.client import Resource, Zgw, id_of
from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source
from digikoppelaar.adapters.casesystems.zgw.problems import ZgwRefused
from digikoppelaar.flows.ports import Steps

log = structlog.get_logger()

_EIO: Final = "enkelvoudiginformatieobjecten"


class OfZaak(Protocol):
    """What is needed of the delivery."""

    zaak: str
    steps: Steps


class Lapsed:
    """Marks documents of the zaak of `delivery`."""

    def __init__(self, source: Source, zgw: Zgw, delivery: OfZaak) -> None:
        self._source = source
        self._zgw = zgw
        self._delivery = delivery

    async def mark(self, document_id: str) -> Mapping[str, str]:
        """Every link of this document of DSO-LV, and what it links to. What is not there needs no mark."""
        links = await self._zgw.list(self._zgw.zaken("zaakinformatieobjecten"), {"zaak": self._delivery.zaak})
        ours = [each for each in links if documenten.is_document(str(each.get("beschrijving") or ""), document_id)]
        for each in ours:
            await self._mark_document(each, document_id)
            text = str(each.get("beschrijving") or "")
            if not text.startswith(documenten.LAPSED):
                address = self._zgw.zaken("zaakinformatieobjecten", id_of(each["url"]))
                await self._zgw.patch(address, {"beschrijving": documenten.lapsed(self._source, text)})
        return {"links": str(len(ours))}

    async def _mark_document(self, link: Resource, document_id: str) -> None:
        address = self._zgw.documenten(_EIO, id_of(link["informatieobject"]))
        document = await self._zgw.get(address)
        name = f"vervallen:{document_id}:slot:{id_of(link['informatieobject'])}"
        lock = await self._lock(address, document, name)
        if lock is None:
            return
        if changes := self._changes(document):
            await self._zgw.patch(address, {"lock": lock, **changes})
        await self._zgw.post(f"{address}/unlock", {"lock": lock})

    async def _lock(self, address: str, document: Resource, name: str) -> str | None:
        """Our lock on it, which we may have from before a crash; None: no need for one, or somebody else has it."""
        ours = self._delivery.steps.done(name)
        if document.get("locked"):
            if ours is None:
                return None  # somebody works on it: the link says enough
            if ours["lock"]:
                return ours["lock"]
            if not await self._forced(address):
                return None
        if not self._changes(document):
            return None
        await self._delivery.steps.record(name, {"lock": ""})  # from here on a lock on it may be ours
        try:
            lock = str((await self._zgw.post(f"{address}/lock", {}))["lock"])
        except ZgwRefused as refused:
            if refused.has("existing-lock"):
                return None
            raise
        await self._delivery.steps.record(name, {"lock": lock})
        return lock

    async def _forced(self, address: str) -> bool:
        """Take away a lock of ours that a crash kept from us; only some applications may (zgw.md 1.3)."""
        try:
            await self._zgw.post(f"{address}/unlock", {})
        except ZgwRefused:
            log.warning("lapsed_document_stays_locked", verzoek=self._source.verzoek.id)
            return False
        return True

    def _changes(self, document: Resource) -> Body:
        if "inhoudIsVervallen" in document:
            return {} if document["inhoudIsVervallen"] else {"inhoudIsVervallen": True}
        text = str(document.get("beschrijving") or "")
        marked = text.startswith(documenten.LAPSED)
        return {} if marked else {"beschrijving": documenten.lapsed(self._source, text)}
