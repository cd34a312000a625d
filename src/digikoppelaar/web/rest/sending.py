"""A message that an application gives us: from JSON or from a form to the Submitter."""

from typing import Any

from starlette.requests import Request

from digikoppelaar.errors import ConfigError, StorageError
from digikoppelaar.flows.application import Application, action_of, own_cpa
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.submit import Submission
from digikoppelaar.web.rest import requests
from digikoppelaar.web.rest.multipart import FormPart, Upload
from digikoppelaar.web.rest.parts import Parts
from digikoppelaar.web.rest.problems import Problem

PROPERTIES = "requestProperties"
"""The part of a form that says what to send."""


async def submit(parts: Parts, who: Application, properties: Any, payloads: tuple[NewPayload, ...]) -> str:
    """Submit what `properties` and payloads say; the MessageId. Raises Problem 400, ConfigError, SubmissionError."""
    addressed = requests.addressed(properties)
    cpa = await own_cpa(parts.registry, who, addressed.cpa_id)
    action = action_of(cpa.agreement, addressed)
    submission = Submission(
        service=action.service,
        action=action.action,
        payloads=payloads,
        message_id=requests.optional_field(properties, "messageId"),
        conversation_id=requests.optional_field(properties, "conversationId"),
        ref_to_message_id=requests.optional_field(properties, "refToMessageId"),
    )
    return await parts.submitter.submit(cpa, submission)


async def submit_json(parts: Parts, who: Application, request: Request) -> str:
    """A message in one JSON document, with its payloads in base64."""
    document = await requests.json_body(request, parts.limits.json)
    properties = document.get("properties") if isinstance(document, dict) else None
    return await submit(parts, who, properties, requests.payloads(document))


async def submit_form(parts: Parts, who: Application, request: Request) -> str:
    """A message as multipart/form-data, of any size, in constant memory."""
    async with Upload(parts.blobs, lambda: f"ebms/{who.omgeving}/{parts.ids.unique()}") as upload:
        body = requests.chunks(request, parts.limits.upload)
        form = await upload.read(request.headers.get("content-type", ""), body)
        properties = requests.read_json(_properties_of(form))
        payloads = tuple(_payload(part) for part in form if part.name != PROPERTIES)
        try:
            message_id = await submit(parts, who, properties, payloads)
        except StorageError:
            upload.take()  # it was perhaps committed, and then the row refers to these blobs
            raise
        upload.take()
    return message_id


async def resend(parts: Parts, who: Application, message_id: str) -> str | None:
    """Send an earlier message of ours again as a new one; None when there is none. Raises SubmissionError."""
    found = await parts.store.message(who, message_id)
    if found is None:
        return None
    try:
        cpa = await own_cpa(parts.registry, who, found.cpa_id)
    except ConfigError:  # the CPA was removed since
        return None
    return await parts.submitter.resend(cpa, message_id)


def _properties_of(form: list[FormPart]) -> bytes:
    for part in form:
        if part.name == PROPERTIES and isinstance(part.content, bytes):
            return part.content
    raise Problem(400, f"the form has no part {PROPERTIES}, or it is too large")


def _payload(part: FormPart) -> NewPayload:
    return NewPayload(part.content_type, part.content, part.content_id, part.filename)
