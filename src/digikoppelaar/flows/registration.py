"""Who is connected to what, as `organisatie apply` reads it from a file, and the difference with what is on record.

Pure: the file's content comes in as a mapping, the result is values. Applying adds and changes; it removes nothing,
for traffic hangs on these rows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from digikoppelaar.drop.model import Bestuurslaag, Blad, Moment
from digikoppelaar.drop.stages import DOCUMENTTYPEN
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_table import Table
from digikoppelaar.flows.ports import EVERY_MELDING, OMGEVINGEN, CaseSystemSettings, PublishingSettings
from digikoppelaar.flows.targets import ONLY, flattened, targets_of
from digikoppelaar.stam.rules import Action

KINDS: Final = ("stam", "drop", "ebms")
USES: Final = ("tls-server", "tls-client", "sign", "decrypt")
BESTUURSLAGEN: Final = ("gemeente", "waterschap", "provincie", "rijk", "omgevingsdienst", "samenwerkingsverband")


@dataclass(frozen=True, slots=True)
class OrganisatieEntry:
    """A tenant; `worklist_mail` are the addresses to which its worklist is mailed."""

    oin: str
    naam: str
    bestuurslaag: str
    worklist_mail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartijEntry:
    """Owns certificates and acts for organisaties."""

    oin: str
    naam: str


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """The files of one certificate (leaf first, then its chain) and its key, for one use in one omgeving.

    `key_file` None: the certificate file is PKCS#12, and holds the key. A renewal has another `certificate_file` beside
    the one that is there.
    """

    partij_oin: str
    omgeving: str
    use: str
    certificate_file: str
    key_file: str | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True)
class MachtigingEntry:
    """The holder of a certificate with `gemachtigde_oin` may act for `namens_oin`; who said so, and since when."""

    omgeving: str
    gemachtigde_oin: str
    namens_oin: str
    since: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class AansluitingEntry:
    """One link of one organisatie in one omgeving; `dso`, `case_system` and `publishing` are settings of flows.ports.

    `intake` holds what it chose where a rule leaves a choice (stam.rules.RuleSettings). Kind `drop` has `publishing`
    alone; all are empty for kind `ebms`, where an application takes the messages.
    """

    organisatie_oin: str
    kind: str
    omgeving: str
    partij_oin: str
    dso: Mapping[str, str]
    case_system: Mapping[str, str]
    intake: Mapping[str, str] = field(default_factory=dict)
    retention_days: int | None = None
    """Days from confirmed delivery until content is deleted; None: what the installation says."""
    publishing: Mapping[str, str] = field(default_factory=dict)


Entry = OrganisatieEntry | PartijEntry | CertificateEntry | MachtigingEntry | AansluitingEntry

KEYS: Final[Mapping[type[Entry], tuple[str, ...]]] = {
    OrganisatieEntry: ("oin",),
    PartijEntry: ("oin",),
    CertificateEntry: ("partij_oin", "omgeving", "use", "certificate_file"),
    MachtigingEntry: ("omgeving", "gemachtigde_oin", "namens_oin"),
    AansluitingEntry: ("organisatie_oin", "kind", "omgeving"),
}
"""What identifies an entry; everything else of it may change."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that is new (`before` None) or different."""

    before: Entry | None
    after: Entry

    @property
    def name(self) -> str:
        """The entry in words, for people."""
        kind = type(self.after).__name__.removesuffix("Entry").lower()
        return " ".join([kind, *(str(part) for part in key_of(self.after)[1:])])

    @property
    def differences(self) -> tuple[tuple[str, str | None, str], ...]:
        """(field, before, after) of every field that is new or different; settings by name, as `dso.base_url`."""
        before = {} if self.before is None else _values(self.before)
        return tuple(
            (name, before.get(name), new) for name, new in _values(self.after).items() if new != before.get(name)
        )


def _values(entry: Entry) -> dict[str, str]:
    """Every field as text, and every setting of a field that holds settings."""
    values: dict[str, str] = {}
    for item in fields(entry):
        value = getattr(entry, item.name)
        if isinstance(value, Mapping):
            values |= {f"{item.name}.{name}": str(each) for name, each in value.items()}
        elif isinstance(value, tuple):
            values |= {item.name: ", ".join(value)} if value else {}
        elif value is not None:
            values[item.name] = str(value)
    return values


def key_of(entry: Entry) -> tuple[str, ...]:
    """The kind of the entry and its identifying values."""
    return (type(entry).__name__, *(getattr(entry, name) for name in KEYS[type(entry)]))


def difference(before: Iterable[Entry], after: Iterable[Entry]) -> tuple[Change, ...]:
    """What has to change so that every entry of `after` is on record, in the order of `after`."""
    known = {key_of(entry): entry for entry in before}
    return tuple(Change(known.get(key_of(entry)), entry) for entry in after if known.get(key_of(entry)) != entry)


