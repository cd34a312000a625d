"""Two independent implementations of XML Signature and XML Encryption: python-xmlsec, and the JDK's own."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives import serialization
from lxml import etree
from tests.unit.ebms import wire

from digikoppelaar import xml
from digikoppelaar.ebms import names

PROGRAM = Path(__file__).parent / "oracle" / "XmlOracle.java"
Payloads = Mapping[str, bytes]


class Refused(Exception):
    """The oracle does not accept it."""


class Oracle(Protocol):
    """What both can do; every method raises Refused."""

    def verify(self, document: bytes, certificate: bytes, payloads: Payloads) -> list[str]:
        """The URIs that the signature vouches for."""

    def sign(self, document: bytes, signatory: wire.Signatory, payloads: Payloads, canonicalization: str) -> bytes:
        """The document with a signature as Digikoppeling wants it."""

    def decrypt(self, document: bytes, signatory: wire.Signatory) -> bytes:
        """The content of an EncryptedData."""

    def encrypt(self, data: bytes, certificate: bytes, algorithm: str, transport: str) -> bytes:
        """An EncryptedData document."""


def private_key(signatory: wire.Signatory, *, pem: bool = False) -> bytes:
    """PKCS #8, not encrypted: the key lives as long as the test."""
    encoding = serialization.Encoding.PEM if pem else serialization.Encoding.DER
    return signatory.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


# --- The JDK -----------------------------------------------------------------------------------------------------


