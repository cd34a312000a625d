"""The in-memory twin of OnboardingStore. One contract test runs against both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from digikoppelaar.flows.ports.onboarding import NOTED, Authority, LogLine, Seen, refused_event
from digikoppelaar.onboarding.model import Sight, Subject
from digikoppelaar.onboarding.progress import NOTHING, Record, Told, is_news, moved
from digikoppelaar.onboarding.states import StepEvent, StepState


@dataclass(slots=True)
class MemoryOnboarding:
    """Steps by subject and number, and their log; `known` and `seen` are what others have on record."""

    known: list[Authority] = field(default_factory=list)
    seen: dict[Subject, dict[Sight, Seen]] = field(default_factory=dict)
    steps: dict[Subject, dict[str, Record]] = field(default_factory=dict)
    lines: dict[Subject, list[LogLine]] = field(default_factory=dict)

    async def authorities(self, oin: str | None = None) -> Sequence[Authority]:
        """See flows.ports.onboarding.OnboardingStore."""
        return sorted((each for each in self.known if oin in (None, each.oin)), key=lambda each: each.oin)

    async def records(self, subjects: Collection[Subject] | None = None) -> Mapping[Subject, Mapping[str, Record]]:
        """See flows.ports.onboarding.OnboardingStore."""
        return {
            subject: dict(records) for subject, records in self.steps.items() if subjects is None or subject in subjects
        }

    async def tell(self, subject: Subject, number: str, event: StepEvent | None, told: Told) -> Record:
        """See flows.ports.onboarding.OnboardingStore."""
        record = self.steps.get(subject, {}).get(number, NOTHING)
        after = moved(record, event, told)
        if after is None:
            raise refused_event(subject, number, record.state, event)
        if is_news(record, event, after):
            self.steps.setdefault(subject, {})[number] = after
            line = LogLine(number, told.at, event or NOTED, after.state, told.by, told.detail)
            self.lines.setdefault(subject, []).append(line)
        return after

    async def log(self, subject: Subject, number: str | None = None) -> Sequence[LogLine]:
        """See flows.ports.onboarding.OnboardingStore."""
        return [line for line in self.lines.get(subject, []) if number in (None, line.number)]

    async def another_has_done(self, subject: Subject, partij_oin: str, number: str) -> bool:
        """See flows.ports.onboarding.OnboardingStore."""
        others = [
            Subject(each.oin, subject.kind, subject.omgeving)
            for each in self.known
            if each.oin != subject.oin and each.partijen.get((subject.kind, subject.omgeving)) == partij_oin
        ]
        records = (self.steps.get(other, {}).get(number, NOTHING) for other in others)
        return any(record.state is StepState.DONE for record in records)

    async def sights(self, subjects: Collection[Subject]) -> Mapping[Subject, Mapping[Sight, Seen]]:
        """See flows.ports.onboarding.OnboardingStore."""
        return {subject: seen for subject, seen in self.seen.items() if subject in subjects}
