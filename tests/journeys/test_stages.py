"""An authority goes all four stages at KOOP, each with what it asks for, up to a notice that is really published."""

import hashlib
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from tests.journeys import steps
from tests.journeys.steps import eventually, gateway_command

from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.trial import Trial
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingFilter, StoredKennisgeving
from digikoppelaar.sandbox.folder import GEMEENTE, KOOP_LEVERANCIER, LEVERANCIER
from digikoppelaar.wiring import Stores, apply_registration, open_stores

OTHER: Final = "00000099000000005000"
ORGANISATIES: Final = (f"{GEMEENTE.oin}=Gemeente Oeverloo=gemeente", f"{OTHER}=Gemeente Elders=gemeente")
PRODUCTION: Final = """
[endpoint.sandbox-prod]
partij = "{partij}"
trust_anchors = ["{anchor}"]
"""
PARTIES: Final = """
[[partij]]
oin = "{koop_leverancier}"
naam = "KOOP, test van leveranciers"
[[partij.certificate]]
omgeving = "sandbox-pre"
uses = ["tls-client"]
certificate_file = "{koop_tls_certificate_file}"
key_file = "{koop_tls_key_file}"

[[partij]]
oin = "{partij_oin}"
naam = "Leverancier"
[[partij.certificate]]
omgeving = "sandbox-prod"
uses = ["tls-server", "tls-client"]
certificate_file = "{tls_certificate_file}"
key_file = "{tls_key_file}"
"""
AANSLUITING: Final = """
[[aansluiting]]
organisatie_oin = "{oin}"
kind = "drop"
omgeving = "{omgeving}"
partij_oin = "{partij}"
[aansluiting.publishing]
stage = "{stage}"
address = "{address}"
sru_url = "{sru_url}"
naam = "Oeverloo"
bestuurslaag = "gemeente"
blad = "gmb"
telefoon = "14 0123"
{more}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def connecting(trial_folders: list[Path]) -> AsyncIterator[Trial]:
    """A trial with two authorities, and the leverancier's certificates for every stage."""
    trial = steps.new_trial(trial_folders)
    trial.publishes, trial.organisaties = True, ORGANISATIES
    trial.settings += PRODUCTION.format(partij=LEVERANCIER.oin, anchor=trial.folder / "sandbox" / "pki" / "root.pem")
    async with trial, trial.prepared():
        await apply(trial, PARTIES.format(koop_leverancier=KOOP_LEVERANCIER.oin, **trial.facts))
        await trial.start_gateway()
        yield trial


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(connecting: Trial) -> AsyncIterator[Stores]:
    """A look into its database."""
    async with open_stores(connecting.config) as opened:
        yield opened


async def apply(trial: Trial, toml: str) -> None:
    """What an administrator puts on record."""
    file = trial.folder / "apply.toml"
    file.write_text(toml)
    await apply_registration(trial.config, read_file(file), dry_run=False)


async def move_to(trial: Trial, stage: str, partij: str, omgeving: str = "sandbox-pre", more: str = "") -> None:
    """Set the aansluiting to a stage."""
    address, sru_url = trial.facts["koop_3pas_urls"][stage], trial.facts["koop_sru_url"]
    values = {"oin": GEMEENTE.oin, "omgeving": omgeving, "partij": partij, "stage": stage}
    await apply(trial, AANSLUITING.format(**values, address=address, sru_url=sru_url, more=more))


async def koop(trial: Trial, what: str) -> list[Any]:
    """What KOOP says at its management port."""
    async with trial.http.get(f"{trial.facts['management_url']}/koop/{what}") as answer:
        return list(await answer.json())


async def stage_command(trial: Trial, *arguments: str) -> Any:
    """What a command about stages gives."""
    return (await gateway_command(trial, "kennisgeving", "stage", *arguments, "--json")).document


async def in_state(stores: Stores, numbers: Sequence[int], *states: str) -> None:
    """Wait until these kennisgevingen are in one of these states."""

    async def look() -> list[str]:
        return [(await stores.kennisgevingen.kennisgeving(number)).state for number in numbers]

    await eventually(look, lambda found: set(found) <= set(states), f"{numbers} {states}")


async def deliver(trial: Trial, stores: Stores, *documenttypen: str) -> list[int]:
    """Have made-up notices delivered, until KOOP has them; their numbers."""
    chosen = [part for each in documenttypen for part in ("--documenttype", each)]
    made = await stage_command(trial, "deliver", GEMEENTE.oin, *chosen, "--omgeving", "sandbox-pre")
    numbers = [each["number"] for each in made["kennisgevingen"]]
    await in_state(stores, numbers, "accepted", "published", "refused")
    return numbers


