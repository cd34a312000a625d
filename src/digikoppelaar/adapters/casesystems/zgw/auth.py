"""Two ways to say who we are: the JWT of ZGW, and OAuth2 client credentials (zgw.md 1.1).

Secrets stand in files, are read when a token is made, and are in no error. A token is kept until shortly before its
end.
"""

import asyncio
import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import jwt
from jwt.warnings import InsecureKeyLengthWarning

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.casesystems.answers import check
from digikoppelaar.adapters.casesystems.http import Call, CaseSystemHttp
from digikoppelaar.adapters.casesystems.zgw.settings import ZgwSettings
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused
from digikoppelaar.flows.ports import Clock

_JWT_LIFE: Final = timedelta(minutes=10)
"""Servers take a JWT for an hour after its iat (zgw.md 1.2); a secret that is replaced counts sooner."""
_MARGIN: Final = timedelta(seconds=30)
"""Before its end a token is not used any more: a call takes time."""
_NO_EXPIRY: Final = 60
"""Seconds that a token counts when the server does not say how long it does (RFC 6749, 5.1)."""
_BOUND: Final = 1000

Key = tuple[str, ...]


@dataclass(slots=True)
class Tokens:
    """The tokens of this process, each with the moment from which it is not used any more."""

    _kept: dict[Key, tuple[str, datetime]] = field(default_factory=dict, repr=False)
    _making: dict[Key, asyncio.Lock] = field(default_factory=dict)

    async def token(self, settings: ZgwSettings, http: CaseSystemHttp, clock: Clock) -> str:
        """A token for this target. Raises ConfigError for its secret, and as `CaseSystemHttp.send` and `check` do."""
        key = _key(settings)
        async with self._making.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept[1] <= clock.now():
                if len(self._kept) >= _BOUND:
                    self._kept.clear()
                kept = self._kept[key] = await _made(settings, http, clock)
            return kept[0]

    def forget(self, settings: ZgwSettings, token: str) -> None:
        """The server does not take this token: the next call makes another, unless that was done already."""
        if self._kept.get(_key(settings), ("",))[0] == token:
            del self._kept[_key(settings)]


def _key(settings: ZgwSettings) -> Key:
    names = (settings.client_id, str(settings.secret_file), settings.token_url, settings.scope)
    return (settings.auth, *names, settings.user_id, settings.user_representation)


async def _made(settings: ZgwSettings, http: CaseSystemHttp, clock: Clock) -> tuple[str, datetime]:
    secret = await asyncio.to_thread(secret_line, settings.secret_file, "secret")
    if settings.auth == "oauth2":
        return await _asked(settings, secret, http, clock)
    return signed(settings, secret, clock.now()), clock.now() + _JWT_LIFE


def signed(settings: ZgwSettings, secret: str, now: datetime) -> str:
    """The JWT of ZGW: HS256 over who we are, for whom we act, and when."""
    claims: Mapping[str, Any] = {
        "iss": settings.client_id,
        "iat": int(now.timestamp()),
        "client_id": settings.client_id,
        "user_id": settings.user_id,
        "user_representation": settings.user_representation,
    }
    with warnings.catch_warnings():  # how long a secret is was decided at the case system
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(dict(claims), secret, algorithm="HS256")


async def _asked(
    settings: ZgwSettings, secret: str, http: CaseSystemHttp, clock: Clock
) -> tuple[str, datetime]:  # fmt: skip
    """Client credentials (RFC 6749, 4.4)."""
    asked_at = clock.now()
    answer = await http.send(_token_call(settings, secret))
    if answer.status in (400, 401, 403):
        raise CaseSystemRefused(
            f"the token server answered {answer.status}",
            advice="De tokenserver geeft geen toegang: controleer `token_url`, `client_id`, `scope` en het bestand "
            "`secret_file`, en geef het verzoek vrij met `digikoppelaar verzoek release`.",
        )
    check(answer, "token", clock.now())
    try:
        found = json.loads(answer.body)
        token, seconds = str(found["access_token"]), float(found.get("expires_in") or _NO_EXPIRY)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CaseSystemError("the answer of the token server has no access_token") from error
    return token, asked_at + max(timedelta(seconds=seconds) - _MARGIN, timedelta(seconds=seconds / 2))


def _token_call(settings: ZgwSettings, secret: str) -> Call:
    form = {"grant_type": "client_credentials"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if settings.scope:
        form["scope"] = settings.scope
    if settings.token_auth == "post":  # noqa: S105 - the name of a way, not a secret
        form |= {"client_id": settings.client_id, "client_secret": secret}
    else:  # each part form-encoded (RFC 6749, 2.3.1)
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Call(
        "POST",
        settings.token_url,
        headers,
        urlencode(form).encode(),
        ca_file=settings.ca_file,
        identity=identity(settings),
        timeout=settings.timeout,
    )


def identity(settings: ZgwSettings) -> tls.Identity | None:
    """The certificate to show, where mTLS comes on top of the token."""
    if settings.certificate_file is None or settings.key_file is None:
        return None
    return tls.Identity(settings.certificate_file, settings.key_file)
