"""By what the CPA of an application is judged; importing over a database is tested with the REST interface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from tests.unit.adapters.test_keys import FixedClock
from tests.unit.ebms.cpas import GEMEENTE, cpa_document
from tests.unit.ebms.exchanges import NOW

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.errors import CpaError
from digikoppelaar.flows.application import Application
from digikoppelaar.flows.application_cpas import OwnCpas
from digikoppelaar.flows.cpas import judgement_in
from digikoppelaar.flows.ports import Aansluiting, Consumer, CpaRecord
from digikoppelaar.pki.policy import Policy

WHO = Application("pre", GEMEENTE, "key")
HOLDER = "00000099000000009000"
OLD_SIGNATURE = (
    cpa_document(signed=True).replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1").encode()
)


@dataclass(frozen=True, slots=True)
class Records:
    """No CPA on record, and one machtiging."""

    asked: list[str] = field(default_factory=list)

    async def machtigingen(self, omgeving: str, now: datetime) -> Mapping[str, frozenset[str]]:
        """One, the same in every omgeving."""
        self.asked.append(omgeving)
        return {HOLDER: frozenset({GEMEENTE})}

    async def aansluitingen(self, oin: str | None = None) -> Sequence[Aansluiting]:
        """None."""
        del oin
        return []

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """None."""
        return None

    async def import_cpa(
        self,
        aansluiting_id: int,
        document: bytes,
        agreement: Agreement,
        now: datetime,
        *,
        replace: bool = False,
        consumer: Consumer | None = None,
    ) -> bool:
        """Keeps nothing."""
        return False

    async def remove_cpa(self, row_id: int, now: datetime) -> bool:
        """There is nothing."""
        return False


@pytest.mark.parametrize(("policies", "refused"), [({}, True), ({"pre": "strict"}, True), ({"pre": "legacy"}, False)])
async def test_a_cpa_of_an_application_is_judged_by_the_policy_of_its_omgeving(
    policies: Mapping[str, str], refused: bool
) -> None:
    records = Records()
    with pytest.raises(CpaError) as caught:  # in pre the certificates of this CPA are an error in any case
        await OwnCpas(records, FixedClock(NOW), policies).validate(WHO, OLD_SIGNATURE)
    assert ("weak-signature" in str(caught.value)) is refused
    assert records.asked == ["pre"]


async def test_one_judgement_for_all_has_policy_machtigingen_and_whether_it_is_production() -> None:
    judgement = await judgement_in("prod", Records(), {"prod": "legacy", "pre": "strict"}, NOW)
    assert (judgement.policy, judgement.production, judgement.now) == (Policy.LEGACY, True, NOW)
    assert judgement.machtigingen == {HOLDER: frozenset({GEMEENTE})}
    assert (await judgement_in("sandbox-pre", Records(), {}, NOW)).policy is Policy.LAB
