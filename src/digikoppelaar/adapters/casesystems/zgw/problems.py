"""What a refusal of a ZGW server says, without the values in it, and what an administrator should do. Pure."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from digikoppelaar.errors import CaseSystemRefused

_RELEASE: Final = "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
_WORD: Final = re.compile(r"[\w.\[\]-]{1,80}", re.ASCII)
"""A name of a field or a code; anything else could hold what an applicant wrote."""

ADVICE_CLOSED: Final = (
    "De zaak is afgesloten. Heropen haar, of koppel het verzoek met `digikoppelaar verzoek link` aan een andere zaak, "
    f"{_RELEASE}"
)
ADVICE_UNKNOWN: Final = (
    "Bij dit verzoek is geen zaak bekend. Zoek of maak de zaak in het zaaksysteem, koppel haar met "
    f"`digikoppelaar verzoek link` {_RELEASE}"
)
_BY_CODE: Final[Mapping[str, str]] = {
    "jwt-expired": f"De klok van deze server of van het zaaksysteem loopt verkeerd: zet die gelijk, {_RELEASE}",
    "invalid-jwt-signature": f"Het geheim in `secret_file` is niet dat van het zaaksysteem: vervang het, {_RELEASE}",
    "invalid-client-identifier": f"Het zaaksysteem kent `client_id` niet: maak de applicatie daar aan, {_RELEASE}",
    "betrokkene-bsn-invalid": f"Het zaaksysteem vindt het BSN onjuist; maak de zaak met de hand, {_RELEASE}",
    "missing-zaaktype-informatieobjecttype-relation": "Het informatieobjecttype hoort niet bij het zaaktype: pas de "
    f"instelling `informatieobjecttype` of de catalogus aan, {_RELEASE}",
    "zaaktype-mismatch": f"Een type hoort niet bij het zaaktype van de zaak: controleer de catalogus, {_RELEASE}",
    "not-published": f"Een type in de catalogus is niet gepubliceerd: publiceer het, {_RELEASE}",
    "bad-url": f"Het zaaksysteem kan een adres niet vinden: controleer de URL's van de bestemming, {_RELEASE}",
    "max-occurences": f"De zaak heeft al een initiator: haal die weg of koppel een andere zaak, {_RELEASE}",
    "zaak-closed": ADVICE_CLOSED,
}
_BY_STATUS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: f"Het zaaksysteem keurt de gegevens af; het veld staat in de melding. Pas de instellingen "
    f"van de bestemming of de catalogus aan, {_RELEASE}",
    HTTPStatus.UNAUTHORIZED: "Het zaaksysteem herkent ons niet: controleer `auth`, `client_id` en het bestand "
    f"`secret_file`, {_RELEASE}",
    HTTPStatus.FORBIDDEN: "De applicatie mag dit niet in het zaaksysteem: geef haar de scopes uit "
    f"docs/howto/deliver-to-zgw.md voor dit zaaktype, {_RELEASE}",
    HTTPStatus.NOT_FOUND: f"Het adres bestaat niet: controleer de URL's van de bestemming, {_RELEASE}",
    HTTPStatus.NOT_ACCEPTABLE: "Het zaaksysteem kan niet in EPSG:4326 antwoorden; dat moet volgens de standaard. "
    f"Vraag de leverancier, {_RELEASE}",
    HTTPStatus.PRECONDITION_FAILED: "Het zaaksysteem mist de CRS-headers, die wel zijn verstuurd: kijk of een proxy "
    f"`Accept-Crs` en `Content-Crs` weglaat, {_RELEASE}",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Het bericht is te groot voor het zaaksysteem of de proxy ervoor: verlaag "
    f"`parts_above_mb` en de grootte van bestandsdelen in het zaaksysteem, {_RELEASE}",
}


class ZgwRefused(CaseSystemRefused):
    """A call was refused. `params` are names of fields with a code; values are not kept: they are personal data."""

    def __init__(self, call: str, status: int, code: str, params: tuple[tuple[str, str], ...] = ()) -> None:
        told = ", ".join(f"{name}: {what}" for name, what in params) or code
        super().__init__(f"{call}: the case system answered {status} ({told})", advice=_advice(status, code, params))
        self.status, self.code, self.params = status, code, params

    def has(self, code: str) -> bool:
        """Whether this is (part of) the reason."""
        return self.code == code or any(code == each for _, each in self.params)

    def about(self, field: str) -> bool:
        """Whether a field, or something in it, is (part of) the reason."""
        return any(name == field or name.startswith(f"{field}.") for name, _ in self.params)


def refused(call: str, status: int, body: bytes) -> ZgwRefused:
    """The refusal in an answer; a body that is no problem+json says nothing."""
    problem = _problem(body)
    params = problem.get("invalidParams")
    found = [each for each in params if isinstance(each, dict)] if isinstance(params, list) else []
    pairs = tuple((_word(each.get("name")), _word(each.get("code"))) for each in found)
    return ZgwRefused(call, status, _word(problem.get("code") or problem.get("title")), pairs)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _word(value: object) -> str:
    text = str(value or "")
    return text if _WORD.fullmatch(text) else "?"


def _advice(status: int, code: str, params: tuple[tuple[str, str], ...]) -> str | None:
    codes = (code, *(each for _, each in params))
    return next((_BY_CODE[each] for each in codes if each in _BY_CODE), None) or _BY_STATUS.get(status)
