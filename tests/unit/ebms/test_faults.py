"""SOAP faults: the exact bytes, and reading whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shared import shared_data
from tests.unit.ebms import wire

from digikoppelaar.ebms.faults import MAX_FAULT, MAX_REASON, read_fault, soap_fault
from digikoppelaar.ebms.names import SOAP
from digikoppelaar.xml import parse


def test_a_fault_has_exactly_these_bytes() -> None:
    assert soap_fault("Client", "the CPA 'cpa-1' is not known") == (wire.GOLDEN / "ebms_fault.xml").read_bytes()[:-1]


@given(st.text(max_size=MAX_REASON))
def test_any_reason_makes_a_well_formed_fault(reason: str) -> None:
    assert parse(soap_fault("Server", reason), limit=MAX_FAULT)[0][0][0].text == "soap:Server"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=MAX_REASON))
def test_a_printable_reason_is_read_back_on_one_line(reason: str) -> None:
    assert read_fault(soap_fault("Server", reason)) == (" ".join(reason.split()) or None)


def test_a_long_reason_is_cut_off() -> None:
    assert read_fault(soap_fault("Client", "x" * 10_000)) == "x" * MAX_REASON


def test_the_fault_of_another_vendor_is_read() -> None:
    answer = shared_data("ebms-core-wire", "90-err-unknown-cpa-reply-of-overheid.http").read_bytes()
    assert read_fault(answer.partition(b"\r\n\r\n")[2]) == "CPA nope not found!"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502</body></html>",
        b"<html>",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY b "c">]><faultstring>&b;</faultstring>',
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body/></soap:Envelope>'.encode(),
        b"<a><faultstring/></a>",
        b"<a><faultstring> \n </faultstring></a>",
        b"<faultstring>" + b"x" * MAX_FAULT + b"</faultstring>",
    ],
)
def test_a_body_without_a_fault_string_gives_none(body: bytes) -> None:
    assert read_fault(body) is None


@given(st.binary(max_size=200))
def test_reading_a_fault_never_raises(body: bytes) -> None:
    assert isinstance(read_fault(body), str | None)
