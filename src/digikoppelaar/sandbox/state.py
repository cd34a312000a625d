"""What the sandbox's DSO-LV knows while it runs; forgotten when it stops."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.model import BevoegdGezag, Head, Inhoud, Route
from digikoppelaar.sandbox.onboarding.api_keys import ApiKeys
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.served import ServedFile, served_files
from digikoppelaar.sandbox.strictness import Awaited, Refusal
from digikoppelaar.sandbox.verzoek_document import WITHDRAWN


@dataclass(slots=True, eq=False)
class Authority:
    """An authority that DSO-LV knows: its CPAs, oldest first, and the OINs whose certificates may act for it."""

    gezag: Organisatie
    mandated: frozenset[str]
    cpas: list[CpaRecord] = field(default_factory=list)

    @property
    def cpa(self) -> CpaRecord | None:
        """The one under which it is told of verzoeken: the last. None: it is not connected."""
        return self.cpas[-1] if self.cpas else None

    @property
    def named(self) -> BevoegdGezag:
        """As a verzoek names it."""
        return BevoegdGezag(self.gezag.oin, self.gezag.naam)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A notification about a version to one authority; how far it is, the message store knows."""

    to: Authority
    outbound_id: int
    awaited: Awaited
    """What its acknowledgment must be like."""


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One version of a verzoek, complete in itself (stam.md 1.3).

    `served` False: only the notification tells of it, and REST goes on serving the version before. `fetched` is when
    an authority, by OIN, first had its XML.
    """

    head: Head
    inhoud: Inhoud
    bijlagen: tuple[Bijlage, ...] = ()
    served: bool = True
    announcements: list[Announcement] = field(default_factory=list)
    fetched: dict[str, datetime] = field(default_factory=dict)

    @property
    def files(self) -> tuple[ServedFile, ...]:
        """What REST serves of it; made anew when nobody asked for a while, always with the same bytes."""
        return _files(self)

    def file(self, document_id: str) -> ServedFile | None:
        """The file under this id; `xml` and `pdf` are ids too."""
        return next((file for file in self.files if file.document_id == document_id), None)


@lru_cache(maxsize=256)
def _files(version: Version) -> tuple[ServedFile, ...]:
    return served_files(version.head, version.inhoud, version.bijlagen)


@dataclass(slots=True, eq=False)
class Submitted:
    """A verzoek with all its versions, oldest first; there is always one.

    `related` are the other verzoeken that the same submission became (stam.md 1.10).
    """

    route: Route
    versions: list[Version]
    related: tuple[str, ...] = ()

    @property
    def verzoeknummer(self) -> str:
        """The same in all versions."""
        return self.newest.head.verzoeknummer

    @property
    def newest(self) -> Version:
        """The last version, also when REST does not serve it."""
        return self.versions[-1]

    @property
    def current(self) -> Version:
        """The version that REST serves."""
        return next(version for version in reversed(self.versions) if version.served)

    @property
    def before(self) -> Version:
        """The version that REST served before the current one; the current one when that is the first."""
        served = [version for version in self.versions if version.served]
        return served[-2:][0]

    @property
    def withdrawn(self) -> bool:
        """Whether the applicant took it back; nothing comes after that."""
        return self.newest.head.volgnummer == WITHDRAWN

    def reroute(self, to: Route) -> None:
        """Give it to others. What is served names them from now on; earlier versions stay as they went out."""
        self.route = to
        since = self.versions.index(self.current)
        self.versions[since:] = [replace(each, head=each.head.rerouted(to)) for each in self.versions[since:]]

    def version(self, volgnummer: int) -> Version | None:
        """The served version with this volgnummer."""
        return next((each for each in self.versions if each.served and each.head.volgnummer == volgnummer), None)


@dataclass(frozen=True, slots=True)
class RecordedRefusal:
    """Something that DSO-LV did not take, and why."""

    at: datetime
    channel: str
    """ebms, rest, or of onboarding: register or offering."""
    oin: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class RecordedSignal:
    """A body that came in on DSO-LV's ebMS endpoint, whatever became of it. `sha256` is raw."""

    at: datetime
    oin: str
    size: int
    sha256: bytes


@dataclass(slots=True)
class SandboxState:
    """Everything, in memory."""

    authorities: dict[str, Authority] = field(default_factory=dict)
    """By OIN."""
    keys: ApiKeys = field(default_factory=ApiKeys)
    verzoeken: dict[str, Submitted] = field(default_factory=dict)
    """By verzoeknummer, oldest first."""
    refusals: list[RecordedRefusal] = field(default_factory=list)
    signals: list[RecordedSignal] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    """Bytes of files that went out over REST, by kind, also of answers that were cut."""
    _awaited: dict[str, Awaited] = field(default_factory=dict)
    """By the MessageId of the notification."""

    def submitted(self, verzoek: Submitted) -> None:
        """Remember a verzoek."""
        self.verzoeken[verzoek.verzoeknummer] = verzoek

    def announced(self, version: Version, announcement: Announcement) -> None:
        """Remember a notification, and what its acknowledgment must be like."""
        version.announcements.append(announcement)
        self._awaited[announcement.awaited.message_id] = announcement.awaited

    def verzoek(self, verzoeknummer: str) -> Submitted:
        """The verzoek with this number; raises ConfigError."""
        if verzoeknummer not in self.verzoeken:
            raise ConfigError("there is no such verzoek", advice="Kies een verzoek uit de lijst.")
        return self.verzoeken[verzoeknummer]

    @property
    def organisaties(self) -> dict[str, Organisatie]:
        """Who it knows, connected or not, by OIN."""
        return {oin: authority.gezag for oin, authority in self.authorities.items()}

    def of_cpa(self, cpa_id: str) -> tuple[Authority, CpaRecord] | None:
        """This CPA, and the authority that it is with."""
        found = ((each, cpa) for each in self.authorities.values() for cpa in each.cpas)
        return next((pair for pair in found if pair[1].agreement.cpa_id == cpa_id), None)

    def awaited(self, cpa_id: str, message_id: str) -> Awaited | None:
        """What DSO-LV expects of a signal about this message; None when it does not know the CPA."""
        found = self.of_cpa(cpa_id)
        if found is None:
            return None
        about = self._awaited.get(message_id)
        if about is not None and about.cpa_id == cpa_id:
            return about
        authority, cpa = found
        ours, theirs = cpa.agreement.ours, cpa.agreement.theirs
        return Awaited(cpa_id, "", "", ours.party_ids[0].value, theirs.party_ids[0].value, authority.mandated)

    def refuse(self, at: datetime, channel: str, oin: str, *broken: Refusal) -> None:
        """Record what was refused."""
        self.refusals += (RecordedRefusal(at, channel, oin, refusal) for refusal in broken)
