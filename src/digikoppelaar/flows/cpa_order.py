"""The file from which `cpa build` makes a CPA: what the parties agreed, read into a `CpaOrder`.

Pure: the file's content comes in as a mapping, and reading a certificate file is handed in. Our own certificates come
from the registry; those of the partner from the files that it sent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_build import PROFILES, BuildParty, BuildService, Certificates, CpaOrder, cpa_id_of
from digikoppelaar.ebms.messages import Service
from digikoppelaar.errors import ConfigError
from digikoppelaar.pki.certificate import Use, read_certificate

_TABLES: Final = {"ours", "partner", "terms", "service"}
_DEFAULT_SERVICE_TYPE: Final = "urn:osb:services"

ReadChain = Callable[[str], tuple[bytes, ...]]
"""The certificates in a file, the leaf first, as DER."""


@dataclass(frozen=True, slots=True)
class OrderFile:
    """What the file says; `read_chain` raises ConfigError or TrustError."""

    content: Mapping[str, Any]
    read_chain: ReadChain

    @property
    def organisatie(self) -> str:
        """The OIN of our organisatie."""
        return _text(self._table("ours"), "organisatie", "ours")

    @property
    def partner_id(self) -> str:
        """The PartyId of the other side."""
        return _text(self._table("partner"), "party_id", "partner")

    def order(self, name: str, certificates: Certificates, *, now: datetime, version: str) -> CpaOrder:
        """What to build: our party is called `name` and has these certificates; `version` ends a CPAId that we make.

        Without dates the CPA holds from now until the first certificate ends (EB010). Raises ConfigError that names the
        table and the key, and CpaError when the order does not hold together.
        """
        if unknown := set(self.content) - _TABLES:
            raise ConfigError(f"unknown table {', '.join(sorted(unknown))}")
        ours, partner, terms = (self._table(each) for each in ("ours", "partner", "terms"))
        services = self._services(terms)
        first = self._party("ours", name, str(ours.get("party_id", self.organisatie)), certificates)
        second = self._party("partner", _text(partner, "name", "partner"), self.partner_id, self._theirs(partner))
        starts_at = _moment(terms, "start") or now
        made = cpa_id_of(services[0].service.value, first.party_id, second.party_id, version)
        return CpaOrder(
            cpa_id=str(terms.get("cpa_id") or made),
            first=first,
            second=second,
            services=services,
            starts_at=starts_at,
            ends_at=_moment(terms, "end") or _first_end((first, second)),
            retries=_number(terms, "retries", 8),
            retry_interval=_minutes(terms, "retry_interval_minutes") or timedelta(hours=3),
            persist_duration=_minutes(terms, "persist_duration_minutes"),
            synchronous=_flag(terms, "synchronous", default=False),
            signed_acknowledgments=_flag(terms, "signed_acknowledgments", default=True),
        )

    def partner_certificates(self) -> Certificates:
        """Those in the file, for renewing; empty when it names none."""
        return self._theirs(self._table("partner"), all_needed=False)

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self.content.get(name, {})
        if not isinstance(found, Mapping):
            raise ConfigError(f"{name} must be a table")
        return found

    def _party(self, table: str, name: str, party_id: str, certificates: Certificates) -> BuildParty:
        values = self._table(table)
        return BuildParty(
            name,
            party_id,
            _text(values, "role", table),
            _text(values, "endpoint", table),
            certificates,
            str(values.get("party_id_type", names.OIN_TYPE)),
        )

    def _theirs(self, partner: Mapping[str, Any], *, all_needed: bool = True) -> Certificates:
        """`certificate_file` is for every use that has no file of its own."""
        files = {use: partner.get(f"{use.value.replace('-', '_')}_certificate_file") for use in Use}
        shared = partner.get("certificate_file")
        found = {use: self.read_chain(str(file or shared)) for use, file in files.items() if file or shared}
        if all_needed and not found:
            raise ConfigError("partner: certificate_file is missing")
        return found

    def _services(self, terms: Mapping[str, Any]) -> tuple[BuildService, ...]:
        tables = self.content.get("service", [])
        if not isinstance(tables, list) or not tables:
            raise ConfigError("there is no [[service]] table")
        return tuple(_service(table, f"service {number}", terms) for number, table in enumerate(tables, 1))


def _service(values: Mapping[str, Any], table: str, terms: Mapping[str, Any]) -> BuildService:
    profile = str(values.get("profile") or terms.get("profile", ""))
    if profile not in PROFILES:
        raise ConfigError(f"{table}: profile must be one of {', '.join(PROFILES)}")
    service = Service(_text(values, "name", table), str(values.get("type", _DEFAULT_SERVICE_TYPE)))
    return BuildService(service, profile, _texts(values, "sends", table), _texts(values, "receives", table))


def _text(values: Mapping[str, Any], key: str, table: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{table}: {key} is missing or is not a text")
    return value


def _texts(values: Mapping[str, Any], key: str, table: str) -> tuple[str, ...]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        raise ConfigError(f"{table}: {key} must be a list of actions")
    return tuple(found)


def _number(values: Mapping[str, Any], key: str, default: int) -> int:
    value = values.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1_000_000:
        raise ConfigError(f"terms: {key} must be a number")
    return value


def _minutes(values: Mapping[str, Any], key: str) -> timedelta | None:
    found = _number(values, key, 0)
    return timedelta(minutes=found) if found else None


def _flag(values: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"terms: {key} must be true or false")
    return value


def _moment(values: Mapping[str, Any], key: str) -> datetime | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ConfigError(f"terms: {key} must be a date, such as 2026-01-31")


def _first_end(parties: Iterable[BuildParty]) -> datetime:
    return first_end(party.certificates for party in parties)


def first_end(certificates: Iterable[Certificates]) -> datetime:
    """When the first of these ends (EB010). Raises TrustError for one that cannot be read."""
    return min(read_certificate(chain[0]).not_after for each in certificates for chain in each.values())
