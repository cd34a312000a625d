"""Which adapter is behind each kind of target: the one place that knows them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, CaseSystem, Clock
from digikoppelaar.flows.targets import Target


@dataclass(frozen=True, slots=True)
class Facilities:
    """What adapters share in one process."""

    http: CaseSystemHttp
    clock: Clock


Make = Callable[[Aansluiting, Target, Facilities], CaseSystem]


def make(aansluiting: Aansluiting, target: Target, facilities: Facilities) -> CaseSystem:
    """The case system that this target is. Raises ConfigError when its settings are incomplete or its kind unknown."""
    try:
        return _KINDS[target.kind](aansluiting, target, facilities)
    except KeyError as error:
        missing = str(error.args[0])
        what = f"kind {target.kind} is not supported" if missing == target.kind else f"setting {missing} is missing"
        raise ConfigError(f"aansluiting {aansluiting.id}, target {target.name}: {what}") from error


def _folder(_aansluiting: Aansluiting, target: Target, _facilities: Facilities) -> CaseSystem:
    return FolderCaseSystem(Path(target.settings["path"]))


_KINDS: Final[Mapping[str, Make]] = {"folder": _folder}
