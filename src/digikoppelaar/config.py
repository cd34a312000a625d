"""The configuration of one installation: one TOML file, overridable by environment variables (DIGIKOPPELAAR_*).

Who is connected to what (organisaties, partijen, aansluitingen) is not here but in the database: see
`digikoppelaar organisatie apply`. Secrets are never values here, only names of files.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_table import MOST_DAYS
from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.flows.retention import RetentionSettings
from digikoppelaar.pki.policy import policy_of

DEFAULT_FILE = Path("digikoppelaar.toml")
ENVIRONMENT_PREFIX = "DIGIKOPPELAAR_"

Omgeving = Literal["sandbox-pre", "sandbox-prod", "pre", "prod"]
Port = Annotated[int, Field(ge=0, le=65535)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")]
"""Without underscore: proxies disagree on whether `X_Y` is `X-Y`."""


class Section(BaseModel):
    """A table of the file; an unknown key is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(Section):
    """Where a listener listens; port 0 takes a free port and reports it."""

    host: str = "127.0.0.1"
    port: Port = 0


class Web(Address):
    """The pages; they have no login yet, so only this machine may reach them."""

    @field_validator("host")
    @classmethod
    def _only_this_machine(cls, host: str) -> str:
        if not is_loopback(host):
            raise PydanticCustomError("not_loopback", "must be a loopback address: the pages have no login yet")
        return host


class Database(Section):
    """`url` empty: the embedded PostgreSQL in the data folder, which is for trying out (ADR 2)."""

    url: str = ""
    password_file: Path | None = None
    connections: int = Field(default=16, ge=4)


class Endpoint(Address):
    """The ebMS endpoint of one omgeving, with the partij that owns its server certificate.

    `mode`: how callers show who they are. `tls`: to our own TLS. `proxy`: to a TLS offloader at one of
    `trusted_proxies` (addresses or networks), which puts their certificate in `certificate_header` and overwrites what
    a caller puts there; http from there on. `plain`: not at all, over http, for the sandbox on a loopback address.
    """

    mode: Literal["tls", "proxy", "plain"] = "tls"
    partij: str
    trust_anchors: tuple[Path, ...]
    policy: Literal["strict", "legacy", "lab"] | None = None
    """How strict certificates are judged (pki.policy). None: strict for pre and prod, lab for the sandbox."""
    intermediates: tuple[Path, ...] = ()
    """CAs between the anchors and partners that send or name their own certificate only."""
    crls: tuple[str, ...] = ()
    """URLs and files of CRLs, beside the URLs that certificates name."""
    path: str = "/ebms"
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    certificate_header: HeaderName = ""

    @property
    def crl_files(self) -> tuple[Path, ...]:
        """The files of `crls`."""
        return tuple(Path(crl) for crl in self.crls if not _is_url(crl))

    @property
    def crl_urls(self) -> tuple[str, ...]:
        """The URLs of `crls`."""
        return tuple(crl for crl in self.crls if _is_url(crl))

    @model_validator(mode="after")
    def _fits_its_mode(self) -> Self:
        if self.mode == "plain" and not is_loopback(self.host):
            raise PydanticCustomError("not_loopback", "mode plain must listen on a loopback address: it has no TLS")
        behind = self.mode == "proxy"
        if (bool(self.trusted_proxies), bool(self.certificate_header)) != (behind, behind):
            raise PydanticCustomError(
                "proxy", "trusted_proxies and certificate_header belong to mode proxy, which needs both"
            )
        return self


class OutgoingProxy(Section):
    """A CONNECT proxy for outgoing calls to hosts that fit `hosts`, as `*.voorbeeld.nl`; the first that fits counts.

    `credentials_file`: its first line is name:password.
    """

    hosts: str = "*"
    url: str
    credentials_file: Path | None = None


class Limits(Section):
    """What is accepted from a partner; sizes in bytes, times in seconds."""

    body: int = 2 * 1024**3
    soap: int = 1024**2
    parts: int = 100
    read_timeout: float = 60.0
    connections: int = 500


class SenderSettings(Section):
    """`slots`: attempts under way for one partner. `timeout`: seconds for one attempt, whole."""

    slots: int = Field(default=32, ge=1)
    timeout: float = Field(default=30.0, gt=0)


class WorkerSettings(Section):
    """`jobs`: how many run at once in one worker process; see flows.places."""

    jobs: int = Field(default=8, ge=1)


class Stam(Section):
    """`schema_folder`: the official schemas (*.xsd, in any folders below) against which verzoeken are held."""

    schema_folder: Path | None = None


