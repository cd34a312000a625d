"""The mails that go with steps of onboarding: templates as data, and what they say of a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Addressee(StrEnum):
    """To whom a mail goes; the addresses are configuration."""

    AANSLUITTEAM = "aansluitteam"
    KOOP_SERVICEDESK = "koop_servicedesk"
    KOOP_FUNCTIONEEL_BEHEER = "koop_functioneel_beheer"


FIELDS: Final = frozenset(
    {"naam", "oin", "omgeving", "partij", "partij_oin", "stap", "titel", "verzoeknummer", "aangeleverd", "door"}
)
"""What a text can have filled in: names, numbers, what was delivered at KOOP, and who sends it."""


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A mail in Dutch, with fields out of FIELDS."""

    to: Addressee
    subject: str
    text: str

    def filled(self, words: Mapping[str, str]) -> tuple[str, str]:
        """Its subject, on one line, and its text."""
        return " ".join(self.subject.format_map(words).split()), self.text.format_map(words)
