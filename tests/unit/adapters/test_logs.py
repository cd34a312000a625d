"""What a log line may hold."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.certificates import GEMEENTE, Authority, Shape, trust_in
from tests.unit.adapters.test_keys import FixedClock

from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.pki.certificate import Use

PROGRAM = """
import logging
import structlog
from digikoppelaar.adapters import logs

logs.configure("info")
log = structlog.get_logger()
log.debug("too_fine")
log.info("message_stored", message_id="1@x")
logging.getLogger("library").info("chatter")
try:
    raise ValueError("J. Jansen woont in de Kerkstraat")
except ValueError:
    log.error("unexpected", exc_info=True)
    logging.getLogger("library").exception("failed")
"""


ASYNCIO = """
import asyncio
import gc
from digikoppelaar.adapters import logs

logs.configure("info")

async def fails():
    raise ValueError("J. Jansen woont in de Kerkstraat")

async def forgets():
    asyncio.create_task(fails())
    await asyncio.sleep(0.01)
    gc.collect()

asyncio.run(forgets())
"""
FULL_DISK = """
import logging
import structlog
from digikoppelaar.adapters import logs

logs.configure("info")
for _ in range(10_000):  # more than any buffer holds
    structlog.get_logger().warning("lost")
    logging.getLogger("library").warning("lost")
print("still here")
"""


def run() -> tuple[list[dict[str, object]], str]:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert result.stdout == ""
    return [json.loads(line) for line in result.stderr.splitlines()], result.stderr


def test_every_line_is_json_with_a_time_and_only_what_was_asked_for() -> None:
    lines, _ = run()
    assert [line["event"] for line in lines] == ["message_stored", "unexpected", "failed"]
    assert all(str(line["timestamp"]).endswith("Z") for line in lines)
    assert lines[0]["message_id"] == "1@x"


def test_an_exception_is_told_by_its_type_and_place_and_never_by_its_text() -> None:
    lines, text = run()
    assert "Jansen" not in text
    for line in lines[1:]:
        assert line["exception"] == "ValueError"
        assert line["where"]


def test_the_error_of_a_task_that_nobody_waits_for_is_told_without_its_text() -> None:
    result = subprocess.run([sys.executable, "-c", ASYNCIO], capture_output=True, text=True, check=True)
    (line,) = [json.loads(line) for line in result.stderr.splitlines()]
    assert (line["event"], line["exception"]) == ("Task exception was never retrieved", "ValueError")
    assert "Jansen" not in result.stderr


def test_work_goes_on_when_no_line_can_be_written() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([sys.executable, "-c", FULL_DISK], stdout=subprocess.PIPE, stderr=full, text=True)
    assert result.stdout == "still here\n"


BROKEN_KEYS: dict[str, Callable[[bytes], bytes]] = {
    "whole": lambda pem: pem,
    "cut-off": lambda pem: pem[: len(pem) // 2],
    "without-its-frame": lambda pem: b"\n".join(pem.splitlines()[1:-1]),
    "of-another-kind": lambda pem: pem.replace(b"PRIVATE KEY", b"CERTIFICATE"),
    "twice": lambda pem: pem * 2,
}


@pytest.mark.statement(218)
@pytest.mark.parametrize("broken", BROKEN_KEYS)
def test_no_line_of_a_key_file_is_told_however_it_is_broken(tmp_path: Path, broken: str) -> None:
    authority = Authority()
    issued = authority.issue(Shape(oin=GEMEENTE))
    (record,) = issued.record(tmp_path, Use.SIGN)
    pem = record.key_file.read_bytes()
    record.key_file.write_bytes(BROKEN_KEYS[broken](pem))
    told = ""
    with capture_logs() as lines:
        ring = Keyring([record], trust_in(authority.write_root(tmp_path), FixedClock(), "pre"), FixedClock())
        try:
            told += repr(ring.signer("pre", GEMEENTE, issued.der))
        except DigikoppelaarError as error:
            told += f"{error!r} {error.advice}"
    told += repr(lines) + repr(ring)
    assert [line for line in pem.decode().splitlines() if "-" not in line and line in told] == []
