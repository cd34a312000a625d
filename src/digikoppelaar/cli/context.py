"""What every command shares: the configuration, and a way to run a coroutine."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from digikoppelaar.config import Config, load

Result = TypeVar("Result")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(slots=True)
class _Chosen:
    config: Path | None = None
    debug: bool = False


_chosen = _Chosen()


def use(*, config: Path | None, debug: bool) -> None:
    """Remember the options that stand before the command."""
    _chosen.config, _chosen.debug = config, debug


def debug() -> bool:
    """Whether a traceback is wanted."""
    return _chosen.debug


def configuration() -> Config:
    """The configuration of this call. Raises ConfigError."""
    return load(_chosen.config)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine to its end."""
    return asyncio.run(coroutine)
