"""Who may call: a JWT that the client signed itself, or a token from the token endpoint (zgw.md 1.1 and 1.2)."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tests.doubles.answers import Problem
from tests.doubles.zgw.world import World

CLIENT_ID = "digikoppelaar-test"
SECRET = "a secret of the tests, long enough for HS256"
TOKEN_PATH = "/token"


class Access:
    """The tokens that the double takes. `client_id` and `secret` may be changed while it runs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.client_id, self.secret = CLIENT_ID, SECRET
        self._tokens: dict[str, datetime] = {}
        """When each ends."""

    def check(self, request: Request) -> None:
        """Raises Problem: 403 for a JWT that will not do, 401 for no token or an OAuth2 token that ended."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(401, "not_authenticated", "Authenticatiegegevens zijn niet opgegeven.")
        if token in self._tokens:
            if self._tokens[token] <= self._world.now():
                raise Problem(401, "invalid_token", "The access token expired")
        elif self._world.quirks.only_oauth2:
            raise Problem(401, "invalid_token", "The access token is unknown")
        else:
            self._check_jwt(token)

    def end_tokens(self) -> None:
        """Every OAuth2 token so far has ended."""
        self._tokens = dict.fromkeys(self._tokens, self._world.now())

    async def token(self, request: Request) -> Response:
        """The token endpoint: grant client_credentials, with the credentials in the body or in Basic."""
        form = {name: found[0] for name, found in parse_qs((await request.body()).decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if self._given(request, form) != (self.client_id, self.secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        token = secrets.token_urlsafe(32)
        expiry = self._world.quirks.token_expiry
        self._tokens[token] = datetime.fromtimestamp(self._world.now().timestamp() + expiry, self._world.now().tzinfo)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": expiry})

    def _given(self, request: Request, form: dict[str, str]) -> tuple[str, str]:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(value).decode().partition(":")
            return unquote_plus(name), unquote_plus(secret)  # each is encoded as in a form (RFC 6749, 2.3.1)
        return form.get("client_id", ""), form.get("client_secret", "")

    def _check_jwt(self, token: str) -> None:
        head, claims, signed, signature = _taken_apart(token)
        if head.get("alg") != "HS256":
            raise Problem(403, "jwt-did-not-validate", "JWT did not validate")
        if claims.get("client_id") != self.client_id:
            raise Problem(403, "invalid-client-identifier", "Client identifier bestaat niet")
        if not hmac.compare_digest(hmac.digest(self.secret.encode(), signed, hashlib.sha256), signature):
            raise Problem(403, "invalid-jwt-signature", "Client credentials zijn niet geldig")
        now = self._world.now().timestamp()
        issued = claims.get("iat")
        if not isinstance(issued, int | float):
            raise Problem(403, "jwt-missing-iat-claim", "The JWT has no `iat`")
        if issued + self._world.quirks.token_expiry < now or claims.get("exp", now) < now:
            raise Problem(403, "jwt-expired", "The JWT used for authentication is expired")


def _taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, claims, signature = token.split(".")
        signed = f"{head}.{claims}".encode()
        return json.loads(_octets(head)), json.loads(_octets(claims)), signed, _octets(signature)
    except (ValueError, binascii.Error) as error:
        raise Problem(403, "jwt-did-not-validate", "JWT did not validate") from error


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
