"""Connections: what may be shown of a URL, and what a failing server looks like."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from digikoppelaar.adapters.postgres.connect import opened_pool, redacted, transaction
from digikoppelaar.adapters.postgres.embedded import leased
from digikoppelaar.errors import ConfigError, StorageError


def test_a_redacted_url_says_all_but_the_password() -> None:
    shown = "postgresql://anna@db.example:6432/gateway"
    assert redacted("postgresql://anna:geheim@db.example:6432/gateway") == shown
    assert redacted("host=db.example port=6432 user=anna password=geheim dbname=gateway") == shown


def test_what_is_no_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigError) as refused:
        redacted("anna:geheim")
    assert "geheim" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_database_that_is_not_there_is_a_storage_error() -> None:
    async with opened_pool(lambda: "postgresql://anna:geheim@127.0.0.1:1/x", 2) as pool:
        with pytest.raises(StorageError) as failed:
            async with transaction(pool):
                pass
    assert failed.value.retryable
    assert "geheim" not in str(failed.value)


async def test_the_pool_works_again_after_the_server_was_killed_and_came_back() -> None:
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-"))
    folder.chmod(0o711)
    async with leased(folder) as lease, opened_pool(lambda: lease.url, 4) as pool:
        before, answers = lease.server, 0
        killed = time.monotonic()
        while lease.server == before or answers == 0:
            assert time.monotonic() < killed + 60
            try:
                async with transaction(pool) as connection:
                    await connection.execute("SELECT 1")
            except StorageError:
                continue
            if lease.server == before and lease.check():
                os.kill(before.process.pid, signal.SIGKILL)
            answers += lease.server != before
        print(f"worked again {time.monotonic() - killed:.2f} s after the kill")
    shutil.rmtree(folder)
