"""All checks of a notice before it is sent: computed when somebody asks. Pure.

What the checks are, with their sentences and sources, is in `findings`; they are done in `checks_parts` (what must be
said), `checks_terms` (days), `checks_places` (locations) and here (personal data, and whether it can be sent at all).
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from digikoppelaar.drop.checks_parts import parts
from digikoppelaar.drop.checks_places import places
from digikoppelaar.drop.checks_terms import terms
from digikoppelaar.drop.envelope import request
from digikoppelaar.drop.findings import Checked, Given, Seen, rated
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.personal_data import (
    Kind,
    Outcome,
    PrivacyChecked,
    case_numbers,
    chosen,
    personal_data,
    published,
    where_in,
)
from digikoppelaar.errors import SubmissionError

CODES: Final = {
    Kind.BSN: "bsn-found",
    Kind.IBAN: "iban-found",
    Kind.EMAIL: "email-found",
    Kind.PHONE: "phone-found",
    Kind.PERSON: "person-found",
}

NOBODY_LOOKED: Final = PrivacyChecked(Outcome.NOT_DONE, reason="Er is geen verzoek om mee te vergelijken.")


def check(kennisgeving: Kennisgeving, given: Given) -> Checked:
    """Everything that is to be said of this notice."""
    seen = chain.from_iterable(each(kennisgeving, given) for each in (parts, terms, places, _personal, _applicant))
    checked = Checked(tuple(rated(each, given.severities) for each in seen))
    if checked.blocked:  # what blocks it is often why it cannot be sent either
        return checked
    return Checked((*checked.findings, *(rated(each, given.severities) for each in _sending(kennisgeving, given))))


def _sending(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    try:
        request(kennisgeving, given.profile)
    except SubmissionError as error:
        yield Seen("not-sendable", "kennisgeving", {"why": error.advice})


def _personal(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    stretches = (*published(kennisgeving), *chosen(kennisgeving))
    for found in personal_data(stretches, given.own, case_numbers(kennisgeving)):
        yield Seen(CODES[found.kind], f"{found.where}, teken {found.start + 1} tot en met {found.end}")


def _applicant(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """What comparing it with the applicant's data came to; that it was not done is never left out."""
    privacy, stretches = given.privacy or NOBODY_LOOKED, published(kennisgeving)
    where = dict.fromkeys(where_in(stretches, offset) for offset in privacy.places)
    if privacy.outcome is Outcome.FOUND and not where:
        where = {"kennisgeving": None}
    yield from (Seen("applicant-found", each) for each in where)
    if privacy.outcome is Outcome.NOT_DONE:
        yield Seen("applicant-not-checked", "kennisgeving", {"reason": privacy.reason})
