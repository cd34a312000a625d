"""What `digikoppelaar check` looks at: database, clock, disk, keys, CRLs, CPAs, queues, and every partner's endpoint.

Each look is independent: one that fails is a finding, and the others go on. The rules stand in `flows.diagnosis`.
Nothing is changed and no message is sent.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import structlog

from digikoppelaar import publishing
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.notice_templates import default_templates, every_template
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.postgres.trust import PostgresTrust
from digikoppelaar.adapters.probe import Greeting, greet
from digikoppelaar.adapters.profiles import load_stages
from digikoppelaar.adapters.proxies import Proxies
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.errors import DigikoppelaarError, PartnerUnreachable, TrustError
from digikoppelaar.flows import diagnosis
from digikoppelaar.flows.cpas import judgement_in
from digikoppelaar.flows.diagnosis import Diagnosis, Verdict
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.stages import Stages, settings_of, stage_of
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.opening import open_keyring, open_proxies
from digikoppelaar.pki.certificate import Certificate, Use, check_use
from digikoppelaar.pki.expiry import Ending, Kind, expiries
from digikoppelaar.renewal import read_all, their_certificates
from digikoppelaar.wiring import Stores, open_stores, policies

log = structlog.get_logger(__name__)

AT_ONCE: Final = 16
"""Partners that are greeted at one time."""

Found = AsyncIterator[Diagnosis]


async def check(config: Config, *, partners: bool = True) -> Found:
    """Every finding, as soon as it is there; good ones too. `partners` False greets nobody."""
    yield diagnosis.disk(shutil.disk_usage(config.data_folder).free)
    if config.publishing.templates or config.publishing.severities:
        yield _publishing(config)
    try:
        async with open_stores(config) as stores:
            yield _good(
                "database",
                f"answers, with the schema of this version ({'embedded' if config.embedded else 'own server'})",
            )
            async for found in _with_database(config, stores, partners=partners):
                yield found
    except DigikoppelaarError as error:
        yield _wrong("database", error)


def _publishing(config: Config) -> Diagnosis:
    """Whether the templates and severities of the configuration can be used."""
    try:
        publishing.texts(config)
        folder = config.publishing.templates
        count = len(every_template(folder) if folder else default_templates())
    except DigikoppelaarError as error:
        return _wrong("publishing", error)
    return _good("publishing", f"{count} templates can be used")


async def _with_database(config: Config, stores: Stores, *, partners: bool) -> Found:
    yield diagnosis.clock("the database", await _database_time(stores), SystemClock().now())
    cpas = await stores.registry.cpas()
    try:
        keyring = await open_keyring(config, stores)
    except DigikoppelaarError as error:
        yield _wrong("certificates", error)
        return
    for found in (*_keys(keyring), *_ends(keyring, cpas), *_outages(cpas)):
        yield found
    async for found in _on_record(config, stores, cpas):
        yield found
    if partners:
        async for found in _partners(keyring, cpas, open_proxies(config)):
            yield found


async def _on_record(config: Config, stores: Stores, cpas: Sequence[CpaRecord]) -> Found:
    """CRLs, CPAs as they would be judged at an import today, and what waits for partners."""
    now = SystemClock().now()
    for omgeving in sorted({*config.endpoint, *(cpa.aansluiting.omgeving for cpa in cpas)}):
        for stored in await PostgresTrust(stores.pool).crls(omgeving):
            yield diagnosis.revocations(omgeving, stored, now)
    for cpa in cpas:
        for found in await _judged(config, stores, cpa, now):
            yield found
    for row in await stores.reading.partners():
        if waits := diagnosis.queue(row):
            yield waits
    async for found in _stages(stores):
        yield found
    records = (await stores.onboarding.records()).values()
    if wrong := sum(each.was_done and each.state is StepState.WRONG for steps in records for each in steps.values()):
        advice = "Bekijk wat er mis is en wie aan zet is met `digikoppelaar aansluiting check --all`."
        yield Diagnosis("onboarding", Verdict.WARNING, f"{wrong} steps that were done are wrong now", advice)


async def _stages(stores: Stores) -> Found:
    """Of every aansluiting that publishes: whether it can send in its stage, and what is to be said of that."""
    publishers = await stores.registry.publishers()
    for publisher in publishers:
        subject = f"publishing {publisher.omgeving} {publisher.organisatie_oin}"
        try:
            used = stage_of(publisher, load_stages(settings_of(publisher).profile))
        except DigikoppelaarError as error:
            yield _wrong(subject, error)
            continue
        for each in await Stages(stores.stages, publishers, load_stages).progress(publisher):
            for finding in each.findings if each.stage == used else ():
                yield Diagnosis(subject, Verdict.WARNING, f"stage {used.name}: {finding.code}", finding.says)


async def _judged(config: Config, stores: Stores, cpa: CpaRecord, now: datetime) -> list[Diagnosis]:
    omgeving, cpa_id = cpa.aansluiting.omgeving, cpa.agreement.cpa_id
    judgement = await judgement_in(omgeving, stores.registry, policies(config), now)
    document = await stores.registry.cpa_document(cpa.id)
    found = findings(document, replace(judgement, tolerances=cpa.agreement.tolerances))
    told = (diagnosis.agreement_finding(omgeving, cpa_id, each) for each in found)
    return [each for each in told if each is not None]


async def _database_time(stores: Stores) -> datetime:
    async with transaction(stores.pool) as connection:
        row = await (await connection.execute("SELECT clock_timestamp() AS now")).fetchone()
    assert row is not None
    now: datetime = row["now"]
    return now


# --- Keys and ends -------------------------------------------------------------------------------------------


def _keys(keyring: Keyring) -> Iterator[Diagnosis]:
    for status in keyring.status():
        record = status.record
        subject = f"key {record.omgeving} {record.use.value} {record.partij_oin}"
        if status.problem:
            yield Diagnosis(subject, Verdict.WRONG, status.problem, TrustError.default_advice)
        elif status.certificate:
            yield _usable(subject, status.certificate, record.use)


def _usable(subject: str, certificate: Certificate, use: Use) -> Diagnosis:
    try:
        check_use(certificate, use, SystemClock().now())
    except DigikoppelaarError as error:
        return _wrong(subject, error)
    return _good(subject, f"valid until {certificate.not_after:%Y-%m-%d}")


def _ends(keyring: Keyring, cpas: Sequence[CpaRecord]) -> Iterator[Diagnosis]:
    ours = (
        _certificate(Kind.CERTIFICATE, status.record.omgeving, status.certificate)
        for status in keyring.status()
        if status.certificate
    )
    theirs = (
        _certificate(Kind.PARTNER_CERTIFICATE, cpa.aansluiting.omgeving, certificate)
        for cpa in cpas
        for certificate in read_all(their_certificates(cpa.agreement))
    )
    endings = dict.fromkeys((*ours, *theirs, *(_cpa_ending(cpa) for cpa in cpas)))
    yield from map(diagnosis.expiry, expiries(endings, SystemClock().now()))


def _certificate(kind: Kind, omgeving: str, certificate: Certificate) -> Ending:
    return Ending(kind, omgeving, certificate.sha256, certificate.subject, certificate.not_after)


def _cpa_ending(cpa: CpaRecord) -> Ending:
    agreement = cpa.agreement
    return Ending(Kind.CPA, cpa.aansluiting.omgeving, agreement.cpa_id, f"CPA {agreement.cpa_id}", agreement.ends_at)


def _outages(cpas: Iterable[CpaRecord]) -> Iterator[Diagnosis]:
    found = (diagnosis.outage(cpa.agreement) for cpa in cpas)
    return (each for each in found if each is not None)


# --- Partners ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Address:
    omgeving: str
    partij_oin: str
    url: str


def _addresses(cpas: Iterable[CpaRecord]) -> list[_Address]:
    found: dict[_Address, None] = {}
    for cpa in cpas:
        agreement, aansluiting = cpa.agreement, cpa.aansluiting
        for channel in (*(action.channel for action in agreement.sends), agreement.our_signals):
            found[_Address(aansluiting.omgeving, aansluiting.partij_oin, channel.endpoint)] = None
    return list(found)


async def _partners(keyring: Keyring, cpas: Sequence[CpaRecord], proxies: Proxies) -> Found:
    room = asyncio.Semaphore(AT_ONCE)

    async def look(address: _Address) -> list[Diagnosis]:
        async with room:
            return _behind_proxy(address, proxies) or await _greeted(keyring, address)

    for looking in asyncio.as_completed([look(address) for address in _addresses(cpas)]):
        for found in await looking:
            yield found


def _behind_proxy(address: _Address, proxies: Proxies) -> list[Diagnosis]:
    """A greeting goes straight, and messages to this partner do not: what it found would mean nothing."""
    if not proxies.options(urlsplit(address.url).hostname or ""):
        return []
    advice = "Stuur een `digikoppelaar ping`: die gaat wel door de proxy."
    says = "not tried, for messages to it go through a proxy"
    return [Diagnosis(f"partner {address.omgeving} {address.url}", Verdict.WARNING, says, advice)]


async def _greeted(keyring: Keyring, address: _Address) -> list[Diagnosis]:
    subject = f"partner {address.omgeving} {address.url}"
    try:
        secure = address.url.lower().startswith("https:")
        context = keyring.client_context(address.omgeving, address.partij_oin) if secure else None
        greeting = await greet(address.url, context)
    except PartnerUnreachable as error:
        advice = "Vraag de partner of zijn adres in de lucht is, ons IP-adres toelaat en ons certificaat vertrouwt."
        return [Diagnosis(subject, Verdict.WRONG, str(error), advice)]
    except DigikoppelaarError as error:
        return [_wrong(subject, error)]
    found = [
        _good(subject, f"answers{f' over {greeting.tls} with {greeting.cipher}' if greeting.tls else ', without TLS'}")
    ]
    return found + _clock_of(address, greeting)


def _clock_of(address: _Address, greeting: Greeting) -> list[Diagnosis]:
    if greeting.date is None:
        return []
    found = diagnosis.clock(address.url, greeting.date, SystemClock().now())
    return [] if found.verdict is Verdict.GOOD else [found]


def _good(subject: str, says: str) -> Diagnosis:
    return Diagnosis(subject, Verdict.GOOD, says)


def _wrong(subject: str, error: DigikoppelaarError) -> Diagnosis:
    return Diagnosis(subject, Verdict.WRONG, str(error), error.advice)
