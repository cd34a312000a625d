"""The gateway as a process, with an endpoint for http and one for mutual TLS, used by an application over REST.

The application is the published client of ebms-core's users, unchanged. http is `sandbox-pre`, https is `sandbox-prod`:
a listener belongs to one omgeving.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from ebms_adapter_client import (
    DataSource,
    EbmsAdapterClient,
    EbmsAdapterClientConfig,
    EbMSMessageStatus,
    EbmsServerError,
    Message,
    MessageEventType,
    MessageFilter,
    MessageRequest,
    MessageRequestProperties,
)
from tests.interop.agreements import SERVICE, Member, Terms
from tests.interop.peer import DEADLINE, LOOK_EVERY

from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.trial import Trial, TrialError, free_ports
from digikoppelaar.config import Config
from digikoppelaar.ebms.agreement import Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows import api_keys
from digikoppelaar.flows.ports import Consumer
from digikoppelaar.wiring import apply_registration, open_database, open_stores

OMGEVINGEN: Final = {"http": "sandbox-pre", "https": "sandbox-prod"}
T = TypeVar("T")

CONFIGURATION: Final = """\
data_folder = "gateway"

[endpoint.sandbox-pre]
mode = "plain"
port = {http}
partij = "{oin}"
trust_anchors = ["root.pem"]

[endpoint.sandbox-prod]
port = {https}
partij = "{oin}"
trust_anchors = ["root.pem"]

[management]
port = {management}

[web]
port = {web}
login = "none"

