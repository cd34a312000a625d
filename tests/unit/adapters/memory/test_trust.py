"""The twin keeps the contract."""

import pytest
from tests.unit.flows.trust_records_contract import TrustRecordsContract

from digikoppelaar.adapters.memory.trust import MemoryTrust
from digikoppelaar.flows.ports.trust import TrustRecords


class TestMemoryTrust(TrustRecordsContract):
    @pytest.fixture
    def records(self) -> TrustRecords:
        """Empty."""
        return MemoryTrust()
