"""The LinkStore in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from digikoppelaar.adapters.postgres import interventions, queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, transaction
from digikoppelaar.flows.linking import linked_elsewhere
from digikoppelaar.flows.ports.repair import CaseLink, KeptLink, Who

_SQL: Final = queries.load("links")


@dataclass(frozen=True, slots=True)
class PostgresLinks:
    """Cases that people linked."""

    pool: Pool

    async def links(self, aansluiting_id: int | None = None, verzoeknummer: str | None = None) -> Sequence[KeptLink]:
        """See flows.ports.repair.LinkStore."""
        values = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer}
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["links"], values)).fetchall()
        return [
            KeptLink(linked_at=row.pop("linked_at"), linked_by=row.pop("linked_by"), link=CaseLink(**row))
            for row in rows
        ]

    async def link(self, links: Sequence[CaseLink], who: Who, *, replace: bool = False) -> Sequence[CaseLink]:
        """See flows.ports.repair.LinkStore."""
        async with transaction(self.pool) as connection:
            return [each for each in links if await _made(connection, each, who, replace=replace)]

    async def unlink(self, aansluiting_id: int, verzoeknummer: str, target: str | None, who: Who) -> Sequence[CaseLink]:
        """See flows.ports.repair.LinkStore."""
        values = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer, "target": target}
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["unlink"], values)).fetchall()
            gone = [CaseLink(**row) for row in rows]
            for each in gone:
                await _tell(connection, each, "unlinked", who)
        return gone


async def _made(connection: Connection, link: CaseLink, who: Who, *, replace: bool) -> bool:
    values = {**asdict(link), **asdict(who), "replace": replace}
    if not (await connection.execute(_SQL["link"], values)).rowcount:
        if await (await connection.execute(_SQL["same"], values)).fetchone() is None:
            raise linked_elsewhere(link)
        return False
    await _tell(connection, link, "linked", who)
    return True


async def _tell(connection: Connection, link: CaseLink, name: str, who: Who) -> None:
    detail = f"{link.target} {link.case_reference}"
    await interventions.told(connection, link.aansluiting_id, link.verzoeknummer, name, who, detail)
