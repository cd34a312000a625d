"""Keeps trust up to date while the gateway runs: keys and anchors on disk, CRLs, and warnings before an end.

Every process takes up what changed (`watch`); workers also fetch CRLs and warn (`care`). Rules are in `pki`, the steps
of fetching in `flows.revocation`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from digikoppelaar.adapters.keyfiles import record_of
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.ebms.agreement import Agreement, Encryption, Signing
from digikoppelaar.errors import DigikoppelaarError, StorageError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.trust import TrustRecords
from digikoppelaar.flows.registration import CertificateEntry
from digikoppelaar.flows.revocation import Revocation
from digikoppelaar.pki.certificate import Certificate, issued, read_certificate
from digikoppelaar.pki.chain import TrustStore
from digikoppelaar.pki.expiry import Ending, Kind, expiries

log = structlog.get_logger()

LOOK_AT_FILES: Final = 5.0
"""Seconds between two looks at the files of keys and anchors."""
LOOK_AT_CRLS: Final = 30.0
"""Seconds between two looks for CRLs that are due."""
WARN_EVERY: Final = timedelta(hours=24)
LOOK_AT_CPAS: Final = timedelta(minutes=10)
"""Between two looks for CRLs that certificates of partners name."""


class Records(Protocol):
    """What is needed of adapters.postgres.registry.PostgresRegistry."""

    async def certificates(self, omgeving: str | None = None) -> Sequence[CertificateEntry]:
        """The certificate files on record."""

    async def agreements_since(self, omgeving: str, row: int) -> Sequence[tuple[int, Agreement]]:
        """CPAs in use with a row id above `row`, in that order; some of them, none when there are no more."""


@dataclass(slots=True)
class Renewal:
    """Over the keyring of this process. `crl_urls`: what is configured beside the URLs that certificates name."""

    keyring: Keyring
    registry: Records
    records: TrustRecords
    clock: Clock
    omgevingen: Sequence[str]
    crl_urls: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever knows that something changed: SIGHUP, or a commit on another node."""
    _partners: dict[str, tuple[datetime, list[Certificate]]] = field(default_factory=dict)

    async def start(self) -> None:
        """What must be known before the first connection: keys, whose chains vouch for partners too, and CRLs."""
        await asyncio.to_thread(self.keyring.status)
        await self._take_crls()

    async def watch(self) -> None:
        """Take up what changed, over and over."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AT_FILES):
                    await self.hurry.wait()
            self.hurry.clear()
            await self.take_up()

    async def listen(self, commits: AsyncIterator[None]) -> None:
        """Hurry at each of `commits`: another node has a new CRL."""
        async for _ in commits:
            self.hurry.set()

    async def take_up(self) -> None:
        """Keys, records and CRLs as they are now."""
        try:
            entries = await self.registry.certificates()
            await asyncio.to_thread(self.keyring.refresh, [record_of(entry) for entry in entries])
            await self._take_crls()
        except (DigikoppelaarError, OSError) as error:
            log.warning("trust_not_refreshed", reason=str(error))

    async def care(self, revocation: Revocation) -> None:
        """Fetch what is due and warn of what ends, over and over."""
        warned: datetime | None = None
        while True:
            try:
                await self.fetch(revocation)
                if warned is None or self.clock.now() >= warned + WARN_EVERY:
                    await self.warn()
                    warned = self.clock.now()
            except StorageError as error:  # the database comes back; CRLs can wait that long
                log.warning("trust_waits_for_storage", reason=str(error))
            await asyncio.sleep(LOOK_AT_CRLS)

    async def fetch(self, revocation: Revocation) -> None:
        """One look at the CRLs of every omgeving."""
        for omgeving in self.omgevingen:
            try:
                partners = await self._certificates_of_partners(omgeving)
                store = self._learn(omgeving, partners)
            except StorageError:
                raise
            except DigikoppelaarError as error:
                log.warning("crls_not_fetched", omgeving=omgeving, reason=str(error))
                continue
            urls = await asyncio.to_thread(crl_urls, (*self._ours(omgeving), *partners), store)
            sources = dict.fromkeys((*self.crl_urls.get(omgeving, ()), *urls))
            await revocation.refresh(omgeving, tuple(sources), store.authorities)
        await self._take_crls()

    async def warn(self) -> None:
        """Tell what ends soon; each once at each threshold, by whichever node is first."""
        for expiry in expiries(await self.endings(), self.clock.now()):
            if await self.records.tell_once(expiry, self.clock.now()):
                ending = expiry.ending
                log.warning(
                    "ends_soon" if expiry.threshold else "ended",
                    kind=ending.kind.value,
                    omgeving=ending.omgeving,
                    name=ending.name,
                    subject=ending.subject,
                    ends_at=ending.ends_at,
                    days=expiry.days_left,
                )

    async def endings(self) -> list[Ending]:
        """Everything with an end: our certificates, those of partners in CPAs, anchors, and CPAs."""
        found = certificate_endings(self.keyring)
        for omgeving in self.omgevingen:
            async for agreement in self._agreements(omgeving):
                found.append(Ending(Kind.CPA, omgeving, agreement.cpa_id, agreement.theirs.name, agreement.ends_at))
                found += [
                    _ending(Kind.PARTNER_CERTIFICATE, omgeving, each, f"CPA {agreement.cpa_id}")
                    for each in read_all(their_certificates(agreement))
                ]
        return list({(each.kind, each.omgeving, each.name): each for each in found}.values())

    async def _agreements(self, omgeving: str) -> AsyncIterator[Agreement]:
        """Every CPA in use; reading thousands takes at most half of the time, for traffic goes on."""
        row, time = 0, asyncio.get_running_loop().time
        began = time()
        while some := await self.registry.agreements_since(omgeving, row):
            await asyncio.sleep(time() - began)
            for _, agreement in some:
                yield agreement
            row, began = some[-1][0], time()

    async def _certificates_of_partners(self, omgeving: str) -> list[Certificate]:
        looked_at, found = self._partners.get(omgeving, (None, []))
        if looked_at is None or self.clock.now() >= looked_at + LOOK_AT_CPAS:
            known: dict[bytes, None] = {}
            async for agreement in self._agreements(omgeving):
                known |= dict.fromkeys(their_certificates(agreement))
            found = await asyncio.to_thread(read_all, known)
            self._partners[omgeving] = self.clock.now(), found
        return found

    def _ours(self, omgeving: str) -> list[Certificate]:
        statuses = [status for status in self.keyring.status() if status.record.omgeving == omgeving]
        return [status.certificate for status in statuses if status.certificate]

    def _learn(self, omgeving: str, partners: Sequence[Certificate]) -> TrustStore:
        self.keyring.trust.learn(omgeving, partners)
        return self.keyring.trust.store(omgeving)

    async def _take_crls(self) -> None:
        for omgeving in self.omgevingen:
            stored = await self.records.crls(omgeving)
            self.keyring.trust.set_crls(omgeving, [each.crl for each in stored if each.crl])


def their_certificates(agreement: Agreement) -> Iterable[bytes]:
    """DER of every certificate that a CPA names for the partner, with its chain."""
    channels = (*(action.channel for action in agreement.receives), agreement.their_signals)
    signings: list[Signing | Encryption] = [channel.signing for channel in channels if channel.signing]
    encryptions = [action.channel.encryption for action in agreement.sends if action.channel.encryption]
    for each in (*signings, *encryptions):
        yield each.certificate
        yield from each.chain
    yield from agreement.theirs.transport_certificates


def read_all(certificates: Iterable[bytes]) -> list[Certificate]:
    """Those that can be read: what a CPA holds beside is judged where it is used."""
    found = []
    for der in dict.fromkeys(certificates):
        with suppress(DigikoppelaarError):
            found.append(read_certificate(der))
    return found


def crl_urls(certificates: Iterable[Certificate], store: TrustStore) -> tuple[str, ...]:
    """Where the CRLs of the authorities are, by themselves and by what they issued; a stranger's URL does not count."""
    found = dict.fromkeys(url for each in store.authorities for url in each.crl_urls)
    for each in certificates:
        if not found.keys() >= set(each.crl_urls) and any(issued(above, each) for above in store.authorities):
            found |= dict.fromkeys(each.crl_urls)
    return tuple(found)


