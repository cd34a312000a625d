"""The tables that say how the work is done: sending, jobs, content, mail, searching and publishing."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.config.listeners import Section
from digikoppelaar.flows.apply_table import MOST_DAYS
from digikoppelaar.flows.retention import RetentionSettings


class Database(Section):
    """`url` empty: the embedded PostgreSQL in the data folder, which is for trying out (ADR 2)."""

    url: str = ""
    password_file: Path | None = None
    connections: int = Field(default=16, ge=4)


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


MailAddress = Annotated[str, Field(pattern=r"^[!-+\--~]+@[0-9A-Za-z.-]+$")]
"""Without a comma or a blank: one address, and nothing besides."""


class OnboardingMail(Section):
    """To whom the mails of onboarding go; none is shipped. `cc` gets those to the aansluitteam too."""

    aansluitteam: tuple[MailAddress, ...] = ()
    koop_servicedesk: tuple[MailAddress, ...] = ()
    koop_functioneel_beheer: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()


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
    `severities` says of a check, by its code, whether it blocks or warns. Case systems and applications are told by the
    same `interval` and `forsaken`, each as many at a time as `per_aansluiting` says.
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
    severities: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _nobody_is_forsaken_while_it_sends(self) -> Self:
        if self.forsaken <= self.timeout:
            raise PydanticCustomError("forsaken", "forsaken must be longer than timeout")
        return self


class OnboardingConfig(Section):
    """`check_hours`: between two runs of all checks of onboarding by a worker; 0 for none."""

    check_hours: float = Field(default=24.0, ge=0)
    mail: OnboardingMail = OnboardingMail()
