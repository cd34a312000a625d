"""Calls to the Objecten API v2: a token of its own kind, and coordinates in EPSG:4326 only."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from digikoppelaar.adapters.casesystems.answers import check
from digikoppelaar.adapters.casesystems.http import Answer, Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.objecten.data import at
from digikoppelaar.adapters.casesystems.objecten.settings import ObjectenSettings
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import Clock

_CRS: Final = {"Accept-Crs": "EPSG:4326", "Content-Crs": "EPSG:4326"}


@dataclass(frozen=True, slots=True)
class Objecten:
    """The Objecten API of one target. Every call raises CaseSystemError, CaseSystemRefused or ConfigError."""

    settings: ObjectenSettings
    http: CaseSystemHttp
    clock: Clock

    async def find(self, uuid: str, kenmerk: str) -> dict[str, Any] | None:
        """The object under our UUID; else, for a server that gives UUIDs itself, the one with our kenmerk."""
        return await self.one(uuid) or await self._search(kenmerk)

    async def one(self, uuid: str) -> dict[str, Any] | None:
        """The object; None when there is none, perhaps because its consumer removed it."""
        answer = await self._send("GET", self.address(uuid))
        return None if answer.status == 404 else self._object(answer, "object")

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object."""
        return self._object(await self._send("POST", self.address(), body), "object")

    async def replace(self, uuid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give an object another record; the ones before stay in its history."""
        return self._object(await self._send("PUT", self.address(uuid), body), "object")

    def address(self, uuid: str = "") -> str:
        """Of the objects, or of one."""
        return f"{self.settings.objecten_url}/objects{f'/{uuid}' if uuid else ''}"

    async def _search(self, kenmerk: str) -> dict[str, Any] | None:
        """A server that does not know the filter gives others too, so what comes is looked at."""
        path = self.settings.kenmerk_path
        if "__" in kenmerk:  # it cannot be asked for: the filter takes it for an operator
            return None
        query = {"type": self.settings.objecttype, "data_attr": f"{'__'.join(path)}__exact__{kenmerk}"}
        answer = await self._send("GET", f"{self.address()}?{urlencode(query)}")
        results = self._object(answer, "objects").get("results")
        found = results if isinstance(results, list) else []
        return next((each for each in found if at(each, ("record", "data", *path)) == kenmerk), None)

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
        settings = self.settings
        token = await asyncio.to_thread(secret_line, settings.token_file, "token")
        headers = {"Authorization": f"Token {token}", "Accept": "application/json", **_CRS}
        octets = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        if octets is not None:
            headers["Content-Type"] = "application/json"
        timeout = settings.documenten.timeout
        return await self.http.send(Call(method, url, headers, octets, settings.ca_file, settings.identity, timeout))

    def _object(self, answer: Answer, step: str) -> dict[str, Any]:
        check(answer, step, self.clock.now())
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise CaseSystemError(f"{step}: the answer of the Objecten API is not an object")
        return found
