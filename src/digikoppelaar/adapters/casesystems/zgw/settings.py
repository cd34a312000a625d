"""The settings of a target of kind `zgw`, checked. Pure; docs/howto/deliver-to-zgw.md explains each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.casesystems.http import checked_url
from digikoppelaar.adapters.casesystems.settings import Settings
from digikoppelaar.errors import ConfigError

MEBIBYTE: Final = 1024 * 1024
NOWHERE: Final = "-"
"""For the address of an API that is not called."""

VERTROUWELIJK: Final = (
    "openbaar",
    "beperkt_openbaar",
    "intern",
    "zaakvertrouwelijk",
    "vertrouwelijk",
    "confidentieel",
    "geheim",
    "zeer_geheim",
)
"""VertrouwelijkheidaanduidingEnum of both versions."""
VELDEN: Final = (
    "verzoeknummer",
    "volgnummer",
    "type",
    "doel",
    "titel",
    "project",
    "projectomschrijving",
    "activiteiten",
    "toelichting",
    "referentie_aanvrager",
    "bevoegd_gezag",
    "behandeldienst",
    "indiendatum",
    "ingetrokken",
)
"""What of a verzoek, besides answers, can be put in an eigenschap."""
PUBLICATIE: Final = ("nummer", "datum", "adres")
"""What of a publication can be put in an eigenschap."""
_SOORTEN: Final = ("xml", "pdf", "bijlage", "publicatie")
_ROLLEN: Final = ("initiatiefnemer", "gemachtigde", "contactpersoon")


@dataclass(frozen=True, slots=True)
class ZgwSettings:
    """One target. URLs have no slash at their end; an empty text is a setting that is not there."""

    zaken_url: str
    documenten_url: str
    catalogi_url: str
    besluiten_url: str
    zaaktype: str
    client_id: str
    secret_file: Path
    catalogus: str
    auth: str
    token_url: str
    token_auth: str
    scope: str
    user_id: str
    user_representation: str
    ca_file: Path | None
    certificate_file: Path | None
    key_file: Path | None
    bronorganisatie: str
    verantwoordelijke_organisatie: str
    identificatie: str
    identificatie_prefix: str
    informatieobjecttype: str
    """For every file without a more exact one."""
    informatieobjecttypen: Mapping[str, str]
    """By xml, pdf, bijlage and publicatie."""
    documentsoorten: Mapping[str, str]
    """Informatieobjecttype by documentsoortDSO, in lower case."""
    roltypen: Mapping[str, str]
    statustype: str
    aanvulling_statustype: str
    intrekking_statustype: str
    velden: Mapping[str, str]
    """Names of eigenschappen by those of VELDEN."""
    eigenschappen: Mapping[str, str]
    """Names of eigenschappen by vraagId."""
    publicatie: Mapping[str, str]
    """Names of eigenschappen by those of PUBLICATIE."""
    vertrouwelijkheid: str
    vertrouwelijk: str
    communicatiekanaal: str
    auteur: str
    taal: str
    """ISO 639-2/B, as the standard asks."""
    verify: str
    verzoek_object: bool
    parts_above: int
    """Bytes; a larger document goes in bestandsdelen."""
    documents_at_once: int
    timeout: int
    """Seconds of one call."""


def read_settings(values: Mapping[str, str]) -> ZgwSettings:
    """The settings as they are on record (flows.targets). Raises ConfigError that names the one that is wrong."""
    settings = Settings(values)
    auth = settings.choice("auth", ("zgw", "oauth2"))
    read = ZgwSettings(
        zaken_url=_url(settings, "zaken_url"),
        documenten_url=_url(settings, "documenten_url"),
        catalogi_url=_url(settings, "catalogi_url"),
        besluiten_url=_url(settings, "besluiten_url") if settings.optional("besluiten_url") else "",
        zaaktype=settings.text("zaaktype"),
        client_id=settings.text("client_id"),
        secret_file=Path(settings.text("secret_file")),
        catalogus=settings.optional("catalogus"),
        auth=auth,
        token_url=_url(settings, "token_url") if auth == "oauth2" or settings.optional("token_url") else "",
        token_auth=settings.choice("token_auth", ("basic", "post")),
        scope=settings.optional("scope"),
        user_id=settings.optional("user_id", "digikoppelaar"),
        user_representation=settings.optional("user_representation", "digikoppelaar"),
        ca_file=settings.file("ca_file"),
        certificate_file=settings.file("certificate_file"),
        key_file=settings.file("key_file"),
        bronorganisatie=_rsin(settings, "bronorganisatie"),
        verantwoordelijke_organisatie=_rsin(settings, "verantwoordelijke_organisatie"),
        identificatie=settings.choice("identificatie", ("derived", "reserved")),
        identificatie_prefix=settings.optional("identificatie_prefix", "DSO-"),
        informatieobjecttype=settings.optional("informatieobjecttype"),
        informatieobjecttypen=settings.table("informatieobjecttypen", _SOORTEN),
        documentsoorten={soort.casefold(): name for soort, name in settings.table("documentsoort").items()},
        roltypen=settings.table("roltype", _ROLLEN),
        statustype=settings.optional("statustype"),
        aanvulling_statustype=settings.optional("aanvulling_statustype"),
        intrekking_statustype=settings.optional("intrekking_statustype"),
        velden=settings.table("veld", VELDEN),
        eigenschappen=settings.table("eigenschap"),
        publicatie=settings.table("publicatie", PUBLICATIE),
        vertrouwelijkheid=settings.choice("vertrouwelijkheid", VERTROUWELIJK, ""),
        vertrouwelijk=settings.choice("vertrouwelijk", VERTROUWELIJK, "vertrouwelijk"),
        communicatiekanaal=settings.optional("communicatiekanaal"),
        auteur=settings.optional("auteur", "Aanvrager (Omgevingsloket)"),
        taal=settings.optional("taal", "dut"),
        verify=settings.choice("verify", ("no", "size", "sha256")),
        verzoek_object=settings.flag("verzoek_object", default=False),
        parts_above=int(settings.fraction("parts_above_mb", 8) * MEBIBYTE),
        documents_at_once=settings.number("documents_at_once", 4),
        timeout=settings.number("timeout", 60),
    )
    settings.done()
    if bool(read.certificate_file) != bool(read.key_file):
        raise ConfigError("settings certificate_file and key_file belong together")
    return read


def _url(settings: Settings, key: str) -> str:
    url = settings.text(key).rstrip("/")
    if url != NOWHERE:
        checked_url(url)
    return url


def _rsin(settings: Settings, key: str) -> str:
    text = settings.optional(key)
    if text and not is_rsin(text):
        raise ConfigError(f"setting {key} is not an RSIN: nine digits that pass the elfproef")
    return text


def is_rsin(text: str) -> bool:
    """Whether it can be an RSIN, which has the elfproef of a BSN."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    digits = len(text) == 9 and text.isascii() and text.isdigit()
    return digits and sum(weight * int(digit) for weight, digit in zip(weights, text, strict=True)) % 11 == 0
