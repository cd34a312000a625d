"""Organisation identification numbers: what counts as one, and whom its holder may speak for.

An OIN (or HRN, of a company) is text: leading zeros belong to it, and nothing is derived from its parts
(digikoppeling-ebms2.md, 3.2 and conflict 7p). Certificates live in `certificate`.
"""

import re
from collections.abc import Set
from typing import Final

from digikoppelaar.errors import OinError

LENGTH: Final = 20

_OIN: Final = re.compile(r"[0-9]{8}[0-9A-Za-z]{12}", re.ASCII)
_ENVIRONMENT_SUFFIX: Final = re.compile(r"_(?:OTA|OT|O|T|A)\Z")


def check_oin(text: str) -> str:
    """`text` itself when it is an OIN or HRN of 20 positions (PKI001); raises OinError.

    The main number may hold letters, so only the prefix of eight positions has to be digits.
    """
    if _OIN.fullmatch(text) is None:
        raise OinError(f"{text[:40]!r} is not an OIN: it needs {LENGTH} positions, the first eight digits")
    return text


def without_environment_suffix(party_id: str) -> str:
    """The PartyId without `_O`, `_T`, `_A`, `_OT` or `_OTA` at its end (EB004; 3.5, step 2)."""
    return _ENVIRONMENT_SUFFIX.sub("", party_id)


def fits_party(oin: str, party_id: str, acts_for: Set[str] = frozenset()) -> bool:
    """Whether the holder of a certificate with `oin` may speak as `party_id` (3.5, steps 2 and 3).

    Either the OIN is the party's own, or `acts_for` (the OINs for which it has a machtiging on record) holds the party.
    """
    party = without_environment_suffix(party_id)
    return party == oin or party in acts_for
