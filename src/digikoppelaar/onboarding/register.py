"""What the CPA register deals in, as values: who is there, who may ask, and requests for a CPA.

How it is spelled over REST is for `adapters.cpa_register`; what a person fills in by hand is made here.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from digikoppelaar.errors import ConfigError
from digikoppelaar.pki.certificate import Certificate, Use, names_host, read_certificate


@dataclass(frozen=True, slots=True)
class Participant:
    """A party that the register knows."""

    id: str
    oin: str
    naam: str


@dataclass(frozen=True, slots=True)
class Specification:
    """A kind of CPA that can be asked for, such as that of STAM; `omgeving` in the words of the register."""

    id: str
    naam: str
    omgeving: str
    server_participant: str


class MachtigingState(StrEnum):
    """Whether one party may ask in the name of another."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RegisterMachtiging:
    """At the register, `gemachtigde` may ask for CPAs of `namens`, or wants to; both are OINs."""

    id: str
    gemachtigde: str
    namens: str
    state: MachtigingState


@dataclass(frozen=True, slots=True)
class RegisterOrder:
    """What a CPA is asked for: the party with `oin` at `endpoint`, an https URL, with these certificates.

    Certificates are DER, leaf first and then the chain.
    """

    specification: str
    server_participant: str
    oin: str
    endpoint: str
    certificates: Mapping[Use, tuple[bytes, ...]] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The same for the same order, whatever chain goes along."""
        leaves = sorted((use.value, hashlib.sha256(chain[0]).hexdigest()) for use, chain in self.certificates.items())
        said = (self.specification, self.server_participant, self.oin, self.endpoint, *map(" ".join, leaves))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    @property
    def leaf(self) -> Certificate:
        """What it shows as a server; raises ConfigError when there is none, TrustError when it cannot be read."""
        chain = self.certificates.get(Use.TLS_SERVER)
        if chain is None:
            raise ConfigError(
                "there is no certificate for tls-server to put in a CPA",
                advice="Leg het servercertificaat van de partij vast met `digikoppelaar organisatie apply`.",
            )
        return read_certificate(chain[0])


class RequestState(StrEnum):
    """How far a request for a CPA is at the register."""

    ASKED = "asked"
    MADE = "made"
    REFUSED = "refused"
    REPLACED = "replaced"
    """By a CPA that was made again."""


@dataclass(frozen=True, slots=True)
class CpaRequest:
    """A request as the register has it. `cpa_id` when it is made, `reason` when it is refused (for people).

    `replaces` is the id of the request whose CPA was made again with this one.
    """

    id: str
    order: RegisterOrder
    state: RequestState
    cpa_id: str = ""
    reason: str = ""
    replaces: str = ""

    @property
    def counts(self) -> bool:
        """Whether asking the same again would be of no use."""
        return self.state in (RequestState.ASKED, RequestState.MADE)


def same_request(requests: Iterable[CpaRequest], order: RegisterOrder) -> CpaRequest | None:
    """The request that is for this order and counts."""
    return next((each for each in requests if each.counts and each.order.fingerprint == order.fingerprint), None)


def choose_specification(found: Sequence[Specification], naam: str, omgeving: str) -> Specification:
    """The only one of this omgeving with `naam` in its name. Raises ConfigError when there is none, or more."""
    fitting = [each for each in found if naam.casefold() in each.naam.casefold() and each.omgeving == omgeving]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(f"{each.id} ({each.naam}, {each.omgeving})" for each in fitting or found) or "none"
    raise ConfigError(
        f"{len(fitting)} specifications of {naam} in {omgeving}; there are {there}",
        advice="Kies met --specification en --server-participant; het aansluitteam weet welke nummers gelden.",
    )


def check_order(order: RegisterOrder) -> None:
    """Raises ConfigError when the register could make no good CPA of it.

    The host of the endpoint must be in the server certificate (digikoppeling-ebms2.md 3.1, `Server name`).
    """
    address = urlsplit(order.endpoint)
    if address.scheme != "https" or not address.hostname:
        raise ConfigError(
            f"{order.endpoint} is not an https URL",
            advice="Geef met --endpoint het adres waarop DSO-LV u bereikt, zoals https://ebms.voorbeeld.nl/ebms.",
        )
    leaf = order.leaf
    if not names_host(leaf, address.hostname):
        raise ConfigError(
            f"host {address.hostname} is not in the server certificate, which names {', '.join(leaf.names) or 'none'}",
            advice="Kies een adres waarvan de host in het certificaat staat (SAN), of vraag een certificaat aan dat "
            "deze host noemt.",
        )


def fields_by_hand(order: RegisterOrder) -> Mapping[str, str]:
    """What a person fills in at the page of the register, in Dutch."""
    filled = {
        "Specificatie": order.specification,
        "Aanbiedende partij (server participant)": order.server_participant,
        "OIN van uw organisatie": order.oin,
        "Endpoint (URL)": order.endpoint,
    }
    for use, chain in order.certificates.items():
        leaf = read_certificate(chain[0])
        holder = f"{leaf.subject_serial}, geldig tot {leaf.not_after:%d-%m-%Y}, sha256 {leaf.sha256}"
        filled[f"Certificaat voor {_IN_DUTCH[use]}"] = holder
    return filled


_IN_DUTCH: Mapping[Use, str] = {
    Use.TLS_SERVER: "TLS als server",
    Use.TLS_CLIENT: "TLS als client",
    Use.SIGN: "ondertekenen",
    Use.DECRYPT: "versleutelen (ontvangst)",
}
