"""The only place where parts are put together: an open database, the stores over it, and the administration."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.postgres import embedded
from digikoppelaar.adapters.postgres.access import PostgresAccounts, PostgresSessions
from digikoppelaar.adapters.postgres.applications import PostgresApplications
from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.postgres.catch_up import PostgresCatchUp
from digikoppelaar.adapters.postgres.connect import Pool, Url, opened_pool
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.errands import PostgresErrands
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.links import PostgresLinks
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.adapters.postgres.reading import PostgresReading
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.adapters.postgres.repairs import PostgresRepairs
from digikoppelaar.adapters.postgres.reroutes import PostgresReroutes
from digikoppelaar.adapters.postgres.retention import PostgresRetention
from digikoppelaar.adapters.postgres.schema import require_schema
from digikoppelaar.adapters.postgres.stages import PostgresStages
from digikoppelaar.adapters.postgres.tellings import PostgresTellings
from digikoppelaar.adapters.postgres.verzoeken import PostgresVerzoeken
from digikoppelaar.adapters.postgres.views import PostgresViews
from digikoppelaar.adapters.postgres.webhooks import PostgresWebhooks
from digikoppelaar.adapters.postgres.worklist import PostgresWorklist
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.adapters.webhook_client import WebhookClient
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import administration, cpas
from digikoppelaar.flows.administration import Look, PingResult, agree
from digikoppelaar.flows.cpas import ImportChoice, Imported
from digikoppelaar.flows.onboarding import Onboarding, nobody_judges
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.registration import Change, Entry
from digikoppelaar.flows.retention import Retention

CLI_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that is kept in the database; `url` gives the address of this moment, password included."""

    url: Url
    pool: Pool
    registry: PostgresRegistry
    messages: PostgresMessages
    verzoeken: PostgresVerzoeken
    deliveries: PostgresDeliveries
    links: PostgresLinks
    repairs: PostgresRepairs
    worklist: PostgresWorklist
    reading: PostgresReading
    applications: PostgresApplications
    case_events: PostgresCaseEvents
    webhooks: PostgresWebhooks
    views: PostgresViews
    retention: PostgresRetention
    catch_up: PostgresCatchUp
    reroutes: PostgresReroutes
    kennisgevingen: PostgresKennisgevingen
    errands: PostgresErrands
    stages: PostgresStages
    onboarding: PostgresOnboarding
    tellings: PostgresTellings
    accounts: PostgresAccounts
    sessions: PostgresSessions


@asynccontextmanager
async def open_database(config: Config) -> AsyncIterator[Url]:
    """The database of this installation; the embedded server runs as long as somebody has it open."""
    if config.embedded:
        async with embedded.leased(config.data_folder / "postgres") as lease:
            yield lambda: lease.url
    else:
        url = _with_password(config.database.url, config.database.password_file)
        yield lambda: url


@asynccontextmanager
async def open_stores(config: Config, connections: int = CLI_CONNECTIONS) -> AsyncIterator[Stores]:
    """The stores over the database. Raises ConfigError when its schema is not the one of this version."""
    async with open_database(config) as url:
        require_schema(url())
        async with opened_pool(url, connections) as pool:
            yield Stores(
                url,
                pool,
                PostgresRegistry(pool),
                PostgresMessages(pool),
                PostgresVerzoeken(pool),
                PostgresDeliveries(pool),
                PostgresLinks(pool),
                PostgresRepairs(pool),
                PostgresWorklist(pool),
                PostgresReading(pool),
                PostgresApplications(pool),
                PostgresCaseEvents(pool),
                PostgresWebhooks(pool),
                PostgresViews(pool),
                PostgresRetention(pool),
                PostgresCatchUp(pool),
                PostgresReroutes(pool),
                PostgresKennisgevingen(pool),
                PostgresErrands(pool),
                PostgresStages(pool),
                PostgresOnboarding(pool),
                PostgresTellings(pool),
                PostgresAccounts(pool),
                PostgresSessions(pool),
            )


def onboarding(stores: Stores) -> Onboarding:
    """How far organisaties are, and what is told of their steps."""
    return Onboarding(stores.onboarding, load_process, nobody_judges)


def open_webhooks(config: Config) -> WebhookClient:
    """What posts to the systems of applications."""
    webhooks = config.webhooks
    return WebhookClient(timeout=webhooks.timeout, plain_http=webhooks.plain_http, anchors=webhooks.trust_anchors)


def retention(config: Config, stores: Stores) -> Retention:
    """What deletes content whose period is over."""
    blobs = FolderBlobs(config.data_folder / "blobs")
    keys = FingerprintKeyFile(config.fingerprint_key_file)
    return Retention(stores.retention, blobs, keys, SystemClock(), config.retention.settings)


async def apply_registration(
    config: Config, entries: Sequence[Entry], *, dry_run: bool, look: Look = agree
) -> tuple[Change, ...]:
    """See flows.administration.apply_registration."""
    async with open_stores(config) as stores:
        return await administration.apply_registration(
            stores.registry, entries, dry_run=dry_run, embedded=config.embedded, now=SystemClock().now(), look=look
        )


async def import_cpa(config: Config, document: bytes, choice: ImportChoice) -> Imported:
    """See flows.cpas.import_cpa; the policies are those of the configuration."""
    async with open_stores(config) as stores:
        configured = replace(choice, policies=policies(config))
        return await cpas.import_cpa(stores.registry, document, configured, now=SystemClock().now())


def policies(config: Config) -> dict[str, str]:
    """The policy of each omgeving for which one is configured."""
    return {omgeving: each.policy for omgeving, each in config.endpoint.items() if each.policy}


async def ping(config: Config, cpa: CpaRecord, *, timeout: float) -> PingResult:
    """See flows.administration.ping."""
    async with open_stores(config) as stores:
        return await administration.ping(
            cpa, stores.messages, stores.reading, RandomIds(), SystemClock(), timeout=timeout
        )


def _with_password(url: str, password_file: Path | None) -> str:
    """The URL with the password from its file: a password does not belong in a configuration file."""
    if password_file is None:
        return url
    try:
        password = password_file.read_text().strip()
    except OSError as error:
        raise ConfigError(f"database.password_file {password_file}: {error.strerror}") from error
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}"))
