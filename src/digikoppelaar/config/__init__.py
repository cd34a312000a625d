"""The configuration of one installation: one TOML file, overridable by environment variables (DIGIKOPPELAAR_*).

Who is connected to what (organisaties, partijen, aansluitingen) is not here but in the database: see
`digikoppelaar organisatie apply`. Secrets are never values here, only names of files.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from digikoppelaar.config.listeners import Address, Application, Endpoint, Limits, OutgoingProxy, Web, is_url
from digikoppelaar.config.work import (
    CatchUpConfig,
    Database,
    MailSettings,
    OnboardingConfig,
    PublishingConfig,
    RetentionConfig,
    SenderSettings,
    Stam,
    Webhooks,
    WorkerSettings,
    WorklistSettings,
)
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.pki.policy import policy_of

DEFAULT_FILE = Path("digikoppelaar.toml")
ENVIRONMENT_PREFIX = "DIGIKOPPELAAR_"

Omgeving = Literal["sandbox-pre", "sandbox-prod", "pre", "prod"]


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
    onboarding: OnboardingConfig = OnboardingConfig()
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
    def code_key_file(self) -> Path:
        """With the key of the secrets of second factors."""
        return self.web.code_key_file or self.data_folder / "login-codes.key"

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
                named["crls"] = tuple(crl if is_url(crl) else str(base / crl) for crl in value.crls)
            return value.model_copy(update=named)
    return value
