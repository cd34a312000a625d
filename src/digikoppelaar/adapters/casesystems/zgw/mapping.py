"""A verzoek as a zaak: identificatie, omschrijving, toelichting, kenmerken, dates and organisaties. Pure.

Every body is valid in Zaken 1.5.1 and 1.7 alike (zgw.md 1.1). What the parts hold is personal data: it goes to the case
system and nowhere else.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from digikoppelaar.adapters.casesystems.zgw.settings import ZgwSettings, is_rsin
from digikoppelaar.adapters.casesystems.zgw.texts import cut, dutch_date, joined, one_line
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, Handover, Verzoek
from digikoppelaar.stam import codes, model
from digikoppelaar.stam.geometry import geojson
from digikoppelaar.stam.rules import Action, withdraws

Body = dict[str, Any]
"""What goes out as JSON."""

IDENTIFICATIE: Final = 40
OMSCHRIJVING: Final = 80
TOELICHTING: Final = 1000
KENMERK: Final = 40
"""Lengths in both versions of the standard."""
TEST: Final = "TEST"
_RSIN_OIN: Final = "00000001"
"""The prefix of an OIN that holds an RSIN: its nine digits follow, then three zeros (Logius, OIN-beleid)."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a delivery is made of. `target` is its name; `now` counts where the verzoek does not say when it came."""

    handover: Handover
    settings: ZgwSettings
    target: str
    now: datetime

    @property
    def verzoek(self) -> Verzoek:
        """The version on record."""
        return self.handover.verzoek

    @property
    def read(self) -> model.Verzoek:
        """The version as its XML was understood."""
        return self.handover.read

    @property
    def day(self) -> date:
        """The indiendatum in the Netherlands."""
        return dutch_date(self.read.indien_datum or self.now)

    @property
    def updates(self) -> bool:
        """Whether it is about a zaak that is there already."""
        continues = self.verzoek.action is Action.DELIVER_AANVULLING or self.handover.case is not None
        return continues or is_withdrawal(self)

    @property
    def version(self) -> str:
        """How this version is named to people."""
        return "intrekking" if is_withdrawal(self) else f"versie {self.verzoek.volgnummer}"

    @property
    def bronorganisatie(self) -> str:
        """See `bronorganisatie`."""
        return bronorganisatie(self.settings, self.verzoek.aansluiting)

    @property
    def verantwoordelijke(self) -> str:
        """RSIN of who decides: as set, else of the bevoegd gezag, else the bronorganisatie."""
        bevoegd = self.read.bevoegd_gezag.oin if self.read.bevoegd_gezag else None
        return self.settings.verantwoordelijke_organisatie or rsin_of(bevoegd or "") or self.bronorganisatie


def bronorganisatie(settings: ZgwSettings, aansluiting: Aansluiting) -> str:
    """RSIN of who registers. Raises ConfigError when it is neither set nor in the OIN."""
    return settings.bronorganisatie or _needed_rsin(aansluiting.organisatie_oin)


def rsin_of(oin: str) -> str | None:
    """The RSIN in an OIN; None when it holds something else, as a KvK number or a number of Logius."""
    rsin = oin[8:17]
    return rsin if oin.startswith(_RSIN_OIN) and oin[17:] == "000" and is_rsin(rsin) and rsin.strip("0") else None


def _needed_rsin(oin: str) -> str:
    rsin = rsin_of(oin)
    if rsin is None:
        raise ConfigError(
            f"OIN {oin} holds no RSIN, so the setting bronorganisatie is needed",
            advice="Zet het RSIN van de organisatie in de instelling `bronorganisatie` van de bestemming en geef het "
            "verzoek daarna vrij met `digikoppelaar verzoek release`.",
        )
    return rsin


def derived_identificatie(source: Source) -> str:
    """The zaaknummer that we choose, always the same for this verzoeknummer, aansluiting and target (zgw.md 1.2).

    The key at its end keeps bevoegd gezag and behandeldienst apart that share a server, and two targets of one.
    """
    nummer, prefix = source.verzoek.verzoeknummer, source.settings.identificatie_prefix
    aansluiting = source.verzoek.aansluiting
    text = f"{prefix}{nummer}-{_key(aansluiting, source.target, '')[:6]}"
    if len(text) <= IDENTIFICATIE:
        return text
    return f"{prefix}{_key(aansluiting, source.target, nummer)}"[:IDENTIFICATIE]


