"""*CPA aanbieden* of DSO-LV, as the profile says that it is: takes CPAs, strictly, and works with them at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.adapters.onboarding_profiles import OfferingProfile
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.cpa_findings import check_usable, findings
from digikoppelaar.ebms.cpa_subject import Judgement
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.onboarding.model import plays
from digikoppelaar.pki.certificate import Use, names_host, read_certificate
from digikoppelaar.pki.chain import TrustStore
from digikoppelaar.pki.oin import without_environment_suffix
from digikoppelaar.pki.policy import Policy
from digikoppelaar.sandbox.cpa_maker import CpaMaker
from digikoppelaar.sandbox.folder import DSO_LV
from digikoppelaar.sandbox.onboarding.aansluitteam import Aansluitteam
from digikoppelaar.sandbox.onboarding.service import MARK, Service
from digikoppelaar.sandbox.rest import Problem, check_key
from digikoppelaar.sandbox.state import Authority
from digikoppelaar.sandbox.strict_trust import check_trusted

_LIMIT: Final = 4 * 1024 * 1024
_OTHER: Final = "Onder dit CPAId heeft DSO-LV al een andere CPA."
_PRE_FIRST: Final = "PRE is voor OIN {} nog niet compleet: het aansluitteam moet dat eerst vaststellen."
_OTHER_OMGEVING: Final = (
    "Deze CPA is voor een andere omgeving: certificaat of adres van DSO-LV erin is niet dat van hier."
)
_OTHER_PARTY: Final = "De CPA is niet tussen DSO-LV en OIN {}."
_NO_MANDATE: Final = "Het certificaat van OIN {} heeft geen mandaat voor OIN {}: vraag het aansluitteam."


@dataclass(frozen=True, slots=True)
class CpaOffering:
    """The service. `own` knows DSO-LV's own side of a CPA; `trust` judges the certificates of the other."""

    service: Service
    aansluitteam: Aansluitteam
    own: CpaMaker
    trust: TrustStore
    profile: OfferingProfile

    def routes(self) -> list[BaseRoute]:
        """For the TLS listener on which *Verzoek afhandelen* is."""
        profile = self.profile
        base = urlsplit(profile.base_url_pre).path
        accepted = profile.accepted_path.replace("{cpa_id}", "{cpa_id:path}")
        return [
            Route(f"{base}/{profile.offer_path}", self.service.guarded(self._offer), methods=[profile.offer_method]),
            Route(f"{base}/{accepted}", self.service.guarded(self._accepted)),
        ]

    async def _offer(self, request: Request) -> Response:
        caller, authority = self._who(request)
        oin, document = authority.gezag.oin, await _body(request, caller)
        try:
            agreement = self._judged(document, caller, oin)
        except Problem:
            raise
        except DigikoppelaarError as error:
            raise Problem(422, str(error), caller, advice=error.advice) from error
        before = self.aansluitteam.connections.documents.get(agreement.cpa_id)
        if before not in (None, document):
            raise Problem(409, f"another CPA under {agreement.cpa_id}", caller, advice=_OTHER)
        if before is None:
            self.aansluitteam.connections.accept(oin, document, agreement)
        return JSONResponse({"cpaId": agreement.cpa_id}, 200 if before else 201, headers=MARK)

    async def _accepted(self, request: Request) -> Response:
        _, authority = self._who(request)
        cpa_id = request.path_params["cpa_id"]
        if cpa_id not in {each.agreement.cpa_id for each in authority.cpas}:
            raise Problem(404, "no such CPA", advice="Onder dit CPAId heeft DSO-LV niets aangenomen.")
        document = self.aansluitteam.connections.documents[cpa_id]
        return Response(document, media_type=self.profile.document_media_types[0], headers=MARK)

    def _who(self, request: Request) -> tuple[str, Authority]:
        """The caller, and for which authority he acts. Raises Problem."""
        caller, oin = self.service.caller(request), request.headers.get(self.profile.oin_header, "")
        authority = self.service.state.authorities.get(oin)
        if authority is None or caller not in authority.mandated:
            advice = _NO_MANDATE.format(caller, oin or "?")
            raise Problem(403, f"certificate of OIN {caller} has no mandate for OIN {oin}", caller, advice=advice)
        if self.profile.api_key_header:
            now = self.service.clock.now()
            check_key(self.service.state, request, self.profile.api_key_header, authority, now)
        return caller, authority

    def _judged(self, document: bytes, caller: str, oin: str) -> Agreement:
        """What the CPA says to DSO-LV, when it is one for this organisatie, here and now. Raises DigikoppelaarError."""
        named = [party_id.value for side in cpa_names(document).parties for party_id in side.party_ids]
        if set(map(without_environment_suffix, named)) != {DSO_LV.oin, oin}:
            raise Problem(403, "the CPA is between others", caller, advice=_OTHER_PARTY.format(oin))
        agreement = read_agreement(document, [each for each in named if without_environment_suffix(each) == DSO_LV.oin])
        of_dso = {chain[0] for chain in self.own.certificates.values()}
        if (
            not set(agreement.ours.transport_certificates) <= of_dso
            or agreement.their_signals.endpoint != self.own.endpoint
        ):
            raise Problem(422, "the CPA is for another omgeving", caller, advice=_OTHER_OMGEVING)
        connections = self.aansluitteam.connections
        if plays(connections.omgeving) == "prod" and oin not in self.aansluitteam.pre_complete:
            raise Problem(403, "PRE is not complete", caller, advice=_PRE_FIRST.format(oin))
        now = self.service.clock.now()
        check_usable(findings(document, Judgement(now, Policy.STRICT, connections.acting)))
        self._check_transport(agreement, caller, now)
        return agreement

    def _check_transport(self, agreement: Agreement, caller: str, now: datetime) -> None:
        """The certificate that names the host of the endpoint is that of its server; another one is of a client."""
        host = urlsplit(agreement.our_signals.endpoint).hostname or ""
        found = list(map(read_certificate, agreement.theirs.transport_certificates))
        for each in found:
            check_trusted((each.der,), Use.TLS_SERVER if names_host(each, host) else Use.TLS_CLIENT, self.trust, now)
        if not any(names_host(each, host) for each in found):
            advice = f"De host {host} van het endpoint staat niet in het certificaat in de CPA."
            raise Problem(422, "the host of the endpoint is not in the certificate", caller, advice=advice)


async def _body(request: Request, caller: str) -> bytes:
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > _LIMIT:
            raise Problem(413, "the CPA is too large", caller, advice="Dit bestand is te groot voor een CPA.")
    return bytes(collected)
