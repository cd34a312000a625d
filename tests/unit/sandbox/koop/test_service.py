"""3PAS of the sandbox over real TLS: who may come in, what is taken, what is refused, and what goes wrong."""

import asyncio
import io
import zipfile
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.unit.drop.notices import VLAK
from tests.unit.sandbox.gateway import EAST, WEST, Gateway
from tests.unit.sandbox.koop.supplier import BLAD, PROFILE, Supplier, changed, message, notice

from digikoppelaar import xml
from digikoppelaar.adapters.drop_client import DropClient
from digikoppelaar.adapters.http_out import MtlsHttp
from digikoppelaar.drop.envelope import Accepted, NotAccepted, RawAnswer, SoapRequest, answer
from digikoppelaar.drop.model import AlsAdres, AlsLijn, AlsPunt, AlsVlak, Bestuurslaag, Bopa, Documenttype, Publicist
from digikoppelaar.drop.outcomes import Outcome
from digikoppelaar.errors import FacilityOutcomeUnknown

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def dossiers(supplier: Supplier) -> list[dict[str, Any]]:
    return list(await supplier.manage("GET", "/koop/dossiers"))


# --- What is taken ---------------------------------------------------------------------------------------------------


async def test_what_is_taken_has_a_dossiernummer_and_a_number_of_its_blad(supplier: Supplier) -> None:
    raw = await supplier.send(message())
    said = answer(raw, PROFILE.envelope)
    assert isinstance(said, Accepted)
    [dossier] = await dossiers(supplier)
    year = dossier["received_at"][:4]
    assert dossier["dossiernummer"] == said.dossiernummer
    assert dossier["identifier"].startswith(f"gmb-{year}-")
    assert (dossier["status"], dossier["stage"], dossier["received"]) == ("gepland", "tst-organisatie", 1)
    assert (dossier["referentienummer"], dossier["titel"]) == (notice().referentienummer, notice().titel)


async def test_numbers_go_on_and_each_blad_has_its_own_name(supplier: Supplier) -> None:
    await supplier.deliver()
    provincie = Publicist(EAST, "Oost", Bestuurslaag.PROVINCIE)
    blad = b"<Publicatieblad>Provinciaal blad</Publicatieblad>"
    sent = message(publicist=provincie)
    assert answer(await supplier.send(replace(sent, body=sent.body.replace(BLAD, blad))), PROFILE.envelope)
    first, second = await dossiers(supplier)
    assert second["identifier"].startswith("prb-")
    assert int(second["dossiernummer"]) == int(first["dossiernummer"]) + 1


async def test_an_answer_says_which_of_its_names_are_provisional(supplier: Supplier) -> None:
    raw = await supplier.send(message())
    assert raw.headers["x-provisional"] == "response, element_namespace, dossiernummer"
    assert raw.headers["x-sandbox"].startswith("SANDBOX")
    raw = await supplier.send(changed(b"<Rubriek>omgevingsvergunning<", b"<Rubriek>iets<"))
    assert raw.headers["x-provisional"] == "element_namespace, fault_code, fault_text, flaw_codes.rubriek"


