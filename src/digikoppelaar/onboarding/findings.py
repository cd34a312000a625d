"""What the checks of onboarding can say: every finding with its severity, Dutch sentences and who must act. Pure data.

docs/onboarding-checks.md is made of this table.
"""

from collections.abc import Mapping
from typing import Final

from digikoppelaar.onboarding.model import Finding
from digikoppelaar.onboarding.rule import Rule
from digikoppelaar.onboarding.rules_connection import CONNECTION
from digikoppelaar.onboarding.rules_identity import IDENTITY

RULES: Final[Mapping[str, Rule]] = {**IDENTITY, **CONNECTION}
"""Every code with what it means."""


def found(code: str, **details: object) -> Finding:
    """The finding with this code; `details` are the fields of its sentences."""
    rule = RULES[code]
    return Finding(code, rule.severity, rule.says.format(**details), rule.why, rule.advice.format(**details), rule.who)
