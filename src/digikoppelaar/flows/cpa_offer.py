"""Offering a CPA to DSO-LV, and reading back whether what DSO-LV accepted is what we have."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from digikoppelaar.ebms.cpa_summary import Difference, difference
from digikoppelaar.errors import FacilityAnswerBroken, FacilityError, PartnerError
from digikoppelaar.flows import errands
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.flows.ports.errands import ErrandKey, ErrandKind, Errands
from digikoppelaar.flows.ports.register import CpaOffering


@dataclass(frozen=True, slots=True)
class Offered:
    """What DSO-LV has under a CPAId, held against ours. `sha256` (hex) None: it has nothing."""

    cpa_id: str
    sha256: str | None
    differences: tuple[Difference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether DSO-LV accepted what we have."""
        return self.sha256 is not None and not self.differences


async def offered(dso: CpaOffering, cpa_id: str, document: bytes) -> Offered:
    """What DSO-LV has. Raises a FacilityError, also when that is no CPA."""
    accepted = await dso.accepted(cpa_id)
    if accepted is None:
        return Offered(cpa_id, None)
    try:
        found = () if accepted == document else difference(document, accepted)
    except PartnerError as error:
        raise FacilityAnswerBroken(f"what DSO-LV has under {cpa_id} is no readable CPA: {error}") from error
    return Offered(cpa_id, hashlib.sha256(accepted).hexdigest(), found)


async def offer(
    records: Errands, dso: CpaOffering, aansluiting: Aansluiting, cpa_id: str, document: bytes, clock: Clock
) -> Offered:
    """Offer this CPA unless DSO-LV has it, and read it back; the same again offers nothing.

    Raises as flows.errands.run; FacilityError when DSO-LV has another CPA under this CPAId, before or after.
    """

    async def look() -> Offered | None:
        found = await offered(dso, cpa_id, document)
        return None if found.sha256 is None else _the_same(found)

    async def ask() -> Offered:
        await dso.offer(document)
        return _the_same(await offered(dso, cpa_id, document))

    sha256 = hashlib.sha256(document).hexdigest()
    key = ErrandKey(aansluiting.id, ErrandKind.CPA_OFFER, f"{cpa_id} {sha256}")
    return await errands.run(records, key, clock, look=look, ask=ask, outcome=_outcome)


def _the_same(found: Offered) -> Offered:
    if found.sha256 is None:
        raise FacilityAnswerBroken(f"DSO-LV took CPA {found.cpa_id} and does not have it", advice=_NOT_THERE)
    if not found.same:
        what = ", ".join(each.what for each in found.differences[:3])
        raise FacilityError(f"DSO-LV has another CPA under {found.cpa_id}: {what} differ", advice=_OTHER)
    return found


def _outcome(found: Offered) -> Mapping[str, str]:
    return {"cpa_id": found.cpa_id, "accepted_sha256": found.sha256 or ""}


_OTHER = (
    "DSO-LV heeft onder dit CPAId een andere CPA dan hier is geïmporteerd. Bekijk het verschil met "
    "`digikoppelaar cpa offered`, en vraag een CPA met een eigen CPAId aan of importeer de geldige."
)
_NOT_THERE = "DSO-LV nam de CPA aan en toont haar niet. Vraag het aansluitteam of de CPA is ingeladen."
