"""Typesets PDFs of the sandbox: the publishable version of a verzoek, and small bijlagen. The same input gives the
same bytes."""

import json
from collections.abc import Sequence
from importlib import resources

import typst

from digikoppelaar.sandbox.content import Inhoud


def page(title: str, rows: Sequence[tuple[str, str]]) -> bytes:
    """A PDF of one page or more: a title and a table, marked as sandbox."""
    source = (resources.files("digikoppelaar.sandbox") / "templates" / "page.typ").read_bytes()
    return typst.compile(source, sys_inputs={"title": title, "rows": json.dumps(rows)}, ignore_system_fonts=True)


def publishable(verzoeknummer: str, inhoud: Inhoud) -> bytes:
    """The publishable version of a verzoek: without any person (stam.md 3.2)."""
    locatie = inhoud.locatie
    rows = [
        ("Verzoeknummer", verzoeknummer),
        ("Type", inhoud.type),
        ("Doel", inhoud.doel),
        ("Omschrijving", inhoud.omschrijving),
        ("Activiteit", inhoud.activiteit),
        ("Locatie", f"{locatie.straatnaam} {locatie.huisnummer}, {locatie.postcode} {locatie.woonplaats}"),
        *((item.vraagtekst, item.antwoord) for item in inhoud.specificaties),
    ]
    return page(inhoud.naam, rows)
