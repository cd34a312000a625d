"""A case system with the ZGW API's as a target (zgw.md 1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.zgw.auth import Tokens
from digikoppelaar.adapters.casesystems.zgw.catalogus import Catalogus, Memory
from digikoppelaar.adapters.casesystems.zgw.client import Zgw
from digikoppelaar.adapters.casesystems.zgw.delivery import Delivery
from digikoppelaar.adapters.casesystems.zgw.mapping import Source
from digikoppelaar.adapters.casesystems.zgw.problems import ZgwRefused
from digikoppelaar.adapters.casesystems.zgw.publicatie import Publicatie
from digikoppelaar.adapters.casesystems.zgw.settings import ZgwSettings
from digikoppelaar.adapters.casesystems.zgw.steps import planned
from digikoppelaar.flows.ports import BlobStore, Clock, Handover, News, PlannedStep, Steps


@dataclass(slots=True)
class Shared:
    """What every ZGW target of one process shares: tokens and what catalogi said."""

    tokens: Tokens = field(default_factory=Tokens)
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class ZgwCaseSystem:
    """flows.ports.CaseSystem; the reference of a case is the URL of its zaak. `target` is the name of the target."""

    settings: ZgwSettings
    target: str
    http: CaseSystemHttp
    clock: Clock
    shared: Shared

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """See flows.ports.CaseSystem. Raises CaseSystemError, ZgwRefused and other CaseSystemRefused, ConfigError."""
        delivery = self._delivery(handover, blobs, steps)
        try:
            return await self._attempt(delivery)
        except ZgwRefused as refused:
            if refused.status == 403:
                await delivery.refuse_if_closed()
            raise

    async def _attempt(self, delivery: Delivery) -> str:
        """Once more with a fresh catalogus when what was remembered of it may be why it is refused."""
        try:
            return await delivery.deliver()
        except ZgwRefused as refused:
            if not delivery.catalogus.may_be_why(refused):
                raise
            return await self._delivery(delivery.source.handover, delivery.blobs, delivery.steps).deliver()

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem. Asks the catalogus, and for an aanvulling or intrekking the zaak."""
        delivery = self._delivery(handover, None, steps)
        stages = delivery.checked(await delivery.zaaktype())
        return planned([[delivery.first()], *stages], steps)

    async def tell(self, news: News) -> str:
        """See flows.ports.CaseSystem: its number, day and address as eigenschappen, and a document with the text."""
        zgw = self._zgw(f"DSO-verzoek {news.verzoeknummer}, publicatie {news.publication.number}")
        publicatie = Publicatie(news, self.target, zgw, Catalogus(zgw, self.shared.memory))
        try:
            return await publicatie.tell()
        except ZgwRefused as refused:
            if not publicatie.catalogus.may_be_why(refused):
                raise
            return await publicatie.tell()

    def _delivery(self, handover: Handover, blobs: BlobStore | None, steps: Steps) -> Delivery:
        verzoek = handover.verzoek
        zgw = self._zgw(f"DSO-verzoek {verzoek.verzoeknummer}-{verzoek.volgnummer}")
        source = Source(handover, self.settings, self.target, self.clock.now())
        return Delivery(source, zgw, Catalogus(zgw, self.shared.memory), blobs, steps)

    def _zgw(self, audit: str) -> Zgw:
        return Zgw(self.settings, self.http, self.shared.tokens, self.clock, audit)
