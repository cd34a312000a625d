"""Fixtures that every test may ask for, and the proof that the pure cores need no network."""

import socket
from typing import Never

import pytest

pytest_plugins = ["tests.postgres"]

PURE = ("tests/unit/ebms/", "tests/unit/pki/", "tests/unit/stam/", "tests/conformance/")


@pytest.fixture(autouse=True)
def _no_network_in_the_pure_cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.node.nodeid.startswith(PURE):
        return

    def refuse(*_: object, **__: object) -> Never:
        pytest.fail("a test of a pure core opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
