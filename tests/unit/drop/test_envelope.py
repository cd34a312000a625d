"""A kennisgeving as a request of 3PAS, as the other side reads it or refuses it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from tests.unit.drop.edits import edited, edits
from tests.unit.drop.notices import BESLUIT, GEMEENTE, MANY_PLACES, OMGEVINGSDIENST, PLANAFWIJKING

from digikoppelaar import xml
from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop import receiving, schema
from digikoppelaar.drop.envelope import NotAccepted, RawAnswer, SoapRequest, answer, request
from digikoppelaar.drop.inhoud import Flaw, Markup, inhoud_zip, plainer, unpack
from digikoppelaar.drop.model import (
    AlsPunt,
    Bestuurslaag,
    Bijlage,
    Blad,
    Data,
    Documenttype,
    Kennisgeving,
    Moment,
    Periode,
    Procedure,
    Publicist,
    Uitkomst,
)
from digikoppelaar.drop.outcomes import Outcome
from digikoppelaar.drop.profile import FIELDS, EnvelopeProfile
from digikoppelaar.errors import (
    AanleveringError,
    SubmissionError,
)

PROFILE = load_drop_profile("koop-3pas-2020-01").envelope

OTHER_NAMESPACE = replace(PROFILE, element_namespace="urn:elements")


def read(sent: SoapRequest, profile: EnvelopeProfile = PROFILE) -> receiving.Aanlevering:
    return receiving.read_request(sent.action, sent.content_type, sent.body, profile)


# --- What goes out ---------------------------------------------------------------------------------------------------


def test_a_request_is_soap_with_the_quoted_action_and_the_zip_in_it() -> None:
    sent = request(BESLUIT, PROFILE)
    assert sent.action == '"http://schemas.koopwrp.nl/2020/01/drp/api/IDossierService/VoegDossierToeEnPubliceer"'
    assert sent.content_type == "text/xml; charset=utf-8"
    aanlevering = read(sent)
    assert aanlevering.inhoud_zip == inhoud_zip(BESLUIT)
    assert b"Z2026-0001" in unpack(aanlevering.inhoud_zip)


def test_the_bytes_of_a_request_never_differ() -> None:
    assert request(PLANAFWIJKING, PROFILE).body == request(PLANAFWIJKING, PROFILE).body


def test_every_name_and_value_of_ours_comes_from_the_profile() -> None:
    strange = replace(
        PROFILE,
        namespace="urn:other/",
        element_namespace="urn:elements",
        contract="IAndere",
        operation="Doe",
        order=("inhoud_zip", "blad", "oin"),
        required=("inhoud_zip",),
        path={"inhoud_zip": "A/B/C", "blad": "A/D", "oin": "E"},
        spelling=dict(PROFILE.spelling) | {"blad": dict.fromkeys(Blad.__members__, "elk blad")},
    )
    sent = request(BESLUIT, strange)
    assert sent.action == '"urn:other/IAndere/Doe"'
    [operation] = xml.parse(sent.body, limit=100_000).iterfind(".//{urn:other/}Doe")
    paths = [operation.getroottree().getelementpath(each) for each in operation.iter("*")][1:]
    assert [path.rpartition("Doe/")[2].replace("{urn:elements}", "") for path in paths] == [
        *("A", "A/B", "A/B/C", "A/D", "E"),
    ]
    assert operation.findtext("{urn:elements}A/{urn:elements}D") == "elk blad"
    assert b"koop" not in sent.body


EVERYTHING = replace(
    PROFILE,
    order=tuple(sorted(FIELDS)),
    path={name: f"X{number}" for number, name in enumerate(sorted(FIELDS))},
    spelling=dict(PROFILE.spelling)
    | {
        "procedure": {name: name for name in Procedure.__members__},
        "moment": {name: name for name in Moment.__members__},
        "uitkomst": {name: name for name in Uitkomst.__members__},
    },
    accepted=frozenset(Markup),
)
FULL = replace(
    PLANAFWIJKING,
    procedure=Procedure.UITGEBREID,
    moment=Moment.RECTIFICATIE,
    data=Data(
        ontvangst=date(2026, 5, 1),
        besluit=date(2026, 6, 1),
        verzending=date(2026, 6, 2),
        inzage=Periode(date(2026, 6, 3), date(2026, 7, 15)),
        reactie=Periode(date(2026, 6, 4), date(2026, 7, 16)),
        publicatie=date(2026, 6, 3),
    ),
)


def test_a_profile_can_send_everything_of_a_kennisgeving() -> None:
    aanlevering = read(request(FULL, EVERYTHING), EVERYTHING)
    said = {*aanlevering.texts, *aanlevering.days, *aanlevering.files, "locatie"}
    assert said == FIELDS
    assert aanlevering.text("uitkomst") == Uitkomst.VERLEEND
    received = receiving.kennisgeving(aanlevering, EVERYTHING)
    assert received.data == FULL.data
    assert (received.procedure, received.moment) == (FULL.procedure, FULL.moment)
    assert received.tekst == FULL.tekst


@pytest.mark.parametrize("profile", [PROFILE, OTHER_NAMESPACE], ids=["one namespace", "two namespaces"])
@pytest.mark.parametrize("sent", [BESLUIT, MANY_PLACES], ids=["besluit", "many places"])
def test_the_other_side_reads_what_was_sent(sent: Kennisgeving, profile: EnvelopeProfile) -> None:
    received = receiving.kennisgeving(read(request(sent, profile), profile), profile)
    expected = replace(
        sent,
        tekst=plainer(sent.tekst, frozenset()),
        uitkomst=None,
        data=Data(publicatie=sent.data.publicatie),
        locaties=received.locaties,
    )
    assert received == expected
    assert [type(each) for each in received.locaties] == [type(each) for each in sent.locaties]
    assert received.locaties[:2] == sent.locaties[:2]


def test_the_other_side_reads_a_planafwijking_with_its_area_and_plans() -> None:
    received = receiving.kennisgeving(read(request(PLANAFWIJKING, PROFILE)), PROFILE)
    assert received.bopa is not None
    assert (received.bopa.identificatie, received.bopa.imro_ids) == ("Z2026-0001", ("NL.IMRO.9999.BP01-VA01",))
    assert len(received.bopa.vlakken) == 2


def test_every_blad_body_and_documenttype_is_read_as_it_was_sent() -> None:
    for blad in Blad:
        for laag in Bestuurslaag:
            sent = replace(BESLUIT, blad=blad, publicist=Publicist(GEMEENTE, "X", laag))
            aanlevering = read(request(sent, PROFILE))
            assert (aanlevering.text("blad"), aanlevering.text("bestuurslaag")) == (blad, laag)
    aanvraag = replace(BESLUIT, documenttype=Documenttype.AANVRAAG, moment=Moment.AANVRAAG)
    assert receiving.kennisgeving(read(request(aanvraag, PROFILE)), PROFILE).moment is Moment.AANVRAAG


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rubriek": ""}, "without rubriek"),
        ({"publicist": Publicist(GEMEENTE, "", Bestuurslaag.GEMEENTE)}, "without naam"),
        ({"bijlagen": (Bijlage("a.pdf", "application/pdf", "x"),)}, "with bijlagen"),
        ({"documenttype": Documenttype.PLANAFWIJKING}, "planafwijking has"),
        ({"bopa": PLANAFWIJKING.bopa}, "planafwijking has"),
        ({"samenvatting": "a\x00"}, "U\\+0000"),
        ({"locaties": (AlsPunt((1.0, 2.0), "a\x1f"),)}, "U\\+001F"),
        ({"titel": ""}, "without title"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_dutch_advice(change: dict[str, object], told: str) -> None:
    with pytest.raises(SubmissionError, match=told) as caught:
        request(replace(BESLUIT, **change), PROFILE)
    assert caught.value.advice != SubmissionError.default_advice


# --- What the other side refuses -------------------------------------------------------------------------------------

SENT = request(BESLUIT, PROFILE)


def broken(old: bytes, new: bytes) -> bytes:
    assert old in SENT.body
    return SENT.body.replace(old, new)


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", Flaw.ENVELOPE),
        (b"<html/>", Flaw.ENVELOPE),
        (broken(b"soap/envelope/", b"soap-envelope"), Flaw.ENVELOPE),
        (broken(b"VoegDossierToeEnPubliceer", b"VoegDossierToe"), Flaw.ENVELOPE),
        (broken(b"</s:Body>", b"<x/></s:Body>"), Flaw.ENVELOPE),
        (broken(b"<Rubriek>omgevingsvergunning</Rubriek>", b""), Flaw.ENVELOPE),
        (broken(b"<Rubriek>", b"<Kleur>rood</Kleur><Rubriek>"), Flaw.ENVELOPE),
        (broken(b"<Rubriek>", b"<Rubriek>x</Rubriek><Rubriek>"), Flaw.ENVELOPE),
        (broken(b"<Rubriek>", b"<Rubriek xmlns=''>"), Flaw.ENVELOPE),
        (broken(b">omgevingsvergunning<", b"><"), Flaw.WAARDE),
        (broken(b"Gemeenteblad", b"gemeenteblad"), Flaw.WAARDE),
        (broken(b"2026-06-03", b"3 juni 2026"), Flaw.WAARDE),
        (broken(b"2026-06-03", b"2026-06-03Z"), Flaw.WAARDE),
        (broken(b"<InhoudZip>", b"<InhoudZip>*"), Flaw.WAARDE),
        (broken(GEMEENTE.encode(), b"1234"), Flaw.WAARDE),
        (broken(OMGEVINGSDIENST.encode(), b"1234"), Flaw.WAARDE),
        (broken(b"POINT(120003 480004)", b"PUNT"), Flaw.WAARDE),
    ],
)
def test_a_request_that_is_not_as_the_profile_has_it_is_refused(body: bytes, flaw: Flaw) -> None:
    with pytest.raises(AanleveringError) as caught:
        receiving.read_request(SENT.action, SENT.content_type, body, PROFILE)
    assert caught.value.reason == flaw


@pytest.mark.parametrize("action", ["", SENT.action.strip('"'), '"urn:x"'])
def test_another_action_is_refused(action: str) -> None:
    with pytest.raises(AanleveringError, match="SOAPAction"):
        receiving.read_request(action, SENT.content_type, SENT.body, PROFILE)


def test_a_request_of_soap_1_2_by_its_media_type_is_refused() -> None:
    with pytest.raises(AanleveringError, match="text/xml"):
        receiving.read_request(SENT.action, "application/soap+xml", SENT.body, PROFILE)


def refusal(body: bytes) -> AanleveringError | None:
    """Why the other side does not take it; None when it does."""
    try:
        receiving.kennisgeving(receiving.read_request(SENT.action, SENT.content_type, body, PROFILE), PROFILE)
    except AanleveringError as error:
        return error
    return None


@given(edits)
def test_any_request_is_read_or_refused_with_a_flaw_that_has_a_code(changes: list[tuple[int, int, bytes]]) -> None:
    error = refusal(edited(SENT.body, changes))
    if error is not None:
        said = answer(RawAnswer(500, {}, receiving.refusal_body(error, PROFILE)), PROFILE)
        assert isinstance(said, NotAccepted)
        assert said.meaning.outcome is Outcome.REFUSED
        assert said.code in PROFILE.flaw_codes.values()


# --- Schema and WSDL -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [PROFILE, OTHER_NAMESPACE, EVERYTHING], ids=["one", "two", "everything"])
def test_request_answer_and_fault_are_as_the_schema_in_the_wsdl_has_them(profile: EnvelopeProfile) -> None:
    document = xml.parse(schema.wsdl(profile, "https://localhost/"), limit=1_000_000)
    found = document.findall(".//{http://www.w3.org/2001/XMLSchema}schema")
    files = {schema.OPERATION: xml.serialize(found[-1])}
    if len(found) > 1:
        location = b'namespace="urn:elements" schemaLocation="elements.xsd"'
        files = {
            schema.ELEMENTS: xml.serialize(found[0]),
            schema.OPERATION: files[schema.OPERATION].replace(b'namespace="urn:elements"', location),
        }
    judge = xml.read_schema(schema.OPERATION, files, limit=1_000_000)
    contents: dict[bytes, Callable[[bytes], object]] = {
        request(FULL, profile).body: lambda body: xml.parse(body, limit=1_000_000).find("{*}Body/*"),
        receiving.accepted_body("1", profile): lambda body: xml.parse(body, limit=10_000).find("{*}Body/*"),
        receiving.fault_body("Client", "C", "t", profile): lambda body: xml.parse(body, limit=10_000).find(
            ".//detail/*"
        ),
    }
    for body, content in contents.items():
        judge.assertValid(content(body))


def test_the_wsdl_binds_the_action_and_says_the_address() -> None:
    document = xml.parse(schema.wsdl(PROFILE, "https://localhost/drop/3epas"), limit=1_000_000)
    soap = "{http://schemas.xmlsoap.org/wsdl/soap/}"
    [operation] = document.iter(f"{soap}operation")
    [address] = document.iter(f"{soap}address")
    assert operation.get("soapAction") == PROFILE.action.strip('"')
    assert address.get("location") == "https://localhost/drop/3epas"
