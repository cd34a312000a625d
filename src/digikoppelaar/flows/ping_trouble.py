"""Why no Pong came, and who must act: told from what became of the Ping, in Dutch. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.reading import AttemptRow, MessagePage
from digikoppelaar.onboarding.model import Rol


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, what to do about it, and who must look first; `code` is for programs."""

    code: str
    says: str
    advice: str
    who: Rol


_FORBIDDEN: Final = frozenset({401, 403})
_TAKEN: Final = range(200, 300)
_NOT_SENT: Final = Trouble(
    "not-sent",
    "De Ping is nog niet verstuurd.",
    "Start `digikoppelaar serve`: die verstuurt hem.",
    Rol.DIGIKOPPELAAR,
)
_NO_CONNECTION: Final = Trouble(
    "no-connection",
    "Er komt geen verbinding met DSO tot stand.",
    "Laat uitgaand verkeer naar dit adres toe in de firewall en controleer de proxy; lukt het dan niet, vraag het "
    "aansluitteam of het endpoint van DSO in de lucht is.",
    Rol.DIGIKOPPELAAR,
)
_THEIRS_NOT_TRUSTED: Final = Trouble(
    "their-certificate",
    "Het certificaat van de server van DSO wordt hier niet vertrouwd.",
    "Zet het juiste stamcertificaat van PKIoverheid bij `trust_anchors` van deze omgeving.",
    Rol.DIGIKOPPELAAR,
)
_OURS_REFUSED: Final = Trouble(
    "our-certificate",
    "DSO verbreekt de verbinding: waarschijnlijk wordt ons certificaat niet aangenomen.",
    "Controleer stap 3.2 (keten, geldigheid, OIN); is die goed, vraag het aansluitteam of dit certificaat bekend is.",
    Rol.DIGIKOPPELAAR,
)
_CPA_UNKNOWN: Final = Trouble(
    "cpa-unknown",
    "DSO kent de CPA niet.",
    "Is precies dit bestand aan DSO aangeboden (stap 3.4)? Zo ja, vraag het aansluitteam waarom hij ontbreekt.",
    Rol.AANSLUITTEAM,
)
_REFUSED: Final = Trouble(
    "refused",
    "DSO neemt de Ping niet aan.",
    "Geef het bericht-id en de reden door aan het aansluitteam.",
    Rol.AANSLUITTEAM,
)
_NO_PONG: Final = Trouble(
    "no-pong",
    "DSO nam de Ping aan, maar er kwam geen Pong terug.",
    "Laat de adressen van DSO toe in de firewall voor inkomend verkeer (stap 3.5). Staat in de CPA het adres van dit "
    "endpoint?",
    Rol.DIGIKOPPELAAR,
)


def trouble(result: PingResult, ping: MessagePage) -> Trouble:
    """What kept the Pong away; `ping` is our message as it is now."""
    if result.state == "refused":
        return _refused(f"{result.reason} {ping.message.reason}")
    last = _ended(ping.attempts)
    if last is None:
        return _NOT_SENT
    if last.status is None:
        return _unreached(last.detail)
    if last.status in _FORBIDDEN:
        return _OURS_REFUSED
    return _refused(last.detail) if last.status not in _TAKEN else _NO_PONG


def _refused(reason: str) -> Trouble:
    return _CPA_UNKNOWN if "CPA" in reason else _REFUSED


def _ended(attempts: Sequence[AttemptRow]) -> AttemptRow | None:
    return next((each for each in reversed(attempts) if each.ended_at), None)


def _unreached(detail: str) -> Trouble:
    """By what the transport said: see adapters.http_out."""
    if "certificate is not trusted" in detail:
        return _THEIRS_NOT_TRUSTED
    if "TLS failed" in detail or "closed the connection" in detail:
        return _OURS_REFUSED
    return _NO_CONNECTION
