"""What every double has: a socket, calls that go wrong on request, and an end that tells what broke an OpenAPI file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from tests.doubles.openapi import Contract, contract
from tests.doubles.traffic import Call, Fault, Traffic, When
from tests.servers import serving
from tests.shared import SHARED_DATA


class Violation(AssertionError):
    """A request or an answer that the OpenAPI file forbids."""


class Double:
    """A double over its traffic. Subclasses say what happens when it listens and when it stops."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listen on a free port. Raises Violation in the end when a call broke the OpenAPI file."""
        async with serving(self.traffic) as port:
            self.listens_at(f"http://127.0.0.1:{port}")
            try:
                yield self
            except BaseException as error:
                for each in self.violations:  # often why the test failed
                    error.add_note(each)
                raise
            finally:
                self.stopped()
        if self.violations:
            raise Violation("\n".join(self.violations))

    def listens_at(self, base: str) -> None:
        """The address is known, without a slash at the end."""
        raise NotImplementedError

    def stopped(self) -> None:
        """The end of its context."""

    @property
    def calls(self) -> list[Call]:
        """Every call so far. `str(call)` is `POST zaken/zaken`, with `*` for a UUID in the path."""
        return self.traffic.calls

    @property
    def violations(self) -> list[str]:
        """What broke the OpenAPI file; clear it in a test that does so on purpose."""
        return self.traffic.violations

    def called(self, pattern: When) -> list[Call]:
        """The calls that fit."""
        probe = Fault(pattern, times=None)
        return [each for each in self.calls if probe.strikes(each)]

    def fail(
        self, when: When = "*", *, status: int, retry_after: int | None = None, skip: int = 0, times: int | None = 1
    ) -> None:
        """Answer with an error instead of carrying out: the calls that fit, after `skip` of them; `times` None: all."""
        self.traffic.faults.append(Fault(when, status=status, retry_after=retry_after, skip=skip, times=times))

    def cut(self, when: When = "*", *, carried_out: bool = True, skip: int = 0, times: int | None = 1) -> None:
        """Drop the connection instead of answering. aiohttp repeats a cut GET or PUT by itself, once."""
        self.traffic.faults.append(Fault(when, cut=True, carried_out=carried_out, skip=skip, times=times))

    def cut_after(self, calls: int, *, carried_out: bool = True) -> None:
        """Let so many calls go well; drop the connection at the next, and at all after it until `heal`.

        Only that next one is carried out, or not even that. So a client finds the double gone at a chosen moment.
        """
        self.cut(skip=calls, carried_out=carried_out)
        self.cut(skip=calls, carried_out=False, times=None)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.traffic.faults.clear()


def contracts_of(files: Mapping[str, str]) -> dict[str, Contract]:
    """The contract for each beginning of a path; none where the files are not beside the repository."""
    if not SHARED_DATA.is_dir():
        return {}
    return {prefix: contract(SHARED_DATA / "zgw" / name) for prefix, name in files.items()}
