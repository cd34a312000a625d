"""Keys, trust and connections of an installation, opened as its configuration and the database say.

For the gateway and for every command that speaks to others.
"""

from pathlib import Path

from digikoppelaar.adapters.http_out import MtlsSessions, Timeouts
from digikoppelaar.adapters.keyfiles import record_of
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.postgres.trust import PostgresTrust
from digikoppelaar.adapters.proxies import Proxies, Proxy
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError
from digikoppelaar.renewal import Renewal
from digikoppelaar.wiring import Stores


def open_renewal(config: Config, stores: Stores, keyring: Keyring) -> Renewal:
    """What keeps trust in these omgevingen up to date; nothing runs yet."""
    urls: dict[str, tuple[str, ...]] = {omgeving: endpoint.crl_urls for omgeving, endpoint in config.endpoint.items()}
    records = PostgresTrust(stores.pool)
    return Renewal(keyring, stores.registry, records, SystemClock(), [*config.endpoint], urls)


def open_sessions(config: Config, keyring: Keyring) -> MtlsSessions:
    """Connections to partners and facilities, with the time-outs of the configuration. Raises ConfigError."""
    timeout = config.sender.timeout
    return MtlsSessions(keyring, Timeouts(connect=timeout / 3, read=timeout, total=timeout), open_proxies(config))


def open_proxies(config: Config) -> Proxies:
    """The proxies of this installation, with their credentials. Raises ConfigError."""
    return Proxies([Proxy(each.hosts, each.url, _first_line(each.credentials_file)) for each in config.proxy])


def _first_line(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return next(iter(file.read_text().splitlines()), "")
    except OSError as error:
        raise ConfigError(f"proxy.credentials_file {file}: {error.strerror}") from error


async def open_keyring(config: Config, stores: Stores) -> Keyring:
    """The keys and trust of this installation as they are on record. Raises ConfigError or TrustError."""
    records = [record_of(entry) for entry in await stores.registry.certificates()]
    files: dict[str, TrustFiles] = {
        omgeving: TrustFiles(endpoint.trust_anchors, endpoint.intermediates, endpoint.crl_files, endpoint.policy)
        for omgeving, endpoint in config.endpoint.items()
    }
    clock = SystemClock()
    return Keyring(records, TrustBase(files, clock), clock)
