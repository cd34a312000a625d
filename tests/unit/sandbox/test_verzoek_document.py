"""The XML of every variant is what the gateway reads, without anything to say about it."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from digikoppelaar.sandbox.bijlagen import make_bijlagen
from digikoppelaar.sandbox.catalogue import catalogue
from digikoppelaar.sandbox.content import invent
from digikoppelaar.sandbox.model import Adres, Bedrijf, BevoegdGezag, Head, Inhoud, Locatie, Persoon, Soort
from digikoppelaar.sandbox.verzoek_document import (
    AANVULLEN,
    CONCEPT,
    INTREKKEN,
    STAM_VERSIONS,
    WITHDRAWN,
    notification_xml,
    verzoek_xml,
)
from digikoppelaar.stam.codes import TYPES
from digikoppelaar.stam.findings import findings
from digikoppelaar.stam.model import Verzoek
from digikoppelaar.stam.notification import read_notification
from digikoppelaar.stam.verzoek import read_verzoek

NUMMER = "2026060200019"
NOW = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
GEMEENTE = BevoegdGezag("00000099000000002000", "Gemeente Oeverloo")
DIENST = BevoegdGezag("00000099000000004000", "Omgevingsdienst Verzonnen Vaart")
ADRES = Adres("Wilgenpad", "12", "3990SA", "Demerstede", "b", "2 hoog")
PERSOON = Persoon("999990019", "A.B.", "Çelik <&> Zn.", "a@voorbeeld.example", ADRES, "0612345678")
BEDRIJF = Bedrijf("99990001", "Proefbouw & Zn.", ADRES, "000099990001", replace(PERSOON, bsn="", adres=None))
OUTER = ((132_000.0, 447_000.0), (132_100.0, 447_000.0), (132_100.0, 447_100.0), (132_000.0, 447_100.0))
INNER = ((132_040.0, 447_040.0), (132_060.0, 447_040.0), (132_060.0, 447_060.0), (132_040.0, 447_060.0))
CLOSED = tuple((*ring, ring[0]) for ring in (OUTER, INNER))


def head(stam: int = 4, volgnummer: int = 0, doel: str = "Initiëren", dienst: BevoegdGezag | None = None) -> Head:
    return Head(NUMMER, volgnummer, doel, NOW, GEMEENTE, dienst, stam=stam)


def inhoud(**changes: object) -> Inhoud:
    return replace(invent(Soort.MELDING, Random(1)), **changes)  # type: ignore[arg-type]


def read(made: Head, content: Inhoud, *bijlagen: int | str) -> Verzoek:
    document = verzoek_xml(made, content, make_bijlagen(bijlagen, content.bijlagen, Random(2)))
    verzoek = read_verzoek(document)
    assert findings(verzoek) == ()
    assert verzoek.onbekend == ()
    return verzoek


@pytest.mark.parametrize("stam", STAM_VERSIONS)
@pytest.mark.parametrize("verzoektype", TYPES)
@pytest.mark.parametrize(
    ("volgnummer", "doel", "known_as"),
    [
        (0, "Initiëren", "initieren"),
        (0, CONCEPT, "conceptverzoek"),
        (3, AANVULLEN, "aanvullen"),
        (WITHDRAWN, INTREKKEN, "intrekken"),
    ],
)
def test_every_type_and_doel_in_every_namespace(
    stam: int, verzoektype: str, volgnummer: int, doel: str, known_as: str
) -> None:
    verzoek = read(head(stam, volgnummer, doel), inhoud(type=verzoektype), "txt")
    assert (verzoek.stam_versie, verzoek.type, verzoek.doel) == (stam, verzoektype, known_as)
    assert (verzoek.verzoeknummer, verzoek.volgnummer, verzoek.indien_datum) == (NUMMER, volgnummer, NOW)


def test_a_conceptverzoek_was_called_vooroverleg() -> None:
    documents = [verzoek_xml(head(stam, doel=CONCEPT), inhoud(), ()) for stam in STAM_VERSIONS]
    assert [b"Vooroverleg" in document for document in documents] == [True, False]


@pytest.mark.parametrize("stam", STAM_VERSIONS)
def test_authorities_of_now_and_of_before(stam: int) -> None:
    earlier = BevoegdGezag("00000099000000007000", "Gemeente Elders")
    made = replace(
        head(stam, dienst=DIENST), bevoegd_gezag_historie=(earlier,), behandeldienst_historie=(earlier, DIENST)
    )
    verzoek = read(made, inhoud())
    assert verzoek.bevoegd_gezag
    assert verzoek.uitvoerende_instantie
    assert (verzoek.bevoegd_gezag.oin, verzoek.uitvoerende_instantie.oin) == (GEMEENTE.oin, DIENST.oin)
    assert [each.oin for each in verzoek.bevoegd_gezag_historie] == [earlier.oin]
    assert [each.oin for each in verzoek.uitvoerende_instantie_historie] == [earlier.oin, DIENST.oin]


@pytest.mark.parametrize("stam", STAM_VERSIONS)
@pytest.mark.parametrize("initiatiefnemer", [PERSOON, BEDRIJF, replace(BEDRIJF, vestigingsnummer="")])
@pytest.mark.parametrize("gemachtigde", [None, PERSOON, BEDRIJF])
def test_every_kind_of_party(
    stam: int, initiatiefnemer: Persoon | Bedrijf, gemachtigde: Persoon | Bedrijf | None
) -> None:
    verzoek = read(head(stam), inhoud(initiatiefnemer=initiatiefnemer, gemachtigde=gemachtigde))
    assert verzoek.initiatiefnemer
    assert verzoek.initiatiefnemer.soort == ("natuurlijk" if initiatiefnemer is PERSOON else "nietNatuurlijk")
    assert [adres.huisletter for adres in verzoek.initiatiefnemer.adressen] == ["b"]
    submitter = gemachtigde or initiatiefnemer
    assert (verzoek.contactpersoon is not None) == isinstance(submitter, Bedrijf)


@pytest.mark.parametrize(
    ("locatie", "points", "rings"),
    [
        (Locatie(adres=ADRES), 0, 0),
        (Locatie(kadaster="OVL00 A 1049"), 0, 0),
        (Locatie(punt=(132_326.97, 447_617.404)), 1, 0),
        (Locatie(adres=ADRES, kadaster="OVL00 A 1", punt=(132_326.97, 447_617.404)), 1, 0),
        (Locatie(vlak=CLOSED[:1]), 0, 1),
        (Locatie(vlak=CLOSED), 0, 2),
    ],
)
def test_every_kind_of_place(locatie: Locatie, points: int, rings: int) -> None:
    verzoek = read(head(), inhoud(locaties=(locatie,)))
    (found,) = verzoek.projectlocaties
    assert (found.adres is not None) == (locatie.adres is not None)
    assert bool(found.percelen) == bool(locatie.kadaster)
    for geometrie in (found.opgegeven, found.etrs):
        assert (len(geometrie.punten) if geometrie else 0) == points
        assert (len(geometrie.vlakken[0]) if geometrie and geometrie.vlakken else 0) == rings


def test_several_places_and_activities() -> None:
    places = (Locatie(punt=(132_326.97, 447_617.404)), Locatie(punt=(131_296.84, 449_194.096)))
    both = tuple(invent(soort, Random(1)).activiteiten[0] for soort in (Soort.MELDING, Soort.INFORMATIE))
    verzoek = read(head(), inhoud(locaties=places, activiteiten=both), "txt", "txt")
    assert len(verzoek.projectlocaties) == 2
    assert [each.naam for each in verzoek.projectactiviteiten] == [each.naam for each in both]
    assert len(verzoek.documenten) == 2


def test_an_aansluitactiviteit_is_known_as_one() -> None:
    known = catalogue()["Aansluitactiviteit Gemeentes - Melding"]
    chosen = known.filled_in("Melding", {"Wat is uw naam?": "A. Testema"})
    verzoek = read(head(), inhoud(activiteiten=(chosen,)))
    assert verzoek.aansluitactiviteit
    assert [item.antwoord for item in verzoek.alle_specificaties] == ["A. Testema"]


def test_a_character_that_xml_cannot_hold_becomes_one_that_it_can() -> None:
    verzoek = read(head(), inhoud(toelichting="a\x00b\x1bc\ud800d"))
    assert verzoek.toelichting == "a\ufffdb\ufffdc\ufffdd"


@pytest.mark.parametrize("stam", STAM_VERSIONS)
def test_a_notification_tells_the_number_and_a_withdrawal_if_nothing_else_does(stam: int) -> None:
    plain = read_notification(notification_xml(NUMMER, stam=stam))
    assert (plain.verzoeknummer, plain.volgnummer, plain.withdrawal) == (NUMMER, None, False)
    told = read_notification(notification_xml(NUMMER, stam=stam, withdrawn=True))
    assert (told.verzoeknummer, told.volgnummer, told.withdrawal) == (NUMMER, WITHDRAWN, True)
