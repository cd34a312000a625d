"""The CPAs of an application: judged, imported and removed for its own organisatie only.

An application works with CPAs of an aansluiting of kind `ebms`; those of the intake belong to an administrator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from digikoppelaar.ebms.agreement import Agreement, Tolerances
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_findings import check_usable, findings
from digikoppelaar.errors import ConfigError, CpaError
from digikoppelaar.flows.application import CONSUMERS, Application
from digikoppelaar.flows.cpas import CpaRecords, judgement_in
from digikoppelaar.flows.ports import Aansluiting, Clock, Consumer, CpaRecord
from digikoppelaar.pki.oin import without_environment_suffix

KIND: Final = "ebms"
"""Of the aansluitingen that applications work with."""


@dataclass(frozen=True, slots=True)
class OwnCpas:
    """What an application may do with CPAs."""

    records: CpaRecords
    clock: Clock
    policies: Mapping[str, str] = field(default_factory=dict)
    """The policy that is configured, by omgeving; others have the default (pki.policy)."""

    async def validate(self, who: Application, document: bytes) -> Agreement:
        """The CPA as the organisatie sees it. Raises CpaError or XmlError when it cannot be used."""
        agreement = read_agreement(document, _our_party_ids(document, who))
        known = await self.records.cpa(who.omgeving, agreement.cpa_id)
        tolerances = known.agreement.tolerances if known and _is_own(known, who) else Tolerances()
        judgement = await judgement_in(who.omgeving, self.records, self.policies, self.clock.now())
        check_usable(findings(document, replace(judgement, tolerances=tolerances)))
        return agreement

    async def insert(self, who: Application, document: bytes, *, overwrite: bool) -> str:
        """Import it; its CPAId. Raises CpaError, or ConfigError when another CPA has this CPAId."""
        agreement = await self.validate(who, document)
        aansluiting = await self._aansluiting(who)
        known = await self.records.cpa(who.omgeving, agreement.cpa_id)
        if known is not None and not _is_own(known, who):  # no word on whose it is
            raise ConfigError(f"CPA {agreement.cpa_id} cannot have this CPAId")
        await self.records.import_cpa(
            aansluiting.id,
            document,
            agreement,
            self.clock.now(),
            replace=overwrite,
            consumer=known.consumer if known else Consumer.REST,
        )
        return agreement.cpa_id

    async def remove(self, who: Application, cpa_id: str) -> bool:
        """Stop using it; False when there is none."""
        known = await self.records.cpa(who.omgeving, cpa_id)
        if known is None or not _is_own(known, who):
            return False
        return await self.records.remove_cpa(known.id, self.clock.now())

    async def _aansluiting(self, who: Application) -> Aansluiting:
        for each in await self.records.aansluitingen():
            if (each.omgeving, each.organisatie_oin, each.kind) == (who.omgeving, who.organisatie_oin, KIND):
                return each
        raise ConfigError(
            f"organisatie {who.organisatie_oin} has no aansluiting of kind {KIND} in {who.omgeving}",
            advice="Leg een aansluiting van soort ebms vast met `digikoppelaar organisatie apply`.",
        )


def _is_own(cpa: CpaRecord, who: Application) -> bool:
    return cpa.aansluiting.organisatie_oin == who.organisatie_oin and cpa.consumer in CONSUMERS


def _our_party_ids(document: bytes, who: Application) -> Sequence[str]:
    sides = cpa_names(document).parties
    found = [
        party_id.value
        for side in sides
        for party_id in side.party_ids
        if without_environment_suffix(party_id.value) == who.organisatie_oin
    ]
    if not found:
        raise CpaError(f"organisatie {who.organisatie_oin} is no party of this CPA")
    return found
