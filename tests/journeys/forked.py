"""Runs `digikoppelaar` in forks of a process that imported it once: importing takes longer than most commands do.

As a program it serves requests from the socket that is its standard input, until that ends. A request is the
arguments, the environment and the working folder, with three descriptors: standard output, standard error, and where
to tell the exit status. `digikoppelaar` itself sees nothing of this but a `main` that begins at once; the demo and
the processes of every trial are still started the long way.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from typing import Final

REQUEST_BYTES: Final = 2**17
"""Arguments and environment of a command are less."""


@cache
def _server(owner: int) -> socket.socket:
    """Our end of the socket of the server of this process, which is started."""
    del owner  # the cache has one of each process, for a fork of ours must not share it
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, its):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * REQUEST_BYTES)
    with its:
        process = subprocess.Popen([sys.executable, "-P", __file__], stdin=its.fileno())

    def stop() -> None:
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


_ASKING: Final = threading.Lock()


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run `digikoppelaar` with these arguments; its exit status, and what it printed on its outputs. Blocks."""
    request = json.dumps([list(arguments), dict(os.environ), os.getcwd()]).encode()  # noqa: PTH109  # a string
    reply, its = socket.socketpair()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, reply:
        with its, _ASKING:
            socket.send_fds(_server(os.getpid()), [request], [out.fileno(), err.fileno(), its.fileno()])
        status = reply.recv(16)
        out.seek(0)
        err.seek(0)
        return int(status), out.read().decode(), err.read().decode()


def serve(requests: socket.socket) -> list[str] | None:
    """Fork for each request; in a fork for a command the arguments come back, in the server nothing, when it ends."""
    running: set[int] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        running -= {each for each in running if os.waitpid(each, 0 if not request else os.WNOHANG)[0]}
        if not request:
            return None
        if child := os.fork():
            running.add(child)
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        arguments, environment, folder = json.loads(request)
        out, err, reply = descriptors
        if command := os.fork():
            _, ended = os.waitpid(command, 0)
            os.write(reply, str(os.waitstatus_to_exitcode(ended)).encode())
            os._exit(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, standard in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(descriptor, standard)
        for descriptor in (nothing, *descriptors):
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        return list(arguments)


if __name__ == "__main__":
    from digikoppelaar.cli.app import main

    asked = socket.socket(fileno=os.dup(0))
    wanted = serve(asked)
    asked.close()
    if wanted is not None:
        sys.argv = ["digikoppelaar", *wanted]
        main()
