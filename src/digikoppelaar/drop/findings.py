"""What can be said of a notice before it is sent: every rule with its code, severity, sentence and source. Pure data.

`block` means that it may not be sent like this, `warn` that a person should look. Configuration can change that per
code. A check that was not done says so by its own code, and with it no notice is good, however severe that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from digikoppelaar.drop.model import AlsVlak
from digikoppelaar.drop.personal_data import PrivacyChecked
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.drop.terms import Rekenregels
from digikoppelaar.errors import ConfigError


class Severity(StrEnum):
    """What a finding does."""

    BLOCK = "block"
    WARN = "warn"


BLOCK, WARN = Severity.BLOCK, Severity.WARN


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means. `source` is a law or a section of drop-3pas.md, empty when it speaks for itself.

    `not_done` marks a check that could not be done.
    """

    severity: Severity
    sentence: str
    source: str = ""
    not_done: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A rule that a notice breaks, where, and what its sentence needs."""

    code: str
    where: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `where` is a place in the notice in Dutch. The sentence holds no text of the notice."""

    code: str
    severity: Severity
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Lists:
    """Values and words that a notice is held against (profile `kennisgeving-controles`).

    `activiteit_namen` has for a value the names of activities at the Omgevingsloket that have it.
    """

    longest_title: int
    rubrieken: tuple[str, ...]
    activiteiten: tuple[str, ...]
    activiteit_namen: Mapping[str, tuple[str, ...]]
    inspection_words: tuple[str, ...]
    electronic_words: tuple[str, ...]
    place_words: tuple[str, ...]
    way_words: tuple[str, ...]
    deviation_words: tuple[str, ...]

    def activiteit(self, naam: str) -> str | None:
        """The value of an activity with this name at the Omgevingsloket; None when none is known."""
        wanted = naam.casefold()
        values = (value for value, namen in self.activiteit_namen.items() if wanted in map(str.casefold, namen))
        return next(values, None)


