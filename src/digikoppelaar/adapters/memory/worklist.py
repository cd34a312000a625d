"""The in-memory twin of WorklistStore, and a Mailer that keeps what it was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from digikoppelaar.errors import MailNotSent
from digikoppelaar.flows.worklist_mail import LEASE, Mail


@dataclass(frozen=True, slots=True)
class Told:
    """How far telling is."""

    claimed_at: datetime | None = None
    told_at: datetime | None = None

    def free(self, now: datetime) -> bool:
        """Whether it may be claimed."""
        return self.told_at is None and (self.claimed_at is None or self.claimed_at <= now - LEASE)


@dataclass(slots=True)
class MemoryWorklist:
    """Open items by OIN and key, digests by OIN and day."""

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    items: dict[tuple[str, str], Told] = field(default_factory=dict)
    digests: dict[tuple[str, date], Told] = field(default_factory=dict)

    async def recipients(self) -> Mapping[str, tuple[str, ...]]:
        """See flows.worklist_mail.WorklistStore."""
        return dict(self.addresses)

    async def keep(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        del now
        for oin, key in list(self.items):
            if oin == organisatie_oin and key not in keys:
                del self.items[oin, key]
        for key in keys:
            self.items.setdefault((organisatie_oin, key), Told())

    async def claim(self, organisatie_oin: str, now: datetime) -> Sequence[str]:
        """See flows.worklist_mail.WorklistStore."""
        mine = [key for key, told in self.items.items() if key[0] == organisatie_oin and told.free(now)]
        for each in mine:
            self.items[each] = Told(claimed_at=now)
        return [key for _, key in mine]

    async def told(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        for key in keys:
            if (organisatie_oin, key) in self.items:
                self.items[organisatie_oin, key] = replace(self.items[organisatie_oin, key], told_at=now)

    async def claim_digest(self, organisatie_oin: str, day: date, now: datetime) -> bool:
        """See flows.worklist_mail.WorklistStore."""
        if not self.digests.get((organisatie_oin, day), Told()).free(now):
            return False
        self.digests[organisatie_oin, day] = Told(claimed_at=now)
        return True

    async def digest_told(self, organisatie_oin: str, day: date, now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        self.digests[organisatie_oin, day] = Told(claimed_at=now, told_at=now)


@dataclass(slots=True)
class MemoryMailer:
    """flows.worklist_mail.Mailer; as long as `away` no mail is taken."""

    sent: list[Mail] = field(default_factory=list)
    away: bool = False

    async def send(self, mail: Mail) -> None:
        """See flows.worklist_mail.Mailer."""
        if self.away:
            raise MailNotSent("the mail server is away")
        self.sent.append(mail)
