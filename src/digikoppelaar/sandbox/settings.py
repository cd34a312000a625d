"""How a sandbox is to run, and what it must never do."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.cpa_document import PROFILES
from digikoppelaar.sandbox.folder import GEMEENTE
from digikoppelaar.sandbox.routing import Organisatie

OMGEVINGEN: Final = ("sandbox-pre", "sandbox-prod")
ONE_COUNTRY: Final = (Organisatie(GEMEENTE.oin, GEMEENTE.name),)
"""One gemeente, which is everywhere."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How to run. Port 0 takes a free one; `gateway_endpoint` is the https URL that goes into the CPA.

    `profile`, `retries` and `retry_interval` go into the CPA too; `case_folder` goes into organisatie.toml. `seed`
    makes the invented content the same at every run; `organisaties` are the authorities that it knows, one or more.
    They are connected at the start, unless `unconnected`: then each must be onboarded. With `publish_at_once` KOOP does
    not wait for its daily run.
    """

    folder: Path
    gateway_endpoint: str
    case_folder: Path
    omgeving: str = "sandbox-pre"
    host: str = "127.0.0.1"
    rest_port: int = 0
    ebms_port: int = 0
    management_port: int = 0
    loket_port: int = 0
    koop_3pas_port: int = 0
    koop_pages_port: int = 0
    register_port: int = 0
    onboarding_port: int = 0
    mail_port: int = 0
    profile: str = "osb-rm-s"
    retries: int = 8
    retry_interval: timedelta = timedelta(seconds=10)
    seed: int | None = None
    organisaties: tuple[Organisatie, ...] = ONE_COUNTRY
    unconnected: bool = False
    publish_at_once: bool = False
    allow_other_addresses: bool = False


def check(settings: SandboxSettings) -> None:
    """Raises ConfigError when these settings would let the sandbox out of this machine, or into pre or prod."""
    if settings.omgeving not in OMGEVINGEN:
        raise ConfigError(f"the sandbox plays {' or '.join(OMGEVINGEN)}, not {settings.omgeving!r}")
    if not settings.allow_other_addresses and not is_loopback(settings.host):
        raise ConfigError(
            f"{settings.host} is not a loopback address",
            advice="De sandbox luistert alleen op deze machine, tenzij u uitdrukkelijk een ander adres toestaat.",
        )
    if settings.profile not in PROFILES:
        raise ConfigError(f"the sandbox makes a CPA for {' or '.join(PROFILES)}, not for {settings.profile!r}")
    gateway = urlsplit(settings.gateway_endpoint)
    if gateway.scheme != "https" or not gateway.hostname:
        raise ConfigError(f"the gateway's endpoint must be an https URL, not {settings.gateway_endpoint!r}")
    if not settings.allow_other_addresses and not is_loopback(gateway.hostname):
        raise ConfigError(
            f"the gateway's endpoint is not on a loopback address: {gateway.hostname}",
            advice="De sandbox stuurt alleen naar deze machine, tenzij u uitdrukkelijk een ander adres toestaat.",
        )
