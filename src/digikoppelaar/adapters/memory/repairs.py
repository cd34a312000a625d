"""The in-memory twin of RepairStore, over the twins of the stores that it moves.

One contract test runs against both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken, Trouble
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import (
    NOTIFICATION_ENDED,
    NotificationEvent,
    NotificationState,
    VerzoekEvent,
    VerzoekState,
    notification_after,
    verzoek_after,
)
from digikoppelaar.flows.ports import Aansluiting, DeliveryState, NewNotification, Notification, Verzoek
from digikoppelaar.flows.ports.repair import InboundNotification, Moved, ParkedFilter, Redelivery, Replayed, Which, Who
from digikoppelaar.flows.repair import GOING, STOPPED_ADVICE, not_whole, replayed, stopped_reason
from digikoppelaar.flows.version_order import again
from digikoppelaar.stam.rules import Action


@dataclass(slots=True)
class MemoryRepairs:
    """`messages` are those that came in, by MessageId; `notification_of` says which notification one led to."""

    verzoeken: MemoryVerzoeken
    deliveries: MemoryDeliveries
    aansluitingen: dict[int, Aansluiting] = field(default_factory=dict)
    messages: dict[str, InboundNotification] = field(default_factory=dict)
    notification_of: dict[int, int] = field(default_factory=dict)
    told: list[tuple[str, str, Who]] = field(default_factory=list)

    async def versions(self, which: Which) -> Sequence[int]:
        """See flows.ports.repair.RepairStore."""
        found = self.verzoeken.of(which.aansluiting_id, which.verzoeknummer)
        return [each.id for each in found if which.volgnummer in (None, each.volgnummer)]

    async def park(self, which: Which, reason: str, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        shown = stopped_reason(reason, who)
        notifications = self._going_notifications(which)
        versions = [each for each in self._going(which) if each.id not in self.verzoeken.stopped]
        if not dry_run and (notifications or versions):
            for notification in notifications:
                self._stop_notification(notification, shown)
            for version in versions:
                self._stop(version, shown, [row.target for row in self.deliveries.of(version.id)])
            self.told.append(("parked", which.verzoeknummer, who))
        return [*(Moved(each.id, None, each.state) for each in notifications), *map(_moved, versions)]

    async def park_target(
        self, which: Which, target: str, reason: str, who: Who, *, dry_run: bool = False
    ) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        shown = stopped_reason(reason, who)
        versions = [each for each in self._going(which) if self._waits_at(each, target)]
        if not dry_run and versions:
            for version in versions:
                self._stop(version, shown, [target])
            self.told.append(("parked", which.verzoeknummer, who))
        return list(map(_moved, versions))

    async def redeliver(self, wanted: Redelivery, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        versions = self.verzoeken.of(wanted.which.aansluiting_id, wanted.which.verzoeknummer)
        delivered = [each for each in versions if each.state == VerzoekState.DELIVERED]
        since = wanted.which.volgnummer
        chosen = delivered[-1:] if since is None else [each for each in delivered if each.volgnummer >= since]
        if broken := [each for each in chosen if any(file.blob is None for file in each.files)]:
            raise not_whole(broken[0].volgnummer)
        if not dry_run and chosen:
            for place, step in list(again(self.verzoeken.places(chosen[0]), chosen[0].volgnummer)):
                self.verzoeken.step(self.verzoeken.verzoeken[place.id], step)
            for version in chosen:
                self._deliver_again(version, wanted)
            self.told.append(("redelivered", wanted.which.verzoeknummer, who))
        return list(map(_moved, chosen))

    async def refetch(self, which: Which, who: Who) -> int:
        """See flows.ports.repair.RepairStore."""
        return self._refetch(which.aansluiting_id, NewNotification(which.verzoeknummer), who)

    async def inbound(self, message_id: str, omgeving: str | None) -> Sequence[InboundNotification]:
        """See flows.ports.repair.RepairStore."""
        found = self.messages.get(message_id)
        fits = found and omgeving in (None, self.aansluitingen[found.aansluiting_id].omgeving)
        return [found] if found and fits else []

    async def replay(self, inbound_id: int, new: NewNotification, who: Who, *, dry_run: bool = False) -> Replayed:
        """See flows.ports.repair.RepairStore."""
        message = next((each for each in self.messages.values() if each.id == inbound_id), None)
        if message is None:
            raise StorageError(f"there is no inbound message {inbound_id}")
        before = self.verzoeken.notifications.get(self.notification_of.get(inbound_id, 0))
        outcome = replayed(before.state if before else None)
        if dry_run or outcome is Replayed.WAITS:
            return outcome
        if outcome is Replayed.FETCHED_AGAIN:
            self._refetch(message.aansluiting_id, new, who)
        elif before is None:
            aansluiting = self.aansluitingen[message.aansluiting_id]
            self.notification_of[inbound_id] = self.verzoeken.announce(aansluiting, new, who.at)
        else:
            self._read_again(before, new)
        self.told.append(("replayed", new.verzoeknummer, who))
        return outcome

    async def failed(self, wanted: ParkedFilter) -> Sequence[Which]:
        """See flows.ports.repair.RepairStore."""
        store = self.verzoeken
        notifications = [
            (each.aansluiting, each.verzoeknummer, store.notification_troubles[each.id].reason)
            for each in store.notifications.values()
            if each.state == NotificationState.PARKED and not each.stopped and each.verzoeknummer
            if wanted.target is None
        ]
        versions = [
            (each.aansluiting, each.verzoeknummer, store.verzoek_troubles[each.id].reason)
            for each in store.verzoeken.values()
            if each.state == VerzoekState.PARKED and each.id not in store.stopped and each.action is not Action.PARK
            if wanted.target is None or self._parked_at(each, wanted.target)
        ]
        fitting = (
            Which(aansluiting.id, verzoeknummer)
            for aansluiting, verzoeknummer, reason in (*notifications, *versions)
            if wanted.omgeving in (None, aansluiting.omgeving)
            and wanted.organisatie_oin in (None, aansluiting.organisatie_oin)
            and (wanted.reason or "").casefold() in reason.casefold()
        )
        return list(dict.fromkeys(fitting))[: wanted.limit]

    def _going(self, which: Which) -> list[Verzoek]:
        versions = self.verzoeken.of(which.aansluiting_id, which.verzoeknummer)
        return [each for each in versions if which.volgnummer in (None, each.volgnummer) and each.state in GOING]

    def _going_notifications(self, which: Which) -> list[Notification]:
        if which.volgnummer is not None:
            return []
        wanted = (which.aansluiting_id, which.verzoeknummer.casefold(), False)
        return [
            each
            for each in self.verzoeken.notifications.values()
            if (each.aansluiting.id, each.verzoeknummer.casefold(), each.stopped) == wanted
            and each.state not in NOTIFICATION_ENDED
        ]

    def _stop_notification(self, before: Notification, shown: str) -> None:
        state = notification_after(before.state, NotificationEvent.PARKED)
        self.verzoeken.notifications[before.id] = replace(before, state=state, stopped=True)
        self.verzoeken.notification_troubles[before.id] = Trouble(shown, STOPPED_ADVICE, parked=True)

    def _stop(self, before: Verzoek, shown: str, targets: Sequence[str]) -> None:
        state = verzoek_after(before.state, VerzoekEvent.STOPPED)
        self.verzoeken.verzoeken[before.id] = replace(before, state=state)
        self.verzoeken.stopped.add(before.id)
        self.verzoeken.verzoek_troubles[before.id] = Trouble(shown, STOPPED_ADVICE, parked=True)
        for row in self.deliveries.of(before.id):
            if row.target in targets and row.state == DeliveryState.WAITING:
                self.deliveries.rows[row.id] = replace(row, state=DeliveryState.PARKED)
                self.deliveries.troubles[row.id] = Trouble(shown, STOPPED_ADVICE, parked=True)

    def _waits_at(self, version: Verzoek, target: str) -> bool:
        rows = self.deliveries.of(version.id)
        return any((row.target, row.state) == (target, DeliveryState.WAITING) for row in rows)

    def _parked_at(self, version: Verzoek, target: str) -> bool:
        rows = self.deliveries.of(version.id)
        return any((row.target, row.state) == (target, DeliveryState.PARKED) for row in rows)

    def _deliver_again(self, version: Verzoek, wanted: Redelivery) -> None:
        for row in self.deliveries.of(version.id):
            if wanted.target in (None, row.target):
                fresh = replace(row, state=DeliveryState.WAITING, attempts=0)
                forgotten = replace(fresh, steps={}, case_reference=None)
                self.deliveries.rows[row.id] = forgotten if wanted.from_scratch else fresh
        if wanted.from_scratch:
            kept = self.verzoeken.verzoeken[version.id]
            self.verzoeken.verzoeken[version.id] = replace(kept, case_reference=None)

    def _refetch(self, aansluiting_id: int, new: NewNotification, who: Who) -> int:
        made = self.verzoeken.announce(self.aansluitingen[aansluiting_id], new, who.at)
        self.verzoeken.notifications[made] = replace(self.verzoeken.notifications[made], again=True)
        self.told.append(("refetched", new.verzoeknummer, who))
        return made

    def _read_again(self, before: Notification, new: NewNotification) -> None:
        state = notification_after(before.state, NotificationEvent.RELEASED)
        read = replace(before, verzoeknummer=new.verzoeknummer, withdrawal=new.withdrawal, state=state, stopped=False)
        self.verzoeken.notifications[before.id] = read
        self.verzoeken.notification_troubles.pop(before.id, None)
        self.verzoeken.fetch_jobs.append(before.id)


def _moved(version: Verzoek) -> Moved:
    return Moved(version.id, version.volgnummer, version.state)
