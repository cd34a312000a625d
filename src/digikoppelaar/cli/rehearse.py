"""`digikoppelaar aansluiting rehearse`: a whole aansluiting on this machine, from the first step to the last."""

import os
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.cli.context import Json
from digikoppelaar.config import default_data_folder
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import BESTUURSLAGEN


def rehearse(
    bestuurslaag: Annotated[str | None, typer.Option(help=f"Of which kind: {', '.join(BESTUURSLAGEN)}.")] = None,
    fault: Annotated[str | None, typer.Option(help="With something wrong, such as wrong-key or dso-500.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Some four hundred authorities, of all kinds.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to make the folders of the runs.")] = None,
    json: Json = False,
) -> None:
    """Go through every step of STAM and DROP in a sandbox, in PRE and then in PROD, as you will have to.

    Exit status 1 when a step does not get done; who must act is said then.
    """
    from digikoppelaar.cli.rehearsal.run import run  # heavy, and only this command needs it

    if every == bool(bestuurslaag) or (every and fault):
        raise ConfigError("choose --bestuurslaag, or --all", advice="Kies --bestuurslaag (met --fault), of --all.")
    base = folder or default_data_folder(Path.home(), root=os.geteuid() == 0) / "rehearsal"
    if not run(base.resolve(), bestuurslaag, fault, json=json):
        raise typer.Exit(1)
