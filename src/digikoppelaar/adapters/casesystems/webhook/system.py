"""A delivery to a webhook: the document, then an upload for each file, then the closing call; each of them a step.

A step that was taken is recorded. One that was under way may have been taken: its repeat has the same idempotency key,
by which the other side knows it, or it answers with a status that the settings name as `already_there`.
"""

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from digikoppelaar.adapters.casesystems import publication
from digikoppelaar.adapters.casesystems.answers import check, text_at
from digikoppelaar.adapters.casesystems.files import checked_content, fetched
from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.multipart import form, plain_media_type
from digikoppelaar.adapters.casesystems.templates import origin_of
from digikoppelaar.adapters.casesystems.webhook.document import BESTAND, REFERENTIE, document
from digikoppelaar.adapters.casesystems.webhook.settings import Body, Login, Request, Uploads, WebhookSettings
from digikoppelaar.adapters.secret_files import SecretFiles, secret_line
from digikoppelaar.errors import CaseSystemRefused, StorageError
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.ports import (
    Aansluiting,
    BlobStore,
    Clock,
    File,
    FileKind,
    Handover,
    News,
    PlannedStep,
    Steps,
    Streamed,
)
from digikoppelaar.flows.webhooks import SIGNATURE_HEADER, signature

OPENING: Final = "document"
CLOSING: Final = "afsluiten"
NOT_SET: Final = "De bestemming heeft geen publication.url, dus er is niets verteld."
HASH_HEADER: Final = "Digikoppelaar-SHA256"
"""The SHA-256 of the document, or of the file in an upload, in hexadecimal."""

_SLOWEST: Final = 100_000
"""Bytes a second that an upload must make, on top of the time-out of a call."""
_ADVICE_REFERENCE: Final = (
    "Het zaaksysteem nam het verzoek aan, maar zegt niet onder welk kenmerk. Controleer de instelling reference van de "
    "bestemming, en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
)


def upload_step(file: File) -> str:
    """The name of the step that uploads this file."""
    return f"bestand-{file.id}"


@dataclass(frozen=True, slots=True)
class _Payload:
    """What a request carries; `sha256` is raw, of the document or the file."""

    content_type: str
    body: bytes | Streamed = field(repr=False)
    sha256: bytes

    @classmethod
    def of(cls, content_type: str, text: str) -> "_Payload":
        body = text.encode(errors="replace")
        return cls(content_type, body, hashlib.sha256(body).digest())

    @property
    def size(self) -> int:
        return self.body.size if isinstance(self.body, Streamed) else len(self.body)


