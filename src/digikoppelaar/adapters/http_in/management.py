"""Health and metrics, on a listener of its own without client certificate: bind it to an address that only the
operator reaches. Nothing here tells more than names of parts and reasons without data.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from digikoppelaar.errors import DigikoppelaarError

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 5.0
"""A check that takes longer has failed."""

Check = Callable[[], Awaitable[None]]
"""Returns when its part is ready; raises (a DigikoppelaarError with the reason) when it is not."""


def management_app(checks: Mapping[str, Check], registry: CollectorRegistry = REGISTRY) -> Starlette:
    """`/health/live` is 200 while the process answers, `/health/ready` is 200 when every check passes, else 503."""

    async def ready(_: Request) -> Response:
        reasons = await asyncio.gather(*(_reason(name, check) for name, check in checks.items()))
        failed = {name: reason for name, reason in zip(checks, reasons, strict=True) if reason}
        return JSONResponse({"ready": not failed, "failed": failed}, status_code=503 if failed else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return Starlette(
        routes=[
            Route("/health/live", _live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ]
    )


async def _live(_: Request) -> Response:
    return PlainTextResponse("live\n")


async def _reason(name: str, check: Check) -> str | None:
    """Why the part is not ready; None when it is."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except DigikoppelaarError as error:
        return str(error)
    except Exception as error:
        log.exception("health check failed", check=name)
        return type(error).__name__
    return None
