"""Identifiers of the machine: their form, and that no two are the same."""

import re

import pytest

from digikoppelaar.adapters.system import RandomIds

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.mark.statement(41)
def test_a_message_id_is_a_uuid_at_a_domain_and_no_two_are_the_same() -> None:
    made = [RandomIds().message_id("voorbeeld.example") for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(rf"{UUID}@voorbeeld\.example", name) for name in made)


@pytest.mark.statement(43)
def test_a_conversation_that_nobody_named_is_a_new_one() -> None:
    made = [RandomIds().conversation_id() for _ in range(100)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(UUID, name) for name in made)


def test_a_key_has_the_size_that_was_asked_and_is_never_the_same() -> None:
    made = [RandomIds().key(32) for _ in range(100)]
    assert {len(key) for key in made} == {32}
    assert len(set(made)) == len(made)
