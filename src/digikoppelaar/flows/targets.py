"""Which case systems a verzoek goes to: the targets of an aansluiting, and the conditions of each.

Pure. On record the targets are a flat table of texts, numbered in their order (`1.name`, `1.when.type`,
`1.settings.url`), so that a change of one setting is shown as that one. A single case system, as in the first
versions, is a target named `map` without conditions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CaseSystemSettings
from digikoppelaar.stam.codes import CONCEPTVERZOEK, read_type
from digikoppelaar.stam.model import Instantie, Verzoek

LIST: Final = "targets"
"""The kind of case system settings that hold a list of targets."""
ONLY: Final = "map"
"""The name of the target of an aansluiting that has one case system and no list."""
KINDS: Final = ("folder", "zgw", "webhook", "objecten")
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "folder": ("path",),
    "webhook": ("url",),
    "objecten": ("objecten_url", "objecttype", "token_file", "documenten_url", "client_id", "secret_file"),
    "zgw": ("zaken_url", "documenten_url", "catalogi_url", "zaaktype", "client_id", "secret_file"),
}
"""The settings without which a target of a kind cannot work."""
CONDITIONS: Final = ("bevoegd_gezag", "behandeldienst", "type", "concept", "activiteit")
"""What `when` may name: two OINs, a type, `ja` or `nee`, and the name or id of an activiteit."""


@dataclass(frozen=True, slots=True)
class Target:
    """A case system under a name; `when` holds conditions that must all be met, none means always."""

    name: str
    kind: str
    settings: Mapping[str, str]
    when: Mapping[str, str]


def targets_of(settings: CaseSystemSettings | None) -> tuple[Target, ...]:
    """The targets in these settings of an aansluiting, in their order. Raises ConfigError when they are broken."""
    if settings is None:
        return ()
    if settings.kind != LIST:
        return (Target(ONLY, settings.kind, settings.settings, {}),)
    numbers = sorted({int(key.partition(".")[0]) for key in settings.settings})
    return tuple(_target(_below(settings.settings, str(number)), number) for number in numbers)


def flattened(targets: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The tables of a TOML file as they are put on record; the reverse of `targets_of`."""
    return {"kind": LIST, **dict(_flat(list(targets)))}


def chosen(targets: Sequence[Target], verzoek: Verzoek) -> tuple[Target, ...]:
    """For each name the first target that fits. Raises ConfigError when none fits: then a person has to look."""
    fitting = _fitting(targets, verzoek)
    if not fitting:
        raise ConfigError(
            f"no target of the aansluiting fits verzoek {verzoek.verzoeknummer}",
            advice="Geen bestemming past bij dit verzoek. Vul de bestemmingen van de aansluiting aan, bijvoorbeeld met "
            "een laatste zonder voorwaarden, en geef het verzoek vrij met `digikoppelaar verzoek release`.",
        )
    return fitting


def zaaktype_of(settings: CaseSystemSettings | None, verzoek: Verzoek) -> str | None:
    """The identificatie of the zaaktype that a verzoek gets at its first target of kind `zgw`; None when it gets none.

    A target that has the URL of a zaaktype does not say its identificatie.
    """
    zaaktypen = (each.settings["zaaktype"] for each in _fitting(targets_of(settings), verzoek) if each.kind == "zgw")
    return next((zaaktype for zaaktype in zaaktypen if "://" not in zaaktype), None)


def _fitting(targets: Sequence[Target], verzoek: Verzoek) -> tuple[Target, ...]:
    fitting: dict[str, Target] = {}
    for target in targets:
        if target.name not in fitting and fits(target, verzoek):
            fitting[target.name] = target
    return tuple(fitting.values())


def fits(target: Target, verzoek: Verzoek) -> bool:
    """Whether it meets every condition of the target."""
    return all(_folded(wanted) in _values(name, verzoek) for name, wanted in target.when.items())


def _values(condition: str, verzoek: Verzoek) -> set[str]:
    """What of the verzoek a condition is compared with."""
    match condition:
        case "bevoegd_gezag":
            return {_oin(verzoek.bevoegd_gezag)}
        case "behandeldienst":
            return {_oin(verzoek.uitvoerende_instantie)}
        case "type":
            return {_folded(verzoek.type)}
        case "concept":
            return {"ja" if verzoek.doel == CONCEPTVERZOEK else "nee"}
        case _:
            activiteiten = verzoek.projectactiviteiten
            return {_folded(text) for each in activiteiten for text in (each.naam, each.activiteit_id) if text}


def _oin(instantie: Instantie | None) -> str:
    return (instantie.oin or "") if instantie else ""


def _folded(text: str) -> str:
    return read_type(text).casefold().strip()


def _below(settings: Mapping[str, str], key: str) -> dict[str, str]:
    start = f"{key}."
    return {name.removeprefix(start): value for name, value in settings.items() if name.startswith(start)}


def _target(values: Mapping[str, str], number: int) -> Target:
    name, kind, when = values.get("name", ""), values.get("kind", ""), _below(values, "when")
    if not name:
        raise ConfigError(f"target {number}: name is missing")
    if kind not in KINDS:
        raise ConfigError(f"target {number}: kind must be one of {', '.join(KINDS)}")
    if unknown := sorted(set(when) - set(CONDITIONS)):
        raise ConfigError(f"target {number}: unknown condition {', '.join(unknown)}; known: {', '.join(CONDITIONS)}")
    settings = _below(values, "settings")
    if absent := [key for key in NEEDS.get(kind, ()) if not settings.get(key)]:
        raise ConfigError(f"target {number} ({name}): kind {kind} needs the setting {', '.join(absent)}")
    return Target(name, kind, settings, when)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested tables and lists under its dotted key; lists count from 1."""
    match value:
        case Mapping():
            parts = list(value.items())
        case list():
            parts = [(str(number), each) for number, each in enumerate(value, 1)]
        case bool():
            parts = []
            yield key, "ja" if value else "nee"
        case _:
            parts = []
            yield key, str(value)
    for name, each in parts:
        yield from _flat(each, f"{key}.{name}" if key else str(name))
