"""The templates of the mails of onboarding: a data file of `digikoppelaar.profiles`, or one in its place."""

import tomllib
from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from digikoppelaar.adapters import profile_files
from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.mail import FIELDS, Addressee, MailTemplate

NAME: Final = "aansluiten-mail"


def load_templates() -> Mapping[str, MailTemplate]:
    """By the names that steps have for them. Raises ConfigError when the file does not hold together."""
    return read_templates(profile_files.text_of(NAME), f"{NAME}.toml")


def read_templates(text: str, name: str) -> Mapping[str, MailTemplate]:
    """What a file of templates says; `name` is for people. Raises ConfigError that says which is at fault."""
    try:
        return {each: _template(each, table) for each, table in tomllib.loads(text)["mail"].items()}
    except KeyError as error:
        raise ConfigError(f"{name} lacks {error}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{name}: {error}") from error


def _template(name: str, table: Mapping[str, Any]) -> MailTemplate:
    try:
        made = MailTemplate(Addressee(table["to"]), table["subject"], table["text"])
        fields = {field for text in (made.subject, made.text) for _, field, _, _ in Formatter().parse(text) if field}
    except ValueError as error:
        raise ValueError(f"mail {name}: {error}") from error
    if unknown := sorted(fields - FIELDS):
        raise ValueError(f"mail {name} has no field {', '.join(unknown)}")
    return made
