"""Where everything of a sandbox is, once its ports are known."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from digikoppelaar.adapters.onboarding_profiles import load_offering_profile, load_register_profile
from digikoppelaar.sandbox.endpoint import PATH
from digikoppelaar.sandbox.folder import (
    API_KEY,
    DSO_LV,
    KOOP_USER_NAME,
    LEVERANCIER,
    Certificates,
    ConnectedOrganisatie,
    SandboxReady,
)
from digikoppelaar.sandbox.koop.drop_pages import PATH as DROP_PATH
from digikoppelaar.sandbox.koop.parts import three_pas_urls
from digikoppelaar.sandbox.koop.repository import SRU_PATH
from digikoppelaar.sandbox.onboarding.management import PORTAL
from digikoppelaar.sandbox.rest import BASE_PATH
from digikoppelaar.sandbox.settings import SandboxSettings


class Addresses(NamedTuple):
    """The authority part, host and port, of each listener, in the order in which they are started."""

    rest: str
    ebms: str
    management: str
    loket: str
    three_pas: str
    koop: str
    register: str
    onboarding: str

    @classmethod
    def at(cls, host: str, ports: Sequence[int]) -> "Addresses":
        """Those of these ports."""
        named = f"[{host}]" if ":" in host else host
        return cls(*(f"{named}:{port}" for port in ports))

    @property
    def ebms_url(self) -> str:
        """DSO-LV's own endpoint, which goes into CPAs."""
        return f"https://{self.ebms}{PATH}"


def ready_at(
    at: Addresses,
    mail_port: int,
    settings: SandboxSettings,
    certificates: Certificates,
    organisaties: tuple[ConnectedOrganisatie, ...],
) -> SandboxReady:
    """What is told to programs and to people."""
    folder, first = settings.folder.resolve(), organisaties[0]
    return SandboxReady(
        omgeving=settings.omgeving,
        rest_base_url=f"https://{at.rest}{BASE_PATH}",
        ebms_url=at.ebms_url,
        management_url=f"http://{at.management}",
        loket_url=f"http://{at.loket}/",
        dso_oin=DSO_LV.oin,
        organisatie_oin=first.oin,
        organisatie_naam=first.naam,
        partij_oin=LEVERANCIER.oin,
        cpa_id=first.cpa_id,
        cpa_file=first.cpa_file,
        organisatie_file=str(folder / "organisatie.toml"),
        api_key_file=str(folder / API_KEY),
        trust_anchor_file=str(certificates.authorities.root),
        crls_file=str(certificates.authorities.crls),
        tls_certificate_file=str(certificates.leverancier_tls.certificate),
        tls_key_file=str(certificates.leverancier_tls.key),
        sign_certificate_file=str(certificates.leverancier_sign.certificate),
        sign_key_file=str(certificates.leverancier_sign.key),
        koop_3pas_urls=three_pas_urls(f"https://{at.three_pas}"),
        koop_sru_url=f"http://{at.koop}{SRU_PATH}",
        koop_pages_url=f"http://{at.koop}/",
        koop_drop_url=f"http://{at.koop}{DROP_PATH}",
        koop_user_name_file=str(folder / KOOP_USER_NAME),
        koop_tls_certificate_file=str(certificates.koop_leverancier_tls.certificate),
        koop_tls_key_file=str(certificates.koop_leverancier_tls.key),
        register_url=f"https://{at.register}{urlsplit(load_register_profile().base_url).path}",
        offering_url=f"https://{at.rest}{urlsplit(load_offering_profile().base_url_pre).path}",
        portal_url=f"http://{at.management}{PORTAL}",
        onboarding_url=f"http://{at.onboarding}/",
        mail_host=settings.host,
        mail_port=mail_port,
        unconnected=settings.unconnected,
        organisaties=organisaties,
    )
