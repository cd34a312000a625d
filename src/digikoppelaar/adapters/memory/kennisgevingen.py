"""The in-memory twin of KennisgevingStore. One contract test runs against both."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from digikoppelaar.adapters.memory.tellings import MemoryTellings
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import (
    LOOKED_FOR,
    KennisgevingEvent,
    KennisgevingState,
    after,
)
from digikoppelaar.flows.ports.kennisgevingen import (
    Answer,
    Attempt,
    Facts,
    Judged,
    KennisgevingFilter,
    Key,
    LogLine,
    NotDrafted,
    Origin,
    Publication,
    Sent,
    StoredKennisgeving,
    Undrafted,
    check_move,
    no_attempt,
)
from digikoppelaar.flows.ports.repair import Who

_E = KennisgevingEvent


@dataclass(slots=True)
class MemoryKennisgevingen:
    """Kennisgevingen by id, and their log; `delivered` are verzoeken that could have one.

    `none` has those that do not: in Dutch why there is to be none, or why it could not be drafted.
    """

    rows: dict[int, StoredKennisgeving] = field(default_factory=dict)
    lines: dict[int, list[LogLine]] = field(default_factory=dict)
    delivered: list[Undrafted] = field(default_factory=list)
    made: dict[tuple[int, int], Attempt] = field(default_factory=dict)
    """Attempts by kennisgeving and number; `exchanges` has what was sent and what came back."""
    exchanges: dict[tuple[int, int], tuple[bytes, bytes | None]] = field(default_factory=dict)
    none: dict[Origin, str | NotDrafted] = field(default_factory=dict)
    tellings: MemoryTellings = field(default_factory=MemoryTellings)

    async def draft(
        self,
        key: Key,
        document: Mapping[str, object],
        who: Who,
        origin: Origin | None = None,
        judged: Judged | None = None,
    ) -> tuple[StoredKennisgeving, bool]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        for row in self.rows.values():
            if row.key == key and row.state != KennisgevingState.CANCELLED:
                return row, False
        facts = judged.facts if judged else Facts()
        made = StoredKennisgeving(len(self.rows) + 1, key, dict(document), KennisgevingState.DRAFT, origin)
        self.rows[made.id] = made = replace(made, reason=facts.reason, advice=facts.advice)
        self._tell(made, "drafted", who.at, who.name, facts.detail)
        if judged and judged.approved:
            return self._moved(made, _E.APPROVED, who.at, facts, who.name), True
        return made, True

    async def edit(
        self,
        kennisgeving_id: int,
        document: Mapping[str, object],
        who: Who,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        row = await self.move(kennisgeving_id, _E.EDITED, who, Facts(), seen)
        self.rows[row.id] = replace(row, document=dict(document))
        return self.rows[row.id]

    async def kennisgeving(self, kennisgeving_id: int) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        if kennisgeving_id not in self.rows:
            raise ConfigError(f"there is no kennisgeving {kennisgeving_id}")
        return self.rows[kennisgeving_id]

    async def kennisgevingen(self, wanted: KennisgevingFilter) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        return [row for row in reversed(self.rows.values()) if _fits(row, wanted)][: wanted.limit]

    async def log(self, kennisgeving_id: int) -> Sequence[LogLine]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        return self.lines.get(kennisgeving_id, [])

    async def move(
        self,
        kennisgeving_id: int,
        event: KennisgevingEvent,
        who: Who,
        facts: Facts,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        row = await self.kennisgeving(kennisgeving_id)
        check_move(row, event, seen)
        return self._moved(row, event, who.at, facts, who.name)

    async def claim(self, now: datetime, limit: int, per_aansluiting: int) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        sending = Counter(row.key.aansluiting_id for row in self._in(KennisgevingState.SENDING))
        claimed: list[StoredKennisgeving] = []
        for row in _due(self._in(KennisgevingState.PLANNED), now):
            if len(claimed) < limit and sending[row.key.aansluiting_id] < per_aansluiting:
                sending[row.key.aansluiting_id] += 1
                begun = replace(row, attempts=row.attempts + 1, begun_at=now)
                claimed.append(self._moved(begun, _E.CLAIMED, now, Facts()))
        return claimed

    async def began(self, claimed: StoredKennisgeving, sent: Sent, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        row, key = await self.kennisgeving(claimed.id), (claimed.id, claimed.attempts)
        if key in self.made or (row.state, row.attempts) != (KennisgevingState.SENDING, claimed.attempts):
            return False
        self.made[key] = Attempt(row.attempts, sent.stage, sent.documenttype, now, sha256(sent.request).digest())
        self.exchanges[key] = sent.request, None
        return True

    async def attempts(self, kennisgeving_id: int) -> Sequence[Attempt]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        return [attempt for (of, _), attempt in self.made.items() if of == kennisgeving_id]

    async def exchange(self, kennisgeving_id: int, number: int) -> tuple[bytes, bytes | None]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        if (kennisgeving_id, number) not in self.exchanges:
            raise no_attempt(kennisgeving_id, number)
        return self.exchanges[kennisgeving_id, number]

    async def settle(self, sent: StoredKennisgeving, event: KennisgevingEvent, facts: Facts, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        if facts.answer:
            self._keep((sent.id, sent.attempts), facts.answer, now)
        row = await self.kennisgeving(sent.id)
        if row.attempts != sent.attempts or after(row.state, event) is None:
            detail = f"attempt {sent.attempts}, too late: {facts.dossiernummer or facts.detail}"
            self._tell(row, event, now, None, detail)
            return False
        self._moved(row, event, now, facts)
        return True

    async def forsaken(self, now: datetime, after: timedelta, facts: Facts) -> Sequence[int]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        gone = [row for row in self._in(KennisgevingState.SENDING) if row.begun_at and row.begun_at <= now - after]
        return [self._moved(row, _E.UNANSWERED, now, facts).id for row in gone]

    async def sought(self, now: datetime, limit: int, but: Collection[int] = ()) -> Sequence[StoredKennisgeving]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        due = _due(self._in(*LOOKED_FOR), now)
        return [row for row in due if row.key.aansluiting_id not in but][:limit]

    async def looked(
        self, kennisgeving_id: int, next_look: datetime, publication: Publication | None, now: datetime
    ) -> None:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        row = await self.kennisgeving(kennisgeving_id)
        if publication and after(row.state, _E.FOUND) and not self._has(row.key.aansluiting_id, publication.number):
            self._moved(row, _E.FOUND, now, Facts(publication=publication, detail=publication.number))
        elif publication and row.state == KennisgevingState.CANCELLED:
            self._tell(row, _E.FOUND, now, None, f"too late: {publication.number}")
        elif row.state in LOOKED_FOR:
            self.rows[row.id] = replace(row, due_at=next_look)

    async def undrafted(self, limit: int, verzoeknummer: str | None = None, skip: int = 0) -> Sequence[Undrafted]:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        rows = [row for row in self.rows.values() if not verzoeknummer or row.state != KennisgevingState.CANCELLED]
        ended = {row.origin for row in rows} | (set() if verzoeknummer else self.none.keys())
        open_ = [each for each in self.delivered if each.origin not in ended]
        wanted = [each for each in open_ if verzoeknummer in (None, each.origin.verzoeknummer)]
        return wanted[skip : skip + limit]

    async def none_for(self, origin: Origin, reason: str, who: Who | None, now: datetime) -> bool:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        del who, now
        new = not isinstance(self.none.get(origin), str)
        if new:
            self.none[origin] = reason
        return new

    async def not_drafted(self, origin: Origin, why: NotDrafted, now: datetime) -> None:
        """See flows.ports.kennisgevingen.KennisgevingStore."""
        del now
        self.none.setdefault(origin, why)

    def _keep(self, key: tuple[int, int], answer: Answer, now: datetime) -> None:
        digest = sha256(answer.body).digest()
        self.exchanges[key] = self.exchanges[key][0], answer.body
        self.made[key] = replace(
            self.made[key], answered_at=now, status=answer.status, answer_size=answer.size, answer_sha256=digest
        )

    def _has(self, aansluiting_id: int, publication: str) -> bool:
        of = (row.publication for row in self.rows.values() if row.key.aansluiting_id == aansluiting_id)
        return any(each.number == publication for each in of if each)

    def _in(self, *states: KennisgevingState) -> list[StoredKennisgeving]:
        return [row for row in self.rows.values() if row.state in states]

    def _moved(
        self, row: StoredKennisgeving, event: KennisgevingEvent, now: datetime, facts: Facts, by: str | None = None
    ) -> StoredKennisgeving:
        state = after(row.state, event)
        assert state, "the caller saw that the event can happen"
        moved = replace(
            row,
            state=state,
            due_at=facts.due_at or row.due_at,
            dossiernummer=facts.dossiernummer or row.dossiernummer,
            publication=facts.publication or row.publication,
            reason=facts.reason,
            advice=facts.advice,
        )
        self.rows[row.id] = moved
        self._tell(moved, event, now, by, facts.detail)
        self.tellings.plan(moved, now)
        return moved

    def _tell(self, row: StoredKennisgeving, event: str, at: datetime, by: str | None, detail: str = "") -> None:
        self.lines.setdefault(row.id, []).append(LogLine(at, event, row.state, by, detail))


def _due(rows: Iterable[StoredKennisgeving], now: datetime) -> list[StoredKennisgeving]:
    waiting = [(row.due_at, row.id, row) for row in rows if row.due_at and row.due_at <= now]
    return [row for _, _, row in sorted(waiting, key=lambda each: each[:2])]


def _fits(row: StoredKennisgeving, wanted: KennisgevingFilter) -> bool:
    return (
        wanted.aansluiting_id in (None, row.key.aansluiting_id)
        and wanted.state in (None, row.state)
        and wanted.referentienummer in (None, row.key.referentienummer)
        and wanted.verzoeknummer in (None, row.origin.verzoeknummer if row.origin else None)
        and (wanted.before is None or row.id < wanted.before)
    )
