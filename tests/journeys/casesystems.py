"""A country with case systems of every kind: what journeys over more than one authority run in.

West    gemeente; zaken in `west`, a case folder, and the interface of a supplier: every verzoek goes to all three
East    gemeente; zaken in `east`, which may die; handles demolition for West and North
Dienst  handles milieu for West: zaken in `dienst`, and in `west` too when West is bevoegd gezag
North   gemeente; delivers as West does, and chose otherwise where a rule leaves a choice
South   gemeente; has its notifications passed on to the `receiver` of a leverancier
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.certificates import Authority
from tests.doubles.objecten.double import ObjectenDouble
from tests.doubles.zgw.double import Zaak, ZgwDouble
from tests.doubles.zgw.types import BESLUITTYPE
from tests.journeys import steps
from tests.servers import serving

from digikoppelaar.adapters.tls import Identity, application_context
from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.trial import Trial, free_ports
from digikoppelaar.flows.reading import VerzoekFilter, VerzoekRow
from digikoppelaar.wiring import Stores, apply_registration, open_stores

WEST, EAST, DIENST, NORTH, SOUTH = (f"0000009900000000{number}000" for number in (2, 5, 7, 8, 9))
MILIEU: Final = "Milieubelastende activiteit"
SLOOP: Final = "Sloopactiviteit"
BOUW: Final = "Bouwactiviteit (technisch)"
RSIN: Final = "999990019"
"""Passes the elfproef and is not issued."""
COUNTRY: Final = f"""
[[organisatie]]
oin = "{WEST}"
naam = "Gemeente West"
bestuurslaag = "gemeente"
behandeldienst = [
    {{ oin = "{DIENST}", activiteiten = ["{MILIEU}"] }},
    {{ oin = "{EAST}", activiteiten = ["{SLOOP}"] }},
]

[[organisatie]]
oin = "{EAST}"
naam = "Gemeente Oost"
bestuurslaag = "gemeente"

[[organisatie]]
oin = "{DIENST}"
naam = "Omgevingsdienst"
bestuurslaag = "omgevingsdienst"

[[organisatie]]
oin = "{NORTH}"
naam = "Gemeente Noord"
bestuurslaag = "gemeente"
behandeldienst = [{{ oin = "{EAST}", activiteiten = ["{SLOOP}"] }}]

[[organisatie]]
oin = "{SOUTH}"
naam = "Gemeente Zuid"
bestuurslaag = "gemeente"
"""
_AANSLUITING: Final = """
[[aansluiting]]
organisatie_oin = "{oin}"
kind = "stam"
omgeving = "{omgeving}"
partij_oin = "{partij_oin}"
dso = {{ base_url = "{rest_base_url}", api_key_file = "{api_key_file}" }}
"""
_DROP: Final = """
[[aansluiting]]
organisatie_oin = "{oin}"
kind = "drop"
omgeving = "{omgeving}"
partij_oin = "{partij_oin}"

[aansluiting.publishing]
stage = "poc"
naam = "West"
bestuurslaag = "gemeente"
blad = "gmb"
telefoon = "14 0123"
bestuursorgaan = "het college van West"

[[aansluiting.publishing.trigger]]
besluittype = "{besluittype}"
moment = "besluit"
procedure = "regulier"
uitkomst = "verleend"
"""
_CHOICES: Final = """
[aansluiting.intake]
kopiebericht = "keep_apart"
aanvulling_without_first = "park"
"""
_PASS_ON: Final = """
[aansluiting.intake]
mode = "pass_on"
pass_on_url = "{url}"
pass_on_secret_file = "pass-on-secret"
"""
_ZGW: Final = """
[[aansluiting.target]]
name = "{name}"
kind = "zgw"
when = {{ {when} }}

[aansluiting.target.settings]
zaken_url = "{zaken}"
documenten_url = "{documenten}"
catalogi_url = "{catalogi}"
besluiten_url = "{besluiten}"
client_id = "{client_id}"
secret_file = "zgw-secret"
bronorganisatie = "{rsin}"
zaaktype = "{zaaktype}"
informatieobjecttype = "Bijlage"
informatieobjecttypen = {{ xml = "Aanvraag", pdf = "Aanvraag" }}
roltype = {{ gemachtigde = "Gemachtigde", contactpersoon = "Contactpersoon" }}
veld = {{ verzoeknummer = "verzoeknummer", titel = "projectnaam", activiteiten = "activiteit" }}
intrekking_statustype = "Ingetrokken"
parts_above_mb = 1
"""
_OTHERS: Final = """
[[aansluiting.target]]
name = "map"
kind = "folder"
settings = {{ path = "{folder}" }}

[[aansluiting.target]]
name = "vth"
kind = "webhook"

[aansluiting.target.settings]
url = "{supplier}/verzoeken"
upload.url = "{supplier}/bestanden/{{{{ bestand.documentId }}}}"
upload.files = ["xml", "pdf", "bijlage"]

[[aansluiting.target]]
name = "object"
kind = "objecten"

