"""`digikoppelaar message send|resend|export` and `digikoppelaar status`: sending by hand, and taking messages along."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.casesystems.filenames import FileNames
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, WhichOmgeving, configuration
from digikoppelaar.cli.views import show_personal_data
from digikoppelaar.ebms.messages import Service, StatusResponse
from digikoppelaar.errors import ConfigError, ContentPurged, PartnerUnreachable
from digikoppelaar.flows.asking import ask_status
from digikoppelaar.flows.outbound import filled
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.ports import BlobStore, CpaRecord, StoredPayload
from digikoppelaar.flows.reading import Direction, MessageFilter, MessageRow
from digikoppelaar.flows.submit import Submission, Submitter
from digikoppelaar.flows.views import Way
from digikoppelaar.opening import open_keyring
from digikoppelaar.wiring import Stores

CHUNK = 1024 * 1024
SETTLED = frozenset({"acknowledged", "delivered", "failed", "expired"})
GOOD = frozenset({"acknowledged", "delivered"})
LOOK_EVERY = 0.2

Wait = Annotated[float, typer.Option(help="Seconds to wait until the partner acknowledged it; 0 does not wait.")]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message that was sent by hand; `state` is that of the reliability table."""

    message_id: str
    state: str
    reason: str | None


def send(
    cpa_id: Annotated[str, typer.Argument(help="The CPAId under which to send.")],
    action: Annotated[str, typer.Argument(help="The Action, as the CPA names it.")],
    payload: Annotated[
        list[str] | None, typer.Option(help="A file, or FILE=media/type; may be repeated. Without one: no payload.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="The Service, when more than one has this Action.")] = None,
    conversation_id: Annotated[str | None, typer.Option(help="Of a conversation that goes on.")] = None,
    message_id: Annotated[str | None, typer.Option(help="Your own MessageId: sent once, however often asked.")] = None,
    ref_to_message_id: Annotated[str | None, typer.Option(help="The message that this one answers.")] = None,
    omgeving: WhichOmgeving = None,
    wait: Wait = 0,
    json: Json = False,
) -> None:
    """Send a business message through the running gateway."""

    async def run() -> Sent:
        async with _sending(cpa_id, omgeving) as (stores, submitter, cpa):
            submission = Submission(
                service=_service(cpa, service, action),
                action=action,
                payloads=tuple([await _payload(each, submitter.blobs) for each in payload or []]),
                message_id=message_id,
                conversation_id=conversation_id,
                ref_to_message_id=ref_to_message_id,
            )
            return await _awaited(stores, cpa, await submitter.submit(cpa, submission), wait)

    _tell(asyncio.run(run()), wait, json=json)


def resend(
    message_id: Annotated[str, typer.Argument(help="A message of ours.")],
    omgeving: WhichOmgeving = None,
    wait: Wait = 0,
    json: Json = False,
) -> None:
    """Send the content of a message of ours again, as a new message with a MessageId of its own."""

    async def run() -> Sent:
        row = await _row(message_id, omgeving, Direction.OUT)
        async with _sending(row.cpa_id, row.omgeving) as (stores, submitter, cpa):
            return await _awaited(stores, cpa, await submitter.resend(cpa, message_id), wait)

    _tell(asyncio.run(run()), wait, json=json)


def export(
    message_id: str,
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    omgeving: WhichOmgeving = None,
    json: Json = False,
) -> None:
    """Write one message with all that is known of it into a folder: facts, SOAP part or whole body, and payloads.

    The files hold personal data when the message does: keep them accordingly. It goes on record (`views list`).
    """

    async def run() -> list[Path]:
        row = await _row(message_id, omgeving, None)
        if folder.exists():
            raise ConfigError(f"{folder} is there already", advice="Kies een map die nog niet bestaat.")
        async with wiring.open_stores(configuration()) as stores:
            return await _exported(stores, row, folder)

    files = asyncio.run(run())
    if json:
        output.print_json({"message_id": message_id, "files": files})
    else:
        output.console.print("\n".join(map(str, files)), markup=False)


def status(
    message_id: Annotated[str, typer.Argument(help="A message that we sent.")],
    omgeving: WhichOmgeving = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 30.0,
    json: Json = False,
) -> None:
    """Ask the partner what became of a message of ours, through the running gateway."""

    async def run() -> StatusResponse | None:
        row = await _row(message_id, omgeving, Direction.OUT)
        async with wiring.open_stores(configuration()) as stores:
            cpa = await chosen_cpa(stores, row.cpa_id, row.omgeving)
            return await ask_status(
                cpa, message_id, stores.messages, stores.reading, RandomIds(), SystemClock(), timeout=timeout
            )

    told = asyncio.run(run())
    if told is None:
        raise PartnerUnreachable(
            f"no answer about {message_id} within {timeout:g} s",
            advice="Draait `digikoppelaar serve`? Niet elke partner beantwoordt een StatusRequest; probeer `ping`.",
        )
    if json:
        output.print_json(told)
    else:
        output.print_fields({"message_id": message_id, "partner says": told.status, "received at": told.timestamp})


async def chosen_cpa(stores: Stores, cpa_id: str, omgeving: str | None) -> CpaRecord:
    """The one CPA under this name. Raises ConfigError when there is none, or more than one."""
    fitting = [
        cpa
        for cpa in await stores.registry.cpas()
        if cpa.agreement.cpa_id == cpa_id and omgeving in {None, cpa.aansluiting.omgeving}
    ]
    if not fitting:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Zie `digikoppelaar cpa list`.")
    if len(fitting) > 1:
        raise ConfigError(f"CPA {cpa_id} is in more than one omgeving", advice="Kies met --omgeving.")
    return fitting[0]


@asynccontextmanager
async def _sending(cpa_id: str, omgeving: str | None) -> AsyncIterator[tuple[Stores, Submitter, CpaRecord]]:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        cpa = await chosen_cpa(stores, cpa_id, omgeving)
        keyring = await open_keyring(config, stores)
        blobs = FolderBlobs(config.data_folder / "blobs")
        yield stores, Submitter(stores.messages, blobs, keyring, keyring.trust, RandomIds(), SystemClock()), cpa


def _service(cpa: CpaRecord, service: str | None, action: str) -> Service:
    """The service that was meant: the only one with this action, or the one of this name."""
    named = {each.service for each in cpa.agreement.sends if each.action == action}
    fitting = [each for each in named if service in {None, each.value}]
    if len(fitting) > 1:
        known = ", ".join(sorted(each.value for each in fitting))
        raise ConfigError(f"more than one service has {action}: {known}", advice="Kies met --service.")
    return fitting[0] if fitting else Service(service or "")


async def _payload(wanted: str, blobs: BlobStore) -> NewPayload:
    name, _, media_type = wanted.partition("=")
    file = Path(name)
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file", advice="Geef met --payload een bestand op.")
    guessed = media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if file.stat().st_size <= CHUNK:
        return NewPayload(guessed, file.read_bytes(), name=file.name)
    return NewPayload(guessed, await blobs.put(f"ebms/upload/{RandomIds().unique()}", _chunks(file)), name=file.name)


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


async def _awaited(stores: Stores, cpa: CpaRecord, message_id: str, wait: float) -> Sent:
    """How it is, as soon as it is settled, or after `wait` seconds."""
    wanted = MessageFilter(cpa.aansluiting.omgeving, direction=Direction.OUT, message_id=message_id)
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        row = next(each for each in await stores.reading.messages(wanted) if each.cpa_id == cpa.agreement.cpa_id)
        if row.state in SETTLED or asyncio.get_running_loop().time() >= deadline:
            return Sent(message_id, row.state, row.reason)
        await asyncio.sleep(LOOK_EVERY)


def _tell(sent: Sent, wait: float, *, json: bool) -> None:
    if json:
        output.print_json(sent)
    else:
        output.print_fields({"message_id": sent.message_id, "state": sent.state, "reason": sent.reason})
    if sent.state in SETTLED - GOOD:
        raise PartnerUnreachable(
            f"{sent.message_id} is {sent.state}: {sent.reason or '-'}",
            advice="Zie `digikoppelaar message show`; is de oorzaak weg, zend dan opnieuw met `message resend`.",
        )
    if wait and sent.state not in GOOD:
        raise PartnerUnreachable(
            f"{sent.message_id} is {sent.state} after {wait:g} s",
            advice="Draait `digikoppelaar serve`? Het bericht wacht; volg het met `digikoppelaar message show`.",
        )


async def _row(message_id: str, omgeving: str | None, direction: Direction | None) -> MessageRow:
    async with wiring.open_stores(configuration()) as stores:
        wanted = MessageFilter(omgeving=omgeving, direction=direction, message_id=message_id)
        rows = await stores.reading.messages(wanted)
    if not rows:
        raise ConfigError(f"there is no message {message_id}", advice="Zie `digikoppelaar message list`.")
    if len({(row.omgeving, row.cpa_id, row.direction) for row in rows}) > 1:
        raise ConfigError(f"there is more than one message {message_id}", advice="Kies met --omgeving.")
    return rows[0]


# --- Export --------------------------------------------------------------------------------------------------


async def _exported(stores: Stores, row: MessageRow, folder: Path) -> list[Path]:
    page = await stores.reading.message(row.direction, row.id)
    assert page is not None, "it was listed a moment ago"
    if page.purged_at is not None:
        raise ContentPurged(f"message {row.message_id}", page.purged_at)
    about = (row.omgeving, row.organisatie_oin, page.verzoeknummer, row.message_id)
    await show_personal_data(stores.views, Way.MESSAGE_EXPORT, *about)
    blobs = FolderBlobs(configuration().data_folder / "blobs")
    folder.mkdir(parents=True, mode=0o750)
    names = FileNames("message.json")
    files = [folder / "message.json"]
    files[0].write_text(output.as_json({"message": row, "content_type": page.content_type, "attempts": page.attempts}))
    if row.direction is Direction.OUT:
        cpa = await chosen_cpa(stores, row.cpa_id, row.omgeving)
        sent = await stores.messages.find_outbound(cpa, row.message_id)
        assert sent is not None, "it was listed a moment ago"
        return [*files, await _written(folder / "body.mime", filled(sent.body, sent.holes, blobs))]
    files.append(folder / names.give("envelope.xml", "envelope.xml"))
    files[-1].write_bytes(page.document)
    for payload in await stores.reading.payloads(row.id):
        file = folder / names.give(payload.name or payload.content_id, "payload")
        files.append(await _written(file, _content(payload, blobs)))
    return files


async def _content(payload: StoredPayload, blobs: BlobStore) -> AsyncIterator[bytes]:
    if payload.blob is None:
        yield payload.data or b""
        return
    async for piece in blobs.get(payload.blob):
        yield piece


async def _written(file: Path, pieces: AsyncIterator[bytes]) -> Path:
    with file.open("xb") as stream:
        async for piece in pieces:
            stream.write(piece)
    return file
