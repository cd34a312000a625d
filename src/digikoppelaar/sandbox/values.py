"""What the management port tells, as JSON values."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from digikoppelaar.sandbox.dso_lv import Progress
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.served import ServedFile
from digikoppelaar.sandbox.state import Announcement, RecordedRefusal, Submitted, Version

ProgressOf = Callable[[Announcement], Progress]

EVERYWHERE: Final = "overal"
"""The area of an authority that has the whole country."""


def verzoek_values(verzoek: Submitted, progress: ProgressOf, *, files: bool) -> dict[str, object]:
    """A verzoek: its newest version, how far the first notification about that is, and all versions in short.

    With `files` also what is served, which is written first when it was not yet. Of a version after a re-route to who
    is not connected nobody was told.
    """
    version = verzoek.newest
    told = _announcement(version.announcements[0], version, progress) if version.announcements else {}
    return {
        "verzoeknummer": verzoek.verzoeknummer,
        "oin": told.get("oin", verzoek.route.handler.oin),
        "soort": version.inhoud.soort.value if version.inhoud.soort else None,
        "type": version.inhoud.type,
        "doel": version.head.doel,
        "naam": version.inhoud.naam,
        "submitted_at": version.head.submitted_at.isoformat(),
        **{key: told.get(key) for key in ("message_id", "state", "attempts", "acknowledged", "acknowledged_at")},
        "volgnummer": version.head.volgnummer,
        "bevoegd_gezag": verzoek.route.bevoegd_gezag.oin,
        "behandeldienst": verzoek.route.behandeldienst.oin if verzoek.route.behandeldienst else None,
        "activiteiten": [activiteit.naam for activiteit in version.inhoud.activiteiten],
        "related": list(verzoek.related),
        "versions": [_version(each, progress) for each in verzoek.versions],
        **({"files": list(map(_file, verzoek.current.files))} if files else {}),
    }


def organisatie_values(organisatie: Organisatie) -> dict[str, object]:
    """A connected authority."""
    return {
        "oin": organisatie.oin,
        "naam": organisatie.naam,
        "bestuurslaag": organisatie.bestuurslaag,
        "gebied": [" ".join(f"{x:g},{y:g}" for x, y in ring) for ring in organisatie.gebied] or EVERYWHERE,
        "behandeldiensten": [
            {"oin": each.oin, "activiteiten": sorted(each.activiteiten), "kopie": each.kopie}
            for each in organisatie.behandeldiensten
        ],
    }


def refusal_values(recorded: RecordedRefusal) -> dict[str, object]:
    """Something that was not taken."""
    return {
        "at": recorded.at.isoformat(),
        "channel": recorded.channel,
        "oin": recorded.oin,
        "statement": recorded.refusal.statement,
        "reason": recorded.refusal.reason,
    }


def _file(file: ServedFile) -> dict[str, object]:
    return {
        "kind": file.kind,
        "document_id": file.document_id,
        "naam": file.naam,
        "bytes": file.size,
        "sha256": file.sha256.hex(),
    }


def _version(version: Version, progress: ProgressOf) -> dict[str, object]:
    return {
        "volgnummer": version.head.volgnummer,
        "doel": version.head.doel,
        "submitted_at": version.head.submitted_at.isoformat(),
        "served": version.served,
        "notifications": [_announcement(each, version, progress) for each in version.announcements],
    }


def _announcement(announcement: Announcement, version: Version, progress: ProgressOf) -> dict[str, object]:
    now, oin = progress(announcement), announcement.to.gezag.oin
    return {
        "oin": oin,
        "message_id": announcement.awaited.message_id,
        "state": now.state,
        "attempts": now.attempts,
        "acknowledged": now.acknowledged_at is not None,
        "acknowledged_at": _moment(now.acknowledged_at),
        "fetched_at": _moment(version.fetched.get(oin)),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
