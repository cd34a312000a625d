"""`digikoppelaar certificate request` and `import`: a key with its request for PKIoverheid, and the certificate for it.

Neither needs a database, unless the certificate is put on record at once. The key stays in the key folder: it is never
shown, and nothing is written over it.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.key_requests import (
    KeyRequest,
    judge_issued,
    keep_issued,
    make_key_request,
    read_key_request,
)
from digikoppelaar.adapters.onboarding_profiles import load_certificate_kinds
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.cli.organisatie import print_changes
from digikoppelaar.config import Omgeving
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import CertificateEntry, Change
from digikoppelaar.pki.certificate import Certificate
from digikoppelaar.pki.policy import warnings
from digikoppelaar.pki.request import CertificateKind, Wanted

Keys = Annotated[Path | None, typer.Option(help="The key folder; without it, `keys` in the data folder.")]


def request(
    partij: Annotated[str, typer.Option(help="OIN or HRN of the partij: subject.serialNumber.")],
    omgeving: Annotated[Omgeving, typer.Option(help="Where it will be used; the certificate may serve others too.")],
    organisation: Annotated[str, typer.Option(help="Its name as the Handelsregister has it.")],
    generation: Annotated[str, typer.Option(help="g1 or g4.")] = "g1",
    kind: Annotated[str, typer.Option(help="server for g1; tls, client, sign or decrypt for g4.")] = "",
    host: Annotated[list[str] | None, typer.Option(help="A name of the endpoint; the first is the main one.")] = None,
    kvk: Annotated[str, typer.Option(help="Number at the KvK, for g4.")] = "",
    name: Annotated[str, typer.Option(help="Of the request; without it, made of omgeving, kind and OIN.")] = "",
    keys: Keys = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a key and the request (CSR) for its PKIoverheid certificate. Nothing that is there is overwritten."""
    chosen, found = _kind(generation, kind)
    wanted = Wanted(found, partij, organisation, tuple(host or ()), kvk)
    name = name or f"{omgeving}-{generation}-{chosen}-{partij}"
    folder = _keys(keys)
    made = None if dry_run else make_key_request(folder, name, wanted, omgeving)
    facts = _facts(wanted, folder / name, made)
    if json:
        output.print_json(facts)
        return
    output.print_fields({key: value for key, value in facts.items() if key != "request"})
    if made:
        then = f"`digikoppelaar certificate import {name} FILE`"
        output.console.print(f"Send {made.request_file} to the TSP; the key stays here. Then: {then}.", markup=False)


def import_certificate(
    name: Annotated[str, typer.Argument(help="The name of the request.")],
    files: Annotated[list[Path], typer.Argument(help="What the TSP gave: the certificate and those above it.")],
    keys: Keys = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put it on record, as `organisatie apply` does.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put an issued certificate beside its key, when it is what was asked for. The same again changes nothing."""
    found = read_key_request(_keys(keys), name)
    chain = judge_issued(found, files, SystemClock().now())
    kept = not dry_run and keep_issued(found, chain)
    entries = [_entry(found, use) for use in found.about.uses]
    changes = asyncio.run(wiring.apply_registration(configuration(), entries, dry_run=dry_run)) if apply else ()
    if json:
        said = {"name": name, "kept": kept, "applied": apply and not dry_run, "apply": _table(found)}
        output.print_json({**said, "certificate_file": found.certificate_file, **_certificate(chain[0])})
        return
    output.print_fields(_certificate(chain[0]))
    _tell(found, changes, applied=apply, dry_run=dry_run)


def _kind(generation: str, kind: str) -> tuple[str, CertificateKind]:
    """The kind and its name; the only one of a generation need not be named."""
    kinds = load_certificate_kinds()
    of_generation = kinds.get(generation, {})
    chosen = kind or (next(iter(of_generation)) if len(of_generation) == 1 else "")
    if chosen not in of_generation:
        there = "; ".join(f"{each}: {', '.join(of)}" for each, of in kinds.items())
        raise ConfigError(
            f"there is no kind {kind or '(none)'} of generation {generation}; there are {there}",
            advice="Kies met --generation en --kind; vraag de certificaatverlener welke generatie hij uitgeeft.",
        )
    return chosen, of_generation[chosen]


def _keys(folder: Path | None) -> Path:
    return (folder or configuration().data_folder / "keys").resolve()


def _facts(wanted: Wanted, place: Path, made: KeyRequest | None) -> dict[str, object]:
    kind = wanted.kind
    return {
        "made": made is not None,
        "title": kind.title,
        "subject": wanted.subject.rfc4514_string(),
        "hosts": wanted.hosts,
        "uses": kind.uses,
        "key": f"RSA {kind.key_bits}",
        "provisional": kind.provisional,
        "folder": place,
        "request_file": made and made.request_file,
        "request": made and made.request_file.read_text(),
    }


def _certificate(leaf: Certificate) -> dict[str, object]:
    return {
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "oin": leaf.oin,
        "hosts": leaf.names,
        "not_before": leaf.not_before,
        "not_after": leaf.not_after,
        "sha256": leaf.sha256,
        "warnings": warnings(leaf),
    }


def _entry(found: KeyRequest, use: str) -> CertificateEntry:
    about = found.about
    return CertificateEntry(about.partij_oin, about.omgeving, use, str(found.certificate_file), str(found.key_file))


def _table(found: KeyRequest) -> str:
    """What to add to the apply file, below its partij."""
    uses = ", ".join(f'"{use}"' for use in found.about.uses)
    return (
        f'[[partij.certificate]]\nomgeving = "{found.about.omgeving}"\nuses = [{uses}]\n'
        f'certificate_file = "{found.certificate_file}"\nkey_file = "{found.key_file}"\n'
    )


def _tell(found: KeyRequest, changes: tuple[Change, ...], *, applied: bool, dry_run: bool) -> None:
    if applied:
        print_changes(changes)
    else:
        output.console.print(f"\nAdd this to the apply file, below partij {found.about.partij_oin}:\n", markup=False)
        output.console.out(_table(found), highlight=False)
    if dry_run:
        output.console.print("Nothing changed: --dry-run.")
