"""Whether a signing or encryption certificate leads to a trust anchor, unrevoked (statements 124, 125, 152, 184, 185).

pyhanko-certvalidator builds and checks the path (RFC 5280) out of what it is handed; it never fetches. For TLS OpenSSL
does the same. Pure: anchors, CRLs and time come in as values.
"""

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import x509 as asn1  # type: ignore[import-untyped]  # pyhanko-certvalidator is built on it
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)

from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.certificate import Certificate, Use, check_purpose, issued, read_certificate
from digikoppelaar.pki.crl import Crl, revokes
from digikoppelaar.pki.policy import Rules, check_hierarchy, check_strength


@dataclass(frozen=True, slots=True)
class TrustStore:
    """What trust rests on in one omgeving, at one moment."""

    anchors: tuple[Certificate, ...]
    authorities: tuple[Certificate, ...]
    """The anchors and every known CA below them; see `authorities`."""
    crls: tuple[Crl, ...]
    rules: Rules
    sandbox: bool = False
    production: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one certificate. Without `problem` it is trusted between two moments, both included."""

    problem: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    crl_until: datetime | None = None
    """When the first CRL of the chain is past its nextUpdate; None when no CRL is asked for."""

    def at(self, *moments: datetime) -> str | None:
        """What is wrong when the certificate has to count at all of `moments`; the last of them is now (7t)."""
        if self.problem is not None:
            return self.problem
        if self.not_before and min(moments) < self.not_before:
            return f"not valid before {self.not_before:%Y-%m-%d %H:%M}"
        if self.not_after and max(moments) > self.not_after:
            return f"expired on {self.not_after:%Y-%m-%d %H:%M}"
        if self.crl_until and max(moments) > self.crl_until:
            return f"a CRL of its chain is past its nextUpdate of {self.crl_until:%Y-%m-%d %H:%M}"
        return None


def authorities(anchors: Iterable[Certificate], candidates: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """The anchors, and the candidates that they vouch for, directly or through each other.

    So a CA that merely came along with a CPA or a partner is never asked for a CRL.
    """
    found = {anchor.der: anchor for anchor in anchors}
    left = {each.der: each for each in candidates if each.authority and each.der not in found}
    while vouched := [each for each in left.values() if any(issued(above, each) for above in found.values())]:
        for each in vouched:
            found[each.der] = left.pop(each.der)
    return tuple(found.values())


def judge(
    certificate: Certificate, use: Use, store: TrustStore, now: datetime, chain: Iterable[Certificate] = ()
) -> Verdict:
    """Whether a certificate of a partner may be used for SIGN, or for DECRYPT by the partner.

    `chain`: certificates that came along with it, trusted for nothing by themselves. The path is judged at `now`;
    ask the verdict for other moments.
    """
    try:
        check_hierarchy(certificate, sandbox=store.sandbox, production=store.production)
        check_purpose(certificate, use)
        check_strength(certificate, store.rules)
        if certificate in store.anchors or (store.rules.self_signed and certificate.self_signed):  # 7k
            return Verdict(None, certificate.not_before, certificate.not_after)
        path = _path(certificate, store, now, chain)
        if not store.rules.crl_required:
            _check_known_crls(path, store)
        return _verdict(path, store)
    except (TrustError, OinError) as error:
        return Verdict(str(error))
    except (InvalidCertificateError, PathBuildingError, PathValidationError) as error:
        return Verdict(_words(error))


_REQUIRED: Final = RevocationCheckingPolicy(RevocationCheckingRule.CRL_REQUIRED, RevocationCheckingRule.CRL_REQUIRED)
_BY_OURSELVES: Final = RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK)


def _path(certificate: Certificate, store: TrustStore, now: datetime, chain: Iterable[Certificate]) -> ValidationPath:
    context = ValidationContext(
        trust_roots=[_asn1(anchor) for anchor in store.anchors],
        other_certs=[_asn1(each) for each in (*store.authorities, *chain)],
        crls=[crl.der for crl in store.crls],
        moment=now,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(_REQUIRED if store.rules.crl_required else _BY_OURSELVES),
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(  # type: ignore[no-untyped-call]
            weak_hash_algos=store.rules.weak_hashes, rsa_key_size_threshold=store.rules.least_rsa_bits
        ),
    )
    return _finished(CertificateValidator(_asn1(certificate), validation_context=context).async_validate_path())


def _finished(validation: Coroutine[None, None, ValidationPath]) -> ValidationPath:
    # The library is written for fetching; with all at hand nothing is waited for, and no event loop is needed.
    try:
        validation.send(None)
    except StopIteration as finished:
        path: ValidationPath = finished.value
        return path
    raise AssertionError("the validation of a path waited for something")


def _check_known_crls(path: ValidationPath, store: TrustStore) -> None:
    # The library has no rule for "when there is one": it asks what the certificate declares. Here stale ones count too.
    for each in path.iter_certs(include_root=False):
        certificate = read_certificate(each.dump())
        if any(crl.issuer == certificate.issuer and revokes(crl, each.serial_number) for crl in store.crls):
            raise TrustError(_REVOKED)


def _asn1(certificate: Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.der)


def _verdict(path: ValidationPath, store: TrustStore) -> Verdict:
    certificates = [*path.iter_certs(include_root=True)]
    by_issuer: Mapping[str, datetime] = _latest(store.crls)
    path_of = {each.dump() for each in certificates}
    ends = [by_issuer[each.subject] for each in store.authorities if each.der in path_of and each.subject in by_issuer]
    return Verdict(
        None,
        max(each.not_valid_before for each in certificates),
        min(each.not_valid_after for each in certificates),
        min(ends, default=None) if store.rules.crl_required else None,
    )


def _latest(crls: Iterable[Crl]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    for crl in crls:
        latest[crl.issuer] = max(crl.next_update, latest.get(crl.issuer, crl.next_update))
    return latest


_REVOKED: Final = "it or a CA above it is revoked"
_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (RevokedError, _REVOKED),
    (ExpiredError, "it or a CA above it has expired"),
    (NotYetValidError, "it or a CA above it is not valid yet"),
    (InsufficientRevinfoError, "a CA of its chain has no current CRL"),
    (DisallowedAlgorithmError, "its chain uses a key or digest that is too weak"),
    (PathBuildingError, "its chain does not reach a trust anchor of this omgeving"),
)


def _words(error: Exception) -> str:
    return next((words for kind, words in _WORDS if isinstance(error, kind)), "its chain does not hold")
