"""The file of `organisatie apply`: its content comes in as a mapping, the result is entries. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from digikoppelaar.drop.model import Bestuurslaag, Blad, Moment
from digikoppelaar.drop.stages import DOCUMENTTYPEN
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_table import Table
from digikoppelaar.flows.ports import EVERY_MELDING, OMGEVINGEN, CaseSystemSettings, PublishingSettings
from digikoppelaar.flows.registration import (
    BESTUURSLAGEN,
    KINDS,
    PASSING_ON,
    USES,
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
    key_of,
    name_of,
)
from digikoppelaar.flows.targets import ONLY, flattened, targets_of
from digikoppelaar.flows.triggers import read_triggers
from digikoppelaar.stam.rules import Action

TABLES: Final = ("organisatie", "partij", "machtiging", "aansluiting")
"""The tables of the file, in the order in which what is in them can be stored."""


def read_registration(content: Mapping[str, Any], base: str) -> tuple[Entry, ...]:
    """The entries of an apply file, in the order in which they can be stored.

    `base` is the folder of the file: relative names of files are put behind it. Raises ConfigError that names the table
    and the key.
    """
    if unknown := sorted(set(content) - set(TABLES)):
        raise ConfigError(
            f"unknown table {', '.join(unknown)}", advice=f"Een bestand heeft alleen tabellen {', '.join(TABLES)}."
        )
    found: dict[tuple[str, ...], str] = {}
    entries: list[Entry] = []
    for kind in TABLES:
        for table in _tables(content, kind, base):
            for entry in _READERS[kind](table):
                if first := found.get(key_of(entry)):
                    advice = f"Noem in {first} en {table.name} niet twee keer hetzelfde."
                    raise table.wrong(f"{name_of(entry)} is in {first} already", advice)
                found[key_of(entry)] = table.name
                entries.append(entry)
    return tuple(sorted(entries, key=lambda entry: _ORDER.index(type(entry))))


_ORDER: Final = (OrganisatieEntry, PartijEntry, CertificateEntry, MachtigingEntry, AansluitingEntry)


def _tables(content: Mapping[str, Any], kind: str, base: str) -> Iterator[Table]:
    tables = content.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(each, Mapping) for each in tables):
        raise ConfigError(f"{kind} is not a list of tables", advice=f"Begin elke tabel met [[{kind}]], dubbel.")
    for number, values in enumerate(tables, 1):
        yield Table(f"{kind} {number}", values, base)


def _organisatie(table: Table) -> Iterator[Entry]:
    table.only("oin", "naam", "bestuurslaag", "worklist_mail")
    yield OrganisatieEntry(
        table.oin("oin"),
        table.text("naam"),
        table.text("bestuurslaag", BESTUURSLAGEN),
        table.addresses("worklist_mail"),
    )


def _partij(table: Table) -> Iterator[Entry]:
    table.only("oin", "naam", "certificate")
    yield PartijEntry(table.oin("oin"), table.text("naam"))
    for each in _tables(table.values, "certificate", table.base):
        yield from _certificates(table, Table(f"{table.name}.{each.name}", each.values, table.base))


def _certificates(partij: Table, table: Table) -> Iterator[Entry]:
    table.only("omgeving", "uses", "certificate_file", "key_file", "password_file", "pkcs12_file")
    uses = table.chosen("uses", USES)
    if not uses:
        raise table.wrong(f"uses must be a list out of {', '.join(USES)}", "Zeg waarvoor het certificaat dient.")
    for use in dict.fromkeys(uses):
        yield CertificateEntry(partij.oin("oin"), table.text("omgeving", OMGEVINGEN), use, *_certificate_files(table))


def _certificate_files(table: Table) -> tuple[str, str | None, str | None]:
    """Certificate, key and password: of PEM, or of PKCS#12 that holds both."""
    password = table.file("password_file") if "password_file" in table.values else None
    if "pkcs12_file" not in table.values:
        return table.file("certificate_file"), table.file("key_file"), password
    if {"certificate_file", "key_file"} & set(table.values):
        raise table.wrong(
            "pkcs12_file holds certificate and key, so name no other file of them",
            "Noem alleen pkcs12_file, of alleen certificate_file met key_file.",
        )
    return table.file("pkcs12_file"), None, password


def _machtiging(table: Table) -> Iterator[Entry]:
    table.only("omgeving", "gemachtigde_oin", "namens_oin", "since", "recorded_by")
    yield MachtigingEntry(
        table.text("omgeving", OMGEVINGEN),
        table.oin("gemachtigde_oin"),
        table.oin("namens_oin"),
        table.day("since"),
        table.text("recorded_by"),
    )


