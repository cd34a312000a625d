"""The files of the profiles: those that came with the program, and those that an administrator put in their place.

Which folder holds the latter is said once, when the program starts, for profiles are read once and kept.
"""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from digikoppelaar.errors import ConfigError

SUFFIX = ".toml"


@dataclass(slots=True)
class _Place:
    folder: Path | None = None


_place = _Place()


def use(folder: Path | None) -> None:
    """Let files in `folder` stand in the place of those that came with the program."""
    _place.folder = folder


def shipped(name: str) -> str | None:
    """The text of the profile that came with the program; None when there is no such profile."""
    file = resources.files("digikoppelaar.profiles") / f"{_checked(name)}{SUFFIX}"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def replacement(name: str) -> str | None:
    """The text that stands in its place; None when none does. Raises ConfigError when it cannot be read."""
    if _place.folder is None:
        return None
    file = _place.folder / f"{_checked(name)}{SUFFIX}"
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def text_of(name: str) -> str:
    """The text of the profile that is in force. Raises ConfigError when there is none."""
    text = replacement(name) or shipped(name)
    if text is None:
        raise ConfigError(f"there is no profile {name!r}", advice="Zie `digikoppelaar profile list`.")
    return text


def names() -> list[str]:
    """Of every profile there is."""
    with resources.as_file(resources.files("digikoppelaar.profiles")) as folder:
        folders = [each for each in (folder, _place.folder) if each]
        return sorted({file.stem for each in folders for file in each.glob(f"*{SUFFIX}")})


def replace(name: str, text: str) -> Path:
    """Put `text` in the place of the profile, durably; what stood there is kept beside it as `.old`.

    The caller has judged the text. Raises ConfigError when the folder cannot be written.
    """
    file = _own_file(name)
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as writing:
            writing.write(text)
            writing.flush()
            os.fsync(writing.fileno())
        if file.is_file():
            file.replace(file.with_suffix(".old"))
        fresh.replace(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    return file


def restore(name: str) -> bool:
    """Let the profile that came with the program be in force again; whether another one was.

    That one is kept as `.old`. Raises ConfigError for a profile that did not come with the program.
    """
    if shipped(name) is None:
        raise ConfigError(f"no profile {name!r} came with the program", advice="Zie `digikoppelaar profile list`.")
    file = _own_file(name)
    if not file.is_file():
        return False
    file.replace(file.with_suffix(".old"))
    return True


def _own_file(name: str) -> Path:
    if _place.folder is None:
        raise ConfigError(
            "there is no folder for profiles", advice="Geef met `profiles` in de configuratie een map op."
        )
    return _place.folder / f"{_checked(name)}{SUFFIX}"


def _checked(name: str) -> str:
    if not name.replace("-", "").isalnum():
        raise ConfigError(f"{name!r} is no name of a profile", advice="Zie `digikoppelaar profile list`.")
    return name
