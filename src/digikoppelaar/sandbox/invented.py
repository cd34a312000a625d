"""An invented country: as many authorities as there are about, none of them real; the same for the same seed. Pure."""

from collections.abc import Mapping
from random import Random
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.authorities import NEEDED

_FIRST: Final = 300_001
"""The number of the first one, after the prefix of OINs that nobody has."""
_BEGINS: Final = (
    *("Aster", "Bever", "Distel", "Ekster", "Fazant", "Gagel", "Hazel", "IJsvogel", "Jenever", "Kievit", "Lijster"),
    *("Mispel", "Nachtegaal", "Otter", "Pimpernel", "Reiger", "Sleedoorn", "Tureluur", "Varen", "Wulp", "Zegge"),
)
_ENDS: Final = (
    *("aarde", "beemd", "dijkhuizen", "donk", "eind", "gaarde", "haven", "heuvel", "hoven", "kade", "mare"),
    *("oever", "rade", "sluis", "terp", "voorde", "wierde", "woude", "zijl", "zoom"),
)


def invented_list(seed: int, counts: Mapping[str, int]) -> str:
    """A list as `organisatie import` and `sandbox serve --country` take it, with so many of each bestuurslaag.

    Raises ConfigError when there are more than names.
    """
    layers = [layer for layer, count in counts.items() for _ in range(count)]
    names = [begin + end for begin in _BEGINS for end in _ENDS]
    if len(layers) > len(names):
        raise ConfigError(
            f"there are names for {len(names)} authorities, not {len(layers)}",
            advice=f"Vraag er ten hoogste {len(names)} tegelijk, of maak zelf een lijst.",
        )
    Random(seed).shuffle(names)  # noqa: S311  # invented names, no secrets
    lines = [
        f"00000099{number:09d}000;{layer.capitalize()} {name};{layer}"
        for number, (layer, name) in enumerate(zip(layers, names, strict=False), _FIRST)
    ]
    return "\n".join([";".join(NEEDED), *lines, ""])
