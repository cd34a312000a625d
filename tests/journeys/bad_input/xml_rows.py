"""What is wrong in the SOAP part whoever sends it: XML and structure."""

from hashlib import sha512

from tests.journeys.bad_input.requests import (
    NAMESPACES,
    declared,
    doctype,
    drop,
    element,
    first,
    in_header,
    soap_changed,
    swap,
    text_of,
    twice,
    without_declaration,
)
from tests.journeys.bad_input.rows import (
    fault,
)

_LAUGHS = b"".join(b'<!ENTITY l%d "%b">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))
BILLION_LAUGHS = b'<!DOCTYPE x [<!ENTITY l0 "ha">' + _LAUGHS + b"]>"
QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]>'
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
NETWORK = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/hostile.dtd">'
PARAMETER = b'<!DOCTYPE x [<!ENTITY %% p SYSTEM "http://127.0.0.1:9/hostile.dtd"> %%p;]>'.replace(b"%%", b"%")

XML = (
    fault("not XML", soap_changed(lambda _: b"hostile"), why="2.7"),
    fault("XML cut off", soap_changed(lambda text: text[:-20]), why="2.7"),
    fault("a DOCTYPE", soap_changed(doctype(b"<!DOCTYPE x>")), why="219"),
    fault("a DOCTYPE in small letters", soap_changed(doctype(b"<!doctype x>")), why="219"),
    fault("a DOCTYPE after a comment", soap_changed(doctype(b"<!-- - -->\n<!DOCTYPE x>")), why="219"),
    fault("a DOCTYPE from the network", soap_changed(doctype(NETWORK)), why="219: nothing is fetched"),
    fault("a parameter entity from the network", soap_changed(doctype(PARAMETER)), why="219: nothing is fetched"),
    fault("billion laughs", soap_changed(doctype(BILLION_LAUGHS), text_of(b"ConversationId", b"&l9;")), why="220"),
    fault("quadratic growth", soap_changed(doctype(QUADRATIC), text_of(b"ConversationId", b"&a;" * 5_000)), why="220"),
    fault("an entity from a file", soap_changed(doctype(FILE), text_of(b"ConversationId", b"&f;")), why="219"),
    fault("an entity that nobody declared", soap_changed(text_of(b"ConversationId", b"&nobody;")), why="2.7"),
    fault("UTF-16 with a mark", soap_changed(declared(b"UTF-16", "utf-16")), why="KS-39: UTF-8"),
    fault("UTF-16 without a mark", soap_changed(declared(b"UTF-16", "utf-16-be")), why="KS-39: UTF-8"),
    fault("UTF-32", soap_changed(declared(b"UTF-32", "utf-32")), why="KS-39: UTF-8"),
    fault("EBCDIC", soap_changed(declared(b"IBM037", "cp037")), why="KS-39: UTF-8; can hide a DOCTYPE"),
    fault("Latin-1", soap_changed(declared(b"ISO-8859-1", "latin-1")), why="KS-39: UTF-8"),
    fault(
        "a DOCTYPE hidden by UTF-7",
        soap_changed(
            lambda text: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE x>' + without_declaration(text)
        ),
        why="219: what the search for a DOCTYPE cannot see",
    ),
    fault("bytes that are not UTF-8", soap_changed(text_of(b"ConversationId", b"\xc3\x28")), why="KS-39"),
    fault(
        "a NUL byte in the XML", soap_changed(text_of(b"ConversationId", b"a\0b")), why="2.7: not a character of XML"
    ),
    fault("a NUL reference in the XML", soap_changed(text_of(b"ConversationId", b"a&#0;b")), why="2.7"),
    fault("50,000 levels", soap_changed(in_header(b"<a>" * 50_000 + b"</a>" * 50_000)), why="220"),
    fault("300 levels", soap_changed(in_header(b"<a>" * 300 + b"</a>" * 300)), why="220"),
    fault("an attribute twice", soap_changed(in_header(b'<a b="1" b="2"/>')), why="2.7: not well-formed"),
    fault("an unbound prefix", soap_changed(in_header(b"<hostile:a/>")), why="2.7: not well-formed"),
)

_SERVICE_AFTER_ACTION = swap(rb"(%s)(\s*)(%s)" % (element(b"Service"), element(b"Action")), rb"\3\2\1")
_MUST = b"<h:hostile xmlns:h='urn:hostile' %b s:mustUnderstand='1'/>" % NAMESPACES

_ENDLESS = b"".join(sha512(b"%d" % number).hexdigest().encode() for number in range(1_000))
"""128,000 characters that no compression makes small."""

STRUCTURE = (
    fault("not an envelope", soap_changed(lambda _: b"<hostile/>"), why="16"),
    fault(
        "SOAP 1.2",
        soap_changed(
            lambda text: text.replace(
                b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
            )
        ),
        why="16",
        code="VersionMismatch",
    ),
    fault("an unknown header that must be understood", soap_changed(in_header(_MUST)), why="17", code="MustUnderstand"),
    fault("no CPAId", soap_changed(drop(b"CPAId")), why="19"),
    fault("an empty CPAId", soap_changed(text_of(b"CPAId", b"")), why="19"),
    fault("no PartyId in From", soap_changed(first(element(b"PartyId"), b"")), why="19"),
    fault("no MessageData", soap_changed(drop(b"MessageData")), why="19"),
    fault("no MessageHeader", soap_changed(drop(b"MessageHeader")), why="19"),
    fault("Action before Service", soap_changed(_SERVICE_AFTER_ACTION), why="19: wrong order"),
    fault(
        "a Manifest without Reference",
        soap_changed(swap(rb"(<(?:\w+:)?Manifest\s[^>]*>).*?(</(?:\w+:)?Manifest\s*>)", rb"\1\2")),
        why="50",
    ),
    fault("two MessageHeaders", soap_changed(twice(b"MessageHeader")), why="128: wrapping"),
    fault(
        "a second MessageHeader in the body",
        soap_changed(swap(rb"(<(?:\w+:)?Body\s*>)", rb"\1<e:MessageHeader%b e:version='2.0'/>" % NAMESPACES)),
        why="128: wrapping",
    ),
    fault("two MessageIds", soap_changed(twice(b"MessageId")), why="128"),
    fault("no mustUnderstand", soap_changed(first(rb'\s[\w.-]+:mustUnderstand="1"', b"")), why="2.1: required"),
    fault("a Timestamp that is none", soap_changed(text_of(b"Timestamp", b"yesterday")), why="19, KS-19"),
    fault("a Timestamp in the year 99999", soap_changed(text_of(b"Timestamp", b"99999-01-01T00:00:00Z")), why="own"),
    fault("a day that is not there", soap_changed(text_of(b"Timestamp", b"2026-02-30T00:00:00Z")), why="19"),
    fault("an endless MessageId", soap_changed(text_of(b"MessageId", _ENDLESS)), why="own: an index must hold it"),
)
