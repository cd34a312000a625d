"""Every error that digikoppelaar raises on purpose, in one tree.

Each class answers four questions: whose fault it is, whether trying again can help, what goes on the wire,
and what an administrator should do (one Dutch sentence; an instance may give a better one).

    DigikoppelaarError
    ├── ConfigError               administrator   the configuration or a command's input is wrong
    │   ├── TrustError            administrator   a certificate, key or trust anchor may not be used here
    │   └── Conflict              administrator   what is on record does not allow it now               409
    ├── SubmissionError           administrator   what an application asked us to send cannot be sent   400
    ├── PartnerError              partner         what the other side sent cannot be accepted
    │   ├── MimeError             partner         the MIME package is broken           SOAP Fault, 500
    │   ├── TooLarge              partner         over a configured limit              413
    │   ├── XmlError              partner         not well-formed, DOCTYPE, too deep    SOAP Fault, 500
    │   ├── EnvelopeError         partner         the SOAP envelope breaks its schema   SOAP Fault, 500
    │   ├── SignatureError        partner         the signature does not hold           ebXML SecurityFailure
    │   │   └── DecryptionError   partner         a payload cannot be decrypted         ebXML SecurityFailure
    │   ├── CpaError              partner         the CPA cannot be used
    │   ├── VerzoekError          partner         a STAM document cannot be understood
    │   ├── AanleveringError      partner         a delivery over 3PAS cannot be taken          SOAP Fault, 500
    │   └── OinError              partner         not an OIN, or a certificate without one
    ├── PartnerUnreachable        partner, retry  no HTTP answer from the partner's endpoint
    ├── FacilityError             facility        DSO-LV or KOOP did not do what it should
    │   ├── FacilityUnavailable   facility, retry no answer, 5xx, 429, connection or TLS failure
    │   │   └── FacilityNotReached  facility, retry  nothing of the request was sent
    │   ├── FacilityOutcomeUnknown  facility  sent, and no answer tells whether it was taken
    │   ├── FacilityNotFound      facility, retry 404: perhaps not there yet
    │   ├── FacilityRefused       administrator   401 or 403: mandate, certificate or API key
    │   └── FacilityAnswerBroken  facility, retry truncated, wrong length or wrong content
    ├── ContentPurged             administrator   the content was deleted when its period was over      410
    ├── CaseSystemError           administrator, retry  the case system could not take the verzoek
    ├── CaseSystemRefused         administrator   the case system will not take the verzoek as it is
    ├── MailNotSent               administrator, retry  the mail server did not take a mail
    └── StorageError              ours, retry     the database or the blob store failed
        └── ContentLost           administrator, retry  a blob that is on record is not there
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, Final

NOT_DECRYPTED: Final = "the payload cannot be decrypted, or is not what was signed"
"""One text for a key, a padding, a tag and a digest that do not fit: each alone would be an oracle (statement 151)."""


class Fault(Enum):
    """Who can remove the cause."""

    OURS = "ours"
    PARTNER = "partner"
    ADMINISTRATOR = "administrator"
    FACILITY = "facility"


@dataclass(frozen=True, slots=True)
class Wire:
    """What the other side gets to see of an error.

    `soap_fault` is a SOAP 1.1 fault code without prefix (Client, Server, MustUnderstand, VersionMismatch),
    `ebxml_code` a code of the ebMS 2.0 specification (section 4.2.3.4); at most one of the two is set.
    """

    http_status: int = 500
    soap_fault: str | None = None
    ebxml_code: str | None = None


class DigikoppelaarError(Exception):
    """The root. The message is English, for logs and the command line; `advice` is Dutch, for people.

    Messages hold identifiers and names of fields, never personal data and never payload.
    """

    fault: ClassVar[Fault] = Fault.OURS
    retryable: ClassVar[bool] = False
    wire: ClassVar[Wire] = Wire(500, soap_fault="Server")
    default_advice: ClassVar[str] = "Meld dit aan de beheerder van digikoppelaar, met het tijdstip."

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.advice = advice or self.default_advice


class ConfigError(DigikoppelaarError):
    """The configuration, or what a command was given, is wrong."""

    fault = Fault.ADMINISTRATOR
    default_advice = "Verbeter de configuratie of wat is opgegeven, en probeer het opnieuw."


class TemplateBroken(ConfigError):
    """The text template of a notice cannot be used; those that need it wait."""

    default_advice = (
        "Verbeter het genoemde sjabloon. Tot dan worden er geen concepten mee gemaakt; wat er al is gaat door."
    )


class TrustError(ConfigError):
    """A certificate, key or trust anchor may not be used for this omgeving or purpose."""

    default_advice = "Controleer certificaat, sleutel en vertrouwde stamcertificaten van deze omgeving."


class Conflict(ConfigError):
    """What was asked cannot be done with what is on record, as it is now."""

    wire = Wire(409)
    default_advice = "Bekijk wat er nu is vastgelegd, en probeer het daarna opnieuw."


class SubmissionError(DigikoppelaarError):
    """What an application asked us to send cannot be sent: asking the same again will not help."""

    fault = Fault.ADMINISTRATOR
    wire = Wire(400)
    default_advice = "Pas het bericht aan en bied het opnieuw aan."


class PartnerError(DigikoppelaarError):
    """What the other side sent cannot be accepted; sending the same again will not help."""

    fault = Fault.PARTNER
    wire = Wire(500, soap_fault="Client")
    default_advice = "Neem contact op met de afzender: dit bericht kan zo niet worden aangenomen."


class MimeError(PartnerError):
    """The MIME package is broken (ebMS 2.0, section 2.1.6)."""


class TooLarge(PartnerError):
    """A configured limit on size or number was passed."""

    wire = Wire(413, soap_fault="Client")
    default_advice = "Het bericht is groter dan de ingestelde grens; overleg met de afzender of verhoog de grens."


class XmlError(PartnerError):
    """Not well-formed XML, or XML with something that is refused before parsing (a DOCTYPE)."""


class EnvelopeError(PartnerError):
    """The SOAP envelope does not have the structure of ebMS 2.0, or asks for what must be understood and is not.

    `fault_code` is the SOAP 1.1 fault code that belongs to it.
    """

    def __init__(self, message: str, *, fault_code: str = "Client", advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.fault_code = fault_code


class SignatureError(PartnerError):
    """The signature is missing, malformed, of another algorithm, or does not hold.

    `location` is the pointer that goes into the ebXML error (ebMS 2.0, section 4.2.3.2).
    """

    wire = Wire(200, ebxml_code="SecurityFailure")

    def __init__(self, message: str, *, location: str = "//Header/Signature", advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.location = location


class DecryptionError(SignatureError):
    """An encrypted payload cannot be decrypted. Without a `reason`, nobody can tell key, padding and tag apart.

    A reason may only be about what anybody can see, such as the structure of the EncryptedData (statement 151).
    """

    def __init__(self, reason: str = "", *, location: str = "//Body/Manifest", advice: str | None = None) -> None:
        super().__init__(reason or NOT_DECRYPTED, location=location, advice=advice)


class CpaError(PartnerError):
    """The CPA is invalid or asks for something that is not supported.

    `element` is the local name of the element at fault and `line` its line in the document, when they are known.
    """

    default_advice = "Controleer de CPA: is dit het bestand uit het CPA-register, ongewijzigd?"

    def __init__(
        self, message: str, *, element: str | None = None, line: int | None = None, advice: str | None = None
    ) -> None:
        super().__init__(message, advice=advice)
        self.element = element
        self.line = line


class VerzoekError(PartnerError):
    """A STAM notification or verzoek cannot be understood."""

    default_advice = "Bewaar het bericht en meld het bij DSO-LV; het verzoek is niet verwerkt."


class AanleveringError(PartnerError):
    """What was delivered over 3PAS is not a request, zip or inhoud.xml that can be taken; only the sandbox receives it.

    `reason` is a drop.inhoud.Flaw, by which the fault code is found.
    """

    default_advice = "De aanlevering is geweigerd: vergelijk bericht en inhoud.xml met het profiel van 3PAS."

    def __init__(self, message: str, *, reason: str, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.reason = reason


class OinError(PartnerError):
    """Not an OIN, or a certificate that carries none (PKI001)."""

    default_advice = "Het certificaat moet een OIN van 20 posities in subject.serialNumber hebben."


class PartnerUnreachable(DigikoppelaarError):
    """No HTTP answer came from the partner's endpoint: no connection, no TLS, or no answer in time.

    `unsent` says that certainly no byte of the request was sent; when it is not known, it is False. `untrusted`: the
    certificate of the partner's server does not hold, so that also nothing was sent.
    """

    fault = Fault.PARTNER
    retryable = True
    default_advice = "Vraag de partner of hij storing heeft en ons doorlaat; controleer met `digikoppelaar check`."

    def __init__(
        self, message: str, *, unsent: bool = False, untrusted: bool = False, advice: str | None = None
    ) -> None:
        super().__init__(message, advice=advice)
        self.unsent = unsent or untrusted
        self.untrusted = untrusted


class FacilityError(DigikoppelaarError):
    """A national facility did not do what it should."""

    fault = Fault.FACILITY
    default_advice = "De landelijke voorziening gaf een fout; bekijk de storingspagina van de voorziening."


class FacilityUnavailable(FacilityError):
    """No answer, a 5xx or 429, or the connection failed. `retry_after` is in seconds, when it was given."""

    retryable = True
    default_advice = "Controleer verbinding en proxy, en bekijk de storingspagina van de voorziening."

    def __init__(self, message: str, *, retry_after: float | None = None, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after


class FacilityNotReached(FacilityUnavailable):
    """No connection, or none that is trusted: nothing of the request was sent, so sending it again is safe."""

    default_advice = (
        "Er kwam geen verbinding tot stand; er is niets verzonden. Controleer adres, netwerk en certificaat. "
        "Digikoppelaar probeert het vanzelf opnieuw."
    )


class FacilityOutcomeUnknown(FacilityError):
    """A request that must not be taken twice was sent, perhaps in part, and no answer tells whether it was taken.

    Nothing sends it again by itself: what KOOP publishes stays public (ADR 24).
    """

    default_advice = (
        "Het is niet bekend of KOOP de kennisgeving heeft aangenomen. Zoek haar op in DROP: staat ze er, meld dat met "
        "`kennisgeving arrived`; verstuur haar pas opnieuw, met `kennisgeving again`, als zeker is dat ze er niet is. "
        "Digikoppelaar zoekt haar vanzelf in wat KOOP publiceert."
    )


class FacilityNotFound(FacilityError):
    """404: it may not be there yet, so a few tries are worth it."""

    retryable = True
    default_advice = "De voorziening kent dit verzoek (nog) niet. Meld dit bij DSO-LV als het zo blijft."


class FacilityRefused(FacilityError):
    """401 or 403: mandate, certificate or API key."""

    fault = Fault.ADMINISTRATOR
    default_advice = (
        "Controleer mandaat, API-sleutel en certificaat van deze aansluiting "
        "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
    )


class FacilityAnswerBroken(FacilityError):
    """The answer was truncated, had another length than announced, or was not what was asked."""

    retryable = True
    default_advice = "De voorziening gaf een onvolledig antwoord. Meld dit bij haar als het zo blijft."


class ContentPurged(DigikoppelaarError):
    """What is asked for was deleted, for its period was over (flows.retention); `at` is when."""

    fault = Fault.ADMINISTRATOR
    wire = Wire(410, soap_fault="Server")

    def __init__(self, what: str, at: datetime, *, advice: str = "") -> None:
        gone = f"De inhoud is op {at:%d-%m-%Y} verwijderd: de bewaartermijn was voorbij."
        super().__init__(f"the content of {what} was deleted on {at:%Y-%m-%d}", advice=f"{gone} {advice}".strip())
        self.at = at


class CaseSystemError(DigikoppelaarError):
    """The case system could not take the verzoek. `retry_after` is in seconds, when it asked for that."""

    fault = Fault.ADMINISTRATOR
    retryable = True
    default_advice = "Controleer of het zaaksysteem of de map bereikbaar en beschrijfbaar is."

    def __init__(self, message: str, *, retry_after: float | None = None, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after


class CaseSystemRefused(DigikoppelaarError):
    """The case system answered that it will not take this: asking the same again will not help."""

    fault = Fault.ADMINISTRATOR
    default_advice = (
        "Het zaaksysteem weigert dit verzoek. Controleer de instellingen van de bestemming "
        "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
    )


class MailNotSent(DigikoppelaarError):
    """The mail server was not reached, or would not take the mail."""

    fault = Fault.ADMINISTRATOR
    retryable = True
    default_advice = "Controleer de mailserver in [mail]; digikoppelaar probeert het vanzelf opnieuw."


class StorageError(DigikoppelaarError):
    """The database or the blob store failed; nothing was acknowledged."""

    retryable = True
    wire = Wire(503, soap_fault="Server")
    default_advice = "Controleer database en schijfruimte."


class ContentLost(StorageError):
    """A blob that is on record is not there: the blob store was not restored with the database, or was touched."""

    fault = Fault.ADMINISTRATOR
    default_advice = "Zet de map met inhoud (blobs) terug uit de reservekopie die bij de database hoort."


def told(error: Exception) -> str:
    """What may be said of any error: the text of one that is not ours could hold anything, so only its type."""
    return str(error) if isinstance(error, DigikoppelaarError) else f"unexpected {type(error).__name__}"


MOST_TOLD: Final = 20
"""Troubles that are told in one error; who mended these sees the next ones."""


def several(what: str, troubles: Sequence[str]) -> str:
    """A message about many things that are wrong, each on a line of its own."""
    left = [f"and {len(troubles) - MOST_TOLD} more"] if len(troubles) > MOST_TOLD else []
    return "\n  ".join([f"{what}:", *troubles[:MOST_TOLD], *left])
