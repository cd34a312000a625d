"""The CPA register over REST. Everything assumed about it comes from a profile (adapters/onboarding_profiles.py)."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

from digikoppelaar.adapters.document_calls import Calls
from digikoppelaar.adapters.facility_calls import LONGEST_QUOTE, Advice, Statuses
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.onboarding_profiles import RegisterProfile, load_register_profile
from digikoppelaar.adapters.proxies import Proxies
from digikoppelaar.adapters.public_tls import CertifiedContexts
from digikoppelaar.errors import ConfigError, FacilityAnswerBroken, VerzoekError
from digikoppelaar.flows.ports import Aansluiting, Clock, is_sandbox
from digikoppelaar.onboarding.register import (
    CpaRequest,
    MachtigingState,
    Participant,
    RegisterMachtiging,
    RegisterOrder,
    RequestState,
    Specification,
)
from digikoppelaar.pki.certificate import Use
from digikoppelaar.stam.links import json_object

T = TypeVar("T")

Item = Mapping[str, Any]


class RestCpaRegister:
    """flows.ports.register.CpaRegister."""

    def __init__(self, calls: Calls, profile: RegisterProfile) -> None:
        self._calls = calls
        self._profile = profile
        self._key = profile.key

    async def participants(self, oin: str) -> Sequence[Participant]:
        """See flows.ports.register.CpaRegister."""
        key = self._key
        read = lambda item: Participant(*(_text(item[name]) for name in (key.id, key.oin, key.naam)))  # noqa: E731
        return await self._list(self._profile.participants_path, key.participants, read, {key.oin: oin})

    async def specifications(self) -> Sequence[Specification]:
        """See flows.ports.register.CpaRegister."""
        key = self._key
        names = (key.id, key.naam, key.omgeving, key.server_participant)
        read = lambda item: Specification(*(_text(item[name]) for name in names))  # noqa: E731
        return await self._list(self._profile.specifications_path, key.specifications, read)

    async def machtigingen(self, gemachtigde: str, namens: str) -> Sequence[RegisterMachtiging]:
        """See flows.ports.register.CpaRegister."""
        key = self._key
        between = {key.gemachtigde: gemachtigde, key.namens: namens}
        return await self._list(self._profile.machtigingen_path, key.machtigingen, self._machtiging, between)

    async def ask_machtiging(self, gemachtigde: str, namens: str) -> RegisterMachtiging:
        """See flows.ports.register.CpaRegister."""
        asked = {self._key.gemachtigde: gemachtigde, self._key.namens: namens}
        return self._read(await self._post(self._profile.machtigingen_path, asked), self._machtiging)

    async def requests(self, oin: str) -> Sequence[CpaRequest]:
        """See flows.ports.register.CpaRegister."""
        key = self._key
        return await self._list(self._profile.requests_path, key.requests, self._request, {key.oin: oin})

    async def request(self, request_id: str) -> CpaRequest:
        """See flows.ports.register.CpaRegister."""
        return self._read(await self._get(_path(self._profile.request_path, request_id)), self._request)

    async def ask(self, order: RegisterOrder) -> CpaRequest:
        """See flows.ports.register.CpaRegister."""
        key = self._key
        asked = {
            key.specification: order.specification,
            key.server_participant: order.server_participant,
            key.oin: order.oin,
            key.endpoint: order.endpoint,
            key.certificates: encoded_certificates(order.certificates),
        }
        return self._read(await self._post(self._profile.requests_path, asked), self._request)

    async def document(self, request_id: str) -> bytes:
        """See flows.ports.register.CpaRegister."""
        path = _path(self._profile.document_path, request_id)
        return await self._calls.ask("GET", path, self._profile.document_media_types)

    async def regenerate(self, request_id: str, certificates: Mapping[Use, tuple[bytes, ...]]) -> CpaRequest:
        """See flows.ports.register.CpaRegister."""
        path = _path(self._profile.regenerate_path, request_id)
        return self._read(
            await self._post(path, {self._key.certificates: encoded_certificates(certificates)}), self._request
        )

    async def _get(self, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        return await self._calls.ask("GET", path, (self._profile.media_type,), parameters=parameters)

    async def _post(self, path: str, asked: Mapping[str, Any]) -> bytes:
        media_type = self._profile.media_type
        return await self._calls.ask(
            "POST", path, (media_type,), body=json.dumps(asked).encode(), media_type=media_type
        )

    async def _list(
        self, path: str, name: str, read: Callable[[Item], T], parameters: Mapping[str, str] | None = None
    ) -> list[T]:
        return self._read(await self._get(path, parameters), lambda answer: [read(each) for each in answer[name]])

    def _read(self, body: bytes, read: Callable[[Item], T]) -> T:
        """What `read` makes of a JSON object; raises FacilityAnswerBroken when it is not as the profile says."""
        try:
            return read(json_object(body, "answer"))
        except (VerzoekError, KeyError, TypeError, ValueError, AttributeError) as error:
            what = str(error) if isinstance(error, VerzoekError | KeyError) else type(error).__name__
            raise FacilityAnswerBroken(
                f"{self._profile.facility}: the answer is not as profile {self._profile.name} says: {what}",
                advice="Het CPA-register antwoordt anders dan wordt aangenomen; vraag de CPA met de hand aan "
                "(`digikoppelaar cpa request --by-hand`) en meld dit aan de beheerder van digikoppelaar.",
            ) from error

    def _machtiging(self, item: Item) -> RegisterMachtiging:
        key, status = self._key, self._profile.machtiging_status
        states = {
            status.asked: MachtigingState.ASKED,
            status.granted: MachtigingState.GRANTED,
            status.refused: MachtigingState.REFUSED,
        }
        number, gemachtigde, namens = (_text(item[name]) for name in (key.id, key.gemachtigde, key.namens))
        return RegisterMachtiging(number, gemachtigde, namens, states[item[key.status]])

    def _request(self, item: Item) -> CpaRequest:
        key, status = self._key, self._profile.request_status
        states = {
            status.asked: RequestState.ASKED,
            status.made: RequestState.MADE,
            status.refused: RequestState.REFUSED,
            status.replaced: RequestState.REPLACED,
        }
        order = RegisterOrder(
            _text(item[key.specification]),
            _text(item[key.server_participant]),
            _text(item[key.oin]),
            _text(item[key.endpoint]),
            decoded_certificates(item[key.certificates]),
        )
        if not all(order.certificates.values()):
            raise ValueError("a use has no certificate")
        cpa_id, reason, replaces = (_text(item.get(name) or "") for name in (key.cpa_id, key.reason, key.replaces))
        return CpaRequest(
            _text(item[key.id]), order, states[item[key.status]], cpa_id, reason[:LONGEST_QUOTE], replaces
        )


def register_sessions(keyring: Keyring, omgeving: str, proxies: Proxies) -> MtlsSessions:
    """Connections to the register of an omgeving; by what its server is trusted is in the profile."""
    of_partners = is_sandbox(omgeving) or load_register_profile().server_trust == "omgeving"
    return MtlsSessions(keyring if of_partners else CertifiedContexts(keyring), proxies=proxies)


def register_for(sessions: MtlsSessions, aansluiting: Aansluiting, clock: Clock) -> RestCpaRegister:
    """The register as the partij of this aansluiting meets it. Raises ConfigError when its address is not known."""
    profile = load_register_profile()
    http = MtlsHttp(sessions, aansluiting.omgeving, aansluiting.partij_oin)
    statuses = Statuses(profile.facility, _advice(aansluiting), clock, quotes=True)
    return RestCpaRegister(Calls(http, register_url(aansluiting), statuses), profile)


def register_url(aansluiting: Aansluiting) -> str:
    """The base URL of the register for this aansluiting; raises ConfigError when that of a sandbox is not said."""
    configured = aansluiting.dso.register_url if aansluiting.dso else ""
    if not configured and is_sandbox(aansluiting.omgeving):
        raise ConfigError(
            f"aansluiting {aansluiting.id} names no CPA register, and that of {aansluiting.omgeving} is not a real one",
            advice="Zet in de aansluiting onder [aansluiting.dso] het adres `register_url` van de sandbox.",
        )
    return configured or load_register_profile().base_url


def _path(template: str, request_id: str) -> str:
    return template.format(request=quote(request_id, safe=""))


def _text(value: object) -> str:
    """Words or a number, on one line and as they can be kept and shown. Raises TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("neither words nor a number")
    return "".join(filter(str.isprintable, " ".join(str(value).split())))


