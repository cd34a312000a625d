"""A delivery to the Objecten API: a document for each file, then the object, then perhaps a notification; each a step.

The consumer hears of the object, makes the zaak and links the documents. It may remove the object at any time, so an
object that a step of ours made is never looked for again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.objecten.client import Objecten
from digikoppelaar.adapters.casesystems.objecten.data import at, kenmerk, object_uuid, record_data, with_publication
from digikoppelaar.adapters.casesystems.objecten.settings import ObjectenSettings
from digikoppelaar.adapters.casesystems.zgw.client import Zgw
from digikoppelaar.adapters.casesystems.zgw.mapping import Source
from digikoppelaar.adapters.casesystems.zgw.system import Shared
from digikoppelaar.adapters.casesystems.zgw.uploads import Uploads
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.ports import BlobStore, Clock, File, Handover, News, PlannedStep, Steps
from digikoppelaar.stam.geometry import geojson

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.ASCII)
OBJECT: Final = "object"
NOTIFICATIE: Final = "notificatie"
NOT_SET: Final = "De bestemming heeft geen publicaties_path, dus er is niets verteld."
GONE: Final = "Het object is er niet meer: de afnemer heeft het verwerkt en verwijderd."


def document_step(file: File) -> str:
    """The name of the step that makes the document of this file."""
    return f"document:{file.id}"


@dataclass(frozen=True, slots=True)
class ObjectenCaseSystem:
    """flows.ports.CaseSystem; the reference of a case is the URL of its object. `target` is the name of the target."""

    settings: ObjectenSettings
    target: str
    http: CaseSystemHttp
    clock: Clock
    shared: Shared

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """See flows.ports.CaseSystem."""
        verzoek = handover.verzoek
        source, zgw = self._source(handover), self._zgw(f"DSO-verzoek {verzoek.verzoeknummer}-{verzoek.volgnummer}")
        uploads = Uploads(zgw, source, blobs, steps, zaak="")
        documenten = {file.id: await self._document(file, uploads, steps) for file in handover.verzoek.files}
        outcome = steps.done(OBJECT)
        if outcome is None:
            data = await aside(partial(record_data, handover, self.target, self.settings, documenten))
            outcome = await self._object(source, data)
            await steps.record(OBJECT, outcome)
        if self.settings.notificaties_url and steps.done(NOTIFICATIE) is None:
            await self._notify(zgw, outcome)
            await steps.record(NOTIFICATIE, {})
        return outcome["url"]

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem. Fills in the template; sends nothing."""
        source, settings = self._source(handover), self.settings
        _ = source.bronorganisatie  # raises when it is neither set nor in the OIN
        files = handover.verzoek.files
        urls = {file.id: f"{settings.documenten.documenten_url}/voorbeeld" for file in files}
        await aside(partial(record_data, handover, self.target, settings, urls))
        planned = [
            (document_step(file), f"Document {number} ({file.kind.value}, {file.size} bytes) maken.")
            for number, file in enumerate(files, start=1)
        ]
        planned.append((OBJECT, "Het object bijwerken." if self._known(handover) else "Het object maken."))
        if settings.notificaties_url:
            planned.append((NOTIFICATIE, f"Notificatie sturen in kanaal {settings.kanaal}."))
        return [PlannedStep(name, what, steps.done(name) is not None) for name, what in planned]

    async def tell(self, news: News) -> str:
        """See flows.ports.CaseSystem: the publication joins the list in the data that the settings name."""
        if not self.settings.publicaties_path:
            return NOT_SET
        api = Objecten(self.settings, self.http, self.clock)
        known = _UUID.search(news.case)
        found = await api.one(known[0]) if known else None
        if known is None or found is None:
            return GONE
        record = with_publication(found["record"], news, self.settings.publicaties_path)
        if record is not None:
            found = await api.replace(known[0], {"type": self.settings.objecttype, "record": record})
        if self.settings.notificaties_url:  # again when it is repeated: whether it went is on record nowhere
            zgw = self._zgw(f"DSO-verzoek {news.verzoeknummer}, publicatie {news.publication.number}")
            await self._notify(zgw, {"url": _url_of(found), "actie": "update"})
        return ""

    async def _document(self, file: File, uploads: Uploads, steps: Steps) -> str:
        """Its URL. An aanvulling finds the documents that an earlier version brought: they have the same content."""
        outcome = steps.done(document_step(file))
        if outcome is None:
            outcome = await uploads.upload(file, self.settings.informatieobjecttypen[file.kind.value], look=True)
            await steps.record(document_step(file), outcome)
        return outcome["url"]

    async def _object(self, source: Source, data: Mapping[str, Any]) -> dict[str, str]:
        """What is recorded of the object: made, changed, or found as an attempt before this one left it."""
        api = Objecten(self.settings, self.http, self.clock)
        uuid, name = str(object_uuid(source.verzoek, self.target)), kenmerk(source.verzoek, self.target)
        body = {"type": self.settings.objecttype, "record": self._record(source, data)}
        known = self._known(source.handover)
        if known and (before := await api.one(known)) is not None:
            if at(before, ("record", "data", *self.settings.kenmerk_path)) != name:
                before = await api.replace(known, body)
            return {"url": _url_of(before), "actie": "update"}
        found = await api.find(uuid, name) or await api.create({**body, "uuid": uuid})
        return {"url": _url_of(found), "actie": "create"}

    def _known(self, handover: Handover) -> str:
        """The UUID of the object of an earlier version, when it is to be changed; else nothing."""
        found = _UUID.search(handover.case or "") if self.settings.updates else None
        return found[0] if found else ""

    def _record(self, source: Source, data: Mapping[str, Any]) -> dict[str, Any]:
        geometry = geojson(*source.read.projectlocaties) if self.settings.geometry else None
        return {
            "typeVersion": self.settings.objecttype_version,
            "startAt": source.day.isoformat(),
            "data": data,
            **({"geometry": geometry} if geometry else {}),
        }

    async def _notify(self, zgw: Zgw, outcome: Mapping[str, str]) -> None:
        await zgw.post(f"{self.settings.notificaties_url}/notificaties", self._notificatie(outcome))

    def _notificatie(self, outcome: Mapping[str, str]) -> dict[str, Any]:
        return {
            "kanaal": self.settings.kanaal,
            "hoofdObject": outcome["url"],
            "resource": "object",
            "resourceUrl": outcome["url"],
            "actie": outcome["actie"],
            "aanmaakdatum": self.clock.now().isoformat(),
            "kenmerken": {"objectType": self.settings.objecttype},
        }

    def _source(self, handover: Handover) -> Source:
        return Source(handover, self.settings.documenten, self.target, self.clock.now())

    def _zgw(self, audit: str) -> Zgw:
        return Zgw(self.settings.documenten, self.http, self.shared.tokens, self.clock, audit)


def _url_of(found: Mapping[str, Any]) -> str:
    url = found.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or not url.isprintable():
        raise CaseSystemError("object: the answer of the Objecten API has no URL")
    return url
