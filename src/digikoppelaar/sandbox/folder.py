"""The state folder of a sandbox: certificates, API key, CPA, and the files from which a gateway is set up.

pki/               trust anchor, CRLs, certificates and keys of DSO-LV, of the leverancier and of KOOP
cpa.xml            for `cpa import`; with more than one authority also cpa-<oin>.xml, one for each
organisatie.toml   for `organisatie apply`
uploads/           bijlagen that somebody added in the loket, forgotten at the next start
sandbox.json       every address and file name, for programs
running            locked as long as a sandbox runs here
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from digikoppelaar.drop.bladen import BLAD_OF
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import toml
from digikoppelaar.flows.authorities import koop_layer, short_name
from digikoppelaar.flows.authority_template import STAGE_OF
from digikoppelaar.onboarding.model import plays
from digikoppelaar.sandbox import pki

DSO_LV: Final = pki.Holder("dso-lv", "DSO-LV", "00000099000000001000")
GEMEENTE: Final = pki.Holder("gemeente", "Gemeente Oeverloo", "00000099000000002000")
LEVERANCIER: Final = pki.Holder("leverancier", "Proefleverancier Zaaksystemen B.V.", "00000099000000003000")
"""Runs the link for the gemeente, with its own certificates under machtiging: the normal case."""
REGISTER: Final = pki.Holder("cpa-register", "CPA-register", "00000099000000001300")
KOOP: Final = pki.Holder("koop", "KOOP", "00000099000000001100")
KOOP_LEVERANCIER: Final = pki.Holder("koop-leverancier", "KOOP, test van leveranciers", "00000099000000001200")
"""The certificate that KOOP gives to a leverancier for a stage without organisatie (drop-3pas.md 1.1)."""
API_KEY: Final = "api-key"
KOOP_USER_NAME: Final = "koop-user-name"
"""Names of files."""
_OTHER_FOLDER: Final = "Kies met --folder een andere map."


@dataclass(frozen=True, slots=True)
class Certificates:
    """All certificates of a sandbox."""

    authorities: pki.SandboxPki
    dso_tls: pki.CertificateFiles
    dso_sign: pki.CertificateFiles
    leverancier_tls: pki.CertificateFiles
    leverancier_sign: pki.CertificateFiles
    koop_tls: pki.CertificateFiles
    koop_leverancier_tls: pki.CertificateFiles
    register_tls: pki.CertificateFiles


@dataclass(frozen=True, slots=True)
class SandboxReady:
    """Where everything is, once the sandbox listens. Paths are absolute; sandbox.json has the same keys.

    `koop_3pas_urls` by stage: the first takes the user name and password in `koop_user_name_file`, the second the
    certificate in `koop_tls_certificate_file`.
    """

    omgeving: str
    rest_base_url: str
    ebms_url: str
    management_url: str
    loket_url: str
    dso_oin: str
    organisatie_oin: str
    organisatie_naam: str
    partij_oin: str
    cpa_id: str
    cpa_file: str
    organisatie_file: str
    api_key_file: str
    trust_anchor_file: str
    crls_file: str
    tls_certificate_file: str
    tls_key_file: str
    sign_certificate_file: str
    sign_key_file: str
    koop_3pas_urls: Mapping[str, str]
    koop_sru_url: str
    koop_pages_url: str
    koop_drop_url: str
    koop_user_name_file: str
    koop_tls_certificate_file: str
    koop_tls_key_file: str
    register_url: str
    offering_url: str
    portal_url: str
    onboarding_url: str
    mail_host: str
    mail_port: int
    unconnected: bool = False
    """Nobody is connected yet: there is no CPA, no API key and no user name at KOOP, and their files are not written.
    """
    organisaties: tuple["ConnectedOrganisatie", ...] = ()
    """Every authority; the keys that begin with organisatie and cpa are about the first."""


@dataclass(frozen=True, slots=True)
class ConnectedOrganisatie:
    """An authority of the sandbox, with the CPA for it; both empty while it is not connected."""

    oin: str
    naam: str
    bestuurslaag: str
    cpa_id: str = ""
    cpa_file: str = ""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made when it is not there, for one sandbox at a time; the kernel lets go when its process dies.

    Raises ConfigError when it cannot be made or another sandbox runs in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "running", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot use the folder {folder}: {error.strerror}", advice=_OTHER_FOLDER) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError(f"another sandbox runs in {folder}", advice=_OTHER_FOLDER) from error
    finally:
        os.close(lock)


def open_folder(folder: Path, now: datetime, host: str) -> Certificates:
    """The certificates in `folder`, made when they are not there yet. A sandbox.json of an earlier run goes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "sandbox.json").unlink(missing_ok=True)
    authorities = pki.make_pki(folder / "pki", now)
    hosts = tuple(dict.fromkeys((host, *DSO_LV.hosts)))
    dso, koop, register = (replace(each, hosts=hosts) for each in (DSO_LV, KOOP, REGISTER))
    wanted = [(holder, uses) for holder in (dso, LEVERANCIER) for uses in (pki.TLS, pki.SIGN)]
    wanted += [(holder, pki.TLS) for holder in (koop, KOOP_LEVERANCIER, register)]
    return Certificates(authorities, *pki.issue_all(authorities, wanted, now))