def document_identificatie(aansluiting: Aansluiting, target: str, what: str, attempt: int = 1) -> str:
    """The identificatie of a document; `what` names the verzoek, the document in it, and its content."""
    text = f"DSO-{_key(aansluiting, target, what)[:30]}"
    return text if attempt == 1 else f"{text}-{attempt}"


def _key(aansluiting: Aansluiting, target: str, what: str) -> str:
    """Letters and digits that nobody else gets: by omgeving, OIN, target and `what`."""
    text = f"{aansluiting.omgeving}/{aansluiting.organisatie_oin}/{target}/{what}"
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()


def title(source: Source) -> str:
    """The name that the applicant gave, or what there is in its place; whole."""
    read = source.read
    project = read.project.naam if read.project else None
    names = (source.verzoek.naam, read.naam, project, activities(read), f"DSO-verzoek {source.verzoek.verzoeknummer}")
    return next(text for text in map(one_line, names) if text)


def activities(read: model.Verzoek) -> str:
    """The names of the activities."""
    return joined(activiteit.naam for activiteit in read.projectactiviteiten)


def zaak(source: Source, zaaktype: str, identificatie: str) -> Body:
    """The body that makes the zaak."""
    body: Body = {
        "identificatie": identificatie,
        "bronorganisatie": source.bronorganisatie,
        "verantwoordelijkeOrganisatie": source.verantwoordelijke,
        "zaaktype": zaaktype,
        "startdatum": source.day.isoformat(),
        "omschrijving": cut(_marked(source, title(source)), OMSCHRIJVING),
        "toelichting": toelichting(source),
        "kenmerken": kenmerken(source),
    }
    optional = {
        "zaakgeometrie": geojson(*source.read.projectlocaties),
        "communicatiekanaal": source.settings.communicatiekanaal,
        "vertrouwelijkheidaanduiding": source.settings.vertrouwelijkheid,
    }
    return body | {name: value for name, value in optional.items() if value}


def toelichting(source: Source) -> str:
    """The whole title and what a case worker wants to know first, as far as it fits."""
    read = source.read
    soort = "conceptverzoek" if read.doel == codes.CONCEPTVERZOEK else "verzoek"
    gezag = read.bevoegd_gezag.naam if read.bevoegd_gezag else None
    dienst = read.uitvoerende_instantie.naam if read.uitvoerende_instantie else None
    lines = (
        _marked(source, title(source)),
        f"DSO-{soort} {source.verzoek.verzoeknummer}: {source.verzoek.type or 'type onbekend'}",
        activities(read) and f"Activiteiten: {activities(read)}",
        gezag and f"Bevoegd gezag: {one_line(gezag)}",
        dienst and f"Behandeldienst: {one_line(dienst)}",
        read.toelichting,
    )
    return cut("\n".join(line for line in lines if line), TOELICHTING)


def with_news(source: Source, before: str) -> str | None:
    """The toelichting of a zaak with what happened in front; None when that is there, or what is there would not fit.

    A case worker may have written in it, so nothing of it goes.
    """
    event = "Ingetrokken door de aanvrager" if is_withdrawal(source) else f"Aanvulling {source.verzoek.volgnummer}"
    line = f"{event} op {source.day:%d-%m-%Y} (DSO-verzoek {source.verzoek.verzoeknummer})."
    text = f"{line}\n{before}".rstrip()
    return None if line in before or len(text) > TOELICHTING else text


def is_withdrawal(source: Source) -> bool:
    """Whether the applicant takes the verzoek back."""
    return source.verzoek.action is Action.DELIVER_INTREKKING or withdraws(source.read.doel, source.verzoek.volgnummer)


def kenmerken(source: Source) -> list[Body]:
    """By what others know the verzoek."""
    pairs = [
        (source.verzoek.verzoeknummer, "DSO-verzoeknummer"),
        (one_line(source.read.referentie_aanvrager), "Referentie aanvrager"),
        (TEST if source.verzoek.test else "", "DSO-aansluitactiviteit"),
    ]
    return [{"kenmerk": cut(text, KENMERK), "bron": bron} for text, bron in pairs if text]


def _marked(source: Source, text: str) -> str:
    """What was only made to try out a connection says so in front (stam.md 5.1)."""
    return f"{TEST}: {text}" if source.verzoek.test else text
