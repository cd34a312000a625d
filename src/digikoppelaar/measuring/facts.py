"""The facts of one subject, measured: files, what is on record, our own endpoint, and answers of DSO-LV.

The rules stand in `onboarding.checks` and `onboarding.checks_connection`. Nothing here sends a message, changes
anything at the other side or touches traffic. Only what is of the organisatie or its partij is looked at.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from digikoppelaar.adapters import dso_question, tls
from digikoppelaar.adapters.http_out import MtlsSessions
from digikoppelaar.adapters.keyfiles import CertificateRecord, as_pem, belongs, read_key, record_of
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.onboarding_profiles import load_addresses
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.probe import greet, visit
from digikoppelaar.adapters.profiles import load_stages
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config, Omgeving
from digikoppelaar.config.listeners import Endpoint
from digikoppelaar.ebms.agreement import Agreement, Characteristic
from digikoppelaar.ebms.cpa_findings import findings as cpa_findings
from digikoppelaar.ebms.cpa_subject import Severity as CpaSeverity
from digikoppelaar.errors import DigikoppelaarError, TrustError
from digikoppelaar.flows.cpas import judgement_in
from digikoppelaar.flows.onboarding import Onboarding, nobody_judges
from digikoppelaar.flows.onboarding_status import first_of
from digikoppelaar.flows.ports import Aansluiting, Clock, CpaRecord, is_production, is_sandbox
from digikoppelaar.flows.ports.onboarding import Authority
from digikoppelaar.flows.stages import Stages
from digikoppelaar.onboarding import checks, checks_connection
from digikoppelaar.onboarding.checks import Certificates, Held, Who
from digikoppelaar.onboarding.checks_connection import Asked, Cpa, NotAsked, Ours, Reached, Remark
from digikoppelaar.onboarding.findings import found
from digikoppelaar.onboarding.model import Finding, Step, Subject, world
from digikoppelaar.opening import open_proxies
from digikoppelaar.pki.certificate import Certificate, Use
from digikoppelaar.pki.policy import check_hierarchy
from digikoppelaar.renewal import read_all, their_certificates
from digikoppelaar.searching import dso_calls
from digikoppelaar.wiring import Stores, policies

T = TypeVar("T")

_NEEDED: Final = (Use.TLS_SERVER, Use.TLS_CLIENT)
_NEVER: Final = Characteristic.NEVER
_SAID_OTHERWISE: Final = frozenset({"expired", "not-started"})
"""Rules for CPAs that have a finding of their own here."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Of an installation, opened."""

    config: Config
    stores: Stores
    keyring: Keyring
    sessions: MtlsSessions
    clock: Clock = field(default_factory=SystemClock)

    def endpoint(self, omgeving: str) -> Endpoint | None:
        """As it is configured."""
        return self.config.endpoint.get(cast("Omgeving", omgeving))


