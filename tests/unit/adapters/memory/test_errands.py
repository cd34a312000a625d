"""The twin of the errand store keeps the contract."""

import pytest
from tests.unit.flows.errand_store_contract import ErrandStoreContract

from digikoppelaar.adapters.memory.errands import MemoryErrands
from digikoppelaar.flows.ports.errands import Errands


class TestMemoryErrands(ErrandStoreContract):
    @pytest.fixture
    def store(self) -> Errands:
        """An empty one."""
        return MemoryErrands()

    @pytest.fixture
    def aansluiting_id(self) -> int:
        """Any."""
        return 1
