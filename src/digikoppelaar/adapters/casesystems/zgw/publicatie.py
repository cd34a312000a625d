"""A publication in the zaak of its verzoek: eigenschappen, as the settings name them, and a document.

Only what the target may already do is asked: the scopes are those of a delivery. On a closed zaak nothing is made.
"""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import Final

from digikoppelaar.adapters.casesystems.zgw import zaken
from digikoppelaar.adapters.casesystems.zgw.catalogus import Catalogus
from digikoppelaar.adapters.casesystems.zgw.client import Resource, Zgw
from digikoppelaar.adapters.casesystems.zgw.documenten import type_named
from digikoppelaar.adapters.casesystems.zgw.eigenschappen import WantedEigenschap, fitting
from digikoppelaar.adapters.casesystems.zgw.mapping import Body, bronorganisatie, document_identificatie
from digikoppelaar.adapters.casesystems.zgw.problems import ADVICE_UNKNOWN, ZgwRefused
from digikoppelaar.adapters.casesystems.zgw.texts import cut
from digikoppelaar.adapters.casesystems.zgw.typen import Zaaktype
from digikoppelaar.adapters.casesystems.zgw.uploads import document_with, made_once
from digikoppelaar.drop.opmaak import is_link
from digikoppelaar.drop.preview import as_html
from digikoppelaar.errors import CaseSystemRefused
from digikoppelaar.flows.ports import News

KIND: Final = "publicatie"
"""Under `informatieobjecttypen` in the settings."""
_TITEL: Final = 200


@dataclass(frozen=True, slots=True)
class Publicatie:
    """What is told of one publication; `target` is the name of the target."""

    news: News
    target: str
    zgw: Zgw
    catalogus: Catalogus

    async def tell(self) -> str:
        """See flows.ports.CaseSystem. Each step looks before it makes, so nothing has to be remembered of it."""
        zaak = await self._zaak()
        zaaktype = await self.catalogus.at(str(zaak["zaaktype"]), self.news.publication.published_on)
        soort = type_named(self._type(), KIND, zaaktype)
        left_out = await self._put_eigenschappen(str(zaak["url"]), zaaktype) if self.news.newest else []
        await self._put_document(str(zaak["url"]), soort)
        return " ".join(left_out)

    async def _zaak(self) -> Resource:
        found = await zaken.referred_to(self.zgw, self.news.case, self._bronorganisatie())
        if found is None:
            raise CaseSystemRefused(f"no zaak of verzoek {self.news.verzoeknummer} was found", advice=ADVICE_UNKNOWN)
        zaken.check_open(found)
        return found

    async def _put_eigenschappen(self, zaak: str, zaaktype: Zaaktype) -> list[str]:
        """Those that have a place; a sentence for each that has none."""
        wanted, left_out = self._eigenschappen(zaaktype)
        there = await self.zgw.list(self.zgw.zaken(zaken.eigenschappen_path(zaak)), {}) if wanted else []
        for each in wanted:
            await zaken.put_eigenschap(self.zgw, zaak, each, there)
        return left_out

    def _eigenschappen(self, zaaktype: Zaaktype) -> tuple[list[WantedEigenschap], list[str]]:
        publication = self.news.publication
        facts = {"nummer": publication.number, "datum": publication.published_on.isoformat(), "adres": publication.url}
        known = {each.naam.casefold(): each for each in zaaktype.eigenschappen}
        wanted, left_out = [], []
        for fact, naam in self.zgw.settings.publicatie.items():
            eigenschap = known.get(naam.casefold())
            if eigenschap is None:
                left_out.append(f"Zaaktype {zaaktype.identificatie} heeft geen eigenschap {naam!r} voor {fact}.")
            elif fitting(facts[fact], eigenschap) != facts[fact]:  # of an address a part is no address
                left_out.append(f"In eigenschap {naam!r} past {fact} niet.")
            else:
                wanted.append(WantedEigenschap(eigenschap, facts[fact]))
        return wanted, left_out

    async def _put_document(self, zaak: str, soort: str) -> None:
        news = self.news
        what = f"{news.verzoeknummer}/{KIND}/{news.publication.number}"
        key = document_identificatie(news.aansluiting, self.target, what), self._bronorganisatie()
        found = await document_with(self.zgw, *key) or await made_once(self.zgw, *key, self._document(*key, soort))
        link = {"zaak": zaak, "informatieobject": found["url"], "titel": self._titel()}
        try:
            await self.zgw.post(self.zgw.zaken("zaakinformatieobjecten"), link)
        except ZgwRefused as refused:
            if not refused.has("unique"):
                raise

    def _document(self, identificatie: str, organisatie: str, soort: str) -> Body:
        page = as_page(self.news).encode()
        day = self.news.publication.published_on.isoformat()
        return {
            "identificatie": identificatie,
            "bronorganisatie": organisatie,
            "creatiedatum": day,
            "titel": self._titel(),
            "auteur": cut(self.news.kennisgeving.publicist.naam, 200),
            "taal": self.zgw.settings.taal,
            "formaat": "text/html",
            "bestandsnaam": f"{self.news.publication.number}.html",
            "bestandsomvang": len(page),
            "inhoud": base64.b64encode(page).decode(),
            "vertrouwelijkheidaanduiding": "openbaar",
            "indicatieGebruiksrecht": False,
            "informatieobjecttype": soort,
            "integriteit": {"algoritme": "sha_256", "waarde": hashlib.sha256(page).hexdigest(), "datum": day},
        }

    def _titel(self) -> str:
        return cut(f"{self.news.publication.number}: {self.news.kennisgeving.titel}", _TITEL)

    def _type(self) -> str:
        settings = self.zgw.settings
        return settings.informatieobjecttypen.get(KIND) or settings.informatieobjecttype

    def _bronorganisatie(self) -> str:
        return bronorganisatie(self.zgw.settings, self.news.aansluiting)


def as_page(news: News) -> str:
    """Where it was published, in what it differs there, and the text that was sent; the same every time."""
    kennisgeving, publication = news.kennisgeving, news.publication
    address = escape(publication.url)
    lines = [
        "<!doctype html>",
        f'<html lang="nl"><head><meta charset="utf-8"><title>{escape(publication.number)}</title></head><body>',
        f"<p>Gepubliceerd als {escape(publication.number)} op {publication.published_on:%d-%m-%Y}:",
        f'<a href="{address}">{address}</a></p>' if is_link(publication.url) else f"{address}</p>",
        *(f"<p>{escape(sentence)}</p>" for sentence in publication.differences),
        as_html(kennisgeving.titel, kennisgeving.tekst),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"
