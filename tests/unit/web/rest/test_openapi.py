"""The OpenAPI document against the running interface, by schemathesis: what it promises is what comes."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest
from tests.unit.web.rest.test_isolation import a_document
from tests.unit.web.rest.world import World

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "ignored_auth,unsupported_method"
)
EXAMPLES = 12
"""For each operation: enough to find what is plainly wrong, few enough for every run."""


async def test_every_operation_keeps_what_the_document_promises(world: World, tmp_path: Path) -> None:
    cpa = await world.cpa()
    await world.receive(cpa, b"<een/>")
    async with await world.http() as http:
        assert (await http.post("/api/v1/kennisgevingen", json=a_document())).status_code == 201
    url = f"http://127.0.0.1:{world.port}/openapi.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", url, "--header", f"X-API-Key: {await world.key()}"),
        *("--checks", CHECKS, "--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"),
        *("--seed", "1", "--generation-database", "none", "--exclude-operation-id", "ping", "--no-color"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-8000:]


async def test_the_document_is_there_without_a_key_and_names_each_operation_once(world: World) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{world.port}/openapi.json")
    found = answer.json()
    names = [each["operationId"] for methods in found["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names)) == 40
    assert all(each["summary"] for methods in found["paths"].values() for each in methods.values())


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("messages/unprocessed", "maxNr=-1"),
        ("messages/unprocessed", "maxNr=x"),
        ("messages/unprocessed", "maxNr=99999999999999999999"),
        ("messages/unprocessed", "cpaId=%00"),
        ("events/unprocessed", "eventTypes=ANDERS"),
        ("messages/x", "process=misschien"),
    ],
)
async def test_a_filter_that_cannot_be_is_a_bad_request(world: World, path: str, query: str) -> None:
    async with await world.http() as http:
        answer = await http.get(f"/service/rest/v19/ebms/{path}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"properties": 1}', b'{"properties": {"cpaId": "\\ud800"}}', b"[" * 100_000]
)
async def test_a_body_that_is_no_message_is_a_bad_request(world: World, content: bytes) -> None:
    async with await world.http() as http:
        answer = await http.post("/service/rest/v19/ebms/messages", content=content)
    assert answer.status_code == 400


async def test_another_method_is_refused_with_those_that_there_are(world: World) -> None:
    async with await world.http() as http:
        answer = await http.put("/service/rest/v19/cpas")
        assert answer.status_code == 405
        assert {method.strip() for method in answer.headers["allow"].split(",")} >= {"GET", "POST"}
        assert (await http.get("/service/rest/v19/nergens")).status_code == 404