async def test_a_message_that_another_program_made_is_taken_too(supplier: Supplier) -> None:
    packed = zipped(INHOUD % b"Aanvraag, kappen, Dorpsstraat 1 te Voorbeeldstad", zipfile.ZIP_DEFLATED)
    body = f"""<?xml version="1.0" encoding="utf-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:ns1="http://schemas.koopwrp.nl/2020/01/drp/api/">
  <SOAP-ENV:Header/>
  <SOAP-ENV:Body>
    <ns1:VoegDossierToeEnPubliceer>
      <ns1:OrganisatieOin>{WEST}</ns1:OrganisatieOin>
      <ns1:OrganisatieNaam>West</ns1:OrganisatieNaam>
      <ns1:OrganisatieType>gemeente</ns1:OrganisatieType>
      <ns1:Publicatieblad>Gemeenteblad</ns1:Publicatieblad>
      <ns1:Documenttype>Omgevingsvergunning | aanvraag</ns1:Documenttype>
      <ns1:Rubriek>omgevingsvergunning</ns1:Rubriek>
      <ns1:Referentienummer>Z/26/7</ns1:Referentienummer>
      <ns1:Gebiedsmarkeringen><ns1:Gebiedsmarkering>
        <ns1:Locatietype>Punt</ns1:Locatietype><ns1:Geometrie>POINT (155000 463000)</ns1:Geometrie>
      </ns1:Gebiedsmarkering></ns1:Gebiedsmarkeringen>
      <ns1:InhoudZip>{packed.decode()}</ns1:InhoudZip>
    </ns1:VoegDossierToeEnPubliceer>
  </SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""
    action = '"http://schemas.koopwrp.nl/2020/01/drp/api/IDossierService/VoegDossierToeEnPubliceer"'
    raw = await supplier.post("productie", body.encode(), {"Content-Type": "text/xml", "SOAPAction": action})
    assert (raw.status, b"<Dossiernummer>" in raw.body) == (200, True)
    [dossier] = await dossiers(supplier)
    assert (dossier["referentienummer"], dossier["documenttype"]) == ("Z/26/7", "Omgevingsvergunning | aanvraag")


@pytest.mark.parametrize("stage", ["poc", "tst-organisatie", "productie"])
async def test_the_client_of_the_gateway_speaks_with_each_stage(
    supplier: Supplier, country: Gateway, stage: str
) -> None:
    http = MtlsHttp(country.sessions, "sandbox-pre", country.ready.partij_oin)
    user_name_file = Path(country.ready.koop_user_name_file) if stage == "poc" else None
    client = DropClient(http, country.ready.koop_3pas_urls[stage], PROFILE, user_name_file=user_name_file, total=2)
    assert isinstance(answer(await client.post(message()), PROFILE.envelope), Accepted)
    await supplier.fault(kind="silence", target="3pas")
    with pytest.raises(FacilityOutcomeUnknown):
        await client.post(message())
    assert [each["received"] for each in await dossiers(supplier)] == [2, 2]


async def test_a_bopa_is_taken_with_its_area(supplier: Supplier) -> None:
    bopa = Bopa("Z2026-0001", (VLAK,))
    await supplier.deliver(bopa=bopa)
    assert [each["documenttype"] for each in await dossiers(supplier)] == [Documenttype.PLANAFWIJKING.value]


async def test_without_a_blad_it_is_only_put_ready(supplier: Supplier) -> None:
    assert isinstance(answer(await supplier.send(changed(BLAD, b"")), PROFILE.envelope), Accepted)
    [dossier] = await dossiers(supplier)
    assert (dossier["status"], dossier["planned"]) == ("klaargezet", None)


async def test_the_same_twice_makes_two_dossiers_unless_duplicates_are_refused(supplier: Supplier) -> None:
    await supplier.deliver()
    await supplier.deliver()
    assert [each["received"] for each in await dossiers(supplier)] == [2, 2]
    await supplier.manage("POST", "/koop/switches", {"refuse_duplicates": True})
    assert (await supplier.refused(message())).code == "SBX-DUBBEL"
    await supplier.deliver(documenttype=Documenttype.AANVRAAG)
    assert [each["received"] for each in await dossiers(supplier)] == [3, 3, 1]
    receipts = await supplier.manage("GET", "/koop/receipts")
    assert [each["code"] for each in receipts] == [None, None, "SBX-DUBBEL", None]
    assert len({each["sha256"] for each in receipts}) == 2


# --- Who may come in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["tst-leverancier", "tst-organisatie", "productie"])
async def test_each_stage_takes_the_certificate_that_it_wants(supplier: Supplier, stage: str) -> None:
    assert isinstance(answer(await supplier.send(message(), stage), PROFILE.envelope), Accepted)
    [dossier] = await dossiers(supplier)
    assert dossier["stage"] == stage
    assert dossier["certificate_oin"] != ""


@pytest.mark.parametrize(
    ("stage", "certificate"),
    [
        *(("tst-leverancier", "leverancier"), ("tst-leverancier", "none")),
        *(("tst-organisatie", "koop"), ("tst-organisatie", "none"), ("productie", "none")),
    ],
)
async def test_another_certificate_or_none_is_not_let_in(supplier: Supplier, stage: str, certificate: str) -> None:
    raw = await supplier.send(message(), stage, certificate)
    assert raw.status == 403
    assert outcome_of(raw) is Outcome.REFUSED
    assert await supplier.manage("GET", "/koop/receipts") == []


async def test_the_first_stage_takes_a_user_name_and_no_certificate(supplier: Supplier) -> None:
    sent = message()
    headers = {"Content-Type": sent.content_type, "SOAPAction": sent.action}
    raw = await supplier.post("poc", sent.body, headers | supplier.basic())
    assert isinstance(answer(raw, PROFILE.envelope), Accepted)
    for wrong in ({}, supplier.basic(password="wrong"), supplier.basic(name="other"), {"Authorization": "Basic é"}):
        raw = await supplier.post("poc", sent.body, headers | wrong)
        assert (raw.status, raw.headers["www-authenticate"]) == (401, 'Basic realm="SANDBOX 3PAS"')
        assert raw.headers["x-provisional"] == "user_name_carrier"
    assert len(await dossiers(supplier)) == 1


@pytest.mark.parametrize("oin", ["00000099000000009000", "00000099000000003000"])
async def test_who_has_no_machtiging_for_the_organisatie_in_the_message_is_refused(
    supplier: Supplier, oin: str
) -> None:
    found = await supplier.refused(changed(WEST.encode(), oin.encode()))
    assert (found.code, found.meaning.outcome) == ("SBX-CERTIFICAAT", Outcome.REFUSED)
    assert await dossiers(supplier) == []


# --- What is refused -------------------------------------------------------------------------------------------------


def with_zip(packed: bytes) -> SoapRequest:
    sent = message()
    before, _, rest = sent.body.partition(b"<InhoudZip>")
    after = rest.partition(b"</InhoudZip>")[2]
    return replace(sent, body=before + b"<InhoudZip>" + packed + b"</InhoudZip>" + after)


@pytest.mark.parametrize(
    ("packed", "code"),
    [(b64encode(b"no zip"), "SBX-ZIP"), (b"*", "SBX-WAARDE"), (b64encode(b"PK\x03\x04" + bytes(40)), "SBX-ZIP")],
)
async def test_a_file_that_is_no_zip_is_refused(supplier: Supplier, packed: bytes, code: str) -> None:
    assert (await supplier.refused(with_zip(packed))).code == code
    assert await dossiers(supplier) == []


def zipped(document: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("inhoud.xml", document)
    return b64encode(packed.getvalue())


INHOUD = (
    b"<aanlevering><zakelijke-mededeling><kop><titel>%s</titel></kop><zakelijke-mededeling-tekst><inhoud><al>x</al>"
    b"</inhoud></zakelijke-mededeling-tekst></zakelijke-mededeling></aanlevering>"
)


@pytest.mark.parametrize(
    ("inhoud", "code"),
    [
        (b"<levering/>", "SBX-ROOT"),
        (INHOUD % b" ", "SBX-TITEL"),
        (INHOUD.replace(b"<kop><titel>%s</titel></kop>", b""), "SBX-TITEL"),
        (INHOUD.replace(b"<al>x</al>", b"<script>x</script>") % b"Titel", "SBX-INHOUD"),
    ],
)
async def test_an_inhoud_that_is_not_as_it_must_be_is_refused(supplier: Supplier, inhoud: bytes, code: str) -> None:
    assert (await supplier.refused(with_zip(zipped(inhoud)))).code == code
    assert [each["code"] for each in await supplier.manage("GET", "/koop/receipts")] == [code]


@pytest.mark.parametrize(
    "locatie",
    [
        AlsPunt((155000.0, 700000.0)),
        AlsPunt((4.9, 52.4)),  # degrees where metres are meant
        AlsAdres("1234AB", "1", positie=(480000.0, 120000.0)),
        AlsLijn(((155000.0, 463000.0), (355000.0, 463000.0))),
        AlsVlak((((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)),)),
    ],
)
async def test_a_place_outside_the_netherlands_is_refused(supplier: Supplier, locatie: Any) -> None:
    assert (await supplier.refused(message(locaties=(locatie,)))).code == "SBX-PLAATS"


async def test_an_area_of_a_bopa_outside_the_netherlands_is_refused(supplier: Supplier) -> None:
    far = AlsVlak((((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 0.0)),))
    assert (await supplier.refused(message(bopa=Bopa("Z2026-0001", (far,)), locaties=()))).code == "SBX-PLAATS"


async def test_a_rubriek_that_nobody_saw_is_refused(supplier: Supplier) -> None:
    found = await supplier.refused(message(rubriek="kapvergunning"))
    assert (found.code, found.meaning.outcome) == ("SBX-RUBRIEK", Outcome.REFUSED)


@pytest.mark.parametrize(
    "headers", [{"SOAPAction": PROFILE.envelope.action.strip('"')}, {"Content-Type": "application/soap+xml"}]
)
async def test_a_request_that_is_not_soap_with_the_quoted_action_is_refused(
    supplier: Supplier, headers: dict[str, str]
) -> None:
    sent = message()
    right = {"Content-Type": sent.content_type, "SOAPAction": sent.action}
    raw = await supplier.post("tst-organisatie", sent.body, right | headers)
    assert b"SBX-ENVELOPE" in raw.body
    assert await dossiers(supplier) == []


async def test_there_is_nothing_at_another_stage(supplier: Supplier) -> None:
    address = supplier.ready.koop_3pas_urls["poc"].replace("/poc/", "/acceptatie/")
    for method in ("GET", "POST"):
        async with supplier.session.request(method, address, ssl=supplier.tls("leverancier")) as got:
            assert got.status == 404


# --- The WSDL --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", sorted(PROFILE.stages))
async def test_the_wsdl_is_of_the_stage_and_marked(supplier: Supplier, stage: str) -> None:
    address = supplier.ready.koop_3pas_urls[stage]
    async with supplier.session.get(f"{address}?wsdl", ssl=supplier.tls("none")) as got:
        wsdl = xml.parse(await got.read(), limit=1_000_000)
        marked = got.headers["x-provisional"].split(", ")
    [location] = [str(each.get("location")) for each in wsdl.iter("{*}address")]
    assert location == address
    assert {"path.oin", "order", "spelling.blad.GEMEENTEBLAD"} <= set(marked)
    assert not {"namespace", "operation", "path.inhoud_zip"} & set(marked)
    async with supplier.session.get(address, ssl=supplier.tls("none")) as got:
        assert got.status == 405


# --- What goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["html", "empty", "cut", "silence"])
async def test_an_answer_can_be_lost_after_the_dossier_was_made(supplier: Supplier, kind: str) -> None:
    await supplier.fault(kind=kind, target="3pas")
    with suppress(aiohttp.ClientError, TimeoutError):
        assert outcome_of(await _within_a_second(supplier)) is Outcome.UNKNOWN
    [dossier] = await dossiers(supplier)
    assert dossier["status"] == "gepland"
    await supplier.deliver()
    assert [each["received"] for each in await dossiers(supplier)] == [2, 2]


def outcome_of(raw: RawAnswer) -> Outcome:
    said = answer(raw, PROFILE.envelope)
    assert isinstance(said, NotAccepted)
    return said.meaning.outcome


async def _within_a_second(supplier: Supplier) -> RawAnswer:
    async with asyncio.timeout(1):
        return await supplier.send(message())


@pytest.mark.parametrize(("status", "outcome"), [(503, Outcome.LATER), (429, Outcome.LATER), (500, Outcome.UNKNOWN)])
async def test_an_answer_with_a_status_takes_nothing(supplier: Supplier, status: int, outcome: Outcome) -> None:
    await supplier.fault(kind="answer", target="3pas", status=status)
    assert outcome_of(await supplier.send(message())) is outcome
    assert await dossiers(supplier) == []
    [receipt] = await supplier.manage("GET", "/koop/receipts")
    assert (receipt["dossiernummer"], receipt["reason"]) == (None, "a fault was switched on")


@pytest.mark.parametrize(
    ("code", "outcome"), [("Server", Outcome.UNKNOWN), ("Client", Outcome.REFUSED), ("KOOP-42", Outcome.REFUSED)]
)
async def test_a_fault_with_any_code_takes_nothing(supplier: Supplier, code: str, outcome: Outcome) -> None:
    await supplier.fault(kind="soap-fault", target="3pas", code=code)
    found = await supplier.refused(message())
    assert (found.code, found.meaning.outcome) == (code, outcome)
    assert await dossiers(supplier) == []


async def test_an_answer_can_be_anything_at_all(supplier: Supplier) -> None:
    headers = {"content-type": "text/plain", "x-anders": "ja"}
    await supplier.fault(kind="say", target="3pas", status=299, text="elders ", times=3, headers=headers)
    raw = await supplier.send(message())
    assert (raw.status, raw.body) == (299, b"elders elders elders ")
    assert {name: raw.headers[name] for name in headers} == headers
    assert len(await dossiers(supplier)) == 1


async def test_an_answer_can_be_slow(supplier: Supplier) -> None:
    await supplier.fault(kind="delay", target="3pas", seconds=0.2)
    await supplier.deliver()
    [fault] = await supplier.manage("GET", "/faults")
    assert fault["struck"] == 1
