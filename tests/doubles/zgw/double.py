"""A case system with the ZGW APIs on a real socket, for tests and benches: `ZgwDouble(...).running()`.

What it holds is in `world`; each API has its file. Every call is checked against the OpenAPI files of the version,
where they are at hand; what is wrong then is in `violations`, and raised when the context ends.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Resource
from tests.doubles.double import Double, contracts_of
from tests.doubles.traffic import CONTROL, Pace, Traffic
from tests.doubles.zgw.access import TOKEN_PATH, Access
from tests.doubles.zgw.besluiten import Besluiten
from tests.doubles.zgw.catalogi import Catalogi
from tests.doubles.zgw.documenten import Documenten
from tests.doubles.zgw.figures import figures
from tests.doubles.zgw.types import ZAAKTYPEN
from tests.doubles.zgw.world import Quirks, World, replaced
from tests.doubles.zgw.zaakdelen import Zaakdelen
from tests.doubles.zgw.zaken import Zaken

Version = Literal["openzaak", "standard"]
"""Open Zaak 1.30.0 (Zaken 1.5.1, Documenten 1.4.2, Catalogi 1.3.1), or VNG ZGW 1.7 (1.7.0, 1.7.1, 1.3.3)."""
_FILES: Final[dict[str, dict[str, str]]] = {
    "openzaak": {
        f"/{api}/api/v1": f"openzaak-1.30.0/{api}.yaml" for api in ("zaken", "documenten", "catalogi", "besluiten")
    },
    "standard": {
        "/zaken/api/v1": "vng-standaard/docs_standaard_zaken_zrc_1.7.x_1.7.0_openapi.yaml",
        "/documenten/api/v1": "vng-standaard/docs_standaard_documenten_drc_1.7.x_1.7.1_openapi.yaml",
        "/catalogi/api/v1": "vng-standaard/docs_standaard_catalogi_ztc_1.3.x_1.3.3_openapi.yaml",
    },
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a test looks at it."""

    resource: Resource
    sha256: str
    """Of the content; empty while it is not complete."""
    locked: bool
    path: Path

    @property
    def titel(self) -> str:
        return str(self.resource["titel"])

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Zaak:
    """A zaak as a test looks at it."""

    resource: Resource
    rollen: list[Resource]
    zaakobjecten: list[Resource]
    statussen: list[str]
    """Their names, first to last."""
    eigenschappen: dict[str, list[str]]
    """Every waarde of each name."""
    documenten: list[Document]
    links: list[Resource]


class ZgwDouble(Double):
    """One case system. `checked` False leaves the OpenAPI files alone; without the files it is never checked."""

    def __init__(
        self,
        version: Version = "openzaak",
        quirks: Quirks | None = None,
        pace: Pace | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251
        folder: Path | None = None,
        checked: bool = True,
    ) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="zgw-double-")
        self.world = World(version, quirks or Quirks(), now, folder or Path(self._temporary.name))  # type: ignore[union-attr]
        self.access = Access(self.world)
        self._catalogi = Catalogi(self.world, self.access)
        often = (Documenten(self.world, self.access), Zaakdelen(self.world, self.access))
        self.besluiten = Besluiten(self.world, self.access)
        apis = (
            *often,
            Zaken(self.world, self.access),
            self._catalogi,
            self.besluiten,
        )  # routes are tried one after another
        routes = [route for api in apis for route in api.routes()]
        routes += [
            Route(TOKEN_PATH, self.access.token, methods=["POST"]),
            Route(f"{CONTROL}figures", self._figures),
            Route(f"{CONTROL}restart", self._restart, methods=["POST"]),
        ]
        contracts = contracts_of(_FILES[version]) if checked else {}
        super().__init__(Traffic(Starlette(routes=routes), contracts, pace or Pace()))

    def listens_at(self, base: str) -> None:
        """The address is known: the catalogus can be made."""
        self.world.base = base
        self._catalogi.fill()

    def stopped(self) -> None:
        """Remove the contents of the documents."""
        if self._temporary:
            self._temporary.cleanup()

    @property
    def base(self) -> str:
        """The address of the server, without a slash at the end."""
        return self.world.base

    @property
    def addresses(self) -> dict[str, str]:
        """The roots of the APIs, with a slash at the end, and `token`, the token endpoint."""
        apis = {api: f"{self.base}/{api}/api/v1/" for api in ("zaken", "documenten", "catalogi", "besluiten")}
        return apis | {"token": self.base + TOKEN_PATH}

    def set_quirks(self, **changes: Any) -> None:
        """Other quirks from here on."""
        self.world.quirks = replaced(self.world.quirks, **changes)

    def new_version(self, zaaktype: str = ZAAKTYPEN[0]) -> Resource:
        """A new version of a zaaktype is in force from today on."""
        return self._catalogi.add_version(zaaktype)

    def zaaktype(self, identificatie: str = ZAAKTYPEN[0]) -> Resource:
        """The version of a zaaktype that is in force."""
        return self._catalogi.current(identificatie)

    def documenttype(self, omschrijving: str) -> str:
        """The URL of an informatieobjecttype."""
        types = self.world.catalogus["informatieobjecttypen"].values()
        return next(str(each["url"]) for each in types if each["omschrijving"] == omschrijving)

    @property
    def zaken(self) -> list[Zaak]:
        """Every zaak, in the order in which they were made."""
        return [self._zaak(each) for each in self.world.zaken.values()]

    def zaak(self, identificatie: str) -> Zaak:
        """The zaak with this number. Raises KeyError."""
        for each in self.world.zaken.values():
            if each["identificatie"] == identificatie:
                return self._zaak(each)
        raise KeyError(identificatie)

    def close(self, identificatie: str) -> None:
        """An employee closes the zaak."""
        self.zaak(identificatie).resource["einddatum"] = self.world.today()

    def reopen(self, identificatie: str) -> None:
        """An employee opens it again."""
        self.zaak(identificatie).resource["einddatum"] = None

    @property
    def documenten(self) -> list[Document]:
        """Every document, linked or not."""
        return [self._document(identity) for identity in self.world.documenten]

    def figures(self) -> dict[str, Any]:
        """Counts, what is double, hashes per zaak and how busy it was; what the control endpoint says."""
        return figures(self.world) | {
            "calls": self.traffic.number,
            "busy_share": self.traffic.pace.busy_share(),
            "most_at_once": self.traffic.pace.most_at_once,
        }

    async def _figures(self, request: Request) -> Response:
        return JSONResponse(self.figures())

    async def _restart(self, request: Request) -> Response:
        self.traffic.pace.restart()
        return Response(status_code=204)

    def _zaak(self, zaak: Resource) -> Zaak:
        linked = {name: self.world.linked(name, zaak["url"]) for name in ("rollen", "zaakobjecten", "links")}
        eigenschappen: dict[str, list[str]] = {}
        for each in self.world.linked("eigenschappen", zaak["url"]):
            eigenschappen.setdefault(each["naam"], []).append(each["waarde"])
        statustypen = {each["url"]: each["omschrijving"] for each in self.world.catalogus["statustypen"].values()}
        return Zaak(
            zaak,
            linked["rollen"],
            linked["zaakobjecten"],
            [statustypen[each["statustype"]] for each in self.world.linked("statussen", zaak["url"])],
            eigenschappen,
            [self._document(each["informatieobject"].rsplit("/", 1)[1]) for each in linked["links"]],
            linked["links"],
        )

    def _document(self, identity: str) -> Document:
        file = self.world.files[identity]
        return Document(self.world.documenten[identity], file.sha256, bool(file.lock), file.path)
