"""The embedded server, shared: whoever needs it holds a lease on its folder, the last one out stops it.

It is for demo, sandbox, tests and trying out, on Linux. Two files in the folder carry the locks, and the kernel
lets go of them when a process dies: `users` is held shared by every lease (whoever can take it alone is the
last), `starting` is held by whoever starts or stops. A server whose users were all killed goes on, and the next
lease adopts it. How a cluster is made and started is in `cluster`.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from digikoppelaar.adapters.postgres import binaries, processes
from digikoppelaar.adapters.postgres.cluster import Cluster, Server
from digikoppelaar.errors import ConfigError, StorageError

_log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 0.1
"""Seconds between two looks at the postmaster: reading one small file of /proc."""


class Lease:
    """The right to use the server of a folder, until `release`. Not to be shared over a fork.

    `url` holds the password: it is a secret. It changes only when `supervise` could not get the old port back;
    whoever connects again asks for it again.
    """

    def __init__(self, cluster: Cluster, users: int, server: Server) -> None:
        self._cluster = cluster
        self._users = users
        self._server = server

    def __repr__(self) -> str:
        return f"Lease({self._cluster.folder}, port {self._server.port})"

    @property
    def url(self) -> str:
        """The connection URL of the database digikoppelaar, password included."""
        return self._cluster.url(self._server.port)

    @property
    def server(self) -> Server:
        """Which process listens on which port."""
        return self._server

    def release(self) -> None:
        """Give it up; stops the server when nobody else holds a lease. Calling it again does nothing."""
        users, self._users = self._users, -1
        if users < 0:
            return
        try:
            if _lock_alone(users):
                with _starting(self._cluster):
                    self._cluster.stop()
        finally:
            os.close(users)

    def check(self) -> bool:
        """Whether the server still runs; no system call but reading /proc."""
        return processes.alive(self._server.process)

    def restart(self) -> None:
        """Start the server again when it is dead, on the same port if possible. Blocks until it is ready."""
        with _starting(self._cluster):
            self._server = self._cluster.ensure(self._server.port)

    async def supervise(self) -> None:
        """Start the server again whenever it died, until cancelled; goes on trying when it does not come up."""
        while True:
            if not self.check():
                try:
                    await asyncio.to_thread(self.restart)
                    _log.warning("postgres restarted", port=self._server.port)
                except (ConfigError, StorageError, OSError) as error:  # no file descriptor left, say: it may pass
                    reason = error.strerror if isinstance(error, OSError) else str(error)
                    _log.error("postgres does not start", reason=reason)
            await asyncio.sleep(_LOOK_EVERY)


def acquire(folder: Path) -> Lease:
    """A lease on the server in `folder`, which is made and started as needed. Blocks until it is ready.

    Raises ConfigError when this system or folder cannot have one, StorageError when it does not start.
    """
    if not processes.supported():
        raise ConfigError(
            "the embedded PostgreSQL needs the /proc of Linux",
            advice="Stel database.url in: de ingebouwde database werkt alleen op Linux.",
        )
    cluster = Cluster(_made(folder), binaries.account())
    users = os.open(cluster.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user of before is stopping the server
        with _starting(cluster):
            return Lease(cluster, users, cluster.ensure())
    except BaseException:
        os.close(users)
        raise


@asynccontextmanager
async def leased(folder: Path) -> AsyncIterator[Lease]:
    """A supervised lease for the duration of the block."""
    lease = await asyncio.to_thread(acquire, folder)
    watch = asyncio.create_task(lease.supervise())
    try:
        yield lease
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await asyncio.to_thread(lease.release)


def end_orphan(folder: Path) -> None:
    """Stop the server in `folder` when all who used it were killed; does nothing when there is none, or a lease."""
    if not (folder / "users").exists():
        return
    cluster = Cluster(folder.resolve(), binaries.account())
    users = os.open(cluster.folder / "users", os.O_RDWR)
    try:
        if _lock_alone(users):
            with _starting(cluster):
                cluster.stop()
    finally:
        os.close(users)


def _made(folder: Path) -> Path:
    try:
        # Others may pass but not look: as root the server runs under another account, in a folder of its own.
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder.resolve()


def _lock_alone(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _starting(cluster: Cluster) -> Iterator[None]:
    handle = os.open(cluster.folder / "starting", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
