"""What the sandbox's DSO-LV knows while it runs; forgotten when it stops."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.content import Inhoud
from digikoppelaar.sandbox.strictness import Awaited, Refusal
from digikoppelaar.sandbox.verzoek_document import BevoegdGezag


@dataclass(frozen=True, slots=True)
class Authority:
    """A connected authority: its CPA, its API key, and the OINs whose certificates may act for it."""

    gezag: BevoegdGezag
    cpa: CpaRecord
    mandated: frozenset[str]
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file as the REST service gives it. `kind` is xml, pdf or bijlage; `sha256` is raw."""

    kind: str
    document_id: str
    naam: str
    media_type: str
    size: int
    sha256: bytes
    content: Bijlage | bytes = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes."""
        return iter((self.content,)) if isinstance(self.content, bytes) else self.content.chunks()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A verzoek that was submitted, and the notification about it."""

    verzoeknummer: str
    submitted_at: datetime
    authority: Authority
    inhoud: Inhoud
    files: tuple[ServedFile, ...]
    outbound_id: int
    """Of the notification, in the message store."""
    awaited: Awaited
    """What its acknowledgment must be like."""

    def file(self, document_id: str) -> ServedFile | None:
        """The file under this id; `xml` and `pdf` are ids too."""
        return next((file for file in self.files if file.document_id == document_id), None)


@dataclass(frozen=True, slots=True)
class RecordedRefusal:
    """Something that DSO-LV did not take, and why."""

    at: datetime
    channel: str
    """ebms or rest."""
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
    verzoeken: dict[str, Submitted] = field(default_factory=dict)
    """By verzoeknummer, oldest first."""
    refusals: list[RecordedRefusal] = field(default_factory=list)
    signals: list[RecordedSignal] = field(default_factory=list)
    _awaited: dict[str, Awaited] = field(default_factory=dict)
    """By the MessageId of the notification."""

    def submitted(self, verzoek: Submitted) -> None:
        """Remember a verzoek, and what its acknowledgment must be like."""
        self.verzoeken[verzoek.verzoeknummer] = verzoek
        self._awaited[verzoek.awaited.message_id] = verzoek.awaited

    def authority(self, oin: str | None) -> Authority:
        """The authority with this OIN, or the only one; raises ConfigError."""
        if oin is None and len(self.authorities) == 1:
            return next(iter(self.authorities.values()))
        if oin not in self.authorities:
            raise ConfigError(f"OIN {oin} is not connected to this sandbox")
        return self.authorities[oin]

    def authority_of_cpa(self, cpa_id: str) -> Authority | None:
        """The authority that this CPA is with."""
        return next((a for a in self.authorities.values() if a.cpa.agreement.cpa_id == cpa_id), None)

    def awaited(self, cpa_id: str, message_id: str) -> Awaited | None:
        """What DSO-LV expects of a signal about this message; None when it does not know the CPA."""
        authority = self.authority_of_cpa(cpa_id)
        if authority is None:
            return None
        about = self._awaited.get(message_id)
        if about is not None and about.cpa_id == cpa_id:
            return about
        ours, theirs = authority.cpa.agreement.ours, authority.cpa.agreement.theirs
        return Awaited(cpa_id, "", "", ours.party_ids[0].value, theirs.party_ids[0].value, authority.mandated)

    def refuse(self, at: datetime, channel: str, oin: str, *broken: Refusal) -> None:
        """Record what was refused."""
        self.refusals += (RecordedRefusal(at, channel, oin, refusal) for refusal in broken)
