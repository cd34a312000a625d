"""A file of a verzoek becomes a document: whole in one call, or in bestandsdelen (zgw.md 1.2 and 1.3).

    small   POST with inhoud in base64 ─▶ done
    large   POST without inhoud ─▶ record URL and lock ─▶ PUT each part, recorded ─▶ unlock ─▶ done

Nothing is held in memory but a chunk. Which parts are there is what we recorded, for an unlock with parts missing may
be taken. When the lock is lost (a crash before it was recorded, or somebody else took it) nothing more can be done to
that document: it is begun again under another identificatie, and the unfinished one is never linked to a zaak.
"""

import base64
import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from digikoppelaar.adapters.casesystems.files import checked_content, fetched
from digikoppelaar.adapters.casesystems.multipart import form
from digikoppelaar.adapters.casesystems.zgw import documenten
from digikoppelaar.adapters.casesystems.zgw.client import Resource, Zgw, id_of
from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source
from digikoppelaar.adapters.casesystems.zgw.problems import ZgwRefused
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, StorageError
from digikoppelaar.flows.ports import BlobStore, File, Steps, Streamed

log = structlog.get_logger()

_ATTEMPTS: Final = 5
"""Documents that are begun for one file before a person must look."""
_EIO: Final = "enkelvoudiginformatieobjecten"
_ADVICE_PARTS: Final = (
    "Het zaaksysteem neemt het document niet in bestandsdelen aan. Verhoog `parts_above_mb` of vraag de leverancier, "
    "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_ATTEMPTS: Final = (
    "Een groot document kwam na enkele pogingen niet heel in het zaaksysteem: iemand anders ontgrendelt het telkens. "
    "Kijk welk systeem dat doet en geef het verzoek vrij met `digikoppelaar verzoek release`."
)


class _LockLostError(Exception):
    """This document cannot be finished by us."""


@contextmanager
def _lock_must_be_ours() -> Iterator[None]:
    try:
        yield
    except ZgwRefused as refused:
        if refused.has("incorrect-lock-id"):
            raise _LockLostError from refused
        raise


