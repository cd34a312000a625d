"""`digikoppelaar kennisgeving export`: what proves what was sent to KOOP, in one file."""

import asyncio
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json
from digikoppelaar.cli.kennisgeving import Number, opened_desk
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.evidence import evidence


def export(
    number: Number,
    file: Annotated[Path, typer.Argument(help="A zip that is not there yet.")],
    json: Json = False,
) -> None:
    """Write a zip with all that is known of one kennisgeving: its text, what was sent, what KOOP answered, and the log.

    `evidence.json` in it has the SHA-256 of every other file.
    """
    files = asyncio.run(_evidence(number))
    try:
        with file.open("xb") as stream:
            stream.write(_zipped(files))
    except FileExistsError as error:
        raise ConfigError(f"{file} is there already", advice="Kies een bestand dat nog niet bestaat.") from error
    if json:
        output.print_json({"file": file, "files": list(files)})
    else:
        output.console.print("\n".join([f"{file}:", *files]), markup=False)


async def _evidence(number: int) -> Mapping[str, bytes]:
    async with opened_desk() as opened:
        row = await opened.stores.kennisgevingen.kennisgeving(number)
        publisher = opened.desk.publisher_of(row)
        assert publisher.publishing, "it is of kind drop"
        profile = load_drop_profile(publisher.publishing.profile).envelope
        return await evidence(opened.stores.kennisgevingen, row, publisher, profile)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Without the time, so that the same files make the same zip."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
