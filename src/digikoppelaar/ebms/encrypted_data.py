"""The xenc:EncryptedData document of one payload, as a head and a tail around the base64 of its content (2.11).

`HeadFinder` finds the place of the content without parsing what comes after it, and `read_description` reads what the
head says, from a document whose content is left out; so a payload of any size is read with a small parser. No cipher
runs here. References to anything outside the document (CipherReference, RetrievalMethod) are refused, and transforms
with them.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.ciphers import KeyTransport, read_encryption_certificate
from digikoppelaar.ebms.references import read_base64
from digikoppelaar.ebms.structure import elements_of, text_of
from digikoppelaar.errors import DecryptionError

HEAD_LIMIT: Final = 32 * 1024
"""Largest head, and largest tail, in bytes: a wrapped key, names and a certificate fit in many times over."""
MAX_CONTENT_TYPE: Final = 255

_XENC: Final = f"{{{names.XENC}}}"
_XENC11: Final = f"{{{names.XENC11}}}"
_DS: Final = f"{{{names.DS}}}"
_NSMAP: Final = {"xenc": names.XENC, "ds": names.DS}
_NC_NAME: Final = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_CONTENT_TYPE: Final = re.compile(rf"[ -~]{{1,{MAX_CONTENT_TYPE}}}")
_ENCODINGS: Final = frozenset({"UTF-8", "US-ASCII", "ASCII"})
_CHILDREN: Final = [_XENC + "EncryptionMethod", _DS + "KeyInfo", _XENC + "CipherData"]

_MARK: Final = re.compile(rb"[\"'<>]")
_QUOTES: Final = {b'"': re.compile(rb'["<]'), b"'": re.compile(rb"['<]")}
_NAME: Final = re.compile(rb"/?([^\s/!?]++)")


@dataclass(frozen=True, slots=True)
class Description:
    """What an EncryptedData says about its content."""

    algorithm: str
    transport: KeyTransport
    wrapped_key: bytes = field(repr=False)
    content_type: str
    """The original one (attribute MimeType); application/octet-stream when it does not say."""


@dataclass(frozen=True, slots=True)
class Head:
    """Everything before the content; `closing` are the end tags that complete it to a document."""

    text: bytes = field(repr=False)
    closing: bytes


# --- Writing ---------------------------------------------------------------------------------------------------


def write_around(description: Description, content_id: str, certificate: bytes) -> tuple[bytes, bytes]:
    """Head and tail around the base64 of the content, in the form that the Java peer writes (peer-ebms-core.md, 9).

    But for Type: it would call the content an XML element. Id is the Content-ID where that can be an XML name.
    """
    root = etree.Element(_XENC + "EncryptedData", {"MimeType": description.content_type}, nsmap=_NSMAP)
    if _NC_NAME.fullmatch(content_id):
        root.set("Id", content_id)
    _sub(root, _XENC + "EncryptionMethod", Algorithm=description.algorithm)
    key = _sub(_sub(root, _DS + "KeyInfo"), _XENC + "EncryptedKey")
    _write_transport(key, description.transport)
    subject = read_encryption_certificate(certificate).subject.rfc4514_string()
    _sub(_sub(key, _DS + "KeyInfo"), _DS + "KeyName").text = subject
    wrapped = b64encode(description.wrapped_key).decode("ascii")
    _sub(_sub(key, _XENC + "CipherData"), _XENC + "CipherValue").text = wrapped
    _sub(_sub(root, _XENC + "CipherData"), _XENC + "CipherValue")
    before, _, after = xml.serialize(root).rpartition(b"<xenc:CipherValue/>")
    return before + b"<xenc:CipherValue>", b"</xenc:CipherValue>" + after


def _write_transport(key: etree._Element, transport: KeyTransport) -> None:
    method = _sub(key, _XENC + "EncryptionMethod", Algorithm=transport.algorithm)
    if transport.digest:
        _sub(method, _DS + "DigestMethod", Algorithm=transport.digest)
    if transport.algorithm == names.RSA_OAEP:
        etree.SubElement(method, _XENC11 + "MGF", {"Algorithm": transport.mgf}, nsmap={"xenc11": names.XENC11})


def _sub(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, tag, dict(attributes))


# --- Finding the content -----------------------------------------------------------------------------------------


class HeadFinder:
    """Finds where the content begins: after the start tag of the CipherValue that is the root's grandchild.

    Each byte is looked at once, however small the pieces are in which they come.
    """

    def __init__(self) -> None:
        self._text = b""
        self._position = 0
        """Where the last whole token ended."""
        self._scanned = 0
        """How far the token after it was looked at."""
        self._quote = b""
        self._open: list[bytes] = []

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and what was fed after it; None before it is whole. Raises DecryptionError."""
        self._text += data
        while (end := self._token_end()) is not None:
            self._position = self._scanned = end
            if self._at_content():
                _refuse(end > HEAD_LIMIT, f"has no content within {HEAD_LIMIT} bytes")
                closing = b"".join(b"</" + name + b">" for name in reversed(self._open))
                return Head(self._text[:end], closing), self._text[end:]
        _refuse(len(self._text) > HEAD_LIMIT, f"has no content within {HEAD_LIMIT} bytes")
        return None

    def _token_end(self) -> int | None:
        """Where the next comment, instruction or tag ends; None when it is not whole yet."""
        start = self._text.find(b"<", self._position)
        if start < 0 or len(self._text) < start + 4:
            return None
        if self._text.startswith(b"<!--", start):
            return self._after(b"-->", start + 4)
        if self._text.startswith(b"<?", start):
            return self._after(b"?>", start + 2)
        end = self._tag_end(start + 1)
        if end is not None:
            self._note_tag(self._text[start + 1 : end - 1])
        return end

    def _after(self, terminator: bytes, begin: int) -> int | None:
        at = self._text.find(terminator, max(begin, self._scanned - len(terminator)))
        self._scanned = len(self._text)
        return at + len(terminator) if at >= 0 else None

    def _tag_end(self, begin: int) -> int | None:
        self._scanned = max(begin, self._scanned)
        while found := (_QUOTES.get(self._quote, _MARK)).search(self._text, self._scanned):
            self._scanned = found.end()
            if found[0] == b">" and not self._quote:
                return found.end()
            _refuse(found[0] == b"<", "is not well-formed")
            self._quote = b"" if self._quote else found[0]
        self._scanned = len(self._text)
        return None

    def _note_tag(self, tag: bytes) -> None:
        name = _NAME.match(tag)
        if name is None:
            raise _refusal("is not well-formed")
        if tag.startswith(b"/"):
            _refuse(not self._open or self._open.pop() != name[1], "is not well-formed")
        elif not tag.endswith(b"/"):
            self._open.append(name[1])

    def _at_content(self) -> bool:
        """Whether the last tag began the content; a name without its prefix, for the parser checks the namespace."""
        names_open = [name.rpartition(b":")[2] for name in self._open]
        return names_open[1:] == [b"CipherData", b"CipherValue"]


