"""The in-memory twin of StageStore, over that of the kennisgevingen. One contract test runs against both."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports.stages import MOST, Confirmed, Delivered

_TAKEN = frozenset({KennisgevingState.ACCEPTED, KennisgevingState.PUBLISHED})


@dataclass(slots=True)
class MemoryStages:
    """What the kennisgevingen tell, and the words of persons by what they are about."""

    kennisgevingen: MemoryKennisgevingen
    words: dict[tuple[int, str, str], Confirmed] = field(default_factory=dict)

    async def delivered(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Delivered]:
        """See flows.ports.stages.StageStore."""
        found = defaultdict[tuple[int, str, str], list[Delivered]](list)
        for row in self.kennisgevingen.rows.values():
            of, attempt = row.key.aansluiting_id, self.kennisgevingen.made.get((row.id, row.attempts))
            if attempt and of in aansluitingen and row.state in _TAKEN and _among(attempt.stage, stages):
                at = attempt.answered_at or attempt.begun_at
                one = Delivered(of, attempt.stage, attempt.documenttype, row.dossiernummer or "", at)
                found[of, attempt.stage, attempt.documenttype].append(one)
        first = [each for some in found.values() for each in sorted(some, key=lambda each: each.at)[:MOST]]
        return sorted(first, key=lambda each: each.at)

    async def confirmed(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Confirmed]:
        """See flows.ports.stages.StageStore."""
        of = [each for each in self.words.values() if each.aansluiting_id in aansluitingen]
        return sorted((each for each in of if _among(each.stage, stages)), key=lambda each: each.at)

    async def confirm(self, confirmed: Confirmed) -> bool:
        """See flows.ports.stages.StageStore."""
        key = (confirmed.aansluiting_id, confirmed.stage, confirmed.documenttype)
        new = key not in self.words
        self.words.setdefault(key, confirmed)
        return new


def _among(stage: str, stages: Collection[str] | None) -> bool:
    return stages is None or stage in stages
