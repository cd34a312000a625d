"""What a webhook is told of a verzoek: the JSON document, which is also what templates can use. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from digikoppelaar.adapters.casesystems.filenames import FileNames
from digikoppelaar.adapters.casesystems.files import fetched
from digikoppelaar.flows.ports import File, Handover
from digikoppelaar.stam.rules import Action
from digikoppelaar.stam.verzoek import as_json

ACTIES: Final[Mapping[Action, str]] = {
    Action.DELIVER_AANVULLING: "aanvulling",
    Action.DELIVER_INTREKKING: "intrekking",
}
"""What a version is to the case system; every other one is `nieuw`."""
NAMES: Final = frozenset(
    {
        "omgeving",
        "oin",
        "organisatie",
        "verzoeknummer",
        "volgnummer",
        "doel",
        "type",
        "naam",
        "actie",
        "test",
        "zaak",
        "vervallenDocumenten",
        "verzoek",
        "bestanden",
    }
)
"""The names in the document."""
BESTAND: Final = "bestand"
"""The name of the file that an upload is for."""
REFERENTIE: Final = "referentie"
"""The name of the reference that the case system gave, in uploads and in the closing call."""


def document(handover: Handover) -> dict[str, Any]:
    """The verzoek as JSON values. It holds personal data: it goes to the case system and nowhere else.

    Raises StorageError when a file was not fetched yet.
    """
    verzoek = handover.verzoek
    return {
        "omgeving": verzoek.aansluiting.omgeving,
        "oin": verzoek.aansluiting.organisatie_oin,
        "organisatie": verzoek.aansluiting.organisatie_naam,
        "verzoeknummer": verzoek.verzoeknummer,
        "volgnummer": verzoek.volgnummer,
        "doel": verzoek.doel,
        "type": verzoek.type,
        "naam": verzoek.naam,
        "actie": ACTIES.get(verzoek.action, "nieuw"),
        "test": verzoek.test,
        "zaak": handover.case,
        "vervallenDocumenten": list(verzoek.lapsed),
        "verzoek": as_json(handover.read),
        "bestanden": bestanden(verzoek.files),
    }


def bestanden(files: Sequence[File]) -> list[dict[str, Any]]:
    """The files, in their order: `naam` as the applicant has it, `bestandsnaam` a safe one that no other file has."""
    names = FileNames()
    return [_bestand(file, number, names) for number, file in enumerate(files, start=1)]


def _bestand(file: File, number: int, names: FileNames) -> dict[str, Any]:
    _, size, sha256 = fetched(file)
    return {
        "nummer": number,
        "documentId": file.document_id,
        "soort": file.kind.value,
        "naam": file.naam,
        "bestandsnaam": names.give(file.naam, f"{file.kind.value}-{number}"),
        "mediaType": file.media_type,
        "bytes": size,
        "sha256": sha256.hex(),
    }
