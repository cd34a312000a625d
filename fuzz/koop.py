"""The readers of what KOOP answers and publishes, and of the query that the sandbox is asked.

The first byte says which reader gets the rest. A location that was read must be the same after writing and reading.
"""

import atheris
from harness import MAX_INPUT, fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.drop.cql import read_query
    from digikoppelaar.drop.found import candidates, differences
    from digikoppelaar.drop.markers import marker
    from digikoppelaar.drop.metadata import read_metadata
    from digikoppelaar.drop.publication import read_publication
    from digikoppelaar.drop.sru import read_answer

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.adapters.profiles import load_sru_profile
from digikoppelaar.drop.metadata import metadata_xml
from digikoppelaar.drop.publication import Publicatie, publication_xml
from digikoppelaar.drop.sru import Search, query
from digikoppelaar.drop.sru_answer import Listed, Repository, answer_search
from digikoppelaar.errors import FacilityError, SubmissionError

TOKENS = [
    b"<metadata name='OVERHEIDop.gebiedsmarkering' content='Vlak'>",
    b"<nadruk type='vet'>",
    b"<extref doc='",
    b"<lijst><li><li.nr>",
    b"POLYGON((",
    b"1e999",
    b"info:srw/diagnostic/1/10",
    b'"\\"',
    b" AND ",
    b"&#10;",
]
DAY = date(2026, 6, 2)
CREATOR = KENNISGEVING.publicist.naam
PUBLICATIE = Publicatie(KENNISGEVING, 2026, 7, DAY)
METADATA = read_metadata(metadata_xml(PUBLICATIE))


def target(data: bytes) -> None:
    """One of the readers."""
    reader = READERS.get(data[:1])
    if reader is not None:
        try:
            reader(data[1:])
        except (FacilityError, SubmissionError) as error:
            str(error)


def _metadata(data: bytes) -> None:
    metadata = read_metadata(data)
    assert metadata.identifier, "a record of nothing"
    for locatie in metadata.locaties:
        again = marker(locatie)
        assert again.locatie is not None, "a place that is none after writing"
        assert marker(again.locatie) == again, "another place after writing and reading"
    for found in differences(KENNISGEVING, metadata):
        assert found.zin


def _answer(data: bytes) -> None:
    answer = read_answer(data)
    for record in candidates(KENNISGEVING, answer.records, CREATOR, DAY):
        assert record.datum is not None
        assert record.datum >= DAY


def _publication(data: bytes) -> None:
    differences(KENNISGEVING, METADATA, read_publication(data))


READERS: Mapping[bytes, Callable[[bytes], object]] = {
    b"m": _metadata,
    b"a": _answer,
    b"p": _publication,
    b"q": lambda data: read_query(data.decode(errors="replace")),
}


def seeds() -> list[bytes]:
    """A good one for each reader, and what is heavy."""
    profile = load_sru_profile("koop-sru")
    repository = Repository(
        [Listed(PUBLICATIE, datetime(2026, 6, 2, 9, tzinfo=UTC))],
        profile.names,
        profile.publication_url,
        profile.manifestation_url,
        lambda at: (at[0], at[1]),
    )
    asked = query(Search("Voorbeeldstad", DAY, titel='Kap "eik"*'), profile.names)
    answers = [answer_search({"query": text}, repository) for text in ("dt.title any boom", "(")]
    room = MAX_INPUT - 1024
    heavy = [
        b"p<officiele-publicatie><gemeenteblad><zakelijke-mededeling><zakelijke-mededeling-tekst><tekst>" + inner + end
        for inner, end in (
            (b"<al/>" * (room // 5), b"</tekst></zakelijke-mededeling-tekst></zakelijke-mededeling></gemeenteblad>"),
            (
                b"<al>" + b" " * room,
                b"</al></tekst></zakelijke-mededeling-tekst></zakelijke-mededeling></gemeenteblad>",
            ),
        )
    ]
    records = b"<record/>" * (room // 9)
    points = b"1 2," * (room // 4)
    return [
        b"m" + metadata_xml(PUBLICATIE),
        b"p" + publication_xml(PUBLICATIE),
        b"q" + asked.encode(),
        *(b"a" + answer for answer in answers),
        *(each + b"</officiele-publicatie>" for each in heavy),
        b"a<a><numberOfRecords>1</numberOfRecords><records>" + records + b"</records></a>",
        b"m<metadata_gegevens><metadata name='DC.identifier' content='x'/><metadata content='Lijn' "
        b"name='OVERHEIDop.gebiedsmarkering'><metadata name='OVERHEIDop.geometrie' content='LINESTRING("
        + points
        + b"3 4)'/></metadata></metadata_gegevens>",
        b"q" + b"(" * 3000,
    ]


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)
