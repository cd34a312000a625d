"""What a case system without a form of its own is told of a publication: a JSON document. Pure."""

from typing import Any, Final

from digikoppelaar.flows.ports import News

ACTIE: Final = "publicatie"
"""By which a receiver tells it from a verzoek (`nieuw`, `aanvulling` or `intrekking`)."""
NAMES: Final = frozenset(
    {"actie", "omgeving", "oin", "organisatie", "verzoeknummer", "zaak", "kennisgeving", "publicatie"}
)
"""The names in the document."""


def document(news: News) -> dict[str, Any]:
    """The publication as JSON values, the same every time. It holds no text of the kennisgeving but its title."""
    kennisgeving, publication = news.kennisgeving, news.publication
    return {
        "actie": ACTIE,
        "omgeving": news.aansluiting.omgeving,
        "oin": news.aansluiting.organisatie_oin,
        "organisatie": news.aansluiting.organisatie_naam,
        "verzoeknummer": news.verzoeknummer,
        "zaak": news.case,
        "kennisgeving": {
            "id": news.id,
            "referentienummer": kennisgeving.referentienummer,
            "moment": kennisgeving.moment.value,
            "blad": kennisgeving.blad.value,
            "titel": kennisgeving.titel,
        },
        "publicatie": {
            "nummer": publication.number,
            "datum": publication.published_on.isoformat(),
            "url": publication.url,
            "verschillen": list(publication.differences),
        },
    }
