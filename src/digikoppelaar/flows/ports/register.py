"""The CPA register of Logius and *CPA aanbieden* of DSO-LV, as one aansluiting sees them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from digikoppelaar.onboarding.register import CpaRequest, Participant, RegisterMachtiging, RegisterOrder, Specification
from digikoppelaar.pki.certificate import Use


class CpaRegister(Protocol):
    """The CPA register. Every method raises a FacilityError."""

    async def participants(self, oin: str) -> Sequence[Participant]:
        """Those with this OIN."""

    async def specifications(self) -> Sequence[Specification]:
        """Every kind of CPA that can be asked for."""

    async def machtigingen(self, gemachtigde: str, namens: str) -> Sequence[RegisterMachtiging]:
        """What there is between these two, the newest last."""

    async def ask_machtiging(self, gemachtigde: str, namens: str) -> RegisterMachtiging:
        """Ask for one; whoever is `namens` must grant it."""

    async def requests(self, oin: str) -> Sequence[CpaRequest]:
        """Every request for a CPA of this party."""

    async def request(self, request_id: str) -> CpaRequest:
        """How far one is; raises FacilityNotFound when there is none."""

    async def ask(self, order: RegisterOrder) -> CpaRequest:
        """Ask for a CPA."""

    async def document(self, request_id: str) -> bytes:
        """The CPA that was made, as it is. Raises FacilityNotFound while it is not made."""

    async def regenerate(self, request_id: str, certificates: Mapping[Use, tuple[bytes, ...]]) -> CpaRequest:
        """Ask for the same CPA with other certificates: a new request, which replaces this one."""


class CpaOffering(Protocol):
    """*CPA aanbieden*. Every method raises a FacilityError."""

    async def accepted(self, cpa_id: str) -> bytes | None:
        """What DSO-LV has accepted under this CPAId; None: nothing."""

    async def offer(self, document: bytes) -> None:
        """Offer a CPA; it is taken when this returns. Raises FacilityError for another CPA under the same CPAId."""
