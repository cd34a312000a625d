"""Profiles of what onboarding speaks to: the CPA register, *CPA aanbieden*, the portal that gives API keys; and from
which addresses DSO-LV comes.

As in adapters/profiles.py, which reads the files; `facts` has every fact by its name, with source and provisional.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

from digikoppelaar.adapters.profiles import Fact, loaded, read_facts
from digikoppelaar.onboarding.checks_connection import DsoAddress
from digikoppelaar.onboarding.model import plays
from digikoppelaar.pki.request import CertificateKind


@dataclass(frozen=True, slots=True)
class RegisterKeys:
    """Keys of JSON, and names of parameters, at the CPA register."""

    id: str
    oin: str
    naam: str
    omgeving: str
    specification: str
    server_participant: str
    endpoint: str
    certificates: str
    status: str
    cpa_id: str
    reason: str
    replaces: str
    gemachtigde: str
    namens: str
    participants: str
    specifications: str
    machtigingen: str
    requests: str


@dataclass(frozen=True, slots=True)
class MachtigingStatus:
    """What the register calls the states of a machtiging."""

    asked: str
    granted: str
    refused: str


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """What the register calls the states of a request for a CPA."""

    asked: str
    made: str
    refused: str
    replaced: str


@dataclass(frozen=True, slots=True)
class RegisterProfile:
    """How the CPA register is spoken to; paths are relative to the base URL.

    `server_trust`: `machine` or `omgeving`, by which its server is trusted.
    """

    name: str
    facility: str
    base_url: str
    site_url: str
    documentation_url: str
    request_page: str
    participants_path: str
    specifications_path: str
    machtigingen_path: str
    requests_path: str
    request_path: str
    document_path: str
    regenerate_path: str
    specification_pre: str
    specification_prod: str
    server_participant_pre: str
    server_participant_prod: str
    specification_name: str
    omgeving_pre: str
    omgeving_prod: str
    authentication: str
    server_trust: str
    media_type: str
    document_media_types: tuple[str, ...]
    key: RegisterKeys
    machtiging_status: MachtigingStatus
    request_status: RequestStatus
    facts: Mapping[str, Fact]

    def specification(self, omgeving: str) -> str:
        """The number of STAM in what this omgeving plays; empty when no source states it."""
        return self.specification_prod if plays(omgeving) == "prod" else self.specification_pre

    def server_participant(self, omgeving: str) -> str:
        """The number of DSO-LV there; empty when no source states it."""
        return self.server_participant_prod if plays(omgeving) == "prod" else self.server_participant_pre

    def omgeving(self, omgeving: str) -> str:
        """What the register calls it."""
        return self.omgeving_prod if plays(omgeving) == "prod" else self.omgeving_pre

    def site(self, base_url: str) -> str:
        """The address of the site whose API has this base URL."""
        return base_url.removesuffix(self.base_url.removeprefix(self.site_url))

    def page(self, site: str, specification: str, server_participant: str) -> str:
        """The address at this site at which a person asks for a CPA."""
        page = self.request_page.format(specification=specification, server_participant=server_participant)
        return f"{site.rstrip('/')}/{page}"


@dataclass(frozen=True, slots=True)
class OfferingProfile:
    """How a CPA is offered to DSO-LV; paths are relative to the base URL. `accepted_statuses` are of HTTP."""

    name: str
    facility: str
    documentation_url: str
    base_url_pre: str
    base_url_prod: str
    authentication: str
    api_key_header: str
    oin_header: str
    offer_path: str
    offer_method: str
    media_type: str
    accepted_statuses: tuple[str, ...]
    accepted_path: str
    document_media_types: tuple[str, ...]
    facts: Mapping[str, Fact]

    def accepted(self, cpa_id: str) -> str:
        """The path of the CPA that was accepted under this CPAId."""
        return self.accepted_path.format(cpa_id=quote(cpa_id, safe=""))


@dataclass(frozen=True, slots=True)
class PortalKeys:
    """Keys of JSON at the portal of the sandbox."""

    id: str
    oin: str
    omgeving: str
    naam: str
    secret: str
    until: str
    keys: str


@dataclass(frozen=True, slots=True)
class PortalProfile:
    """Where API keys are asked for, and what is known about them."""

    name: str
    facility: str
    page_url: str
    at_once: bool
    own_key_in_prod: bool
    validity_days: int
    api_key_header: str
    keys_path: str
    key_path: str
    media_type: str
    omgeving_pre: str
    omgeving_prod: str
    key: PortalKeys
    facts: Mapping[str, Fact]

    def omgeving(self, omgeving: str) -> str:
        """What the portal calls it."""
        return self.omgeving_prod if plays(omgeving) == "prod" else self.omgeving_pre


@cache
def load_register_profile(name: str = "cpa-register") -> RegisterProfile:
    """The profile of the CPA register. Raises ConfigError when it is absent or incomplete."""
    return loaded(name, register_profile)


@cache
def load_offering_profile(name: str = "dso-cpa-aanbieden") -> OfferingProfile:
    """The profile of *CPA aanbieden*. Raises ConfigError as `load_register_profile` does."""
    return loaded(name, offering_profile)


@cache
def load_portal_profile(name: str = "dso-portaal") -> PortalProfile:
    """The profile of the portal for API keys. Raises ConfigError as `load_register_profile` does."""
    return loaded(name, portal_profile)


@cache
def load_addresses(name: str = "dso-adressen") -> tuple[DsoAddress, ...]:
    """From where DSO-LV comes. Raises ConfigError as the others do."""
    return loaded(name, addresses)


@cache
def load_certificate_kinds(name: str = "pkioverheid-aanvraag") -> Mapping[str, Mapping[str, CertificateKind]]:
    """What can be asked of a TSP, by generation (`g1`, `g4`) and kind. Raises ConfigError as the others do."""
    return loaded(name, certificate_kinds)


def register_profile(data: Mapping[str, Any]) -> RegisterProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(
        RegisterProfile,
        name=file.name,
        facility=file.facility,
        key=RegisterKeys(**file.group("key")),
        machtiging_status=MachtigingStatus(**file.group("machtiging_status")),
        request_status=RequestStatus(**file.group("request_status")),
        facts=file.facts,
    )


def offering_profile(data: Mapping[str, Any]) -> OfferingProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(OfferingProfile, name=file.name, facility=file.facility, facts=file.facts)


def portal_profile(data: Mapping[str, Any]) -> PortalProfile:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    return file.build(
        PortalProfile,
        name=file.name,
        facility=file.facility,
        key=PortalKeys(**file.group("key")),
        facts=file.facts,
    )


def addresses(data: Mapping[str, Any]) -> tuple[DsoAddress, ...]:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    groups = [file.group(name) for name in dict.fromkeys(name.partition(".")[0] for name in file.facts)]
    return tuple(DsoAddress(str(ip_address(each["address"])), each["says"], _day(each["until"])) for each in groups)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def certificate_kinds(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, CertificateKind]]:
    """What the file says. Raises KeyError, TypeError or ValueError when it is incomplete."""
    file = read_facts(data)
    assumed = {name.rpartition(".")[0] for name, fact in file.facts.items() if fact.provisional}
    found: dict[str, dict[str, CertificateKind]] = {}
    for generation in dict.fromkeys(name.partition(".")[0] for name in file.facts):
        for kind, facts in file.group(generation).items():
            provisional = f"{generation}.{kind}" in assumed
            found.setdefault(generation, {})[kind] = CertificateKind(**facts, provisional=provisional)
    return found