class Serials:
    """Numbers the verzoeken of a day, on through a restart: a gateway remembers the verzoeknummers it had.

    In a file of another name, the dossiers of KOOP of a year.
    """

    def __init__(self, folder: Path, name: str = "serial") -> None:
        self._file = folder / name

    def next(self, day: date) -> int:
        """The next serial number of this day, from 1."""
        return self._next(day.isoformat())

    def next_of_year(self, year: int) -> int:
        """The next serial number of this year, from 1."""
        return self._next(str(year))

    def _next(self, period: str) -> int:
        before = self._file.read_text().split() if self._file.exists() else []
        serial = int(before[1]) + 1 if before[:1] == [period] else 1
        self._file.write_text(f"{period} {serial}")
        return serial


def api_key(folder: Path) -> tuple[Path, str]:
    """The API key for *Verzoek afhandelen*: its file and its value; made when it is not there yet."""
    return _secret(folder / API_KEY)


def koop_user_name(folder: Path) -> tuple[Path, str]:
    """User name and password for the stage of 3PAS without a certificate, with a colon between them; as `api_key`."""
    return _secret(folder / KOOP_USER_NAME, "sandbox-leverancier:")


def _secret(file: Path, before: str = "") -> tuple[Path, str]:
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(before + secrets.token_urlsafe(24))
    return file, file.read_text()


def write_for_gateway(
    folder: Path, ready: SandboxReady, cpas: Mapping[str, bytes], case_folder: Path, now: datetime
) -> None:
    """Write the CPAs (by the name of their file), organisatie.toml and, last, sandbox.json."""
    for file, cpa in cpas.items():
        Path(file).write_bytes(cpa)
    Path(ready.organisatie_file).write_text(organisatie_toml(ready, case_folder, now), encoding="utf-8")
    # A program that waits for this file must never see half of it.
    unfinished = folder / "sandbox.json.part"
    unfinished.write_text(json.dumps({"sandbox": True, **asdict(ready)}, indent=2), encoding="utf-8")
    unfinished.replace(folder / "sandbox.json")


def organisatie_toml(ready: SandboxReady, case_folder: Path, now: datetime) -> str:
    """What `organisatie apply` has to know about this sandbox."""
    omgeving = ready.omgeving
    partij = {"oin": ready.partij_oin, "naam": LEVERANCIER.name}
    tls = {"certificate_file": ready.tls_certificate_file, "key_file": ready.tls_key_file}
    sign = {"certificate_file": ready.sign_certificate_file, "key_file": ready.sign_key_file}
    tables: list[tuple[str, Mapping[str, object]]] = [
        ("[[partij]]", partij),
        ("[[partij.certificate]]", {"omgeving": omgeving, "uses": ["tls-server", "tls-client"], **tls}),
        ("[[partij.certificate]]", {"omgeving": omgeving, "uses": ["sign"], **sign}),
    ]
    for organisatie in ready.organisaties:
        tables += _tables(organisatie, ready, case_folder, now)
    return "# SANDBOX\n" + toml.tables(tables)


def _tables(
    organisatie: ConnectedOrganisatie, ready: SandboxReady, case_folder: Path, now: datetime
) -> list[tuple[str, Mapping[str, object]]]:
    named = {"oin": organisatie.oin, "naam": organisatie.naam, "bestuurslaag": organisatie.bestuurslaag}
    parties = {"gemachtigde_oin": ready.partij_oin, "namens_oin": organisatie.oin}
    machtiging = {"omgeving": ready.omgeving, **parties, "since": now.date(), "recorded_by": "sandbox"}
    addresses = {
        "register_url": ready.register_url,
        "register_pages_url": ready.onboarding_url,
        "offering_url": ready.offering_url,
    }
    aansluiting = {"organisatie_oin": organisatie.oin, "kind": "stam", "omgeving": ready.omgeving}
    return [
        ("[[organisatie]]", named),
        *([] if ready.unconnected else [("[[machtiging]]", machtiging)]),
        ("[[aansluiting]]", {**aansluiting, "partij_oin": ready.partij_oin}),
        ("[aansluiting.dso]", {"base_url": ready.rest_base_url, "api_key_file": ready.api_key_file, **addresses}),
        ("[aansluiting.case_system]", {"kind": "folder", "path": str(case_folder)}),
        ("[[aansluiting]]", {**aansluiting, "kind": "drop", "partij_oin": ready.partij_oin}),
        ("[aansluiting.publishing]", _publishing(organisatie, ready)),
    ]


def _publishing(organisatie: ConnectedOrganisatie, ready: SandboxReady) -> Mapping[str, object]:
    """At a stage that takes the certificate of the organisatie, or of who has its machtiging."""
    laag, stage = koop_layer(organisatie.bestuurslaag), STAGE_OF[plays(ready.omgeving)]
    return {
        "stage": stage,
        "naam": short_name(organisatie.naam, organisatie.bestuurslaag),
        "bestuurslaag": laag.value,
        "blad": BLAD_OF[laag].value,
        "address": ready.koop_3pas_urls[stage],
        "sru_url": ready.koop_sru_url,
        "bestuursorgaan": "het bestuur",  # without its name: that of an applicant may be in it
        "telefoon": "14 0123",
    }