def read_registration(content: Mapping[str, Any], base: str) -> tuple[Entry, ...]:
    """The entries of an apply file, in the order in which they can be stored.

    `base` is the folder of the file: relative names of files are put behind it. Raises ConfigError that names the table
    and the key.
    """
    unknown = set(content) - {"organisatie", "partij", "machtiging", "aansluiting"}
    if unknown:
        raise ConfigError(f"unknown table {', '.join(sorted(unknown))}")
    partijen = [Table(f"partij {n}", table, base) for n, table in enumerate(content.get("partij", []), 1)]
    return (
        *(_organisatie(Table(f"organisatie {n}", t, base)) for n, t in enumerate(content.get("organisatie", []), 1)),
        *(PartijEntry(partij.oin("oin"), partij.text("naam")) for partij in partijen),
        *(certificate for partij in partijen for certificate in _certificates(partij)),
        *(_machtiging(Table(f"machtiging {n}", t, base)) for n, t in enumerate(content.get("machtiging", []), 1)),
        *(_aansluiting(Table(f"aansluiting {n}", t, base)) for n, t in enumerate(content.get("aansluiting", []), 1)),
    )


def _organisatie(table: Table) -> OrganisatieEntry:
    return OrganisatieEntry(
        table.oin("oin"),
        table.text("naam"),
        table.text("bestuurslaag", BESTUURSLAGEN),
        table.addresses("worklist_mail"),
    )


def _certificates(partij: Table) -> Iterable[CertificateEntry]:
    for number, values in enumerate(partij.values.get("certificate", []), 1):
        table = Table(f"{partij.name}.certificate {number}", values, partij.base)
        uses = values.get("uses")
        if not isinstance(uses, list) or not uses or not set(uses) <= set(USES):
            raise ConfigError(f"{table.name}: uses must be a list out of {', '.join(USES)}")
        for use in uses:
            yield CertificateEntry(
                partij.oin("oin"), table.text("omgeving", OMGEVINGEN), use, *_certificate_files(table)
            )


def _certificate_files(table: Table) -> tuple[str, str | None, str | None]:
    """Certificate, key and password: of PEM, or of PKCS#12 that holds both."""
    password = table.file("password_file") if "password_file" in table.values else None
    if "pkcs12_file" not in table.values:
        return table.file("certificate_file"), table.file("key_file"), password
    if {"certificate_file", "key_file"} & set(table.values):
        raise ConfigError(f"{table.name}: pkcs12_file holds certificate and key, so name no other file of them")
    return table.file("pkcs12_file"), None, password


def _machtiging(table: Table) -> MachtigingEntry:
    return MachtigingEntry(
        table.text("omgeving", OMGEVINGEN),
        table.oin("gemachtigde_oin"),
        table.oin("namens_oin"),
        table.day("since"),
        table.text("recorded_by"),
    )


def _aansluiting(table: Table) -> AansluitingEntry:
    kind = table.text("kind", KINDS)
    _only_tables_of(kind, table)
    is_stam = kind == "stam"
    return AansluitingEntry(
        table.oin("organisatie_oin"),
        kind,
        table.text("omgeving", OMGEVINGEN),
        table.oin("partij_oin"),
        _dso(table) if is_stam else {},
        _case_system(table) if is_stam else {},
        intake=_intake(table),
        retention_days=table.days("retention_days"),
        publishing=_publishing(table) if kind == "drop" else {},
    )


_TABLES: Final[Mapping[str, frozenset[str]]] = {
    "stam": frozenset({"dso", "case_system", "target", "intake"}),
    "drop": frozenset({"publishing"}),
    "ebms": frozenset(),  # the consumer stands with each CPA
}
"""What an aansluiting of a kind has besides."""


def _only_tables_of(kind: str, table: Table) -> None:
    others = frozenset[str]().union(*_TABLES.values()) - _TABLES[kind]
    if unused := sorted(others & set(table.values)):
        instead = "; each CPA has its own consumer" if kind == "ebms" else ""
        raise ConfigError(f"{table.name}: kind {kind} has no {' or '.join(unused)}{instead}")


PASSING_ON: Final = "pass_on"
"""The mode of an aansluiting whose notifications go on to a receiver, which fetches the verzoek itself."""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "kopiebericht": (Action.IGNORE, Action.KEEP_APART),
    "aanvulling_without_first": (Action.DELIVER_NEW, Action.PARK),
    "mode": ("deliver", PASSING_ON),
}


def _intake(table: Table) -> Mapping[str, str]:
    if "intake" not in table.values:
        return {}
    settings = table.table("intake")
    passes = {"pass_on_url", "pass_on_secret_file"} if _passes_on(table) else set[str]()
    if unknown := sorted(set(settings.values) - set(_CHOICES) - passes):
        raise ConfigError(f"{settings.name}: there is no setting {', '.join(unknown)}")
    chosen = {name: settings.text(name, allowed) for name, allowed in _CHOICES.items() if name in settings.values}
    if passes:
        chosen |= {"pass_on_url": settings.text("pass_on_url")}
        chosen |= {"pass_on_secret_file": settings.file("pass_on_secret_file")}
    return chosen


