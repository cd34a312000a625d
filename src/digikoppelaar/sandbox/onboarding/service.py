"""What the REST services of onboarding have in common: who asks, faults, and refusals that are explained."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.sandbox.answers import after
from digikoppelaar.sandbox.faults import Fault, Faults, Kind, Target
from digikoppelaar.sandbox.rest import Problem, as_problem, certificate_oin
from digikoppelaar.sandbox.state import SandboxState
from digikoppelaar.sandbox.strictness import Refusal

MARK: Final = {"x-sandbox": "SANDBOX, voorlopig: dit is een bedachte API"}
_NO_CERTIFICATE: Final = "Er is een PKIoverheid-certificaat met OIN of HRN nodig."

Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Service:
    """The counter of one of them; `target` is what it is called among the faults and the refusals."""

    target: Target
    state: SandboxState
    faults: Faults
    clock: Clock

    def caller(self, request: Request) -> str:
        """The OIN of who asks. Raises Problem."""
        oin = certificate_oin(request)
        if not oin:
            raise Problem(401, "no certificate with an OIN", "", advice=_NO_CERTIFICATE)
        return oin

    def guarded(self, answer: Answer) -> Answer:
        """The same, with the fault that strikes; only ANSWER keeps it from being done."""

        async def guarded(request: Request) -> Response:
            self.caller(request)
            fault = self.faults.strike(self.target)
            match fault:
                case Fault(kind=Kind.DELAY, seconds=seconds):
                    await asyncio.sleep(seconds)
                case Fault(kind=Kind.ANSWER, status=status):
                    return as_problem(status, "Er staat een storing van de sandbox aan.")
            return after(fault, await self._explained(request, answer), MARK)

        return guarded

    @property
    def handlers(self) -> dict[type[Exception] | int, ExceptionHandler]:
        """For Starlette: what is refused before anything is done."""

        async def refused(request: Request, error: Exception) -> Response:
            assert isinstance(error, Problem)
            return self._refused(error)

        return {Problem: refused}

    async def _explained(self, request: Request, answer: Answer) -> Response:
        try:
            return await answer(request)
        except Problem as problem:
            return self._refused(problem)
        except ConfigError as error:
            return as_problem(404, error.advice)

    def _refused(self, problem: Problem) -> Response:
        if problem.oin is not None:
            refusal = Refusal(str(problem.status), str(problem), http=True)
            self.state.refuse(self.clock.now(), self.target.value, problem.oin, refusal)
        return as_problem(problem.status, problem.advice)