class Application(Address):
    """The REST interface for applications; there is none unless this table is there.

    Plain http on a loopback address; anywhere else `certificate_file` and `key_file` (PEM) are needed for TLS.
    `answer_timeout`: seconds to wait for a Pong or a status. `json_body`: bytes of a message with base64 payloads.
    """

    port: Port = 8082
    certificate_file: Path | None = None
    key_file: Path | None = None
    answer_timeout: float = Field(default=30.0, gt=0)
    json_body: int = Field(default=32 * 1024**2, ge=1024)

    @model_validator(mode="after")
    def _keys_stay_secret(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise PydanticCustomError("certificate", "certificate_file and key_file belong together")
        if not self.certificate_file and not is_loopback(self.host):
            raise PydanticCustomError(
                "not_loopback", "must be a loopback address without certificate_file and key_file: API keys need TLS"
            )
        return self


class Webhooks(Section):
    """`slots`: posts under way to one URL. `timeout`: seconds for one post. `plain_http`: allowed beyond this machine.

    `trust_anchors`: root certificates (PEM) that are trusted beside those of the machine.
    """

    slots: int = Field(default=4, ge=1)
    timeout: float = Field(default=10.0, gt=0)
    plain_http: bool = False
    trust_anchors: tuple[Path, ...] = ()


class RetentionConfig(Section):
    """How long content is kept: see flows.retention.RetentionSettings. An aansluiting may have its own `days`.

    `fingerprint_key_file` without a value: `fingerprint.key` in the data folder, made when it is not there.
    """

    days: int = Field(default=31, ge=0, le=MOST_DAYS)
    fingerprint_months: int = Field(default=12, ge=0, le=120)
    fingerprint_key_file: Path | None = None
    leftover_days: int = Field(default=8, ge=1)
    interval_hours: float = Field(default=24, gt=0)

    @property
    def settings(self) -> RetentionSettings:
        """For the flow."""
        return RetentionSettings(
            self.days, self.fingerprint_months, timedelta(days=self.leftover_days), timedelta(hours=self.interval_hours)
        )


class MailSettings(Section):
    """The mail server that takes our mail; there is none unless this table is there.

    `tls`: starttls, tls from the first byte, or none. The first line of `credentials_file` is name:password.
    `trust_anchors`: root certificates (PEM) that are trusted beside those of the machine.
    """

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(alias="from", pattern=r"^[!-~]+@[0-9A-Za-z.-]+$")
    credentials_file: Path | None = None
    trust_anchors: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _password_stays_secret(self) -> Self:
        if self.tls == "none" and self.credentials_file and not is_loopback(self.host):
            raise PydanticCustomError("plain", "credentials_file needs tls, unless host is a loopback address")
        return self


class WorklistSettings(Section):
    """When something is on the worklist, and when its digest is mailed (an hour of Dutch time).

    `silent_days`: without any notification; 0 for never. `expiry_days`: before a certificate or CPA ends.
    """

    fetch_minutes: int = Field(default=15, ge=1)
    failing_minutes: int = Field(default=60, ge=1)
    silent_days: int = Field(default=7, ge=0)
    missed_days: int = Field(default=7, ge=1)
    expiry_days: int = Field(default=60, ge=1)
    digest_hour: int = Field(default=7, ge=0, le=23)
    interval: float = Field(default=60.0, gt=0)
    """Seconds between two looks by a worker that mails it."""


class CatchUpConfig(Section):
    """Searching DSO-LV for verzoeken whose notification never came; times in seconds.

    `overlap`: searched again before the end of the last complete search. `first_days`: how far back the first search
    looks. `grace`: what was submitted later than this is left to its notification. `at_once`: searches side by side.
    """

    enabled: bool = True
    interval: float = Field(default=3600.0, ge=1)
    overlap: float = Field(default=3600.0, ge=0)
    first_days: float = Field(default=7.0, gt=0)
    grace: float = Field(default=900.0, ge=0)
    at_once: int = Field(default=4, ge=1)


class PublishingConfig(Section):
    """Sending kennisgevingen and looking whether they are published; times in seconds.

    `interval` is between two looks for what is due. `timeout` is for one attempt, whole: nothing public says how long
    KOOP may take, and one that ends too early costs a person's look. What has been sending for longer than `forsaken`
    was left by who sent it: whether KOOP has it is unknown then. `look_soonest` and `look_latest` bound how often one
    is searched for at KOOP. `at_once` counts what a process is sending, but not what takes longer than a few seconds;
    `per_aansluiting` counts all that is being sent of one. `templates` is a folder with texts in the place of ours.
    `severities` says of a check, by its code, whether it blocks or warns.
    """

    enabled: bool = True
    interval: float = Field(default=5.0, gt=0)
    timeout: float = Field(default=180.0, gt=0)
    forsaken: float = Field(default=600.0, ge=1)
    look_soonest: float = Field(default=300.0, gt=0)
    look_latest: float = Field(default=3600.0, gt=0)
    at_once: int = Field(default=8, ge=1)
    per_aansluiting: int = Field(default=2, ge=1)
    templates: Path | None = None
    severities: dict[str, str] = {}

    @model_validator(mode="after")
    def _nobody_is_forsaken_while_it_sends(self) -> Self:
        if self.forsaken <= self.timeout:
            raise PydanticCustomError("forsaken", "forsaken must be longer than timeout")
        return self


class Config(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_folder: Path = Path()
    profiles: Path | None = None
    """The folder of the profiles that stand in the place of ours; None: `profiles` in the data folder."""
    database: Database = Database()
    endpoint: dict[Omgeving, Endpoint] = {}
    proxy: tuple[OutgoingProxy, ...] = ()
    management: Address = Address(port=8081)
    web: Web = Web(port=8080)
    application: Application | None = None
    webhooks: Webhooks = Webhooks()
    limits: Limits = Limits()
    sender: SenderSettings = SenderSettings()
    worker: WorkerSettings = WorkerSettings()
    retention: RetentionConfig = RetentionConfig()
    mail: MailSettings | None = None
    worklist: WorklistSettings = WorklistSettings()
    stam: Stam = Stam()
    catch_up: CatchUpConfig = CatchUpConfig()
    publishing: PublishingConfig = PublishingConfig()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("endpoint")
    @classmethod
    def _plain_in_the_sandbox_only(cls, endpoints: dict[Omgeving, Endpoint]) -> dict[Omgeving, Endpoint]:
        for omgeving, endpoint in endpoints.items():
            if endpoint.mode == "plain" and not is_sandbox(omgeving):
                raise PydanticCustomError("plain", f"mode plain is for the sandbox, not for {omgeving}")
        return endpoints

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        del dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @property
    def profile_folder(self) -> Path:
        """Of the profiles that stand in the place of ours."""
        return self.profiles or self.data_folder / "profiles"

    @property
    def fingerprint_key_file(self) -> Path:
        """With the keys of the keyed hashes."""
        return self.retention.fingerprint_key_file or self.data_folder / "fingerprint.key"

    @property
    def embedded(self) -> bool:
        """Whether PostgreSQL is the one that we start ourselves."""
        return not self.database.url


def default_data_folder(home: Path, *, root: bool) -> Path:
    """Where data goes when nothing is said: root's own home is closed to the user that PostgreSQL runs as."""
    return Path("/var/lib/digikoppelaar") if root else home / ".local" / "share" / "digikoppelaar"


def load(file: Path | None) -> Config:
    """The configuration from `file`, or from digikoppelaar.toml in the current folder when that is there.

    Relative paths in the file are relative to the file. Raises ConfigError that names the key and what is wrong.
    """
    chosen = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    values = _read(chosen) if chosen else {}
    values.setdefault("data_folder", default_data_folder(Path.home(), root=os.geteuid() == 0))
    try:
        config = Config(**values)
    except ValidationError as error:
        raise ConfigError(f"{chosen or 'environment'}: {_explain(error)}") from error
    for omgeving, endpoint in config.endpoint.items():
        policy_of(omgeving, endpoint.policy, sandbox=is_sandbox(omgeving))
    placed: Config = _absolute(config, chosen.resolve().parent if chosen else Path.cwd())
    return placed


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file", advice="Geef met --config het bestand digikoppelaar.toml.")
    try:
        return dict(TomlConfigSettingsSource(Config, toml_file=file)())
    except ValueError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error


def _explain(error: ValidationError) -> str:
    def words(found: ErrorDetails) -> str:
        return "unknown key" if found["type"] == "extra_forbidden" else found["msg"]

    return "; ".join(f"{'.'.join(str(key) for key in found['loc'])}: {words(found)}" for found in error.errors())


def _absolute(value: Any, base: Path) -> Any:
    """`value` with every file in it relative to `base`."""
    match value:
        case Path():
            return base / value
        case tuple():
            return tuple(_absolute(each, base) for each in value)
        case dict():
            return {name: _absolute(each, base) for name, each in value.items()}
        case BaseModel():
            named = {name: _absolute(getattr(value, name), base) for name in type(value).model_fields}
            if isinstance(value, Endpoint):
                named["crls"] = tuple(crl if _is_url(crl) else str(base / crl) for crl in value.crls)
            return value.model_copy(update=named)
    return value


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))
