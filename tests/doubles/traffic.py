"""What stands before every double: a log of calls, a pace, calls that go wrong on request, and the check of each call
against the OpenAPI file. Knows nothing of what the double does.
"""

import asyncio
import fnmatch
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.doubles.openapi import Body, Contract

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CONTROL: Final = "/_double/"
"""Paths for the test itself: not logged, not slowed down, not checked."""


@dataclass(slots=True)
class Call:
    """One call as it came in; `str` is how a test names it: method and path, with `*` for each UUID."""

    number: int
    method: str
    path: str
    """Relative to the address of the double: zaken/zaken/..."""
    query: str = ""
    status: int | None = None
    """Of the answer; None while there is none, and when the connection was cut before the call was carried out."""
    reached: bool = False
    """Whether the answer was given to the client."""

    def __str__(self) -> str:
        return f"{self.method} {UUID.sub('*', self.path)}"


When = str | Callable[[Call], bool]
"""Which calls: a pattern as for file names over `str(call)`, such as `POST zaken/*`; or a function."""


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with calls that fit `when`, `times` times (None: always), after `skip` of them."""

    when: When
    status: int | None = None
    retry_after: int | None = None
    cut: bool = False
    carried_out: bool = False
    """Of a cut call: whether its effect remains."""
    skip: int = 0
    times: int | None = 1

    def strikes(self, call: Call) -> bool:
        """Whether it is this call's turn; counts."""
        fits = fnmatch.fnmatchcase(str(call), self.when) if isinstance(self.when, str) else self.when(call)
        if not fits or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass(slots=True)
class Pace:
    """How fast the double is, and how busy it was. Times in seconds."""

    latency: float | tuple[float, float] = 0.0
    """Of each call; of two numbers, somewhere between them."""
    at_once: int | None = None
    """How many calls it works on; others wait. None: any number."""
    most_at_once: int = 0
    _under_way: int = 0
    _weighted: float = 0.0
    _first: float | None = None
    _changed: float = 0.0
    _room: asyncio.Semaphore | None = None
    _dice: random.Random = field(default_factory=lambda: random.Random(1))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """One call: waits for its turn, takes its time."""
        self._room = self._room or asyncio.Semaphore(self.at_once or 1_000_000)
        async with self._room:
            self._count(1)
            try:
                if seconds := self._seconds():
                    await asyncio.sleep(seconds)
                yield
            finally:
                self._count(-1)

    def busy_share(self) -> float | None:
        """Of the time since the first call, how much of the capacity was in use; None without one or the other."""
        self._count(0)
        if self._first is None or not self.at_once or self._changed == self._first:
            return None
        return self._weighted / (self.at_once * (self._changed - self._first))

    def restart(self) -> None:
        """Measure from the next call on."""
        self._first, self._weighted, self.most_at_once = None, 0.0, 0

    def _seconds(self) -> float:
        return self._dice.uniform(*self.latency) if isinstance(self.latency, tuple) else self.latency

    def _count(self, more: int) -> None:
        instant = time.monotonic()
        if self._first is None:
            if more <= 0:
                self._under_way += more
                return
            self._first = self._changed = instant
        if more or self._under_way:  # silence after the last call is not the client's fault
            self._weighted += self._under_way * (instant - self._changed)
            self._changed = instant
        self._under_way += more
        self.most_at_once = max(self.most_at_once, self._under_way)


class _Gone(Exception):
    """The client went away in the middle of its request, which then never was one."""


