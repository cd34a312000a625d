"""The certificate profile of Digikoppeling."""

from typing import Final

from cryptography import x509

SANDBOX_MARK_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
"""The private extension that marks every certificate of a sandbox."""
