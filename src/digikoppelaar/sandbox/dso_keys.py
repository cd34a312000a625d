"""The private keys of the national side and the TLS that it speaks with them."""

import ssl

from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.flows.ports import Clock
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.folder import DSO_LV, KOOP, REGISTER, Certificates


def keyring_of(omgeving: str, certificates: Certificates, clock: Clock) -> Keyring:
    """Those of DSO-LV, of KOOP and of the CPA register; they trust the PKI of the sandbox alone."""
    files = (
        (DSO_LV, Use.TLS_SERVER, certificates.dso_tls),
        (DSO_LV, Use.TLS_CLIENT, certificates.dso_tls),
        (DSO_LV, Use.SIGN, certificates.dso_sign),
        (KOOP, Use.TLS_SERVER, certificates.koop_tls),
        (REGISTER, Use.TLS_SERVER, certificates.register_tls),
    )
    records = [CertificateRecord(who.oin, omgeving, use, file.certificate, file.key) for who, use, file in files]
    authorities = certificates.authorities
    trust = TrustBase({omgeving: TrustFiles((authorities.root,), crls=(authorities.crls,))}, clock)
    return Keyring(records, trust, clock)


def koop_tls(keyring: Keyring, omgeving: str) -> ssl.SSLContext:
    """Takes callers without a certificate too: one stage of 3PAS asks for a user name instead."""
    context = keyring.server_context(omgeving, KOOP.oin)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
