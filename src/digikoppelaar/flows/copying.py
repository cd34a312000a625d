"""The aansluiting in PROD that belongs to one in PRE: the same, but for what must differ. Pure.

What is in use in PROD is never touched, and nothing of PRE may end up in use in PROD: whatever must differ and does not
is refused, for a verzoek of a citizen in a test case system is lost to its authority.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from digikoppelaar.errors import ConfigError, several
from digikoppelaar.flows.authority_template import STAGE_OF, BaseUrlOf
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    key_of,
    name_of,
)
from digikoppelaar.onboarding.model import before, plays

_DIFFERS: Final = (
    *("base_url", "api_key_file", "register_url", "register_pages_url", "offering_url"),
    *("address", "sru_url", "pass_on_url"),
)
"""Settings that are of one omgeving alone."""
_DECIDED_ANEW: Final = frozenset({"automatic", "drafts_from", "user_name_file"})
"""Of publishing: what goes out by itself, and the user name of the first stage."""
_USES: Final[Mapping[str, tuple[str, ...]]] = {"stam": ("tls-server", "tls-client", "sign"), "drop": ("tls-client",)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """From where to where, and what is to be put in the place of what.

    `api_key_file` may have the fields `{oin}` and `{omgeving}`; `replacing` is done in every setting. In names of files
    a folder with the name of the first omgeving becomes one with that of the second by itself. With
    `same_case_system` both omgevingen may deliver to one place.
    """

    source: str
    target: str
    base_url: str = ""
    api_key_file: str = ""
    replacing: Mapping[str, str] = field(default_factory=dict)
    same_case_system: bool = False


def check_way(source: str, target: str) -> None:
    """Raises ConfigError unless it goes from PRE to PROD of the same world."""
    if before(target) != source:
        raise ConfigError(
            f"nothing goes from {source} to {target}",
            advice="Kopieer van pre naar prod, of van sandbox-pre naar sandbox-prod; sandbox en echt gaan niet samen.",
        )


def to_copy(
    entries: Iterable[Entry], wishes: Wishes, organisaties: Sequence[str], kinds: Sequence[str]
) -> tuple[list[AansluitingEntry], list[AansluitingEntry]]:
    """The aansluitingen of these organisaties (none: of all) that lack in the target, and those that are there already.

    Raises ConfigError when one of the organisaties has none to copy.
    """
    found = [
        each
        for each in entries
        if isinstance(each, AansluitingEntry)
        and each.omgeving == wishes.source
        and each.kind in kinds
        and (not organisaties or each.organisatie_oin in organisaties)
    ]
    if lacking := sorted(set(organisaties) - {each.organisatie_oin for each in found}):
        raise ConfigError(
            f"{', '.join(lacking)} has no aansluiting in {wishes.source} to copy",
            advice="Zie `digikoppelaar aansluiting list`, en leg haar vast met `digikoppelaar organisatie apply`.",
        )
    known = {key_of(each) for each in entries}
    there = [each for each in found if key_of(replace(each, omgeving=wishes.target)) in known]
    return [each for each in found if each not in there], there


def copies(found: Iterable[AansluitingEntry], wishes: Wishes, base_url_of: BaseUrlOf) -> list[AansluitingEntry]:
    """Each of them in the target. Raises ConfigError that names every one that cannot be, and why."""
    made: list[AansluitingEntry] = []
    troubles: list[str] = []
    for entry in found:
        other = _copied(entry, wishes, base_url_of)
        if same := sorted(_same(entry, other, wishes)):
            troubles.append(f"{name_of(entry)}: {', '.join(same)} would be as in {wishes.source}")
        made.append(other)
    if troubles:
        raise ConfigError(
            several("nothing is copied", troubles),
            advice="Geef wat anders moet zijn met --base-url, --api-key-file of --replace OUD=NIEUW, en, als beide "
            "omgevingen echt op dezelfde plaats afleveren, --same-case-system.",
        )
    return made


def _copied(entry: AansluitingEntry, wishes: Wishes, base_url_of: BaseUrlOf) -> AansluitingEntry:
    return replace(
        entry,
        omgeving=wishes.target,
        dso=_dso(entry, wishes, base_url_of),
        case_system=_moved(entry.case_system, wishes),
        intake=_moved(entry.intake, wishes),
        publishing=_publishing(entry, wishes),
    )


def _dso(entry: AansluitingEntry, wishes: Wishes, base_url_of: BaseUrlOf) -> Mapping[str, str]:
    if not entry.dso:
        return {}
    made = _moved(entry.dso, wishes)
    url = wishes.base_url or base_url_of(entry.dso["profile"], wishes.target)
    key = wishes.api_key_file.replace("{oin}", entry.organisatie_oin).replace("{omgeving}", wishes.target)
    return {**made, **({"base_url": url} if url else {}), **({"api_key_file": key} if key else {})}


def _publishing(entry: AansluitingEntry, wishes: Wishes) -> Mapping[str, str]:
    if not entry.publishing:
        return {}
    kept = {name: value for name, value in entry.publishing.items() if name not in _DECIDED_ANEW}
    return {**_moved(kept, wishes), "stage": STAGE_OF[plays(wishes.target)], "automatic": ""}


def _moved(settings: Mapping[str, str], wishes: Wishes) -> dict[str, str]:
    return {name: _text(name, value, wishes) for name, value in settings.items()}


def _text(name: str, value: str, wishes: Wishes) -> str:
    key = name.rpartition(".")[2]
    if key == "path" or key.endswith("_file"):
        parts = value.split("/")
        value = "/".join(wishes.target if part == wishes.source else part for part in parts)
    for old, new in wishes.replacing.items():
        value = value.replace(old, new)
    return value


def _same(entry: AansluitingEntry, made: AansluitingEntry, wishes: Wishes) -> Iterator[str]:
    for group in ("dso", "intake", "publishing"):
        old, new = getattr(entry, group), getattr(made, group)
        yield from (f"{group}.{name}" for name in _DIFFERS if new.get(name) and new[name] == old.get(name))
    if not wishes.same_case_system:
        for name, value in made.case_system.items():
            key = name.rpartition(".")[2]
            if (key == "path" or key.endswith("url")) and value == entry.case_system[name]:
                yield f"case_system.{name}"


def machtigingen(made: Iterable[AansluitingEntry], known: Iterable[Entry], by: str, now: datetime) -> list[Entry]:
    """Those that these aansluitingen need and that are not on record, as `by` says from today on."""
    there = {key_of(each) for each in known}
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    needed = (
        MachtigingEntry(each.omgeving, each.partij_oin, each.organisatie_oin, day, by)
        for each in made
        if each.partij_oin != each.organisatie_oin
    )
    return list({key_of(each): each for each in needed if key_of(each) not in there}.values())


def still_to_do(
    made: Iterable[AansluitingEntry], known: Sequence[Entry], is_there: Callable[[str], bool]
) -> Mapping[str, tuple[str, ...]]:
    """What people must do before these aansluitingen work, in Dutch, with the OINs for which; `is_there` of a file."""
    certificates = [each for each in known if isinstance(each, CertificateEntry)]
    uses = {(each.partij_oin, each.omgeving, each.use) for each in certificates}
    there = {key_of(each) for each in known}
    found: dict[str, list[str]] = {}
    for entry in made:
        for what in _lacks(entry, uses, there, is_there):
            found.setdefault(what, []).append(entry.organisatie_oin)
    return {what: tuple(dict.fromkeys(oins)) for what, oins in found.items()}


_NEXT: Final[Mapping[str, str]] = {
    "stam": "Vraag een nieuwe CPA aan voor {omgeving} (`digikoppelaar cpa request`), importeer haar en bied haar aan.",
    "drop": "Bepaal voor {omgeving} wat vanzelf wordt gepubliceerd (automatic, drafts_from): dat is niet gekopieerd.",
}


def _lacks(
    entry: AansluitingEntry,
    uses: Container[tuple[str, str, str]],
    there: Container[tuple[str, ...]],
    is_there: Callable[[str], bool],
) -> Iterator[str]:
    partij, omgeving, oin = entry.partij_oin, entry.omgeving, entry.organisatie_oin
    if lacking := [use for use in _USES[entry.kind] if (partij, omgeving, use) not in uses]:
        yield f"Leg voor partij {partij} in {omgeving} een certificaat vast voor {', '.join(lacking)}."
    if partij != oin and (MachtigingEntry.__name__, omgeving, partij, oin) not in there:
        yield f"Leg de machtiging in {omgeving} vast, of geef --recorded-by."
    if entry.dso and not is_there(entry.dso["api_key_file"]):
        yield f"Vraag een API-key aan voor {omgeving}, en zet die in het bestand dat is vastgelegd."
    yield _NEXT[entry.kind].format(omgeving=omgeving)
