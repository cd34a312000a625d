"""The files from which a gateway is set up, read by the gateway's own readers."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digikoppelaar.ebms.agreement import Characteristic
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.ebms.cpa_subject import Judgement, Severity
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    MachtigingEntry,
    OrganisatieEntry,
)
from digikoppelaar.pki.policy import Policy
from digikoppelaar.sandbox import folder
from digikoppelaar.sandbox.cpa_document import ACTION, SERVICE, CpaParty, CpaTerms, build_cpa, usual_certificates

NOW = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
READY = folder.SandboxReady(
    omgeving="sandbox-pre",
    rest_base_url="https://127.0.0.1:1/rest",
    ebms_url="https://127.0.0.1:2/ebms",
    management_url="http://127.0.0.1:3",
    loket_url="http://127.0.0.1:4/",
    dso_oin=folder.DSO_LV.oin,
    organisatie_oin=folder.GEMEENTE.oin,
    organisatie_naam='Gemeente "Oeverloo" \\ Zuid',
    partij_oin=folder.LEVERANCIER.oin,
    cpa_id="cpa",
    cpa_file="/s/cpa.xml",
    organisatie_file="/s/organisatie.toml",
    api_key_file="/s/api-key",
    trust_anchor_file="/s/root.pem",
    crls_file="/s/crls.pem",
    tls_certificate_file="/s/tls.pem",
    tls_key_file="/s/tls.key",
    sign_certificate_file="/s/sign.pem",
    sign_key_file="/s/sign.key",
    koop_3pas_urls={
        "tst-organisatie": "https://127.0.0.1:5/tst-organisatie/3pas",
        "productie": "https://127.0.0.1:5/productie/3pas",
    },
    koop_sru_url="http://127.0.0.1:6/sru",
    koop_pages_url="http://127.0.0.1:6/",
    koop_drop_url="http://127.0.0.1:6/drop",
    koop_user_name_file="/s/koop-user-name",
    koop_tls_certificate_file="/s/koop.pem",
    koop_tls_key_file="/s/koop.key",
    register_url="https://127.0.0.1:7/api/v1",
    offering_url="https://127.0.0.1:1/aanbieden",
    portal_url="http://127.0.0.1:3/portaal",
    onboarding_url="http://127.0.0.1:8/",
    mail_host="127.0.0.1",
    mail_port=9,
    organisaties=(
        folder.ConnectedOrganisatie(
            folder.GEMEENTE.oin, 'Gemeente "Oeverloo" \\ Zuid', "gemeente", "cpa", "/s/cpa.xml"
        ),
    ),
)


def test_organisatie_toml_is_what_apply_reads() -> None:
    text = folder.organisatie_toml(READY, Path("/cases"), NOW)
    entries = read_registration(tomllib.loads(text), "/s")
    assert OrganisatieEntry(folder.GEMEENTE.oin, READY.organisatie_naam, "gemeente") in entries
    assert {entry.use for entry in entries if isinstance(entry, CertificateEntry)} == {
        "tls-server",
        "tls-client",
        "sign",
    }
    (machtiging,) = [entry for entry in entries if isinstance(entry, MachtigingEntry)]
    assert (machtiging.gemachtigde_oin, machtiging.namens_oin) == (folder.LEVERANCIER.oin, folder.GEMEENTE.oin)
    stam, drop = [entry for entry in entries if isinstance(entry, AansluitingEntry)]
    assert stam.dso["base_url"] == READY.rest_base_url
    assert stam.dso["register_pages_url"] == READY.onboarding_url
    assert stam.case_system["path"] == "/cases"
    assert (drop.kind, drop.partij_oin) == ("drop", folder.LEVERANCIER.oin)
    assert {name: value for name, value in drop.publishing.items() if value} == {
        "stage": "tst-organisatie",
        "naam": '"Oeverloo" \\ Zuid',
        "bestuurslaag": "gemeente",
        "blad": "gmb",
        "address": "https://127.0.0.1:5/tst-organisatie/3pas",
        "sru_url": "http://127.0.0.1:6/sru",
        "bestuursorgaan": "het bestuur",
        "telefoon": "14 0123",
    }


@pytest.mark.parametrize(
    ("naam", "bestuurslaag", "publishing"),
    [
        ("Waterschap De Vaart", "waterschap", ("De Vaart", "waterschap", "wsb")),
        ("Provincie Noord", "provincie", ("Noord", "provincie", "prb")),
        ("Oeverloo", "gemeente", ("Oeverloo", "gemeente", "gmb")),
        ("Gemeente Oeverloo", "omgevingsdienst", ("Gemeente Oeverloo", "regionaal samenwerkingsorgaan", "bgr")),
        ("Ministerie", "rijk", ("Ministerie", "ministerie", "stcrt")),
    ],
)
def test_each_organisatie_publishes_in_its_own_blad_and_without_its_kind_in_its_name(
    naam: str, bestuurslaag: str, publishing: tuple[str, str, str]
) -> None:
    organisatie = folder.ConnectedOrganisatie(folder.GEMEENTE.oin, naam, bestuurslaag, "cpa", "/s/cpa.xml")
    ready = replace(READY, omgeving="sandbox-prod", organisaties=(organisatie,))
    entries = read_registration(tomllib.loads(folder.organisatie_toml(ready, Path("/cases"), NOW)), "/s")
    (drop,) = [entry for entry in entries if isinstance(entry, AansluitingEntry) and entry.kind == "drop"]
    assert tuple(drop.publishing[name] for name in ("naam", "bestuurslaag", "blad")) == publishing
    assert drop.publishing["stage"] == "productie"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> folder.Certificates:
    return folder.open_folder(tmp_path_factory.mktemp("sandbox"), NOW, "127.0.0.1")


def cpa_of(certificates: folder.Certificates, profile: str) -> bytes:
    root, domain, tsp = (issuer.der() for issuer in certificates.authorities.issuers)
    terms = CpaTerms(profile, 3, timedelta(seconds=1.5), NOW, NOW + timedelta(days=1), root)
    of_dso = usual_certificates(certificates.dso_tls.der(), certificates.dso_sign.der())
    of_gemeente = usual_certificates(certificates.dso_tls.der(), certificates.leverancier_sign.der(), tsp, domain)
    dso = CpaParty("DSO", "DSO", folder.DSO_LV.oin, "https://h/dso", of_dso)
    return build_cpa(terms, dso, CpaParty("BG", "DSO", folder.GEMEENTE.oin, "https://h/bg", of_gemeente))


@pytest.mark.parametrize("profile", ["osb-rm", "osb-rm-s"])
def test_both_sides_read_the_same_agreement_out_of_the_cpa(certificates: folder.Certificates, profile: str) -> None:
    cpa = cpa_of(certificates, profile)
    dso, gemeente = (read_agreement(cpa, [holder.oin]) for holder in (folder.DSO_LV, folder.GEMEENTE))
    sent, received = dso.sending(SERVICE, ACTION), gemeente.receiving(SERVICE, ACTION)
    assert sent is not None
    assert sent == received
    assert sent.profile == profile
    assert sent.channel.endpoint == "https://h/bg"
    assert sent.channel.reliable_messaging is not None
    assert sent.channel.reliable_messaging.retry_interval == timedelta(seconds=1.5)
    assert gemeente.our_signals.endpoint == "https://h/dso"
    assert dso.receives == gemeente.sends == ()
    assert [one for one in findings(cpa, Judgement(NOW, Policy.LAB)) if one.severity is Severity.ERROR] == []


def test_a_signed_profile_has_signed_acknowledgments_by_the_certificate_of_the_leverancier(
    certificates: folder.Certificates,
) -> None:
    gemeente = read_agreement(cpa_of(certificates, "osb-rm-s"), [folder.GEMEENTE.oin])
    (action,) = gemeente.receives
    assert action.channel.ack_signature_requested is Characteristic.ALWAYS
    assert gemeente.our_signals.signing is not None
    assert gemeente.our_signals.signing.certificate == certificates.leverancier_sign.der()


def test_an_unsigned_profile_signs_nothing(certificates: folder.Certificates) -> None:
    gemeente = read_agreement(cpa_of(certificates, "osb-rm"), [folder.GEMEENTE.oin])
    assert not gemeente.receives[0].sender_signs
    assert gemeente.our_signals.signing is None