async def found_good(trial: Trial, stage: str) -> None:
    """KOOP looks at what came in and finds it good; who reads its mail puts that on record here."""
    good: list[str] = []
    for dossier in await koop(trial, "dossiers"):
        if dossier["stage"] == stage:
            url = f"{trial.facts['management_url']}/koop/dossiers/{dossier['dossiernummer']}/confirm"
            async with trial.http.post(url, json={"by": "F. Beheer"}) as answer:
                assert (await answer.json())["confirmed_by"] == "F. Beheer"
            good.append(dossier["documenttype"].split()[-1])
    said = await stage_command(trial, "confirm", GEMEENTE.oin, stage, *good, "--note", "mail van F. Beheer")
    assert said["news"] == good


@pytest.mark.timeout(600)  # two dozen commands, one after another, each with an interpreter of its own
async def test_each_stage_is_done_with_what_it_asks_for_and_the_last_one_publishes(
    connecting: Trial, stores: Stores
) -> None:
    trial, user_name = connecting, f'user_name_file = "{connecting.facts["koop_user_name_file"]}"'

    await move_to(trial, "poc", LEVERANCIER.oin, more=user_name)
    assert len(await deliver(trial, stores)) == 3
    await found_good(trial, "poc")

    await move_to(trial, "tst-leverancier", LEVERANCIER.oin)
    [refused] = await deliver(trial, stores, "aanvraag")
    assert (await stores.kennisgevingen.kennisgeving(refused)).state == "refused", "it takes the certificate of KOOP"
    await move_to(trial, "tst-leverancier", KOOP_LEVERANCIER.oin)
    assert (await gateway_command(trial, "kennisgeving", "resume", str(refused), "--override", "TEST")).status == 0
    await in_state(stores, [refused], "accepted", "published")
    assert len(await deliver(trial, stores)) == 3
    await found_good(trial, "tst-leverancier")

    await move_to(trial, "tst-organisatie", LEVERANCIER.oin)
    assert len(await deliver(trial, stores)) == 3
    await found_good(trial, "tst-organisatie")

    made_up = await koop(trial, "dossiers")
    assert [(each["stage"], each["certificate_oin"], each["received"]) for each in made_up] == [
        *[("poc", LEVERANCIER.oin, 1)] * 3,
        *[("tst-leverancier", KOOP_LEVERANCIER.oin, 1)] * 3,
        *[("tst-organisatie", LEVERANCIER.oin, 1)] * 3,
    ]
    assert [each["done"] for each in await koop(trial, "stages")] == [True, True, True, False]
    others = await stage_command(trial, "show", OTHER)
    assert [each["done"] for each in others] == [True, True, False, False], "what a leverancier does once for all"
    assert not any(each["dossiernummer"] in json.dumps(others) for each in made_up)

    await move_to(trial, "productie", LEVERANCIER.oin, "sandbox-prod", 'wanted = ["aanvraag"]')
    invented = await gateway_command(
        trial, "kennisgeving", "stage", "deliver", GEMEENTE.oin, "--omgeving", "sandbox-prod"
    )
    assert (invented.status, "published for good" in invented.err) == (1, True)
    assert await koop(trial, "dossiers") == made_up
    real = await published_for_real(trial, stores)
    await found_good(trial, "productie")
    found = await stage_command(trial, "show", GEMEENTE.oin)
    assert [(each["done"], each["findings"]) for each in found] == [(True, [])] * 4
    await proven(trial, real)


async def published_for_real(trial: Trial, stores: Stores) -> StoredKennisgeving:
    """A notice that a person wrote and stands for goes to production, and is found there."""
    [like, *_] = await stores.kennisgevingen.kennisgevingen(KennisgevingFilter(referentienummer="TEST-poc-aanvraag"))
    text = json.dumps(like.document).replace("TEST-poc-aanvraag", "Z2026-0001").replace("TEST: ", "")
    file = trial.folder / "kennisgeving.json"
    file.write_text(text)
    drafted = await gateway_command(
        trial, "kennisgeving", "draft", "--file", file, "--omgeving", "sandbox-prod", "--json"
    )
    number = drafted.document["id"]
    publish = await gateway_command(trial, "kennisgeving", "publish", str(number), "--override", "akkoord")
    assert publish.status == 0
    await in_state(stores, [number], "published")
    return await stores.kennisgevingen.kennisgeving(number)


async def proven(trial: Trial, row: StoredKennisgeving) -> None:
    """What is exported is what KOOP received, byte for byte."""
    packed = trial.folder / "bewijs.zip"
    assert (await gateway_command(trial, "kennisgeving", "export", str(row.id), packed)).status == 0
    with zipfile.ZipFile(packed) as archive:
        sent, told = archive.read("attempt-1/request.xml"), json.loads(archive.read("evidence.json"))
    [receipt] = [each for each in await koop(trial, "receipts") if each["stage"] == "productie"]
    assert hashlib.sha256(sent).hexdigest() == receipt["sha256"] == told["sha256"]["attempt-1/request.xml"]
    assert receipt["dossiernummer"] == row.dossiernummer == told["dossiernummer"]
    [attempt] = told["attempts"]
    assert (attempt["stage"], attempt["status"], attempt["made_again"]) == ("productie", 200, True)
    assert told["publication"]["number"] == (row.publication.number if row.publication else "")
