"""Agreements as they were read from the CPA documents in the database: each once, the least used forgotten first.

Nothing here decides whether an Agreement still holds: the key holds the digest of the document and the tolerances, and
every lookup asks the database for these, so what was replaced, changed or removed is never found again.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.ebms.agreement import Agreement

KEPT: Final = 16_384
"""Agreements. One takes about 4 KiB when its certificates stand in other CPAs too."""


@dataclass(frozen=True, slots=True)
class Agreements:
    """At most `kept` of them."""

    kept: int = KEPT
    _found: OrderedDict[Hashable, Agreement] = field(default_factory=OrderedDict, init=False, repr=False)

    def get(self, key: Hashable) -> Agreement | None:
        """The Agreement under this key, when it was kept."""
        if key in self._found:
            self._found.move_to_end(key)
        return self._found.get(key)

    def keep(self, key: Hashable, read: Callable[[], Agreement]) -> Agreement:
        """The Agreement under this key, read when it was not kept."""
        found = self.get(key)
        if found is None:
            found = self._found[key] = read()
            if len(self._found) > self.kept:
                self._found.popitem(last=False)
        return found
