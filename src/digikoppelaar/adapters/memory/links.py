"""The in-memory twin of LinkStore. One contract test runs against both."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from digikoppelaar.flows.linking import linked_elsewhere
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, Who

Key = tuple[int, str, str]


@dataclass(slots=True)
class MemoryLinks:
    """Links by aansluiting, verzoeknummer without case, and target; `told` is the record of what was done by hand."""

    kept: dict[Key, KeptLink] = field(default_factory=dict)
    told: list[tuple[str, CaseLink, Who]] = field(default_factory=list)

    async def links(self, aansluiting_id: int | None = None, verzoeknummer: str | None = None) -> Sequence[KeptLink]:
        """See flows.ports.repair.LinkStore."""
        return [
            each
            for key, each in sorted(self.kept.items())
            if aansluiting_id in (None, key[0]) and (verzoeknummer is None or verzoeknummer.casefold() == key[1])
        ]

    async def link(self, links: Sequence[CaseLink], who: Who, *, replace: bool = False) -> Sequence[CaseLink]:
        """See flows.ports.repair.LinkStore."""
        made = {_key(each): each for each in links if self._case(each) != each.case_reference}
        if not replace and (taken := [each for key, each in made.items() if key in self.kept]):
            raise linked_elsewhere(taken[0])
        for key, each in made.items():
            self.kept[key] = KeptLink(each, who.at, who.name)
            self.told.append(("linked", each, who))
        return list(made.values())

    async def unlink(self, aansluiting_id: int, verzoeknummer: str, target: str | None, who: Who) -> Sequence[CaseLink]:
        """See flows.ports.repair.LinkStore."""
        found = [each.link for each in await self.links(aansluiting_id, verzoeknummer)]
        gone = [each for each in found if target in (None, each.target)]
        for each in gone:
            del self.kept[_key(each)]
            self.told.append(("unlinked", each, who))
        return gone

    def of(self, aansluiting_id: int, verzoeknummer: str) -> dict[str, str]:
        """The linked cases of a verzoek, by target."""
        wanted = (aansluiting_id, verzoeknummer.casefold())
        return {key[2]: each.link.case_reference for key, each in self.kept.items() if key[:2] == wanted}

    def _case(self, link: CaseLink) -> str | None:
        kept = self.kept.get(_key(link))
        return kept.link.case_reference if kept else None


def _key(link: CaseLink) -> Key:
    return (link.aansluiting_id, link.verzoeknummer.casefold(), link.target)
