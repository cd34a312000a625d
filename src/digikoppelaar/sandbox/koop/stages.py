"""How far each organisatie is in the stages, as KOOP sees it: from what came in, and what it found good of that."""

from collections.abc import Mapping

from digikoppelaar.drop.profile import Stage
from digikoppelaar.drop.stages import Confirmation, Delivery, StageProgress, progress
from digikoppelaar.sandbox.koop.dossiers import Dossier
from digikoppelaar.sandbox.koop.koop import Koop

Organisatie = tuple[str, str]
"""OIN and name."""
Stages = Mapping[str, Stage]
"""By name."""


def stages_of(koop: Koop, stages: Stages) -> Mapping[Organisatie, tuple[StageProgress, ...]]:
    """Of every organisatie that delivered something, the first one first, under the name that it gave last."""
    dossiers = list(koop.dossiers.values())
    publicisten = (dossier.kennisgeving.publicist for dossier in dossiers)
    names = {publicist.oin: publicist.naam for publicist in publicisten}
    return {(oin, naam): _of(oin, dossiers, stages) for oin, naam in names.items()}


def _of(oin: str, dossiers: list[Dossier], stages: Stages) -> tuple[StageProgress, ...]:
    counting = [each for each in dossiers if _is_of(each, oin) or stages[each.stage].shared]
    deliveries = [
        Delivery(
            each.stage,
            each.kennisgeving.documenttype,
            each.dossiernummer,
            each.received_at,
            own=_is_of(each, oin),
        )
        for each in counting
    ]
    confirmations = [
        Confirmation(each.stage, each.kennisgeving.documenttype, each.confirmed_by, each.confirmed_at)
        for each in counting
        if each.confirmed_at
    ]
    return progress(stages.values(), deliveries, confirmations, (), {})


def _is_of(dossier: Dossier, oin: str) -> bool:
    return dossier.kennisgeving.publicist.oin == oin
