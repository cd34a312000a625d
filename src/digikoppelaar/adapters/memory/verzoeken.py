"""The in-memory twin of VerzoekStore. The state rules are those of flows.intake_states, as in PostgreSQL.

One contract test runs against both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digikoppelaar.adapters.memory.links import MemoryLinks
from digikoppelaar.adapters.memory.verzoek_files import of_new, renewed, with_blob
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import (
    NOTIFICATION_ENDED,
    NotificationEvent,
    NotificationState,
    VerzoekEvent,
    VerzoekState,
    needs_delivery_job,
    needs_fetch_job,
    notification_after,
    verzoek_after,
)
from digikoppelaar.flows.ports import (
    Aansluiting,
    Blob,
    File,
    FileKind,
    NewFile,
    NewNotification,
    NewVerzoek,
    Notification,
    Original,
    Parked,
    Verzoek,
)
from digikoppelaar.flows.ports.verzoeken import Judge
from digikoppelaar.flows.version_order import Place, Step, in_turn, next_in_turn, taken_up, when_whole
from digikoppelaar.stam.model import Finding
from digikoppelaar.stam.rules import Known, KnownVersion, Ruling, taken_as_new, when_released, withdraws


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something does not go on."""

    reason: str
    advice: str
    parked: bool


@dataclass(slots=True)
class MemoryVerzoeken:
    """Notifications, versions and jobs in dictionaries. A method without await is a transaction.

    `fetch_jobs` and `delivery_jobs` hold an id once for every job that was made.
    """

    notifications: dict[int, Notification] = field(default_factory=dict)
    verzoeken: dict[int, Verzoek] = field(default_factory=dict)
    verzoek_of: dict[int, int] = field(default_factory=dict)
    """Which verzoek version a notification led to."""
    fetch_jobs: list[int] = field(default_factory=list)
    delivery_jobs: list[int] = field(default_factory=list)
    notification_troubles: dict[int, Trouble] = field(default_factory=dict)
    verzoek_troubles: dict[int, Trouble] = field(default_factory=dict)
    originals: dict[int, bytes] = field(default_factory=dict)
    rulings: dict[int, Ruling] = field(default_factory=dict)
    findings: dict[int, tuple[Finding, ...]] = field(default_factory=dict)
    links: MemoryLinks = field(default_factory=MemoryLinks)
    stopped: set[int] = field(default_factory=set)
    """Versions that a person parked."""
    _files: int = 0

    def announce(self, aansluiting: Aansluiting, new: NewNotification, received_at: datetime) -> int:
        """What MessageStore.record_inbound does with an application job; returns the id of the notification."""
        state = NotificationState.PARKED if new.problem else NotificationState.RECEIVED
        number = len(self.notifications) + 1
        stored = Notification(number, aansluiting, new.verzoeknummer, received_at, state, new.withdrawal)
        self.notifications[stored.id] = stored
        if new.problem:
            self.notification_troubles[stored.id] = Trouble(new.problem, "", parked=True)
        else:
            self.fetch_jobs.append(stored.id)
        return stored.id

    async def notification(self, notification_id: int) -> Notification:
        """See flows.ports.VerzoekStore."""
        if notification_id not in self.notifications:
            raise StorageError(f"there is no notification {notification_id}")
        return self.notifications[notification_id]

    async def announced(
        self, aansluiting: Aansluiting, new: NewNotification, document: bytes, now: datetime
    ) -> int | None:
        """See flows.ports.VerzoekStore."""
        known = {(self.notifications[number].aansluiting.id, each) for number, each in self.originals.items()}
        if (aansluiting.id, document) in known:
            return None
        made = self.announce(aansluiting, new, now)
        self.originals[made] = document
        return made

    async def original(self, notification_id: int) -> Original:
        """See flows.ports.VerzoekStore."""
        await self.notification(notification_id)
        return Original(self.originals.get(notification_id))

    async def passed_on(self, notification_id: int, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        await self.notification(notification_id)
        self._move(notification_id, NotificationEvent.PASSED_ON)
        self.notification_troubles.pop(notification_id, None)

    async def start_verzoek(
        self,
        notification_id: int,
        verzoek: NewVerzoek,
        files: Sequence[NewFile],
        now: datetime,
        judge: Judge = taken_as_new,
    ) -> Verzoek:
        """See flows.ports.VerzoekStore."""
        aansluiting = (await self.notification(notification_id)).aansluiting
        found = self.find(aansluiting, verzoek)
        if ruling := found and taken_up(verzoek.volgnummer, self._known(found), judge):
            found = self._take_up(found, verzoek, files, ruling)
        stored = self._completed(found, files) if found else self._make(aansluiting, verzoek, files, judge)
        self.verzoek_of[notification_id] = stored.id
        return stored

    async def file_fetched(self, file_id: int, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """See flows.ports.VerzoekStore."""
        if all(file.id != file_id for verzoek in self.verzoeken.values() for file in verzoek.files):
            raise StorageError(f"there is no file {file_id}")
        return self._recorded(file_id, None, blob, size, sha256)

    async def files_fetched(self, blobs: Mapping[int, Blob], now: datetime) -> Collection[int]:
        """See flows.ports.VerzoekStore."""
        known = {file.id for verzoek in self.verzoeken.values() for file in verzoek.files}
        if missing := set(blobs) - known:
            raise StorageError(f"there is no file {min(missing)}")
        found = [(file_id, blob.name, blob.size, blob.sha256) for file_id, blob in blobs.items()]
        return {each[0] for each in found if await self.file_fetched(*each, now)}

    async def file_replaced(self, file_id: int, gone: str, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """See flows.ports.VerzoekStore."""
        return self._recorded(file_id, gone, blob, size, sha256)

    async def verzoek_fetched(self, notification_id: int, verzoek_id: int, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        verzoek = await self.verzoek(verzoek_id)
        if any(file.blob is None for file in verzoek.files):
            raise StorageError(f"verzoek {verzoek_id} is not whole yet")
        self.verzoek_of[notification_id] = verzoek_id
        self._move(notification_id, NotificationEvent.FETCHED)
        self.notification_troubles.pop(notification_id, None)
        ruling = self.rulings[verzoek_id]
        self.step(verzoek, when_whole(self._place(verzoek), self.places(verzoek), ruling.reason, ruling.advice))
        self._advance(verzoek)

    async def verzoek(self, verzoek_id: int) -> Verzoek:
        """See flows.ports.VerzoekStore."""
        if verzoek_id not in self.verzoeken:
            raise StorageError(f"there is no verzoek {verzoek_id}")
        return self.verzoeken[verzoek_id]

    async def verzoek_delivered(self, verzoek_id: int, case_reference: str, now: datetime) -> None:
        """See flows.ports.VerzoekStore."""
        verzoek = await self.verzoek(verzoek_id)
        state = verzoek_after(verzoek.state, VerzoekEvent.DELIVERED)
        if state is not VerzoekState.DELIVERED:
            raise StorageError(f"verzoek {verzoek_id} is {verzoek.state} and cannot have been delivered")
        reference = verzoek.case_reference or case_reference
        self.verzoeken[verzoek_id] = replace(verzoek, state=state, case_reference=reference)
        self.verzoek_troubles.pop(verzoek_id, None)
        self.stopped.discard(verzoek_id)
        self._advance(verzoek)

    async def trouble(
        self,
        *,
        notification_id: int | None = None,
        verzoek_id: int | None = None,
        reason: str,
        advice: str,
        parked: bool,
        now: datetime,
    ) -> None:
        """See flows.ports.VerzoekStore."""
        told = Trouble(reason, advice, parked)
        if notification_id is not None:
            await self.notification(notification_id)
            self._notification_trouble(notification_id, told)
        if verzoek_id is not None:
            await self.verzoek(verzoek_id)
            self._verzoek_trouble(verzoek_id, told)

    async def release(
        self, aansluiting_id: int, verzoeknummer: str, now: datetime, *, by: str = "", dry_run: bool = False
    ) -> Sequence[Parked]:
        """See flows.ports.VerzoekStore."""
        notifications = self._parked_notifications(aansluiting_id, verzoeknummer)
        verzoeken = self._parked_verzoeken(aansluiting_id, verzoeknummer)
        parked = [
            *(Parked(each.id, None, self.notification_troubles[each.id].reason) for each in notifications),
            *(Parked(each.id, each.volgnummer, self.verzoek_troubles[each.id].reason) for each in verzoeken),
        ]
        if not dry_run:
            for notification in notifications:
                self._release_notification(notification)
            for verzoek in verzoeken:
                self._release_verzoek(verzoek)
            self.stopped -= {each.id for each in self.of(aansluiting_id, verzoeknummer)}
        return parked

    def _parked_notifications(self, aansluiting_id: int, verzoeknummer: str) -> list[Notification]:
        return [
            each
            for each in self.notifications.values()
            if each.state == NotificationState.PARKED
            and each.aansluiting.id == aansluiting_id
            and each.verzoeknummer
            and verzoeknummer in {each.verzoeknummer, self._verzoeknummer_of(each)}
        ]

    def _verzoeknummer_of(self, notification: Notification) -> str | None:
        """As the XML of the version that it led to spells it."""
        verzoek = self.verzoeken.get(self.verzoek_of.get(notification.id, 0))
        return verzoek.verzoeknummer if verzoek else None

    def _parked_verzoeken(self, aansluiting_id: int, verzoeknummer: str) -> list[Verzoek]:
        return [
            each
            for each in self.verzoeken.values()
            if each.state == VerzoekState.PARKED
            and (each.aansluiting.id, each.verzoeknummer) == (aansluiting_id, verzoeknummer)
        ]

    def _release_notification(self, before: Notification) -> None:
        self._move(before.id, NotificationEvent.RELEASED, stopped=False)
        self.notification_troubles.pop(before.id, None)
        if needs_fetch_job(before.state, self.notifications[before.id].state):
            self.fetch_jobs.append(before.id)

    def _release_verzoek(self, before: Verzoek) -> None:
        continues = self._has_case(before)
        withdrawal = withdraws(before.doel, before.volgnummer)
        action = when_released(before.action, withdrawal=withdrawal, continues=continues)
        self.verzoeken[before.id] = released = replace(before, action=action)
        self.step(released, in_turn(self._place(released), self.places(released), VerzoekEvent.RELEASED))

    def versions(self, of: Verzoek) -> list[Verzoek]:
        """Every version of its verzoeknummer, in order."""
        return self.of(of.aansluiting.id, of.verzoeknummer)

    def of(self, aansluiting_id: int, verzoeknummer: str) -> list[Verzoek]:
        """Every version, in order."""
        key = (aansluiting_id, verzoeknummer)
        found = (each for each in self.verzoeken.values() if (each.aansluiting.id, each.verzoeknummer) == key)
        return sorted(found, key=lambda each: each.volgnummer)

    def places(self, of: Verzoek) -> list[Place]:
        return list(map(self._place, self.versions(of)))

    def _place(self, verzoek: Verzoek) -> Place:
        expected = any(
            version == verzoek.id and self.notifications[notification].state != NotificationState.FETCHED
            for notification, version in self.verzoek_of.items()
        )
        stopped = verzoek.id in self.stopped
        return Place(verzoek.id, verzoek.volgnummer, verzoek.state, verzoek.action, expected, stopped)

    def step(self, verzoek: Verzoek, step: Step) -> None:
        """What a step does to a version."""
        state = verzoek_after(verzoek.state, step.event)
        if state == verzoek.state:
            return
        if verzoek.state == VerzoekState.PARKED:
            self.stopped.discard(verzoek.id)
        self.verzoeken[verzoek.id] = replace(self.verzoeken[verzoek.id], state=state)
        self.verzoek_troubles.pop(verzoek.id, None)
        if step.reason:
            parked = state is VerzoekState.PARKED
            self.verzoek_troubles[verzoek.id] = Trouble(step.reason, step.advice, parked=parked)
        if needs_delivery_job(verzoek.state, state):
            self.delivery_jobs.append(verzoek.id)

    def _advance(self, ended: Verzoek) -> None:
        following = next_in_turn(self.places(ended))
        if following:
            self.step(self.verzoeken[following.id], Step(VerzoekEvent.TURN))

    def _known(self, of: Verzoek) -> Known:
        known = tuple(
            KnownVersion(
                volgnummer=each.volgnummer,
                action=each.action,
                state=each.state,
                withdrawal=withdraws(each.doel, each.volgnummer),
                document_ids=frozenset(file.document_id for file in each.files if file.kind is FileKind.BIJLAGE),
            )
            for each in self.versions(of)
        )
        return Known(frozenset({of.aansluiting.organisatie_oin}), known, case_linked=self._has_case(of))

    def _has_case(self, of: Verzoek) -> bool:
        """Whether a version of its verzoeknummer made one, or a person linked one."""
        return any(each.case_reference for each in self.versions(of)) or bool(
            self.links.of(of.aansluiting.id, of.verzoeknummer)
        )

    def find(self, aansluiting: Aansluiting, new: NewVerzoek) -> Verzoek | None:
        wanted = (aansluiting.id, new.verzoeknummer, new.volgnummer)
        stored = self.verzoeken.values()
        return next((v for v in stored if (v.aansluiting.id, v.verzoeknummer, v.volgnummer) == wanted), None)

    def _make(self, aansluiting: Aansluiting, new: NewVerzoek, files: Sequence[NewFile], judge: Judge) -> Verzoek:
        stored = Verzoek(
            id=len(self.verzoeken) + 1,
            aansluiting=aansluiting,
            verzoeknummer=new.verzoeknummer,
            volgnummer=new.volgnummer,
            type=new.type,
            doel=new.doel,
            naam=new.naam,
            test=new.test,
            state=VerzoekState.FETCHING,
            files=of_new(files, self._file),
        )
        return self._ruled(stored, new, judge(self._known(stored)))

    def _take_up(self, stored: Verzoek, new: NewVerzoek, files: Sequence[NewFile], ruling: Ruling) -> Verzoek:
        """As DSO-LV has it now, with the bijlagen that are here."""
        self.verzoek_troubles.pop(stored.id, None)
        return self._ruled(renewed(stored, new, files, self._file), new, ruling)

    def _ruled(self, stored: Verzoek, new: NewVerzoek, ruling: Ruling) -> Verzoek:
        ruled = replace(stored, action=ruling.action, rule=ruling.rule, lapsed=ruling.lapsed)
        self.rulings[stored.id], self.verzoeken[stored.id], self.findings[stored.id] = ruling, ruled, new.findings
        if self._is_stopped(ruled):
            self.stopped.add(ruled.id)
        return ruled

    def _is_stopped(self, new: Verzoek) -> bool:
        """Whether a person parked a notification of its verzoeknummer."""
        key = (new.aansluiting.id, new.verzoeknummer.casefold(), True, NotificationState.PARKED)
        return any(
            (each.aansluiting.id, each.verzoeknummer.casefold(), each.stopped, each.state) == key
            for each in self.notifications.values()
        )

    def _completed(self, stored: Verzoek, files: Sequence[NewFile]) -> Verzoek:
        known = {(file.kind, file.document_id) for file in stored.files}
        if stored.state == VerzoekState.FETCHING:
            added = tuple(self._file(file) for file in files if (file.kind, file.document_id) not in known)
            self.verzoeken[stored.id] = replace(stored, files=(*stored.files, *added))
        return self.verzoeken[stored.id]

    def _recorded(self, file_id: int, gone: str | None, blob: str, size: int, sha256: bytes) -> bool:
        put = (with_blob(each, file_id, gone, Blob(blob, size, sha256)) for each in self.verzoeken.values())
        changed = next(filter(None, put), None)
        if changed:
            self.verzoeken[changed.id] = changed
        return changed is not None

    def _file(self, new: NewFile) -> File:
        self._files += 1
        return File(self._files, new.kind, new.document_id, new.naam, new.media_type, new.href)

    def _move(self, notification_id: int, event: NotificationEvent, *, stopped: bool | None = None) -> None:
        stored = self.notifications[notification_id]
        state = notification_after(stored.state, event)
        by_hand = stored.stopped if stopped is None else stopped
        self.notifications[notification_id] = replace(stored, state=state, stopped=by_hand)

    def _notification_trouble(self, notification_id: int, told: Trouble) -> None:
        stored = self.notifications[notification_id]
        if stored.state in NOTIFICATION_ENDED or stored.stopped:
            return
        self.notification_troubles[notification_id] = told
        if told.parked:
            self._move(notification_id, NotificationEvent.PARKED)

    def _verzoek_trouble(self, verzoek_id: int, told: Trouble) -> None:
        verzoek = self.verzoeken[verzoek_id]
        if verzoek.state not in (VerzoekState.FETCHED, VerzoekState.PARKED) or verzoek_id in self.stopped:
            return
        self.verzoek_troubles[verzoek_id] = told
        if told.parked:
            state = verzoek_after(verzoek.state, VerzoekEvent.PARKED)
            self.verzoeken[verzoek_id] = replace(verzoek, state=state)
