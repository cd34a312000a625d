"""Who is connected to what, and the difference with what is on record. Pure.

Applying adds and changes; it removes nothing, for traffic hangs on these rows. `apply_file` reads these entries.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final

from digikoppelaar.errors import ConfigError

KINDS: Final = ("stam", "drop", "ebms")
USES: Final = ("tls-server", "tls-client", "sign", "decrypt")
BESTUURSLAGEN: Final = ("gemeente", "waterschap", "provincie", "rijk", "omgevingsdienst", "samenwerkingsverband")
PASSING_ON: Final = "pass_on"
"""The mode of an aansluiting whose notifications go on to a receiver, which fetches the verzoek itself."""


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
        return name_of(self.after)

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


def name_of(entry: Entry) -> str:
    """The entry in words, for people: its kind and its identifying values."""
    kind, *values = key_of(entry)
    return " ".join([kind.removesuffix("Entry").lower(), *values])


def difference(before: Iterable[Entry], after: Iterable[Entry]) -> tuple[Change, ...]:
    """What has to change so that every entry of `after` is on record, in the order of `after`."""
    known = {key_of(entry): entry for entry in before}
    return tuple(Change(known.get(key_of(entry)), entry) for entry in after if known.get(key_of(entry)) != entry)


def require_what_is_named(before: Iterable[Entry], after: Iterable[Entry]) -> None:
    """Raises ConfigError when an entry of `after` names an organisatie or partij that neither of the two has."""
    known = {key_of(entry) for entries in (before, after) for entry in entries}
    for entry in after:
        for kind, name in _named_by(entry):
            oin = getattr(entry, name)
            if (kind.__name__, oin) not in known:
                table = kind.__name__.removesuffix("Entry").lower()
                raise ConfigError(
                    f"{name_of(entry)}: {name} {oin} is no {table} in this file or on record",
                    advice=f'Zet een tabel [[{table}]] met oin = "{oin}" in het bestand, of verbeter {name}.',
                )


def _named_by(entry: Entry) -> Iterator[tuple[type[Entry], str]]:
    if isinstance(entry, AansluitingEntry):
        yield OrganisatieEntry, "organisatie_oin"
    if isinstance(entry, AansluitingEntry | CertificateEntry):
        yield PartijEntry, "partij_oin"
