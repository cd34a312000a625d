"""Why a TLS handshake failed, in words for the log and in few classes for the metrics."""

import asyncio
import ssl
from typing import Final

_CLASSES: Final = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no-client-certificate",
    "CERTIFICATE_VERIFY_FAILED": "certificate-not-trusted",
    "UNSUPPORTED_PROTOCOL": "tls-version",
    "WRONG_VERSION_NUMBER": "tls-version",
    "VERSION_TOO_LOW": "tls-version",
    "NO_SHARED_CIPHER": "tls-suite",
    "NO_SHARED_GROUP": "tls-suite",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "tls-suite",
    "HTTP_REQUEST": "not-tls",
    "HTTPS_PROXY_REQUEST": "not-tls",
    "UNKNOWN_PROTOCOL": "not-tls",
}
"""By the reason that OpenSSL gives."""

# The codes of X509_V_ERR_*: what makes a chain untrusted differs for whoever has to act on it.
_VERIFY_CLASSES: Final = {
    3: "crl-missing",
    9: "certificate-not-yet-valid",
    10: "certificate-expired",
    12: "crl-expired",
    23: "certificate-revoked",
    26: "certificate-purpose",
}


def reason_class(error: BaseException) -> str:
    """The class of reason under which a failed handshake is counted."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_CLASSES.get(error.verify_code, "certificate-not-trusted")
    if isinstance(error, ssl.SSLError):
        return _CLASSES.get(error.reason or "", "tls-error")
    if isinstance(error, asyncio.CancelledError):
        return "stopping"
    # asyncio reports its own handshake time-out as a ConnectionAbortedError, and a peer that left as its subclasses.
    return "handshake-timeout" if type(error) is ConnectionAbortedError else "connection-lost"


def detail(error: BaseException) -> str:
    """One short line about it: OpenSSL's reason, and what is wrong with the chain."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.reason}: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return error.reason or "no reason given"
    return type(error).__name__
