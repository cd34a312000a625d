"""TLS towards servers that anybody may read: without a certificate of ours, trusting what the machine trusts."""

import ssl
from collections.abc import Sequence
from pathlib import Path


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