def _passes_on(table: Table) -> bool:
    return table.table("intake").values.get("mode") == PASSING_ON


def _dso(table: Table) -> Mapping[str, str]:
    """Not needed to pass notifications on."""
    if _passes_on(table) and "dso" not in table.values:
        return {}
    settings = table.table("dso")
    return {
        "base_url": settings.text("base_url"),
        "api_key_file": settings.file("api_key_file"),
        "profile": str(settings.values.get("profile", "dso-lv")),
        **{name: settings.text(name) for name in ("register_url", "offering_url") if name in settings.values},
    }


_ID: Final = re.compile(r"[!-+\--~]{1,200}", re.ASCII)
"""Of an activiteit, such as nl.imow-gm0363.activiteit.Kappen: no blank and no comma."""
_OTHERWISE: Final = frozenset({"drafts_from", "automatic", "wanted", "meldingen"})
"""Settings of publishing that are no texts in the file."""


def _publishing(table: Table) -> Mapping[str, str]:
    settings = table.table("publishing")
    known = [each.name for each in fields(PublishingSettings)]
    if unknown := sorted(set(settings.values) - set(known)):
        raise ConfigError(f"{settings.name}: there is no setting {', '.join(unknown)}")
    given = {name: settings.text(name) for name in known if name in settings.values and name not in _OTHERWISE}
    given |= {name: settings.file(name) for name in ("user_name_file", "webhook_secret_file") if name in given}
    if ("webhook_url" in given) != ("webhook_secret_file" in given):
        raise ConfigError(f"{settings.name}: webhook_url and webhook_secret_file belong together")
    if "drafts_from" in settings.values:
        given["drafts_from"] = settings.day("drafts_from").date().isoformat()
    return given | {
        "stage": settings.text("stage"),
        "naam": settings.text("naam"),
        "bestuurslaag": settings.text("bestuurslaag", tuple(Bestuurslaag)),
        "blad": settings.text("blad", tuple(Blad)),
        "automatic": _listed(settings, "automatic", tuple(Moment)),
        "wanted": _listed(settings, "wanted", tuple(DOCUMENTTYPEN)),
        **({"meldingen": _meldingen(settings)} if "meldingen" in settings.values else {}),
    }


def _meldingen(settings: Table) -> str:
    chosen = settings.values["meldingen"]
    if isinstance(chosen, bool):
        return EVERY_MELDING if chosen else ""
    if not isinstance(chosen, list) or not all(isinstance(each, str) and _ID.fullmatch(each) for each in chosen):
        raise ConfigError(f"{settings.name}: meldingen must be true, false, or a list of ids of activiteiten")
    return ",".join(chosen)


def _listed(settings: Table, key: str, choices: tuple[str, ...]) -> str:
    chosen = settings.values.get(key, [])
    if not isinstance(chosen, list) or not all(each in choices for each in chosen):
        raise ConfigError(f"{settings.name}: {key} must be a list out of {', '.join(choices)}")
    return ",".join(chosen)


def _case_system(table: Table) -> Mapping[str, str]:
    """One case system, or a list of targets with their conditions; flat, as flows.targets has it on record."""
    targets = table.values.get("target", [])
    if _passes_on(table) and not {"target", "case_system"} & set(table.values):
        return {}
    if "target" not in table.values:
        only = table.table("case_system")
        targets = [{"name": ONLY, "kind": only.values.get("kind"), "settings": _without(only.values, "kind")}]
    elif "case_system" in table.values:
        raise ConfigError(f"{table.name}: case_system and target exclude each other")
    found = flattened([_with_absolute_files(each, table.base) for each in targets])
    try:
        read = targets_of(CaseSystemSettings(found["kind"], _without(found, "kind")))
    except ConfigError as error:
        raise ConfigError(f"{table.name}: {error}", advice=error.advice) from error
    return found if "target" in table.values else {"kind": read[0].kind, **read[0].settings}


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _with_absolute_files(value: Any, base: str) -> Any:
    """The same with every relative `path` and `..._file` behind the folder of the apply file, at any depth."""
    match value:
        case Mapping():
            return {name: _behind(base, name, each) for name, each in value.items()}
        case list():
            return [_with_absolute_files(each, base) for each in value]
    return value


def _behind(base: str, name: str, value: Any) -> Any:
    is_file = isinstance(value, str) and (name == "path" or name.endswith("_file"))
    if is_file and not value.startswith("/") and "://" not in value:
        return f"{base}/{value}"
    return _with_absolute_files(value, base)
