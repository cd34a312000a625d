"""Which adapter is behind each kind of target: the one place that knows them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.objecten import settings as objecten
from digikoppelaar.adapters.casesystems.objecten.system import ObjectenCaseSystem
from digikoppelaar.adapters.casesystems.webhook import settings as webhook
from digikoppelaar.adapters.casesystems.webhook.system import WebhookCaseSystem
from digikoppelaar.adapters.casesystems.zgw import settings as zgw
from digikoppelaar.adapters.casesystems.zgw.client import Zgw
from digikoppelaar.adapters.casesystems.zgw.happenings import ZgwHappenings
from digikoppelaar.adapters.casesystems.zgw.system import Shared, ZgwCaseSystem
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, CaseSystem, CaseSystemSettings, Clock
from digikoppelaar.flows.ports.case_events import CaseReader
from digikoppelaar.flows.registration import AansluitingEntry
from digikoppelaar.flows.targets import Target, targets_of


@dataclass(frozen=True, slots=True)
class Facilities:
    """What adapters share in one process."""

    http: CaseSystemHttp
    clock: Clock
    zgw: Shared = field(default_factory=Shared)


Make = Callable[[Aansluiting, Target, Facilities], CaseSystem]


def make(aansluiting: Aansluiting, target: Target, facilities: Facilities) -> CaseSystem:
    """The case system that this target is. Raises ConfigError when its settings are incomplete or its kind unknown."""
    if target.kind not in _KINDS:
        raise _wrong(aansluiting, target, f"kind {target.kind} is not supported")
    try:
        return _KINDS[target.kind](aansluiting, target, facilities)
    except KeyError as error:
        raise _wrong(aansluiting, target, f"setting {error.args[0]} is missing") from error
    except ConfigError as error:
        raise _wrong(aansluiting, target, str(error), error.advice) from error


def reader(target: Target, facilities: Facilities) -> CaseReader:
    """What reads at a target of kind `zgw` what happened in a zaak. Raises ConfigError for its settings."""
    return ZgwHappenings(
        Zgw(zgw.read_settings(target.settings), facilities.http, facilities.zgw.tokens, facilities.clock)
    )


def check(entry: AansluitingEntry) -> None:
    """Raise ConfigError when a target of an aansluiting in an apply file could not be made."""
    if entry.case_system:
        values = {name: text for name, text in entry.case_system.items() if name != "kind"}
        settings = CaseSystemSettings(entry.case_system["kind"], values)
        found = Aansluiting(0, entry.organisatie_oin, "", entry.kind, entry.omgeving, entry.partij_oin, None, settings)
        for target in targets_of(settings):
            make(found, target, Facilities(CaseSystemHttp(), SystemClock()))


def _wrong(aansluiting: Aansluiting, target: Target, what: str, advice: str | None = None) -> ConfigError:
    where = f"aansluiting {aansluiting.omgeving}/{aansluiting.organisatie_oin}, target {target.name}"
    return ConfigError(f"{where}: {what}", advice=advice)


def _folder(_aansluiting: Aansluiting, target: Target, _facilities: Facilities) -> CaseSystem:
    path = target.settings["path"]
    if "://" not in path:
        return FolderCaseSystem(Path(path))
    # Only who uses it pays for it: the library takes 15 MiB on disk, and memory when it is loaded.
    from digikoppelaar.adapters.casesystems.objectstore import ObjectStoreCaseSystem, open_store

    return ObjectStoreCaseSystem(open_store(target.settings))


def _webhook(_aansluiting: Aansluiting, target: Target, facilities: Facilities) -> CaseSystem:
    return WebhookCaseSystem(webhook.read_settings(target.settings), facilities.http, facilities.clock)


def _zgw(_aansluiting: Aansluiting, target: Target, facilities: Facilities) -> CaseSystem:
    settings = zgw.read_settings(target.settings)
    return ZgwCaseSystem(settings, target.name, facilities.http, facilities.clock, facilities.zgw)


def _objecten(_aansluiting: Aansluiting, target: Target, facilities: Facilities) -> CaseSystem:
    settings = objecten.read_settings(target.settings)
    return ObjectenCaseSystem(settings, target.name, facilities.http, facilities.clock, facilities.zgw)


_KINDS: Final[Mapping[str, Make]] = {"folder": _folder, "webhook": _webhook, "zgw": _zgw, "objecten": _objecten}
