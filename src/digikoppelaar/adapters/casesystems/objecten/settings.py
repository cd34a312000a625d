"""The settings of a target of kind `objecten`, checked; docs/howto/deliver-to-objecten.md explains each.

Those of the Documenten API are the same as for kind `zgw`, and are read there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.casesystems.http import checked_url
from digikoppelaar.adapters.casesystems.settings import Settings
from digikoppelaar.adapters.casesystems.templates import Place, Template, read_template, template_source
from digikoppelaar.adapters.casesystems.webhook.document import NAMES
from digikoppelaar.adapters.casesystems.zgw.auth import identity
from digikoppelaar.adapters.casesystems.zgw.settings import NOWHERE, ZgwSettings
from digikoppelaar.adapters.casesystems.zgw.settings import read_settings as read_zgw
from digikoppelaar.errors import ConfigError

DATA_NAMES: Final = NAMES | {"kenmerk", "productaanvraagtype", "documenten", "vorige", "initiator"}
"""What a template for the data may use: the JSON document of a webhook, and what data.py adds."""
_DOCUMENTEN: Final = (
    "documenten_url",
    "client_id",
    "secret_file",
    "auth",
    "token_url",
    "token_auth",
    "scope",
    "user_id",
    "user_representation",
    "bronorganisatie",
    "informatieobjecttype",
    "auteur",
    "taal",
    "vertrouwelijk",
    "verify",
    "parts_above_mb",
    "timeout",
    "ca_file",
    "certificate_file",
    "key_file",
)
"""Settings that mean what they mean for kind `zgw`."""


@dataclass(frozen=True, slots=True)
class ObjectenSettings:
    """One target. URLs have no slash at their end."""

    objecten_url: str
    objecttype: str
    objecttype_version: int
    token_file: Path
    documenten: ZgwSettings
    informatieobjecttypen: Mapping[str, str]
    """URLs by xml, pdf and bijlage; `informatieobjecttype` of `documenten` for the others."""
    productaanvraagtype: str
    """Empty: the type of the verzoek."""
    data: Template | None
    kenmerk_path: tuple[str, ...]
    publicaties_path: tuple[str, ...]
    """Where in the data the publications go, as a list; empty: nowhere."""
    updates: bool
    """An aanvulling changes the object that is there; else it becomes one of its own."""
    geometry: bool
    notificaties_url: str
    kanaal: str

    @property
    def ca_file(self) -> Path | None:
        """Of an authority that signs all these servers."""
        return self.documenten.ca_file

    @property
    def identity(self) -> tls.Identity | None:
        """The certificate that we show."""
        return identity(self.documenten)


def read_settings(values: Mapping[str, str]) -> ObjectenSettings:
    """The settings of a target. Raises ConfigError that names what is wrong."""
    settings = Settings(values)
    read = ObjectenSettings(
        objecten_url=_url(settings, "objecten_url"),
        objecttype=_url(settings, "objecttype"),
        objecttype_version=settings.number("objecttype_version", 1),
        token_file=Path(settings.text("token_file")),
        documenten=_documenten(settings),
        informatieobjecttypen=_informatieobjecttypen(settings),
        productaanvraagtype=settings.optional("productaanvraagtype"),
        data=_data(settings),
        kenmerk_path=tuple(settings.text("kenmerk_path", "bron.kenmerk").split(".")),
        publicaties_path=tuple(filter(None, settings.optional("publicaties_path").split("."))),
        updates=settings.choice("aanvulling", ("nieuw", "bijwerken")) == "bijwerken",
        geometry=settings.flag("geometry", default=False),
        notificaties_url=_url(settings, "notificaties_url") if settings.has("notificaties_url") else "",
        kanaal=settings.text("notificaties_kanaal", "objecten"),
    )
    settings.done()
    return read


def _url(settings: Settings, key: str) -> str:
    url = settings.text(key).rstrip("/")
    checked_url(url)
    return url


def _documenten(settings: Settings) -> ZgwSettings:
    found = {key: settings.text(key) for key in _DOCUMENTEN if settings.has(key)}
    for key in ("documenten_url", "client_id", "secret_file"):
        settings.text(key)
    # There is no zaak here, so nothing goes to these; no address begins so.
    return read_zgw({"zaken_url": NOWHERE, "catalogi_url": NOWHERE, "zaaktype": "-", **found})


def _informatieobjecttypen(settings: Settings) -> dict[str, str]:
    """By URL: without a zaaktype there is no catalogus in which a name could be looked up."""
    found = {
        soort: settings.text(f"informatieobjecttypen.{soort}", settings.text("informatieobjecttype", "-"))
        for soort in ("xml", "pdf", "bijlage")
    }
    for soort, url in found.items():
        if not url.startswith(("https://", "http://")):
            raise ConfigError(f"setting informatieobjecttype, or informatieobjecttypen.{soort}, must be the URL of one")
    return found


def _data(settings: Settings) -> Template | None:
    if not settings.has("data_file"):
        return None
    file = Path(settings.text("data_file"))
    return read_template(str(file), template_source(file), Place.JSON, DATA_NAMES)
