"""The folder with official schemas."""

from pathlib import Path

import pytest
from tests.unit.stam.test_schema import FILES, VERZOEK

from digikoppelaar.adapters.schemas import open_schemas
from digikoppelaar.errors import ConfigError


def test_every_xsd_below_the_folder_counts(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "leesmij.txt").write_text("geen schema")
    assert list(open_schemas(tmp_path)) == [VERZOEK]


def test_without_a_folder_there_are_none() -> None:
    assert open_schemas(None) == {}


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no file"):
        open_schemas(tmp_path)
