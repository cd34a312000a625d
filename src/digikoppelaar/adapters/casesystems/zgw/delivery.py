"""One delivery of one version: which steps it takes, in which order, and what each does (zgw.md 1.2).

    new         [zaaknummer] ─▶ zaak ─▶ rollen, objecten, eigenschappen, documents with their links ─▶ status
    aanvulling  zaak, which is looked up ─▶ the same, where it differs ─▶ lapsed documents ─▶ toelichting ─▶ [status]
    intrekking  zaak, which is looked up ─▶ eigenschappen, documents ─▶ toelichting ─▶ [status]

The status comes last, so that a zaak with a status is complete. Where the server has no unique key, a step looks before
it makes.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from digikoppelaar.adapters.casesystems.zgw import documenten, mapping, zaken
from digikoppelaar.adapters.casesystems.zgw.catalogus import Catalogus
from digikoppelaar.adapters.casesystems.zgw.client import Resource, Zgw, id_of
from digikoppelaar.adapters.casesystems.zgw.eigenschappen import WantedEigenschap, wanted_eigenschappen
from digikoppelaar.adapters.casesystems.zgw.lapsed import Lapsed
from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source
from digikoppelaar.adapters.casesystems.zgw.objecten import WantedObject, wanted_objecten
from digikoppelaar.adapters.casesystems.zgw.problems import ADVICE_UNKNOWN, ZgwRefused
from digikoppelaar.adapters.casesystems.zgw.rollen import INITIATOR, WantedRol, contains, missing, wanted_rollen
from digikoppelaar.adapters.casesystems.zgw.steps import Chain, Stage, Step, run, take
from digikoppelaar.adapters.casesystems.zgw.typen import Statustype, Zaaktype
from digikoppelaar.adapters.casesystems.zgw.uploads import Uploads
from digikoppelaar.errors import CaseSystemRefused, ConfigError
from digikoppelaar.flows.ports import BlobStore, File, Steps
from digikoppelaar.stam.geometry import geojson

log = structlog.get_logger()

_KINDS: Final = {"xml": "het verzoek (XML)", "pdf": "het verzoek (PDF)", "bijlage": "een bijlage"}


@dataclass(slots=True)
class Delivery:
    """The steps of one version. `zaak` is its URL, once that is known; `fresh`: this run made it, so it is empty."""

    source: Source
    zgw: Zgw
    catalogus: Catalogus
    blobs: BlobStore | None
    """None for a preview, which reads no file."""
    steps: Steps
    zaak: str = ""
    fresh: bool = False
    _lists: dict[str, list[Resource]] = field(default_factory=dict)

    async def deliver(self) -> str:
        """Take every step that is not done; the URL of the zaak."""
        for step in self.first():
            outcome = await take(step, self.steps)
        self.zaak = outcome["url"]
        zaaktype = await self.catalogus.at(outcome["zaaktype"], self.source.day)
        await run(self.rest(zaaktype), self.steps, self.zgw.settings.documents_at_once)
        return self.zaak

    def first(self) -> Chain:
        """What makes or finds the zaak."""
        if self.source.updates:
            return (Step("zaak", "De zaak opzoeken die er al is.", self._found_zaak),)
        steps = [Step("zaak", "De zaak maken.", self._make_zaak)]
        if self.zgw.settings.identificatie == "reserved":
            steps.insert(0, Step("zaaknummer", "Een zaaknummer reserveren.", self._reserve))
        return steps

    def rest(self, zaaktype: Zaaktype) -> list[Stage]:
        """Every step after that. Raises ConfigError when the settings do not fit the zaaktype."""
        parts = [self._eigenschappen(zaaktype)]
        if not mapping.is_withdrawal(self.source):
            parts += [self._rollen(zaaktype), self._objecten()]
        filled = [chain for chain in (*parts, *self._documenten(zaaktype)) if chain]
        return [
            filled,
            self._lapsed(),
            *([[self._toelichting()]] if self.source.updates else []),
            self._status(zaaktype),
        ]

    def checked(self, zaaktype: Zaaktype) -> list[Stage]:
        """`rest`, for what is wrong with the settings must be told before there is half a zaak. Raises ConfigError."""
        mapping.zaak(self.source, zaaktype.url, "")
        return self.rest(zaaktype)

    async def zaaktype(self) -> Zaaktype:
        """The zaaktype, also before the zaak is there. Changes nothing."""
        if (known := self.steps.done("zaak")) is not None:
            return await self.catalogus.at(known["zaaktype"], self.source.day)
        if self.source.updates:
            return await self.catalogus.at((await self._found_zaak())["zaaktype"], self.source.day)
        return await self.catalogus.zaaktype(self.source.day)

    async def refuse_if_closed(self) -> None:
        """Raises CaseSystemRefused when the zaak was closed meanwhile: a server then only says that it may not."""
        if self.zaak:
            zaken.check_open(await self.zgw.get(self.zgw.zaken("zaken", id_of(self.zaak))))

    # The zaak

    async def _reserve(self) -> Mapping[str, str]:
        """Recorded before the zaak is made, so that a crash after it does not take a second number for one zaak."""
        body = {"bronorganisatie": self.source.bronorganisatie}
        made = await self.zgw.post(self.zgw.zaken("zaaknummer_reserveren"), body)
        if not (nummer := str(made.get("zaaknummer") or "")):
            raise CaseSystemRefused("zaaknummer_reserveren: the answer has no zaaknummer")
        return {"identificatie": nummer}

    async def _make_zaak(self) -> Mapping[str, str]:
        reserved = self.steps.done("zaaknummer")
        identificatie = reserved["identificatie"] if reserved else mapping.derived_identificatie(self.source)
        zaaktype = await self.catalogus.zaaktype(self.source.day)
        self.checked(zaaktype)
        body = mapping.zaak(self.source, zaaktype.url, identificatie)
        try:
            made = await self._without_refused_geometry(partial(self.zgw.post, self.zgw.zaken("zaken")), body)
            self.fresh = True
        except ZgwRefused as refused:
            found = await self._find(identificatie) if refused.has("identificatie-niet-uniek") else None
            if found is None:
                raise
            zaken.check_open(found)
            made = found
        return {"url": str(made["url"]), "zaaktype": str(made["zaaktype"])}

    async def _without_refused_geometry(self, send: Callable[[Body], Awaitable[Resource]], body: Body) -> Resource:
        """A drawing that the case system does not take must not stop the verzoek: it is also in the XML."""
        try:
            return await send(body)
        except ZgwRefused as refused:
            if not refused.about("zaakgeometrie"):
                raise
            log.warning("zaakgeometrie_refused", verzoek=self.source.verzoek.id)
            return await send({name: value for name, value in body.items() if name != "zaakgeometrie"})

    async def _found_zaak(self) -> Mapping[str, str]:
        """What an aanvulling or intrekking is about. Raises CaseSystemRefused when it is unknown or closed."""
        case = self.source.handover.case
        if case is None:
            found = await self._find(mapping.derived_identificatie(self.source))
        else:
            found = await zaken.referred_to(self.zgw, case, self.source.bronorganisatie)
        if found is None:
            nummer = self.source.verzoek.verzoeknummer
            raise CaseSystemRefused(f"no zaak of verzoek {nummer} was found", advice=ADVICE_UNKNOWN)
        zaken.check_open(found)
        return {"url": str(found["url"]), "zaaktype": str(found["zaaktype"])}

    async def _find(self, identificatie: str) -> Resource | None:
        return await zaken.with_identificatie(self.zgw, identificatie, self.source.bronorganisatie)

    # Rollen, objecten, eigenschappen

    def _rollen(self, zaaktype: Zaaktype) -> Chain:
        return [
            Step(f"rol:{rol.name}", f"De {rol.name} als rol vastleggen.", partial(self._rol, rol))
            for rol in wanted_rollen(self.source, zaaktype)
        ]

    async def _rol(self, rol: WantedRol) -> Mapping[str, str]:
        there = await self._there("rollen", {"zaak": self.zaak})
        if same := next((each for each in there if rol.is_in(each)), None):
            return {"url": str(same["url"])}
        ours = next((each for each in there if rol.ours(each)), None)
        if ours is None and rol.roltype.generiek == INITIATOR and _initiator(there):
            return {"url": "", "why": "the zaak has an initiator already"}
        if ours is not None:  # a rol cannot be changed in either version of the standard
            await self.zgw.delete(self.zgw.zaken("rollen", id_of(ours["url"])))
        return {"url": str((await self._made_rol(rol))["url"])}

    async def _made_rol(self, rol: WantedRol) -> Resource:
        address = self.zgw.zaken("rollen")
        try:
            return await self.zgw.post(address, {"zaak": self.zaak, **rol.body})
        except ZgwRefused as refused:
            if refused.status != 400 or rol.body == rol.standard:
                raise
            return await self.zgw.post(address, {"zaak": self.zaak, **rol.standard})

    def _objecten(self) -> Chain:
        return [
            Step(f"object:{each.name}", "Een locatie als zaakobject vastleggen.", partial(self._object, each))
            for each in wanted_objecten(self.source)
        ]

    async def _object(self, wanted: WantedObject) -> Mapping[str, str]:
        there = await self._there("zaakobjecten", {"zaak": self.zaak})
        found = next((each for each in there if wanted.is_in(each)), None)
        if found is None:
            found = await self.zgw.post(self.zgw.zaken("zaakobjecten"), {"zaak": self.zaak, **wanted.body})
            there.append(found)  # two locations may be about the very same thing
        return {"url": str(found["url"])}

    def _eigenschappen(self, zaaktype: Zaaktype) -> Chain:
        return [
            Step(
                f"eigenschap:{each.eigenschap.naam}",
                f"De eigenschap {each.eigenschap.naam} vastleggen.",
                partial(self._eigenschap, each),
            )
            for each in wanted_eigenschappen(self.source, zaaktype)
        ]

    async def _eigenschap(self, wanted: WantedEigenschap) -> Mapping[str, str]:
        there = await self._there(zaken.eigenschappen_path(self.zaak), {})
        return {"url": str((await zaken.put_eigenschap(self.zgw, self.zaak, wanted, there))["url"])}

    async def _there(self, path: str, filters: Mapping[str, str]) -> list[Resource]:
        """What the zaak has of one kind: asked once, before the first of them is made."""
        if path not in self._lists:
            self._lists[path] = await self.zgw.list(self.zgw.zaken(path), filters)
        return self._lists[path]

    # Documents

    def _documenten(self, zaaktype: Zaaktype) -> list[Chain]:
        return [self._document(file, zaaktype) for file in self.source.verzoek.files]

    def _document(self, file: File, zaaktype: Zaaktype) -> Chain:
        what, soort = _KINDS[file.kind.value], documenten.informatieobjecttype(self.source, file, zaaktype)
        return (
            Step(f"document:{file.id}", f"Als document opslaan: {what}.", partial(self._upload, file, soort)),
            Step(f"link:{file.id}", f"Aan de zaak koppelen: {what}.", partial(self._link, file)),
        )

    async def _upload(self, file: File, soort: str) -> Mapping[str, str]:
        assert self.blobs is not None, "a preview takes no step"
        uploads = Uploads(self.zgw, self.source, self.blobs, self.steps, self.zaak)
        return await uploads.upload(file, soort, look=not self.fresh)

    async def _link(self, file: File) -> Mapping[str, str]:
        document = (self.steps.done(f"document:{file.id}") or {})["url"]
        body = {"zaak": self.zaak, "informatieobject": document, **documenten.link(self.source, file)}
        try:
            made = await self.zgw.post(self.zgw.zaken("zaakinformatieobjecten"), body)
        except ZgwRefused as refused:
            if not refused.has("unique"):
                raise
            found = await Lapsed(self.source, self.zgw, self).revived(document, body["beschrijving"])
            return {"url": found}
        return {"url": str(made.get("url", ""))}

    def _lapsed(self) -> Stage:
        lapsed = Lapsed(self.source, self.zgw, self)
        return [
            (Step(f"vervallen:{each}", "Een document als vervallen markeren.", partial(lapsed.mark, each)),)
            for each in self.source.verzoek.lapsed
        ]

    # What a person sees

    def _toelichting(self) -> Chain:
        what = "De toelichting en de locatie van de zaak bijwerken."
        return (Step("toelichting", what, self._tell),)

    async def _tell(self) -> Mapping[str, str]:
        address = self.zgw.zaken("zaken", id_of(self.zaak))
        zaak = await self.zgw.get(address)
        changes: Body = {}
        if text := mapping.with_news(self.source, str(zaak.get("toelichting") or "")):
            changes["toelichting"] = text
        geometry = None if mapping.is_withdrawal(self.source) else geojson(*self.source.read.projectlocaties)
        if geometry and not contains(zaak.get("zaakgeometrie"), geometry):
            changes["zaakgeometrie"] = geometry
        if changes:
            await self._without_refused_geometry(partial(self.zgw.patch, address), changes)
        return {}

    def _status(self, zaaktype: Zaaktype) -> Stage:
        statustype = self._statustype(zaaktype)
        if statustype is None:
            return ()
        what = f"De status {statustype.omschrijving} zetten."
        return ((Step("status", what, partial(self._set_status, statustype)),),)

    def _statustype(self, zaaktype: Zaaktype) -> Statustype | None:
        settings = self.zgw.settings
        if mapping.is_withdrawal(self.source):
            wanted = settings.intrekking_statustype
        elif self.source.updates:
            wanted = settings.aanvulling_statustype
        else:
            wanted = settings.statustype
        if not wanted:
            return None if self.source.updates else zaaktype.start
        found = next((each for each in zaaktype.statustypen if each.omschrijving.casefold() == wanted.casefold()), None)
        if found is None:
            raise missing("statustype", wanted, zaaktype, [each.omschrijving for each in zaaktype.statustypen])
        if found.eind:
            raise ConfigError(
                f"statustype {wanted!r} closes the zaak",
                advice="Een eindstatus sluit de zaak; dat doet een behandelaar. Kies een ander statustype en geef het "
                "verzoek vrij met `digikoppelaar verzoek release`.",
            )
        return found

    async def _set_status(self, statustype: Statustype) -> Mapping[str, str]:
        mark = f"DSO-verzoek {self.source.verzoek.verzoeknummer}, {self.source.version}"
        there = await self.zgw.list(self.zgw.zaken("statussen"), {"zaak": self.zaak})
        same_type = [each for each in there if each.get("statustype") == statustype.url]
        found = next((each for each in same_type if each.get("statustoelichting") == mark), None)
        if found is None:
            body = {
                "zaak": self.zaak,
                "statustype": statustype.url,
                "datumStatusGezet": self.zgw.clock.now().isoformat().replace("+00:00", "Z"),
                "statustoelichting": mark,
            }
            found = await self.zgw.post(self.zgw.zaken("statussen"), body)
        return {"url": str(found["url"])}


def _initiator(rollen: list[Resource]) -> bool:
    return any(each.get("omschrijvingGeneriek") == INITIATOR for each in rollen)
