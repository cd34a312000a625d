"""The settings of a target of kind `zgw`, checked. Pure; docs/howto/deliver-to-zgw.md explains each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from digikoppelaar.adapters.casesystems.http import checked_url
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.targets import NEEDS

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
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "roltype": ("initiatiefnemer", "gemachtigde", "contactpersoon"),
    "informatieobjecttypen": ("xml", "pdf", "bijlage"),
    "veld": VELDEN,
    "eigenschap": (),
    "documentsoort": (),
}
"""Tables among the settings, with the keys that they may have; none: any."""
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "auth": ("zgw", "oauth2"),
    "token_auth": ("basic", "post"),
    "identificatie": ("derived", "reserved"),
    "verify": ("no", "size", "sha256"),
    "verzoek_object": ("nee", "ja"),
    "vertrouwelijk": VERTROUWELIJK,
    "vertrouwelijkheid": VERTROUWELIJK,
}
"""Settings with few values; the first is the default, but for the last two."""
_TEXTS: Final = (
    "zaken_url",
    "documenten_url",
    "catalogi_url",
    "zaaktype",
    "catalogus",
    "client_id",
    "secret_file",
    "token_url",
    "scope",
    "user_id",
    "user_representation",
    "ca_file",
    "certificate_file",
    "key_file",
    "bronorganisatie",
    "verantwoordelijke_organisatie",
    "informatieobjecttype",
    "statustype",
    "aanvulling_statustype",
    "intrekking_statustype",
    "communicatiekanaal",
    "identificatie_prefix",
    "auteur",
    "taal",
)
_NUMBERS: Final[Mapping[str, float]] = {"parts_above_mb": 8, "documents_at_once": 4, "timeout": 60}


@dataclass(frozen=True, slots=True)
class ZgwSettings:
    """One target. URLs have no slash at their end; an empty text is a setting that is not there."""

    zaken_url: str
    documenten_url: str
    catalogi_url: str
    zaaktype: str
    client_id: str
    secret_file: Path
    catalogus: str = ""
    auth: str = "zgw"
    token_url: str = ""
    token_auth: str = "basic"  # noqa: S105 - the name of a way, not a secret
    scope: str = ""
    user_id: str = "digikoppelaar"
    user_representation: str = "digikoppelaar"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    bronorganisatie: str = ""
    verantwoordelijke_organisatie: str = ""
    identificatie: str = "derived"
    identificatie_prefix: str = "DSO-"
    informatieobjecttype: str = ""
    """For every file without a more exact one."""
    informatieobjecttypen: Mapping[str, str] = field(default_factory=dict)
    """By xml, pdf and bijlage."""
    documentsoorten: Mapping[str, str] = field(default_factory=dict)
    """Informatieobjecttype by documentsoortDSO, in lower case."""
    roltypen: Mapping[str, str] = field(default_factory=dict)
    statustype: str = ""
    aanvulling_statustype: str = ""
    intrekking_statustype: str = ""
    velden: Mapping[str, str] = field(default_factory=dict)
    """Names of eigenschappen by those of VELDEN."""
    eigenschappen: Mapping[str, str] = field(default_factory=dict)
    """Names of eigenschappen by vraagId."""
    vertrouwelijkheid: str = ""
    vertrouwelijk: str = "vertrouwelijk"
    communicatiekanaal: str = ""
    auteur: str = "Aanvrager (Omgevingsloket)"
    taal: str = "dut"
    """ISO 639-2/B, as the standard asks."""
    verify: str = "no"
    verzoek_object: bool = False
    parts_above: int = 8 * MEBIBYTE
    """Bytes; a larger document goes in bestandsdelen."""
    documents_at_once: int = 4
    timeout: float = 60.0
    """Seconds of one call."""


def read_settings(values: Mapping[str, str]) -> ZgwSettings:
    """The settings as they are on record (flows.targets). Raises ConfigError that names what is wrong."""
    if absent := [key for key in NEEDS["zgw"] if not values.get(key)]:
        raise ConfigError(f"kind zgw needs the setting {', '.join(absent)}")
    _check_names(values)
    _check_values(values)
    texts: dict[str, Any] = {key: values[key] for key in (*_TEXTS, *_CHOICES) if values.get(key)}
    for key in texts:
        if key.endswith("_file"):
            texts[key] = Path(texts[key])
        elif key.endswith("_url"):
            texts[key] = texts[key].rstrip("/")
    return ZgwSettings(
        **texts | {"verzoek_object": values.get("verzoek_object") == "ja"},
        informatieobjecttypen=_table(values, "informatieobjecttypen"),
        documentsoorten={soort.casefold(): name for soort, name in _table(values, "documentsoort").items()},
        roltypen=_table(values, "roltype"),
        velden=_table(values, "veld"),
        eigenschappen=_table(values, "eigenschap"),
        parts_above=int(_number(values, "parts_above_mb") * MEBIBYTE),
        documents_at_once=max(1, int(_number(values, "documents_at_once"))),
        timeout=_number(values, "timeout"),
    )


def _check_names(values: Mapping[str, str]) -> None:
    """A setting with a typing error must not be silently without effect."""
    known = {*_TEXTS, *_CHOICES, *_NUMBERS}
    unknown = sorted(key for key in values if key not in known and not _in_table(key))
    if unknown:
        raise ConfigError(f"kind zgw has no setting {', '.join(unknown)}")


def _in_table(key: str) -> bool:
    table, _, name = key.partition(".")
    return table in _TABLES and bool(name) and (not _TABLES[table] or name in _TABLES[table])


def _check_values(values: Mapping[str, str]) -> None:
    for key in ("zaken_url", "documenten_url", "catalogi_url", "token_url"):
        if values.get(key, NOWHERE) != NOWHERE:
            checked_url(values[key])
    for key, allowed in _CHOICES.items():
        if values.get(key) and values[key] not in allowed:
            raise ConfigError(f"{key} must be one of {', '.join(allowed)}")
    if values.get("auth") == "oauth2" and not values.get("token_url"):
        raise ConfigError("auth oauth2 needs the setting token_url")
    if bool(values.get("certificate_file")) != bool(values.get("key_file")):
        raise ConfigError("certificate_file and key_file belong together")
    for key in ("bronorganisatie", "verantwoordelijke_organisatie"):
        if values.get(key) and not is_rsin(values[key]):
            raise ConfigError(f"{key} is not an RSIN: nine digits that pass the elfproef")


def is_rsin(text: str) -> bool:
    """Whether it can be an RSIN, which has the elfproef of a BSN."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    digits = len(text) == 9 and text.isascii() and text.isdigit()
    return digits and sum(weight * int(digit) for weight, digit in zip(weights, text, strict=True)) % 11 == 0


def _table(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {key.removeprefix(f"{name}."): text for key, text in values.items() if key.startswith(f"{name}.") and text}


def _number(values: Mapping[str, str], key: str) -> float:
    try:
        number = float(values.get(key) or _NUMBERS[key])
    except ValueError as error:
        raise ConfigError(f"{key} is not a number") from error
    if not 0 <= number <= 1_000_000:
        raise ConfigError(f"{key} must be between 0 and 1000000")
    return number
