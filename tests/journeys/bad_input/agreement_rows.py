"""What is wrong against the CPA: header values and signature. Well-formed, and of the right structure."""

from tests.journeys.bad_input.requests import (
    NAMESPACES,
    Build,
    content,
    drop,
    element,
    first,
    in_header,
    last_byte_of_payload_changed,
    packaged,
    soap_changed,
    swap,
    text_of,
    twice,
)
from tests.journeys.bad_input.rows import (
    BadInput,
    fault,
    rejected,
)

MSH = b"urn:oasis:names:tc:ebxml-msg:actor:"
_ORDER = (
    b"<e:MessageOrder%be:version='2.0' s:mustUnderstand='1'><e:SequenceNumber>1</e:SequenceNumber></e:MessageOrder>"
)
_LINKED = NAMESPACES + b'xmlns:l="http://www.w3.org/1999/xlink" '
_REFERENCES = rb"\1" + b'<e:Reference%bl:href="cid:nobody@example" l:type="simple"/>' % _LINKED * 3_000
_SYNC = b"<e:SyncReply%be:version='2.0' s:mustUnderstand='1' s:actor='http://schemas.xmlsoap.org/soap/actor/next'/>"
_PARTY = rb"(<(?:\w+:)?%b>\s*<(?:\w+:)?PartyId[^>]*>)[^<]*"
_ROLE = rb"(<(?:\w+:)?%b>.*?)%b"
_AFTER_TIMESTAMP = rb"(%s)(?:\s*%s)?" % (element(b"Timestamp"), element(b"TimeToLive"))

AGREEMENT = (
    fault("an unknown CPA", soap_changed(text_of(b"CPAId", b"cpa-of-nobody")), why="34, 225, 7h: nothing is stored"),
    fault("an endless CPAId", soap_changed(text_of(b"CPAId", b"a" * 500_000)), why="34; the answer stays small"),
    rejected(
        "another From", soap_changed(swap(_PARTY % b"From", rb"\g<1>00000099000000777000")), "Inconsistent", why="21"
    ),
    rejected("another To", soap_changed(swap(_PARTY % b"To", rb"\g<1>00000099000000777000")), "Inconsistent", why="23"),
    rejected(
        "a PartyId of another type",
        soap_changed(first(rb'(<(?:\w+:)?PartyId [\w.-]+:type=)"[^"]*"', rb'\1"urn:hostile"')),
        "Inconsistent",
        why="22",
    ),
    rejected("another Action", soap_changed(text_of(b"Action", b"hostile")), "ValueNotRecognized", why="31"),
    rejected("another Service", soap_changed(text_of(b"Service", b"urn:hostile")), "ValueNotRecognized", why="29"),
    rejected(
        "another Role",
        soap_changed(swap(_ROLE % (b"From", content(b"Role")), rb"\1\2hostile")),
        "ValueNotRecognized",
        why="28",
    ),
    rejected("no Role", soap_changed(swap(_ROLE % (b"From", element(b"Role")), rb"\1")), "Inconsistent", why="27"),
    rejected("no AckRequested", soap_changed(drop(b"AckRequested")), "Inconsistent", why="58"),
    rejected("no DuplicateElimination", soap_changed(drop(b"DuplicateElimination")), "Inconsistent", why="58"),
    rejected(
        "an acknowledgment by the next MSH",
        soap_changed(swap(rb"(<(?:\w+:)?AckRequested\s[^>]*)" + MSH + b"toPartyMSH", rb"\1" + MSH + b"nextMSH")),
        "NotSupported",
        why="61",
    ),
    rejected("MessageOrder", soap_changed(in_header(_ORDER % NAMESPACES)), "NotSupported", why="63"),
    rejected("SyncReply", soap_changed(in_header(_SYNC % NAMESPACES)), "Inconsistent", why="107, 111", status=200),
    rejected(
        "version 3.0",
        soap_changed(swap(rb'(<(?:\w+:)?MessageHeader\s[^>]*:version=)"2\.0"', rb'\1"3.0"')),
        "Inconsistent",
        why="20",
    ),
    rejected(
        "a Timestamp in 2999", soap_changed(text_of(b"Timestamp", b"2999-01-01T00:00:00Z")), "Inconsistent", why="7t"
    ),
    rejected(
        "a Timestamp before the CPA",
        soap_changed(text_of(b"Timestamp", b"1999-01-01T00:00:00Z")),
        "Inconsistent",
        why="35",
    ),
    rejected(
        "a TimeToLive that has passed",
        soap_changed(
            swap(_AFTER_TIMESTAMP, rb"\1<e:TimeToLive%b>2001-01-01T00:00:00Z</e:TimeToLive>" % NAMESPACES.rstrip())
        ),
        "TimeToLiveExpired",
        why="37",
    ),
    rejected(
        "a RefToMessageId of nobody",
        soap_changed(
            swap(
                rb"(%s)" % element(b"Timestamp"),
                rb"\1<e:RefToMessageId%b>nobody@example</e:RefToMessageId>" % NAMESPACES.rstrip(),
            )
        ),
        "ValueNotRecognized",
        why="39",
    ),
    rejected(
        "a Manifest that points at the web",
        soap_changed(first(rb'href="cid:[^"]*"', b'href="http://127.0.0.1:9/hostile"')),
        "MimeProblem",
        why="48: nothing is fetched",
    ),
    rejected(
        "a Manifest that points at a file",
        soap_changed(first(rb'href="cid:[^"]*"', b'href="file:///etc/passwd"')),
        "MimeProblem",
        why="48: nothing is read",
    ),
    rejected(
        "a Manifest that points at nothing",
        soap_changed(first(rb'href="cid:[^"]*"', b'href="cid:nobody@example"')),
        "MimeProblem",
        why="47",
    ),
    rejected(
        "a Manifest with 3,000 references",
        soap_changed(swap(rb"(<(?:\w+:)?Manifest\s[^>]*>.*?)(?=</(?:\w+:)?Manifest\s*>)", _REFERENCES)),
        "MimeProblem",
        why="47, 220",
    ),
)