def _aansluiting(table: Table) -> Iterator[Entry]:
    kind = table.text("kind", KINDS)
    _only_tables_of(kind, table)
    table.only("organisatie_oin", "kind", "omgeving", "partij_oin", "retention_days", *_TABLES[kind])
    is_stam = kind == "stam"
    yield AansluitingEntry(
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


_READERS: Final[Mapping[str, Callable[[Table], Iterator[Entry]]]] = {
    "organisatie": _organisatie,
    "partij": _partij,
    "machtiging": _machtiging,
    "aansluiting": _aansluiting,
}

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
        raise table.wrong(f"kind {kind} has no {' or '.join(unused)}{instead}", f"Laat {', '.join(unused)} weg.")


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
    settings.only(*_CHOICES, *passes)
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
    addresses = ("register_url", "register_pages_url", "offering_url")
    settings.only("base_url", "api_key_file", "profile", *addresses)
    return {
        "base_url": settings.text("base_url"),
        "api_key_file": settings.file("api_key_file"),
        "profile": str(settings.values.get("profile", "dso-lv")),
        **{name: settings.text(name) for name in addresses if name in settings.values},
    }


_ID: Final = re.compile(r"[!-+\--~]{1,200}", re.ASCII)
"""Of an activiteit, such as nl.imow-gm0363.activiteit.Kappen: no blank and no comma."""
_OTHERWISE: Final = frozenset({"drafts_from", "automatic", "wanted", "meldingen", "trigger"})
"""Settings of publishing that are no texts in the file."""


def _publishing(table: Table) -> Mapping[str, str]:
    settings = table.table("publishing")
    known = [each.name for each in fields(PublishingSettings)]
    settings.only(*known)
    given = {name: settings.text(name) for name in known if name in settings.values and name not in _OTHERWISE}
    given |= {name: settings.file(name) for name in ("user_name_file", "webhook_secret_file") if name in given}
    if ("webhook_url" in given) != ("webhook_secret_file" in given):
        raise settings.wrong("webhook_url and webhook_secret_file belong together", "Geef beide of geen van beide.")
    if "drafts_from" in settings.values:
        given["drafts_from"] = settings.day("drafts_from").date().isoformat()
    return given | {
        "stage": settings.text("stage"),
        "naam": settings.text("naam"),
        "bestuurslaag": settings.text("bestuurslaag", tuple(Bestuurslaag)),
        "blad": settings.text("blad", tuple(Blad)),
        "automatic": ",".join(settings.chosen("automatic", tuple(Moment))),
        "wanted": ",".join(settings.chosen("wanted", tuple(DOCUMENTTYPEN))),
        **({"meldingen": _meldingen(settings)} if "meldingen" in settings.values else {}),
        **({"trigger": read_triggers(settings)} if "trigger" in settings.values else {}),
    }


def _meldingen(settings: Table) -> str:
    chosen = settings.values["meldingen"]
    if isinstance(chosen, bool):
        return EVERY_MELDING if chosen else ""
    if not isinstance(chosen, list) or not all(isinstance(each, str) and _ID.fullmatch(each) for each in chosen):
        raise settings.wrong(
            "meldingen must be true, false, or a list of ids of activiteiten",
            "Kies true voor elke melding, false voor geen, of noem de ids van de activiteiten.",
        )
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
        raise table.wrong("case_system and target exclude each other", "Geef één case_system, of targets.")
    found = flattened([with_absolute_files(each, table.base) for each in targets])
    try:
        read = targets_of(CaseSystemSettings(found["kind"], _without(found, "kind")))
    except ConfigError as error:
        raise ConfigError(f"{table.name}: {error}", advice=error.advice) from error
    return found if "target" in table.values else {"kind": read[0].kind, **read[0].settings}


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def with_absolute_files(value: Any, base: str) -> Any:
    """The same, with every relative `path` and `..._file` behind the folder of the apply file, at any depth."""
    match value:
        case Mapping():
            return {name: _behind(base, name, each) for name, each in value.items()}
        case list():
            return [with_absolute_files(each, base) for each in value]
    return value


def _behind(base: str, name: str, value: Any) -> Any:
    is_file = isinstance(value, str) and (name == "path" or name.endswith("_file"))
    if is_file and not value.startswith("/") and "://" not in value:
        return f"{base}/{value}"
    return with_absolute_files(value, base)
