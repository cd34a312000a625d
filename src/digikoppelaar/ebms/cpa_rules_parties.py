"""Rules about the CPA as a whole: dates, parties, roles, certificates, transport (digikoppeling-ebms2.md, 4.4)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_bindings import Way
from digikoppelaar.ebms.cpa_document import attribute, certificate, child, children, date_time, tag, text
from digikoppelaar.ebms.cpa_subject import Finding, Severity, Subject, finding, name_of
from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.certificate import Certificate, Use, check_purpose, names_host, read_certificate
from digikoppelaar.pki.oin import check_oin, fits_party, without_environment_suffix
from digikoppelaar.pki.policy import Policy

_TEN_YEARS: Final = timedelta(days=3653)
_SAFE_TLS: Final = ("1.2", "1.3")
_USES: Final = {
    "ClientCertificateRef": Use.TLS_CLIENT,
    "ServerCertificateRef": Use.TLS_SERVER,
    "SigningCertificateRef": Use.SIGN,
    "EncryptionCertificateRef": Use.DECRYPT,
}


def period(cpa: Subject) -> Iterator[Finding]:
    """CPA s.9.4, statement 193 and EB010."""
    start, end = child(cpa.root, "Start"), child(cpa.root, "End")
    starts_at, ends_at, cpa_id = date_time(start), date_time(end), cpa.agreement.cpa_id
    if ends_at <= cpa.judgement.now:
        sentence = "De CPA is verlopen; vraag de partner om een nieuwe."
        yield finding("expired", Severity.ERROR, end, cpa_id, sentence, "statement 193")
    if starts_at > cpa.judgement.now:
        sentence = f"De CPA gaat pas in op {starts_at:%d-%m-%Y}; tot dan komt en gaat er niets onder."
        yield finding("not-started", Severity.INFO, start, cpa_id, sentence, "CPA s.9.4")
    if ends_at - starts_at > _TEN_YEARS:
        sentence = "De CPA geldt langer dan tien jaar; dat is ongebruikelijk. Controleer de einddatum."
        yield finding("long-validity", Severity.WARNING, end, cpa_id, sentence, "EB010")


def version(cpa: Subject) -> Iterator[Finding]:
    """7j."""
    written = cpa.root.get(tag("version"), "")
    if written != "2_0b":
        sentence = f"De CPA noemt schemaversie {written[:20]}; 2_0b is gebruikelijk. Er hoeft niets te gebeuren."
        yield finding("version", Severity.INFO, cpa.root, cpa.agreement.cpa_id, sentence, "7j")


def invocation_limit(cpa: Subject) -> Iterator[Finding]:
    """CPA s.9.5.1."""
    for element in children(cpa.root, "ConversationConstraints"):
        if tag("invocationLimit") in element.attrib:
            sentence = "De CPA begrenst het aantal conversaties; digikoppelaar telt die niet. Bewaak dit zelf."
            yield finding("invocation-limit", Severity.WARNING, element, cpa.agreement.cpa_id, sentence, "CPA s.9.5.1")


def party_ids(cpa: Subject) -> Iterator[Finding]:
    """KS-07, KS-08 and EB004."""
    for party in cpa.parties:
        for element in children(party, "PartyId"):
            yield from _party_id(cpa, element, text(element))


def _party_id(cpa: Subject, element: etree._Element, value: str) -> Iterator[Finding]:
    if element.get(tag("type")) != names.OIN_TYPE:
        sentence = f"Het type van PartyId hoort {names.OIN_TYPE} te zijn; spreek dat met de partner af."
        yield finding("party-type", Severity.WARNING, element, value, sentence, "KS-08")
        return
    bare = without_environment_suffix(value)
    try:
        check_oin(bare)
    except OinError:
        sentence = "Het PartyId is geen OIN van 20 posities; laat de CPA opnieuw maken."
        yield finding("party-no-oin", Severity.WARNING, element, value, sentence, "KS-07")
    if cpa.judgement.production and bare != value:
        sentence = "Een PartyId in productie heeft geen achtervoegsel zoals _OTA; laat de CPA opnieuw maken."
        yield finding("party-suffix", Severity.ERROR, element, value, sentence, "EB004, statement 183")


def roles(cpa: Subject) -> Iterator[Finding]:
    """KS-12."""
    for party in cpa.parties:
        found = {attribute(child(role, "Role"), "name") for role in children(party, "CollaborationRole")}
        if len(found) > 1:
            sentence = "Een partij heeft één rol in een CPA; vraag een CPA voor elke rol."
            yield finding("several-roles", Severity.WARNING, party, name_of(party), sentence, "KS-12")


def services(cpa: Subject) -> Iterator[Finding]:
    """A service in which nothing goes either way (4.4)."""
    for binding in cpa.root.iter(tag("ServiceBinding")):
        if not children(binding, "CanSend") and not children(binding, "CanReceive"):
            sentence = "Deze service heeft geen enkele actie; laat de CPA opnieuw maken."
            service = text(child(binding, "Service"))
            yield finding("empty-service", Severity.ERROR, binding, service, sentence, "CPA s.8.4.9")


# --- Certificates --------------------------------------------------------------------------------------------


def certificates(cpa: Subject) -> Iterator[Finding]:
    """PKI001, PKI002, EB005, statement 208 and CPA s.9.4.2; of every certificate that is used."""
    for party in cpa.parties:
        seen = set()
        for name, use in _USES.items():
            for reference in party.iter(tag(name)):
                named = attribute(reference, "certId"), use
                if named not in seen:
                    seen.add(named)
                    yield from _certificate(cpa, party, reference, use, certificate(reference, cpa.index))


def _certificate(
    cpa: Subject, party: etree._Element, reference: etree._Element, use: Use, der: bytes
) -> Iterator[Finding]:
    named = attribute(reference, "certId")
    try:
        found = read_certificate(der)
    except TrustError:
        sentence = "Dit certificaat is niet te lezen; laat de CPA opnieuw maken."
        yield finding("certificate-unreadable", _by_policy(cpa), reference, named, sentence, "PKI001")
        return
    yield from _certificate_dates(cpa, reference, named, found)
    yield from _certificate_holder(cpa, party, reference, named, found)
    if not _is_meant_for(found, use):
        sentence = f"Het certificaat is volgens zichzelf niet bedoeld voor {use.value}; vraag een ander aan."
        yield finding("certificate-purpose", Severity.WARNING, reference, named, sentence, "7o")


def _is_meant_for(found: Certificate, use: Use) -> bool:
    try:
        check_purpose(found, use)
    except OinError:
        return True  # said already
    except TrustError:
        return False
    return True


def _by_policy(cpa: Subject) -> Severity:
    return cpa.judgement.by_policy(strict=Severity.ERROR, legacy=Severity.ERROR, lab=Severity.WARNING)


def _certificate_dates(cpa: Subject, reference: etree._Element, named: str, found: Certificate) -> Iterator[Finding]:
    if found.not_after <= max(cpa.judgement.now, cpa.agreement.starts_at):
        sentence = (
            f"Het certificaat is verlopen op {found.not_after:%d-%m-%Y}; vraag een CPA met een nieuw certificaat."
        )
        yield finding("certificate-expired", _by_policy(cpa), reference, named, sentence, "PKI002")
    elif found.not_after < cpa.agreement.ends_at:
        sentence = (
            f"Het certificaat verloopt op {found.not_after:%d-%m-%Y}, voor het einde van de CPA: vernieuw op tijd."
        )
        source = "statement 208, CPA s.9.4.2"
        yield finding("certificate-ends-early", Severity.WARNING, reference, named, sentence, source)


def _certificate_holder(
    cpa: Subject, party: etree._Element, reference: etree._Element, named: str, found: Certificate
) -> Iterator[Finding]:
    try:
        oin = found.oin
    except OinError:
        sentence = "Het certificaat heeft geen OIN in subject.serialNumber; vraag een PKIoverheid-certificaat aan."
        yield finding("certificate-no-oin", _by_policy(cpa), reference, named, sentence, "PKI001")
        return
    known = cpa.judgement.machtigingen
    acts_for = (known or {}).get(oin, frozenset())
    if any(fits_party(oin, text(element), acts_for) for element in children(party, "PartyId")):
        return
    sentence = (
        f"Het certificaat is van {oin}, niet van {name_of(party)}; leg een machtiging vast of vraag een andere CPA."
    )
    severity = Severity.WARNING if known is None else _by_policy(cpa)
    yield finding("certificate-holder", severity, reference, named, sentence, "EB005, KS-11")


# --- Transport -----------------------------------------------------------------------------------------------


def transport(cpa: Subject) -> Iterator[Finding]:
    """KS-03, KS-05, TLS005 and statements 188 and 194."""
    seen = set()
    for way in (*_ways(cpa), *cpa.default_ways):
        name = attribute(way.transport, "transportId")
        if name not in seen:
            seen.add(name)
            yield from _endpoints(cpa, way)


def _ways(cpa: Subject) -> Iterator[Way]:
    for exchange in cpa.exchanges:
        yield exchange.sending.way
        yield exchange.receiving.way


def _endpoints(cpa: Subject, way: Way) -> Iterator[Finding]:
    for element in way.transport.iter(tag("Endpoint")):
        url = attribute(element, "uri")
        scheme, host, port = _parts(url)
        if scheme not in {"http", "https"} or not host:
            sentence = "Dit is geen adres waar een bericht heen kan; laat de CPA opnieuw maken."
            yield finding("endpoint", Severity.ERROR, element, url, sentence, "BP3 Endpoint")
        elif scheme == "http":
            severity = _by_policy(cpa)
            sentence = "Het adres moet met https:// beginnen; http kan alleen in een proefomgeving."
            yield finding("http", severity, element, url, sentence, "KS-05, statement 194")
        else:
            yield from _secured(cpa, way, element, host)
            if port not in {None, 443} and cpa.judgement.policy is not Policy.LAB:
                sentence = (
                    f"Digikoppeling gebruikt poort 443; hier staat {port}. Controleer of de firewall dit toelaat."
                )
                yield finding("port", Severity.WARNING, element, url, sentence, "TLS005")


def _parts(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return "", None, None


def _secured(cpa: Subject, way: Way, element: etree._Element, host: str) -> Iterator[Finding]:
    name = attribute(way.transport, "transportId")
    server, client = (
        next(way.transport.iter(tag(each)), None) for each in ("ServerCertificateRef", "ClientCertificateRef")
    )
    for found, what in ((server, "server"), (client, "client")):
        if found is None:
            severity = cpa.judgement.by_policy(strict=Severity.ERROR, legacy=Severity.WARNING)
            sentence = f"De CPA noemt geen certificaat voor TLS als {what}; tweezijdig TLS is verplicht."
            yield finding("no-tls-certificate", severity, way.transport, name, sentence, "KS-03, TLS002")
    if server is not None and not _serves(certificate(server, cpa.index), host):
        sentence = f"De naam {host} staat niet in het servercertificaat; vraag welk adres of certificaat geldt."
        yield finding("server-name", Severity.WARNING, element, host, sentence, "BP3 Endpoint, statement 188")


def _serves(der: bytes, host: str) -> bool:
    try:
        found = read_certificate(der)
    except TrustError:
        return True  # said already
    return not found.names or names_host(found, host)


def old_tls(cpa: Subject) -> Iterator[Finding]:
    """Statement 195 and 7c: what the CPA says of TLS is not used."""
    seen = set()
    for element in cpa.root.iter(tag("TransportSecurityProtocol")):
        said = f"{text(element)} {element.get(tag('version'), '')}".strip()
        if said not in seen and (text(element).upper() != "TLS" or element.get(tag("version")) not in _SAFE_TLS):
            seen.add(said)
            sentence = f"De CPA noemt {said}; digikoppelaar gebruikt TLS 1.2 of 1.3. Er hoeft niets te gebeuren."
            yield finding("old-tls", Severity.WARNING, element, said, sentence, "statement 195, TLS003")
