"""Zaken that are there: found, and whether they may be changed."""

from digikoppelaar.adapters.casesystems.zgw.client import Resource, Zgw, id_of
from digikoppelaar.adapters.casesystems.zgw.eigenschappen import WantedEigenschap
from digikoppelaar.adapters.casesystems.zgw.problems import ADVICE_CLOSED, ZgwRefused
from digikoppelaar.errors import CaseSystemRefused


async def with_identificatie(zgw: Zgw, identificatie: str, bronorganisatie: str) -> Resource | None:
    """The zaak with this number of this organisatie."""
    filters = {"identificatie": identificatie, "bronorganisatie": bronorganisatie}
    found = await zgw.list(zgw.zaken("zaken"), filters)
    return next((each for each in found if each.get("identificatie") == identificatie), None)


async def referred_to(zgw: Zgw, case: str, bronorganisatie: str) -> Resource | None:
    """By the URL of a zaak, or its identificatie as a person typed it."""
    if case.startswith(("https://", "http://")):
        try:
            return await zgw.get(zgw.zaken("zaken", id_of(case)))
        except ZgwRefused as refused:
            if refused.status == 404:
                return None
            raise
    typed = case.strip()  # perhaps of a zaak that another organisatie registered: then it must be the only one
    others = await zgw.list(zgw.zaken("zaken"), {"identificatie": typed})
    return await with_identificatie(zgw, typed, bronorganisatie) or (others[0] if len(others) == 1 else None)


def check_open(zaak: Resource) -> None:
    """Raises CaseSystemRefused for a zaak that is closed."""
    if zaak.get("einddatum"):
        raise CaseSystemRefused(f"zaak {id_of(zaak['url'])} is closed", advice=ADVICE_CLOSED)


def eigenschappen_path(zaak: str) -> str:
    """Where the eigenschappen of the zaak with this URL are, in the Zaken API."""
    return f"zaken/{id_of(zaak)}/zaakeigenschappen"


async def put_eigenschap(zgw: Zgw, zaak: str, wanted: WantedEigenschap, there: list[Resource]) -> Resource:
    """The zaak has it with this waarde. `there` are those that it has, for a server takes one twice (zgw.md 1.2)."""
    path = eigenschappen_path(zaak)
    found = next((each for each in there if each.get("eigenschap") == wanted.eigenschap.url), None)
    if found is None:
        body = {"zaak": zaak, "eigenschap": wanted.eigenschap.url, "waarde": wanted.waarde}
        return await zgw.post(zgw.zaken(path), body)
    if found.get("waarde") != wanted.waarde:
        await zgw.patch(zgw.zaken(path, id_of(found["url"])), {"waarde": wanted.waarde})
    return found
