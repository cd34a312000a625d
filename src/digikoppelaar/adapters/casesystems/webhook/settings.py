"""The settings of a webhook, read and checked. Pure but for a body that is in a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.casesystems import publication
from digikoppelaar.adapters.casesystems.http import checked_url
from digikoppelaar.adapters.casesystems.settings import Settings
from digikoppelaar.adapters.casesystems.templates import (
    Place,
    Template,
    origin_of,
    place_of,
    read_template,
    template_source,
)
from digikoppelaar.adapters.casesystems.webhook.document import BESTAND, NAMES, REFERENTIE
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import FileKind

_METHODS: Final = ("POST", "PUT", "PATCH")
_KINDS: Final = tuple(kind.value for kind in FileKind)
_URLS: Final = ("url", "upload.url", "close.url", "publication.url")
_HEADER: Final = re.compile(r"[0-9A-Za-z!#$&'*+.^_|~-]{1,100}", re.ASCII)
_OURS: Final = frozenset({"content-length", "content-type", "transfer-encoding", "host", "connection", "authorization"})
"""Headers that have a setting of their own, or that would break the request."""
_MAY_BE_THERE: Final = frozenset({"400", "403", "404", "409", "412", "422"})
_PER_FILE: Final = NAMES | {BESTAND, REFERENTIE}


@dataclass(frozen=True, slots=True)
class Request:
    """A request in templates. `origins` are the servers to which it may go."""

    method: str
    url: Template
    headers: Mapping[str, Template]
    origins: frozenset[str]

    def address(self, values: Mapping[str, Any]) -> str:
        """Its URL. Raises ConfigError when a value made it lead to another server: personal data go there."""
        url = self.url.render(values)
        if origin_of(url) not in self.origins:
            raise ConfigError(f"template {self.url.name}: the URL leads to a server that is not in the settings")
        return url


@dataclass(frozen=True, slots=True)
class Body:
    """A body out of a template."""

    media_type: str
    template: Template


@dataclass(frozen=True, slots=True)
class Opening:
    """The first request: `body` when there is a template, else the JSON document or, with `xml`, the STAM XML."""

    request: Request
    body: Body | None
    xml: bool


@dataclass(frozen=True, slots=True)
class Uploads:
    """The request for each file of these kinds: as it is, or as part `part` of a form with `fields`."""

    request: Request
    kinds: frozenset[FileKind]
    part: str | None
    fields: Mapping[str, Template]


@dataclass(frozen=True, slots=True)
class Closing:
    """The last request, and the one about a publication."""

    request: Request
    body: Body | None


@dataclass(frozen=True, slots=True)
class Login:
    """How we say who we are: user and password (Basic), or without a user a token (Bearer)."""

    user: str | None
    secret_file: Path


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Everything that an administrator set for one webhook."""

    opening: Opening
    uploads: Uploads | None
    closing: Closing | None
    publication: Closing | None
    """What is sent when a kennisgeving about the verzoek was published."""
    reference: str | None
    """A JSON pointer into the answer to the first request."""
    already_there: frozenset[int]
    """Statuses that say that an earlier attempt did it."""
    login: Login | None
    signature_secret_file: Path | None
    idempotency_header: str
    timeout: int
    ca_file: Path | None
    identity: tls.Identity | None


def read_settings(values: Mapping[str, str]) -> WebhookSettings:
    """The settings of a target of kind `webhook`. Raises ConfigError that names the one that is wrong."""
    settings = Settings(values)
    origins = _origins(settings)
    read = WebhookSettings(
        opening=_opening(settings, origins),
        uploads=_uploads(settings, origins),
        closing=_closing(settings, "close", NAMES | {REFERENTIE}, origins),
        publication=_closing(settings, "publication", publication.NAMES, origins),
        reference=_pointer(settings),
        already_there=_already_there(settings),
        login=_login(settings),
        signature_secret_file=settings.file("signature_secret_file"),
        idempotency_header=_header_name(settings.text("idempotency_header", "Idempotency-Key")),
        timeout=settings.number("timeout", 60),
        ca_file=settings.file("ca_file"),
        identity=read_identity(settings),
    )
    settings.done()
    return read


def read_identity(settings: Settings) -> tls.Identity | None:
    """The certificate that we show; None when none is set."""
    if not settings.has("certificate_file"):
        return None
    certificate = settings.text("certificate_file")
    return tls.Identity(Path(certificate), Path(settings.text("key_file", certificate)))