_REFERENCE = rb"<(?:\w+:)?Reference\s[^>]*?URI=%b.*?</(?:\w+:)?Reference\s*>"
_ALGORITHM = rb'(<(?:\w+:)?%b\s[^>]*?Algorithm=)"[^"]*"'
_DSIG = b"http://www.w3.org/2000/09/xmldsig#"
_XSLT = rb'\1<d:Transform xmlns:d="%b" Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>' % _DSIG
_MANY = rb"\1" + rb'<d:Reference xmlns:d="%b" URI="cid:nobody@example"/>' % _DSIG * 5_000


def _security(name: str, build: Build, *, why: str) -> BadInput:
    return rejected(name, build, "SecurityFailure", why=why)


SIGNATURE = (
    _security("no signature", soap_changed(drop(b"Signature")), why="121"),
    _security("a second signature", soap_changed(twice(b"Signature")), why="129"),
    _security("a header altered after signing", soap_changed(text_of(b"ConversationId", b"hostile")), why="122"),
    _security("an endless ConversationId", soap_changed(text_of(b"ConversationId", b"a" * 500_000)), why="122"),
    _security("a payload altered after signing", packaged(last_byte_of_payload_changed), why="122"),
    _security("white space added after signing", soap_changed(in_header(b" ")), why="122: C14N keeps text"),
    _security("a signature of zeros", soap_changed(text_of(b"SignatureValue", b"AAAA")), why="122"),
    _security("a signature that is not base64", soap_changed(text_of(b"SignatureValue", b"hostile!")), why="2.10"),
    _security(
        "a digest by SHA-1",
        soap_changed(first(_ALGORITHM % b"DigestMethod", rb'\1"http://www.w3.org/2000/09/xmldsig#sha1"')),
        why="119",
    ),
    _security(
        "a signature by rsa-sha1",
        soap_changed(swap(_ALGORITHM % b"SignatureMethod", rb'\1"http://www.w3.org/2000/09/xmldsig#rsa-sha1"')),
        why="119",
    ),
    _security(
        "a signature by HMAC",
        soap_changed(swap(_ALGORITHM % b"SignatureMethod", rb'\1"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"')),
        why="120: the certificate would be the key, and everybody has it",
    ),
    _security(
        "a transform by XSLT",
        soap_changed(first(rb"(<(?:\w+:)?Transforms\s*>)", _XSLT)),
        why="131: nothing of the sender is run",
    ),
    _security(
        "an XPath of one's own",
        soap_changed(first(rb"(<(?:\w+:)?XPath(?:\s[^>]*)?>)[^<]*", rb"\1not(ancestor-or-self::node())")),
        why="131: it would take everything out of the signature",
    ),
    _security("an envelope that was not signed", soap_changed(swap(_REFERENCE % b'""', b"")), why="127"),
    _security("a payload that was not signed", soap_changed(swap(_REFERENCE % b'"cid:', b"")), why="126"),
    _security(
        "a reference to the web",
        soap_changed(swap(rb'URI="cid:[^"]*"', b'URI="http://127.0.0.1:9/hostile"')),
        why="130: nothing is fetched",
    ),
    _security("a reference to a file", soap_changed(swap(rb'URI="cid:[^"]*"', b'URI="file:///etc/passwd"')), why="130"),
    _security(
        "5,000 references",
        soap_changed(swap(rb"(</(?:\w+:)?SignatureMethod>|<(?:\w+:)?SignatureMethod[^>]*/>)", _MANY)),
        why="130, 220",
    ),
    _security("no SignedInfo", soap_changed(drop(b"SignedInfo")), why="2.10"),
    _security("no SignatureValue", soap_changed(drop(b"SignatureValue")), why="2.10"),
)