class Jdk:
    """A running XmlOracle.java, which is asked by files in `folder`."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._files = 0

    def verify(self, document: bytes, certificate: bytes, payloads: Payloads, *, secure: bool = True) -> list[str]:
        """With `secure`, as Java validates by default since version 17."""
        mode = "secure" if secure else "lax"
        return self._ask("verify", document, certificate, mode, *self._parts(payloads)).split(" ")

    def sign(self, document: bytes, signatory: wire.Signatory, payloads: Payloads, canonicalization: str) -> bytes:
        out, key = self._new_file(), private_key(signatory)
        self._ask("sign", document, key, signatory.certificate, canonicalization, str(out), *self._parts(payloads))
        return out.read_bytes()

    def decrypt(self, document: bytes, signatory: wire.Signatory) -> bytes:
        out = self._new_file()
        self._ask("decrypt", document, private_key(signatory), str(out))
        return out.read_bytes()

    def encrypt(self, data: bytes, certificate: bytes, algorithm: str, transport: str) -> bytes:
        out = self._new_file()
        self._ask("encrypt", data, certificate, algorithm, transport, str(out))
        return out.read_bytes()

    def _parts(self, payloads: Payloads) -> list[str]:
        return [f"{content_id}={self._file(data)}" for content_id, data in payloads.items()]

    def _new_file(self) -> Path:
        self._files += 1
        return self._folder / str(self._files)

    def _file(self, data: bytes) -> Path:
        file = self._new_file()
        file.write_bytes(data)
        return file

    def _ask(self, *fields: str | bytes) -> str:
        written = [field if isinstance(field, str) else str(self._file(field)) for field in fields]
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\t".join(written) + "\n")
        self._process.stdin.flush()
        verdict, _, said = self._process.stdout.readline().rstrip("\n").partition("\t")
        if verdict != "ok":
            raise Refused(said)
        return said


@contextmanager
def running_jdk(folder: Path) -> Iterator[Jdk]:
    """The oracle of the JDK; skips where there is no JDK."""
    compiler, java = shutil.which("javac"), shutil.which("java")
    if compiler is None or java is None:
        pytest.skip("no JDK (java and javac) on the path")
    subprocess.run([compiler, "-d", folder, PROGRAM], check=True, timeout=120)
    command = [java, "-Xmx128m", "-cp", str(folder), "XmlOracle"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Jdk(process, folder)
        assert process.stdin
        process.stdin.close()
        assert process.wait(30) == 0


# --- xmlsec ------------------------------------------------------------------------------------------------------


class Xmlsec:
    """python-xmlsec, with payloads served to it under their cid: URI."""

    def __init__(self) -> None:
        self._xmlsec: Any = pytest.importorskip("xmlsec", reason="python-xmlsec is not installed")
        self._payloads: dict[bytes, bytes] = {}
        self._xmlsec.cleanup_callbacks()  # those that read files come first
        self._xmlsec.register_callbacks(self._has, self._open, lambda stream, into: stream.readinto(into), self._close)

    def _has(self, uri: bytes) -> bool:
        return uri in self._payloads

    def _open(self, uri: bytes) -> BytesIO:
        return BytesIO(self._payloads[uri])

    @staticmethod
    def _close(stream: BytesIO) -> None:
        stream.close()

    def verify(self, document: bytes, certificate: bytes, payloads: Payloads) -> list[str]:
        self._serve(payloads)
        root = xml.parse(document, limit=1 << 22)
        found = list(root.iter(f"{{{names.DS}}}Signature"))
        if len(found) != 1:
            raise Refused(f"{len(found)} signatures")
        context = self._xmlsec.SignatureContext()
        context.key = self._xmlsec.Key.from_memory(certificate, self._xmlsec.KeyFormat.CERT_DER)
        try:
            context.verify(found[0])
        except self._xmlsec.Error as error:
            raise Refused(str(error)) from error
        return [one.get("URI", "") for one in found[0].iterfind(f"{{{names.DS}}}SignedInfo/{{{names.DS}}}Reference")]

    def sign(self, document: bytes, signatory: wire.Signatory, payloads: Payloads, canonicalization: str) -> bytes:
        self._serve(payloads)
        template, transforms = self._xmlsec.template, self._xmlsec.Transform
        root = xml.parse(document, limit=1 << 22)
        exclusive = canonicalization == names.EXCLUSIVE_C14N
        c14n = transforms.EXCL_C14N if exclusive else transforms.C14N
        node = template.create(root, c14n, transforms.RSA_SHA256, ns="ds")
        root[0].append(node)
        own = template.add_reference(node, transforms.SHA256, uri="")
        template.add_transform(own, transforms.ENVELOPED)
        filtering = template.add_transform(own, transforms.XPATH)
        actors = "|".join(
            f'ancestor-or-self::node()[@{root.prefix}:actor="{actor}"]'
            for actor in (names.ACTOR_NEXT_MSH, names.ACTOR_SOAP_NEXT)
        )
        xpath = filtering.makeelement(f"{{{names.DS}}}XPath", nsmap={"ds": names.DS, root.prefix: names.SOAP})
        xpath.text = f"not({actors})"
        filtering.append(xpath)
        template.add_transform(own, c14n)
        for content_id in payloads:
            template.add_reference(node, transforms.SHA256, uri=f"cid:{content_id}")
        template.add_x509_data(template.ensure_key_info(node))
        context = self._xmlsec.SignatureContext()
        context.key = self._key(signatory)
        context.key.load_cert_from_memory(signatory.certificate, self._xmlsec.KeyFormat.CERT_DER)
        context.sign(node)
        return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)

    def decrypt(self, document: bytes, signatory: wire.Signatory) -> bytes:
        manager = self._xmlsec.KeysManager()
        key = self._key(signatory)
        key.name = "CN=receiver"
        manager.add_key(key)
        context = self._xmlsec.EncryptionContext(manager)
        try:
            return bytes(context.decrypt(xml.parse(document, limit=1 << 22)))
        except self._xmlsec.Error as error:
            raise Refused(str(error)) from error

    def encrypt(self, data: bytes, certificate: bytes, algorithm: str, transport: str) -> bytes:
        transforms, template = self._xmlsec.Transform, self._xmlsec.template
        cipher = {
            names.AES128_GCM: transforms.AES128_GCM,
            names.AES256_GCM: transforms.AES256_GCM,
            names.AES128_CBC: transforms.AES128,
            names.AES256_CBC: transforms.AES256,
        }[algorithm]
        wrapping = {names.RSA_OAEP_MGF1P: transforms.RSA_OAEP, names.RSA_1_5: transforms.RSA_PKCS1}[transport]
        root = xml.parse(b"<a/>", limit=10)
        node = template.encrypted_data_create(root, cipher, mime_type="text/plain", ns="xenc")
        template.encrypted_data_ensure_cipher_value(node)
        info = template.encrypted_data_ensure_key_info(node, ns="ds")
        wrapped = template.add_encrypted_key(info, wrapping)
        template.encrypted_data_ensure_cipher_value(wrapped)
        manager = self._xmlsec.KeysManager()
        manager.add_key(self._xmlsec.Key.from_memory(certificate, self._xmlsec.KeyFormat.CERT_DER))
        context = self._xmlsec.EncryptionContext(manager)
        size = 128 if "128" in algorithm else 256
        context.key = self._xmlsec.Key.generate(self._xmlsec.KeyData.AES, size, self._xmlsec.KeyDataType.SESSION)
        return xml.serialize(context.encrypt_binary(node, data))

    def _serve(self, payloads: Payloads) -> None:
        self._payloads.clear()
        self._payloads.update({f"cid:{content_id}".encode(): data for content_id, data in payloads.items()})

    def _key(self, signatory: wire.Signatory) -> Any:
        return self._xmlsec.Key.from_memory(private_key(signatory, pem=True), self._xmlsec.KeyFormat.PEM)
