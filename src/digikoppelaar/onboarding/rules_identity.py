"""What the checks in `checks` can say."""

from collections.abc import Mapping
from typing import Final

from digikoppelaar.onboarding.model import Rol
from digikoppelaar.onboarding.rule import GOOD, HOST, MISSING, NEW, TRUSTED, WARNING, WRONG, Rule

_IDENTITY: Final = "Aan het OIN in het certificaat ziet de andere kant wie er spreekt."
_CLOCK: Final = (
    "Berichten en certificaten worden naar de klok beoordeeld; loopt die niet gelijk, dan worden ze geweigerd."
)

IDENTITY: Final[Mapping[str, Rule]] = {
    # --- oin ---
    "oin-good": Rule(GOOD, "Het OIN van de organisatie en dat van de partij hebben de goede vorm."),
    "oin-invalid": Rule(
        WRONG,
        "{oin} is geen OIN of HRN.",
        _IDENTITY,
        "Zet het OIN van 20 posities uit het OIN-register in het bestand voor `digikoppelaar organisatie apply`.",
        Rol.BEVOEGD_GEZAG,
        "stam:56; PKI001",
    ),
    "oin-test": Rule(
        WRONG,
        "{oin} is een OIN voor tests (voorvoegsel 00000099); het telt niet in {omgeving}.",
        _IDENTITY,
        "Vraag bij Logius een eigen OIN aan.",
        Rol.BEVOEGD_GEZAG,
        "digikoppeling-ebms2.md 3.2",
    ),
    # --- certificate ---
    "certificate-good": Rule(
        GOOD, "Certificaat {file} is goed voor {uses}: van {oin}, geldig tot {until} (nog {days} dagen)."
    ),
    "certificate-pre-and-prod": Rule(
        GOOD,
        "Certificaat {file} noemt de hostnamen van beide omgevingen: het kan voor PRE en PROD dienen.",
        source="stam:59",
    ),
    "certificate-one-omgeving": Rule(
        GOOD,
        "Certificaat {file} dient hier, en kan niet ook voor {other} dienen: {reason}.",
        "Alleen een certificaat met de hostnamen van PRE en PROD als alias kan voor beide dienen.",
        source="stam:58, stam:59; EB003",
    ),
    "certificate-missing": Rule(
        MISSING,
        "Er is nog geen certificaat voor {uses}.",
        "Zonder certificaat komt er geen verbinding met DSO-LV.",
        "Zet certificaat en sleutel voor dit gebruik in het bestand voor `digikoppelaar organisatie apply`.",
        Rol.DIGIKOPPELAAR,
        "stam:56",
    ),
    "certificate-no-anchors": Rule(
        MISSING,
        "Er zijn geen stamcertificaten ingesteld om certificaten van {omgeving} mee te beoordelen.",
        TRUSTED,
        "Zet de stamcertificaten van PKIoverheid als `trust_anchors` in [endpoint.{omgeving}].",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3",
    ),
    "certificate-unreadable": Rule(
        WRONG,
        "Certificaat {file} of zijn sleutel is niet te lezen.",
        "Zonder certificaat komt er geen verbinding met DSO-LV.",
        "Controleer pad, rechten, vorm (PEM of PKCS#12) en wachtwoord; zie `digikoppelaar certificate check`.",
        Rol.DIGIKOPPELAAR,
        "stam:56",
    ),
    "certificate-wrong-key": Rule(
        WRONG,
        "De sleutel hoort niet bij certificaat {file}.",
        "Alleen met de eigen sleutel kan het certificaat worden getoond, en kan ermee worden ondertekend.",
        "Zet de sleutel van de aanvraag naast het certificaat; is hij weg, vraag dan een nieuw certificaat aan met een "
        "nieuwe sleutel.",
        Rol.DIGIKOPPELAAR,
        "stam:56",
    ),
    "certificate-no-oin": Rule(
        WRONG,
        "In certificaat {file} staat geen OIN of HRN.",
        _IDENTITY,
        f"{NEW}: het OIN of HRN hoort in serialNumber van het onderwerp.",
        Rol.DIGIKOPPELAAR,
        "stam:56; PKI001",
    ),
    "certificate-other-partij": Rule(
        WRONG,
        "Certificaat {file} is van {oin}, niet van partij {partij}.",
        _IDENTITY,
        "Leg het certificaat van {partij} vast, of leg de aansluiting vast bij de partij van wie dit certificaat is.",
        Rol.DIGIKOPPELAAR,
        "stam:56; EB005",
    ),
    "certificate-other-oin": Rule(
        WRONG,
        "Certificaat {file} is van {oin}; daarvan is geen machtiging van {organisatie} vastgelegd.",
        "Een certificaat met een ander OIN mag alleen met een machtiging namens het bevoegd gezag spreken.",
        "Machtig {oin} in het CPA-register en leg de machtiging vast met `digikoppelaar organisatie apply`.",
        Rol.BEVOEGD_GEZAG,
        "stam:55, stam:56; EB005",
    ),
    "certificate-expired": Rule(
        WRONG,
        "Certificaat {file} is verlopen op {until}.",
        TRUSTED,
        f"{NEW} en zet het naast het oude.",
        Rol.DIGIKOPPELAAR,
        "PKI003",
    ),
    "certificate-not-yet-valid": Rule(
        WRONG,
        "Certificaat {file} is pas geldig vanaf {since}.",
        TRUSTED,
        "Wacht tot die dag, of gebruik het vorige certificaat; controleer ook de klok van deze machine.",
        Rol.DIGIKOPPELAAR,
        "PKI003",
    ),
    "certificate-ends": Rule(
        WARNING,
        "Certificaat {file} verloopt op {until}, over {days} dagen.",
        "Aanvragen en een nieuwe CPA duren weken.",
        f"{NEW} en maak daarna de CPA opnieuw.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3",
    ),
    "certificate-self-signed": Rule(
        WRONG,
        "Certificaat {file} is door zichzelf ondertekend.",
        TRUSTED,
        f"{NEW} bij een uitgever van PKIoverheid.",
        Rol.DIGIKOPPELAAR,
        "stam:56; KS5",
    ),
    "certificate-no-intermediate": Rule(
        WRONG,
        "Bij certificaat {file} ontbreekt een tussencertificaat: {issuer}.",
        TRUSTED,
        "Zet de tussencertificaten van de uitgever onder het certificaat in hetzelfde bestand, zonder de stam.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3",
    ),
    "certificate-other-hierarchy": Rule(
        WRONG,
        "Certificaat {file} komt niet uit bij een stamcertificaat van {omgeving}, maar bij {issuer}.",
        TRUSTED,
        "Gebruik een certificaat van PKIoverheid; voor een test is TRIAL er, en de sandbox heeft eigen certificaten.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3; EB003",
    ),
    "certificate-not-trusted": Rule(
        WRONG,
        "Certificaat {file} wordt in {omgeving} niet vertrouwd ({reason}).",
        TRUSTED,
        "Zie `digikoppelaar certificate check`; is het ingetrokken of te zwak, vraag dan een nieuw certificaat aan.",
        Rol.DIGIKOPPELAAR,
        "PKI002, PKI003",
    ),
    "certificate-purpose": Rule(
        WRONG,
        "Certificaat {file} is niet bedoeld voor {uses}.",
        "De andere kant weigert een certificaat dat voor iets anders is.",
        f"{NEW} voor dit gebruik.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3",
    ),
    "certificate-host": Rule(
        WRONG,
        "Host {host} van het endpoint staat niet in certificaat {file}; dat noemt {names}.",
        HOST,
        f"{NEW} dat {{host}} als alias (SAN) noemt, of gebruik een adres dat er wel in staat.",
        Rol.DIGIKOPPELAAR,
        "stam:58; digikoppeling-ebms2.md 3.1",
    ),
    "certificate-host-unknown": Rule(
        WARNING,
        "Het adres van het endpoint is nog niet bekend; of certificaat {file} zijn host noemt, is niet gecontroleerd.",
        HOST,
        "Zet het adres als `public_url` in [endpoint.{omgeving}].",
        Rol.DIGIKOPPELAAR,
        "stam:58",
    ),
    # --- machtiging ---
    "machtiging-own": Rule(GOOD, "De organisatie is zelf de partij: er is geen machtiging nodig.", source="stam:61"),
    "machtiging-good": Rule(GOOD, "{organisatie} heeft {partij} gemachtigd."),
    "machtiging-missing": Rule(
        MISSING,
        "Er is geen machtiging vastgelegd waarmee {partij} voor {organisatie} mag optreden.",
        "Zonder machtiging maakt het CPA-register geen CPA, en weigert DSO-LV het certificaat van een ander.",
        "Machtig {partij} in het CPA-register (cparegister.nl) en leg dat vast met `digikoppelaar organisatie apply`.",
        Rol.BEVOEGD_GEZAG,
        "stam:55; EB014",
    ),
    # --- clock ---
    "clock-good": Rule(GOOD, "De klok loopt gelijk met die van {source} ({seconds} s verschil)."),
    "clock-off": Rule(
        WARNING,
        "De klok verschilt {seconds} s van die van {source}.",
        _CLOCK,
        "Zet de klok van deze machine gelijk met een tijdserver (NTP).",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 7t",
    ),
    "clock-wrong": Rule(
        WRONG,
        "De klok verschilt {seconds} s van die van {source}.",
        _CLOCK,
        "Zet de klok van deze machine gelijk met een tijdserver (NTP).",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 7t",
    ),
    # --- pre-complete ---
    "pre-complete": Rule(GOOD, "PRE is compleet, met bewijs."),
    "pre-not-complete": Rule(
        MISSING,
        "PRE is nog niet compleet: {steps}.",
        "PROD kan pas als de aansluiting in PRE helemaal werkt en het bewijs daarvan is ingeleverd.",
        "Maak PRE eerst af; zie `digikoppelaar aansluiting show`.",
        Rol.LEVERANCIER,
        "stam:22, stam:41",
    ),
    # --- stage ---
    "stage-good": Rule(GOOD, "Stap {number} van 3PAS is klaar: KOOP vond elk gewenst documenttype goed."),
    "stage-no-aansluiting": Rule(
        MISSING,
        "Er is nog geen DROP-aansluiting vastgelegd.",
        "Zonder aansluiting kan er niets worden aangeleverd.",
        "Leg haar vast met `digikoppelaar organisatie apply`.",
        Rol.LEVERANCIER,
        "drop:9",
    ),
    "stage-unknown": Rule(
        WRONG,
        "Het profiel van KOOP kent geen stap {number}.",
        "Zonder profiel is niet bekend waar en met welk certificaat wordt aangeleverd.",
        "Bekijk het profiel met `digikoppelaar profile show`.",
        Rol.DIGIKOPPELAAR,
        "drop:9",
    ),
    "stage-undelivered": Rule(
        MISSING,
        "In stap {number} van 3PAS is nog niet aangeleverd: {documenttypen}.",
        "KOOP kijkt in elke stap of elk gewenst documenttype goed aankomt.",
        "Lever ze aan, voor een proef met `digikoppelaar kennisgeving stage deliver`.",
        Rol.LEVERANCIER,
        "drop:9, drop:21",
    ),
    "stage-unconfirmed": Rule(
        MISSING,
        "In stap {number} van 3PAS heeft KOOP nog niet goedgekeurd: {documenttypen}.",
        "Pas na het woord van KOOP is een stap klaar.",
        "Vraag KOOP of ze goed aankwamen en leg het antwoord vast met `digikoppelaar kennisgeving stage confirm`.",
        Rol.KOOP,
        "drop:9, drop:21",
    ),
    # --- measuring ---
    "not-measured": Rule(
        MISSING,
        "De controle {check} kon niet worden gedaan ({reason}).",
        "Wat niet is gecontroleerd, telt niet als goed.",
        "{advice}",
        Rol.DIGIKOPPELAAR,
    ),
}
