"""What a client of the embedded server gives away."""

import socket
import struct
import threading
from pathlib import Path

import psycopg
import pytest

from digikoppelaar.adapters.postgres import binaries
from digikoppelaar.adapters.postgres.cluster import Cluster

PASSWORD = "not-for-strangers"
CLEARTEXT, MD5 = struct.pack("!cII", b"R", 8, 3), struct.pack("!cII4s", b"R", 12, 5, b"salt")
"""AuthenticationCleartextPassword and AuthenticationMD5Password (PostgreSQL 16, section 55.7)."""


def read_startup(connection: socket.socket) -> None:
    """Read the first message of a client, after refusing the encryption that it may ask for."""
    while True:
        (length,) = struct.unpack("!I", connection.recv(4))
        (code,) = struct.unpack("!I", connection.recv(length - 4)[:4])
        if code >> 16 != 1234:  # no SSLRequest and no GSSENCRequest
            return
        connection.sendall(b"N")


def be_an_impostor(listening: socket.socket, question: bytes, heard: list[bytes]) -> None:
    """Ask the first caller `question`, and note what it says."""
    connection, _ = listening.accept()
    with connection:
        read_startup(connection)
        connection.sendall(question)
        heard.append(connection.recv(1000))


@pytest.mark.parametrize("question", [CLEARTEXT, MD5])
def test_a_program_that_took_the_port_never_hears_the_password(tmp_path: Path, question: bytes) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "password").write_text(PASSWORD)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        impostor = threading.Thread(target=be_an_impostor, args=(listening, question, heard))
        impostor.start()
        url = Cluster(tmp_path, binaries.account()).url(listening.getsockname()[1])
        with pytest.raises(psycopg.OperationalError, match="authentication"):
            psycopg.connect(url, connect_timeout=5)
        impostor.join()
    assert heard == [b""]
