"""Content-IDs and their URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.ebms.messages import cid_uri, content_id_of


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_content_id_survives_its_uri(content_id: str) -> None:
    assert content_id_of(cid_uri(content_id)) == content_id


def test_what_uris_allow_is_not_encoded() -> None:
    assert cid_uri("deel+1_~(a)@voorbeeld.example") == "cid:deel+1_~(a)@voorbeeld.example"
    assert cid_uri("a b%/<c>") == "cid:a%20b%25%2F%3Cc%3E"


@pytest.mark.parametrize("uri", ["", "cid", "http://x", "#a", "mid:a", "a cid:b"])
def test_another_uri_names_no_content(uri: str) -> None:
    assert content_id_of(uri) is None


def test_the_scheme_is_read_in_any_case() -> None:
    assert content_id_of("CID:a@x") == "a@x"