class Once:
    """What was measured in one run, by name: it holds for the whole of it."""

    def __init__(self) -> None:
        self._known: dict[object, asyncio.Future[Any]] = {}

    async def get(self, name: object, measure: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `measure` gives, the first time that this name is asked for; raises what it raised."""
        if name not in self._known:
            self._known[name] = asyncio.ensure_future(measure())
        return cast("T", await self._known[name])


@dataclass(frozen=True, slots=True)
class About:
    """The measurements for one subject; `own` are the aansluitingen of the organisatie.

    Each method in CHECKS gives what that check finds now, for a step. Raises DigikoppelaarError when it cannot be
    measured.
    """

    parts: Parts
    once: Once
    subject: Subject
    authority: Authority
    own: Sequence[Aansluiting]

    @property
    def who(self) -> Who:
        """Organisatie and partij."""
        subject = self.subject
        return Who(subject.oin, self.authority.partij(subject.kind, subject.omgeving), subject.omgeving)

    @property
    def aansluiting(self) -> Aansluiting | None:
        """The aansluiting that the subject is about, when it is there."""
        wanted = (self.subject.kind, self.subject.omgeving)
        return next((each for each in self.own if (each.kind, each.omgeving) == wanted), None)

    # --- who somebody is ---

    async def oin(self, step: Step) -> list[Finding]:
        del step
        return checks.oin(self.who)

    async def machtiging(self, step: Step) -> list[Finding]:
        del step
        return checks.machtiging(self.who, (await self._machtigingen()).get(self.who.partij, frozenset()))

    async def certificate(self, step: Step) -> list[Finding]:
        del step
        omgeving = self.subject.omgeving
        facts = Certificates(
            who=self.who,
            held=await self._held(),
            needed=self._needed(),
            anchors=self._anchors(),
            acts_for=await self._machtigingen(),
            host=urlsplit(await self._public_url()).hostname or "",
            other_host=urlsplit(self._configured_url(_other(omgeving))).hostname or "",
        )
        return checks.certificates(facts, self.parts.clock.now())

    async def clock(self, step: Step) -> list[Finding]:
        """By the clock of DSO-LV or, when that says nothing, of the database."""
        del step
        dso = self.aansluiting.dso if self.aansluiting else None
        url = dso.base_url if dso else ""
        theirs = await self.once.get(("time", self.who.partij, self.subject.omgeving, url), lambda: self._dso_time(url))
        source = "DSO-LV" if theirs else "de database"
        ours = self.parts.clock.now()
        return checks.clock(source, theirs or await self._database_time(), ours)

    async def pre_complete(self, step: Step) -> list[Finding]:
        del step
        before = first_of(self.subject)
        assert before, "only PROD has this check"
        status = await self._flow().status(before)
        return checks.pre_complete([each.step.number for each in status.progress.steps if not each.done])

    async def stage(self, step: Step) -> list[Finding]:
        """By what the organisatie delivered in this world, or shares with others of this installation."""
        there = world(self.subject.omgeving)
        publisher = next((each for each in self.own if each.publishing and each.omgeving in there), None)
        if publisher is None:
            return [found("stage-no-aansluiting")]
        publishers = await self.once.get("publishers", self.parts.stores.registry.publishers)
        stages = await Stages(self.parts.stores.stages, publishers, load_stages).progress(publisher)
        of_step = next((each for each in stages if str(each.stage.order) == step.number), None)
        if of_step is None:
            return [found("stage-unknown", number=step.number)]
        names = ([each.name.lower() for each in some] for some in (of_step.undelivered, of_step.unconfirmed))
        return checks.stage(step.number, *names)

    # --- the connection ---

    async def cpa(self, step: Step) -> list[Finding]:
        del step
        record = await self._cpa()
        certificates = frozenset(
            (use, held.chain[0].der) for held in await self._held() for use in held.uses if held.chain and held.key_fits
        )
        ours = Ours(self.who, self._configured_url(self.subject.omgeving), certificates)
        facts = await self._cpa_facts(record) if record else None
        return checks_connection.cpa(facts, ours, self.parts.clock.now())

    async def endpoint(self, step: Step) -> list[Finding]:
        del step
        url, omgeving, anchors = await self._public_url(), self.subject.omgeving, self._anchors()
        if anchors is None:
            return [found("certificate-no-anchors", omgeving=omgeving)]
        reached = None
        if url.lower().startswith("https:"):
            reached = await self.once.get(("endpoint", omgeving, url), lambda: self._visited(url, anchors))
        held = [each for each in await self._held() if Use.TLS_SERVER in each.uses and each.chain]
        return checks_connection.endpoint(url, omgeving, reached, frozenset(each.chain[0].der for each in held))

    async def firewall(self, step: Step) -> list[Finding]:
        del step
        today = self.parts.clock.now().date()
        return checks_connection.firewall(load_addresses(), await self._public_url(), today)

    async def api_key(self, step: Step) -> list[Finding]:
        del step
        return checks_connection.api_key(await self._asked(), self.subject.omgeving)

    async def mandate(self, step: Step) -> list[Finding]:
        del step
        return checks_connection.mandate(await self._asked(), self.who)

    # --- measurements ---

    def _flow(self) -> Onboarding:
        return Onboarding(self.parts.stores.onboarding, load_process, nobody_judges)

    async def _machtigingen(self) -> dict[str, frozenset[str]]:
        omgeving, registry = self.subject.omgeving, self.parts.stores.registry
        read = lambda: registry.machtigingen(omgeving, self.parts.clock.now())  # noqa: E731
        return dict(await self.once.get(("machtigingen", omgeving), read))

    def _needed(self) -> tuple[Use, ...]:
        """Behind a TLS offloader the certificate of the server may be there alone."""
        endpoint = self.parts.endpoint(self.subject.omgeving)
        return (Use.TLS_CLIENT,) if endpoint and endpoint.mode == "proxy" else _NEEDED

    def _anchors(self) -> tuple[Certificate, ...] | None:
        try:
            return self.parts.keyring.trust.store(self.subject.omgeving).anchors or None
        except TrustError:
            return None

    async def _held(self) -> tuple[Held, ...]:
        partij, omgeving = self.who.partij, self.subject.omgeving
        return await self.once.get(("held", partij, omgeving), lambda: self._read(partij, omgeving))

    async def _read(self, partij: str, omgeving: str) -> tuple[Held, ...]:
        entries = await self.parts.stores.registry.certificates(omgeving)
        by_file: dict[CertificateRecord, list[Use]] = {}
        for record in (record_of(each) for each in entries if each.partij_oin == partij):
            by_file.setdefault(replace(record, use=Use.TLS_SERVER), []).append(record.use)
        return tuple([await self._looked_at(record, tuple(uses)) for record, uses in by_file.items()])

    async def _looked_at(self, record: CertificateRecord, uses: tuple[Use, ...]) -> Held:
        file = Path(record.certificate_file).name
        try:
            chain, key = await asyncio.to_thread(read_key, record)
        except TrustError:
            return Held(file, uses)
        der, trust = [each.der for each in chain], self.parts.keyring.trust
        try:
            distrust = await trust.problem(record.omgeving, der[0], use=uses[0], chain=der[1:])
        except TrustError as error:
            distrust = str(error)
        return Held(file, uses, chain, belongs(key, chain[0]), distrust)

    def _configured_url(self, omgeving: str) -> str:
        endpoint = self.parts.endpoint(omgeving)
        return endpoint.public_url if endpoint else ""

    async def _public_url(self) -> str:
        """Where partners reach us: as configured, or else as the CPA says."""
        if url := self._configured_url(self.subject.omgeving):
            return url
        record = await self._cpa()
        return min(_our_endpoints(record.agreement), default="") if record else ""

    async def _cpa(self) -> CpaRecord | None:
        """The one to send under now or, when none holds, the last."""
        aansluiting, now = self.aansluiting, self.parts.clock.now()
        if aansluiting is None:
            return None
        registry = self.parts.stores.registry
        cpas = await self.once.get(("cpas", aansluiting.id), lambda: registry.cpas(aansluiting_id=aansluiting.id))
        order = lambda cpa: (_holds(cpa.agreement, now), cpa.agreement.starts_at, cpa.id)  # noqa: E731
        return max(cpas, key=order, default=None)

    async def _cpa_facts(self, record: CpaRecord) -> Cpa:
        agreement, registry = record.agreement, self.parts.stores.registry
        judgement = await judgement_in(
            self.subject.omgeving, registry, policies(self.parts.config), self.parts.clock.now()
        )
        document = await registry.cpa_document(record.id)
        judged = await asyncio.to_thread(cpa_findings, document, replace(judgement, tolerances=agreement.tolerances))
        return Cpa(
            cpa_id=agreement.cpa_id,
            starts_at=agreement.starts_at,
            ends_at=agreement.ends_at,
            party=agreement.ours.party_ids[0].value,
            endpoints=_our_endpoints(agreement),
            named=frozenset(agreement.ours.transport_certificates),
            needs_key=_needing_a_key(agreement),
            remarks=tuple(
                Remark(each.code, each.sentence, error=each.severity is CpaSeverity.ERROR)
                for each in judged
                if each.severity is not CpaSeverity.INFO and each.code not in _SAID_OTHERWISE
            ),
            foreign=await self._foreign(agreement),
        )

    async def _foreign(self, agreement: Agreement) -> tuple[str, str] | None:
        """Of which other omgeving a CPA shows to be, and by what."""
        omgeving, other = self.subject.omgeving, _other(self.subject.omgeving)
        url = self._configured_url(other)
        if url and url != self._configured_url(omgeving) and _our_endpoints(agreement) == {url}:
            return other, f"het noemt als endpoint {url}"
        there = await self.parts.stores.registry.cpa(other, agreement.cpa_id)
        if there and there.aansluiting.organisatie_oin == self.subject.oin:
            return other, "onder deze CPAId is zij daar ook ingelezen"
        for certificate in read_all(their_certificates(agreement)):
            try:
                check_hierarchy(certificate, sandbox=is_sandbox(omgeving), production=is_production(omgeving))
            except TrustError:
                return "een andere omgeving", "het certificaat van de andere partij komt daarvandaan"
        return None

    async def _visited(self, url: str, anchors: Iterable[Certificate]) -> Reached:
        known = None
        stranger = tls.stranger_context("".join(as_pem(each).decode() for each in anchors))
        with suppress(DigikoppelaarError):
            known = self.parts.keyring.client_context(self.subject.omgeving, self.who.partij)
        return await visit(url, stranger, known)

    async def _asked(self) -> Asked:
        aansluiting = self.aansluiting
        if aansluiting is None or aansluiting.dso is None:
            return Asked(NotAsked.NO_AANSLUITING)
        calls = dso_calls(self.parts.sessions, aansluiting, self.parts.clock)
        ask = lambda: dso_question.ask(calls, self.parts.clock.now())  # noqa: E731
        return await self.once.get(("asked", aansluiting.id), ask)

    async def _dso_time(self, base_url: str) -> datetime | None:
        omgeving = self.subject.omgeving
        host = urlsplit(base_url).hostname or ""
        if not host or open_proxies(self.parts.config).options(host):
            return None
        try:
            context = self.parts.keyring.client_context(omgeving, self.who.partij)
            return (await greet(base_url, context if base_url.lower().startswith("https:") else None)).date
        except DigikoppelaarError:
            return None

    async def _database_time(self) -> datetime:
        async with transaction(self.parts.stores.pool) as connection:
            row = await (await connection.execute("SELECT clock_timestamp() AS now")).fetchone()
        assert row is not None
        now: datetime = row["now"]
        return now


CHECKS: Final[Mapping[str, Callable[[About, Step], Coroutine[Any, Any, list[Finding]]]]] = {
    "oin": About.oin,
    "certificate": About.certificate,
    "machtiging": About.machtiging,
    "cpa": About.cpa,
    "endpoint": About.endpoint,
    "firewall": About.firewall,
    "api-key": About.api_key,
    "mandate": About.mandate,
    "clock": About.clock,
    "pre-complete": About.pre_complete,
    "stage": About.stage,
}
"""Every name in onboarding.model.CHECKS."""


def _other(omgeving: str) -> str:
    """PROD of PRE, and PRE of PROD."""
    return next(each for each in world(omgeving) if each != omgeving)


def _holds(agreement: Agreement, now: datetime) -> bool:
    return agreement.starts_at <= now < agreement.ends_at


def _our_endpoints(agreement: Agreement) -> frozenset[str]:
    return frozenset(each.endpoint for each in (*(one.channel for one in agreement.receives), agreement.their_signals))


def _needing_a_key(agreement: Agreement) -> frozenset[tuple[Use, bytes]]:
    """Our certificates with which we sign what we send or acknowledge, or read what is encrypted."""
    asked = [one.channel for one in agreement.receives if one.channel.ack_signature_requested is not _NEVER]
    signs = [one.channel.signing for one in agreement.sends if one.sender_signs]
    signs += [agreement.our_signals.signing] if asked else []
    reads = [one.channel.encryption for one in agreement.receives if one.encrypted]
    needed = {(Use.SIGN, each.certificate) for each in signs if each}
    return frozenset(needed | {(Use.DECRYPT, each.certificate) for each in reads if each})
