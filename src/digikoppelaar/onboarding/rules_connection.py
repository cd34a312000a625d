"""What the checks in `checks_connection` can say."""

from collections.abc import Mapping
from typing import Final

from digikoppelaar.onboarding.model import Rol
from digikoppelaar.onboarding.rule import GOOD, HOST, MISSING, NEW, TRUSTED, WARNING, WRONG, Rule

_API_KEY: Final = "Zonder geldige API-key geeft DSO-LV geen verzoeken."
_MANDATE: Final = "DSO-LV geeft een verzoek alleen aan wie voor dat bevoegd gezag gemandateerd is."
_CPA: Final = "DSO-LV houdt elk bericht tegen de CPA; past die niet, dan wordt het geweigerd."
_REACHED: Final = "Over dit adres bezorgt DSO-LV de notificaties."

CONNECTION: Final[Mapping[str, Rule]] = {
    # --- cpa ---
    "cpa-good": Rule(GOOD, "CPA {cpa_id} past bij certificaat, endpoint en omgeving, en geldt tot {until}."),
    "cpa-missing": Rule(
        MISSING,
        "Er is nog geen CPA ingelezen.",
        _CPA,
        "Vraag haar aan met `digikoppelaar cpa request`, en lees haar in met `digikoppelaar cpa import`.",
        Rol.DIGIKOPPELAAR,
        "stam:57",
    ),
    "cpa-expired": Rule(
        WRONG,
        "CPA {cpa_id} is verlopen op {until}.",
        _CPA,
        "Laat de CPA opnieuw maken met `digikoppelaar cpa regenerate`, lees haar in en bied haar aan.",
        Rol.DIGIKOPPELAAR,
        "statement 193",
    ),
    "cpa-not-started": Rule(
        MISSING,
        "CPA {cpa_id} gaat pas in op {since}.",
        _CPA,
        "Wacht tot die dag.",
        Rol.DIGIKOPPELAAR,
        "CPA s.9.4",
    ),
    "cpa-ends": Rule(
        WARNING,
        "CPA {cpa_id} verloopt op {until}, over {days} dagen.",
        _CPA,
        "Laat de CPA opnieuw maken met `digikoppelaar cpa regenerate`, lees haar in en bied haar aan.",
        Rol.DIGIKOPPELAAR,
        "stam.md 4",
    ),
    "cpa-other-omgeving": Rule(
        WRONG,
        "CPA {cpa_id} hoort bij {other}, niet bij {omgeving}: {reason}.",
        "Elke omgeving heeft een eigen CPA; die van PRE gaat niet mee naar PROD.",
        "Maak in het CPA-register een nieuwe CPA voor {omgeving}, en lees die in.",
        Rol.DIGIKOPPELAAR,
        "stam:9, stam:54; EB003, EB004",
    ),
    "cpa-party": Rule(
        WRONG,
        "CPA {cpa_id} noemt {party} als partij, en niet {organisatie}.",
        _CPA,
        "Laat de CPA maken voor {organisatie}.",
        Rol.DIGIKOPPELAAR,
        "stam:57; 3.5",
    ),
    "cpa-endpoint": Rule(
        WRONG,
        "CPA {cpa_id} noemt als endpoint {url}, en ingesteld is {expected}.",
        _REACHED,
        "Laat de CPA opnieuw maken met het goede adres, of verbeter `public_url`.",
        Rol.DIGIKOPPELAAR,
        "stam:57; digikoppeling-ebms2.md 4.3",
    ),
    "cpa-certificate": Rule(
        WRONG,
        "CPA {cpa_id} noemt een ander certificaat dan hier is vastgelegd.",
        "DSO-LV haalt uit de CPA welk certificaat het van u mag verwachten.",
        "Laat de CPA opnieuw maken met het certificaat dat nu in gebruik is: `digikoppelaar cpa regenerate`.",
        Rol.DIGIKOPPELAAR,
        "stam:57; 3.5",
    ),
    "cpa-no-key": Rule(
        WRONG,
        "Bij een certificaat voor {uses} in CPA {cpa_id} is hier geen sleutel.",
        "Zonder die sleutel kan een bericht niet worden ondertekend of gelezen.",
        "Leg het certificaat uit de CPA met zijn sleutel vast, of laat de CPA opnieuw maken met wat er is.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 2.10",
    ),
    "cpa-rule": Rule(
        WRONG,
        "CPA {cpa_id} is niet goed ({rule}): {sentence}",
        _CPA,
        "Laat de CPA opnieuw maken in het CPA-register.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 4.4",
    ),
    "cpa-remark": Rule(
        WARNING, "Over CPA {cpa_id} ({rule}): {sentence}", _CPA, "", Rol.DIGIKOPPELAAR, "digikoppeling-ebms2.md 4.4"
    ),
    # --- endpoint ---
    "endpoint-good": Rule(
        GOOD,
        "{url} antwoordt over {tls} met de goede keten en vraagt een certificaat, gezien vanaf deze machine.",
    ),
    "endpoint-unknown": Rule(
        MISSING,
        "Het adres waarop DSO-LV dit endpoint bereikt is niet bekend.",
        _REACHED,
        "Zet het als `public_url` in [endpoint.{omgeving}], of lees de CPA in.",
        Rol.DIGIKOPPELAAR,
        "stam:67",
    ),
    "endpoint-not-https": Rule(
        WRONG,
        "{url} is geen https-adres.",
        "Digikoppeling gaat over TLS met certificaten aan beide kanten.",
        "Gebruik een https-adres, en zet [endpoint.{omgeving}] op mode tls of proxy.",
        Rol.DIGIKOPPELAAR,
        "TLS001",
    ),
    "endpoint-not-reached": Rule(
        WRONG,
        "{url} is vanaf deze machine niet te bereiken ({reason}).",
        _REACHED,
        "Controleer of `digikoppelaar serve` draait, en DNS, router en firewall; vraag de netwerkbeheerder zo nodig om "
        "het adres van buiten te laten proberen.",
        Rol.DIGIKOPPELAAR,
        "stam:67",
    ),
    "endpoint-tls": Rule(
        WRONG,
        "Op {url} lukt TLS niet ({reason}).",
        _REACHED,
        "Controleer of daar het endpoint van digikoppelaar luistert, met TLS 1.2 of hoger.",
        Rol.DIGIKOPPELAAR,
        "TLS003",
    ),
    "endpoint-chain": Rule(
        WRONG,
        "Wat {url} toont leidt niet naar een stamcertificaat van {omgeving} ({reason}).",
        TRUSTED,
        "Laat het endpoint het certificaat met alle tussencertificaten tonen.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.3",
    ),
    "endpoint-host": Rule(
        WRONG,
        "Het certificaat dat {url} toont, noemt die host niet.",
        HOST,
        f"{NEW} dat de host als alias (SAN) noemt, of gebruik een adres dat er wel in staat.",
        Rol.DIGIKOPPELAAR,
        "stam:58; digikoppeling-ebms2.md 3.1",
    ),
    "endpoint-other-certificate": Rule(
        WARNING,
        "{url} toont een ander certificaat dan hier is vastgelegd.",
        "In de CPA staat het certificaat dat hier is vastgelegd.",
        "Leg vast wat de TLS-afhandeling toont, of laat die het vastgelegde certificaat tonen.",
        Rol.DIGIKOPPELAAR,
        "digikoppeling-ebms2.md 3.5",
    ),
    "endpoint-no-client-certificate": Rule(
        WRONG,
        "{url} antwoordt ook wie geen certificaat toont.",
        "Digikoppeling vraagt certificaten aan beide kanten; anders kan iedereen berichten aanbieden.",
        "Laat de TLS-afhandeling een certificaat van PKIoverheid eisen.",
        Rol.DIGIKOPPELAAR,
        "TLS001",
    ),
    # --- firewall ---
    "firewall-addresses": Rule(
        WARNING,
        "Vraag de netwerkbeheerder deze adressen van DSO-LV toe te laten op {target}: {addresses}. Controleer op het "
        "Ontwikkelaarsportaal of ze nog kloppen.",
        "Zonder deze regel houdt een firewall de notificaties van DSO-LV tegen.",
        "Zonder firewall voor inkomend verkeer is er niets te doen; bevestig daarna de stap.",
        Rol.DIGIKOPPELAAR,
        "stam:67 tot en met stam:72",
    ),
    # --- api-key and mandate ---
    "api-key-good": Rule(GOOD, "DSO-LV neemt de API-key aan."),
    "api-key-no-aansluiting": Rule(
        MISSING,
        "Er is nog geen STAM-aansluiting vastgelegd met adres en API-key van DSO-LV.",
        _API_KEY,
        "Leg haar vast met `digikoppelaar organisatie apply`.",
        Rol.LEVERANCIER,
        "stam:48",
    ),
    "api-key-no-file": Rule(
        MISSING,
        "Het bestand met de API-key ontbreekt, is leeg of bevat meer dan de key.",
        _API_KEY,
        "Vraag een key aan op het Ontwikkelaarsportaal en zet hem alleen in het bestand dat `api_key_file` noemt.",
        Rol.LEVERANCIER,
        "stam:48",
    ),
    "api-key-refused": Rule(
        WRONG,
        "DSO-LV weigert de API-key (antwoord 401).",
        _API_KEY,
        "Vraag op het Ontwikkelaarsportaal een key aan voor {omgeving}; een key van de andere omgeving geldt niet.",
        Rol.LEVERANCIER,
        "stam:48, stam:49, stam:50",
    ),
    "api-key-not-judged": Rule(
        MISSING,
        "DSO-LV weigert toegang voor dit OIN (antwoord 403); of de API-key goed is, blijkt pas daarna.",
        _API_KEY,
        "Laat eerst de mandatering instellen.",
        Rol.AANSLUITTEAM,
        "stam:48",
    ),
    "dso-not-asked": Rule(
        MISSING,
        "DSO-LV kan nog niets worden gevraagd: er is geen bruikbaar certificaat van de partij.",
        "DSO-LV vraagt bij elke vraag een certificaat van PKIoverheid.",
        "Zie de controle van het certificaat.",
        Rol.DIGIKOPPELAAR,
        "stam:65",
    ),
    "dso-not-reached": Rule(
        MISSING,
        "DSO-LV is niet te bereiken ({reason}).",
        "Zonder verbinding kan geen verzoek worden opgehaald.",
        "Controleer adres, firewall en proxy voor uitgaand verkeer, en probeer het later opnieuw.",
        Rol.DIGIKOPPELAAR,
        "stam.md 3.1",
    ),
    "dso-trouble": Rule(
        MISSING,
        "DSO-LV heeft een storing (antwoord {status}).",
        "Zolang DSO-LV niet goed antwoordt, is niet te zeggen of key en mandaat goed zijn.",
        "Probeer het later opnieuw; meld het bij het aansluitteam als het zo blijft.",
        Rol.AANSLUITTEAM,
        "stam.md 3.4",
    ),
    "dso-not-understood": Rule(
        WRONG,
        "DSO-LV neemt de vraag niet aan (antwoord {status}).",
        "Zolang DSO-LV niet goed antwoordt, is niet te zeggen of key en mandaat goed zijn.",
        "Controleer het adres (`base_url`) in de aansluiting; het aansluitteam weet welk adres en welke versie geldt.",
        Rol.AANSLUITTEAM,
        "stam.md 3.1",
    ),
    "dso-other-answer": Rule(
        WRONG,
        "Op het adres van DSO-LV komt een pagina in plaats van een antwoord ({media_type}).",
        "Wat daar antwoordt is DSO-LV niet, maar bijvoorbeeld een proxy of een portaal.",
        "Controleer het adres (`base_url`) in de aansluiting, en de proxy voor uitgaand verkeer.",
        Rol.DIGIKOPPELAAR,
        "stam.md 3.1",
    ),
    "mandate-good": Rule(GOOD, "DSO-LV laat {partij} optreden voor {organisatie}."),
    "mandate-refused": Rule(
        WRONG,
        "DSO-LV laat {partij} niet optreden voor {organisatie} (antwoord 403).",
        _MANDATE,
        "Vraag het aansluitteam de mandatering in {omgeving} in te stellen (stap 1.2) en noem beide OIN's.",
        Rol.AANSLUITTEAM,
        "stam:22, stam:43",
    ),
    "mandate-not-judged": Rule(
        MISSING,
        "Of de mandatering er is, blijkt pas als DSO-LV een vraag met de API-key beantwoordt.",
        _MANDATE,
        "Neem eerst weg wat de controle van de API-key noemt.",
        Rol.LEVERANCIER,
        "stam:22",
    ),
}
