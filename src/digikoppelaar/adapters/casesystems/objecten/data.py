"""The data of the object, by default as a productaanvraag that Dimpact ZAC and Valtimo take. Pure.

Its names are those of the public code of ZAC and of the registration of Open Forms (zgw.md 1.6); what a consumer really
needs is in the schema of its objecttype, so a template can replace all of it.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from digikoppelaar.adapters.casesystems import publication
from digikoppelaar.adapters.casesystems.objecten.settings import ObjectenSettings
from digikoppelaar.adapters.casesystems.webhook.document import document
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import FileKind, Handover, News, Verzoek
from digikoppelaar.stam.model import Persoon

BRON: Final = "digikoppelaar (Omgevingsloket)"


def object_uuid(verzoek: Verzoek, target: str) -> UUID:
    """The UUID that we give the object: always the same for this version and target, and for nothing else.

    A consumer such as ZAC claims by it, so that an object that comes twice is still one productaanvraag.
    """
    aansluiting = verzoek.aansluiting
    where = f"{aansluiting.omgeving}/{aansluiting.organisatie_oin}/{target}"
    text = f"{where}/{verzoek.verzoeknummer}/{verzoek.volgnummer}"
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)


def kenmerk(verzoek: Verzoek, target: str) -> str:
    """By what the version is known in the data; its end keeps two authorities apart that share a server."""
    return f"DSO-{verzoek.verzoeknummer}-{verzoek.volgnummer}-{object_uuid(verzoek, target).hex[:8]}"


def record_data(
    handover: Handover, target: str, settings: ObjectenSettings, documenten: Mapping[int, str]
) -> dict[str, Any]:
    """The data of the record; `documenten` are the URLs of the documents by the id of their file.

    Raises ConfigError when the template does not fit, or leaves out the kenmerk by which the object is found again.
    """
    values = _values(handover, target, settings, documenten)
    data = json.loads(settings.data.render(values)) if settings.data else _productaanvraag(values)
    if at(data, settings.kenmerk_path) != values["kenmerk"]:
        path = ".".join(settings.kenmerk_path)
        raise ConfigError(
            f"the data of the object must hold the kenmerk at {path}",
            advice=f"Neem in het sjabloon van de bestemming het kenmerk op als `{path}`, of stel kenmerk_path in.",
        )
    assert isinstance(data, dict)
    return data


def at(data: object, path: tuple[str, ...]) -> object:
    """What stands at this path; None when nothing does."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def with_publication(record: Mapping[str, Any], news: News, path: tuple[str, ...]) -> dict[str, Any] | None:
    """The next record, with the publication in the list at this path of the data; None when it is there already.

    Raises ConfigError when something else stands there.
    """
    data = copy.deepcopy(record["data"])
    place = data
    for name in path[:-1]:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
    listed = place.setdefault(path[-1], []) if isinstance(place, dict) else None
    if not isinstance(listed, list):
        raise ConfigError(
            f"the data of the object have no room for a list at {'.'.join(path)}",
            advice="Pas de instelling publicaties_path van de bestemming aan, en geef het verzoek vrij met "
            "`digikoppelaar verzoek release`.",
        )
    told = {"moment": news.kennisgeving.moment.value, **publication.document(news)["publicatie"]}
    if told in listed:
        return None
    listed.append(told)
    kept = {name: record[name] for name in ("typeVersion", "geometry") if record.get(name)}
    return {**kept, "data": data, "startAt": news.publication.published_on.isoformat()}


def _values(
    handover: Handover, target: str, settings: ObjectenSettings, documenten: Mapping[int, str]
) -> dict[str, Any]:
    verzoek = handover.verzoek
    values = document(handover)
    urls = [documenten[file.id] for file in verzoek.files]
    return {
        **values,
        "bestanden": [{**bestand, "url": url} for bestand, url in zip(values["bestanden"], urls, strict=True)],
        "kenmerk": kenmerk(verzoek, target),
        "productaanvraagtype": settings.productaanvraagtype or verzoek.type,
        "vorige": handover.case,
        "documenten": {
            kind.value: [documenten[file.id] for file in verzoek.files if file.kind is kind] for kind in FileKind
        },
        "initiator": _initiator(handover.read.initiatiefnemer),
    }


def _productaanvraag(values: Mapping[str, Any]) -> dict[str, Any]:
    facts = ("verzoeknummer", "volgnummer", "doel", "type", "naam", "actie", "test", "vorige", "vervallenDocumenten")
    documenten = values["documenten"]
    return {
        "bron": {"naam": BRON, "kenmerk": values["kenmerk"]},
        "type": values["productaanvraagtype"],
        "taal": "nld",
        "aanvraaggegevens": {"dso": {name: values[name] for name in facts}, "verzoek": values["verzoek"]},
        "betrokkenen": [values["initiator"]] if values["initiator"] else [],
        "bijlagen": [*documenten["xml"], *documenten["bijlage"]],
        **({"pdf": documenten["pdf"][0]} if documenten["pdf"] else {}),
    }


def _initiator(persoon: Persoon | None) -> dict[str, str] | None:
    """Who asks, by the one number that is known; nobody when none is."""
    if persoon is None:
        return None
    numbers = {
        "inpBsn": persoon.bsn,
        "vestigingsNummer": persoon.vestigingsnummer,
        "kvkNummer": persoon.kvk_nummer,
    }
    found = {name: number for name, number in numbers.items() if number}
    return {"rolOmschrijvingGeneriek": "initiator", **found} if found else None
