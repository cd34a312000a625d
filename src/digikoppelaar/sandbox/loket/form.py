"""What a person typed, and what is wrong with it: field by field, in Dutch. Pure.

A field has the same name in the form, in an error, and as the id of its element.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.catalogue import Keuze, catalogue
from digikoppelaar.sandbox.country import read_ring
from digikoppelaar.sandbox.model import Punt, Ring
from digikoppelaar.sandbox.verzoek_document import CONCEPT
from digikoppelaar.stam.codes import TYPES
from digikoppelaar.stam.persons import is_bsn

INITIEREN: Final = "Initiëren"
PERSOON: Final = "persoon"
BEDRIJF: Final = "bedrijf"
GEEN: Final = "geen"

ADRES: Final = ("straatnaam", "huisnummer", "huisletter", "toevoeging", "postcode", "woonplaats")
_NEEDED: Final = ("straatnaam", "huisnummer", "postcode", "woonplaats")
_POSTCODE: Final = re.compile(r"[1-9]\d{3} ?[A-Za-z]{2}", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_WEST_EAST: Final = (0.0, 300_000.0)
_SOUTH_NORTH: Final = (300_000.0, 650_000.0)
"""The ranges of x and y in RD on land (stam.md 8)."""

Errors = dict[str, str]
"""The sentence by the field, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Form:
    """Fields with what was typed in them."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    def one(self, name: str) -> str:
        """The trimmed text of a field; empty when it is not there."""
        return next(iter(self.values.get(name, ())), "").strip()

    def many(self, name: str) -> Sequence[str]:
        """Every text of a field that may be there more than once."""
        return self.values.get(name, ())

    def any(self, names: Sequence[str]) -> bool:
        """Whether something was typed in one of these."""
        return any(self.one(name) for name in names)

    def chosen(self) -> Iterator[Keuze]:
        """The activities that are in the list."""
        return (catalogue()[naam] for naam in self.many("activiteit") if naam in catalogue())

    def rings(self) -> tuple[Ring, ...]:
        """The area: a ring a line, closed when it was not. Raises ConfigError."""
        return tuple(read_ring(_closed(line)) for line in self.one("vlak").splitlines() if line.strip())

    def point(self) -> Punt | None:
        """The point, when both numbers can be read."""
        x, y = _number(self.one("x")), _number(self.one("y"))
        return None if x is None or y is None else (x, y)


def check_what(form: Form) -> Errors:
    """Step 1: what and where."""
    errors: Errors = {}
    verzoektype = form.one("type")
    if verzoektype not in TYPES:
        errors["type"] = "Kies een soort verzoek."
    if form.one("doel") not in (INITIEREN, CONCEPT):
        errors["doel"] = "Kies of het een definitief verzoek of een conceptverzoek is."
    if not form.one("naam"):
        errors["naam"] = "Geef uw project een naam."
    unfit = [each.naam for each in form.chosen() if verzoektype in TYPES and verzoektype not in each.types]
    if unfit:
        errors["activiteit"] = f"“{unfit[0]}” kan niet in een verzoek van het soort “{verzoektype}”."
    if not form.any(("activiteit",)):
        errors["activiteit"] = "Kies ten minste één activiteit."
    return errors | _check_place(form)


def check_who(form: Form) -> Errors:
    """Step 3: initiatiefnemer, gemachtigde and contact."""
    errors: Errors = {}
    if form.one("i-soort") not in (PERSOON, BEDRIJF):
        errors["i-soort"] = "Kies wie de initiatiefnemer is."
    if form.one("g-soort") not in (GEEN, PERSOON, BEDRIJF):
        errors["g-soort"] = "Kies of er een gemachtigde is."
    for prefix, who in (("i", "de initiatiefnemer"), ("g", "de gemachtigde")):
        checks = {PERSOON: _check_person, BEDRIJF: _check_company}
        if check := checks.get(form.one(f"{prefix}-soort")):
            errors |= check(form, prefix, who)
    return errors


def _check_place(form: Form) -> Errors:
    errors: Errors = {}
    if not form.any((*ADRES, "perceel", "x", "y", "vlak")):
        errors["straatnaam"] = "Vul een adres, een perceel, een punt of een vlak in."
    errors |= _check_address(form, "", "de locatie")
    if form.any(("x", "y")):
        for name, (low, high) in (("x", _WEST_EAST), ("y", _SOUTH_NORTH)):
            value = _number(form.one(name))
            if value is None or not low <= value <= high:
                errors[name] = f"De {name} van het punt is een getal in meters (RD) van {low:.0f} tot {high:.0f}."
    try:
        form.rings()
    except ConfigError:
        errors["vlak"] = "Schrijf een vlak als ten minste drie punten: x,y x,y x,y (RD, in meters)."
    return errors


def _check_address(form: Form, prefix: str, whose: str) -> Errors:
    """Nothing is wrong with an address that was left out."""
    names = {name: f"{prefix}{name}" for name in ADRES}
    if not form.any(tuple(names.values())):
        return {}
    errors = {
        names[name]: f"Vul bij het adres van {whose} de {name} in." for name in _NEEDED if not form.one(names[name])
    }
    huisnummer, postcode = form.one(names["huisnummer"]), form.one(names["postcode"])
    if huisnummer and not (huisnummer.isascii() and huisnummer.isdigit()):
        errors[names["huisnummer"]] = (
            f"Het huisnummer van {whose} heeft alleen cijfers; een letter hoort in het vak ernaast."
        )
    if postcode and not _POSTCODE.fullmatch(postcode):
        errors[names["postcode"]] = f"Schrijf de postcode van {whose} als 1234 AB."
    return errors


def _check_person(form: Form, prefix: str, who: str) -> Errors:
    errors: Errors = {}
    bsn = form.one(f"{prefix}-bsn")
    if bsn and not is_bsn(bsn):
        errors[f"{prefix}-bsn"] = f"Het BSN van {who} klopt niet. Gebruik een testnummer, zoals 999990019, of niets."
    if not form.one(f"{prefix}-achternaam"):
        errors[f"{prefix}-achternaam"] = f"Vul de achternaam van {who} in."
    return errors | _check_email(form, f"{prefix}-email", who) | _check_address(form, f"{prefix}-", who)


def _check_company(form: Form, prefix: str, who: str) -> Errors:
    errors: Errors = {}
    if not _digits(form.one(f"{prefix}-kvk"), 8):
        errors[f"{prefix}-kvk"] = f"Vul het KvK-nummer van {who} in, met acht cijfers."
    if not form.one(f"{prefix}-handelsnaam"):
        errors[f"{prefix}-handelsnaam"] = f"Vul de handelsnaam van {who} in."
    if form.one(f"{prefix}-vestiging") and not _digits(form.one(f"{prefix}-vestiging"), 12):
        errors[f"{prefix}-vestiging"] = f"Het vestigingsnummer van {who} heeft twaalf cijfers."
    if not form.any([f"{prefix}-{name}" for name in ADRES]):
        errors[f"{prefix}-straatnaam"] = f"Vul het adres van {who} in."
    contact = [f"{prefix}-c-{name}" for name in ("voorletters", "achternaam", "email", "telefoon")]
    if form.any(contact) and not form.one(f"{prefix}-c-achternaam"):
        errors[f"{prefix}-c-achternaam"] = f"Vul de achternaam van de contactpersoon van {who} in."
    return errors | _check_address(form, f"{prefix}-", who) | _check_email(form, f"{prefix}-c-email", who)


def _check_email(form: Form, name: str, who: str) -> Errors:
    text = form.one(name)
    return {name: f"Het e-mailadres van {who} klopt niet."} if text and not _EMAIL.fullmatch(text) else {}


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _closed(line: str) -> str:
    points = line.split()
    return " ".join(points if points[:1] == points[-1:] and len(points) > 1 else [*points, *points[:1]])


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


CHECKS: Final[Mapping[str, Callable[[Form], Errors]]] = {
    "wat": check_what,
    "vragen": lambda _: {},  # an answer may be empty (stam.md 1.9)
    "wie": check_who,
}
"""The steps in their order, each with its check."""

STEPS: Final = tuple(CHECKS)
