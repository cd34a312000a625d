"""What of a zaak is made known: which statustype or besluittype leads to a draft of which moment. Pure.

On record they are one text, JSON, for settings are texts.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic import TypeAdapter

from digikoppelaar.drop.checks_terms import REACTIE, YEARS
from digikoppelaar.drop.model import Data, Moment, Procedure, Uitkomst
from digikoppelaar.drop.terms import Rekenregels
from digikoppelaar.drop.texts import COMBINATIONS, Value
from digikoppelaar.flows.apply_table import Table
from digikoppelaar.flows.drafting import Occasion
from digikoppelaar.flows.ports.case_events import Happened, Resource

_TYPES: Final = {f"{resource}type": resource for resource in Resource}
"""The key that names the type, and what it is a type of."""
_DECIDING: Final = frozenset({Moment.ONTWERPBESLUIT, Moment.BESLUIT})
"""Moments whose text says how is decided."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """`type` is the URL of a statustype or besluittype, or its omschrijving."""

    resource: Resource
    type: str
    moment: Moment
    procedure: Procedure
    uitkomst: Uitkomst | None = None

    def fits(self, resource: Resource, happened: Happened) -> bool:
        """Whether it is about this. Of a URL the id at its end counts: a server may have more than one name."""
        if resource is not self.resource:
            return False
        if "://" in self.type:
            return _id(self.type) == _id(happened.type_url)
        return self.type.casefold() == happened.type_name.casefold()

    def occasion(self, happened: Happened, rules: Rekenregels, today: date) -> Occasion:
        """What is to be made known; the days are those of the case system, and nothing is guessed."""
        decided = self.moment in (Moment.BESLUIT, Moment.VERLENGING)
        bezwaar = REACTIE.get((self.procedure, self.moment)) == "bezwaar"
        sent = happened.sent if happened.sent and happened.sent.year in YEARS else None
        data = Data(
            besluit=happened.day if decided else None,
            verzending=sent if self.moment is Moment.BESLUIT else None,
            reactie=rules.period("bezwaar", sent) if bezwaar and sent else None,
            publicatie=happened.publish_on if happened.publish_on and happened.publish_on > today else None,
        )
        values: dict[str, Value] = {
            "inwerkingtreding": happened.in_force,
            "nieuwe_beslisdatum": happened.decide_by,
            "opschorting_vanaf": happened.day,
            "ingetrokken_op": happened.day,
        }
        return Occasion(self.procedure, self.moment, self.uitkomst, data, values)


_ADAPTER: Final = TypeAdapter(tuple[Trigger, ...])


def triggers_of(text: str) -> tuple[Trigger, ...]:
    """What `read_triggers` put on record."""
    return _ADAPTER.validate_json(text or "[]")


def read_triggers(settings: Table) -> str:
    """The tables `trigger` of a table, as they are put on record. Raises ConfigError that says where and what."""
    tables = settings.values["trigger"]
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise settings.wrong(
            "trigger must be a list of tables", "Schrijf elke trigger als [[aansluiting.publishing.trigger]]."
        )
    read = (_read(Table(f"{settings.name}.trigger {number}", each, "")) for number, each in enumerate(tables, 1))
    return _ADAPTER.dump_json(tuple(read)).decode()


def _read(table: Table) -> Trigger:
    table.only(*_TYPES, "moment", "procedure", "uitkomst")
    if len(types := _TYPES.keys() & table.values.keys()) != 1:
        raise table.wrong(f"give one of {', '.join(_TYPES)}", f"Geef in {table.name} een van {', '.join(_TYPES)}.")
    moment = Moment(table.text("moment", tuple(Moment)))
    procedure = Procedure(table.text("procedure", tuple(Procedure)))
    if (procedure, moment) not in COMBINATIONS:
        raise table.wrong(
            f"there is no moment {moment} in the procedure {procedure}",
            f"Kies in {table.name} een andere procedure of moment.",
        )
    if (moment in _DECIDING) != ("uitkomst" in table.values):
        moments = " and ".join(sorted(_DECIDING))
        raise table.wrong(
            f"uitkomst belongs to the moments {moments}, and to no other",
            f"Geef in {table.name} een uitkomst als er wordt besloten, en anders niet.",
        )
    uitkomst = Uitkomst(table.text("uitkomst", tuple(Uitkomst))) if "uitkomst" in table.values else None
    [key] = types
    return Trigger(_TYPES[key], table.text(key), moment, procedure, uitkomst)


def _id(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