# --- Reading -----------------------------------------------------------------------------------------------------


def read_description(document: bytes) -> Description:
    """What a document says whose content was left out. Raises DecryptionError, also from what the parser refuses."""
    root = xml.parse(document, limit=2 * HEAD_LIMIT + 1024)
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    _refuse(encoding.upper() not in _ENCODINGS, "is not UTF-8")
    _refuse(root.tag != _XENC + "EncryptedData" or bool(root.get("Encoding")), "is not xenc:EncryptedData")
    found = list(elements_of(root))
    _refuse(
        [one.tag for one in found] not in (_CHILDREN, [*_CHILDREN, _XENC + "EncryptionProperties"]), "has odd elements"
    )
    method, info, data = found[:3]
    _refuse(bool(text_of(_only(data, "CipherValue"))), "has its content in another place")
    _refuse(len(list(elements_of(method))) > 0, "has an EncryptionMethod with parameters")
    key = _encrypted_key(info)
    content_type = root.get("MimeType") or "application/octet-stream"
    _refuse(not _CONTENT_TYPE.fullmatch(content_type), "has an unusable MimeType")
    return Description(method.get("Algorithm", ""), _transport(key), _wrapped(key), content_type)


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = list(elements_of(parent))
    _refuse([one.tag for one in found] != [_XENC + name], f"has no {name}, or more, in {xml.local_name(parent)}")
    _refuse(len(found[0]) > 0, f"has something within {name}")
    return found[0]


def _encrypted_key(info: etree._Element) -> etree._Element:
    """The one EncryptedKey; names and certificates beside it say nothing that is used."""
    keys = [one for one in elements_of(info) if one.tag == _XENC + "EncryptedKey"]
    others = {one.tag for one in elements_of(info)} - {_XENC + "EncryptedKey", _DS + "KeyName", _DS + "X509Data"}
    _refuse(len(keys) != 1 or bool(others), "must have one EncryptedKey, and no reference to one, in KeyInfo")
    return keys[0]


def _transport(key: etree._Element) -> KeyTransport:
    method = key.find(_XENC + "EncryptionMethod")
    if method is None:
        raise _refusal("has no EncryptionMethod in EncryptedKey")
    algorithm = method.get("Algorithm", "")
    parameters = {one.tag: one.get("Algorithm", "") for one in elements_of(method)}
    if algorithm == names.RSA_1_5:
        _refuse(bool(parameters), "has RSA 1.5 with parameters")
        return KeyTransport(algorithm)
    known = {_DS + "DigestMethod", _XENC11 + "MGF"}
    _refuse(bool(parameters.keys() - known), "has unknown parameters of the key transport")
    digest = parameters.get(_DS + "DigestMethod", names.SHA1)  # the default of XML Encryption, as is the next
    return KeyTransport(algorithm, digest, parameters.get(_XENC11 + "MGF", names.MGF1_SHA1))


def _wrapped(key: etree._Element) -> bytes:
    data = key.find(_XENC + "CipherData")
    if data is None:
        raise _refusal("has no CipherData in EncryptedKey")
    try:
        return read_base64(text_of(_only(data, "CipherValue")))
    except ValueError as error:
        raise _refusal("has a wrapped key that is not base64") from error


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        raise _refusal(what)


def _refusal(what: str) -> DecryptionError:
    return DecryptionError(f"the EncryptedData {what}")
