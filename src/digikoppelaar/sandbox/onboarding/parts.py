"""Onboarding put together out of its profiles, for `sandbox.serve`."""

from dataclasses import dataclass
from typing import NamedTuple

from digikoppelaar.adapters.memory.messages import MemoryRegistry
from digikoppelaar.adapters.onboarding_profiles import (
    load_offering_profile,
    load_portal_profile,
    load_register_profile,
)
from digikoppelaar.flows.ports import Clock
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.sandbox.connections import Connections
from digikoppelaar.sandbox.cpa_document import usual_certificates
from digikoppelaar.sandbox.cpa_maker import CpaMaker
from digikoppelaar.sandbox.faults import Faults, Target
from digikoppelaar.sandbox.folder import Certificates
from digikoppelaar.sandbox.mailbox import Mailbox
from digikoppelaar.sandbox.onboarding.aansluitteam import Aansluitteam
from digikoppelaar.sandbox.onboarding.offering import CpaOffering
from digikoppelaar.sandbox.onboarding.portal import Portal
from digikoppelaar.sandbox.onboarding.register import CpaRegister
from digikoppelaar.sandbox.onboarding.register_service import RegisterService
from digikoppelaar.sandbox.onboarding.service import Service
from digikoppelaar.sandbox.settings import SandboxSettings
from digikoppelaar.sandbox.state import SandboxState
from digikoppelaar.sandbox.strict_trust import strict_trust


class Known(NamedTuple):
    """What onboarding changes, and by what."""

    state: SandboxState
    registry: MemoryRegistry
    faults: Faults
    clock: Clock


@dataclass(frozen=True, slots=True)
class Onboarding:
    """The parts, over one DSO-LV."""

    connections: Connections
    maker: CpaMaker
    register: RegisterService
    offering: CpaOffering
    portal: Portal
    aansluitteam: Aansluitteam
    mailbox: Mailbox


def make_onboarding(settings: SandboxSettings, certificates: Certificates, known: Known) -> Onboarding:
    """Nobody is known yet, and DSO-LV's endpoint is still to be told to the maker of CPAs."""
    state, registry, faults, clock = known
    root, domain, tsp = (issuer.der() for issuer in certificates.authorities.issuers)
    own = usual_certificates(certificates.dso_tls.der(), certificates.dso_sign.der(), tsp, domain)
    maker = CpaMaker(settings.profile, settings.retries, settings.retry_interval, root, own)
    portal = Portal(state.keys, load_portal_profile(), clock)
    state.keys.here = portal.profile.omgeving(settings.omgeving)
    connections = Connections(settings.omgeving, state, registry, clock)
    aansluitteam = Aansluitteam(connections, clock)
    anchor = read_certificate(root)
    register = CpaRegister(
        settings.omgeving,
        load_register_profile(),
        lambda: {oin: each.naam for oin, each in state.organisaties.items()},
        strict_trust(anchor),
        maker,
        clock,
    )
    own_trust = strict_trust(anchor, [read_certificate(domain), read_certificate(tsp)])
    offering = Service(Target.OFFERING, state, faults, clock)
    return Onboarding(
        connections,
        maker,
        RegisterService(Service(Target.REGISTER, state, faults, clock), register, register.profile),
        CpaOffering(offering, aansluitteam, maker, own_trust, load_offering_profile()),
        portal,
        aansluitteam,
        Mailbox(faults, clock),
    )
