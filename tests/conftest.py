"""Fixtures that every test may ask for, and the proof that the pure cores need no network."""

import os
import socket
from typing import Never

import pytest
from hypothesis import settings

pytest_plugins = ["tests.postgres"]

# CI judges a change, so it looks at the same examples every time; whoever works here searches for new ones.
# How long one takes says more about what else the machine does than about the code.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

PURE = ("tests/unit/ebms/", "tests/unit/pki/", "tests/unit/stam/", "tests/conformance/")


@pytest.fixture(autouse=True)
def _no_network_in_the_pure_cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.node.nodeid.startswith(PURE):
        return

    def refuse(*_: object, **__: object) -> Never:
        pytest.fail("a test of a pure core opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
