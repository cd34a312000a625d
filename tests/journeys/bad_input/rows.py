"""What a row of the corpus says, and how the kinds of rows are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.journeys.bad_input.requests import Build

REJECTED: Mapping[str, int] = {"inbound": 1, "outbound": 1}
"""A message that breaks the agreement is stored with its error, and a MessageError goes back (2.6): so that the
partner's resend gets the same error again."""


@dataclass(frozen=True, slots=True)
class BadInput:
    """One hostile request.

    `statuses` is what may be answered on the HTTP level, None being a connection that is closed without an answer.
    `fault` is the SOAP fault code in the answer, `error` the ebXML code under which the message is stored as rejected;
    where neither is given nothing is promised about the answer's body. `stored` is what it adds to the stored counts.
    `hang_up`: the attacker closes the connection after the last byte and waits for nothing.
    """

    name: str
    build: Build
    statuses: frozenset[int | None]
    why: str
    fault: str | None = None
    error: str | None = None
    stored: Mapping[str, int] = field(default_factory=dict)
    hang_up: bool = False


def http(name: str, build: Build, *statuses: int | None, why: str) -> BadInput:
    """Wrong on the HTTP level: no SOAP to answer with."""
    return BadInput(name, build, frozenset(statuses), why)


def left(name: str, build: Build, *, why: str) -> BadInput:
    """Not finished: nobody is left to answer."""
    return BadInput(name, build, frozenset({None}), why, hang_up=True)


def fault(name: str, build: Build, *, why: str, code: str = "Client", status: int = 500) -> BadInput:
    """Not a message that can be stored: SOAP fault, and nothing stays."""
    return BadInput(name, build, frozenset({status}), why, fault=code)


def rejected(name: str, build: Build, code: str, *, why: str, status: int = 204) -> BadInput:
    """A message that breaks the agreement: taken in, stored with the error, never handed over."""
    return BadInput(name, build, frozenset({status}), why, error=code, stored=REJECTED)
