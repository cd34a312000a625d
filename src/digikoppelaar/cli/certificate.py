"""`digikoppelaar certificate`: what there is, until when, whether it may be used; and taking an old one out of use."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar.adapters.keys import KeyStatus
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.flows.ports.trust import StoredCrl
from digikoppelaar.opening import open_keyring, open_renewal
from digikoppelaar.pki.certificate import Use, check_use
from digikoppelaar.pki.crl import is_overdue
from digikoppelaar.pki.expiry import expiries
from digikoppelaar.renewal import Renewal
from digikoppelaar.wiring import open_stores

app = typer.Typer(no_args_is_help=True, help="Certificates, their keys, CRLs and CPAs: until when, and are they good.")


@app.callback()
def group() -> None:
    """Certificates, their keys, CRLs and CPAs: until when, and are they good."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `list`. `ends`: days before its end at which it was told last; None when that is far away."""

    kind: str
    omgeving: str
    subject: str
    until: datetime
    name: str
    ends: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`; `problem` None is good."""

    omgeving: str
    subject: str
    problem: str | None


@app.command("list")
def list_all(json: Json = False) -> None:
    """Show when our certificates, those of partners in CPAs, the trust anchors and the CPAs end, soonest first."""
    rows = asyncio.run(_rows())
    if json:
        output.print_json(rows)
        return
    columns = {"kind": "kind", "omgeving": "omgeving", "subject": "subject", "until": "until", "within days": "ends"}
    output.print_table(columns, rows, "No certificates and no CPAs.")


@app.command()
def check(json: Json = False) -> None:
    """Say of each certificate and each CRL whether it may be used now. Exit status 1 when one may not."""
    found = asyncio.run(_findings())
    if json:
        output.print_json(found)
    for finding in () if json else found:
        output.console.print(f"{'wrong' if finding.problem else 'good':<6}{finding.omgeving} {finding.subject}", end="")
        output.console.print(f": {finding.problem}" if finding.problem else "", markup=False)
    if any(finding.problem for finding in found):
        raise typer.Exit(1)


@app.command()
def remove(
    partij: Annotated[str, typer.Argument(help="OIN of the partij.")],
    omgeving: Annotated[str, typer.Argument(help="The omgeving in which it was used.")],
    certificate_file: Annotated[Path, typer.Argument(help="The file, as `certificate check` shows it.")],
    json: Json = False,
) -> None:
    """Take a certificate out of use after a renewal. The file stays; a running gateway follows within seconds."""
    asyncio.run(_remove(partij, omgeving, str(certificate_file)))
    if json:
        output.print_json({"removed": str(certificate_file)})
    else:
        output.console.print("Removed.")


async def _remove(partij: str, omgeving: str, certificate_file: str) -> None:
    async with open_stores(configuration()) as stores:
        if not await stores.registry.remove_certificate(partij, omgeving, certificate_file):
            raise ConfigError(
                f"partij {partij} has no certificate {certificate_file} in {omgeving}",
                advice="Bekijk de namen met `digikoppelaar certificate check`.",
            )


@asynccontextmanager
async def _opened() -> AsyncIterator[Renewal]:
    config = configuration()
    async with open_stores(config) as stores:
        renewal = open_renewal(config, stores, await open_keyring(config, stores))
        await renewal.start()
        yield renewal


async def _rows() -> list[Row]:
    async with _opened() as renewal:
        endings = await renewal.endings()
    near = {expiry.ending: expiry.threshold for expiry in expiries(endings, SystemClock().now())}
    rows = [Row(e.kind.value, e.omgeving, e.subject, e.ends_at, e.name, near.get(e)) for e in endings]
    return sorted(rows, key=lambda row: (row.until, row.kind, row.name))


async def _findings() -> list[Finding]:
    async with _opened() as renewal:
        found = [await _of_key(renewal, status) for status in renewal.keyring.status()]
        for omgeving in renewal.omgevingen:
            found += _of_crls(omgeving, await renewal.records.crls(omgeving))
    return found


async def _of_key(renewal: Renewal, status: KeyStatus) -> Finding:
    record, certificate = status.record, status.certificate
    subject = f"{record.use.value} {record.partij_oin} {record.certificate_file}"
    problem = status.problem
    try:
        if certificate is not None and problem is None:
            check_use(certificate, record.use, SystemClock().now())
            if record.use in (Use.SIGN, Use.DECRYPT) and record.omgeving in renewal.omgevingen:
                problem = await renewal.keyring.trust.problem(record.omgeving, certificate.der, use=record.use)
    except DigikoppelaarError as error:
        problem = str(error)
    return Finding(record.omgeving, subject, problem)


def _of_crls(omgeving: str, stored: Sequence[StoredCrl]) -> list[Finding]:
    return [Finding(omgeving, f"CRL {each.source}", _crl_problem(each, SystemClock().now())) for each in stored]


def _crl_problem(stored: StoredCrl, now: datetime) -> str | None:
    if stored.crl is None:
        return stored.problem or "not there"
    if now >= stored.crl.next_update:
        return f"past its nextUpdate of {stored.crl.next_update:%Y-%m-%d %H:%M}; {stored.problem or 'no newer one'}"
    half = "half of its time is over without a newer one"
    return f"{half}: {stored.problem}" if is_overdue(stored.crl, now) and stored.problem else None
