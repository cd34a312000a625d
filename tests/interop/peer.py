"""The Java peer as a process: built by Maven, started, asked over its control interface, and ended.

What it is, and what it is not: tests/interop/README.md.
"""

import asyncio
import base64
import io
import json
import os
import shutil
import subprocess
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
from tests.interop.agreements import PASSWORD, SERVICE
from tests.shared import SHARED_DATA

PROJECT: Final = Path(__file__).parent / "peer"
BUILT: Final = PROJECT / "target" / "interop.built"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
DEADLINE: Final = 30.0
LOOK_EVERY: Final = 0.02
SCHEMAS: Final = SHARED_DATA / "ebms2" / "xsd"
T = TypeVar("T")
ENDS: Final = frozenset({"DELIVERED", "ACKNOWLEDGED", "FAILED", "PONG", "STATUS"})


def missing_tools() -> list[str]:
    """Which of the programs that the peer needs are not on this machine."""
    return [name for name in ("java", "mvn") if shutil.which(name) is None]


def build() -> None:
    """Compile the peer with its libraries from Maven Central, unless nothing changed since the last time."""
    sources = [PROJECT / "pom.xml", *(PROJECT / "src").rglob("*.java")]
    if BUILT.exists() and BUILT.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    done = subprocess.run(
        ["mvn", "--quiet", "--batch-mode", "compile"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"Maven could not build the peer:\n{done.stdout}{done.stderr}")
    BUILT.touch()


@dataclass(frozen=True)
class PeerFiles:
    """Who the peer is: the PKCS#12 files with its keys by use (tls, sign, decrypt), and its trust anchors."""

    oin: str
    pkcs12: Mapping[str, Path]
    trust: Path


@dataclass
class Peer:
    """The peer in `folder`. An async context manager; it listens on http and https at once, on https on `port`."""

    files: PeerFiles
    folder: Path
    port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    cpas: dict[str, bytes] = field(default_factory=dict)
    """What it works under, by CPAId."""
    _process: Process | None = None
    _http: aiohttp.ClientSession | None = None

    @property
    def endpoints(self) -> dict[str, str]:
        """Its addresses, by scheme."""
        return {scheme: f"{scheme}://127.0.0.1:{self.ports[scheme]}/ebms" for scheme in ("http", "https")}

    @property
    def log(self) -> str:
        """What it printed."""
        return (self.folder / "peer.log").read_text()

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE))
        ready = self.folder / "peer.json"
        classpath = os.pathsep.join([str(PROJECT / "target" / "classes"), str(PROJECT / "target" / "lib" / "*")])
        with (self.folder / "peer.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("java", "-Xmx2g", "-cp", classpath, "interop.Peer", str(self._write_settings(ready))),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        await self._until_listening(ready)
        self.ports = json.loads(ready.read_text())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._http:
            await self._http.close()

    def _write_settings(self, ready: Path) -> Path:
        settings = {"party": self.files.oin, "password": PASSWORD, "ready": str(ready), "port": str(self.port)}
        settings |= {use: str(file) for use, file in self.files.pkcs12.items()}
        settings["trust"] = str(self.files.trust)
        if SCHEMAS.is_dir():
            settings["schemas"] = str(SCHEMAS)
        file = self.folder / "peer.properties"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return file

    async def _until_listening(self, ready: Path) -> None:
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not ready.exists():
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"the Java peer does not listen; it printed:\n{self.log}")
            await asyncio.sleep(LOOK_EVERY)

    # --- Asking ------------------------------------------------------------------------------------------

    async def add_cpa(self, document: bytes) -> None:
        """Let it work under this CPA; fails when it is not valid by the official schema, where that is at hand."""
        self.cpas[(await self._ask("POST", "cpas", document))["cpaId"]] = document

    async def send(
        self, cpa_id: str, action: str, payloads: Sequence[tuple[str, bytes]] = (), *, wrong: str = "none"
    ) -> str:
        """Submit a message with payloads (Content-Type, octets); its MessageId.

        `wrong`: payload or header is altered after signing, or the action is one that the CPA does not have.
        """
        wish = {
            "cpaId": cpa_id,
            "service": SERVICE.value,
            "serviceType": SERVICE.type,
            "action": action,
            "wrong": wrong.upper(),
            "payloads": [
                {"contentType": content_type, "content": base64.b64encode(content).decode()}
                for content_type, content in payloads
            ],
        }
        return str((await self._ask("POST", "messages", wish))["messageId"])

    async def ping(self, cpa_id: str) -> str:
        """Send a Ping; its MessageId."""
        return str((await self._ask("POST", "pings", {"cpaId": cpa_id}))["messageId"])

    async def status(self, cpa_id: str, about: str) -> str:
        """Send a StatusRequest about a message; its own MessageId."""
        return str((await self._ask("POST", "statuses", {"cpaId": cpa_id, "about": about}))["messageId"])

    async def repeat(self, message_id: str) -> int:
        """Send the same octets once more; the HTTP status."""
        return int((await self._ask("POST", "repeats", {"messageId": message_id}))["status"])

    async def outcome(self, message_id: str, ends: Collection[str] = ENDS) -> Mapping[str, Any]:
        """What became of a message that it sent, once it came to one of these ends.

        A best-effort message is DELIVERED first, also when an error comes after it.
        """

        async def look() -> Mapping[str, Any] | None:
            found: Mapping[str, Any] = await self._ask("GET", f"messages/{message_id}")
            return found if found["state"] in ends else None

        return await self._eventually(look, f"an end to {message_id}")

    async def received(self, message_id: str) -> Mapping[str, Any]:
        """A business message that came in, as it was judged, once it is there."""

        async def look() -> Mapping[str, Any] | None:
            found = [one for one in await self._ask("GET", "received") if one["messageId"] == message_id]
            return found[0] if found else None

        return await self._eventually(look, f"the arrival of {message_id}")

    async def exchanges(self) -> list[Mapping[str, Any]]:
        """Every HTTP exchange on its ebMS side so far."""
        return list(await self._ask("GET", "exchanges"))

    async def answers(self, message_id: str, number: int) -> list[bytes]:
        """The signals that came about a message of this peer, in a request or a response, once there are `number`."""
        about = f"<eb:RefToMessageId>{message_id}</eb:RefToMessageId>".encode()

        async def look() -> list[bytes] | None:
            bodies = [
                base64.b64decode(one["requestBody" if one["direction"] == "in" else "responseBody"] or "")
                for one in await self.exchanges()
            ]
            found = [body for body in bodies if about in body]
            return found if len(found) >= number else None

        return await self._eventually(look, f"{number} answers about {message_id}")

    async def _eventually(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        deadline = asyncio.get_running_loop().time() + DEADLINE
        while True:
            if (found := await look()) is not None:
                return found
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not within {DEADLINE:g} s: {what}; the peer printed:\n{self.log[-4000:]}")
            await asyncio.sleep(LOOK_EVERY)

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        assert self._http is not None
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self._http.request(method, f"http://127.0.0.1:{self.ports['control']}/{path}", data=data) as answer:
            said = await answer.json()
        if answer.status != 200:
            raise AssertionError(f"the peer says {said}; it printed:\n{self.log[-4000:]}")
        return said