def _origins(settings: Settings) -> frozenset[str]:
    """The servers that stand literally in the settings; the first request must name one."""
    urls = {key: settings.values.get(key, "") for key in _URLS}
    origins = {key: origin_of(url) for key, url in urls.items() if url}
    if origins.get("url") is None:
        raise ConfigError("setting url must begin with https:// and the name of a server, without a template in it")
    for origin in filter(None, origins.values()):
        checked_url(origin)
    return frozenset(filter(None, origins.values()))


def _opening(settings: Settings, origins: frozenset[str]) -> Opening:
    request = _request(settings, NAMES, origins)
    body = _body(settings, NAMES)
    xml = settings.choice("content", ("json", "xml")) == "xml"
    if xml and body:
        raise ConfigError("settings content and body exclude each other")
    return Opening(request, body, xml)


def _uploads(settings: Settings, origins: frozenset[str]) -> Uploads | None:
    """Required, unless the administrator says that there are none: a bijlage must not be left out by accident."""
    if settings.values.get("upload") == "nee":
        settings.text("upload")
        return None
    upload = settings.under("upload")
    if not upload.has("url"):
        raise ConfigError("setting upload.url is missing; set upload = false when the case system fetches files itself")
    form = upload.choice("form", ("raw", "multipart")) == "multipart"
    fields = {name: (f"upload.fields.{name}", text) for name, text in upload.table("fields").items()}
    if fields and not form:
        raise ConfigError("setting upload.fields needs upload.form = multipart")
    return Uploads(
        _request(upload, _PER_FILE, origins),
        frozenset(map(FileKind, upload.listed("files", _KINDS, (FileKind.BIJLAGE.value,)))),
        upload.text("part", "file") if form else None,
        {name: read_template(key, text, Place.TEXT, _PER_FILE) for name, (key, text) in fields.items()},
    )


def _closing(settings: Settings, key: str, known: frozenset[str], origins: frozenset[str]) -> Closing | None:
    """None when there is no table of this name."""
    below = settings.under(key)
    return Closing(_request(below, known, origins), _body(below, known)) if settings.has(key) else None


def _request(settings: Settings, known: frozenset[str], origins: frozenset[str]) -> Request:
    below = settings.below
    return Request(
        settings.choice("method", _METHODS),
        read_template(f"{below}url", settings.text("url"), Place.URL, known),
        {
            _header_name(name): read_template(f"{below}headers.{name}", text, Place.HEADER, known)
            for name, text in settings.table("headers").items()
        },
        origins,
    )


def _body(settings: Settings, known: frozenset[str]) -> Body | None:
    file = settings.file("body_file")
    if file is None and not settings.has("body"):
        return None
    if file is not None and settings.has("body"):
        raise ConfigError(f"settings {settings.below}body and {settings.below}body_file exclude each other")
    name = f"{settings.below}body" if file is None else str(file)
    source = settings.text("body") if file is None else template_source(file)
    media_type = settings.text("media_type", "application/json")
    return Body(media_type, read_template(name, source, place_of(media_type), known))


def _header_name(name: str) -> str:
    if not _HEADER.fullmatch(name) or name.lower() in _OURS:
        raise ConfigError(f"{name!r} cannot be set as a header")
    return name


def _pointer(settings: Settings) -> str | None:
    pointer = settings.text("reference") if settings.has("reference") else None
    if pointer is not None and not pointer.startswith("/"):
        raise ConfigError("setting reference must be a JSON pointer, such as /zaak/identificatie")
    return pointer


def _already_there(settings: Settings) -> frozenset[int]:
    """One status, or a list of them."""
    found = {*settings.table("already_there").values()}
    if "already_there" in settings.values:
        found.add(settings.text("already_there"))
    if not found <= _MAY_BE_THERE:
        raise ConfigError(f"setting already_there must be out of {', '.join(sorted(_MAY_BE_THERE))}")
    return frozenset(map(int, found))


def _login(settings: Settings) -> Login | None:
    ways: dict[str, Callable[[], Login]] = {
        "password_file": lambda: Login(settings.text("user"), Path(settings.text("password_file"))),
        "token_file": lambda: Login(None, Path(settings.text("token_file"))),
    }
    wanted = [key for key in ways if settings.has(key)]
    if len(wanted) > 1:
        raise ConfigError(f"settings {' and '.join(wanted)} exclude each other")
    return ways[wanted[0]]() if wanted else None