@dataclass(frozen=True, slots=True)
class Uploads:
    """The documents of one delivery. `zaak` is the URL of the zaak that they are linked to; empty: to none."""

    zgw: Zgw
    source: Source
    blobs: BlobStore
    steps: Steps
    zaak: str

    async def upload(self, file: File, informatieobjecttype: str, *, look: bool) -> Mapping[str, str]:
        """The outcome of the step of this file: the URL of its document. `look`: it may be there already."""
        _, size, sha256 = fetched(file)
        if size > self.zgw.settings.parts_above:
            url = await self._in_parts(file, informatieobjecttype)
        else:
            url = await self._whole(file, informatieobjecttype, look=look)
        await self._verify(url, size, sha256)
        return {"url": url}

    async def _whole(self, file: File, informatieobjecttype: str, *, look: bool) -> str:
        key = documenten.identificatie(self.source, file, 1), self.source.bronorganisatie
        body = documenten.document(self.source, file, informatieobjecttype, 1)
        found = await document_with(self.zgw, *key) if look else None
        return str((found or await made_once(self.zgw, *key, _inline(body, file, self.blobs)))["url"])

    async def _in_parts(self, file: File, informatieobjecttype: str) -> str:
        begun = self.steps.done(self._begun(file)) or {}
        for attempt in range(int(begun.get("attempt", "1")), _ATTEMPTS + 1):
            try:
                return await self._attempt(file, informatieobjecttype, attempt)
            except _LockLostError:
                unfinished = documenten.identificatie(self.source, file, attempt)
                log.warning("document_begun_again", file=file.id, attempt=attempt, unfinished=unfinished)
        raise CaseSystemRefused(f"file {file.id}: no attempt to upload it in parts ended", advice=_ADVICE_ATTEMPTS)

    async def _attempt(self, file: File, informatieobjecttype: str, attempt: int) -> str:
        begun = self.steps.done(self._begun(file)) or {}
        if begun.get("attempt") != str(attempt):
            identificatie = documenten.identificatie(self.source, file, attempt)
            found = await document_with(self.zgw, identificatie, self.source.bronorganisatie)
            if found is not None:
                return await self._whole_before(found, file)
            begun = await self._begin(file, informatieobjecttype, attempt)
        return await self._go_on(file, begun)

    async def _whole_before(self, found: Resource, file: File) -> str:
        """One that is there and that no step of ours tells of: whole, or its lock is lost.

        It is whole when it is linked, for we link nothing else: a lock on it is then of somebody who works on it.
        Otherwise only its content can tell (zgw.md 1.3).
        """
        _, size, sha256 = fetched(file)
        url = str(found["url"])
        if await self._is_linked(url):
            return url
        if found.get("locked") or found.get("bestandsdelen") or await self._content(url, size) != (size, sha256):
            raise _LockLostError
        return url

    async def _is_linked(self, url: str) -> bool:
        if not self.zaak:
            return False
        filters = {"zaak": self.zaak, "informatieobject": url}
        return bool(await self.zgw.list(self.zgw.zaken("zaakinformatieobjecten"), filters))

    async def _begin(self, file: File, informatieobjecttype: str, attempt: int) -> Mapping[str, str]:
        body = documenten.document(self.source, file, informatieobjecttype, attempt) | {"inhoud": None}
        try:
            made = await self.zgw.post(self.zgw.documenten(_EIO), body)
        except ZgwRefused as refused:
            if refused.has("identificatie-niet-uniek"):  # another attempt made it since we looked: that has its lock
                raise _LockLostError from refused
            raise
        if not made.get("lock") or not made.get("bestandsdelen"):
            raise CaseSystemRefused(f"file {file.id}: the case system gave no bestandsdelen", advice=_ADVICE_PARTS)
        begun = {"url": str(made["url"]), "lock": str(made["lock"]), "attempt": str(attempt)}
        await self.steps.record(self._begun(file), begun)
        return begun

    async def _go_on(self, file: File, begun: Mapping[str, str]) -> str:
        """From wherever it was: the parts that we have not recorded, and the unlock."""
        _, size, _ = fetched(file)
        url = begun["url"]
        document = await self.zgw.get(self._address(url))
        parts = sorted(document.get("bestandsdelen") or [], key=lambda part: int(part["volgnummer"]))
        if not document.get("locked"):
            return await self._unlocked_before(file, begun)
        if parts and sum(int(part["omvang"]) for part in parts) != size:
            raise CaseSystemRefused(f"file {file.id}: the bestandsdelen are not as long as it is", advice=_ADVICE_PARTS)
        await self._put_all(file, begun, parts)
        try:
            await self._unlock(begun)
        except ZgwRefused as refused:
            if not refused.has("incomplete-upload"):
                raise
            again = (await self.zgw.get(self._address(url))).get("bestandsdelen") or []
            missing = {str(part["url"]) for part in again if not part.get("voltooid")}
            await self._put_all(file, begun, parts, again=missing)
            await self._unlock(begun)
        return url if parts else await self._unlocked_before(file, begun)

    async def _unlocked_before(self, file: File, begun: Mapping[str, str]) -> str:
        """It is unlocked, by us before a crash or by somebody else: only the content tells whether all is there."""
        _, size, sha256 = fetched(file)
        if await self._content(begun["url"], size) != (size, sha256):
            raise _LockLostError
        return begun["url"]

    async def _put_all(
        self,
        file: File,
        begun: Mapping[str, str],
        parts: list[Resource],
        again: Collection[str] = (),
    ) -> None:
        offset = 0
        for part in parts:
            length, name = int(part["omvang"]), self._part(file, begun, part)
            if self.steps.done(name) is None or str(part["url"]) in again:
                await self._put(file, begun["lock"], part, offset)
                await self.steps.record(name, {})
            offset += length

    async def _put(self, file: File, lock: str, part: Resource, offset: int) -> None:
        address = self.zgw.documenten("bestandsdelen", id_of(part["url"]))
        _, _, sha256 = fetched(file)
        around = form({"lock": lock}, "inhoud", "deel", "application/octet-stream", sha256)
        length = int(part["omvang"])
        content = Streamed(length, partial(_range, self.blobs, file, offset, length))
        with _lock_must_be_ours():
            await self.zgw.put(address, around.around(content), around.content_type)

    async def _unlock(self, begun: Mapping[str, str]) -> None:
        with _lock_must_be_ours():
            await self.zgw.post(f"{self._address(begun['url'])}/unlock", {"lock": begun["lock"]})

    async def _content(self, url: str, size: int) -> tuple[int, bytes]:
        try:
            return await self.zgw.sha256(f"{self._address(url)}/download", size)
        except ZgwRefused as refused:
            if refused.status == 404:
                return -1, b""  # there is none
            raise

    async def _verify(self, url: str, size: int, sha256: bytes) -> None:
        """As the settings ask: a wrong hash is taken by servers, so only the content proves anything (zgw.md 1.2)."""
        how = self.zgw.settings.verify
        if how == "size":
            there = (await self.zgw.get(self._address(url))).get("bestandsomvang") == size
        else:
            there = how == "no" or await self._content(url, size) == (size, sha256)
        if not there:
            raise CaseSystemError(
                "a document in the case system is not what was sent",
                advice="Een document kwam niet heel in het zaaksysteem aan; verwijder het daar. Digikoppelaar probeert "
                "het opnieuw.",
            )

    def _address(self, url: str) -> str:
        return self.zgw.documenten(_EIO, id_of(url))

    def _begun(self, file: File) -> str:
        return f"document:{file.id}:begonnen"

    def _part(self, file: File, begun: Mapping[str, str], part: Resource) -> str:
        return f"document:{file.id}:{begun['attempt']}:deel:{part['volgnummer']}"


