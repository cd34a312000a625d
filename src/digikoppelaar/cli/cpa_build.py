"""`digikoppelaar cpa build`: a CPA out of an aansluiting and a file about the partner, or the successor of one."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.keyfiles import load_key, read_chain, record_of
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.cli.files import read_toml
from digikoppelaar.ebms.cpa_build import Certificates, build, cpa_id_of
from digikoppelaar.ebms.cpa_findings import check_usable, findings
from digikoppelaar.ebms.cpa_renew import renew
from digikoppelaar.ebms.cpa_subject import Judgement
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.cpa_order import OrderFile, first_end
from digikoppelaar.flows.cpas import WITH_CPA, judgement_in
from digikoppelaar.flows.ports import Aansluiting, CpaRecord
from digikoppelaar.flows.registration import CertificateEntry
from digikoppelaar.pki.certificate import Use


def build_cpa(
    file: Annotated[Path | None, typer.Argument(help="TOML: ours, partner, terms and service tables.")] = None,
    omgeving: Annotated[str | None, typer.Option(help="The omgeving, when more than one fits.")] = None,
    renew_id: Annotated[str | None, typer.Option("--renew", help="Make the successor of this imported CPA.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; without it, on the screen.")] = None,
    json: Json = False,
) -> None:
    """Make a CPA: our side from the aansluiting and its certificates, the other side from the file.

    With --renew the CPA that is in use is taken over with our present certificates and, when the file names them, with
    the partner's; it gets a CPAId of its own and goes beside the old one. Nothing is imported.
    """
    content = {} if file is None else read_toml(file)
    if file is None and renew_id is None:
        raise ConfigError("a file or --renew is needed", advice="Zie `digikoppelaar cpa build --help`.")
    base = Path() if file is None else file.parent
    order = OrderFile(content, lambda name: tuple(each.der for each in read_chain(base / name)))
    now = SystemClock().now().replace(microsecond=0)
    document, judgement = asyncio.run(_made(order, omgeving, renew_id, now))
    judged = findings(document, judgement)
    check_usable(judged)
    if out is not None:
        out.write_bytes(document)
    if json:
        output.print_json({"file": out, "document": document.decode(), "findings": judged})
    elif out is None:
        output.console.out(document.decode(), highlight=False)
    else:
        output.console.print(f"Wrote {out}; judge it with `digikoppelaar cpa lint {out}`.", markup=False)


async def _made(order: OrderFile, omgeving: str | None, renew_id: str | None, now: datetime) -> tuple[bytes, Judgement]:
    """The document, and by what it is judged: as an import will."""
    config = configuration()
    async with wiring.open_stores(config) as stores:
        registry = stores.registry
        if renew_id is not None:
            old = _the_only(
                [each for each in await registry.cpas(omgeving) if each.agreement.cpa_id == renew_id], renew_id
            )
            ours = our_certificates(await registry.certificates(old.aansluiting.omgeving), old.aansluiting)
            document = await registry.cpa_document(old.id)
            judgement = await judgement_in(old.aansluiting.omgeving, registry, wiring.policies(config), now)
            judgement = replace(judgement, tolerances=old.agreement.tolerances)
            return _renewed(document, old, order, ours, now), judgement
        aansluiting = aansluiting_with_cpa(await registry.aansluitingen(order.organisatie), order.organisatie, omgeving)
        ours = our_certificates(await registry.certificates(aansluiting.omgeving), aansluiting)
        made = order.order(aansluiting.organisatie_naam, ours, now=now, version=RandomIds().unique())
        return build(made), await judgement_in(aansluiting.omgeving, registry, wiring.policies(config), now)


def _renewed(document: bytes, old: CpaRecord, order: OrderFile, ours: Certificates, now: datetime) -> bytes:
    agreement = old.agreement
    first, second = agreement.ours.party_ids[0].value, agreement.theirs.party_ids[0].value
    theirs = order.partner_certificates()
    service = next((each.service.value for each in (*agreement.sends, *agreement.receives)), "cpa")
    return renew(
        document,
        {first: ours, second: theirs},
        cpa_id=cpa_id_of(service, first, second, RandomIds().unique()),
        starts_at=now,
        ends_at=first_end(each for each in (ours, theirs) if each),
    )


def our_certificates(entries: Sequence[CertificateEntry], aansluiting: Aansluiting) -> Certificates:
    """The newest certificate of each use of the partij that serves the aansluiting. Raises ConfigError, TrustError."""
    found: dict[Use, tuple[bytes, ...]] = {}
    for entry in entries:
        if entry.partij_oin != aansluiting.partij_oin:
            continue
        chain = tuple(each.der for each in load_key(record_of(entry)).chain)
        use = Use(entry.use)
        if use not in found or first_end([{use: chain}]) > first_end([{use: found[use]}]):
            found[use] = chain
    if not found:
        raise ConfigError(
            f"partij {aansluiting.partij_oin} has no certificates in {aansluiting.omgeving}",
            advice="Leg de certificaten van de partij vast met `digikoppelaar organisatie apply`.",
        )
    return found


def aansluiting_with_cpa(
    aansluitingen: Sequence[Aansluiting], organisatie: str, omgeving: str | None, kinds: Collection[str] = WITH_CPA
) -> Aansluiting:
    """The one of this organisatie that goes over ebMS. Raises ConfigError when there is none, or more."""
    fitting = [
        each
        for each in aansluitingen
        if each.organisatie_oin == organisatie and each.kind in kinds and omgeving in {None, each.omgeving}
    ]
    by_place = {(each.omgeving, each.partij_oin): each for each in fitting}
    if len(by_place) == 1:
        return next(iter(by_place.values()))
    what = "more than one aansluiting fits" if fitting else f"no aansluiting of {organisatie}"
    raise ConfigError(what, advice="Kies de omgeving met --omgeving, of leg de aansluiting eerst vast.")


def _the_only(found: list[CpaRecord], cpa_id: str) -> CpaRecord:
    if len(found) != 1:
        what = "is in more than one omgeving" if found else "is not there"
        raise ConfigError(f"CPA {cpa_id} {what}", advice="Zie `digikoppelaar cpa list`; kies met --omgeving.")
    return found[0]
