"""The key file: made once, for its owner only, and rotated without losing what hashes still need."""

import asyncio
import stat
from pathlib import Path

import pytest

from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.errors import ConfigError


async def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "fingerprint.key"
    keys = await asyncio.gather(*(FingerprintKeyFile(file).current() for _ in range(8)))
    assert len({key.secret for key in keys}) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["fingerprint.key"]
    assert await FingerprintKeyFile(file).find(keys[0].id) == keys[0]


async def test_after_a_rotation_the_old_key_stays_until_no_hash_needs_it(tmp_path: Path) -> None:
    kept = FingerprintKeyFile(tmp_path / "fingerprint.key")
    first, second = await kept.current(), await kept.rotate()
    assert await kept.current() == second != first
    await kept.keep_only({first.id})
    assert await kept.find(first.id) == first
    await kept.keep_only(set())
    assert await kept.find(first.id) is None
    assert await kept.current() == second
    assert stat.S_IMODE((tmp_path / "fingerprint.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "abc\n", "zz" * 32, "ab" * 31])
async def test_a_damaged_file_is_an_error_and_is_never_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "fingerprint.key"
    file.write_text(content)
    for use in (
        FingerprintKeyFile(file).current(),
        FingerprintKeyFile(file).find("a"),
        FingerprintKeyFile(file).rotate(),
    ):
        with pytest.raises(ConfigError, match="fingerprint_key_file") as raised:
            await use
        assert content not in str(raised.value) or not content
    assert file.read_text() == content
