"""Documents that a later version no longer has: marked, never removed (stam.md 1.3); and one that comes back.

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
_LINKS: Final = "zaakinformatieobjecten"


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
        links = await self._links({})
        ours = [each for each in links if documenten.is_document(str(each.get("beschrijving") or ""), document_id)]
        for each in ours:
            await self._change_document(each, lapsed=True)
            text = str(each.get("beschrijving") or "")
            if not text.startswith(documenten.LAPSED):
                await self._describe(each, documenten.lapsed(self._source, text))
        return {"links": str(len(ours))}

    async def revived(self, document: str, beschrijving: str) -> str:
        """The URL of the link of a document that was linked before, which has lapsed no longer."""
        links = await self._links({"informatieobject": document})
        for each in links:
            if str(each.get("beschrijving") or "").startswith(documenten.LAPSED):
                await self._change_document(each, lapsed=False)
                await self._describe(each, beschrijving)
        return str(links[0]["url"]) if links else ""

    async def _links(self, filters: Mapping[str, str]) -> list[Resource]:
        return await self._zgw.list(self._zgw.zaken(_LINKS), {"zaak": self._delivery.zaak, **filters})

    async def _describe(self, link: Resource, beschrijving: str) -> None:
        await self._zgw.patch(self._zgw.zaken(_LINKS, id_of(link["url"])), {"beschrijving": beschrijving})

    async def _change_document(self, link: Resource, *, lapsed: bool) -> None:
        identity = id_of(link["informatieobject"])
        address = self._zgw.documenten(_EIO, identity)
        document = await self._zgw.get(address)
        lock = await self._lock(address, document, f"slot:{identity}", lapsed=lapsed)
        if lock is None:
            return
        if changes := self._changes(document, lapsed=lapsed):
            await self._zgw.patch(address, {"lock": lock, **changes})
        await self._zgw.post(f"{address}/unlock", {"lock": lock})

    async def _lock(self, address: str, document: Resource, name: str, *, lapsed: bool) -> str | None:
        """Our lock on it, which we may have from before a crash; None: no need for one, or somebody else has it."""
        ours = self._delivery.steps.done(name)
        if document.get("locked"):
            if ours is None:
                return None  # somebody works on it: the link says enough
            if ours["lock"]:
                return ours["lock"]
            if not await self._forced(address):
                return None
        if not self._changes(document, lapsed=lapsed):
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

    def _changes(self, document: Resource, *, lapsed: bool) -> Body:
        """What must be changed of the document, if anything."""
        if "inhoudIsVervallen" in document:
            return {} if bool(document["inhoudIsVervallen"]) == lapsed else {"inhoudIsVervallen": lapsed}
        text = str(document.get("beschrijving") or "")
        if text.startswith(documenten.LAPSED) == lapsed:
            return {}
        return {"beschrijving": documenten.lapsed(self._source, text) if lapsed else documenten.without_mark(text)}

    async def _forced(self, address: str) -> bool:
        """Take away a lock of ours that a crash kept from us; only some applications may (zgw.md 1.3)."""
        try:
            await self._zgw.post(f"{address}/unlock", {})
        except ZgwRefused:
            log.warning("lapsed_document_stays_locked", verzoek=self._source.verzoek.id)
            return False
        return True
