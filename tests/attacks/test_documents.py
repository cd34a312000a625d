"""Documents that attack their reader: entities, files, the internet, size and depth."""

import re

import pytest
from tests.attacks.world import (
    BROKEN,
    CID,
    FAILURE,
    NOT_XML,
    SOAP,
    Change,
    Outcome,
    Row,
    arrive,
    body,
    cases,
    judged,
    swap,
)

MANIFEST = re.search(rb"<eb:Manifest.*</eb:Manifest>", SOAP)[0]
ERRORS = (
    b'<eb:ErrorList eb:version="2.0" soap:mustUnderstand="1" eb:highestSeverity="Error">'
    b'<eb:Error eb:errorCode="x" eb:severity="Error"/></eb:ErrorList>'
)


def manifest(href: str) -> Change:
    return swap(f'xlink:href="cid:{CID}"', f'xlink:href="{href}"')


DOCUMENTS: list[Row] = [
    (
        "an entity that reads a file",
        lambda d: d.replace(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1).replace(
            b">c1<", b">&x;<"
        ),
        NOT_XML,
    ),
    ("a DTD over the internet", swap(b"?>\n", b'?>\n<!DOCTYPE a SYSTEM "TRAP">'), NOT_XML),
    ("a parameter entity", swap(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY % x SYSTEM "TRAP"> %x;]>'), NOT_XML),
    (
        "a billion laughs",
        swap(
            b"?>\n",
            b"?>\n<!DOCTYPE a ["
            + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
            + b"]>",
        ),
        NOT_XML,
    ),
    ("quadratic blow-up", swap(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY a "' + b"x" * 50_000 + b'">]>'), NOT_XML),
    ("an entity that is not declared", swap(b">c1<", b">&x;<"), NOT_XML),
    ("a DOCTYPE hidden in UTF-16", lambda d: b'<!DOCTYPE a SYSTEM "TRAP"><a/>'.decode().encode("utf-16"), NOT_XML),
    (
        "a DOCTYPE hidden in UTF-7",
        lambda d: b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4-<a/>",
        NOT_XML,
    ),
    ("another encoding", swap(b"UTF-8", b"ISO-8859-1"), BROKEN),
    (
        "XInclude of a file",
        swap(b">c1<", b'><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><'),
        BROKEN,
    ),
    ("a style sheet", swap(b"<soap:Envelope", b'<?xml-stylesheet href="TRAP"?><soap:Envelope'), FAILURE),
    (
        "a schema over the internet",
        swap(
            b"<soap:Header",
            b'<soap:Header xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x TRAP"',
        ),
        FAILURE,
    ),
    ("deep nesting", swap(b"<soap:Body>", b"<soap:Body>" + b"<a>" * 5000 + b"</a>" * 5000), NOT_XML),
    ("a huge attribute", swap(b"<soap:Header", b'<soap:Header a="' + b"x" * 900_000 + b'"'), BROKEN),
    (
        "sixty thousand attributes",
        swap(b"<soap:Header", b"<soap:Header" + b"".join(b' a%d="b"' % n for n in range(60_000))),
        NOT_XML,
    ),
    ("an attribute twice", swap(b"<soap:Header", b'<soap:Header a="1" a="2"'), NOT_XML),
    ("sixty thousand elements", swap(b"<soap:Body>", b"<soap:Body>" + b"<a/>" * 60_000), NOT_XML),
    (
        "a thousand namespaces",
        swap(b"<soap:Body>", b"<soap:Body" + b"".join(b' xmlns:a%d="b%d"' % (n, n) for n in range(1000)) + b">"),
        NOT_XML,
    ),
    ("a namespace that is a relative URI", swap(b"<soap:Body", b'<soap:Body xmlns:a="b"'), FAILURE),
    (
        "an ErrorList that makes it no message",
        swap(
            b"</eb:MessageHeader>",
            b"</eb:MessageHeader>" + ERRORS,
        ),
        Outcome("Ignore"),
    ),
    (
        "an extension that must be understood",
        swap(b"</soap:Header>", b'<x xmlns="urn:x" soap:mustUnderstand="1"/></soap:Header>'),
        BROKEN,
    ),
    (
        "a SOAP of over a mebibyte",
        swap(b"<soap:Body>", b"<soap:Body><!-- " + b"x" * 1024 * 1024 + b" -->"),
        Outcome("TooLarge"),
    ),
    ("a Manifest that names a file", manifest("file:///etc/passwd"), Outcome("Reject", "MimeProblem")),
    ("a Manifest that names the internet", manifest("TRAP"), Outcome("Reject", "MimeProblem")),
    ("a Manifest that names the SOAP part", manifest("cid:soap@dso"), Outcome("Reject", "MimeProblem")),
    ("a Manifest that names no payload", swap(MANIFEST, b""), FAILURE),
]


@pytest.mark.statement(219, 220)
@pytest.mark.parametrize(("change", "expected"), cases(DOCUMENTS))
def test_documents_that_attack_the_reader_are_refused_in_time_and_nothing_is_fetched(
    change: Change, expected: Outcome, trap: str
) -> None:
    attacked = change(SOAP).replace(b"TRAP", trap.encode())
    assert attacked != SOAP
    judged(lambda: arrive(body(attacked)), expected)
