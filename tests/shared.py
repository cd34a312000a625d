"""Where the facts' data files are: beside the repository, never inside it."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared_data(*parts: str) -> Path:
    """The path of a data file; skips the test where the folder with the data is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder shared/data, with other people's schemas and messages, is not beside this repository")
    return SHARED_DATA.joinpath(*parts)
