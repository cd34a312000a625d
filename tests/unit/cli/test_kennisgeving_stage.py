"""`kennisgeving stage` over a real database: what is missing, the word of a person, and made-up notices."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.adapters.postgres.world import GEMEENTE, NOW
from tests.unit.cli.test_kennisgeving import PUBLISHING, store_of
from tests.unit.cli.test_verzoek import Installation
from typer.testing import CliRunner

from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports.kennisgevingen import Answer, Facts, Sent
from digikoppelaar.flows.registration import AansluitingEntry, Entry, OrganisatieEntry, PartijEntry, difference

OTHER = "00000099000000005000"
PARTIES: tuple[Entry, ...] = (
    OrganisatieEntry(GEMEENTE, "Gemeente Voorbeeldstad", "gemeente"),
    OrganisatieEntry(OTHER, "Gemeente Elders", "gemeente"),
    PartijEntry(GEMEENTE, "Gemeente Voorbeeldstad"),
)
LATER = NOW.replace(year=2100)


def aansluiting(oin: str, omgeving: str = "pre", **settings: str) -> AansluitingEntry:
    return AansluitingEntry(oin, "drop", omgeving, GEMEENTE, {}, {}, publishing={**PUBLISHING, **settings})


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    apply(
        made,
        *PARTIES,
        *(aansluiting(oin) for oin in (GEMEENTE, OTHER)),
    )
    return made


def apply(installation: Installation, *entries: Entry) -> None:
    async def put() -> None:
        async with opened_pool(lambda: installation.url, 1) as pool:
            registry = PostgresRegistry(pool)
            await registry.apply(difference(await registry.entries(), entries), NOW)

    asyncio.run(put())


def stage(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), "kennisgeving", "stage", *arguments])


def told(installation: Installation, *arguments: str) -> Any:
    return json.loads(stage(installation, *arguments, "--json").output)


def shown(installation: Installation, oin: str = GEMEENTE, name: str = "poc") -> Mapping[str, Any]:
    [found] = [each for each in told(installation, "show", oin) if each["stage"]["name"] == name]
    return found  # type: ignore[no-any-return]


async def taken_in_poc(store: PostgresKennisgevingen) -> None:
    """As the gateway does with all that is due, when KOOP takes it."""
    for row in await store.claim(LATER, 100, 100):
        assert await store.began(row, Sent("poc", str(row.document["documenttype"]), b"<request/>"), NOW)
        facts = Facts(dossiernummer=f"2026{row.id:07}", answer=Answer(200, b"<ok/>", 5))
        await store.settle(row, KennisgevingEvent.ACCEPTED, facts, NOW)


def test_from_nothing_to_a_stage_that_is_done(installation: Installation) -> None:
    assert (shown(installation)["turn"], shown(installation)["used"]) == ("leverancier", True)
    delivered = told(installation, "deliver", GEMEENTE)["kennisgevingen"]
    assert [(each["documenttype"], each["state"]) for each in delivered] == [
        ("aanvraag", "planned"),
        ("afhandeling", "planned"),
        ("planafwijking", "planned"),
    ]
    assert told(installation, "deliver", GEMEENTE)["kennisgevingen"] == delivered
    asyncio.run(store_of(installation.url, taken_in_poc))
    assert shown(installation)["turn"] == "KOOP"
    types = [each["documenttype"] for each in delivered]
    word = stage(installation, "confirm", GEMEENTE, "poc", *types, "--note", "mail van 3 juni")
    assert "Good in stage poc: aanvraag, afhandeling, planafwijking." in word.output
    assert "That was on record" in stage(installation, "confirm", GEMEENTE, "poc", "aanvraag").output
    poc = shown(installation)
    assert (poc["done"], poc["turn"], poc["findings"]) == (True, None, [])
    assert [one["deliveries"][0]["dossiernummer"] for one in poc["wanted"]] == [
        "20260000001",
        "20260000002",
        "20260000003",
    ]
    assert poc["wanted"][0]["confirmation"]["note"] == "mail van 3 juni"
    assert poc["wanted"][0]["confirmation"]["by"]
    assert "3 of 3" in stage(installation, "show", GEMEENTE).output


def test_another_organisatie_sees_that_a_shared_stage_is_done_and_nothing_else(installation: Installation) -> None:
    told(installation, "deliver", GEMEENTE)
    asyncio.run(store_of(installation.url, taken_in_poc))
    told(installation, "confirm", GEMEENTE, "poc", "aanvraag", "--note", "van Voorbeeldstad")
    [first, *_] = shown(installation, OTHER)["wanted"]
    assert (first["done"], first["deliveries"][0]["dossiernummer"], first["deliveries"][0]["own"]) == (True, "", False)
    assert "Voorbeeldstad" not in json.dumps(told(installation, "show", OTHER))
    refused = stage(installation, "confirm", OTHER, "tst-organisatie", "aanvraag").exception
    assert isinstance(refused, ConfigError)


def test_a_word_about_what_was_not_delivered_is_refused(installation: Installation) -> None:
    refused = stage(installation, "confirm", GEMEENTE, "poc", "aanvraag").exception
    assert isinstance(refused, ConfigError)
    assert "no aanvraag was delivered" in str(refused)
    assert shown(installation)["wanted"][0]["confirmation"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "00000099000000007000"),
        ("confirm", GEMEENTE, "vijf", "aanvraag"),
        ("confirm", GEMEENTE, "poc", "verdaging"),
        ("deliver", GEMEENTE, "--documenttype", "verdaging"),
        ("show", GEMEENTE, "--omgeving", "prod"),
    ],
    ids=["organisatie", "stage", "documenttype", "documenttype to deliver", "omgeving"],
)
def test_what_is_not_there_is_said_so(installation: Installation, arguments: tuple[str, ...]) -> None:
    assert isinstance(stage(installation, *arguments).exception, ConfigError)


def test_a_dry_run_makes_nothing_and_says_what_the_checks_find(installation: Installation) -> None:
    dry = stage(installation, "deliver", GEMEENTE, "--documenttype", "planafwijking", "--dry-run")
    assert "TEST-poc-planafwijking" in dry.output
    assert "applicant-not-checked" in dry.output
    assert "Nothing was made" in dry.output
    apart = told(installation, "deliver", GEMEENTE, "--documenttype", "aanvraag", "--number", "2")["kennisgevingen"]
    assert [(each["referentienummer"], each["number"]) for each in apart] == [("TEST-poc-aanvraag-2", 1)]


def test_only_what_the_aansluiting_wants_is_made(installation: Installation) -> None:
    apply(installation, aansluiting(GEMEENTE, wanted="afhandeling"))
    assert [each["documenttype"] for each in told(installation, "deliver", GEMEENTE)["kennisgevingen"]] == [
        "afhandeling"
    ]


def test_in_production_nothing_is_made_up_and_too_early_is_told(installation: Installation) -> None:
    apply(installation, aansluiting(GEMEENTE, "prod", stage="productie"))
    refused = stage(installation, "deliver", GEMEENTE, "--omgeving", "prod").exception
    assert isinstance(refused, ConfigError)
    assert "published for good" in str(refused)
    assert (
        "too-early: Stap 4 is in gebruik terwijl stap 1 niet klaar is." in stage(installation, "show", GEMEENTE).output
    )


def test_whether_the_sandbox_is_meant_has_to_be_said(installation: Installation) -> None:
    apply(installation, aansluiting(GEMEENTE, "sandbox-pre"))
    ambiguous = stage(installation, "show", GEMEENTE).exception
    assert isinstance(ambiguous, ConfigError)
    assert "--omgeving" in ambiguous.advice
    assert stage(installation, "show", GEMEENTE, "--omgeving", "sandbox-pre").exit_code == 0