@dataclass(frozen=True, slots=True)
class Given:
    """What the checks need to know besides the notice.

    `area` is where the body decides; `own` are its mail addresses, phone and account numbers, `places` where it lays
    documents for inspection. `privacy` is None when nobody compared the notice with the applicant's data. `profile` is
    how 3PAS is spoken to.
    """

    today: date
    regels: Rekenregels
    lists: Lists
    profile: EnvelopeProfile
    privacy: PrivacyChecked | None = None
    area: tuple[AlsVlak, ...] = ()
    own: frozenset[str] = frozenset()
    places: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """All findings of a notice, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """Whether it may not be sent like this."""
        return any(finding.severity is BLOCK for finding in self.findings)

    @property
    def good(self) -> bool:
        """Whether it may be sent without a person who looks at the findings: every check was done, nothing blocks."""
        return not self.blocked and not any(RULES[finding.code].not_done for finding in self.findings)


def rated(seen: Seen, severities: Mapping[str, Severity]) -> Finding:
    """The finding, as severe as configuration or else the rule says."""
    rule = RULES[seen.code]
    severity = severities.get(seen.code, rule.severity)
    return Finding(seen.code, severity, seen.where, rule.sentence.format(**seen.details))


def read_severities(data: Mapping[str, str]) -> dict[str, Severity]:
    """Severities by code, out of configuration. Raises ConfigError for a code or severity that is not one."""
    unknown = sorted(data.keys() - RULES.keys())
    if unknown:
        raise ConfigError(f"no check has the code {', '.join(unknown)}")
    try:
        return {code: Severity(severity) for code, severity in data.items()}
    except ValueError as error:
        raise ConfigError(f"{error}; a severity is block or warn") from None


RULES: Final[Mapping[str, Rule]] = {
    # --- what has to be there -----------------------------------------------------------------------------------------
    "moment-not-in-procedure": Rule(BLOCK, "Bij deze procedure bestaat dit moment niet.", "Awb afdeling 3.4"),
    "titel-missing": Rule(BLOCK, "De kennisgeving heeft geen titel.", "drop-3pas.md 2.1"),
    "titel-too-long": Rule(BLOCK, "De titel heeft {length} tekens; maak hem korter, met hoogstens {limit}."),
    "tekst-missing": Rule(BLOCK, "De kennisgeving heeft geen tekst.", "Bekendmakingswet 12"),
    "character-hidden": Rule(BLOCK, "Hier staat een onzichtbaar teken ({code}); haal het weg."),
    "tekst-incomplete": Rule(BLOCK, "De tekst heeft nog een plek die moet worden ingevuld: [[...]] of vul-in.invalid."),
    "referentienummer-missing": Rule(BLOCK, "Het zaaknummer ontbreekt.", "drop-3pas.md 2.2"),
    "referentienummer-not-in-text": Rule(WARN, "Het zaaknummer staat niet in de tekst."),
    "referentienummer-like-bsn": Rule(BLOCK, "Het zaaknummer kan een BSN zijn; het wordt gepubliceerd."),
    "telefoon-missing": Rule(WARN, "De tekst noemt geen telefoonnummer voor vragen.", "drop-3pas.md 8.1"),
    "rubriek-missing": Rule(BLOCK, "De rubriek ontbreekt.", "drop-3pas.md 4"),
    "rubriek-unknown": Rule(WARN, "Deze rubriek is nog niet eerder bij KOOP gezien.", "drop-3pas.md 4"),
    "activiteit-unknown": Rule(WARN, "Deze activiteit is nog niet eerder bij KOOP gezien.", "drop-3pas.md 4"),
    "activiteit-without-value": Rule(
        WARN,
        "Van deze activiteit van het verzoek is geen waarde van KOOP bekend; zij gaat niet mee.",
        "drop-3pas.md 4",
    ),
    "blad-of-others": Rule(WARN, "Dit blad hoort niet bij dit soort organisatie.", "Bekendmakingswet 2"),
    "ontvangst-missing": Rule(BLOCK, "De datum van ontvangst ontbreekt.", "Ow 16.57"),
    "ontvangst-not-in-text": Rule(BLOCK, "De datum van ontvangst staat niet in de tekst.", "Ow 16.57"),
    "uitkomst-missing": Rule(BLOCK, "Er staat niet bij hoe is of wordt besloten."),
    "uitkomst-not-in-text": Rule(WARN, "De tekst zegt niet dat de uitkomst is: {uitkomst}.", "Bekendmakingswet 12"),
    "besluit-missing": Rule(BLOCK, "De datum van het besluit ontbreekt."),
    "besluit-not-in-text": Rule(WARN, "De datum van het besluit staat niet in de tekst."),
    "inwerkingtreding-missing": Rule(WARN, "De tekst zegt niet wanneer de vergunning in werking treedt.", "Ow 16.79"),
    "inzage-not-told": Rule(WARN, "De tekst zegt niet of en hoe de stukken zijn in te zien.", "Bekendmakingswet 12"),
    "inzage-missing": Rule(BLOCK, "De periode van inzage ontbreekt.", "Bekendmakingswet 12; Awb 3:11, 3:44"),
    "inzage-not-in-text": Rule(BLOCK, "De periode van inzage staat niet in de tekst.", "Bekendmakingswet 12"),
    "inzage-place-missing": Rule(BLOCK, "De tekst noemt geen plaats voor inzage.", "Bekendmakingswet 13"),
    "inzage-electronic-missing": Rule(BLOCK, "De tekst zegt niet hoe inzage digitaal kan.", "Bekendmakingswet 13"),
    "reactie-missing": Rule(BLOCK, "De termijn om te reageren ontbreekt.", "Awb 3:12, 3:45, 6:7"),
    "reactie-not-told": Rule(BLOCK, "De tekst zegt niet dat {reactie} mogelijk is.", "Awb 3:12, 3:45"),
    "reactie-not-in-text": Rule(BLOCK, "De termijn om te reageren staat niet in de tekst.", "Awb 3:12, 3:45"),
    "reactie-way-missing": Rule(BLOCK, "De tekst zegt niet op welke manier te reageren is.", "Awb 3:12 lid 2, 3:45"),
    "rectificatie-not-in-title": Rule(WARN, "De titel zegt niet dat dit een rectificatie is.", "drop-3pas.md 9"),
    "rectificatie-of-nothing": Rule(WARN, "De tekst noemt niet het nummer van de kennisgeving die zij verbetert."),
    # --- days and terms -----------------------------------------------------------------------------------------------
    "date-implausible": Rule(BLOCK, "Deze datum kan niet kloppen; de termijnen zijn niet nagerekend.", not_done=True),
    "dates-out-of-order": Rule(BLOCK, "Ontvangst, besluit en verzending volgen elkaar niet op."),
    "ontvangst-in-future": Rule(BLOCK, "De datum van ontvangst ligt in de toekomst."),
    "publicatie-past": Rule(BLOCK, "De publicatiedatum is voorbij."),
    "publicatie-on-free-day": Rule(WARN, "De publicatiedatum is geen werkdag.", "drop-3pas.md 7"),
    "publicatie-before-verzending": Rule(
        BLOCK, "De kennisgeving verschijnt eerder dan het besluit is verzonden.", "Ow 16.64 lid 3; drop-3pas.md 8"
    ),
    "publicatie-not-before-inzage": Rule(
        BLOCK, "De kennisgeving verschijnt niet voor de eerste dag van inzage.", "Awb 3:12 lid 1"
    ),
    "publicatie-after-inzage": Rule(WARN, "De kennisgeving verschijnt na de eerste dag van inzage.", "Awb 3:44"),
    "period-reversed": Rule(BLOCK, "De laatste dag ligt voor de eerste."),
    "inzage-too-short": Rule(BLOCK, "De inzage duurt te kort: minstens tot en met {last}.", "Awb 3:11 lid 4, 3:44"),
    "inzage-ends-on-free-day": Rule(WARN, "De laatste dag van inzage is geen werkdag.", "Atw 1"),
    "inzage-ends-before-reactie": Rule(WARN, "De inzage eindigt eerder dan de termijn om te reageren."),
    "verzending-missing": Rule(BLOCK, "De datum van verzending ontbreekt; die bepaalt de termijn.", "Awb 6:8, 3:41"),
    "reactie-begins-otherwise": Rule(WARN, "De termijn om te reageren begint volgens de wet op {first}.", "Awb 6:8"),
    "reactie-too-short": Rule(BLOCK, "De termijn om te reageren loopt tot en met {last}.", "Awb 3:16, 6:7; Atw 1"),
    "reactie-too-long": Rule(WARN, "De termijn om te reageren eindigt volgens de wet op {last}.", "Awb 3:16, 6:7"),
    "reactie-ends-on-free-day": Rule(WARN, "De laatste dag om te reageren is geen werkdag.", "Atw 1"),
    # --- what contradicts ---------------------------------------------------------------------------------------------
    "documenttype-not-for-moment": Rule(BLOCK, "Dit documenttype hoort niet bij dit moment.", "drop-3pas.md 2.3"),
    "documenttype-of-melding": Rule(
        WARN, "Onder welk documenttype een melding hoort is niet nagegaan: vraag het KOOP.", not_done=True
    ),
    "planafwijking-not-granted": Rule(
        BLOCK, "Een planafwijking wordt alleen gemeld als de vergunning is verleend.", "drop-3pas.md 5"
    ),
    "planafwijking-but-binnenplans": Rule(
        BLOCK, "Volgens het documenttype is er een planafwijking, maar de tekst noemt binnenplans.", "drop-3pas.md 5"
    ),
    "planafwijking-not-in-text": Rule(
        BLOCK, "De tekst zegt niet dat van het omgevingsplan wordt afgeweken (buitenplans).", "drop-3pas.md 8"
    ),
    "planafwijking-perhaps": Rule(
        WARN, "De tekst noemt een buitenplanse activiteit; het documenttype niet.", "drop-3pas.md 5"
    ),
    "bopa-missing": Rule(BLOCK, "De gegevens van de planafwijking ontbreken.", "drop-3pas.md 5"),
    "bopa-without-area": Rule(BLOCK, "De planafwijking heeft geen gebied of geen nummer.", "drop-3pas.md 5"),
    "bopa-superfluous": Rule(BLOCK, "Er zijn gegevens van een planafwijking, maar het documenttype is een ander."),
    # --- places -------------------------------------------------------------------------------------------------------
    "locatie-missing": Rule(
        BLOCK, "De kennisgeving heeft geen locatie: omwonenden horen er niet van.", "Bekendmakingswet 20"
    ),
    "locatie-without-position": Rule(WARN, "Deze locatie heeft geen coördinaten.", "Bekendmakingswet 20"),
    "locatie-not-rd": Rule(BLOCK, "Deze coördinaten liggen niet in Nederland (RD, in meters)."),
    "locatie-outside": Rule(BLOCK, "Deze locatie ligt buiten het gebied van de organisatie."),
    "locatie-partly-outside": Rule(WARN, "Deze locatie ligt voor een deel buiten het gebied van de organisatie."),
    "locatie-other-gemeente": Rule(WARN, "Deze locatie noemt een andere gemeente dan die publiceert."),
    "area-unknown": Rule(
        WARN, "Of de locatie in het gebied ligt is niet nagegaan: het gebied is niet bekend.", not_done=True
    ),
    # --- personal data ------------------------------------------------------------------------------------------------
    "bsn-found": Rule(BLOCK, "Hier staat een getal dat een BSN kan zijn.", "drop-3pas.md 8.1"),
    "iban-found": Rule(BLOCK, "Hier staat een rekeningnummer.", "drop-3pas.md 8.1"),
    "email-found": Rule(BLOCK, "Hier staat een e-mailadres dat niet van de organisatie is.", "drop-3pas.md 8.1"),
    "phone-found": Rule(BLOCK, "Hier staat een telefoonnummer dat niet van de organisatie is.", "drop-3pas.md 8.1"),
    "person-found": Rule(WARN, "Hier lijkt een persoon genoemd te worden.", "drop-3pas.md 8.1"),
    "applicant-found": Rule(BLOCK, "Hier staan gegevens van de aanvrager.", "drop-3pas.md 8.1"),
    "applicant-not-checked": Rule(
        BLOCK, "Of er gegevens van de aanvrager in staan is niet nagegaan. {reason}", "drop-3pas.md 8.1", not_done=True
    ),
    # --- sending ------------------------------------------------------------------------------------------------------
    "not-sendable": Rule(BLOCK, "Zo kan de kennisgeving niet naar KOOP. {why}", "drop-3pas.md 2"),
}
