"""The tables that say where the program listens, what it accepts there, and how it reaches out."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, model_validator
from pydantic_core import PydanticCustomError

from digikoppelaar.adapters.addresses import is_loopback

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
    """The pages, for whoever has an account.

    `public_url`: where browsers reach them behind a proxy, as https://koppelaar.voorbeeld.nl; the proxies at
    `trusted_proxies` say in X-Forwarded-For who asks. On another than a loopback address they speak TLS themselves,
    with `certificate_file` and `key_file` (PEM). `login = "none"`: without accounts, on loopback and in a sandbox.
    """

    login: Literal["accounts", "none"] = "accounts"
    public_url: str = Field(default="", pattern=r"^(https://[a-z0-9.-]+(:[0-9]+)?)?$")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    certificate_file: Path | None = None
    key_file: Path | None = None
    code_key_file: Path | None = None
    """With what the secrets of second factors are sealed; None: `login-codes.key` in the data folder."""

    @model_validator(mode="after")
    def _fits_where_it_listens(self) -> Self:
        if bool(self.certificate_file) != bool(self.key_file):
            raise PydanticCustomError("certificate", "certificate_file and key_file belong together")
        if not is_loopback(self.host) and not self.certificate_file:
            raise PydanticCustomError("not_loopback", "must be a loopback address without certificate_file")
        if self.login == "none" and self.over_network:
            raise PydanticCustomError("login", 'login = "none" is for a loopback address without public_url')
        return self

    @property
    def over_network(self) -> bool:
        """Whether browsers on other machines reach it: then local accounts need a second factor."""
        return bool(self.public_url) or not is_loopback(self.host)

    @property
    def secure(self) -> bool:
        """Whether browsers come over https."""
        return bool(self.public_url or self.certificate_file)

    @property
    def hosts(self) -> tuple[str, ...]:
        """By which names it may be asked for, beside those of this machine."""
        named = (urlsplit(self.public_url).hostname,) if self.public_url else ()
        return tuple(each for each in (*named, "" if is_loopback(self.host) else self.host) if each)


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
    public_url: str = Field(default="", pattern=r"^(https?://[!-~]+)?$")
    """Where partners reach it, as CPAs have it: the checks of onboarding look there. Empty: where the CPA says."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    certificate_header: HeaderName = ""

    @property
    def crl_files(self) -> tuple[Path, ...]:
        """The files of `crls`."""
        return tuple(Path(crl) for crl in self.crls if not is_url(crl))

    @property
    def crl_urls(self) -> tuple[str, ...]:
        """The URLs of `crls`."""
        return tuple(crl for crl in self.crls if is_url(crl))

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


def is_url(text: str) -> bool:
    """Whether it is an address and no name of a file."""
    return text.startswith(("http://", "https://"))
