"""The stages of 3PAS as an organisatie has them: from its own aansluitingen, and what it shares with others.

What was delivered or found good is looked up in one world: the sandbox, or the real one. There an organisatie may have
an aansluiting in `pre` for the first stages, and one in `prod` for the last. What a leverancier does once, in a stage
that is shared, counts for every organisatie of this installation; that is all that one of them sees of another.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.profile import Stage
from digikoppelaar.drop.stages import (
    DOCUMENTTYPEN,
    Confirmation,
    Delivery,
    StageProgress,
    progress,
    refuse_undelivered,
)
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, PublishingSettings, is_sandbox
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.ports.stages import Confirmed, Delivered, StageStore
from digikoppelaar.onboarding.model import plays

StagesOf = Callable[[str], Mapping[str, Stage]]
"""The stages of the profile with this name, by their own names."""


def stage_called(name: str, stages: Mapping[str, Stage]) -> Stage:
    """Raises ConfigError when there is none."""
    if name not in stages:
        raise ConfigError(f"there is no stage {name}", advice=f"Kies als stage een van {', '.join(stages)}.")
    return stages[name]


def stage_of(aansluiting: Aansluiting, stages: Mapping[str, Stage]) -> Stage:
    """The stage in which an aansluiting delivers. Raises ConfigError when it is not one of its omgeving.

    So nothing of a test environment is ever published for good, and no real notice lost in one.
    """
    stage = stage_called(settings_of(aansluiting).stage, stages)
    if stage.omgeving != plays(aansluiting.omgeving):
        raise ConfigError(
            f"stage {stage.name} is for {stage.omgeving}, and the aansluiting is in {aansluiting.omgeving}",
            advice=f"Kies een stage die bij {aansluiting.omgeving} hoort, of leg een andere aansluiting vast.",
        )
    return stage


def settings_of(aansluiting: Aansluiting) -> PublishingSettings:
    """How it publishes; only for one of kind `drop`."""
    assert aansluiting.publishing, "it is of kind drop"
    return aansluiting.publishing


@dataclass(frozen=True, slots=True)
class Stages:
    """Over these parts; `publishers` are all aansluitingen of kind `drop`."""

    store: StageStore
    publishers: Sequence[Aansluiting]
    stages_of: StagesOf

    async def progress(self, publisher: Aansluiting) -> tuple[StageProgress, ...]:
        """How far the organisatie of `publisher` is. Raises StorageError."""
        own, stages = self._own(publisher), self._stages(publisher).values()
        used = {settings_of(each).stage for each in own}
        return progress(stages, *await self._on_record(publisher), used, _narrowed(own, stages))

    async def confirm(
        self, publisher: Aansluiting, stage_name: str, documenttypen: Sequence[Documenttype], who: Who, note: str
    ) -> list[Documenttype]:
        """Somebody says that KOOP found these documenttypen good; which of that is news.

        Raises ConfigError, and records nothing, when one of them was not delivered in that stage; and StorageError.
        """
        stage = stage_called(stage_name, self._stages(publisher))
        delivered, _ = await self._on_record(publisher)
        for each in documenttypen:
            refuse_undelivered(delivered, stage, each)
        words = {each: Confirmed(publisher.id, stage.name, each, who.name, who.at, note) for each in documenttypen}
        return [each for each, word in words.items() if await self.store.confirm(word)]

    def _stages(self, publisher: Aansluiting) -> Mapping[str, Stage]:
        return self.stages_of(settings_of(publisher).profile)

    def _own(self, publisher: Aansluiting) -> list[Aansluiting]:
        oin = publisher.organisatie_oin
        return [each for each in self.publishers if each.organisatie_oin == oin and _same_way(each, publisher)]

    async def _on_record(self, publisher: Aansluiting) -> tuple[list[Delivery], list[Confirmation]]:
        """What the organisatie delivered and was found good, and what counts of others: nothing that says whose."""
        own = {each.id for each in self._own(publisher)}
        others = {each.id for each in self.publishers if _same_way(each, publisher)} - own
        shared = [name for name, stage in self._stages(publisher).items() if stage.shared]
        delivered = [_delivery(each) for each in await self.store.delivered(own)]
        confirmed = [_confirmation(each) for each in await self.store.confirmed(own)]
        delivered += [
            replace(_delivery(each), dossiernummer="", own=False) for each in await self.store.delivered(others, shared)
        ]
        confirmed += [
            replace(_confirmation(each), by="", note="") for each in await self.store.confirmed(others, shared)
        ]
        return delivered, confirmed


def _same_way(one: Aansluiting, other: Aansluiting) -> bool:
    """Whether they go to the same KOOP, of the sandbox or the real one, by the same profile."""
    same_world = is_sandbox(one.omgeving) == is_sandbox(other.omgeving)
    return same_world and settings_of(one).profile == settings_of(other).profile


def _delivery(row: Delivered) -> Delivery:
    return Delivery(row.stage, Documenttype(row.documenttype), row.dossiernummer, row.at)


def _confirmation(row: Confirmed) -> Confirmation:
    return Confirmation(row.stage, Documenttype(row.documenttype), row.by, row.at, row.note)


def _narrowed(own: Iterable[Aansluiting], stages: Collection[Stage]) -> dict[str, set[Documenttype]]:
    """By stage the documenttypen that the aansluiting in its omgeving wants, when it says so."""
    return {
        stage.name: {DOCUMENTTYPEN[name] for name in settings_of(aansluiting).wanted.split(",")}
        for aansluiting in own
        for stage in stages
        if settings_of(aansluiting).wanted and stage.omgeving == plays(aansluiting.omgeving)
    }
