"""The record of what people do by hand, written in the transaction that does it."""

from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection
from digikoppelaar.flows.ports.repair import Who

_SQL: Final = queries.load("interventions")


async def told(
    connection: Connection, aansluiting_id: int, verzoeknummer: str, name: str, who: Who, detail: str = ""
) -> int:
    """Put on record that this person did `name` to this verzoek; `detail` holds ids. The id of the record."""
    values = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer, "name": name, "detail": detail}
    cursor = await connection.execute(_SQL["insert"], {**values, "done_by": who.name, "done_at": who.at})
    row = await cursor.fetchone()
    assert row is not None
    return int(row["id"])
