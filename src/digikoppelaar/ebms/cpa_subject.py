"""What is judged of a CPA, and what a judgement is. The rules themselves are in the two modules `cpa_rules_*`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms.agreement import Agreement, Tolerances
from digikoppelaar.ebms.cpa_bindings import Exchange, Way, exchanges, party_infos, way_of
from digikoppelaar.ebms.cpa_document import Index, attribute, children, index_of, text
from digikoppelaar.pki.policy import Policy


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The CPA must not be used."""
    WARNING = "warning"
    """It works, but a person should look at it."""
    INFO = "info"
    """Good to know."""


_ORDER: Final = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a CPA. `code` is stable; `sentence` is Dutch and says what to do."""

    code: str
    severity: Severity
    where: str
    """The action, channel, party or certificate that it is about."""
    sentence: str
    source: str
    """The document, section or statement that the rule comes from."""
    element: str | None = None
    line: int | None = None
    """In the document, where it is known."""

    @property
    def order(self) -> tuple[int, int, str]:
        """Errors first, then as they stand in the document."""
        return _ORDER.index(self.severity), self.line or 0, self.code


@dataclass(frozen=True, slots=True)
class Judgement:
    """By what a CPA is judged. `machtigingen`: per OIN the OINs it may act for; None: not known here."""

    now: datetime
    policy: Policy = Policy.STRICT
    machtigingen: Mapping[str, frozenset[str]] | None = None
    tolerances: Tolerances = field(default_factory=Tolerances)
    production: bool = False
    """For `prod`, where a PartyId has no environment suffix (statement 183)."""

    def by_policy(self, *, strict: Severity, legacy: Severity, lab: Severity = Severity.WARNING) -> Severity:
        """The severity under the policy that holds."""
        return {Policy.STRICT: strict, Policy.LEGACY: legacy, Policy.LAB: lab}[self.policy]


@dataclass(frozen=True, slots=True)
class Subject:
    """A CPA that can be read, as the rules get it. `agreement` is as its first party sees it."""

    root: etree._Element
    index: Index
    agreement: Agreement
    judgement: Judgement
    parties: tuple[etree._Element, etree._Element] = field(init=False)
    exchanges: tuple[Exchange, ...] = field(init=False)
    """Of both directions."""

    def __post_init__(self) -> None:
        first, second = party_infos(self.root)
        object.__setattr__(self, "parties", (first, second))
        both = (*exchanges(first, second, self.index), *exchanges(second, first, self.index))
        object.__setattr__(self, "exchanges", both)

    @property
    def default_ways(self) -> tuple[Way, Way]:
        """The default MSH channel of each party."""
        first, second = (way_of(attribute(party, "defaultMshChannelId"), self.index) for party in self.parties)
        return first, second


Rule = Callable[[Subject], Iterator[Finding]]


def subject_of(root: etree._Element, agreement: Agreement, judgement: Judgement) -> Subject:
    """What the rules get of a document that `read_agreement` could read."""
    return Subject(root, index_of(root), agreement, judgement)


def finding(code: str, severity: Severity, element: etree._Element, where: str, sentence: str, source: str) -> Finding:
    """A finding about an element."""
    return Finding(code, severity, where, sentence, source, xml.local_name(element), element.sourceline)


def name_of(party: etree._Element) -> str:
    """The PartyId of a party, to show."""
    return text(children(party, "PartyId")[0])