def encoded_certificates(certificates: Mapping[Use, tuple[bytes, ...]]) -> dict[str, list[str]]:
    """As they stand in JSON: base64 of DER, by use."""
    return {use.value: [b64encode(each).decode() for each in chain] for use, chain in certificates.items()}


def decoded_certificates(certificates: Mapping[str, Sequence[str]]) -> dict[Use, tuple[bytes, ...]]:
    """The reverse. Raises ValueError for what is not like that, AttributeError or TypeError."""
    return {Use(use): tuple(b64decode(each, validate=True) for each in chain) for use, chain in certificates.items()}


def _advice(aansluiting: Aansluiting) -> Advice:
    partij, organisatie = aansluiting.partij_oin, aansluiting.organisatie_oin
    return Advice(
        unauthorized=("it does not know the certificate", _ADVICE_401),
        forbidden=(f"{partij} may not do this for {organisatie}", _ADVICE_403),
        otherwise=_ADVICE_4XX,
        conflict=_ADVICE_409,
        not_found=_ADVICE_404,
    )


_ADVICE_401: Final = (
    "Het CPA-register herkent het PKIoverheid-certificaat niet: controleer het met `digikoppelaar certificate check`, "
    "en of deze partij bij het register bekend is."
)
_ADVICE_403: Final = (
    "Het CPA-register staat deze partij dit niet toe: het bevoegd gezag moet haar daar machtigen, en het OIN in het "
    "certificaat moet dat van de partij zijn."
)
_ADVICE_404: Final = (
    "Het CPA-register kent dit nummer of adres niet: bekijk met `digikoppelaar cpa status` welke aanvragen er zijn."
)
_ADVICE_409: Final = (
    "Het CPA-register heeft al een andere aanvraag of CPA die hiermee botst: bekijk met `digikoppelaar cpa status` "
    "welke er zijn, en trek de oude in bij het register."
)
_ADVICE_4XX: Final = (
    "Het CPA-register keurt de aanvraag af: controleer nummers, endpoint en certificaten, of vraag de CPA met de hand "
    "aan (`digikoppelaar cpa request --by-hand`)."
)
