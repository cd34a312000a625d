"""Every hostile request gets a clear answer, leaves nothing half, and the gateway goes on."""

import asyncio
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from tests.journeys.bad_input.client import HttpAnswer, exchange
from tests.journeys.bad_input.corpus import CORPUS
from tests.journeys.bad_input.gateway import Gateway
from tests.journeys.bad_input.requests import Target, Valid, posted
from tests.journeys.bad_input.rows import BadInput

SECONDS_TO_ANSWER = 5.0
"""For a request that is not large; statement 220 asks for a limit."""
LARGE = {"a body without end"}


async def _valid(gateway: Gateway) -> Valid:
    content_type, body = await gateway.valid_notification()
    return Valid(content_type.encode(), body)


def _target(gateway: Gateway) -> Target:
    url = urlsplit(gateway.endpoint_url)
    return Target(url.netloc.encode(), url.path.encode())


async def _counts_become(gateway: Gateway, expected: Mapping[str, int]) -> None:
    """Wait until exactly this is stored: after an answer the clean-up of refused payloads may still be under way."""
    deadline = time.monotonic() + 5
    while dict(await gateway.stored_counts()) != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert dict(await gateway.stored_counts()) == expected


def _check(row: BadInput, answer: HttpAnswer | None) -> None:
    status = None if answer is None else answer.status
    assert status in row.statuses
    if answer is not None:
        assert row.fault is None or answer.fault_code == row.fault
        assert b"Traceback" not in answer.body
        assert b"root:" not in answer.body, "a file of this machine was read"


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row.name)
async def test_bad_input_gets_a_clear_answer_and_leaves_nothing_half(gateway: Gateway, row: BadInput) -> None:
    valid = await _valid(gateway)
    before = await gateway.stored_counts()
    started = time.monotonic()
    pieces = row.build(_target(gateway), valid)
    answer = await exchange(gateway.endpoint_url, gateway.client_ssl_context, pieces, hang_up=row.hang_up)
    took = time.monotonic() - started
    _check(row, answer)
    expected = {kind: number + row.stored.get(kind, 0) for kind, number in before.items()}
    await _counts_become(gateway, expected)
    assert await gateway.error_code(valid.message_id) == row.error
    assert await gateway.is_up()
    assert took < SECONDS_TO_ANSWER or row.name in LARGE


async def test_many_attacks_at_once_do_not_keep_a_valid_message_out(gateway: Gateway) -> None:
    target, valid = _target(gateway), await _valid(gateway)
    attacks = [row for row in CORPUS if row.name not in LARGE and not row.stored]
    hostile = [
        exchange(gateway.endpoint_url, gateway.client_ssl_context, row.build(target, valid), hang_up=row.hang_up)
        for row in attacks
    ]
    good = exchange(
        gateway.endpoint_url,
        gateway.client_ssl_context,
        posted(target, valid.content_type, valid.body),
    )
    answer, *answers = await asyncio.gather(good, *hostile)
    assert answer is not None
    assert answer.status == 204
    for row, got in zip(attacks, answers, strict=True):
        _check(row, got)


async def test_after_all_of_it_a_valid_message_is_taken_in(gateway: Gateway) -> None:
    valid, before = await _valid(gateway), await gateway.stored_counts()
    pieces = posted(_target(gateway), valid.content_type, valid.body)
    answer = await exchange(gateway.endpoint_url, gateway.client_ssl_context, pieces)
    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")
    after = await gateway.stored_counts()
    assert after["inbound"] == before["inbound"] + 1
    assert await gateway.error_code(valid.message_id) is None
