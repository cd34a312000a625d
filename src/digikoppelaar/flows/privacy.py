"""Whether a text, such as a notice to be published, holds personal data of the applicant of a verzoek (drop-3pas.md 8).

Searched for in the XML as long as it is there, and in the keyed hashes after it was deleted. When neither is there the
answer is that it was not done: never that the text is clean.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from digikoppelaar.errors import PartnerError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.ports.retention import ErasableBlobs, FingerprintKeys, RetentionStore, VersionContent
from digikoppelaar.stam.fingerprints import Fingerprint, Key, Match, fingerprints, matches, scope_of
from digikoppelaar.stam.verzoek import read_verzoek


class Outcome(StrEnum):
    """What the check of a text came to, in words for people."""

    CLEAN = "niets gevonden"
    FOUND = "gevonden"
    NOT_DONE = "niet uitgevoerd"


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome, and where in the text what was found. With NOT_DONE `reason` says why, in Dutch.

    `matches` may hold something with NOT_DONE too: what the versions that could be looked up gave.
    """

    outcome: Outcome
    matches: tuple[Match, ...] = ()
    reason: str = ""


UNKNOWN: Final = "Dit verzoek is hier niet bekend."
GONE: Final = "De persoonsgegevens van dit verzoek zijn verwijderd, en de bewaartermijn van hun kenmerken is voorbij."


@dataclass(frozen=True, slots=True)
class PrivacyCheck:
    """Checks texts with these parts."""

    store: RetentionStore
    blobs: ErasableBlobs
    keys: FingerprintKeys

    async def matches(self, aansluiting_id: int, verzoeknummer: str, text: str) -> Checked:
        """Which personal data of this verzoek, in any version of it, `text` holds. Raises StorageError."""
        versions = await self.store.contents(aansluiting_id, verzoeknummer)
        if not versions:
            return Checked(Outcome.NOT_DONE, reason=UNKNOWN)
        scope, found, gone = scope_of(aansluiting_id, verzoeknummer), set[Match](), False
        for version in versions:
            known = await self._known(version, scope)
            if known is None:
                gone = True
            else:
                found.update(matches(text, known[1], known[0], scope))
        places = tuple(sorted(found, key=lambda match: (match.start, match.end, match.kind)))
        if gone:
            return Checked(Outcome.NOT_DONE, places, GONE)
        return Checked(Outcome.FOUND if places else Outcome.CLEAN, places)

    async def _known(self, version: VersionContent, scope: str) -> tuple[Key, frozenset[Fingerprint]] | None:
        """The hashes of a version with their key; None when they can be had nowhere."""
        if version.xml is not None and await self.blobs.has(version.xml):
            return await self._from_xml(version.xml, scope)
        key = await self.keys.find(version.set.key_id) if version.set else None
        return (key, version.set.fingerprints) if key and version.set else None

    async def _from_xml(self, blob: str, scope: str) -> tuple[Key, frozenset[Fingerprint]] | None:
        xml = b"".join([piece async for piece in self.blobs.get(blob)])
        try:
            read = await aside(partial(read_verzoek, xml))
        except PartnerError:
            return None
        key = await self.keys.current()
        return key, fingerprints(read, key, scope)
