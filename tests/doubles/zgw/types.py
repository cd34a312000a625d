"""The content of the catalogus: what a municipality would have made for verzoeken. Values only."""

from typing import Final

from tests.doubles.answers import Resource
from tests.doubles.zgw.world import RSIN

ZAAKTYPEN: Final = ("OMGEVING-AANVRAAG", "OMGEVING-MELDING", "OMGEVING-CONCEPT")
"""Identificaties of the zaaktypen; each has everything below."""
ROLTYPEN: Final = {"Aanvrager": "initiator", "Gemachtigde": "belanghebbende", "Contactpersoon": "klantcontacter"}
STATUSTYPEN: Final = ("Ontvangen", "In behandeling", "Ingetrokken", "Afgehandeld")
"""In their order; the last closes the zaak."""
EIGENSCHAPPEN: Final = {
    "verzoeknummer": 20,
    "projectnaam": 255,
    "bouwkosten": 20,
    "activiteit": 255,
    "test": 10,
    "publicatienummer": 20,
    "publicatiedatum": 10,
    "publicatieadres": 60,
}
"""With their length; a name has at most 20 characters."""
BESLUITTYPE: Final = "Omgevingsvergunning verleend"
DOCUMENTTYPEN: Final = ("Aanvraag", "Bijlage")
FOREIGN_DOCUMENTTYPE: Final = "Besluit"
"""In the catalogus, but not of any zaaktype."""
BEGIN: Final = "2020-01-01"
SUCCEEDED: Final = "2024-01-01"
"""When the first version of each zaaktype gave way to the one in force."""
_EMPTY: Final = (
    *("resultaattypen", "resultaattypeOmschrijving", "besluittypen", "besluittypeOmschrijving", "deelzaaktypen"),
    *("deelzaaktypeIdentificaties", "gerelateerdeZaaktypen", "zaakobjecttypen", "productenOfDiensten", "trefwoorden"),
)
_END: Final = "2099-12-31"
_VALIDITY: Final[Resource] = {
    "beginGeldigheid": BEGIN,
    "eindeGeldigheid": None,
    "beginObject": BEGIN,
    "eindeObject": _END,
}


def catalogus_resource() -> Resource:
    """The catalogus itself."""
    return {
        "domein": "OMGEV",
        "rsin": RSIN,
        "contactpersoonBeheerNaam": "Beheer",
        "zaaktypen": [],
        "besluittypen": [],
        "besluittypeOmschrijving": [],
        "informatieobjecttypen": [],
        "informatieobjecttypeOmschrijving": [*DOCUMENTTYPEN, FOREIGN_DOCUMENTTYPE],
        "naam": "Omgevingswet",
    }


def documenttype(catalogus: str, name: str) -> Resource:
    """An informatieobjecttype."""
    return _VALIDITY | {
        "catalogus": catalogus,
        "omschrijving": name,
        "vertrouwelijkheidaanduiding": "zaakvertrouwelijk",
        "concept": False,
        "besluittypen": [],
        "besluittypeOmschrijving": [],
        "informatieobjectcategorie": "document",
        "zaaktypen": [],
        "zaaktypeIdentificaties": [],
    }


def besluittype(catalogus: str, name: str) -> Resource:
    """A besluittype."""
    none: Resource = {name: [] for name in ("zaaktypen", "zaaktypeIdentificaties", "resultaattypen", "vastgelegdIn")}
    names = ("informatieobjecttypen", "informatieobjecttypeOmschrijvingen", "resultaattypenOmschrijving")
    return (
        _VALIDITY
        | none
        | {each: [] for each in names}
        | {
            "catalogus": catalogus,
            "omschrijving": name,
            "publicatieIndicatie": True,
            "concept": False,
        }
    )


def zaaktype_resource(catalogus: str, identity: str, begin: str, end: str | None, *, concept: bool) -> Resource:
    """A version of a zaaktype, without what belongs to it."""
    validity = {"beginGeldigheid": begin, "eindeGeldigheid": end, "beginObject": begin, "eindeObject": end or _END}
    none: Resource = {name: [] for name in _EMPTY}
    return none | {
        "identificatie": identity,
        "omschrijving": identity.replace("-", " ").capitalize(),
        "vertrouwelijkheidaanduiding": "zaakvertrouwelijk",
        "doel": "Een besluit nemen.",
        "aanleiding": "Een verzoek.",
        "indicatieInternOfExtern": "extern",
        "handelingInitiator": "indienen",
        "onderwerp": "Verzoek",
        "handelingBehandelaar": "behandelen",
        "doorlooptijd": "P56D",
        "opschortingEnAanhoudingMogelijk": True,
        "verlengingMogelijk": True,
        "verlengingstermijn": "P42D",
        "publicatieIndicatie": False,
        "referentieproces": {"naam": "Behandelen"},
        "verantwoordelijke": "Vergunningen",
        "catalogus": catalogus,
        "versiedatum": begin,
        "concept": concept,
        **validity,
    }


def parts_of(zaaktype: Resource) -> dict[str, list[Resource]]:
    """Roltypen, statustypen and eigenschappen of a zaaktype."""
    common = _VALIDITY | _of(zaaktype)
    roltypen = [common | {"omschrijving": name, "omschrijvingGeneriek": generic} for name, generic in ROLTYPEN.items()]
    statustypen = [
        common
        | {"omschrijving": name, "volgnummer": number, "isEindstatus": number == len(STATUSTYPEN)}
        | {"informeren": False, "eigenschappen": [], "zaakobjecttypen": []}
        for number, name in enumerate(STATUSTYPEN, 1)
    ]
    eigenschappen = [
        common | {"naam": name, "definitie": name, "specificatie": _specification(length), "statustype": None}
        for name, length in EIGENSCHAPPEN.items()
    ]
    return {"roltypen": roltypen, "statustypen": statustypen, "eigenschappen": eigenschappen}


def relation(zaaktype: Resource, documenttype: Resource, number: int) -> Resource:
    """That documents of this type may be in a zaak of that type."""
    return _of(zaaktype) | {
        "informatieobjecttype": documenttype["url"],
        "volgnummer": number,
        "richting": "inkomend",
        "statustype": None,
    }


def _of(zaaktype: Resource) -> Resource:
    return {
        "zaaktype": zaaktype["url"],
        "zaaktypeIdentificatie": zaaktype["identificatie"],
        "catalogus": zaaktype["catalogus"],
    }


def _specification(length: int) -> Resource:
    return {"groep": "", "formaat": "tekst", "lengte": str(length), "kardinaliteit": "1", "waardenverzameling": []}
