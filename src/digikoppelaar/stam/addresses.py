"""Addresses and parcels out of parts that are kept as they came. Pure.

Of the elements inside an address only straatnaam, adrestype and adresBuitenland1 are known (stam.md 1.7); the other
names are those that Dutch registers use. What has another name is still in `waarden`.
"""

from collections.abc import Mapping
from typing import Final

from digikoppelaar.stam.model import Adres, Perceel, Waarden

_FORMS: Final = {
    "binnenlandsadres": "binnenlands",
    "buitenlandsadres": "buitenlands",
    "afwijkendadres": "afwijkend",
}

_ADDRESS_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "nummeraanduiding": ("nummeraanduidingid", "nummeraanduiding", "nummeraanduidingidentificatie", "bagid"),
    "straatnaam": ("straatnaam", "straat", "openbareruimtenaam", "naamopenbareruimte"),
    "huisnummer": ("huisnummer",),
    "huisletter": ("huisletter",),
    "huisnummertoevoeging": ("huisnummertoevoeging", "toevoeging"),
    "postcode": ("postcode",),
    "woonplaats": ("woonplaats", "woonplaatsnaam", "plaats", "plaatsnaam"),
    "land": ("land", "landnaam", "landcode"),
    "adrestype": ("adrestype",),
}

_PARCEL_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "gemeente": ("kadastralegemeentecode", "kadastralegemeente", "gemeentecode", "gemeente", "kadastralegemeentenaam"),
    "sectie": ("sectie", "kadastralesectie"),
    "perceelnummer": ("perceelnummer", "kadastraalperceelnummer"),
    "appartementsindex": ("appartementsindex", "indexnummer"),
    "aanduiding": ("kadastraleaanduiding", "aanduiding", "identificatie"),
}

_LINES: Final = ("adresbuitenland", "adresregel", "regel")


def read_adres(soort: str, waarden: Waarden) -> Adres:
    """The address that `waarden` are, of the element `soort`."""
    return Adres(
        soort, waarden, vorm=_form(soort, waarden), regels=_lines(waarden), **_by_name(waarden, _ADDRESS_NAMES)
    )


def read_perceel(waarden: Waarden) -> Perceel:
    """The parcel that `waarden` are."""
    return Perceel(waarden, **_by_name(waarden, _PARCEL_NAMES))


def _by_name(waarden: Waarden, names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """For each field the text of the first of its names that there is."""
    leaves: dict[str, str] = {}
    for path, text in waarden:
        leaves.setdefault(_leaf(path), text)
    found = {key: next((leaves[name] for name in known if name in leaves), None) for key, known in names.items()}
    return {key: text for key, text in found.items() if text is not None}


def _form(soort: str, waarden: Waarden) -> str:
    paths = {step for path, _ in waarden for step in path.casefold().split("/")}
    inside = next((form for name, form in _FORMS.items() if name in paths), "")
    return inside or ("buitenlands" if "buitenland" in soort.casefold() else "")


def _lines(waarden: Waarden) -> tuple[str, ...]:
    """Numbered lines in the order of their numbers."""
    numbered = [(_leaf(path), text) for path, text in waarden]
    return tuple(text for _, _, text in sorted((len(leaf), leaf, text) for leaf, text in numbered if _is_line(leaf)))


def _is_line(leaf: str) -> bool:
    return leaf.rstrip("0123456789") in _LINES


def _leaf(path: str) -> str:
    return path.rpartition("/")[2].removeprefix("@").casefold()
