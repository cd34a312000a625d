"""The CPA register itself: machtigingen, requests and the CPAs that it made. Strict as the real one; forgetful.

It knows everybody by OIN. Over REST who asks is known by his certificate (`caller`); on its pages, by what he says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, TypeVar

from digikoppelaar.adapters.onboarding_profiles import RegisterProfile
from digikoppelaar.ebms.cpa import cpa_names
from digikoppelaar.ebms.cpa_build import Certificates
from digikoppelaar.errors import ConfigError, DigikoppelaarError, OinError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.onboarding.register import (
    CpaRequest,
    MachtigingState,
    Participant,
    RegisterMachtiging,
    RegisterOrder,
    RequestState,
    Specification,
    check_order,
    same_request,
)
from digikoppelaar.pki.certificate import Use
from digikoppelaar.pki.chain import TrustStore
from digikoppelaar.sandbox.cpa_maker import CpaMaker
from digikoppelaar.sandbox.folder import DSO_LV
from digikoppelaar.sandbox.onboarding.register_steps import MACHTIGING, REQUEST, Step, after
from digikoppelaar.sandbox.rest import Problem
from digikoppelaar.sandbox.strict_trust import check_trusted

T = TypeVar("T")

PRE_NUMBERS: Final = ("9357", "94046")
"""Specification and server participant of STAM in PRE: made up, for no source states them."""
_USES: Final[Mapping[str, frozenset[Use]]] = {
    "osb-rm": frozenset({Use.TLS_SERVER, Use.TLS_CLIENT}),
    "osb-rm-s": frozenset({Use.TLS_SERVER, Use.TLS_CLIENT, Use.SIGN}),
}
"""What a CPA of each profile needs."""


@dataclass(slots=True)
class CpaRegister:
    """Everything, in memory. `organisaties` gives the names of who takes part beside DSO-LV, by OIN.

    `omgeving` is that of the sandbox: only for this one are CPAs made here. `trust` has the anchor alone: every other
    certificate must come along.
    """

    omgeving: str
    profile: RegisterProfile
    organisaties: Callable[[], Mapping[str, str]]
    trust: TrustStore
    maker: CpaMaker
    clock: Clock
    machtigingen: dict[str, RegisterMachtiging] = field(default_factory=dict)
    """By id, oldest first."""
    requests: dict[str, CpaRequest] = field(default_factory=dict)
    """By id, oldest first."""
    documents: dict[str, bytes] = field(default_factory=dict)
    """CPAs, by the id of their request."""
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    # --- What there is ---------------------------------------------------------------------------------------

    @property
    def specifications(self) -> Sequence[Specification]:
        """STAM in PRE and in PROD."""
        profile = self.profile
        prod = (profile.specification_prod, profile.server_participant_prod)
        numbers = {profile.omgeving_pre: PRE_NUMBERS, profile.omgeving_prod: prod}
        return [
            Specification(number, f"{profile.specification_name} verzoeken", omgeving, participant)
            for omgeving, (number, participant) in numbers.items()
        ]

    @property
    def participants(self) -> Sequence[Participant]:
        """DSO-LV in each omgeving, and every organisatie."""
        servers = [Participant(each.server_participant, DSO_LV.oin, DSO_LV.name) for each in self.specifications]
        return [*servers, *(Participant(oin, oin, naam) for oin, naam in self.organisaties().items())]

    # --- Machtigingen ----------------------------------------------------------------------------------------

    def may_act(self, caller: str, oin: str) -> bool:
        """Whether the holder of `caller` may ask for the party with `oin`, and look at what is of it."""
        between = (caller, oin)
        granted = (each for each in self.machtigingen.values() if each.state is MachtigingState.GRANTED)
        return caller == oin or any((each.gemachtigde, each.namens) == between for each in granted)

    def ask_machtiging(self, gemachtigde: str, namens: str) -> RegisterMachtiging:
        """One that is asked for, or the one between these two that is there. Raises Problem."""
        self._named(namens)
        there = (
            each for each in self.machtigingen.values() if (each.gemachtigde, each.namens) == (gemachtigde, namens)
        )
        counting = [each for each in there if each.state is not MachtigingState.REFUSED]
        if counting:
            return counting[0]
        asked = RegisterMachtiging(str(next(self._ids)), gemachtigde, namens, MachtigingState.ASKED)
        self.machtigingen[asked.id] = asked
        return asked

    def step_machtiging(self, machtiging_id: str, step: Step) -> RegisterMachtiging:
        """As the bevoegd gezag does, with eHerkenning. Raises ConfigError."""
        found = _found(self.machtigingen, machtiging_id)
        self.machtigingen[found.id] = replace(found, state=after(MACHTIGING, found.state, step))
        return self.machtigingen[found.id]

    # --- Requests --------------------------------------------------------------------------------------------

    def ask(self, order: RegisterOrder, caller: str, replaces: str = "") -> CpaRequest:
        """A request for this order, or the one that is there and counts. Raises Problem when it is refused.

        `replaces` is the id of the request whose CPA is made again with it.
        """
        if not self.may_act(caller, order.oin):
            raise Problem(
                403,
                f"{caller} has no machtiging for {order.oin}",
                caller,
                advice=_NO_MACHTIGING.format(caller, order.oin),
            )
        self._named(order.oin)
        self._check_specification(order, caller)
        self._check_certificates(order, caller)
        if found := same_request(self.requests.values(), order):
            return found
        asked = CpaRequest(str(next(self._ids)), order, RequestState.ASKED, replaces=replaces)
        self.requests[asked.id] = asked
        return asked

    def regenerate(self, request_id: str, certificates: Certificates, caller: str) -> CpaRequest:
        """A request for the same CPA with these certificates. Raises ConfigError, and Problem as `ask` does."""
        old = self.request(request_id)
        order = replace(old.order, certificates=certificates)
        if old.state is not RequestState.MADE and same_request(self.requests.values(), order) is None:
            raise Problem(409, f"request {request_id} is {old.state}", caller, advice=_NOT_MADE)
        return self.ask(order, caller, replaces=old.id)

    def request(self, request_id: str) -> CpaRequest:
        """Raises ConfigError when there is none."""
        return _found(self.requests, request_id)

    def step_request(self, request_id: str, step: Step, reason: str = "") -> CpaRequest:
        """As the register does: approve it, by which its CPA is made, or refuse it. Raises ConfigError."""
        found = self.request(request_id)
        state = after(REQUEST, found.state, step)
        if state is found.state:
            return found
        moved = replace(found, state=state, reason=reason)
        if state is RequestState.MADE:
            moved = replace(moved, cpa_id=self._make(moved))
        self.requests[found.id] = moved
        return moved

    def _make(self, request: CpaRequest) -> str:
        """Make its CPA, and let it replace the one before; its CPAId."""
        order = request.order
        naam = self.organisaties()[order.oin]
        document = self.maker.make(order.oin, naam, order.endpoint, order.certificates, self.clock.now())
        self.documents[request.id] = document
        old = self.requests.get(request.replaces)
        if old and old.state is RequestState.MADE:
            self.step_request(old.id, Step.REPLACE)
        return cpa_names(document).cpa_id

    # --- Strictness ------------------------------------------------------------------------------------------

    def _named(self, oin: str) -> None:
        if oin not in self.organisaties():
            raise Problem(422, f"{oin} takes no part", "", advice=f"OIN {oin} is geen deelnemer van het CPA-register.")

    def _check_specification(self, order: RegisterOrder, caller: str) -> None:
        wanted = (order.specification, order.server_participant)
        found = [each for each in self.specifications if (each.id, each.server_participant) == wanted]
        if not found:
            raise Problem(422, "no such specification", caller, advice=_NO_SPECIFICATION)
        if found[0].omgeving != self.profile.omgeving(self.omgeving):
            advice = f"Specificatie {found[0].id} is van {found[0].omgeving}; deze sandbox speelt een andere omgeving."
            raise Problem(422, f"specification of {found[0].omgeving}", caller, advice=advice)

    def _check_certificates(self, order: RegisterOrder, caller: str) -> None:
        try:
            check_order(order)
            missing = _USES[self.maker.profile] - set(order.certificates)
            if missing:
                raise ConfigError(f"no certificate for {min(use.value for use in missing)}", advice=_MISSING)
            for use, chain in order.certificates.items():
                self._check_certificate(use, chain, {caller, order.oin})
        except DigikoppelaarError as error:
            raise Problem(422, str(error), caller, advice=error.advice) from error

    def _check_certificate(self, use: Use, chain: tuple[bytes, ...], oins: set[str]) -> None:
        oin = check_trusted(chain, use, self.trust, self.clock.now()).oin
        if oin not in oins:
            advice = _OTHER_OIN.format(use.value, oin)
            raise OinError(f"the certificate for {use.value} is of OIN {oin}", advice=advice)


def _found(records: Mapping[str, T], record_id: str) -> T:
    if record_id not in records:
        raise ConfigError(f"the register has no {record_id}", advice="Dit nummer is er niet in het CPA-register.")
    return records[record_id]


_NO_MACHTIGING: Final = "OIN {} is niet gemachtigd voor OIN {}: het bevoegd gezag verleent de machtiging."
_NO_SPECIFICATION: Final = "Deze specificatie met deze serverdeelnemer is er niet."
_NOT_MADE: Final = "Alleen een CPA die gemaakt is, kan opnieuw worden gemaakt."
_MISSING: Final = "Voor TLS als server, TLS als client en ondertekenen is elk een certificaat nodig."
_OTHER_OIN: Final = "Het certificaat voor {} is van OIN {}, en niet van de aanvrager of de organisatie."
