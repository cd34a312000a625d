"""Who is connected to what: aansluitingen, CPAs and machtigingen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.stam.rules import RuleSettings

OMGEVINGEN = ("sandbox-pre", "sandbox-prod", "pre", "prod")


EVERY_MELDING = "*"
"""As `meldingen` of PublishingSettings: of each melding a draft is made."""


def is_sandbox(omgeving: str) -> bool:
    """Whether this omgeving is the sandbox playing PRE or PROD."""
    return omgeving.startswith("sandbox-")


def is_production(omgeving: str) -> bool:
    """Whether real traffic goes here, so that nothing of a test environment may (EB003)."""
    return omgeving == "prod"


@dataclass(frozen=True, slots=True)
class DsoSettings:
    """How *Verzoek afhandelen* is reached for one aansluiting. The API key is a file, never a value in the database.

    `register_url` and `offering_url`: where the CPA register and *CPA aanbieden* are; empty: where their profiles say.
    `register_pages_url`: where the register has its pages for people; empty: beside its API.
    """

    base_url: str
    api_key_file: str
    profile: str = "dso-lv"
    register_url: str = ""
    offering_url: str = ""
    register_pages_url: str = ""


@dataclass(frozen=True, slots=True)
class CaseSystemSettings:
    """The case system that takes the verzoeken of one aansluiting; kind `folder` has the setting `path`."""

    kind: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishingSettings:
    """How an aansluiting of kind `drop` publishes: as whom, in which blad, and where 3PAS is.

    `naam` is that of the publicist in KOOP's list, `bestuurslaag` and `blad` are values of drop.model. `stage` is of
    the profile; its address `address` replaces, and `sru_url` that of the search. `creator` is the publicist in the
    words of that search, when they are others than `naam`. A user name with its password is a file of one line,
    `name:password`.

    The rest are values for texts, as drop.variables explains them. Of verzoeken that were submitted on `drafts_from`
    or later drafts are made by themselves; empty: of none. `automatic` names the moments, with commas, whose notices
    are sent without a person's approval, `wanted` the documenttypen (drop.stages) that are wanted in its stage; empty:
    all of them. `meldingen` are the ids of activiteiten, with commas, of which a melding is made known too, or
    EVERY_MELDING; empty: of none. `trigger` says what of a zaak is made known (flows.triggers). At `webhook_url` an
    application is told what becomes of each notice.
    """

    stage: str
    naam: str
    bestuurslaag: str
    blad: str
    address: str = ""
    sru_url: str = ""
    creator: str = ""
    user_name_file: str = ""
    profile: str = "koop-3pas-2020-01"
    drafts_from: str = ""
    automatic: str = ""
    wanted: str = ""
    meldingen: str = ""
    trigger: str = ""
    webhook_url: str = ""
    webhook_secret_file: str = ""
    bestuursorgaan: str = ""
    telefoon: str = ""
    inzage_plaats: str = ""
    inzage_link: str = ""
    reactie_adres: str = ""
    reactie_link: str = ""
    rechtbank: str = ""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where something is posted to, such as notifications that are passed on; the secret for signatures is a file."""

    url: str
    secret_file: str


@dataclass(frozen=True, slots=True)
class Aansluiting:
    """One link of one organisatie to one facility in one omgeving; `partij_oin` owns the certificates used for it."""

    id: int
    organisatie_oin: str
    organisatie_naam: str
    kind: str
    omgeving: str
    partij_oin: str
    dso: DsoSettings | None
    case_system: CaseSystemSettings | None
    rules: RuleSettings = field(default_factory=RuleSettings)
    """What it chose where a rule of the intake leaves a choice."""
    pass_on: Receiver | None = None
    """None: verzoeken are fetched and delivered here."""
    publishing: PublishingSettings | None = None
    """Only of kind `drop`."""


class Consumer(StrEnum):
    """Who takes the messages that come in under a CPA; each CPA has one."""

    INTAKE = "intake"
    """Our own STAM intake: the message is a notification."""
    REST = "rest"
    """An application that fetches messages and events by REST."""
    WEBHOOK = "webhook"
    """An application that is told by us."""


@dataclass(frozen=True, slots=True)
class CpaRecord:
    """An imported CPA as its aansluiting sees it. `id` is our row, `agreement.cpa_id` its name."""

    id: int
    aansluiting: Aansluiting
    agreement: Agreement
    """With the tolerances that are on record for this CPA."""
    consumer: Consumer = Consumer.INTAKE


@dataclass(frozen=True, slots=True)
class Machtiging:
    """On record: in `omgeving`, the holder of a certificate with `gemachtigde_oin` may act for `namens_oin`."""

    omgeving: str
    gemachtigde_oin: str
    namens_oin: str
    since: datetime
    recorded_by: str


class Registry(Protocol):
    """Read access to CPAs and machtigingen."""

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """The CPA under this name in this omgeving."""

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """The OINs for which `oin` has a machtiging in this omgeving."""
