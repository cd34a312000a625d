"""What every command shares: the options before it, the configuration, and options that many have."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.adapters import profile_files
from digikoppelaar.config import Config, load
from digikoppelaar.errors import ConfigError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and change nothing.")]

OnlyOmgeving = Annotated[str | None, typer.Option("--omgeving", help="Only this omgeving.")]
OnlyOrganisatie = Annotated[str | None, typer.Option("--organisatie", help="Only the organisatie with this OIN.")]
WhichOmgeving = Annotated[str | None, typer.Option("--omgeving", help="The omgeving, when there are more.")]
WhichOrganisatie = Annotated[
    str | None, typer.Option("--organisatie", help="The OIN of the organisatie, when there are more.")
]
"""Only: what a list leaves out. Which: what must be said when it is not the only one."""


@dataclass(slots=True)
class _Chosen:
    config: Path | None = None
    debug: bool = False


_chosen = _Chosen()


def use(*, config: Path | None, debug: bool) -> None:
    """Remember the options that stand before the command."""
    _chosen.config, _chosen.debug = config, debug


def known_state(state: str | None, states: Collection[str]) -> str | None:
    """`state`, when it is one of `states` or none was asked for; otherwise raises ConfigError."""
    if state is not None and state not in states:
        raise ConfigError(
            f"unknown state {state}; there are {', '.join(states)}", advice="Kies een van deze toestanden."
        )
    return state


def can_answer(*, json: bool) -> None:
    """Raises ConfigError when a question would have to be answered by a program."""
    if json:
        raise ConfigError("--json needs --yes", advice="Een programma kan de vraag niet beantwoorden; geef --yes mee.")


def debug() -> bool:
    """Whether a traceback is wanted."""
    return _chosen.debug


def configuration() -> Config:
    """The configuration of this call, whose profiles are in force from now on. Raises ConfigError."""
    config = load(_chosen.config)
    profile_files.use(config.profile_folder)
    return config
