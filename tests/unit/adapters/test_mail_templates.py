"""Every step that has a mail has its template, in Dutch, for somebody whose address is configuration."""

import re

import pytest

from digikoppelaar.adapters.mail_templates import load_templates, read_templates
from digikoppelaar.adapters.profile_files import text_of
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.mail import FIELDS, Addressee
from digikoppelaar.onboarding.model import Kind

GOOD = '[mail.vraag]\nto = "koop_servicedesk"\nsubject = "Vraag van {partij}"\ntext = "Wij, {partij}, vragen."\n'


def test_every_step_with_a_mail_has_a_template_and_each_template_a_step() -> None:
    named = {step.mail for kind in Kind for step in load_process(kind).steps if step.mail}
    assert named == set(load_templates())


def test_no_text_leaves_a_field_open_or_has_an_address_in_it() -> None:
    words = dict.fromkeys(FIELDS, "woord")
    for template in load_templates().values():
        subject, text = template.filled(words)
        assert "\n" not in subject
        assert not set("{}@") & set(subject + text)
        assert text.rstrip().endswith("woord\nwoord")
    assert not re.search(r"\S@\S", text_of("aansluiten-mail"))


def test_a_name_cannot_break_the_subject() -> None:
    template = read_templates(GOOD, "x")["vraag"]
    assert template.to is Addressee.KOOP_SERVICEDESK
    assert template.filled({"partij": "Een\r\nBcc: ander"})[0] == "Vraag van Een Bcc: ander"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("koop_servicedesk", "iedereen", "vraag: 'iedereen' is not a valid Addressee"),
        ("Wij, {partij}", "Wij, {bsn}", "vraag has no field bsn"),
        ("Wij, {partij}", "Wij, {", "vraag: "),
        ("subject = ", "onderwerp = ", "lacks 'subject'"),
        ("[mail.vraag]", "[mails]", "lacks 'mail'"),
        ("[mail.vraag]", "[mail.vraag", "x: "),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(before: str, after: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(reason)):
        read_templates(GOOD.replace(before, after), "x")
