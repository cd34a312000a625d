"""One Java peer for the session, and the parties that it and the gateway are."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.certificates import Authority
from tests.interop.agreements import Member
from tests.interop.gateway import Gateway
from tests.interop.peer import Peer, PeerFiles, build, missing_tools
from tests.interop.recording import record

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where golden files go; without it nothing is recorded."""
    parser.addoption("--record", type=Path, help="keep traffic of this run as golden files in this folder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one event loop: the processes belong to it."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """For everything that processes write. Not in tmp_path: as root PostgreSQL may not enter pytest's folders."""
    with tempfile.TemporaryDirectory(prefix="digikoppelaar-interop-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The PKI of both."""
    return Authority("Interop", sandbox=True)


@pytest.fixture(scope="session")
def us(authority: Authority) -> Member:
    """The party that the gateway is."""
    return Member("Us", "Gemeente Voorbeeldstad", "00000099000000001000", "Ontvanger", "meldHeen", authority)


@pytest.fixture(scope="session")
def them(authority: Authority) -> Member:
    """The party that the Java peer is."""
    return Member("Them", "Partner Voorbeeld", "00000099000000005000", "Zender", "meldTerug", authority)


@pytest.fixture(scope="session")
def built() -> None:
    """The peer's classes and libraries are there."""
    if missing := missing_tools():
        pytest.exit(f"the interop tests need {' and '.join(missing)}: install a JDK 17 or newer and Maven", 2)
    build()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def peer(built: None, them: Member, folder: Path, pytestconfig: pytest.Config) -> AsyncIterator[Peer]:
    """The running peer."""
    files = PeerFiles(them.oin, them.write_pkcs12(folder), them.authority.write_root(folder, "peer-root"))
    async with Peer(files, folder) as running:
        them.endpoints.update(running.endpoints)
        yield running
        if wanted := pytestconfig.getoption("--record"):
            record(wanted, running.cpas, await running.exchanges())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(us: Member, folder: Path) -> AsyncIterator[Gateway]:
    """The running gateway."""
    async with Gateway(us, folder / "us") as running:
        yield running
