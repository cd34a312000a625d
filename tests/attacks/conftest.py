"""What every attack is watched by."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def trap() -> Iterator[str]:
    """A URL that nobody may fetch."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(BlockingIOError):
            listening.accept()
