"""One call of a national facility: what a status, a fault of the network and a broken answer mean, as FacilityErrors.

Who asks, and with which key, is for the clients.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.adapters.retry_after import retry_after
from digikoppelaar.errors import (
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    PartnerUnreachable,
    VerzoekError,
)
from digikoppelaar.flows.ports import Clock
from digikoppelaar.stam.links import json_object, media_type_of

DOCUMENT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an answer that is read whole: links and references, a few hundred bytes for each; or one CPA."""
PROBLEM: Final = "application/problem+json"
LONGEST_QUOTE: Final = 300
"""Characters of an explanation."""


class Http(Protocol):
    """What is needed of adapters.http_out.MtlsHttp: it connects as the partij of the aansluiting.

    That partij is the organisatie itself, or its leverancier with a mandate (stam.md 3.3).
    """

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.get; raises PartnerUnreachable, also while chunks are read."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.post."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.request."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to say of an answer that refuses: the cause in English and, in Dutch, what an administrator should do."""

    unauthorized: tuple[str, str]
    forbidden: tuple[str, str]
    otherwise: str
    """Of any other 4xx."""
    conflict: str = ""
    """Of 409; empty: as any other."""
    not_found: str = ""
    """Of 404; empty: what FacilityNotFound says."""


@dataclass(frozen=True, slots=True)
class Statuses:
    """How a facility is spoken of when it answers what was not hoped for."""

    facility: str
    advice: Advice
    clock: Clock
    quotes: bool = False
    """Whether the advice quotes the explanation in a refusal: only where no answer can hold personal data."""

    @asynccontextmanager
    async def checked(
        self, asked: AbstractAsyncContextManager[HttpStream], fine: Collection[int]
    ) -> AsyncIterator[HttpStream]:
        """An answer with a status that is `fine`; every other status and every fault of the network is an error."""
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(asked)
            except PartnerUnreachable as error:
                raise FacilityUnavailable(f"{self.facility}: {error}") from error
            try:
                self._check(answer, fine)
            except FacilityError as error:
                if self.quotes and (told := await self._explained(answer)):
                    error.advice = f"{error.advice} {self.facility} zegt: {told}"
                raise
            yield answer

    async def whole(self, answer: HttpStream) -> bytes:
        """The body; raises FacilityAnswerBroken over DOCUMENT_LIMIT, and as `chunks` does."""
        body = bytearray()
        async for chunk in self.chunks(answer):
            body += chunk
            if len(body) > DOCUMENT_LIMIT:
                raise FacilityAnswerBroken(f"{self.facility}: an answer is over {DOCUMENT_LIMIT} bytes")
        return bytes(body)

    async def chunks(self, answer: HttpStream) -> AsyncIterator[bytes]:
        """The body; an answer that breaks off before its announced length or its last chunk is broken."""
        done = 0
        try:
            async for chunk in answer.chunks:
                done += len(chunk)
                yield chunk
        except PartnerUnreachable as error:
            raise FacilityAnswerBroken(f"{self.facility}: after {done} bytes: {error}") from error

    async def _explained(self, answer: HttpStream) -> str:
        """What a problem says for people (RFC 9457), on one line; empty when it says nothing."""
        if media_type_of(answer.headers.get("content-type", "")) != PROBLEM:
            return ""
        try:
            problem = json_object(await self.whole(answer), "problem")
        except (FacilityError, VerzoekError):
            return ""
        said = " ".join(str(problem.get("detail") or problem.get("title") or "").split())
        return "".join(filter(str.isprintable, said))[:LONGEST_QUOTE]

    def _check(self, answer: HttpStream, fine: Collection[int]) -> None:
        said, advice = f"{self.facility} answered {answer.status}", self.advice
        match answer.status:
            case status if status in fine:
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise FacilityAnswerBroken(f"{said} with a content encoding that was not asked for")
            case HTTPStatus.UNAUTHORIZED:
                raise FacilityRefused(f"{said}: {advice.unauthorized[0]}", advice=advice.unauthorized[1])
            case HTTPStatus.FORBIDDEN:
                raise FacilityRefused(f"{said}: {advice.forbidden[0]}", advice=advice.forbidden[1])
            case HTTPStatus.NOT_FOUND:
                raise FacilityNotFound(said, advice=advice.not_found)
            case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
                raise FacilityUnavailable(said, retry_after=self._retry_after(answer))
            case status if status >= 500:
                raise FacilityUnavailable(said, retry_after=self._retry_after(answer))
            case HTTPStatus.CONFLICT if advice.conflict:
                raise FacilityError(f"{said}: it has something else under this name", advice=advice.conflict)
            case status if status >= 400:
                raise FacilityError(f"{said}: it does not accept this request", advice=advice.otherwise)
            case _:
                raise FacilityAnswerBroken(f"{said} which was not asked for; redirects are not followed")

    def _retry_after(self, answer: HttpStream) -> float | None:
        return retry_after(answer.headers.get("retry-after", ""), self.clock.now())
