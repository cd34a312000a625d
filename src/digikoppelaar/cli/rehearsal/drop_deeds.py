"""What has to be done for a stage of 3PAS: set the aansluiting to it, deliver, and have KOOP find it good."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.profiles import load_stages
from digikoppelaar.cli.rehearsal.deeds import Deed, Doer
from digikoppelaar.cli.rehearsal.national import KOOP
from digikoppelaar.cli.rehearsal.world import PRE, PROD
from digikoppelaar.drop.document import from_document
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.registration import AansluitingEntry, CertificateEntry, key_of
from digikoppelaar.flows.stage_notices import deliver, made_up, trial_stage
from digikoppelaar.flows.stages import Stages
from digikoppelaar.onboarding.model import Kind
from digikoppelaar.publishing import desk
from digikoppelaar.sandbox.folder import KOOP_LEVERANCIER, LEVERANCIER

PATIENCE: Final = timedelta(seconds=60)
"""That KOOP and the gateway may take for a stage."""
LOOK_EVERY: Final = 0.1
PUBLISHED: Final = (KennisgevingState.PUBLISHED,)
ARRIVED: Final = (KennisgevingState.ACCEPTED, *PUBLISHED)
STUCK: Final = (KennisgevingState.REFUSED, KennisgevingState.UNKNOWN, KennisgevingState.HELD)


async def user_name(doer: Doer) -> None:
    """KOOP gives a user name."""
    file = Path(doer.world.trials[PRE].facts["koop_user_name_file"])
    file.touch(0o600)
    file.write_text(await doer.national.koop_user_name())


async def own_certificate(doer: Doer) -> None:
    """There is one of PKIoverheid already, of who has the machtiging; KOOP hears that it is for this organisatie."""
    for omgeving in (PRE, PROD):
        await doer.world.national(omgeving).may_publish(LEVERANCIER.oin, doer.who.oin)


async def with_user_name(doer: Doer) -> None:
    """The first stage: with the user name that KOOP gave."""
    file = doer.world.trials[PRE].facts["koop_user_name_file"]
    await _tried(doer, "poc", LEVERANCIER.oin, user_name_file=str(file))


async def with_certificate_of_koop(doer: Doer) -> None:
    """The second stage: with the certificate that KOOP gives to who makes the connection."""
    facts = doer.world.trials[PRE].facts
    files = facts["koop_tls_certificate_file"], facts["koop_tls_key_file"]
    await doer.world.apply(CertificateEntry(KOOP_LEVERANCIER.oin, PRE, "tls-client", *files))
    await _tried(doer, "tst-leverancier", KOOP_LEVERANCIER.oin)
    await _set(doer, "tst-organisatie", LEVERANCIER.oin)


async def with_own_certificate(doer: Doer) -> None:
    """The third stage: with the certificate that serves the organisatie."""
    await _tried(doer, "tst-organisatie", LEVERANCIER.oin)


async def production(doer: Doer) -> None:
    """The fourth stage: the kennisgeving of a real aanvraag, which goes by itself and is published."""
    nummer = await doer.national.apply_for_permit(doer.who.oin)
    about = KennisgevingFilter(verzoeknummer=nummer)
    rows = await _eventually(doer, lambda: doer.world.stores.kennisgevingen.kennisgevingen(about), PUBLISHED)
    await _found_good(doer, rows)


async def _tried(doer: Doer, stage: str, partij: str, **more: str) -> None:
    """`organisatie apply`, `kennisgeving stage deliver`, and what KOOP says of it."""
    await _set(doer, stage, partij, **more)
    world, publishers, own = doer.world, await _publishers(doer), await doer.world.aansluiting(doer.subject)
    trying = trial_stage(own, publishers, load_stages)
    [wanted] = [each.wanted for each in await _stages(doer, publishers).progress(own) if each.stage == trying]
    counter = desk(world.config, world.stores, publishers, world.clock)
    made = await made_up(counter, own, trying, [each.documenttype for each in wanted])
    numbers = [each.id for each in await deliver(counter, own, made, _who(doer))]
    read = world.stores.kennisgevingen.kennisgeving
    await _found_good(doer, await _eventually(doer, lambda: asyncio.gather(*map(read, numbers)), ARRIVED))


async def _set(doer: Doer, stage: str, partij: str, **more: str) -> None:
    """The aansluiting to this stage."""
    world = doer.world
    address = {"stage": stage, "address": world.trials[doer.subject.omgeving].facts["koop_3pas_urls"][stage]}
    for entry in await world.stores.registry.entries():
        if isinstance(entry, AansluitingEntry) and key_of(entry)[1:] == (
            doer.who.oin,
            Kind.DROP,
            doer.subject.omgeving,
        ):
            kept = {name: each for name, each in entry.publishing.items() if name != "user_name_file"}
            await world.apply(replace(entry, partij_oin=partij, publishing={**kept, **address, **more}))


async def _found_good(doer: Doer, rows: Sequence[StoredKennisgeving]) -> None:
    """KOOP finds what arrived good; `kennisgeving stage confirm` puts that on record."""
    await doer.national.find_good([each.dossiernummer or "" for each in rows])
    own = await doer.world.aansluiting(doer.subject)
    assert own.publishing, "it is of kind drop"
    documenttypen = [from_document(each.document).documenttype for each in rows]
    stages = _stages(doer, await _publishers(doer))
    await stages.confirm(own, own.publishing.stage, documenttypen, _who(doer), f"mail van {KOOP}")


async def _eventually(
    doer: Doer, look: Callable[[], Awaitable[Sequence[StoredKennisgeving]]], wanted: Collection[str]
) -> Sequence[StoredKennisgeving]:
    """What `look` finds, once there is any and all are in a wanted state. Raises ConfigError when that will not be."""
    until = doer.world.clock.now() + PATIENCE
    while not (rows := await look()) or not {each.state for each in rows} <= {*wanted}:
        stuck = [each for each in rows if each.state in STUCK]
        if stuck or doer.world.clock.now() > until:
            said = "; ".join(f"{each.state}: {each.reason}" for each in stuck or rows) or "there is none"
            advice = next((each.advice for each in stuck if each.advice), None)
            raise ConfigError(f"the kennisgevingen do not get to {', '.join(wanted)}: {said}", advice=advice)
        await asyncio.sleep(LOOK_EVERY)
    return rows


async def _publishers(doer: Doer) -> Sequence[Aansluiting]:
    return await doer.world.stores.registry.publishers()


def _stages(doer: Doer, publishers: Sequence[Aansluiting]) -> Stages:
    return Stages(doer.world.stores.stages, publishers, load_stages)


def _who(doer: Doer) -> Who:
    return Who(LEVERANCIER.name, doer.world.clock.now())


DROP: Final[Mapping[str, Deed]] = {
    "0.3": user_name,
    "0.5": own_certificate,
    "1": with_user_name,
    "2": with_certificate_of_koop,
    "3": with_own_certificate,
    "4": production,
}
"""By the number of the step."""