[aansluiting.target.settings]
objecten_url = "{objecten}"
objecttype = "{objecttype}"
objecttype_version = 1
token_file = "objecten-token"
documenten_url = "{documenten}"
client_id = "{client_id}"
secret_file = "zgw-secret"
bronorganisatie = "{rsin}"
informatieobjecttype = "{documenttype}"
"""


@dataclass
class Supplier:
    """A case system with an interface of its own, which knows a request by its idempotency key."""

    url: str = ""
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    publications: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def _take(self, request: Request) -> Response:
        key, body = request.headers["idempotency-key"], await request.body()
        if request.url.path == "/verzoeken":
            self.documents.setdefault(key, json.loads(body))
        elif request.url.path == "/publicaties":
            self.publications.setdefault(key, json.loads(body))
        else:
            self.files.setdefault(key, body)
        return JSONResponse({}, 201)

    def about(self, verzoek: steps.Verzoek) -> list[Mapping[str, Any]]:
        """The documents about one verzoeknummer, in the order in which they came."""
        return [each for each in self.documents.values() if each["verzoeknummer"] == verzoek["verzoeknummer"]]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen."""
        async with serving(Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield


@dataclass
class Receiver:
    """Takes notifications over https; answers the next ones with the statuses of `refusals` first."""

    secret: str = "0123456789abcdef0123456789abcdef"
    url: str = ""
    refusals: list[int] = field(default_factory=list)
    came: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    async def _take(self, request: Request) -> Response:
        self.came.append((request.headers, await request.body()))
        return Response(status_code=self.refusals.pop(0) if self.refusals else 204)

    def about(self, verzoek: steps.Verzoek) -> list[tuple[Mapping[str, str], bytes]]:
        """Headers and body of each post about one verzoeknummer, also of those that were not taken."""
        return [each for each in self.came if json.loads(each[1])["verzoeknummer"] == verzoek["verzoeknummer"]]

    @asynccontextmanager
    async def running(self, trial: Trial) -> AsyncIterator[None]:
        """Listen, with a certificate that the gateway of this trial is told to trust."""
        authority = Authority("Receiver")
        tls = application_context(Identity(*authority.issue().write(trial.folder, "receiver")))
        trial.settings += f'[webhooks]\ntrust_anchors = ["{authority.write_root(trial.folder, "receiver-root")}"]\n'
        trial.folder.joinpath("pass-on-secret").write_text(self.secret)
        app = Starlette(routes=[Route("/notificaties", self._take, methods=["POST"])])
        async with serving(app, tls) as port:
            self.url = f"https://127.0.0.1:{port}/notificaties"
            yield


@dataclass(frozen=True, slots=True)
class Place:
    """The running installation, and the case systems around it."""

    trial: Trial
    stores: Stores
    west: ZgwDouble
    east: ZgwDouble
    dienst: ZgwDouble
    supplier: Supplier
    objecten: ObjectenDouble
    archief: ZgwDouble
    receiver: Receiver
    api: str
    """Where the gateway's interface for applications is."""

    async def submit(self, oin: str, *, bijlagen: list[object] | None = None, **wish: object) -> list[steps.Verzoek]:
        """Submit something in the sandbox; one verzoek for each that it becomes."""
        return list(await self._post("verzoeken", {"oin": oin, "bijlagen": bijlagen or ["txt"], **wish}))

    async def supplement(self, verzoek: steps.Verzoek, **wish: object) -> steps.Verzoek:
        """The applicant makes an aanvulling."""
        return dict(await self._post(f"verzoeken/{verzoek['verzoeknummer']}/aanvullingen", wish))

    async def withdraw(self, verzoek: steps.Verzoek, **wish: object) -> steps.Verzoek:
        """The applicant takes it back."""
        return dict(await self._post(f"verzoeken/{verzoek['verzoeknummer']}/intrekking", wish))

    async def rows(self, verzoek: steps.Verzoek, oin: str) -> dict[int, VerzoekRow]:
        """What is on record of its versions for one authority, by volgnummer."""
        found = await self.stores.reading.verzoeken(VerzoekFilter(verzoeknummer=verzoek["verzoeknummer"]))
        return {row.volgnummer: row for row in found if row.organisatie_oin == oin}

    async def until(
        self, verzoek: steps.Verzoek, state: str, oin: str = WEST, seconds: float = steps.DEADLINE
    ) -> VerzoekRow:
        """Wait until the newest version of this verzoek is in this state."""
        volgnummer = verzoek["volgnummer"]

        async def look() -> VerzoekRow | None:
            return (await self.rows(verzoek, oin)).get(volgnummer)

        what = f"volgnummer {volgnummer} is {state}"
        row = await steps.eventually(look, lambda seen: seen is not None and seen.state == state, what, seconds)
        assert row is not None
        return row

    async def lose(self) -> None:
        """No notification comes, until `found` says so."""
        await self.trial.fault(kind="lose", target="notification")

    async def found(self) -> None:
        """What was lost comes after all; other faults stay."""
        url = f"{self.trial.facts['management_url']}/faults"
        async with self.trial.http.get(url) as answer:
            lost = [fault["id"] for fault in await answer.json() if fault["kind"] == "lose"]
        for number in lost:
            await self.trial.http.delete(f"{url}/{number}")

    def objects_about(self, verzoek: steps.Verzoek) -> list[Mapping[str, Any]]:
        """The data of the objects about one verzoeknummer, by volgnummer."""
        found = [each["record"]["data"] for each in self.objecten.objects]
        own = [each for each in found if each["aanvraaggegevens"]["dso"]["verzoeknummer"] == verzoek["verzoeknummer"]]
        return sorted(own, key=lambda each: int(each["aanvraaggegevens"]["dso"]["volgnummer"]))

    def archived(self, data: Mapping[str, Any]) -> list[str]:
        """The SHA-256 of each document that the data of an object name."""
        urls = {*data["bijlagen"], data.get("pdf")}
        return sorted(each.sha256 for each in self.archief.documenten if each.resource["url"] in urls)

    async def _post(self, path: str, wish: Mapping[str, object]) -> Any:
        async with self.trial.http.post(f"{self.trial.facts['management_url']}/{path}", json=wish) as answer:
            assert answer.status == 201, await answer.text()
            return await answer.json()


def zaken_of(double: ZgwDouble, verzoek: steps.Verzoek) -> list[Zaak]:
    """The zaken of one verzoeknummer."""
    nummer = verzoek["verzoeknummer"]
    return [zaak for zaak in double.zaken if any(each["kenmerk"] == nummer for each in zaak.resource["kenmerken"])]


@asynccontextmanager
async def running_place(folders: list[Path]) -> AsyncIterator[Place]:
    """All of it; the doubles tell in the end whether a call broke their OpenAPI files."""
    supplier, receiver, [port] = Supplier(), Receiver(), free_ports(1)
    async with (
        ZgwDouble().running() as west,
        ZgwDouble().running() as east,
        ZgwDouble().running() as dienst,
        ZgwDouble().running() as archief,
        ObjectenDouble().running() as objecten,
        supplier.running(),
        steps.new_trial(folders, settings=f"{steps.SETTINGS}\n[application]\nport = {port}\n") as trial,
        receiver.running(trial),
    ):
        trial.folder.joinpath("country.toml").write_text(COUNTRY)
        trial.country = trial.folder / "country.toml"
        trial.retries = 240  # what a test has DSO-LV lose comes later; a command takes a while beside others
        async with trial.prepared(), open_stores(trial.config) as stores:
            api = f"http://127.0.0.1:{port}/api/v1"
            place = Place(trial, stores, west, east, dienst, supplier, objecten, archief, receiver, api)
            _write_targets(place)
            await apply_registration(trial.config, read_file(trial.folder / "targets.toml"), dry_run=False)
            await trial.start_gateway()
            yield place


def _write_targets(place: Place) -> None:
    trial, facts = place.trial, place.trial.facts
    trial.folder.joinpath("zgw-secret").write_text(place.west.access.secret)
    trial.folder.joinpath("objecten-token").write_text(place.objecten.token)
    gezag = f'bevoegd_gezag = "{WEST}"'
    parts = [
        _AANSLUITING.format(oin=WEST, **facts),
        _zgw("zaak", place.west, "OMGEVING-CONCEPT", 'concept = "ja"') + _zgw("zaak", place.west, "OMGEVING-AANVRAAG"),
        _others(place),
        _DROP.format(oin=WEST, besluittype=BESLUITTYPE, **facts),
        _AANSLUITING.format(oin=EAST, **facts),
        _zgw("zaak", place.east, "OMGEVING-AANVRAAG"),
        _AANSLUITING.format(oin=DIENST, **facts),
        _zgw("dienst", place.dienst, "OMGEVING-MELDING") + _zgw("gezag", place.west, "OMGEVING-AANVRAAG", gezag),
        _AANSLUITING.format(oin=NORTH, **facts) + _CHOICES,
        _zgw("zaak", place.west, "OMGEVING-AANVRAAG") + _others(place),
        _AANSLUITING.format(oin=SOUTH, **facts) + _PASS_ON.format(url=place.receiver.url),
    ]
    trial.folder.joinpath("targets.toml").write_text("".join(parts))


def _others(place: Place) -> str:
    return _OTHERS.format(
        folder=place.trial.case_folder,
        supplier=place.supplier.url,
        objecttype=place.objecten.type_url,
        client_id=place.archief.access.client_id,
        rsin=RSIN,
        documenttype=place.archief.documenttype("Bijlage"),
        documenten=place.archief.addresses["documenten"],
        objecten=place.objecten.addresses["objecten"],
    )


def _zgw(name: str, double: ZgwDouble, zaaktype: str, when: str = "") -> str:
    facts = {"client_id": double.access.client_id, "rsin": RSIN, "zaaktype": zaaktype}
    return _ZGW.format(name=name, when=when, **facts, **double.addresses)
