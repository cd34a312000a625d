"""Fetching a verzoek after its notification, file by file, so that a crash costs at most one file or a few small ones.

    notification ──▶ summary ──▶ XML ──▶ verzoek version with its ruling and files ──▶ each file into the blob store
                 ──▶ fetched, and what the ruling says

Every step may run twice with one effect: a version is made or found, a file that is recorded is not fetched again,
a blob has a name that follows from the ids and the attempt, and what came of a large file before it was cut is gone on
with. Two attempts at once are harmless: the first to record a file has recorded it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from digikoppelaar.errors import ConfigError, FacilityAnswerBroken, TooLarge, VerzoekError, XmlError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.attempts import Outcome, attempt
from digikoppelaar.flows.intake_states import NOTIFICATION_ENDED
from digikoppelaar.flows.pass_on import PassOn
from digikoppelaar.flows.ports import (
    Aansluiting,
    Blob,
    BlobStore,
    Clock,
    Download,
    DsoClient,
    File,
    FileKind,
    Have,
    Link,
    NewFile,
    NewVerzoek,
    Notification,
    PartialBlob,
    Verzoek,
    VerzoekStore,
)
from digikoppelaar.flows.repair import is_damaged
from digikoppelaar.flows.small_files import SMALL, groups, side_by_side
from digikoppelaar.stam import codes, model
from digikoppelaar.stam.findings import findings
from digikoppelaar.stam.notification import WITHDRAWN, same_verzoeknummer
from digikoppelaar.stam.rules import is_withdrawal, judge, marked_test
from digikoppelaar.stam.schema import Schemas, violations
from digikoppelaar.stam.verzoek import LIMIT, read_verzoek

log = structlog.get_logger()

FILE_LIMIT: Final = 16 * 1024**3
"""Bytes of one file. No limit of DSO-LV is known (stam.md 3.4); this one keeps an endless answer off the disk."""

RESUME_FROM: Final = 1024**2
"""Bytes. What is smaller is sooner fetched again than kept in part; and as much must have come to ask on at once."""

Progress = Callable[[File, int, int | None], None]
"""Called with a file, the bytes that are in, and how many there will be (None when nobody said)."""


def no_progress(file: File, done: int, total: int | None) -> None:
    """For whoever does not watch."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Fetches verzoeken with these parts; `client_for` gives *Verzoek afhandelen* as one aansluiting sees it.

    `schemas` are the official ones that an administrator added; what departs from them is a finding. `pass_on` serves
    aansluitingen that want the notification only.
    """

    store: VerzoekStore
    client_for: Callable[[Aansluiting], DsoClient]
    blobs: BlobStore
    clock: Clock
    progress: Progress = no_progress
    file_limit: int = FILE_LIMIT
    schemas: Schemas = field(default_factory=dict)
    pass_on: PassOn | None = None

    async def attempt(self, notification_id: int, number: int) -> Outcome:
        """Attempt number `number` (from 1) to fetch; what went wrong is on record when this returns."""

        async def tell(*, reason: str, advice: str, parked: bool) -> None:
            await self.store.trouble(
                notification_id=notification_id, reason=reason, advice=advice, parked=parked, now=self.clock.now()
            )

        return await attempt(lambda: self.fetch(notification_id, number), number, tell)

    async def fetch(self, notification_id: int, number: int = 1) -> None:
        """Fetch the verzoek of a notification whole and hand it to delivery; `number` is that of the attempt.

        Raises a FacilityError, a PartnerError when the verzoek cannot be understood, ConfigError, or StorageError.
        """
        notification = await self.store.notification(notification_id)
        if notification.state in NOTIFICATION_ENDED or notification.stopped:
            return
        if notification.aansluiting.pass_on is not None:
            await self._passing_on(notification)
            return
        client = self.client_for(notification.aansluiting)
        links = await client.summary(notification.verzoeknummer)
        document = await _document(client, links)
        read, found = await aside(partial(_understood, document, notification, links, self.schemas))
        if notification.withdrawal and not is_withdrawal(read):
            read, links = _withdrawn(read), [link for link in links if link.kind is FileKind.XML]
        new, files = replace(_new_verzoek(read), findings=found), _new_files(links)
        rules = partial(judge, read, settings=notification.aansluiting.rules)
        verzoek = await self.store.start_verzoek(notification_id, new, files, self.clock.now(), rules)
        if verzoek.purged_at is None:  # else it ended, and its files were deleted since
            wanted = [file for file in verzoek.files if await self._is_wanted(file, notification)]
            await self._fetch_files(client, replace(verzoek, files=tuple(wanted)), links, document, number)
        await self.store.verzoek_fetched(notification_id, verzoek.id, self.clock.now())
        log.info("verzoek_fetched", verzoek=verzoek.id, volgnummer=verzoek.volgnummer, files=len(verzoek.files))

    async def _passing_on(self, notification: Notification) -> None:
        if self.pass_on is None:
            raise ConfigError(
                f"aansluiting {notification.aansluiting.id} passes notifications on, and nothing here does"
            )
        await self.pass_on.pass_on(notification)

    async def _is_wanted(self, file: File, notification: Notification) -> bool:
        """What is on record is looked at again only when a person asked for that: it may be much."""
        return file.blob is None or (notification.again and await is_damaged(self.blobs, file))

    async def _fetch_files(
        self, client: DsoClient, verzoek: Verzoek, links: Sequence[Link], document: bytes, number: int
    ) -> None:
        fresh = {(link.kind, link.document_id): link for link in links}
        small: list[tuple[File, int]] = []
        for file in verzoek.files:
            link = fresh.get((file.kind, file.document_id))
            size = len(document) if file.kind is FileKind.XML else link.size if link else None
            if file.blob is None and size is not None and size <= SMALL:
                small.append((file, size))
                continue
            name = f"{file.blob}-{number}" if file.blob else blob_name(verzoek, file, number)
            if file.kind is FileKind.XML:
                blob = await self.blobs.put(name, self._counted(file, Download(len(document), _once(document)), None))
            else:
                href = link.href if link else file.href
                blob = await self._fetch_file(client, file, href, link.size if link else None, name)
            await self._record(file, blob)
        for group in groups(small):
            await self._keep_together(client, verzoek, group, fresh, document, number)

    async def _keep_together(
        self,
        client: DsoClient,
        verzoek: Verzoek,
        group: Sequence[File],
        fresh: Mapping[tuple[FileKind, str], Link],
        document: bytes,
        number: int,
    ) -> None:
        """Fetch small files into the blob store, and only then record them; see `_record`."""

        async def content(file: File) -> bytes:
            link = fresh.get((file.kind, file.document_id))
            async with _source(client, file, link, document) as download:
                chunks = self._counted(file, download, link.size if link else None)
                return b"".join([chunk async for chunk in chunks])

        contents = await side_by_side(group, content)
        names = [blob_name(verzoek, file, number) for file in group]
        blobs = await self.blobs.put_all(dict(zip(names, contents, strict=True)))
        fetched = {file.id: blob for file, blob in zip(group, blobs, strict=True)}
        recorded = await self.store.files_fetched(fetched, self.clock.now())
        for file_id in fetched.keys() - set(recorded):
            await self.blobs.delete(fetched[file_id].name)

    async def _fetch_file(self, client: DsoClient, file: File, href: str, announced: int | None, name: str) -> Blob:
        """One file in the blob store. What comes of a large one before it is cut is there for the next attempt."""
        if announced is not None and announced < RESUME_FROM:
            async with client.download(href) as download:
                return await self.blobs.put(name, self._counted(file, download, announced))
        async with self.blobs.part(part_name(name)) as part:
            while not await self._went_on(client, part, file, href, announced):
                log.info("download_goes_on", file=file.id, done=part.size)
            return await part.finish(name)

    async def _went_on(
        self, client: DsoClient, part: PartialBlob, file: File, href: str, announced: int | None
    ) -> bool:
        """Whether the file is whole now; False when it was cut, but so much came that the rest may be asked at once."""
        before = part.size
        try:
            async with client.download(href, Have(part.size, part.tag)) as download:
                if not download.start:
                    await part.begin(download.tag)
                await part.append(self._counted(file, download, announced))
        except TooLarge:
            await part.begin("")  # no attempt will want it
            raise
        except FacilityAnswerBroken:
            if part.size - before < RESUME_FROM:
                raise
            return False
        return True

    async def _record(self, file: File, blob: Blob) -> None:
        """Say that it is in the blob store; when another attempt did, what that one has stays."""
        new = (blob.name, blob.size, blob.sha256, self.clock.now())
        if file.blob is None:
            if not await self.store.file_fetched(file.id, *new):
                await self.blobs.delete(blob.name)
        else:
            replaced = await self.store.file_replaced(file.id, file.blob, *new)
            await self.blobs.delete(file.blob if replaced else blob.name)

    async def _counted(self, file: File, download: Download, announced: int | None) -> AsyncIterator[bytes]:
        """The chunks, refused as soon as their number of bytes is not what summary and answer announced."""
        lengths = {length for length in (announced, download.length) if length is not None}
        if len(lengths) > 1:
            raise FacilityAnswerBroken(f"file {file.id}: summary and answer announce different lengths")
        total = next(iter(lengths), None)
        if (total or 0) > self.file_limit:
            raise _over(file, self.file_limit)
        done = download.start
        async for chunk in download.chunks:
            done += len(chunk)
            if done > (self.file_limit if total is None else total):
                break
            self.progress(file, done, total)
            yield chunk
        if total is None and done > self.file_limit:
            raise _over(file, self.file_limit)
        if total is not None and done != total:
            raise FacilityAnswerBroken(f"file {file.id} has another length than the {total} bytes announced")


def _over(file: File, limit: int) -> TooLarge:
    return TooLarge(f"file {file.id} is over the limit of {limit} bytes")


def part_name(name: str) -> str:
    """Where all attempts at a file keep what came of it, by the name that this attempt gives it when it is whole."""
    return name.rpartition("-")[0]


def blob_name(verzoek: Verzoek, file: File, number: int) -> str:
    """Where attempt `number` keeps a file; it follows from ids alone.

    A worker that was taken for dead may still be at it: what it fetches must never replace what was recorded.
    """
    return f"verzoeken/{verzoek.aansluiting.id}/{verzoek.id}/{file.id}-{number}"


async def _document(client: DsoClient, links: Sequence[Link]) -> bytes:
    """The verzoek XML, in memory: nothing can be recorded before it says which version it is."""
    link = next((link for link in links if link.kind is FileKind.XML), None)
    if link is None:
        raise FacilityAnswerBroken("summary has no link to the verzoek XML")
    document = bytearray()
    async with client.download(link.href) as download:
        async for chunk in download.chunks:
            document += chunk
            if len(document) > LIMIT:
                raise TooLarge(f"verzoek XML is over the limit of {LIMIT} bytes")
    if link.size is not None and link.size != len(document):
        raise FacilityAnswerBroken(f"verzoek XML has {len(document)} bytes instead of the {link.size} announced")
    return bytes(document)


def _understood(
    document: bytes, notification: Notification, links: Sequence[Link], schemas: Schemas
) -> tuple[model.Verzoek, tuple[model.Finding, ...]]:
    """The verzoek that the XML says, with its findings.

    It is the one that was announced, and all its documents are linked.
    """
    try:
        verzoek = read_verzoek(document)
    except XmlError as error:  # a proxy cut it short, or put a page of its own in its place
        raise FacilityAnswerBroken(f"verzoek XML cannot be read: {error}") from error
    if not same_verzoeknummer(verzoek.verzoeknummer, notification.verzoeknummer):
        raise VerzoekError(
            f"asked for verzoek {notification.verzoeknummer} and got XML of verzoek {verzoek.verzoeknummer}",
            advice="DSO-LV gaf een ander verzoek dan gevraagd; meld dit bij DSO-LV met beide verzoeknummers.",
        )
    _check_linked(verzoek, links)
    return verzoek, (*findings(verzoek), *violations(schemas, document, limit=LIMIT))


def _check_linked(verzoek: model.Verzoek, links: Sequence[Link]) -> None:
    """A document may come later than its verzoek; without it the verzoek is not whole."""
    linked = {name for link in links if link.kind is FileKind.BIJLAGE for name in (link.document_id, link.naam)}
    missing = [each for each in verzoek.documenten if not linked & {each.document_id, each.bestandsnaam}]
    if missing:
        raise FacilityAnswerBroken(
            f"summary has no link to {len(missing)} of the documents that verzoek {verzoek.verzoeknummer} names",
            advice="DSO-LV noemt niet alle bijlagen van dit verzoek. Meld dit bij DSO-LV als het zo blijft.",
        )


def _withdrawn(newest: model.Verzoek) -> model.Verzoek:
    """The withdrawal of which only the notification tells: a version of its own, with the newest XML as its file."""
    return replace(newest, volgnummer=WITHDRAWN, doel=codes.INTREKKEN)


def _new_verzoek(verzoek: model.Verzoek) -> NewVerzoek:
    return NewVerzoek(
        verzoeknummer=verzoek.verzoeknummer,
        volgnummer=verzoek.volgnummer,
        type=verzoek.type,
        doel=verzoek.doel,
        naam=verzoek.naam or "",
        indien_datum=verzoek.indien_datum,
        test=marked_test(verzoek),
    )


def _new_files(links: Sequence[Link]) -> list[NewFile]:
    return [
        NewFile(position, link.kind, link.document_id, link.naam, link.media_type, link.href)
        for position, link in enumerate(links)
    ]


@asynccontextmanager
async def _source(client: DsoClient, file: File, link: Link | None, document: bytes) -> AsyncIterator[Download]:
    """Where the bytes of a file come from; the XML is not asked for again, for these bytes were understood."""
    if file.kind is FileKind.XML:
        yield Download(len(document), _once(document))
        return
    async with client.download(link.href if link else file.href) as download:
        yield download


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
