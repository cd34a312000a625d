"""Keys that are made here, each with the request for its certificate, in the key folder: the key never leaves it.

Every request is a folder of its own, which is there whole or not at all: `key.pem` (mode 0600), `request.csr`,
`request.json` that says what was asked for and, in the end, `certificate.pem` (leaf first, then its chain).
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from digikoppelaar.adapters.disk import put_file, sync_folder
from digikoppelaar.adapters.keyfiles import as_pem, in_order, refuse_mixture
from digikoppelaar.errors import ConfigError, TrustError
from digikoppelaar.pki.certificate import Certificate, Use, read_certificate, read_certificates
from digikoppelaar.pki.request import Wanted, check_issued, make_request, read_request

_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", re.ASCII)
_PEM: Final = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class About:
    """For whom and for what a certificate was asked; `uses` are values of pki.certificate.Use."""

    partij_oin: str
    omgeving: str
    title: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A request in the key folder, by its files."""

    folder: Path
    about: About

    @property
    def key_file(self) -> Path:
        """The private key; nothing but `keyfiles` reads it."""
        return self.folder / "key.pem"

    @property
    def request_file(self) -> Path:
        """What goes to the TSP."""
        return self.folder / "request.csr"

    @property
    def certificate_file(self) -> Path:
        """What came of it, with its chain."""
        return self.folder / "certificate.pem"


def make_key_request(keys: Path, name: str, wanted: Wanted, omgeving: str) -> KeyRequest:
    """A new key with its request, durable when this returns. Raises ConfigError when the name is taken, or is none."""
    place = _place(keys, name)
    key = rsa.generate_private_key(public_exponent=65537, key_size=wanted.kind.key_bits)
    about = About(wanted.oin, omgeving, wanted.kind.title, wanted.kind.uses)
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = KeyRequest(Path(tempfile.mkdtemp(prefix=".new-", dir=keys)), about)
    try:
        put_file(partial.key_file, _as_pem(key), 0o600)
        put_file(partial.request_file, make_request(wanted, key), 0o644)
        put_file(partial.folder / _ABOUT, json.dumps(asdict(about)).encode(), 0o644)
        partial.folder.rename(place)
    except OSError as error:
        shutil.rmtree(partial.folder, ignore_errors=True)
        if place.exists():
            raise _taken(place) from error
        raise
    sync_folder(keys)
    return KeyRequest(place, about)


def read_key_request(keys: Path, name: str) -> KeyRequest:
    """The request with this name. Raises ConfigError when there is none."""
    try:
        said = json.loads((keys / Path(name).name / _ABOUT).read_bytes())
        return KeyRequest(keys / Path(name).name, About(**{**said, "uses": tuple(said["uses"])}))
    except (OSError, ValueError, TypeError, KeyError) as error:
        there = ", ".join(sorted(each.parent.name for each in keys.glob(f"[!.]*/{_ABOUT}"))) or "none"
        raise ConfigError(
            f"{keys} has no request {name!r}; there are {there}",
            advice="Maak de aanvraag met `digikoppelaar certificate request`, of kies met --keys de andere sleutelmap.",
        ) from error


def judge_issued(request: KeyRequest, files: Iterable[Path], now: datetime) -> tuple[Certificate, ...]:
    """The chain in these files (PEM or DER, in any order), leaf first, when it is what was asked for.

    Raises TrustError when it is not, and ConfigError for a file that cannot be read.
    """
    found = [each for file in files for each in _certificates(file)]
    requested = read_request(request.request_file.read_bytes())
    leaf = next((each for each in found if not each.authority), found[0])
    chain = in_order(leaf, [each for each in found if each is not leaf])
    check_issued(requested, chain, [Use(use) for use in request.about.uses], now)
    refuse_mixture(request.about.omgeving, chain, request.certificate_file)
    return chain


def keep_issued(request: KeyRequest, chain: Sequence[Certificate]) -> bool:
    """Put the chain beside its key, durably; whether it was not there yet. Raises ConfigError when another one is."""
    content = b"".join(map(as_pem, chain))
    try:
        put_file(request.certificate_file, content, 0o644)
    except FileExistsError as error:
        if request.certificate_file.read_bytes() == content:
            return False
        raise ConfigError(
            f"{request.certificate_file} is there with another certificate",
            advice="Voor een nieuw certificaat maakt u een nieuwe aanvraag, met een eigen sleutel.",
        ) from error
    return True


_ABOUT: Final = "request.json"


def _place(keys: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a request", advice="Gebruik letters, cijfers, punt en streep."
        )
    if (keys / name).exists():
        raise _taken(keys / name)
    return keys / name


def _taken(place: Path) -> ConfigError:
    return ConfigError(
        f"{place} is there already: a key is never overwritten",
        advice="Kies met --name een andere naam; een vernieuwing krijgt een eigen sleutel.",
    )


def _as_pem(key: rsa.RSAPrivateKey) -> bytes:
    nothing = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, nothing)


def _certificates(file: Path) -> tuple[Certificate, ...]:
    try:
        content = file.read_bytes()
        return read_certificates(content) if _PEM in content else (read_certificate(content),)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except TrustError as error:
        raise TrustError(f"{file}: {error}") from error
