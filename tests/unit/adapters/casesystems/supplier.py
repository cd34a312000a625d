"""A supplier with an interface of its own, on a real socket, and a webhook that is set to it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.servers import serving
from tests.unit.adapters.casesystems.handovers import (
    NUMMER,
    OIN,
)

from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.casesystems.webhook.settings import read_settings
from digikoppelaar.adapters.casesystems.webhook.system import WebhookCaseSystem
from digikoppelaar.flows.ports import FileKind

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)


class StoppedClock:
    """Always NOW."""

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return NOW


@dataclass
class Supplier:
    """A case system of a supplier that knows a request by its idempotency key. `says`: what it answers instead."""

    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    effects: dict[str, bytes] = field(default_factory=dict)
    says: dict[str, Response] = field(default_factory=dict)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        path = request.scope["raw_path"].decode()
        self.requests.append((request.method, path, dict(request.headers), body))
        for start, answer in self.says.items():
            if path.startswith(start):
                return answer
        self.effects.setdefault(request.headers["idempotency-key"], body)
        return JSONResponse({"zaak": {"identificatie": "Z/2026 1"}}, status_code=201)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.take, methods=["POST", "PUT"])])

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{method} {path}" for method, path, _, _ in self.requests]

    def bodies(self, step: str) -> list[bytes]:
        """The effects of the steps whose name begins so."""
        return [body for key, body in self.effects.items() if key.startswith(f"pre-{OIN}-{NUMMER}-0-{step}")]


@asynccontextmanager
async def connected(
    supplier: Supplier, http: CaseSystemHttp | None = None, **settings: str
) -> AsyncIterator[WebhookCaseSystem]:
    """The webhook with these settings, `HOST` in them being the supplier."""
    async with serving(supplier.app()) as port, http or CaseSystemHttp() as client:
        filled = {
            name.replace("__", "."): text.replace("HOST", f"http://localhost:{port}") for name, text in settings.items()
        }
        yield WebhookCaseSystem(read_settings(filled), client, StoppedClock())


PLAIN = {"url": "HOST/verzoeken", "upload__url": "HOST/verzoeken/{{ verzoeknummer }}/bestanden/{{ bestand.nummer }}"}
ALL = {f"upload__files__{number}": kind.value for number, kind in enumerate(FileKind)}
FULL = {
    **PLAIN,
    **ALL,
    "upload__url": "HOST/zaken/{{ referentie }}/bestanden/{{ bestand.nummer }}",
    "reference": "/zaak/identificatie",
    "close__url": "HOST/zaken/{{ referentie }}/compleet",
    "close__method": "PUT",
}
