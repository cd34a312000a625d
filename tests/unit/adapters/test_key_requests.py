"""The key folder: a request is there whole or not at all, the key for its owner alone, and nothing is overwritten."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates import LEVERANCIER, NOW, Authority, Issued, Shape

from digikoppelaar.adapters import disk, key_requests
from digikoppelaar.adapters.key_requests import (
    KeyRequest,
    judge_issued,
    keep_issued,
    make_key_request,
    read_key_request,
)
from digikoppelaar.adapters.keyfiles import CertificateRecord, load_key
from digikoppelaar.adapters.onboarding_profiles import load_certificate_kinds
from digikoppelaar.errors import ConfigError, TrustError
from digikoppelaar.pki.certificate import Use
from digikoppelaar.pki.request import Wanted, read_request

HOST = "ebms.voorbeeldstad.example"
KIND = replace(load_certificate_kinds()["g1"]["server"], key_bits=2048)
WANTED = Wanted(KIND, LEVERANCIER, "Leverancier", (HOST,))
AUTHORITY = Authority()


def issue(request: KeyRequest, shape: Shape | None = None, authority: Authority = AUTHORITY) -> Issued:
    """What a TSP makes of it."""
    key = serialization.load_pem_private_key(request.key_file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return authority.issue(replace(shape or Shape(oin=LEVERANCIER, names=(HOST,)), key=key))


def test_a_request_is_a_folder_with_a_key_that_only_its_owner_may_read(tmp_path: Path) -> None:
    made = make_key_request(tmp_path / "keys", "prod-server", WANTED, "prod")
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    key = serialization.load_pem_private_key(made.key_file.read_bytes(), None)
    public = key.public_key().public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert read_request(made.request_file.read_bytes()).public_key == public
    assert b"PRIVATE" not in made.request_file.read_bytes() + (made.folder / "request.json").read_bytes()
    assert read_key_request(tmp_path / "keys", "prod-server") == made


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    made = make_key_request(tmp_path, "prod", WANTED, "prod")
    before = made.key_file.read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        make_key_request(tmp_path, "prod", WANTED, "prod")
    assert made.key_file.read_bytes() == before


def test_of_many_who_make_the_same_request_at_once_one_does(tmp_path: Path) -> None:
    def make(_: int) -> bytes:
        try:
            return make_key_request(tmp_path, "prod", WANTED, "prod").key_file.read_bytes()
        except ConfigError:
            return b""

    with ThreadPoolExecutor(4) as pool:
        made = list(filter(None, pool.map(make, range(4))))
    assert made == [(tmp_path / "prod" / "key.pem").read_bytes()]
    assert [each.name for each in tmp_path.iterdir()] == ["prod"]


@pytest.mark.parametrize("name", ["", "../prod", ".prod", "a/b", "a b", "x" * 101])
def test_a_name_stays_within_the_key_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        make_key_request(tmp_path / "keys", name, WANTED, "prod")
    with pytest.raises(ConfigError):
        read_key_request(tmp_path / "keys", name)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("at", range(3))
def test_wherever_the_disk_fails_no_half_request_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    written = 0

    def put(file: Path, content: bytes, mode: int) -> None:
        nonlocal written
        if written == at:
            raise OSError(28, "No space left on device")
        written += 1
        disk.put_file(file, content, mode)

    with monkeypatch.context() as broken:
        broken.setattr(key_requests, "put_file", put)
        with pytest.raises(OSError, match="No space"):
            make_key_request(tmp_path, "prod", WANTED, "prod")
    assert list(tmp_path.iterdir()) == []
    make_key_request(tmp_path, "prod", WANTED, "prod")


def test_an_unknown_request_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    make_key_request(tmp_path, "pre", WANTED, "pre")
    with pytest.raises(ConfigError, match="no request 'prod'; there are pre"):
        read_key_request(tmp_path, "prod")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_an_issued_certificate_in_any_order_and_form_becomes_a_chain_that_serves(
    tmp_path: Path, encoding: Encoding
) -> None:
    request = make_key_request(tmp_path, "prod", WANTED, "prod")
    leaf = issue(request)
    files = []
    for number, each in enumerate((*leaf.above, AUTHORITY.root.certificate, leaf.certificate)):
        files.append(tmp_path / f"{number}.cer")
        files[-1].write_bytes(each.public_bytes(encoding))
    chain = judge_issued(request, files, NOW)
    assert [each.der for each in chain] == [leaf.der, *(each.public_bytes(Encoding.DER) for each in leaf.above)]
    assert keep_issued(request, chain)
    assert not keep_issued(request, chain)
    for use in Use:
        record = CertificateRecord(LEVERANCIER, "prod", use, request.certificate_file, request.key_file)
        assert load_key(record).leaf.der == leaf.der
    with pytest.raises(ConfigError, match="with another certificate"):
        keep_issued(request, judge_issued(request, [_file(tmp_path, issue(request))], NOW))


def _file(folder: Path, leaf: Issued) -> Path:
    file = folder / "issued.pem"
    file.write_bytes(leaf.chain_pem())
    return file


def test_a_certificate_of_another_world_is_not_kept(tmp_path: Path) -> None:
    request = make_key_request(tmp_path, "prod", WANTED, "prod")
    shape = Shape(oin=LEVERANCIER, names=(HOST,), sandbox=True, organisation="SANDBOX")
    with pytest.raises(TrustError, match="sandbox is refused in prod"):
        judge_issued(request, [_file(tmp_path, issue(request, shape, Authority(sandbox=True)))], NOW)
    trial = _file(tmp_path, issue(request, replace(shape, sandbox=False, organisation="TRIAL Gemeente")))
    with pytest.raises(TrustError, match="TRIAL"):
        judge_issued(request, [trial], NOW)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    request = make_key_request(tmp_path, "prod", WANTED, "prod")
    with pytest.raises(ConfigError, match=r"weg\.pem: No such file"):
        judge_issued(request, [tmp_path / "weg.pem"], NOW)
    (tmp_path / "leeg.pem").write_bytes(b"")
    with pytest.raises(TrustError, match=r"leeg\.pem: the certificate cannot be read"):
        judge_issued(request, [tmp_path / "leeg.pem"], NOW)
