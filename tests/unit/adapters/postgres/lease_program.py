"""A process that holds a lease: `lease_program.py FOLDER [UID]`; says {"port", "pid"}, releases at the end of stdin."""

import json
import os
import sys
from pathlib import Path

import psycopg

from digikoppelaar.adapters.postgres import embedded


def main(folder: str, uid: str = "") -> None:
    if uid:  # only now, for the interpreter itself may be out of reach for that user
        psycopg.connect  # noqa: B018
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    lease = embedded.acquire(Path(folder))
    psycopg.connect(lease.url).close()
    print(json.dumps({"port": lease.server.port, "pid": lease.server.process.pid}), flush=True)
    sys.stdin.read()
    lease.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
