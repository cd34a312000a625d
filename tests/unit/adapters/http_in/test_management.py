"""Health and metrics over plain HTTP, without any certificate."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from tests.servers import attempt, serving

from digikoppelaar.adapters.http_in import management
from digikoppelaar.adapters.http_in.management import Check, management_app
from digikoppelaar.errors import StorageError


async def ready() -> None:
    """A part that is ready."""


async def failing() -> None:
    raise StorageError("database does not answer")


async def surprising() -> None:
    raise RuntimeError("something with data in it")


async def get(app: Starlette, path: str) -> tuple[str, bytes]:
    async with serving(app) as port:
        answer = await attempt(port, None, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), body


async def test_a_process_that_answers_is_live_whatever_its_parts_do() -> None:
    assert await get(management_app({"database": failing}), "/health/live") == ("HTTP/1.1 200 OK", b"live\n")


async def test_ready_when_every_check_passes() -> None:
    status, body = await get(management_app({"database": ready, "blobs": ready}), "/health/ready")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(body) == {"ready": True, "failed": {}}


@pytest.mark.parametrize(("check", "reason"), [(failing, "database does not answer"), (surprising, "RuntimeError")])
async def test_not_ready_tells_which_part_and_why_without_data(check: Check, reason: str) -> None:
    status, body = await get(management_app({"database": check, "blobs": ready}), "/health/ready")
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert json.loads(body) == {"ready": False, "failed": {"database": reason}}


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(management, "CHECK_SECONDS", 0.1)
    status, body = await get(management_app({"sender": hanging}), "/health/ready")
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert json.loads(body)["failed"] == {"sender": "no answer within 0.1 s"}


async def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Counter("verzoeken", "Verzoeken that came in", registry=registry).inc(3)
    status, body = await get(management_app({}, registry), "/metrics")
    assert status == "HTTP/1.1 200 OK"
    assert b"verzoeken_total 3.0\n" in body


async def test_refusals_are_among_the_metrics_of_the_process() -> None:
    assert b"digikoppelaar_refused_total" in (await get(management_app({}), "/metrics"))[1]
