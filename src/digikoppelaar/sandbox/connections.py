"""Who is connected to DSO-LV: whom it knows, who may act for them, and the CPAs that it accepted.

Its records of a connection are those that the gateway's own flows work with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from digikoppelaar.adapters.memory.messages import MemoryRegistry
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, Clock, CpaRecord, Machtiging
from digikoppelaar.sandbox.folder import DSO_LV
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.state import Authority, SandboxState


@dataclass(slots=True)
class Connections:
    """Of one omgeving. `documents` are accepted CPAs by CPAId, octet for octet as they were offered."""

    omgeving: str
    state: SandboxState
    registry: MemoryRegistry
    clock: Clock
    documents: dict[str, bytes] = field(default_factory=dict)

    def know(self, organisatie: Organisatie) -> None:
        """An authority that only acts for itself, and has no CPA yet."""
        self.state.authorities[organisatie.oin] = Authority(organisatie, frozenset({organisatie.oin}))

    def authority(self, oin: str) -> Authority:
        """The one with this OIN; raises ConfigError."""
        if oin not in self.state.authorities:
            raise ConfigError(f"OIN {oin} is no organisatie of this sandbox", advice=f"Er is hier geen OIN {oin}.")
        return self.state.authorities[oin]

    def mandate(self, partij: str, organisatie: str) -> None:
        """From now on the holder of the certificate of `partij` may act for the organisatie. Raises ConfigError."""
        authority = self.authority(organisatie)
        if partij not in authority.mandated:
            authority.mandated |= {partij}
            self.registry.machtigingen.append(
                Machtiging(self.omgeving, partij, organisatie, since=self.clock.now(), recorded_by="sandbox")
            )

    def withdraw(self, partij: str, organisatie: str) -> None:
        """No longer; every organisatie acts for itself. Raises ConfigError."""
        authority = self.authority(organisatie)
        authority.mandated -= {partij} - {organisatie}
        kept = [m for m in self.registry.machtigingen if (m.gemachtigde_oin, m.namens_oin) != (partij, organisatie)]
        self.registry.machtigingen[:] = kept

    @property
    def acting(self) -> Mapping[str, frozenset[str]]:
        """By the OIN of a certificate, for which organisaties its holder may act."""
        found: dict[str, frozenset[str]] = {}
        for oin, authority in self.state.authorities.items():
            for holder in authority.mandated:
                found[holder] = found.get(holder, frozenset()) | {oin}
        return found

    def accept(self, oin: str, document: bytes, agreement: Agreement) -> None:
        """Work with this CPA from now on; `agreement` is what it says to DSO-LV. Raises ConfigError."""
        record = CpaRecord(len(self.registry.cpas) + 1, self._own_end(), agreement)
        self.authority(oin).cpas.append(record)
        self.registry.cpas.append(record)
        self.documents[agreement.cpa_id] = document

    def _own_end(self) -> Aansluiting:
        return Aansluiting(1, DSO_LV.oin, f"SANDBOX {DSO_LV.name}", "stam", self.omgeving, DSO_LV.oin, None, None)
