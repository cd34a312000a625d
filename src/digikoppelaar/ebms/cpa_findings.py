"""What there is to say about a CPA: what breaks a rule, how bad that is, and what to do (4.4, statements 190-211).

Each rule is one function in `cpa_rules_parties` or `cpa_rules_exchange`. A CPA with an error must not be imported.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import cpa_rules_exchange as exchange
from digikoppelaar.ebms import cpa_rules_parties as parties
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_document import MAX_CPA, MAX_CPA_ELEMENTS
from digikoppelaar.ebms.cpa_signature import signature
from digikoppelaar.ebms.cpa_structure import defects
from digikoppelaar.ebms.cpa_subject import Finding, Judgement, Rule, Severity, subject_of
from digikoppelaar.errors import CpaError, TooLarge, XmlError

RULES: Final[tuple[Rule, ...]] = (
    parties.period,
    parties.version,
    parties.invocation_limit,
    parties.party_ids,
    parties.roles,
    parties.services,
    parties.certificates,
    parties.transport,
    parties.old_tls,
    exchange.pairing,
    exchange.channels,
    exchange.same_connection,
    exchange.both_sides,
    exchange.retry_window,
    exchange.retries_agree,
    exchange.business_retries,
    exchange.chosen_per_message,
    exchange.synchronous,
    exchange.signing,
    exchange.non_repudiation,
    exchange.signed_acknowledgments,
    exchange.encryption,
    exchange.one_profile,
    exchange.default_channel,
    signature,
)


def findings(document: bytes, judgement: Judgement) -> tuple[Finding, ...]:
    """Everything that there is to say, errors first; never raises for what is wrong in the document."""
    try:
        root = xml.parse(document, limit=MAX_CPA, max_elements=MAX_CPA_ELEMENTS)
    except (XmlError, TooLarge) as error:
        return (_unreadable(error, "not-xml", "statement 211"),)
    found = dict.fromkeys((*_structure(root, judgement), *_contents(root, document, judgement)))
    return tuple(sorted(found, key=lambda one: one.order))


def check_usable(found: Iterable[Finding]) -> None:
    """Raise CpaError that names every error among the findings."""
    errors = [one for one in found if one.severity is Severity.ERROR]
    if errors:
        raise CpaError(
            "this CPA cannot be used: " + ", ".join(f"{one.code} ({one.where})" for one in errors),
            element=errors[0].element,
            line=errors[0].line,
            advice=" ".join(dict.fromkeys(one.sentence for one in errors)),
        )


def _structure(root: etree._Element, judgement: Judgement) -> Iterator[Finding]:
    severity = judgement.by_policy(strict=Severity.ERROR, legacy=Severity.ERROR)
    for defect in defects(root):
        sentence = f"De CPA past niet in het schema ({defect.what}); laat de CPA opnieuw maken."
        yield Finding("structure", severity, defect.element, sentence, "CPP/A 2.0 schema", defect.element, defect.line)


def _contents(root: etree._Element, document: bytes, judgement: Judgement) -> Iterator[Finding]:
    try:
        first, _ = cpa_names(document).parties
        agreement = read_agreement(document, {party_id.value for party_id in first.party_ids})
        subject = subject_of(root, agreement, judgement)
    except CpaError as error:
        yield _unreadable(error, "unreadable", "digikoppeling-ebms2.md 4.4")
        return
    for rule in RULES:
        try:
            yield from rule(subject)
        except CpaError as error:  # in a part that no action uses, so that it could be read all the same
            yield _unreadable(error, "unreadable", "digikoppeling-ebms2.md 4.4")


def _unreadable(error: CpaError | XmlError | TooLarge, code: str, source: str) -> Finding:
    element, line = (error.element, error.line) if isinstance(error, CpaError) else (None, None)
    sentence = (
        "Dit kan digikoppelaar niet lezen of niet gebruiken; laat de CPA opnieuw maken of haal het bestand opnieuw op."
    )
    if error.advice != error.default_advice:
        sentence = error.advice
    return Finding(code, Severity.ERROR, str(error), sentence, source, element, line)
