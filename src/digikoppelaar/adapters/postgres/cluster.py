"""One PostgreSQL cluster in one folder: made, found, started, stopped. Blocking; the caller holds the locks.

Every step may be cut off by SIGKILL and is finished or undone by the next caller: initdb works beside and is
renamed, a postmaster.pid is believed only when its process is ours and alive, and what a dead postmaster left
running is ended before a new one starts. Who uses the server, and for how long, is `embedded`'s matter.
"""

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from digikoppelaar.adapters.disk import sync_folder
from digikoppelaar.adapters.postgres import binaries, processes
from digikoppelaar.adapters.postgres.processes import Process
from digikoppelaar.errors import ConfigError, StorageError

USER: Final = "digikoppelaar"
DATABASE: Final = "digikoppelaar"

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may be 107 bytes at most; a data folder's may be longer
    "fsync": "on",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # a DETAIL quotes the values of rows
}
_STARTED_WITHIN: Final = 60.0
_STOPPED_WITHIN: Final = 10.0
_POLL: Final = 0.01
_LOG_KEPT: Final = 5 * 2**20
_STEPS_OF_STOPPING: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""Fast, immediate, and at last whatever it takes (PostgreSQL 16, section 19.5)."""

_PID_LINE, _PORT_LINE, _STATUS_LINE = 0, 3, 7
"""Lines of postmaster.pid (src/include/utils/pidfile.h)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that accepts connections."""

    process: Process
    port: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster in `folder`, run by `account`."""

    folder: Path
    account: binaries.Account

    @property
    def _home(self) -> Path:
        return self.folder / "server"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _name(self) -> str:
        """cluster_name: in every process title, so that processes can be told apart by what everyone may read."""
        return f"{USER}-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]}"

    def password(self) -> str:
        """The password of USER; it is a secret: never print or log it."""
        return (self._home / "password").read_text()

    def url(self, port: int, database: str = DATABASE) -> str:
        """A connection URL with the password in it: a secret.

        While the server is down another program may take its port and ask for the password: only SCRAM, which proves
        the password without telling it, is answered.
        """
        return f"postgresql://{USER}:{self.password()}@127.0.0.1:{port}/{database}?require_auth=scram-sha-256"

    # --- found ---

    def running(self) -> Process | None:
        """The live postmaster of this cluster, whatever it is doing."""
        lines = self._pid_file()
        if not lines or not lines[_PID_LINE].isdecimal():
            return None
        process = processes.find(int(lines[_PID_LINE]))
        return process if process and self._is_postmaster(process) else None

    def _is_postmaster(self, process: Process) -> bool:
        return f"cluster_name={self._name}" in processes.command(process.pid)

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _status(self) -> tuple[int, str]:
        lines = self._pid_file()
        status = lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""
        port = int(lines[_PORT_LINE]) if len(lines) > _PORT_LINE and lines[_PORT_LINE].isdecimal() else 0
        return port, status

    # --- started ---

    def ensure(self, port: int | None = None) -> Server:
        """The server, started when it does not run; on `port`, or on the port of before, when that is free.

        Raises ConfigError when the folder cannot be used, StorageError when the server does not come up.
        """
        if not self._home.is_dir():
            self._initialise()
        deadline = time.monotonic() + _STARTED_WITHIN
        wanted = port or self._status()[0]
        while time.monotonic() < deadline:
            server = self._ready() if self.running() else self._start(wanted)
            if server and self._has_database(server):
                return server
            time.sleep(_POLL)
        raise StorageError(f"the embedded PostgreSQL did not start; see {self._home / 'log'}")

    def _ready(self) -> Server | None:
        process, (port, status) = self.running(), self._status()
        return Server(process, port) if process and status == "ready" else None

    def _start(self, wanted: int) -> Server | None:
        self._clear_after_crash()
        self._sweep()
        port = wanted if wanted and _is_free(wanted) else _free_port()
        options = [f"-p {port}", f"-c cluster_name={self._name}"]
        self._rotate_log()
        # The shell that pg_ctl starts never sees our path: everything is relative to the data folder.
        self._run("pg_ctl", "start", "-D", ".", "-w", "-s", "-l", "../log", "-o", " ".join(options), cwd=self._data)
        return self._ready()

    def _clear_after_crash(self) -> None:
        # A postmaster that was killed leaves its pid file and, for a moment, its backends; a new one refuses to
        # start beside them, and it also refuses when another program has got the old pid by now.
        lingering = processes.titled(f"postgres: {self._name}: ")
        for process in lingering:
            _signal(process, signal.SIGKILL)
        _wait(lambda: not any(map(processes.alive, lingering)), _STOPPED_WITHIN)
        if not self.running():
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _rotate_log(self) -> None:
        log = self._home / "log"
        if log.exists() and log.stat().st_size > _LOG_KEPT:
            log.replace(log.with_name("log.1"))

    def _has_database(self, server: Server) -> bool:
        """Whether the server lets us in, with the database made; not yet while it recovers from a killed backend."""
        try:
            with psycopg.connect(self.url(server.port, "postgres"), connect_timeout=10, autocommit=True) as connection:
                if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:
            return False
        except psycopg.Error as error:
            raise StorageError(f"the embedded PostgreSQL on port {server.port} does not work for us") from error
        return True

    # --- stopped ---

    def stop(self) -> None:
        """Stop the server and wait until it is gone; connected clients are cut off."""
        process = self.running()
        for step in _STEPS_OF_STOPPING if process else ():
            assert process
            _signal(process, step)
            if _wait(lambda: not processes.alive(process), _STOPPED_WITHIN):
                return

    # --- made ---

    def _initialise(self) -> None:
        self._require_reachable()
        self._sweep()
        half = Path(tempfile.mkdtemp(prefix="half-", dir=self.folder))
        password = half / "password"
        password.touch(0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self.account.drop:
            for path in (half, password):
                os.chown(path, self.account.uid, self.account.gid)
        self._initdb(half)
        half.rename(self._home)
        sync_folder(self.folder)

    def _sweep(self) -> None:
        for half in self.folder.glob("half-*"):
            shutil.rmtree(half, ignore_errors=True)  # an orphaned initdb may still write in it: the next start then

    def _initdb(self, home: Path) -> None:
        settings = [argument for name, value in _SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        kind = ["-U", USER, "-A", "scram-sha-256", "--pwfile=password", "--encoding=UTF8", "--locale=C"]
        done = self._run("initdb", "-D", "data", *kind, "--no-instructions", *settings, cwd=home)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise StorageError(f"initdb failed: {last}")

    def _require_reachable(self) -> None:
        closed = binaries.obstacle(self.folder, self.account)
        if closed is not None:
            raise ConfigError(
                f"PostgreSQL runs as uid {self.account.uid}, which may not enter {closed}",
                advice=f"Geef anderen toegang tot de map ({closed}: chmod o+x), kies een andere datamap, "
                "start digikoppelaar als gewone gebruiker, of stel database.url in.",
            )

    def _run(self, program: str, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        command = [str(binaries.programs(self.account, self.folder) / program), *arguments]
        # A session of its own: Ctrl-C in the terminal goes to the users of the server, not to the server.
        return subprocess.run(  # noqa: S603  # our own binary, no shell
            command,
            cwd=cwd,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            text=True,
            check=False,
            start_new_session=True,
            umask=0o077,
            user=self.account.uid if self.account.drop else None,
            group=self.account.gid if self.account.drop else None,
            extra_groups=[] if self.account.drop else None,
        )


def _signal(process: Process, number: signal.Signals) -> None:
    if processes.alive(process):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _free_port() -> int:
    # Below the range from which the kernel takes ports for outgoing connections: there a client of ours that
    # reconnects to a server that is down can be given the server's port, connect to itself and keep it.
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first = 10_000 if lowest > 11_000 else 1_024
    last = lowest if lowest > first else 65_536
    while not _is_free(port := first + secrets.randbelow(last - first)):
        continue
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