async def document_with(zgw: Zgw, identificatie: str, bronorganisatie: str) -> Resource | None:
    """The document with this number of this organisatie."""
    filters = {"identificatie": identificatie, "bronorganisatie": bronorganisatie}
    found = await zgw.list(zgw.documenten(_EIO), filters)
    return next((each for each in found if each.get("identificatie") == identificatie), None)


async def made_once(zgw: Zgw, identificatie: str, bronorganisatie: str, body: Resource | Streamed) -> Resource:
    """The document with this number, made with `body` unless another attempt was faster."""
    try:
        return await zgw.post(zgw.documenten(_EIO), body)
    except ZgwRefused as refused:
        taken = refused.has("identificatie-niet-uniek")
        found = await document_with(zgw, identificatie, bronorganisatie) if taken else None
        if found is None:
            raise
        return found


def _inline(body: Body, file: File, blobs: BlobStore) -> Streamed:
    """The JSON with the content as base64 at its end, as a stream."""
    _, size, _ = fetched(file)
    start = json.dumps(body, ensure_ascii=False)[:-1].encode() + b', "inhoud": "'
    end = b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        yield start
        left = b""
        async for chunk in checked_content(blobs, file):
            whole = left + chunk
            cut = len(whole) - len(whole) % 3
            left = whole[cut:]
            if cut:
                yield base64.b64encode(whole[:cut])
        yield base64.b64encode(left) + end

    return Streamed(len(start) + 4 * ((size + 2) // 3) + len(end), pieces)


async def _range(blobs: BlobStore, file: File, offset: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes from `offset` on. The blob itself was hashed when it was fetched, and a part has no hash."""
    blob, _, _ = fetched(file)
    left = length
    chunks = blobs.get(blob, offset)
    try:
        async for chunk in chunks:
            yield chunk[:left]
            left -= len(chunk[:left])
            if not left:
                return
    finally:
        if close := getattr(chunks, "aclose", None):
            await close()
    raise StorageError(f"file {file.id} in the blob store is shorter than what was fetched")