@dataclass(frozen=True, slots=True)
class WebhookCaseSystem:
    """flows.ports.CaseSystem for a supplier with an interface of its own."""

    settings: WebhookSettings
    http: CaseSystemHttp
    clock: Clock

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """See flows.ports.CaseSystem. The reference is what the answer says, or else the verzoeknummer."""
        values = await aside(partial(document, handover))
        reference = await self._open(handover, values, blobs, steps)
        values[REFERENTIE] = reference
        for file, with_file in self._files(handover, values):
            await self._upload(handover, file, with_file, blobs, steps)
        await self._close(handover, values, steps)
        return reference

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem. Every template is filled in and every secret read; nothing is sent."""
        values = await aside(partial(document, handover))
        opening = self.settings.opening
        await asyncio.to_thread(self._secrets)
        if not opening.xml:
            await self._opening_text(values)
        planned = [self._planned(OPENING, opening.request, values, "het verzoek", steps)]
        values[REFERENTIE] = (steps.done(OPENING) or {}).get("reference", handover.verzoek.verzoeknummer)
        for file, with_file in self._files(handover, values):
            uploads = self._uploads()
            _rendered(uploads.fields, with_file)
            what = f"bestand {with_file[BESTAND]['nummer']} ({file.kind.value}, {file.size} bytes)"
            planned.append(self._planned(upload_step(file), uploads.request, with_file, what, steps))
        if closing := self.settings.closing:
            planned.append(self._planned(CLOSING, closing.request, values, "melding dat alles er is", steps))
        return planned

    async def tell(self, news: News) -> str:
        """See flows.ports.CaseSystem: one request, when the settings have one for it."""
        wanted = self.settings.publication
        if wanted is None:
            return NOT_SET
        values = publication.document(news)
        payload = _body_of(wanted.body, values) if wanted.body else _Payload.of(*_as_json(values))
        step = f"{publication.ACTIE}-{news.publication.number}"
        key = _key(news.aansluiting, f"{news.verzoeknummer}-{step}")
        await self._call(step, wanted.request, values, payload, key)
        return ""

    def _planned(self, name: str, request: Request, values: Mapping[str, Any], what: str, steps: Steps) -> PlannedStep:
        url = request.address(values)
        _rendered(request.headers, values)
        return PlannedStep(name, f"{request.method} naar {origin_of(url)}: {what}.", steps.done(name) is not None)

    async def _open(self, handover: Handover, values: Mapping[str, Any], blobs: BlobStore, steps: Steps) -> str:
        if (done := steps.done(OPENING)) is not None:
            return done["reference"]
        if self.settings.opening.xml:
            payload = _xml_of(handover, blobs)
        else:
            payload = _Payload.of(*await self._opening_text(values))
        key = _step_key(handover, OPENING)
        answer = await self._call(OPENING, self.settings.opening.request, values, payload, key)
        reference = self._reference(answer, handover)
        await steps.record(OPENING, {"reference": reference})
        return reference

    async def _opening_text(self, values: Mapping[str, Any]) -> tuple[str, str]:
        """Media type and text of the first request."""
        body = self.settings.opening.body
        if body is None:
            return await aside(partial(_as_json, values))
        return body.media_type, await aside(partial(body.template.render, values))

    def _reference(self, answer: Answer, handover: Handover) -> str:
        if self.settings.reference is None:
            return handover.verzoek.verzoeknummer
        found = text_at(answer, self.settings.reference)
        if found is None:
            raise CaseSystemRefused(
                f"{OPENING}: the answer has no reference at {self.settings.reference}", advice=_ADVICE_REFERENCE
            )
        return found

    def _files(self, handover: Handover, values: Mapping[str, Any]) -> Iterator[tuple[File, dict[str, Any]]]:
        """The files to upload, each with the values for its templates."""
        kinds = self.settings.uploads.kinds if self.settings.uploads else frozenset()
        for file, bestand in zip(handover.verzoek.files, values["bestanden"], strict=True):
            if file.kind in kinds:
                yield file, {**values, BESTAND: bestand}

    def _uploads(self) -> Uploads:
        assert self.settings.uploads is not None, "there are files to upload"
        return self.settings.uploads

    async def _upload(
        self, handover: Handover, file: File, values: Mapping[str, Any], blobs: BlobStore, steps: Steps
    ) -> None:
        name, uploads = upload_step(file), self._uploads()
        if steps.done(name) is not None:
            return
        payload = _upload_of(file, uploads, values, blobs)
        answer = await self._call(name, uploads.request, values, payload, _step_key(handover, _of_file(file)))
        await steps.record(name, {"status": str(answer.status)})

    async def _close(self, handover: Handover, values: Mapping[str, Any], steps: Steps) -> None:
        closing = self.settings.closing
        if closing is None or steps.done(CLOSING) is not None:
            return
        payload = _body_of(closing.body, values)
        answer = await self._call(CLOSING, closing.request, values, payload, _step_key(handover, CLOSING))
        await steps.record(CLOSING, {"status": str(answer.status)})

    async def _call(
        self,
        step: str,
        request: Request,
        values: Mapping[str, Any],
        payload: _Payload,
        key: str,
    ) -> Answer:
        """Make one request; the answer says that the step was taken, now or by an earlier attempt."""
        settings = self.settings
        headers = {
            **_rendered(request.headers, values),
            "Content-Type": payload.content_type,
            settings.idempotency_header: key,
            HASH_HEADER: payload.sha256.hex(),
            **await asyncio.to_thread(self._secret_headers, payload),
        }
        answer = await self.http.send(
            Call(
                request.method,
                request.address(values),
                headers,
                payload.body,
                settings.ca_file,
                settings.identity,
                settings.timeout + payload.size / _SLOWEST,
            )
        )
        if answer.status not in settings.already_there:
            check(answer, step, self.clock.now())
        return answer

    def _secrets(self) -> tuple[str | None, bytes | None]:
        """Authorization and the secret for signatures, read anew each time: both may be replaced while we run."""
        login, secret = self.settings.login, self.settings.signature_secret_file
        return (
            _authorization(login) if login else None,
            SecretFiles().secret(str(secret)) if secret else None,
        )

    def _secret_headers(self, payload: _Payload) -> dict[str, str]:
        authorization, secret = self._secrets()
        headers = {"Authorization": authorization} if authorization else {}
        if secret:
            # What is streamed is signed by its hash, which is in a header: it is not in memory.
            signed = payload.body if isinstance(payload.body, bytes) else payload.sha256.hex().encode()
            headers[SIGNATURE_HEADER] = signature(secret, int(self.clock.now().timestamp()), signed)
        return headers


def _authorization(login: Login) -> str:
    if login.user is None:
        return f"Bearer {secret_line(login.secret_file, 'token')}"
    password = secret_line(login.secret_file, "password")
    return f"Basic {b64encode(f'{login.user}:{password}'.encode()).decode()}"


def _rendered(templates: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    return {name: template.render(values) for name, template in templates.items()}


def _step_key(handover: Handover, step: str) -> str:
    """The same for each repeat of this step of this version, and for nothing else."""
    verzoek = handover.verzoek
    return _key(verzoek.aansluiting, f"{verzoek.verzoeknummer}-{verzoek.volgnummer}-{step}")


def _key(aansluiting: Aansluiting, what: str) -> str:
    """Of nothing that is ours alone: after a restore of our database it is still the same."""
    return f"{aansluiting.omgeving}-{aansluiting.organisatie_oin}-{what}"


def _of_file(file: File) -> str:
    """A file as DSO-LV knows it: our id may be another after a restore. Hashed, for a header cannot hold any text."""
    return f"bestand-{hashlib.sha256(f'{file.kind.value} {file.document_id}'.encode()).hexdigest()[:20]}"


def _as_json(values: Mapping[str, Any]) -> tuple[str, str]:
    return "application/json", json.dumps(values, ensure_ascii=False)


def _body_of(body: Body | None, values: Mapping[str, Any]) -> _Payload:
    if body is None:
        return _Payload.of("application/json", "{}")
    return _Payload.of(body.media_type, body.template.render(values))


def _xml_of(handover: Handover, blobs: BlobStore) -> _Payload:
    file = next((file for file in handover.verzoek.files if file.kind is FileKind.XML), None)
    if file is None:
        raise StorageError(f"verzoek {handover.verzoek.id} has no XML")
    return _Payload("application/xml", _streamed(file, blobs), fetched(file)[2])


def _upload_of(file: File, uploads: Uploads, values: Mapping[str, Any], blobs: BlobStore) -> _Payload:
    _, _, sha256 = fetched(file)
    media_type, stream = plain_media_type(file.media_type), _streamed(file, blobs)
    if uploads.part is None:
        return _Payload(media_type, stream, sha256)
    fields = _rendered(uploads.fields, values)
    around = form(fields, uploads.part, values[BESTAND]["bestandsnaam"], media_type, sha256)
    return _Payload(around.content_type, around.around(stream), sha256)


def _streamed(file: File, blobs: BlobStore) -> Streamed:
    return Streamed(fetched(file)[1], partial(checked_content, blobs, file))
