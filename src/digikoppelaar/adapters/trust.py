"""What trust rests on by omgeving: anchors and intermediates from files, CRLs that the nodes share; and verdicts.

Each change gives a new version, by which others know that what they built from it is out of date. Nothing is fetched
here: CRLs come by `set_crls` (flows.revocation) or from files.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from digikoppelaar.adapters.keyfiles import Stamp, read_chain, refuse_mixture, stamp_of
from digikoppelaar.errors import TrustError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.connections import is_production, is_sandbox
from digikoppelaar.pki.certificate import Certificate, Use, read_certificate
from digikoppelaar.pki.chain import TrustStore, Verdict, authorities, judge
from digikoppelaar.pki.crl import Crl, read_crls
from digikoppelaar.pki.policy import RULES, Policy, policy_of, warnings

log = structlog.get_logger(__name__)

_KEEP_VERDICTS: Final = 20_000
_KEEP_BAD: Final = timedelta(minutes=1)
"""A certificate that is not trusted is looked at again after this time: it may have become valid."""


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """What is configured for one omgeving. A policy of None is the default of the omgeving."""

    anchors: Sequence[Path] = ()
    intermediates: Sequence[Path] = ()
    crls: Sequence[Path] = ()
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class _Base:
    """What was read for one omgeving; `version` differs after each change."""

    store: TrustStore
    version: int
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class _Kept:
    verdict: Verdict
    version: int
    judged_at: datetime


@dataclass(slots=True)
class TrustBase:
    """Anchors, intermediates and CRLs of every omgeving: flows.ports.Trust, and what TLS contexts are made of."""

    files: Mapping[str, TrustFiles]
    clock: Clock
    _bases: dict[str, _Base] = field(default_factory=dict)
    _crls: dict[str, tuple[Crl, ...]] = field(default_factory=dict)
    _extra: dict[str, dict[bytes, Certificate]] = field(default_factory=dict)
    _verdicts: dict[tuple[str, Use, bytes, tuple[bytes, ...]], _Kept] = field(default_factory=dict)
    """By what was judged, with what came along: the same certificate may hold with other intermediates."""
    _versions: int = 0

    async def problem(
        self,
        omgeving: str,
        certificate: bytes,
        *moments: datetime,
        use: Use = Use.SIGN,
        chain: Sequence[bytes] = (),
    ) -> str | None:
        """See flows.ports.Trust."""
        name = (omgeving, use, certificate, tuple(chain))
        base, kept = self._base(omgeving), self._verdicts.get(name)
        if kept is None or kept.version != base.version or self._is_old(kept):
            kept = self._judge(omgeving, base, certificate, use, chain)
            if len(self._verdicts) >= _KEEP_VERDICTS:
                self._verdicts.clear()
            self._verdicts[name] = kept
        return kept.verdict.at(*(moments or (self.clock.now(),)))

    def _is_old(self, kept: _Kept) -> bool:
        return kept.verdict.problem is not None and self.clock.now() > kept.judged_at + _KEEP_BAD

    def _judge(self, omgeving: str, base: _Base, der: bytes, use: Use, chain: Sequence[bytes]) -> _Kept:
        now = self.clock.now()
        try:
            certificate = read_certificate(der)
            verdict = judge(certificate, use, base.store, now, [read_certificate(each) for each in chain])
        except TrustError as error:
            return _Kept(Verdict(str(error)), base.version, now)
        for warning in () if verdict.problem else warnings(certificate):
            log.warning("certificate_weak", omgeving=omgeving, oin=certificate.oin, warning=warning)
        return _Kept(verdict, base.version, now)

    def policy(self, omgeving: str) -> Policy:
        """The policy of an omgeving; raises ConfigError when it may not have what is configured."""
        files = self.files.get(omgeving, TrustFiles())
        return policy_of(omgeving, files.policy, sandbox=is_sandbox(omgeving))

    def version(self, omgeving: str) -> int:
        """Another one after each change. Raises TrustError without usable trust anchors."""
        return self._base(omgeving).version

    def store(self, omgeving: str) -> TrustStore:
        """All of one omgeving. Raises TrustError without usable trust anchors."""
        return self._base(omgeving).store

    def learn(self, omgeving: str, certificates: Sequence[Certificate]) -> None:
        """Take certificates that came along: of our own chains, or of CPAs. Only what an anchor vouches for counts."""
        known = self._extra.setdefault(omgeving, {})
        fresh = {each.der: each for each in certificates if each.authority and each.der not in known}
        known.update(fresh)
        if fresh:
            self._rebuild(omgeving)

    def set_crls(self, omgeving: str, crls: Sequence[Crl]) -> None:
        """These are the CRLs from now on, beside those in files; they were checked before they were stored."""
        if self._crls.get(omgeving) != tuple(crls):
            self._crls[omgeving] = tuple(crls)
            self._rebuild(omgeving)

    def refresh(self) -> None:
        """Read again what changed on disk. What cannot be read leaves the old in use, and is told in the log."""
        for omgeving, base in list(self._bases.items()):
            if base.stamp != self._stamp(omgeving):
                self._rebuild(omgeving)

    def crl_check(self, omgeving: str) -> bool:
        """Whether TLS must find a CRL for each CA: always in strict, elsewhere when each has a current one."""
        store, now = self.store(omgeving), self.clock.now()
        if store.rules.crl_required:
            return True
        current = {crl.issuer for crl in store.crls if crl.next_update > now}
        return bool(current) and all(each.subject in current for each in store.authorities if each.authority)

    @contextmanager
    def bundle(self, omgeving: str) -> Iterator[Path]:
        """A file with anchors, intermediates and CRLs for OpenSSL, gone after the block."""
        store = self.store(omgeving)
        with tempfile.NamedTemporaryFile(prefix="digikoppelaar-", suffix=".pem") as file:
            file.writelines(_certificate_pem(each) for each in store.authorities)
            file.writelines(_crl_pem(each) for each in store.crls)
            file.flush()
            yield Path(file.name)

    def _base(self, omgeving: str) -> _Base:
        if omgeving not in self._bases:
            self._bases[omgeving] = self._read(omgeving)
        return self._bases[omgeving]

    def _rebuild(self, omgeving: str) -> None:
        if omgeving not in self._bases:
            return  # read when it is first asked for
        try:
            self._bases[omgeving] = self._read(omgeving)
        except TrustError as error:
            log.warning("trust_not_reloaded", omgeving=omgeving, reason=str(error))
            self._bases[omgeving] = replace(self._bases[omgeving], stamp=self._stamp(omgeving))

    def _read(self, omgeving: str) -> _Base:
        files, stamp = self.files.get(omgeving, TrustFiles()), self._stamp(omgeving)
        rules = RULES[self.policy(omgeving)]
        if not files.anchors and not rules.self_signed:
            raise TrustError(f"no trust anchors are set for {omgeving}")
        anchors = _certificates(omgeving, files.anchors)
        below = (*_certificates(omgeving, files.intermediates), *self._extra.get(omgeving, {}).values())
        crls = [crl for file in files.crls for crl in _crls(file)]
        self._versions += 1
        store = TrustStore(
            tuple(anchors),
            authorities(anchors, below),
            (*crls, *self._crls.get(omgeving, ())),
            rules,
            sandbox=is_sandbox(omgeving),
            production=is_production(omgeving),
        )
        return _Base(store, self._versions, stamp)

    def _stamp(self, omgeving: str) -> Stamp:
        files = self.files.get(omgeving, TrustFiles())
        return stamp_of([*files.anchors, *files.intermediates, *files.crls])


def _certificates(omgeving: str, files: Sequence[Path]) -> list[Certificate]:
    found: list[Certificate] = []
    for file in files:
        certificates = read_chain(file)
        refuse_mixture(omgeving, certificates, file)
        found += certificates
    return found


def _crls(file: Path) -> tuple[Crl, ...]:
    try:
        return read_crls(file.read_bytes())
    except OSError as error:
        raise TrustError(f"{file}: {error.strerror}") from error


def _certificate_pem(certificate: Certificate) -> bytes:
    return x509.load_der_x509_certificate(certificate.der).public_bytes(serialization.Encoding.PEM)


def _crl_pem(crl: Crl) -> bytes:
    return x509.load_der_x509_crl(crl.der).public_bytes(serialization.Encoding.PEM)
