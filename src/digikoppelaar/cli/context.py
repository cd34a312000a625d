"""What every command shares: the options before it, and the configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.config import Config, load

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
