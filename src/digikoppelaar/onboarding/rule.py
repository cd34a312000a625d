"""What a code of a finding means, and what several of them say."""

from dataclasses import dataclass
from typing import Final

from digikoppelaar.onboarding.model import Rol, Severity

WRONG, MISSING, WARNING, GOOD = Severity.WRONG, Severity.MISSING, Severity.WARNING, Severity.GOOD


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means; see onboarding.model.Finding. `source` says what it rests on.

    `says` and `advice` have fields in braces.
    """

    severity: Severity
    says: str
    why: str = ""
    advice: str = ""
    who: Rol | None = None
    source: str = ""


TRUSTED: Final = "DSO-LV en KOOP vertrouwen alleen een volledige keten tot aan de stam van PKIoverheid."
HOST: Final = "De hostnaam van het endpoint moet in het servercertificaat staan, anders verbindt DSO-LV niet."
NEW: Final = "Vraag een nieuw certificaat aan met `digikoppelaar certificate request`"