def own_endings(keyring: Keyring) -> list[tuple[str, Ending]]:
    """Of the certificates of this installation, each with the OIN of its partij."""
    return [
        (
            status.record.partij_oin,
            _ending(
                Kind.CERTIFICATE,
                status.record.omgeving,
                status.certificate,
                f"partij {status.record.partij_oin} voor {status.record.use.value}",
            ),
        )
        for status in keyring.status()
        if status.certificate
    ]


def certificate_endings(keyring: Keyring) -> list[Ending]:
    """Of the certificates of this installation, and of the anchors under them."""
    found = []
    for status in keyring.status():
        if status.certificate:
            what = f"partij {status.record.partij_oin}, {status.record.use.value}"
            found.append(_ending(Kind.CERTIFICATE, status.record.omgeving, status.certificate, what))
    for omgeving in keyring.trust.files:
        with suppress(DigikoppelaarError):
            anchors = keyring.trust.store(omgeving).anchors
            found += [_ending(Kind.TRUST_ANCHOR, omgeving, anchor, anchor.subject) for anchor in anchors]
    return found


def _ending(kind: Kind, omgeving: str, certificate: Certificate, subject: str) -> Ending:
    return Ending(kind, omgeving, hashlib.sha256(certificate.der).hexdigest(), subject, certificate.not_after)
