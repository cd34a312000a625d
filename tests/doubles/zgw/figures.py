"""What a bench asks the double afterwards: is everything there, and is anything there twice?"""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

from tests.doubles.answers import Resource
from tests.doubles.zgw.world import World


def figures(world: World) -> dict[str, Any]:
    """Counts; `duplicates` by kind; per zaaknummer its kenmerken and the SHA-256 of each of its documents, sorted."""
    zaken = {
        zaak["identificatie"]: {
            "kenmerken": [each["kenmerk"] for each in zaak["kenmerken"]],
            "documents": sorted(_hash(world, each) for each in world.linked("links", zaak["url"])),
        }
        for zaak in world.zaken.values()
    }
    return {
        "zaken": len(world.zaken),
        "documenten": len(world.documenten),
        "incomplete": sum(not file.complete for file in world.files.values()),
        "unlinked": len(world.documenten.keys() - {_last(each["informatieobject"]) for each in world.links.values()}),
        "duplicates": _duplicates(world),
        "by_zaak": zaken,
    }


def _duplicates(world: World) -> dict[str, int]:
    """How many there are too many. A kenmerk that two zaken share means that one verzoek became two zaken."""
    kenmerken = [(each["bron"], each["kenmerk"]) for zaak in world.zaken.values() for each in zaak["kenmerken"]]
    return {
        "zaken": _surplus(kenmerken),
        "documenten": _surplus(
            (each["zaak"], _hash(world, each), world.documenten[_last(each["informatieobject"])]["titel"])
            for each in world.links.values()
        ),
        "eigenschappen": _surplus((each["zaak"], each["eigenschap"]) for each in world.eigenschappen.values()),
        "rollen": _surplus((each["zaak"], each["roltype"], _identity(each)) for each in world.rollen.values()),
        "zaakobjecten": _surplus(
            (each["zaak"], each["objectType"], repr(each.get("objectIdentificatie")), each["object"])
            for each in world.zaakobjecten.values()
        ),
        "statussen": _surplus((each["zaak"], each["statustype"]) for each in world.statussen.values()),
    }


def _identity(rol: Resource) -> str:
    return repr((rol.get("betrokkeneIdentificatie"), rol["afwijkendeNaamBetrokkene"]))


def _surplus(keys: Iterable[Hashable]) -> int:
    return sum(count - 1 for count in Counter(keys).values())


def _hash(world: World, link: Resource) -> str:
    return world.files[_last(link["informatieobject"])].sha256


def _last(url: str) -> str:
    return url.rsplit("/", 1)[1]
