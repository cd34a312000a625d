"""Connections: the pool, one transaction at a time, and waking up on NOTIFY. What goes wrong becomes a StorageError.

A URL holds a password. It is passed around as a function, for the embedded server may come back on another port,
and only `redacted` makes a text of it that may be shown.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from digikoppelaar.errors import ConfigError, StorageError

Connection = AsyncConnection[DictRow]
"""What a query gives is a dictionary by column name."""
Row = Mapping[str, Any]
"""Values by name: what a query gave, or what it is given."""
Pool = AsyncConnectionPool[Connection]
Url = Callable[[], str]

_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "digikoppelaar",
    "tcp_user_timeout": 30_000,
}
_WAIT_FOR_CONNECTION: Final = 5.0
_KEEP_KNOCKING: Final = 3.0
_RECONNECT_AFTER: Final = 0.1
_TRUSTED_FOR: Final = 1.0
"""Seconds."""


class _PatientConnection(AsyncConnection[DictRow]):
    """Connects as soon as a server that restarts is back: the pool itself would wait a second, then two, then four."""

    trusted_until: float = 0.0
    """Until then only a server that went away is looked for, without asking it."""

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        give_up_at = asyncio.get_running_loop().time() + _KEEP_KNOCKING
        while True:
            try:
                return await super().connect(conninfo, **options)
            except psycopg.OperationalError:
                if asyncio.get_running_loop().time() > give_up_at:
                    raise
            await asyncio.sleep(_RECONNECT_AFTER)


def redacted(url: str) -> str:
    """The URL for people: user, host, port and database, never the password. Raises ConfigError when it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigError(
            "database.url is not a PostgreSQL URL",
            advice="Geef database.url in de vorm postgresql://gebruiker@server:5432/database.",
        ) from None  # the cause quotes the URL
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"postgresql://{parts.get('user', '')}@{host}:{port}/{parts.get('dbname', '')}"


@asynccontextmanager
async def opened_pool(url: Url, connections: int, *, relaxed: bool = False) -> AsyncIterator[Pool]:
    """A pool of at most `connections`, each checked before use, so that a restarted server is not noticed.

    They are in autocommit mode: a statement is a transaction, and more than one takes `transaction`. `relaxed`: a
    commit does not wait for the disk, and the last half second of them may be lost when the server dies. Only for what
    is merely done again then.
    """

    async def conninfo() -> str:
        return _conninfo(url, "-c synchronous_commit=off" if relaxed else "")

    async def check(connection: AsyncConnection[Any]) -> None:
        assert isinstance(connection, _PatientConnection)
        now = asyncio.get_running_loop().time()
        if now < connection.trusted_until and _is_silent(connection):
            return
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            await pool.check()  # all died together; one by one, the pool would pause longer after each
            raise
        connection.trusted_until = now + _TRUSTED_FOR

    pool: Pool = AsyncConnectionPool(
        conninfo,
        connection_class=_PatientConnection,
        kwargs={"row_factory": dict_row},
        configure=_one_by_one,
        min_size=1,
        max_size=connections,
        timeout=_WAIT_FOR_CONNECTION,
        reconnect_timeout=_KEEP_KNOCKING,
        check=check,
        open=False,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def _one_by_one(connection: AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)


def _is_silent(connection: AsyncConnection[Any]) -> bool:
    """Whether nothing waits to be read: a server that went away closed the connection, or told why it does."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return not waiting.poll(0)


def _conninfo(url: Url, more: str = "") -> str:
    parts = conninfo_to_dict(url())
    options = f"{parts.get('options') or ''} -c TimeZone=UTC {more}"
    return make_conninfo(**{**_DEFAULTS, **parts, "options": options})


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection whose work is committed at the end of the block, or not at all when the block raises.

    Raises StorageError for whatever the database did wrong; whether the commit took place may then be unknown.
    """
    try:
        async with pool.connection() as connection, connection.transaction():
            yield connection
    except (psycopg.Error, ConnectorException) as error:
        raise failure(error) from error


@asynccontextmanager
async def statement(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for one statement, which is a transaction by itself: one round trip where `transaction` takes three.

    Raises StorageError as `transaction` does.
    """
    try:
        async with pool.connection() as connection:
            yield connection
    except (psycopg.Error, ConnectorException) as error:
        raise failure(error) from error


def failure(error: psycopg.Error | ConnectorException) -> StorageError:
    """What may be said of an error of the database."""
    return StorageError(f"the database failed: {_named(error)}")


def _named(error: BaseException) -> str:
    """Class and SQLSTATE: the text of a database error can quote the values of a row."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    return type(cause or error).__name__ + (f" ({state})" if state else "")


async def listen(url: Url, channel: str) -> AsyncIterator[None]:
    """Something was committed with a NOTIFY on `channel`, or could have been while nobody listened.

    Yields at once and after every reconnect; never ends by itself, whatever happens to the server.
    """
    while True:
        try:
            async with await AsyncConnection.connect(_conninfo(url), autocommit=True) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                yield
                async for _ in connection.notifies():
                    yield
        except psycopg.OperationalError:
            await asyncio.sleep(_RECONNECT_AFTER)
