"""What is certain after an answer of 3PAS that gives no dossiernummer: tables, each row with its reason.

Only what was certainly not taken is sent again by itself, or given back to be changed. Anything else KOOP may have, and
what it publishes stays public (ADR 24): so what is in no table, and in no list of the profile, is UNKNOWN. Whether
anything was sent when no answer came is for adapters.drop_client.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.errors import FacilityOutcomeUnknown


class Outcome(StrEnum):
    """What became of a request."""

    LATER = "later"
    """Certainly not taken, and the same may be later."""
    REFUSED = "refused"
    """Certainly not taken, nor would the same be before somebody changed something."""
    UNKNOWN = "unknown"
    """Perhaps taken."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The outcome, why that is certain or not, and in Dutch what is to be done by whom."""

    outcome: Outcome
    why: str
    advice: str = FacilityOutcomeUnknown.default_advice


_NOT_TAKEN: Final = (
    "De kennisgeving is niet aangenomen; geef haar vrij met `kennisgeving resume` als de oorzaak weg is."
)
_BUSY: Final = (
    "KOOP kan de kennisgeving nu niet aannemen; er is niets gepubliceerd. Digikoppelaar probeert het vanzelf opnieuw. "
    "Blijft dit zo, bekijk dan de storingspagina van KOOP."
)
_TEXT: Final = (
    "KOOP weigert deze kennisgeving. Verbeter wat de foutmelding noemt met `kennisgeving edit` en keur haar opnieuw "
    "goed. Ligt het aan certificaat of machtiging, herstel die dan en geef haar vrij met `kennisgeving resume`."
)
_OURS: Final = (
    f"KOOP begrijpt het bericht niet. Meld dit aan de beheerder van digikoppelaar, met de foutmelding. {_NOT_TAKEN}"
)
_ACCESS: Final = (
    "KOOP laat deze aansluiting niet toe: controleer certificaat of gebruikersnaam, en of KOOP die voor dit adres "
    f"kent. {_NOT_TAKEN}"
)
_ADDRESS: Final = f"Controleer het adres van 3PAS in de aansluiting. {_NOT_TAKEN}"
_SERVICEDESK: Final = f"{FacilityOutcomeUnknown.default_advice} Vraag de KOOP Servicedesk wat de foutcode betekent."

_R, _L, _U = Outcome.REFUSED, Outcome.LATER, Outcome.UNKNOWN

FAULTS: Final[Mapping[str, Meaning]] = {
    "Client": Meaning(_R, "what was sent is at fault, and is not to be sent again unchanged", _TEXT),
    "VersionMismatch": Meaning(_R, "the envelope was not understood", _OURS),
    "MustUnderstand": Meaning(_R, "a header was not understood, and so nothing was handled", _OURS),
    "Server": Meaning(_U, "it broke while it was handled, and nothing says at which point", _SERVICEDESK),
}
"""By the code of SOAP 1.1 (section 4.4.1)."""

OTHER_FAULT: Final = Meaning(_U, "what this code means is not known", _SERVICEDESK)

STATUSES: Final[tuple[tuple[Collection[int], Meaning], ...]] = (
    # The first row that fits counts. RFC 9110, section 15; of 429 RFC 6585, section 4.
    ((401, 403), Meaning(_R, "certificate or user name refused", _ACCESS)),
    ((408, 429, 503), Meaning(_L, "the request was not handled, and may be later", _BUSY)),
    ((302, 303), Meaning(_U, "what came of the request is told elsewhere")),
    (range(300, 500), Meaning(_R, "the request did not come as far as 3PAS", _ADDRESS)),
    ((502, 504), Meaning(_U, "a gateway passed it on and got no answer that it understood")),
    (range(500, 600), Meaning(_U, "it broke while it was handled, and nothing says at which point")),
)
"""Of an answer that is not SOAP."""

NO_ANSWER: Final = Meaning(_U, "neither a dossiernummer nor a fault")
"""Of any other answer, also one in SOAP."""


def of_fault(soap_code: str, code: str, profile: EnvelopeProfile) -> Meaning:
    """Of a fault with this code of SOAP and this code in its detail. What the profile says of either comes first."""
    codes = {soap_code, code}
    if codes & set(profile.ours):
        return Meaning(_R, "the profile says that the message was not understood", _OURS)
    if codes & set(profile.refused):
        return Meaning(_R, "the profile says that it was not taken", _TEXT)
    if codes & set(profile.again):
        return Meaning(_L, "the profile says that it was not taken, and may be later", _BUSY)
    return FAULTS.get(soap_code, OTHER_FAULT)


def of_status(status: int) -> Meaning:
    """Of an answer with this HTTP status, which is not SOAP."""
    return next((meaning for statuses, meaning in STATUSES if status in statuses), NO_ANSWER)
