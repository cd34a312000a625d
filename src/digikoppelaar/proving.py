"""Evidence of onboarding, made and put on record: gathered, written below `evidence` in the data folder, then told.

Making it again when there is nothing new gives the same files, also after a crash between writing and telling.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from digikoppelaar.adapters.evidence import write_evidence
from digikoppelaar.adapters.probe import greet
from digikoppelaar.adapters.profiles import load_stages
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.ping_trouble import Trouble, trouble
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.proof import Proofs, subject_of
from digikoppelaar.flows.proof_rows import Measured
from digikoppelaar.flows.stages import Stages
from digikoppelaar.onboarding.evidence import Attachment
from digikoppelaar.onboarding.model import How, Sight, Subject
from digikoppelaar.onboarding.progress import StepProgress, Told
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.opening import open_keyring, open_proxies
from digikoppelaar.pki.certificate import Use, read_certificate
from digikoppelaar.wiring import Stores, onboarding, open_stores

LARGEST_PICTURE: Final = 20 * 1024**2
"""Bytes."""
_PICTURES: Final = {b"\x89PNG\r\n\x1a\n": ("image/png", ".png"), b"\xff\xd8\xff": ("image/jpeg", ".jpg")}

Ping = Callable[[CpaRecord], Awaitable[PingResult]]
"""Asks for a Pong under a CPA, and waits for it."""
Files = tuple[Path, ...]
"""The JSON first, then the PDF, the PNG and what belongs to them; absolute."""


@dataclass(frozen=True, slots=True)
class Proving:
    """Makes evidence in `folder`. Every method raises ConfigError and StorageError."""

    proofs: Proofs
    onboarding: Onboarding
    folder: Path

    async def step(self, subject: Subject, number: str, by: str) -> Files:
        """Of one step that is done, on record when this returns; one that a person must show needs `shown`."""
        if _needs_picture((await self.onboarding.status(subject)).step(number)):
            raise ConfigError(f"step {number} needs a picture", advice="Geef met --screenshot een schermafbeelding.")
        return await self._made(subject, number, by)

    async def ping_pong(self, subject: Subject, ping: Ping, by: str) -> tuple[PingResult, Trouble | None, Files]:
        """Ask for a Pong under the CPA of the organisatie: how it went, what went wrong, and what proves it.

        There is no evidence while the step of it waits for others. Raises ConfigError when there is not one CPA.
        """
        connections = self.proofs.connections
        own = [each.id for each in await connections.aansluitingen(subject.oin) if subject_of(each) == subject]
        mine = [cpa for each in own for cpa in await connections.cpas(aansluiting_id=each)]
        if len(mine) != 1:
            raise ConfigError(
                f"{subject.oin} has {len(mine)} CPAs of {subject.kind} in {subject.omgeving}",
                advice="Lees de CPA in met `digikoppelaar cpa import`; zijn er meer, gebruik dan `digikoppelaar ping`.",
            )
        result = await ping(mine[0])
        if not result.pong:
            return result, trouble(result, await self.proofs.sent(subject, result.message_id)), ()
        await self.onboarding.look(Told(SystemClock().now()), subject.oin)
        steps = (await self.onboarding.status(subject)).progress.steps
        proven = [each for each in steps if each.step.sight is Sight.PING_PONG and each.record.state is StepState.DONE]
        return result, None, (await self.step(subject, proven[0].step.number, by) if proven else ())

    async def shown(self, subject: Subject, number: str, picture: Path, told: Told) -> Files:
        """Of a step that a person says is done, `told.by`, with his picture of what shows it."""
        if not _needs_picture((await self.onboarding.status(subject)).step(number)):
            raise ConfigError(f"step {number} takes no picture", advice="Alleen stap 7.1 heeft een schermafbeelding.")
        attached = read_picture(picture)
        await self.onboarding.word(subject, number, told)
        return await self._made(subject, number, told.by or "", attached)

    async def every(self, subject: Subject, by: str) -> Mapping[str, Files]:
        """Of every step that is done, by its number; but not of one that a person must show."""
        steps = (await self.onboarding.status(subject)).progress.steps
        done = [each for each in steps if each.record.state is StepState.DONE and not _needs_picture(each)]
        return {each.step.number: await self._made(subject, each.step.number, by) for each in done}

    async def whole(self, subject: Subject, by: str) -> Files:
        """Of all steps together, with the hashes of the evidence of each."""
        evidence = await self.proofs.of_all(subject, by, _hashed)
        return await asyncio.to_thread(write_evidence, self.folder, evidence)

    async def _made(self, subject: Subject, number: str, by: str, *pictures: Attachment) -> Files:
        about = (await self.onboarding.status(subject)).step(number).record
        evidence, attached = await self.proofs.of_step(subject, number, by)
        files = await asyncio.to_thread(write_evidence, self.folder, evidence, (*pictures, *attached))
        told = Told(SystemClock().now(), by, evidence=tuple(map(str, files)), about=about)
        await self.onboarding.proven(subject, number, told)
        return files


@asynccontextmanager
async def open_proving(config: Config) -> AsyncIterator[Proving]:
    """What makes evidence, over the database of this installation."""
    async with open_stores(config) as stores:
        yield proving(config, stores)


def proving(config: Config, stores: Stores) -> Proving:
    """The same, over stores that are open."""
    steps = onboarding(stores)
    proofs = Proofs(
        steps,
        stores.reading,
        stores.registry,
        lambda publishers: Stages(stores.stages, publishers, load_stages),
        partial(_measured, config, stores),
        SystemClock(),
    )
    return Proving(proofs, steps, config.data_folder.resolve() / "evidence")


def read_picture(file: Path) -> Attachment:
    """A picture of a screen, by what is in it. Raises ConfigError when it is no PNG or JPEG, or too large."""
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= LARGEST_PICTURE else b""
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", advice="Geef een bestand dat er is.") from error
    if size > LARGEST_PICTURE:
        raise ConfigError(f"{file} has {size} bytes", advice="Een schermafbeelding mag hoogstens 20 MiB zijn.")
    for start, (media_type, ending) in _PICTURES.items():
        if content.startswith(start):
            return Attachment(f"schermafbeelding{ending}", media_type, content)
    raise ConfigError(f"{file} is no PNG or JPEG", advice="Geef een schermafbeelding als PNG of JPEG.")


def _needs_picture(step: StepProgress) -> bool:
    """Whether a person proves it: nothing that we saw does."""
    return step.step.evidence and step.step.how is How.WORD


def _hashed(file: str) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return "ontbreekt"


async def _measured(config: Config, stores: Stores, cpa: CpaRecord, url: str) -> Measured:
    """By greeting the partner: no message is sent."""
    omgeving, partij_oin = cpa.aansluiting.omgeving, cpa.aansluiting.partij_oin
    try:
        keyring = await open_keyring(config, stores)
        ours = keyring.certificate(omgeving, partij_oin, Use.TLS_CLIENT)
        if open_proxies(config).options(urlsplit(url).hostname or ""):
            return Measured(ours, trouble="niet gemeten: berichten gaan door een proxy")
        secure = url.lower().startswith("https:")
        greeting = await greet(url, keyring.client_context(omgeving, partij_oin) if secure else None)
    except DigikoppelaarError as error:
        return Measured(trouble=f"niet gemeten: {error}")
    theirs = read_certificate(greeting.certificate) if greeting.certificate else None
    return Measured(ours, theirs, greeting.tls, greeting.cipher)
