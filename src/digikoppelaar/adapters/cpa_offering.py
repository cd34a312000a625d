"""*CPA aanbieden* of DSO-LV. Everything assumed about it comes from a profile (adapters/onboarding_profiles.py)."""

import asyncio
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.document_calls import Calls
from digikoppelaar.adapters.facility_calls import Advice, Statuses
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions
from digikoppelaar.adapters.onboarding_profiles import OfferingProfile, load_offering_profile
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import ConfigError, FacilityNotFound
from digikoppelaar.flows.ports import Aansluiting, Clock, is_sandbox
from digikoppelaar.onboarding.model import plays


class RestCpaOffering:
    """flows.ports.register.CpaOffering."""

    def __init__(self, calls: Calls, profile: OfferingProfile) -> None:
        self._calls = calls
        self._profile = profile

    async def accepted(self, cpa_id: str) -> bytes | None:
        """See flows.ports.register.CpaOffering."""
        try:
            return await self._calls.ask("GET", self._profile.accepted(cpa_id), self._profile.document_media_types)
        except FacilityNotFound:
            return None

    async def offer(self, document: bytes) -> None:
        """See flows.ports.register.CpaOffering."""
        profile = self._profile
        fine = [int(status) for status in profile.accepted_statuses]
        await self._calls.ask(
            profile.offer_method, profile.offer_path, (), body=document, media_type=profile.media_type, fine=fine
        )


async def offering_for(sessions: MtlsSessions, aansluiting: Aansluiting, clock: Clock) -> RestCpaOffering:
    """*CPA aanbieden* as the partij of this aansluiting meets it. Raises ConfigError without address or API key."""
    profile = load_offering_profile()
    headers = {profile.oin_header: aansluiting.organisatie_oin}
    if profile.api_key_header and aansluiting.dso:
        file = Path(aansluiting.dso.api_key_file)
        headers[profile.api_key_header] = await asyncio.to_thread(secret_line, file, "API key")
    http = MtlsHttp(sessions, aansluiting.omgeving, aansluiting.partij_oin)
    statuses = Statuses(profile.facility, _advice(aansluiting), clock, quotes=True)
    return RestCpaOffering(Calls(http, _base_url(aansluiting, profile), statuses, headers), profile)


def _base_url(aansluiting: Aansluiting, profile: OfferingProfile) -> str:
    configured = aansluiting.dso.offering_url if aansluiting.dso else ""
    if not configured and is_sandbox(aansluiting.omgeving):
        raise ConfigError(
            f"aansluiting {aansluiting.id} does not say where CPAs are offered in {aansluiting.omgeving}",
            advice="Zet in de aansluiting onder [aansluiting.dso] het adres `offering_url` van de sandbox.",
        )
    return configured or (profile.base_url_prod if plays(aansluiting.omgeving) == "prod" else profile.base_url_pre)


def _advice(aansluiting: Aansluiting) -> Advice:
    return Advice(
        unauthorized=("certificate or API key refused", _ADVICE_401),
        forbidden=(f"{aansluiting.partij_oin} may not offer CPAs of {aansluiting.organisatie_oin}", _ADVICE_403),
        otherwise=_ADVICE_4XX,
        conflict=_ADVICE_409,
    )


_ADVICE_401: Final = (
    "DSO-LV herkent de aansluiting niet: CPA aanbieden vraagt een PKIoverheid-certificaat met OIN of HRN. Controleer "
    "het certificaat (`digikoppelaar certificate check`) en de API-sleutel."
)
_ADVICE_403: Final = (
    "DSO-LV weigert de CPA van deze partij: het OIN of HRN in het certificaat moet dat van een partij in de CPA zijn "
    "of een mandaat hebben, en de CPA moet voor deze omgeving zijn. Vraag het aansluitteam."
)
_ADVICE_409: Final = (
    "DSO-LV heeft onder dit CPAId al een andere CPA. Bekijk het verschil met `digikoppelaar cpa offered`; vraag in het "
    "CPA-register een CPA met een eigen CPAId aan."
)
_ADVICE_4XX: Final = (
    "DSO-LV keurt de CPA af: is dit het ongewijzigde bestand uit het CPA-register, voor deze omgeving, met geldige "
    "certificaten? Beoordeel haar met `digikoppelaar cpa lint`."
)
