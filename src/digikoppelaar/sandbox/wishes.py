"""What the management port is asked, as values: JSON objects in, submissions and changes of them out. Pure.

Every key is optional: what is not said is invented, or stays as it was. Type, doel and activities are taken as they
come, also when they are in no list, for a receiver must stand that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, Final, TypeVar

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.bijlagen import SMALL_KINDS, Wish
from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.country import read_ring
from digikoppelaar.sandbox.model import Activiteit, Adres, Bedrijf, Inhoud, Locatie, Persoon, Punt, Soort, Specificatie
from digikoppelaar.sandbox.verzoek_document import STAM_VERSIONS

MAX_COUNT: Final = 10_000
MAX_BYTES: Final = 64 * 1024**3

_TEXTS: Final = ("type", "doel", "naam", "omschrijving", "toelichting")
_CONTENT: Final = {*_TEXTS, "activiteiten", "locaties", "initiatiefnemer", "gemachtigde"}
_Made = TypeVar("_Made", Adres, Persoon, Bedrijf)


@dataclass(frozen=True, slots=True)
class SubmitWish:
    """What to submit, `count` times; `content` changes what is invented."""

    soort: Soort
    bijlagen: Sequence[Wish]
    count: int
    oin: str | None
    stam: int
    content: Mapping[str, Any]
    seed: int | None = None
    """The same one invents the same."""


def submit_wish(wish: Mapping[str, Any]) -> SubmitWish:
    """Raises ConfigError."""
    _only(wish, "a verzoek", _CONTENT | {"soort", "bijlagen", "count", "oin", "stam", "seed"})
    try:
        soort = Soort(wish.get("soort", Soort.VERGUNNINGAANVRAAG.value))
    except ValueError as error:
        raise ConfigError(f"soort must be one of {', '.join(soort.value for soort in Soort)}") from error
    count, stam = wish.get("count", 1), wish.get("stam", STAM_VERSIONS[-1])
    if not isinstance(count, int) or not 0 < count <= MAX_COUNT:
        raise ConfigError(f"count must be 1 to {MAX_COUNT}")
    if stam not in STAM_VERSIONS:
        raise ConfigError(f"stam must be one of {', '.join(map(str, STAM_VERSIONS))}")
    if not isinstance(wish.get("seed", 0), int):
        raise ConfigError("seed must be a number")
    content = {key: value for key, value in wish.items() if key in _CONTENT}
    return SubmitWish(soort, _bijlagen(wish), count, wish.get("oin"), stam, content, wish.get("seed"))


def supplement_wish(wish: Mapping[str, Any], before: Inhoud) -> tuple[Inhoud, Sequence[Wish], frozenset[str] | None]:
    """Content of an aanvulling, its new bijlagen, and the ids of those that stay (None: all). Raises ConfigError."""
    _only(wish, "an aanvulling", _CONTENT | {"bijlagen", "behouden"})
    kept = wish.get("behouden")
    if kept is not None and not (isinstance(kept, list) and all(isinstance(each, str) for each in kept)):
        raise ConfigError("behouden must be a list of documentIds")
    content = {key: value for key, value in wish.items() if key in _CONTENT}
    return changed(before, content), _bijlagen(wish), None if kept is None else frozenset(kept)


def withdrawal_wish(wish: Mapping[str, Any]) -> bool:
    """Whether only the notification is to tell it. Raises ConfigError."""
    _only(wish, "a withdrawal", {"alleen_notificatie"})
    return bool(wish.get("alleen_notificatie", False))


def changed(inhoud: Inhoud, content: Mapping[str, Any]) -> Inhoud:
    """The same with what `content` says instead. Raises ConfigError."""
    texts: dict[str, Any] = {key: _text(content, key) for key in _TEXTS if key in content}
    after = replace(inhoud, **texts)
    if "activiteiten" in content:
        made = tuple(_activiteit(each, after.type) for each in _list(content, "activiteiten"))
        after = replace(after, activiteiten=made)
    if "locaties" in content:
        after = replace(after, locaties=tuple(map(_locatie, _list(content, "locaties"))))
    if "initiatiefnemer" in content:
        after = replace(after, initiatiefnemer=_partij(content["initiatiefnemer"]))
    if "gemachtigde" in content:
        after = replace(after, gemachtigde=_partij(content["gemachtigde"]) if content["gemachtigde"] else None)
    return after


def _bijlagen(wish: Mapping[str, Any]) -> Sequence[Wish]:
    items = wish.get("bijlagen", [])
    if not isinstance(items, list):
        raise ConfigError("bijlagen must be a list")
    return [_bijlage(item) for item in items]


def _bijlage(item: object) -> Wish:
    """A size in bytes or a kind, or an object that gives it a file name too."""
    if isinstance(item, dict):
        _only(item, "a bijlage", {"naam", "inhoud"})
        return _plain_bijlage(item.get("inhoud", "txt")), _text(item, "naam")
    return _plain_bijlage(item)


def _plain_bijlage(item: object) -> int | str:
    if isinstance(item, str) and item in SMALL_KINDS:
        return item
    if type(item) is int and 0 <= item <= MAX_BYTES:
        return item
    raise ConfigError(f"a bijlage is a size in bytes, or one of {', '.join(SMALL_KINDS)}")


def _activiteit(item: object, verzoektype: str) -> Activiteit:
    """One of the catalogue or another one, by its name, or as an object with answers by question."""
    named = item if isinstance(item, dict) else {"naam": item}
    table = _table(named, "an activiteit", {"naam", "antwoorden", "bestuurslaag"})
    naam, answers = _text(table, "naam"), table.get("antwoorden", {})
    if not isinstance(answers, dict) or not all(isinstance(each, str) for each in answers.values()):
        raise ConfigError("antwoorden must be an object of question and answer")
    known = catalogue().get(naam)
    if known is None:
        items = tuple(Specificatie("", vraag, antwoord) for vraag, antwoord in answers.items())
        return Activiteit(naam, items, str(table.get("bestuurslaag", "gemeente")))
    return known.filled_in(verzoektype, answers)


def _locatie(item: object) -> Locatie:
    table = _table(item, "a locatie", {"adres", "kadaster", "rd", "vlak"})
    rings = table.get("vlak", [])
    made = Locatie(
        adres=_made(Adres, table["adres"]) if "adres" in table else None,
        kadaster=_text(table, "kadaster") if "kadaster" in table else "",
        punt=_punt(table["rd"]) if "rd" in table else None,
        vlak=tuple(read_ring(str(ring)) for ring in ([rings] if isinstance(rings, str) else rings)),
    )
    if made == Locatie():
        raise ConfigError("a locatie has an adres, a kadaster, rd or vlak")
    return made


def _punt(value: object) -> Punt:
    match value:
        case [float() | int() as x, float() | int() as y]:
            return float(x), float(y)
    raise ConfigError("rd must be two numbers: x and y in metres")


def _partij(item: object) -> Persoon | Bedrijf:
    if isinstance(item, dict) and "kvk_nummer" in item:
        return _made(Bedrijf, item)
    return _made(Persoon, item)


def _made(kind: type[_Made], item: object) -> _Made:
    """A value of a dataclass out of an object with its fields as keys."""
    table = _table(item, kind.__name__.lower(), {each.name for each in fields(kind)})
    missing = [each.name for each in fields(kind) if _required(each) and each.name not in table]
    if missing:
        raise ConfigError(f"{kind.__name__.lower()} needs {', '.join(missing)}")
    return kind(**{name: _field(name, value) for name, value in table.items()})


def _field(name: str, value: object) -> Any:
    if name == "adres":
        return _made(Adres, value)
    if name == "contactpersoon":
        return _made(Persoon, {"bsn": "", **_table(value, "contactpersoon", None)})
    return str(value)


def _required(each: "Field[Any]") -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _only(table: Mapping[str, Any], what: str, known: set[str]) -> None:
    if unknown := set(table) - known:
        raise ConfigError(f"{what} has no {', '.join(sorted(unknown))}")


def _table(item: object, what: str, known: set[str] | None) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise ConfigError(f"{what} must be an object")
    if known is not None:
        _only(item, what, known)
    return item


def _list(content: Mapping[str, Any], key: str) -> Sequence[object]:
    value = content[key]
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{key} must be a list with something in it")
    return value


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise ConfigError(f"{key} must be a text")
    return value