[application]
port = {application}
json_body = 67108864
"""
REGISTRATION: Final = """
[[aansluiting]]
organisatie_oin = "{oin}"
kind = "ebms"
omgeving = "{omgeving}"
partij_oin = "{oin}"
"""
CERTIFICATE: Final = """
[[partij.certificate]]
omgeving = "{omgeving}"
uses = {uses}
certificate_file = "{certificate}"
key_file = "{key}"
"""
USES: Final = {"tls": ["tls-server", "tls-client"], "sign": ["sign"], "decrypt": ["decrypt"]}


class _Secrets:
    """Randomness for API keys."""

    def prefix(self) -> str:
        return secrets.token_hex(api_keys.PREFIX_BYTES)

    def secret(self) -> str:
        return secrets.token_urlsafe(api_keys.SECRET_BYTES)


@dataclass
class Gateway:
    """The gateway of `us` in `folder`. An async context manager."""

    us: Member
    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    clients: Mapping[str, EbmsAdapterClient] = field(default_factory=dict)
    """By scheme."""
    _running: Trial | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def config(self) -> Config:
        """Its configuration, read."""
        assert self._running is not None
        return self._running.config

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "gateway.log").read_text()

    async def __aenter__(self) -> Self:
        self.folder.mkdir()
        self.ports = dict(zip(("http", "https", "management", "web", "application"), free_ports(5), strict=True))
        self.us.endpoints.update({scheme: f"{scheme}://127.0.0.1:{self.ports[scheme]}/ebms" for scheme in OMGEVINGEN})
        try:
            await self._start()
        except TrialError as error:
            await self._stack.aclose()
            raise AssertionError(f"{error}\n{self._logs()}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients.values():
            client.close()
        await self._stack.aclose()

    async def _start(self) -> None:
        self.us.authority.write_root(self.folder)
        self._running = await self._stack.enter_async_context(Trial(self.folder, ports=self.ports))
        self._running.config_file.write_text(CONFIGURATION.format(**self.ports, oin=self.us.oin))
        async with open_database(Config(data_folder=self.folder / "gateway")):
            await self._running.migrate()
            await apply_registration(self.config, read_file(self._write_registration()), dry_run=False)
            self.clients = {scheme: await self._client(omgeving) for scheme, omgeving in OMGEVINGEN.items()}
            await self._running.start_gateway()

    def _logs(self) -> str:
        return "\n".join(log.read_text()[-4000:] for log in self.folder.glob("*.log"))

    def _write_registration(self) -> Path:
        text = f'[[organisatie]]\noin = "{self.us.oin}"\nnaam = "{self.us.name}"\nbestuurslaag = "gemeente"\n'
        text += f'[[partij]]\noin = "{self.us.oin}"\nnaam = "{self.us.name}"\n'
        for use, issued in self.us.issued.items():
            certificate, key = issued.write(self.folder, use)
            for omgeving in OMGEVINGEN.values():
                text += CERTIFICATE.format(omgeving=omgeving, uses=USES[use], certificate=certificate, key=key).replace(
                    "'", '"'
                )
        text += "".join(REGISTRATION.format(oin=self.us.oin, omgeving=omgeving) for omgeving in OMGEVINGEN.values())
        file = self.folder / "organisatie.toml"
        file.write_text(text)
        return file

    async def _client(self, omgeving: str) -> EbmsAdapterClient:
        async with open_stores(self.config) as stores:
            key = await api_keys.create(
                stores.applications,
                _Secrets(),
                omgeving=omgeving,
                organisatie_oin=self.us.oin,
                name="interop",
                now=SystemClock().now(),
            )
        url = f"http://127.0.0.1:{self.ports['application']}"
        return EbmsAdapterClient(EbmsAdapterClientConfig(url, username="interop", password=key, timeout=DEADLINE))

    # --- What an administrator does -------------------------------------------------------------------------

    async def add_cpa(self, terms: Terms, document: bytes, tolerances: Tolerances | None = None) -> None:
        """Put the CPA on record for the application, with what is tolerated under it."""
        async with open_stores(self.config) as stores:
            [aansluiting] = [
                each for each in await stores.registry.aansluitingen() if each.omgeving == OMGEVINGEN[terms.scheme]
            ]
            agreement = read_agreement(document, [self.us.oin])
            await stores.registry.import_cpa(
                aansluiting.id, document, agreement, SystemClock().now(), consumer=Consumer.REST, tolerances=tolerances
            )

    # --- What an application does ---------------------------------------------------------------------------

    async def send(self, terms: Terms, payloads: Sequence[tuple[str, bytes]] = ()) -> str:
        """Submit a message; its MessageId."""
        properties = MessageRequestProperties(
            terms.cpa_id,
            f"urn:osb:oin:{self.us.oin}",
            f"{SERVICE.type}:{SERVICE.value}",
            self.us.action,
            from_role=self.us.role,
        )
        request = MessageRequest(properties, [DataSource(kind, content) for kind, content in payloads])
        return await asyncio.to_thread(self.clients[terms.scheme].send_message, request)

    async def received(self, terms: Terms, message_id: str) -> Message:
        """A message that came in and is taken, once it is there."""
        client, wanted = self.clients[terms.scheme], MessageFilter(message_id=message_id)

        async def look() -> bool:
            return bool(await asyncio.to_thread(client.list_unprocessed_message_ids, wanted))

        await self._eventually(look, f"the arrival of {message_id}")
        return await asyncio.to_thread(lambda: client.get_message(message_id, process=True))

    async def event(self, terms: Terms, message_id: str) -> MessageEventType:
        """How a message that was sent ended, once it did."""
        client, wanted = self.clients[terms.scheme], MessageFilter(message_id=message_id)

        async def look() -> list[MessageEventType]:
            return [each.type for each in await asyncio.to_thread(client.list_unprocessed_message_events, wanted)]

        [found] = await self._eventually(look, f"an event about {message_id}")
        return found

    async def status(self, terms: Terms, message_id: str) -> EbMSMessageStatus:
        """What the partner says of a message that was sent to it."""
        return (await asyncio.to_thread(self.clients[terms.scheme].get_message_status, message_id)).status

    async def ping(self, terms: Terms, them: Member) -> bool:
        """Whether the partner answers."""
        ids = [f"urn:osb:oin:{oin}" for oin in (self.us.oin, them.oin)]
        try:
            await asyncio.to_thread(self.clients[terms.scheme].ping, terms.cpa_id, *ids)
        except EbmsServerError:
            return False
        return True

    async def unprocessed(self, terms: Terms) -> list[str]:
        """The MessageIds of all that came in and was not taken yet."""
        client = self.clients[terms.scheme]
        return await asyncio.to_thread(client.list_unprocessed_message_ids, MessageFilter(cpa_id=terms.cpa_id))

    async def _eventually(self, look: Callable[[], Awaitable[T]], what: str) -> T:
        deadline = asyncio.get_running_loop().time() + DEADLINE
        while not (found := await look()):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not within {DEADLINE:g} s: {what}; the gateway logged:\n{self.log[-4000:]}")
            await asyncio.sleep(LOOK_EVERY)
        return found
