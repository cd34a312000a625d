"""What all journeys left in the logs: identifiers, and never who the applicants are. Runs after the others."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.steps import delivered

from digikoppelaar.cli.trial import Trial
from digikoppelaar.sandbox.model import Soort
from digikoppelaar.xml import parse

PERSONAL = frozenset(
    {"bsn", "voorletters", "achternaam", "emailadres", "straatnaam", "postcode", "kadastralegegevens", "kvkNummer"}
    | {"vestigingsnummer", "handelsnaam", "antwoord", "bestandsnaam"}
)
"""Elements of a verzoek that say something about an applicant, or that an applicant wrote."""
NO_BSN = "000000000"
SHORTEST = 5
"""Characters; initials and house numbers occur in anything."""
LIMIT = 1024 * 1024


def personal_data(folder: Path) -> frozenset[str]:
    """What the verzoeken in this case folder say about applicants."""
    return frozenset(text for file in folder.rglob("verzoek.xml") for text in _texts(file)) - {NO_BSN}


def _texts(file: Path) -> Iterator[str]:
    for element in parse(file.read_bytes(), limit=LIMIT).iter("{*}*"):
        text = (element.text or "").strip()
        if element.tag.rpartition("}")[2] in PERSONAL and len(text) >= SHORTEST:
            yield text


def logs(folder: Path) -> list[Path]:
    """What every process of a trial logged, PostgreSQL included."""
    return [file for file in folder.rglob("*") if file.is_file() and (file.suffix == ".log" or file.stem == "log")]


def is_in(secret: str, text: str) -> bool:
    """A number of an applicant is not the seconds of a time, as in 05:41:31.000."""
    return secret in text and bool(re.search(rf"(?<![0-9])(?<![0-9]:){re.escape(secret)}", text))


async def test_a_number_is_told_from_a_time() -> None:
    assert is_in("31.000", "bedrag:31.000")
    assert is_in("De Vries", "naam=De Vries")
    assert not is_in("31.000", "at 05:41:31.000 UTC")
    assert not is_in("De Vries", "naam=De Boer")


async def test_no_log_holds_personal_data(trial: Trial, trial_folders: list[Path]) -> None:
    await trial.fault(kind="cut", target="xml", count=1)
    submitted = [each for soort in Soort for each in await trial.submit(soort=soort.value, bijlagen=["txt"], count=3)]
    await delivered(trial, *submitted)
    for folder in trial_folders:
        texts = {file: file.read_text(errors="replace") for file in logs(folder)}
        assert {"sandbox.log", "log"} < {file.name for file in texts}
        secrets = personal_data(folder / "zaken")
        assert [(file.name, secret) for file, text in texts.items() for secret in secrets if is_in(secret, text)] == []
    assert len(personal_data(trial.case_folder)) > len(submitted), "there was something to find"
