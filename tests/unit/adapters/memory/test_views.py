"""The twin keeps the contract."""

import pytest
from tests.unit.flows.view_log_contract import ViewLogContract

from digikoppelaar.adapters.memory.views import MemoryViews
from digikoppelaar.flows.views import ViewLog


class TestMemoryViews(ViewLogContract):
    @pytest.fixture
    def log(self) -> ViewLog:
        """Empty."""
        return MemoryViews()