class Traffic:
    """An ASGI app around a double's own app."""

    def __init__(self, app: ASGIApp, contracts: Mapping[str, Contract], pace: Pace) -> None:
        self._app = app
        self._contracts = contracts
        """By the beginning of the path that they are for: `/zaken/api/v1`."""
        self.pace = pace
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.keep_calls = True
        self.number = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        call = self._logged(scope)
        fault = next((each for each in self.faults if each.strikes(call)), None)
        with suppress(_Gone):
            await self._answered(call, fault, scope, receive, send)

    async def _answered(self, call: Call, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.pace.held():
            if fault is not None and fault.status is not None:
                await _drain(receive)
                call.status, call.reached = fault.status, True
                await _say(send, fault, scope["path"])
            elif fault is not None and fault.cut:
                if fault.carried_out:
                    await self._carried_out(call, scope, receive)
                await _cut(send)
            else:
                for message in await self._carried_out(call, scope, receive):
                    await send(message)
                call.reached = True

    def _logged(self, scope: Scope) -> Call:
        self.number += 1
        path = re.sub(r"^/(\w+)/api/v\d+/", r"\1/", scope["path"]).lstrip("/")
        call = Call(self.number, scope["method"], path, scope["query_string"].decode())
        if self.keep_calls:
            self.calls.append(call)
        return call

    async def _carried_out(self, call: Call, scope: Scope, receive: Receive) -> list[Message]:
        """Do it, whole, before anything is said: the answer must be checked first."""
        body = await _drain(receive)
        operation = self._operation(call, scope)
        if operation is not None:
            query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
            faults = operation.request_faults(query, _headers(scope["headers"]), await _body(scope, body))
            scope["violations"] = faults
            self.violations += [f"{call}: request: {fault}" for fault in faults]
        said: list[Message] = []

        async def collect(message: Message) -> None:
            said.append(message)

        await self._app(scope, _again(body), collect)
        call.status = said[0]["status"]
        if operation is not None:
            self._check_answer(call, operation, said)
        return said

    def _operation(self, call: Call, scope: Scope) -> Any:
        for prefix, contract in self._contracts.items():
            if scope["path"].startswith(prefix + "/"):
                operation = contract.operation(scope["method"], scope["path"].removeprefix(prefix))
                if operation is None:
                    self.violations.append(f"{call}: {contract.title} has no such call")
                return operation
        return None

    def _check_answer(self, call: Call, operation: Any, said: list[Message]) -> None:
        status, headers = said[0]["status"], _headers(said[0]["headers"])
        if status == 304:  # HTTP's own answer to If-None-Match, which the files leave out
            return
        content_type = headers.get("content-type", "").partition(";")[0]
        octets = b"".join(each.get("body", b"") for each in said[1:])
        value: Any = None
        if octets and content_type.endswith("json") and call.method != "HEAD":
            value = json.loads(octets)
        elif content_type and not content_type.endswith("json"):  # an empty file too
            value = octets.decode("latin-1")
        faults = operation.answer_faults(status, headers, Body(content_type, value))
        self.violations += [f"{call}: answer {status}: {fault}" for fault in faults]


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


async def _drain(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _Gone
        pieces.append(event.get("body", b""))
        more = event.get("more_body", False)
    return b"".join(pieces)


def _again(body: bytes) -> Receive:
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()  # as when the client waits for its answer
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _body(scope: Scope, body: bytes) -> Body:
    """What the file can judge of it. A form's files are read as text of no importance."""
    content_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return Body(content_type)
    if content_type.endswith("json"):
        try:
            return Body(content_type, json.loads(body))
        except ValueError:
            return Body(content_type, "this is not JSON")
    if content_type == "multipart/form-data":
        async with Request(scope, _again(body)).form(max_part_size=len(body)) as form:
            fields = {name: value if isinstance(value, str) else "" for name, value in form.multi_items()}
        return Body(content_type, fields)
    return Body(content_type, body.decode("latin-1"))


async def _say(send: Send, fault: Fault, path: str) -> None:
    assert fault.status is not None
    problem = {"type": "", "code": "error", "title": "fault of the test", "detail": "", "instance": path}
    content = json.dumps(problem | {"status": fault.status}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(content)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _cut(send: Send) -> None:
    """Drop the connection without a word. ASGI has no such message; uvicorn's `send` is a method of what has it."""
    cycle: Any = send.__self__  # type: ignore[attr-defined]
    cycle.transport.abort()
    while not cycle.disconnected:
        await asyncio.sleep(0)
