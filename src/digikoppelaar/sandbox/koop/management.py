"""The part of the management port that is about KOOP.

GET    /koop/dossiers      what was taken, with its status, and how often the same was delivered
GET    /koop/publicaties   what is published, the last first
GET    /koop/receipts      every request that 3PAS read to its end, with what became of it
GET    /koop/calendar      the time at KOOP, and how far that is ahead
POST   /koop/calendar      {"days": 1}: on to the daily run of so many days later; {"publish": true}: publish all that
                           is planned, today. The clock of certificates, tokens and messages stays where it is.
POST   /koop/dossiers/{dossiernummer}/confirm   {"by": "..."}: it came in rightly, on the way to production
GET    /koop/stages        of each organisatie that delivered, what is missing in each stage
POST   /koop/gebruikersnaam   Functioneel beheer gives the user name and password for the first stage; the same again
POST   /koop/machtigingen     {"partij": ..., "organisatie": ...}: the partij may publish for it from now on
POST   /koop/switches      {"refuse_duplicates": false, "publish_at_once": false}; what is left out stays as it is
DELETE /koop               forgets all of this, and goes by the clock of this machine again
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.stages import Stages, stages_of
from digikoppelaar.sandbox.koop.values import dossier_values, receipt_values, stage_values
from digikoppelaar.sandbox.management import answer, json_object

MOST_DAYS: Final = 3650
"""That the calendar goes on at once."""


@dataclass(frozen=True, slots=True)
class KoopManagement:
    """The management of one KOOP, with the stages by name."""

    koop: Koop
    stages: Stages

    def routes(self) -> Sequence[BaseRoute]:
        """For `Management.app`."""
        return [
            Route("/koop/dossiers", self._dossiers),
            Route("/koop/dossiers/{dossiernummer}/confirm", self._confirm, methods=["POST"]),
            Route("/koop/stages", self._stages),
            Route("/koop/publicaties", self._publicaties),
            Route("/koop/receipts", self._receipts),
            Route("/koop/calendar", self._calendar),
            Route("/koop/calendar", self._move_on, methods=["POST"]),
            Route("/koop/gebruikersnaam", self._user_name, methods=["POST"]),
            Route("/koop/machtigingen", self._mandate, methods=["POST"]),
            Route("/koop/switches", self._switch, methods=["POST"]),
            Route("/koop", self._forget, methods=["DELETE"]),
        ]

    async def _dossiers(self, request: Request) -> Response:
        return answer([dossier_values(each, self.koop) for each in self.koop.dossiers.values()])

    async def _confirm(self, request: Request) -> Response:
        wish = await json_object(request)
        dossier = self.koop.dossiers.get(request.path_params["dossiernummer"])
        if dossier is None or set(wish) - {"by"} or not isinstance(wish.get("by", ""), str):
            raise ConfigError("what is confirmed is a dossier, by somebody")
        self.koop.confirm(dossier, wish.get("by", ""))
        return answer(dossier_values(dossier, self.koop))

    async def _stages(self, request: Request) -> Response:
        found = stages_of(self.koop, self.stages)
        return answer([stage_values(oin, each) for (oin, _), progress in found.items() for each in progress])

    async def _publicaties(self, request: Request) -> Response:
        published = [self.koop.published(each.publicatie.identifier) for each in self.koop.listed]
        return answer([dossier_values(each, self.koop) for each in published if each])

    async def _receipts(self, request: Request) -> Response:
        return answer([receipt_values(each) for each in self.koop.receipts])

    async def _calendar(self, request: Request) -> Response:
        return answer(self._time())

    async def _move_on(self, request: Request) -> Response:
        wish = await json_object(request)
        days, publish = wish.get("days"), wish.get("publish", False)
        if set(wish) - {"days", "publish"} or not isinstance(publish, bool) or not _is_days(days):
            raise ConfigError(f"the calendar takes days, of 0 to {MOST_DAYS}, and publish, which is true or false")
        if days is not None:
            self.koop.calendar.pass_days(days)
        published = self.koop.publish_due() + (self.koop.publish_all() if publish else [])
        return answer(self._time() | {"published": [each.identifier for each in published]})

    def _time(self) -> dict[str, object]:
        calendar = self.koop.calendar
        return {"now": calendar.now().isoformat(), "ahead_seconds": calendar.ahead.total_seconds()}

    async def _switch(self, request: Request) -> Response:
        wish = await json_object(request)
        known = asdict(self.koop.switches)
        if any(name not in known or not isinstance(value, bool) for name, value in wish.items()):
            raise ConfigError(f"a switch is one of {', '.join(known)}, and true or false")
        self.koop.switches = replace(self.koop.switches, **wish)
        return answer(asdict(self.koop.switches))

    async def _user_name(self, request: Request) -> Response:
        await json_object(request)
        name, _, password = self.koop.give_user_name().partition(":")
        return answer({"gebruikersnaam": name, "wachtwoord": password})

    async def _mandate(self, request: Request) -> Response:
        wish = await json_object(request)
        partij, organisatie = wish.get("partij"), wish.get("organisatie")
        if not isinstance(partij, str) or not isinstance(organisatie, str) or len(wish) > 2:
            raise ConfigError("a machtiging has a partij and an organisatie, by OIN")
        self.koop.mandate(partij, organisatie)
        return answer({"partij": partij, "organisatie": organisatie}, 201)

    async def _forget(self, request: Request) -> Response:
        self.koop.forget()
        return Response(status_code=204)


def _is_days(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_DAYS)
