"""What was sent to KOOP and what came back, as files that a person can hand over.

    evidence.json          whose it is, what became of it, what happened, and the SHA-256 of every other file
    document.json          its text as it is now
    attempt-1/request.xml  what the first attempt sent, byte for byte; inhoud.xml is what was in its zip
    attempt-1/answer       what KOOP answered, byte for byte, or the first bytes of it

The same kennisgeving and profile give the same request, so `made_again` says of each whether it still does: not when
the text was edited after it was refused, or when the profile changed.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256

from digikoppelaar.drop import soap
from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.envelope import request
from digikoppelaar.drop.inhoud import unpack
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.ports import Aansluiting, is_sandbox
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingStore, StoredKennisgeving


async def evidence(
    store: KennisgevingStore, row: StoredKennisgeving, publisher: Aansluiting, profile: EnvelopeProfile
) -> Mapping[str, bytes]:
    """The files by name; nothing in them says when they were made. Raises StorageError."""
    files = {"document.json": _json(row.document)}
    attempts, now = await store.attempts(row.id), _made_now(row, profile)
    for attempt in attempts:
        sent, answer = await store.exchange(row.id, attempt.number)
        folder = f"attempt-{attempt.number}"
        files[f"{folder}/request.xml"] = sent
        if inhoud := _inhoud(sent, profile):
            files[f"{folder}/inhoud.xml"] = inhoud
        if answer is not None:
            files[f"{folder}/answer"] = answer
    told = {
        "sandbox": is_sandbox(publisher.omgeving),
        "omgeving": publisher.omgeving,
        "organisatie_oin": publisher.organisatie_oin,
        "organisatie_naam": publisher.organisatie_naam,
        **{name: value for name, value in asdict(row).items() if name not in ("document", "due_at")},
        "attempts": [{**asdict(each), "made_again": each.request_sha256 == now} for each in attempts],
        "log": [asdict(line) for line in await store.log(row.id)],
        "sha256": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    return {"evidence.json": _json(told), **files}


def _made_now(row: StoredKennisgeving, profile: EnvelopeProfile) -> bytes | None:
    """The SHA-256 of the request as it would be made now."""
    try:
        return sha256(request(from_document(row.document), profile).body).digest()
    except DigikoppelaarError:
        return None


def _inhoud(sent: bytes, profile: EnvelopeProfile) -> bytes | None:
    """`inhoud.xml` in a request; None when the profile has another place for it now."""
    operation = soap.read_body(sent)
    packed = [] if operation is None else soap.at(operation, profile.element_namespace, profile.path["inhoud_zip"])
    return unpack(b64decode(packed[0].text or "")) if packed else None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain).encode()


def _plain(value: object) -> str:
    match value:
        case bytes():
            return value.hex()
        case date():  # and moments
            return value.isoformat()
    raise TypeError(type(value).__name__)
