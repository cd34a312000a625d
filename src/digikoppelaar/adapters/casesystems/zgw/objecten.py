"""Where it happens, as zaakobjecten: addresses, parcels, and what fits neither. Pure.

ZGW knows one geometry for a zaak and any number of objects (zgw.md 1.4), so every location becomes an object.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from digikoppelaar.adapters.casesystems.zgw.mapping import Body, Source
from digikoppelaar.adapters.casesystems.zgw.rollen import contains, postcode
from digikoppelaar.adapters.casesystems.zgw.texts import cut, joined, one_line
from digikoppelaar.stam.geometry import geojson
from digikoppelaar.stam.model import Adres, Perceel, Projectlocatie
from digikoppelaar.stam.verzoek import as_json

_RELATIE: Final = 80
_NUMBER: Final = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class WantedObject:
    """A zaakobject that the zaak must have; `body` lacks the zaak. Its relatieomschrijving is ours alone."""

    name: str
    body: Body

    def is_in(self, zaakobject: Body) -> bool:
        """Whether `zaakobject`, of the case system, is this one: made for it, or about the very same thing."""
        same_kind = all(zaakobject.get(key) == self.body.get(key) for key in ("objectType",))
        marked = zaakobject.get("relatieomschrijving") == self.body["relatieomschrijving"]
        return same_kind and (
            marked or contains(zaakobject.get("objectIdentificatie"), self.body["objectIdentificatie"])
        )


def wanted_objecten(source: Source) -> list[WantedObject]:
    """The objects of every location, in their order, and the whole verzoek when that is wanted."""
    found = [each for number, locatie in enumerate(source.read.projectlocaties, 1) for each in _of(number, locatie)]
    if source.settings.verzoek_object:
        found.append(("dso_verzoek", "Verzoek", _other("dso_verzoek", as_json(source.read))))
    return [WantedObject(name, {**body, "relatieomschrijving": _relatie(source, words)}) for name, words, body in found]


def _relatie(source: Source, words: str) -> str:
    text = f"{words} van DSO-verzoek {source.verzoek.verzoeknummer}, {source.version}"
    return text if len(text) <= _RELATIE else cut(f"{words}, {source.version}", _RELATIE)


def _of(number: int, locatie: Projectlocatie) -> Iterator[tuple[str, str, Body]]:
    """An object for the address and each parcel; for a drawn area one with its geometry."""
    words = f"Locatie {number}"
    if locatie.adres:
        yield f"{number}:adres", words, _adres(locatie.adres) or _other("dso_locatie", _told(locatie))
    for index, perceel in enumerate(locatie.percelen, 1):
        yield f"{number}:perceel:{index}", f"{words}, perceel {index}", _perceel(perceel)
    if not locatie.adres and not locatie.percelen:
        yield f"{number}:gebied", words, _other("dso_locatie", _told(locatie))


def _adres(adres: Adres) -> Body | None:
    """None when it lacks what the standard asks: street, number and place."""
    number = adres.huisnummer or ""
    if not (adres.woonplaats and adres.straatnaam and _NUMBER.fullmatch(number)):
        return None
    optional = {
        "huisletter": (one_line(adres.huisletter), 1),
        "huisnummertoevoeging": (one_line(adres.huisnummertoevoeging), 4),
        "postcode": (postcode(adres), 7),
    }
    identificatie: Body = {
        "identificatie": one_line(adres.nummeraanduiding)[:100],
        "wplWoonplaatsNaam": cut(one_line(adres.woonplaats), 80),
        "gorOpenbareRuimteNaam": cut(one_line(adres.straatnaam), 80),
        "huisnummer": int(number),
        **{name: text for name, (text, limit) in optional.items() if text and len(text) <= limit},
    }
    return {"objectType": "adres", "objectIdentificatie": identificatie}


def _perceel(perceel: Perceel) -> Body:
    """The whole aanduiding as it is said in the Netherlands: gemeente, sectie, number, index."""
    index = f"A{perceel.appartementsindex}" if perceel.appartementsindex else ""
    parts = " ".join(
        one_line(each) for each in (perceel.gemeente, perceel.sectie, perceel.perceelnummer, index) if each
    )
    aanduiding = parts or one_line(perceel.aanduiding) or joined(text for _, text in perceel.waarden) or "onbekend"
    return {
        "objectType": "kadastrale_onroerende_zaak",
        "objectIdentificatie": {
            "kadastraleIdentificatie": cut(one_line(perceel.aanduiding) or aanduiding, 100),
            "kadastraleAanduiding": cut(aanduiding, 1000),
        },
    }


def _told(locatie: Projectlocatie) -> Body:
    """Everything that is known of a location, as it came."""
    parts = {
        "adres": dict(locatie.adres_aanduiding),
        "kadastraal": dict(locatie.kadastrale_gegevens),
        "opgegeven": dict(locatie.coordinaten_opgegeven),
        "geometrie": geojson(locatie),
    }
    return {name: value for name, value in parts.items() if value}


def _other(kind: str, data: Body) -> Body:
    return {
        "objectType": "overige",
        "objectTypeOverige": kind,
        "objectIdentificatie": {"overigeData": data},
    }
