"""Logging in: password and code, or the word of an identity provider; and who a session is (ADR 26).

A refusal never tells whether the name, the password or the account was wrong, and takes as long for a name that is not
there. Whoever fails too often waits, also with the right password: the attempt is on record before it is judged, so
that many at once get no more tries than one after the other.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from digikoppelaar.flows.access import Grant
from digikoppelaar.flows.login_states import NEXT, Proof, Stage
from digikoppelaar.flows.ports.access import Account, AccountStore, Attempts, Credentials, Session, SessionStore
from digikoppelaar.flows.ports.machine import Clock

IDLE: Final = timedelta(minutes=30)
"""A session that is not used for so long ends."""
LONGEST: Final = timedelta(hours=10)
"""And no session lasts longer: a working day."""
FOR_THE_CODE: Final = timedelta(minutes=10)
"""Between password and code."""
WINDOW: Final = timedelta(minutes=15)
"""In which failures are counted."""
MOST_HERE: Final = 10
"""Failures of one name from one address; more from elsewhere lock nobody out of his own place."""
MOST_OF_NAME: Final = 100
MOST_OF_ADDRESS: Final = 100
SEEN_EVERY: Final = timedelta(minutes=1)
LONGEST_PASSWORD: Final = 1024
SHORTEST_PASSWORD: Final = 12
"""Of a new one: length is worth more than odd characters (NIST SP 800-63B, 5.1.1)."""


class Passwords(Protocol):
    """A slow hash; runs beside the event loop."""

    async def hash(self, password: str) -> str:
        """With its parameters and salt in it."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the one; None takes as long and never is."""

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with weaker parameters than are in use now."""


class Codes(Protocol):
    """One-time codes of an authenticator app (TOTP, RFC 6238), with their secrets sealed for the database."""

    def new_secret(self) -> bytes:
        """Sealed."""

    def address(self, secret: bytes, name: str) -> str:
        """The otpauth address that an app takes, as a picture or typed over."""

    def step_of(self, secret: bytes, code: str, at: float) -> int | None:
        """The time step to which this code belongs, when it is right now or was or will be a moment ago."""


class Tokens(Protocol):
    """Where the tokens of sessions come from."""

    def token(self) -> str:
        """With 256 random bits, in URL-safe base64."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session was opened; `token` goes into the cookie and nowhere else."""

    token: str
    stage: Stage
    account: Account


@dataclass(frozen=True, slots=True)
class Refused:
    """No session was opened. `too_often`: not until `wait` has passed since the failures."""

    too_often: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """See the module. `second_factor`: local accounts must have one."""

    accounts: AccountStore
    sessions: SessionStore
    passwords: Passwords
    codes: Codes
    tokens: Tokens
    clock: Clock
    second_factor: bool

    async def password(self, name: str, password: str, address: str) -> Opened | Refused:
        """Somebody gives a name and a password."""
        attempt = await self._attempt(name, address)
        if _too_often(attempt):
            return Refused(too_often=True)
        # The database refuses NUL, and no name has other characters that do not show.
        possible = name.isprintable() and len(password) <= LONGEST_PASSWORD
        known = await self.accounts.credentials(name) if possible else None
        right = await self.passwords.verify(known.password_hash if known else None, password[:LONGEST_PASSWORD])
        if not known or not right:
            return Refused()
        if self.passwords.outdated(known.password_hash):
            await self.accounts.rehash(known.account.id, await self.passwords.hash(password))
        proof = self._proof(known)
        if NEXT[Stage.NOBODY, proof] is Stage.IN:
            await self.sessions.succeeded(attempt.id)
        return await self._open(known.account, Stage.NOBODY, proof, None)

    async def code(self, token: str, code: str, address: str) -> Opened | Refused:
        """Somebody of whom the password was right gives a code. A code is right once."""
        session = await self.visitor(token)
        if session is None or (session.stage, Proof.CODE) not in NEXT:
            return Refused()
        attempt = await self._attempt(session.account.name, address)
        if _too_often(attempt):
            return Refused(too_often=True)
        known = await self.accounts.credentials(session.account.name)
        secret = known.code_secret if known else None
        step = self.codes.step_of(secret, code, self.clock.now().timestamp()) if secret else None
        if step is None or not await self.accounts.use_code(session.account.id, step):
            return Refused()
        await self.sessions.succeeded(attempt.id)
        return await self._open(session.account, session.stage, Proof.CODE, token)

    async def enrol(self, session: Session) -> str:
        """The address for the authenticator app of somebody who must get a second factor.

        The same until a code proves that the app has it: who reloads the page need not begin again. Raises nothing.
        """
        known = await self.accounts.credentials(session.account.name)
        assert known
        secret = known.code_secret
        if secret is None:
            secret = self.codes.new_secret()
            await self.accounts.set_code(session.account.id, secret)
        return self.codes.address(secret, session.account.name)

    async def provider(self, issuer: str, subject: str, name: str, grants: Sequence[Grant]) -> Opened | Refused:
        """The identity provider says who it is, and what its groups grant."""
        account = await self.accounts.known_by_provider(issuer, subject, name, grants, self.clock.now())
        return Refused() if account is None else await self._open(account, Stage.NOBODY, Proof.PROVIDER, None)

    async def visitor(self, token: str) -> Session | None:
        """Whose session it is, also one that is not in yet. Being asked keeps it alive."""
        now = self.clock.now()
        key = key_of(token)
        found = await self.sessions.session(key, began_after=now - LONGEST, seen_after=now - IDLE)
        if found is None or (found.stage is not Stage.IN and found.began_at < now - FOR_THE_CODE):
            return None
        if found.seen_at < now - SEEN_EVERY:
            await self.sessions.seen(key, now)
        return found

    async def log_out(self, token: str) -> None:
        """The session ends, and not only in the browser."""
        await self.sessions.end(key_of(token))

    async def sweep(self) -> None:
        """Forget what is too old to count."""
        now = self.clock.now()
        await self.sessions.sweep(began_before=now - LONGEST, seen_before=now - IDLE)

    def _proof(self, known: Credentials) -> Proof:
        if known.account.has_code:
            return Proof.PASSWORD_CODE_KNOWN
        return Proof.PASSWORD_CODE_WANTED if self.second_factor else Proof.PASSWORD

    async def _attempt(self, name: str, address: str) -> Attempts:
        now = self.clock.now()
        return await self.sessions.attempt(name, address, now, now - WINDOW)

    async def _open(self, account: Account, stage: Stage, proof: Proof, instead_of: str | None) -> Opened:
        token, after = self.tokens.token(), NEXT[stage, proof]
        replaced = key_of(instead_of) if instead_of else None
        await self.sessions.open(key_of(token), account.id, after, self.clock.now(), replaced)
        return Opened(token, after, account)


def _too_often(attempts: Attempts) -> bool:
    return (
        attempts.of_name_here >= MOST_HERE or attempts.of_name >= MOST_OF_NAME or attempts.of_address >= MOST_OF_ADDRESS
    )


def key_of(token: str) -> bytes:
    """What is kept of a token: who reads the database cannot use a session."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def csrf_of(token: str) -> str:
    """What every form of this session carries; a page of another site cannot know it."""
    return hmac.new(token.encode(errors="replace"), b"digikoppelaar form", hashlib.sha256).hexdigest()
