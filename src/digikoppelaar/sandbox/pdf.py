"""Typesets PDFs of the sandbox: the publishable version of a verzoek, and small bijlagen. The same input gives the
same bytes."""

import json
from collections.abc import Sequence
from importlib import resources

import typst

from digikoppelaar.sandbox.model import Head, Inhoud, Locatie


def page(title: str, rows: Sequence[tuple[str, str]]) -> bytes:
    """A PDF of one page or more: a title and a table, marked as sandbox."""
    source = (resources.files("digikoppelaar.sandbox") / "templates" / "page.typ").read_bytes()
    return typst.compile(source, sys_inputs={"title": title, "rows": json.dumps(rows)}, ignore_system_fonts=True)


def publishable(head: Head, inhoud: Inhoud) -> bytes:
    """The publishable version of a verzoek: without any person (stam.md 3.2)."""
    rows = [
        ("Verzoeknummer", f"{head.verzoeknummer}, volgnummer {head.volgnummer}"),
        ("Type", inhoud.type),
        ("Doel", head.doel),
        ("Omschrijving", inhoud.omschrijving),
        *(("Locatie", line) for locatie in inhoud.locaties if (line := _line(locatie))),
    ]
    for activiteit in inhoud.activiteiten:
        rows.append(("Activiteit", activiteit.naam))
        rows += ((item.vraagtekst, item.antwoord) for item in activiteit.specificaties)
    return page(inhoud.naam, rows)


def _line(locatie: Locatie) -> str:
    adres, midden = locatie.adres, locatie.midden
    if adres:
        return f"{adres.straatnaam} {adres.huisnummer}, {adres.postcode} {adres.woonplaats}"
    return locatie.kadaster or (f"RD {midden[0]:.3f} {midden[1]:.3f}" if midden else "")
