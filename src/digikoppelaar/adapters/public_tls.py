"""TLS towards servers that browsers trust: what the machine trusts counts, with a certificate of ours or without."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from digikoppelaar.adapters.keys import Keyring


class PublicContexts:
    """adapters.http_out.ClientContexts for every partij alike. `anchors` are trusted beside those of the machine."""

    def __init__(self, anchors: Sequence[Path] = ()) -> None:
        # One for good: a connection is used again only under the context with which it was opened.
        self._context = ssl.create_default_context()
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        for file in anchors:
            self._context.load_verify_locations(file)

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """The one context; see adapters.http_out.ClientContexts."""
        del omgeving, partij_oin
        return self._context


class CertifiedContexts:
    """adapters.http_out.ClientContexts that show the certificate of the partij, and trust what the machine trusts."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """See adapters.http_out.ClientContexts."""
        return self._keyring.public_client_context(omgeving, partij_oin)
