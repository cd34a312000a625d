"""How strict an omgeving is about certificates: three policies, and what each allows (3.1, 3.3, 3.4, 7c and 7s).

A literal table and the rules on one certificate. Chains are in `chain`; which policy an omgeving has is configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import ConfigError, TrustError
from digikoppelaar.pki.certificate import Certificate

GOOD_RSA_BITS: Final = 3072
"""NCSC: from here on good; 2048 to 3071 is being phased out, and warned of (3.1)."""
LEAST_EC_BITS: Final = 256


class Policy(StrEnum):
    """The policy of an omgeving."""

    STRICT = "strict"
    """What PKIoverheid and Digikoppeling demand. The default of `pre` and `prod`."""
    LEGACY = "legacy"
    """For `pre` and `prod` with partners who lag behind: what is out of date is warned of, not refused."""
    LAB = "lab"
    """For the sandbox only: certificates that sign themselves are fine, and a CRL is used when there is one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a policy asks of certificates."""

    crl_required: bool
    """Every CA of a chain must have a current CRL; otherwise those that are there are used."""
    self_signed: bool
    """A certificate may vouch for itself."""
    least_rsa_bits: int
    weak_hashes: frozenset[str]
    """Digests that may not stand under a certificate; PSS with any other is fine (7s)."""


_BROKEN: Final = frozenset({"md2", "md5"})
_OUTDATED: Final = frozenset({"sha1", "sha224"})

RULES: Final[Mapping[Policy, Rules]] = {
    Policy.STRICT: Rules(crl_required=True, self_signed=False, least_rsa_bits=2048, weak_hashes=_BROKEN | _OUTDATED),
    Policy.LEGACY: Rules(crl_required=False, self_signed=False, least_rsa_bits=2048, weak_hashes=_BROKEN),
    Policy.LAB: Rules(crl_required=False, self_signed=True, least_rsa_bits=2048, weak_hashes=_BROKEN),
}


def policy_of(omgeving: str, chosen: str | None, *, sandbox: bool) -> Policy:
    """The policy of an omgeving; None chooses the default. Raises ConfigError when it may not have that one."""
    allowed = (Policy.LAB,) if sandbox else (Policy.STRICT, Policy.LEGACY)
    policy = Policy(chosen) if chosen else allowed[0]
    if policy not in allowed:
        raise ConfigError(
            f"{omgeving} cannot have the policy {policy}",
            advice="De sandbox heeft beleid lab; pre en prod hebben strict of legacy.",
        )
    return policy


def check_strength(certificate: Certificate, rules: Rules) -> None:
    """Raises TrustError when the key is too small or the signature rests on a weak digest."""
    if certificate.key_kind == "RSA" and certificate.key_bits < rules.least_rsa_bits:
        raise TrustError(f"its RSA key of {certificate.key_bits} bits is too small: {rules.least_rsa_bits} at least")
    if certificate.key_kind == "EC" and certificate.key_bits < LEAST_EC_BITS:
        raise TrustError(f"its elliptic curve of {certificate.key_bits} bits is too small: {LEAST_EC_BITS} at least")
    if not certificate.self_signed and certificate.signature_hash in rules.weak_hashes:
        raise TrustError(f"its signature uses {certificate.signature_hash}")


def warnings(certificate: Certificate) -> tuple[str, ...]:
    """What is allowed and should not last, in words for a log."""
    found = []
    if certificate.key_kind == "RSA" and certificate.key_bits < GOOD_RSA_BITS:
        found.append(f"RSA key of {certificate.key_bits} bits, {GOOD_RSA_BITS} is good")
    if not certificate.self_signed and certificate.signature_hash in _BROKEN | _OUTDATED:
        found.append(f"signed with {certificate.signature_hash}")
    return tuple(found)


def check_hierarchy(certificate: Certificate, *, sandbox: bool, production: bool) -> None:
    """Raises TrustError for a certificate of another world: sandbox or real, test or production (statement 183).

    In the sandbox a certificate that vouches for itself alone is nobody's: the Java peer makes such ones.
    """
    stray = certificate.self_signed and not certificate.authority
    if certificate.sandbox != sandbox and not (sandbox and stray):
        raise TrustError(f"a certificate of {'a real PKI' if sandbox else 'the sandbox'} is refused")
    if production and certificate.trial:
        raise TrustError("a certificate of TRIAL PKIoverheid is refused")
