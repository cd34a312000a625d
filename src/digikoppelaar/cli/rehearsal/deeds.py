"""What has to be done for a step of STAM, as its text says: by the flows that commands use, and by people elsewhere.

Steps that are not in `STAM` need nothing but a look, or somebody's word.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from digikoppelaar.adapters.cpa_offering import offering_for
from digikoppelaar.adapters.cpa_register import register_for
from digikoppelaar.adapters.key_requests import KeyRequest, judge_issued, keep_issued, make_key_request
from digikoppelaar.adapters.onboarding_profiles import load_certificate_kinds, load_register_profile
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.adapters.system import RandomIds
from digikoppelaar.cli.cpa_build import our_certificates
from digikoppelaar.cli.rehearsal.country import Rehearsed
from digikoppelaar.cli.rehearsal.faults import NONE, RehearsedFault
from digikoppelaar.cli.rehearsal.national import National
from digikoppelaar.cli.rehearsal.world import PRE, PROD, World
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import administration
from digikoppelaar.flows.cpa_offer import offer
from digikoppelaar.flows.cpa_request import CpaRequests, numbers_for
from digikoppelaar.flows.cpas import ImportChoice, import_cpa
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.registration import CertificateEntry, MachtigingEntry
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.register import RegisterOrder
from digikoppelaar.pki.request import Wanted
from digikoppelaar.sandbox.folder import LEVERANCIER
from digikoppelaar.sandbox.pki import certify, make_pki

HOST: Final = "ebms.sandbox.localhost"
"""What the certificate is asked for; the TSP of a sandbox adds the addresses of this machine."""
PONG_SECONDS: Final = 30.0


@dataclass(slots=True)
class Doer:
    """Whoever connects one authority, in one omgeving. `fault` is what he has against him."""

    world: World
    who: Rehearsed
    subject: Subject
    fault: RehearsedFault = NONE
    verzoeknummer: str = ""
    """Of the functional test, once it is submitted."""

    @property
    def national(self) -> National:
        """The people of the national side."""
        return self.world.national(self.subject.omgeving)

    async def requests(self, omgeving: str) -> CpaRequests:
        """The CPA register of an omgeving, for this authority."""
        aansluiting = await self.world.aansluiting(Subject(self.who.oin, Kind.STAM, omgeving))
        clock = self.world.clock
        return CpaRequests(
            self.world.stores.errands, register_for(self.world.register, aansluiting, clock), aansluiting, clock
        )

    async def cpa(self) -> CpaRecord:
        """The CPA of this authority."""
        own = await self.world.aansluiting(replace(self.subject, kind=Kind.STAM))
        return next(iter(await self.world.stores.registry.cpas(aansluiting_id=own.id)))


Deed = Callable[[Doer], Awaitable[None]]


async def certificates(doer: Doer) -> None:
    """Those of PRE and of PROD together: one gateway serves both, and who issues them needs his time."""
    for omgeving in (PRE, PROD):
        recorded = await doer.world.stores.registry.certificates(omgeving)
        if not any(each.partij_oin == doer.who.partij for each in recorded):
            await _certificate(doer, omgeving, doer.fault if omgeving == PRE else NONE)


async def _certificate(doer: Doer, omgeving: str, fault: RehearsedFault) -> None:
    """`certificate request`, the TSP issues, `certificate import --apply`."""
    world, partij = doer.world, doer.who.partij
    wanted = Wanted(load_certificate_kinds()["g1"]["server"], partij, LEVERANCIER.name, (HOST,))
    keys, name = world.config.data_folder / "keys", f"{omgeving}-{partij}"
    asked = await asyncio.to_thread(make_key_request, keys, name, wanted, omgeving)
    signed = asked
    if fault.wrong_key:
        signed = await asyncio.to_thread(make_key_request, keys, f"{name}-other", wanted, omgeving)
    issued = world.secrets / f"{name}.pem"
    issued.write_bytes(await asyncio.to_thread(_issued, world, signed, fault))
    if fault.of_certificate:  # `certificate import` would refuse it
        file = issued
    else:
        keep_issued(asked, judge_issued(asked, [issued], world.clock.now()))
        file = asked.certificate_file
    uses, key_file = asked.about.uses, str(asked.key_file)
    await world.apply(*(CertificateEntry(partij, omgeving, use, str(file), key_file) for use in uses))


def _issued(world: World, asked: KeyRequest, fault: RehearsedFault) -> bytes:
    """What the TSP of the sandbox makes of a request, or what somebody made himself."""
    now, root = world.clock.now(), Path(world.trials[asked.about.omgeving].facts["trust_anchor_file"])
    own = load_pem_private_key(asked.key_file.read_bytes(), None) if fault.own_key else None
    assert own is None or isinstance(own, rsa.RSAPrivateKey), "we made it"
    return certify(make_pki(root.parent, now), asked.request_file.read_bytes(), now, fault.slip, own)


async def mandate(doer: Doer) -> None:
    """The aansluitteam sets the mandate."""
    await doer.national.mandate(doer.who.partij, doer.who.oin)


async def pre_complete(doer: Doer) -> None:
    """The aansluitteam finds PRE complete, so that PROD takes the CPA."""
    await doer.national.pre_complete(doer.who.oin)


async def routing(doer: Doer) -> None:
    """The aansluitteam routes the aansluitactiviteit of a gemeente."""
    await doer.national.route(doer.who.gemeente, doer.who.oin)


async def api_key(doer: Doer) -> None:
    """Ask the portal for a key, and put it in its file."""
    key_id, key = await doer.national.api_key(doer.who.oin, doer.who.naam)
    file = doer.world.api_key_file(doer.subject.omgeving, doer.who.oin)
    file.touch(0o600)
    file.write_text(key)
    if doer.fault.key_taken_back:
        await doer.national.take_back(key_id)


async def machtiging(doer: Doer) -> None:
    """`cpa machtiging --ask`, the bevoegd gezag grants it, `organisatie apply`. Nobody needs one for himself."""
    omgeving, partij, own = doer.subject.omgeving, doer.who.partij, doer.who.oin
    if partij != own:
        asked = await (await doer.requests(omgeving)).ask_machtiging()
        await doer.national.grant(asked.id)
        await doer.world.apply(MachtigingEntry(omgeving, partij, own, doer.world.clock.now(), doer.who.naam))


async def cpa(doer: Doer) -> None:
    """`cpa request`, the register makes it, `cpa download`, `cpa import`."""
    omgeving = doer.subject.omgeving
    made_for = PROD if doer.fault.other_cpa else omgeving
    if made_for != omgeving:
        await machtiging(Doer(doer.world, doer.who, Subject(doer.who.oin, Kind.STAM, made_for)))
    document = await _made(doer, made_for)
    choice = ImportChoice(omgeving=omgeving, policies=None)
    await import_cpa(doer.world.stores.registry, document, choice, now=doer.world.clock.now())


async def _made(doer: Doer, omgeving: str) -> bytes:
    world, requests = doer.world, await doer.requests(omgeving)
    numbers = await numbers_for(requests.register, load_register_profile(), omgeving)
    certificates = our_certificates(await world.stores.registry.certificates(omgeving), requests.aansluiting)
    asked = await requests.request(RegisterOrder(*numbers, doer.who.oin, world.endpoint(omgeving), certificates))
    await world.national(omgeving).approve_request(asked.id)
    return (await requests.download(asked.id))[1]


async def offered(doer: Doer) -> None:
    """`cpa offer`."""
    world, trial, found = doer.world, doer.world.trials[doer.subject.omgeving], await doer.cpa()
    document = await world.stores.registry.cpa_document(found.id)
    dso = await offering_for(world.dso, found.aansluiting, world.clock)
    if doer.fault.strike:
        await trial.fault(**doer.fault.strike)
    try:
        await offer(world.stores.errands, dso, found.aansluiting, found.agreement.cpa_id, document, world.clock)
    finally:
        await trial.no_faults()


async def listening(doer: Doer) -> None:
    """The gateway runs, and nothing is in its way."""
    await doer.world.serving()


async def ping(doer: Doer) -> None:
    """`aansluiting ping`."""
    world, clock = doer.world, doer.world.clock

    async def send(cpa: CpaRecord) -> administration.PingResult:
        stores = world.stores
        return await administration.ping(cpa, stores.messages, stores.reading, RandomIds(), clock, timeout=PONG_SECONDS)

    _, trouble, _ = await world.proving.ping_pong(doer.subject, send, LEVERANCIER.name)
    if trouble:
        raise ConfigError(f"no Pong: {trouble.says}", advice=trouble.advice)


async def submitted(doer: Doer) -> None:
    """Somebody submits the verzoek in the Omgevingsloket, of the aansluitactiviteit for this bestuurslaag."""
    words = load_process(Kind.STAM).words_for(doer.subject.omgeving, doer.who.bestuurslaag)
    elsewhere = (doer.who.gemeente or doer.who.oin) if doer.who.elsewhere else None
    doer.verzoeknummer = await doer.national.submit(words["activiteit"], elsewhere)


STAM: Final[Mapping[str, Deed]] = {
    "0.3": certificates,
    "1.1": pre_complete,
    "1.2": mandate,
    "1.3": routing,
    "2.1": api_key,
    "3.1": machtiging,
    "3.3": cpa,
    "3.4": offered,
    "3.5": listening,
    "3.6": ping,
    "4.1": submitted,
}
"""By the number of the step."""
