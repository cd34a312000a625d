"""TLS contexts as Digikoppeling wants them, for incoming and outgoing connections (digikoppeling-ebms2.md, 3.1).

Which certificates and trust anchors go in is decided by `adapters.keys`; here only how TLS is spoken.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from digikoppelaar.errors import TrustError

TLS12_SUITES: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""What NCSC calls sufficient, CCM left out. The three TLS 1.3 suites of OpenSSL itself are good or sufficient."""

# Level 2 refuses RSA keys under 2048 bits and SHA-1 anywhere in the chain or the handshake.
_CIPHERS: Final = ":".join(TLS12_SUITES) + ":@SECLEVEL=2"


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate chain and key that one side shows. `password` opens an encrypted key."""

    certificate_file: Path
    key_file: Path
    password: bytes | None = field(default=None, repr=False)


def server_context(identity: Identity, trust_anchors: Sequence[Path], crl_files: Sequence[Path] = ()) -> ssl.SSLContext:
    """For a listener that requires a client certificate under one of `trust_anchors` (TLS001-TLS004).

    With `crl_files` every certificate of a chain must be covered by a current CRL among them (3.4). Raises TrustError.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity, trust_anchors, crl_files)
    # The groups stay OpenSSL's: Python can name only one, which would shut out partners with another curve in their
    # certificate or without that curve. So a TLS 1.3 client that offers nothing but ffdhe still gets it.
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    # A ticket would let a revoked client in for hours, and early data could be replayed.
    context.num_tickets = 0
    return context


def application_context(identity: Identity) -> ssl.SSLContext:
    """For a listener of applications, which show an API key and no certificate. Raises TrustError."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity, (), ())
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    return context


def client_context(identity: Identity, trust_anchors: Sequence[Path], crl_files: Sequence[Path] = ()) -> ssl.SSLContext:
    """For outgoing connections; the server's certificate must name the host (statement 169). Raises TrustError."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, identity, trust_anchors, crl_files)
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def public_client_context(identity: Identity) -> ssl.SSLContext:
    """As `client_context`, towards a server that browsers trust: what the machine trusts counts. Raises TrustError."""
    context = client_context(identity, ())
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def stranger_context(anchors_pem: str) -> ssl.SSLContext:
    """For a look at a server as somebody without certificate, who trusts these anchors and knows nothing in between.

    CRLs are not asked for. Raises TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=anchors_pem)
    except (OSError, ValueError) as error:
        raise TrustError(f"the trust anchors cannot be used for TLS: {error}") from error
    return context


def show(context: ssl.SSLContext, identity: Identity) -> None:
    """Let `context` show this certificate. Raises TrustError."""
    try:
        context.load_cert_chain(identity.certificate_file, identity.key_file, identity.password or _no_password)
    except (OSError, ValueError) as error:
        raise TrustError(f"{identity.certificate_file}: cannot be used for TLS: {error}") from error


def _context(
    protocol: int, identity: Identity, trust_anchors: Sequence[Path], crl_files: Sequence[Path]
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    show(context, identity)
    try:
        for file in (*trust_anchors, *crl_files):
            context.load_verify_locations(file)
    except (OSError, ValueError) as error:
        raise TrustError(f"{identity.certificate_file}: cannot be used for TLS: {error}") from error
    if crl_files:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    return context


def _no_password() -> bytes:
    # Without a callback OpenSSL would ask for the password on the terminal and wait.
    return b""
