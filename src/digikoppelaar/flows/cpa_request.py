"""Asking the CPA register for a CPA: a machtiging, the request, how far it is, the CPA itself, and one made again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.errors import ConfigError, CpaError
from digikoppelaar.flows import errands
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.flows.ports.errands import ErrandKey, ErrandKind, Errands
from digikoppelaar.flows.ports.register import CpaRegister
from digikoppelaar.onboarding.register import (
    CpaRequest,
    MachtigingState,
    RegisterMachtiging,
    RegisterOrder,
    RequestState,
    check_order,
    choose_specification,
    same_request,
)
from digikoppelaar.pki.certificate import Use
from digikoppelaar.pki.oin import without_environment_suffix


class Numbers(Protocol):
    """What is assumed of STAM at the register; see adapters.onboarding_profiles.RegisterProfile."""

    @property
    def specification_name(self) -> str:
        """By which the specification of STAM is known among others."""

    def specification(self, omgeving: str) -> str:
        """Its number in an omgeving; empty when nobody says it."""

    def server_participant(self, omgeving: str) -> str:
        """That of DSO-LV; empty when nobody says it."""

    def omgeving(self, omgeving: str) -> str:
        """What the register calls an omgeving."""


async def numbers_for(register: CpaRegister, known: Numbers, omgeving: str) -> tuple[str, str]:
    """Specification and server participant of STAM in this omgeving: as a source states them, or as the register does.

    Raises ConfigError when the register has not exactly one that fits, and FacilityError.
    """
    stated = known.specification(omgeving), known.server_participant(omgeving)
    if all(stated):
        return stated
    listed = await register.specifications()
    found = choose_specification(listed, known.specification_name, known.omgeving(omgeving))
    return found.id, found.server_participant


@dataclass(frozen=True, slots=True)
class CpaRequests:
    """What is asked of the register for one aansluiting. Methods raise FacilityError and StorageError."""

    records: Errands
    register: CpaRegister
    aansluiting: Aansluiting
    clock: Clock

    async def machtiging(self) -> RegisterMachtiging | None:
        """That by which the partij may ask for CPAs of the organisatie, granted before asked; None: there is none.

        Nobody needs one for itself: then there is one without number.
        """
        gemachtigde, namens = self.aansluiting.partij_oin, self.aansluiting.organisatie_oin
        if gemachtigde == namens:
            return RegisterMachtiging("", gemachtigde, namens, MachtigingState.GRANTED)
        order = (MachtigingState.GRANTED, MachtigingState.ASKED)
        listed = await self.register.machtigingen(gemachtigde, namens)
        ours = [each for each in listed if (each.gemachtigde, each.namens) == (gemachtigde, namens)]
        found = [each for each in ours if each.state in order]
        return min(found, key=lambda each: order.index(each.state), default=None)

    async def ask_machtiging(self) -> RegisterMachtiging:
        """The machtiging that is there, or one that is asked for. Raises as flows.errands.run."""
        gemachtigde, namens = self.aansluiting.partij_oin, self.aansluiting.organisatie_oin
        return await errands.run(
            self.records,
            ErrandKey(self.aansluiting.id, ErrandKind.MACHTIGING, f"{gemachtigde} {namens}"),
            self.clock,
            look=self.machtiging,
            ask=lambda: self.register.ask_machtiging(gemachtigde, namens),
            outcome=lambda found: {"id": found.id, "state": found.state.value},
        )

    async def request(self, order: RegisterOrder) -> CpaRequest:
        """The request for this order that is there, or a new one.

        Raises as flows.errands.run; ConfigError when no good CPA can come of it or the machtiging is not granted.
        """
        check_order(order)
        await self._need_machtiging()
        return await self._run(order, lambda: self.known(order), lambda: self.register.ask(order))

    async def known(self, order: RegisterOrder) -> CpaRequest | None:
        """The request for this order that is there and counts."""
        return same_request(await self.register.requests(order.oin), order)

    async def regenerate(self, request_id: str, certificates: Mapping[Use, tuple[bytes, ...]]) -> CpaRequest:
        """The request for the same CPA with these certificates: the one that is there, or a new one that replaces it.

        Raises as `request`, and ConfigError when it is of another organisatie or its CPA was never made.
        """
        old = await self.look_up(request_id)
        order = replace(old.order, certificates=certificates)
        check_order(order)

        async def look() -> CpaRequest | None:
            found = await self.known(order)
            if found is None and old.state is not RequestState.MADE:
                raise ConfigError(
                    f"request {request_id} is {old.state}: only a CPA that is in use can be made again",
                    advice="Bekijk met `digikoppelaar cpa status` welke aanvraag geldt.",
                )
            return found

        return await self._run(order, look, lambda: self.register.regenerate(request_id, certificates))

    async def look_up(self, request_id: str) -> CpaRequest:
        """How far a request of this organisatie is now: the partij may see those of others too.

        Raises FacilityNotFound when the register has none, ConfigError when it is of another organisatie.
        """
        found = await self.register.request(request_id)
        if found.order.oin != self.aansluiting.organisatie_oin:
            raise ConfigError(
                f"request {request_id} is of {found.order.oin}, not of {self.aansluiting.organisatie_oin}",
                advice="Bekijk met `digikoppelaar cpa status` welke aanvragen van deze organisatie zijn.",
            )
        return found

    async def follow(self, request_id: str) -> CpaRequest:
        """As `look_up`, and it goes on record."""
        found = await self.look_up(request_id)
        await self.records.answered(self._key(found.order), _outcome(found), self.clock.now())
        return found

    async def download(self, request_id: str) -> tuple[CpaRequest, bytes]:
        """The CPA of a request, octet for octet.

        Raises as `look_up`, ConfigError while it is not made, and CpaError or XmlError when it is another document.
        """
        found = await self.follow(request_id)
        if found.state not in (RequestState.MADE, RequestState.REPLACED):
            raise ConfigError(f"request {request_id} is {found.state}: {found.reason or 'wait'}", advice=_WAIT)
        document = await self.register.document(request_id)
        check_made(found, document)
        return found, document

    async def _need_machtiging(self) -> None:
        found = await self.machtiging()
        if found is None or found.state is not MachtigingState.GRANTED:
            which = "is asked for and not granted" if found else "is not there"
            gemachtigde, namens = self.aansluiting.partij_oin, self.aansluiting.organisatie_oin
            raise ConfigError(
                f"the machtiging of {gemachtigde} for {namens} at the CPA register {which}",
                advice=f"Het bevoegd gezag ({namens}) moet partij {gemachtigde} machtigen in het CPA-register, met "
                "eHerkenning; vraag het met `digikoppelaar cpa machtiging --ask`.",
            )

    async def _run(
        self,
        order: RegisterOrder,
        look: Callable[[], Awaitable[CpaRequest | None]],
        ask: Callable[[], Awaitable[CpaRequest]],
    ) -> CpaRequest:
        return await errands.run(self.records, self._key(order), self.clock, look=look, ask=ask, outcome=_outcome)

    def _key(self, order: RegisterOrder) -> ErrandKey:
        return ErrandKey(self.aansluiting.id, ErrandKind.CPA_REQUEST, order.fingerprint)


def check_made(request: CpaRequest, document: bytes) -> None:
    """Raises CpaError when the CPA is not the one that was asked for: another CPAId, party, endpoint or certificate."""
    agreement = read_agreement(document, _party_ids_of(request.order.oin, document))
    ours = {chain[0] for chain in request.order.certificates.values()}
    wrong = [
        what
        for what, good in (
            ("CPAId", request.cpa_id in ("", agreement.cpa_id)),
            ("endpoint", agreement.their_signals.endpoint == request.order.endpoint),
            ("certificates", set(agreement.ours.transport_certificates) <= ours),
        )
        if not good
    ]
    if wrong:
        raise CpaError(
            f"the CPA of request {request.id} has another {' and '.join(wrong)} than was asked for",
            advice="Vraag Logius waarom de CPA afwijkt van de aanvraag; importeer haar niet.",
        )


def _party_ids_of(oin: str, document: bytes) -> set[str]:
    named = {party_id.value for side in cpa_names(document).parties for party_id in side.party_ids}
    found = {each for each in named if without_environment_suffix(each) == oin}
    if not found:
        raise CpaError(f"{oin} is no party of the CPA that the register made")
    return found


def _outcome(found: CpaRequest) -> Mapping[str, str]:
    said = {"id": found.id, "state": found.state.value, "cpa_id": found.cpa_id, "replaces": found.replaces}
    return {name: value for name, value in said.items() if value}


_WAIT = "De CPA is nog niet gemaakt. Bekijk met `digikoppelaar cpa status` hoe ver het is, of vraag Logius."
