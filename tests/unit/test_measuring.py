"""The checks of onboarding measured for real: files, a database, an endpoint and the DSO-LV of the sandbox over TLS."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp
from tests.servers import serving
from tests.unit.sandbox.test_rest import BUURGEMEENTE, KEY, OTHER
from tests.unit.sandbox.test_rest import World as Dso
from tests.unit.sandbox.test_rest import files as sandbox_files
from tests.unit.sandbox.test_rest import other as other_files
from tests.unit.sandbox.test_rest import running as dso_running

from digikoppelaar import opening
from digikoppelaar.adapters import tls
from digikoppelaar.adapters.steps import load_process
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config
from digikoppelaar.config.listeners import Endpoint
from digikoppelaar.config.work import Database
from digikoppelaar.flows import administration
from digikoppelaar.flows.cpas import ImportChoice, import_cpa
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
)
from digikoppelaar.measuring.facts import CHECKS, Parts
from digikoppelaar.measuring.runs import Measuring, Periodic, Run
from digikoppelaar.onboarding import model
from digikoppelaar.onboarding.model import Finding, Kind, Rol, Severity, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepState
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox import folder, pki
from digikoppelaar.sandbox.cpa_document import CpaParty, CpaTerms, build_cpa, usual_certificates
from digikoppelaar.sandbox.rest import BASE_PATH
from digikoppelaar.wiring import Stores, open_stores

CLOCK = SystemClock()
OMGEVING = "sandbox-pre"
PARTIJ, ORGANISATIE = folder.LEVERANCIER.oin, folder.GEMEENTE.oin
SUBJECT = Subject(ORGANISATIE, Kind.STAM, OMGEVING)
files, other = sandbox_files, other_files
__all__ = ["files", "other"]


async def refuses_head(scope: object, receive: object, send: object) -> None:
    await Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED)(scope, receive, send)  # type: ignore[arg-type]


@dataclass
class World:
    """A leverancier with the certificate of the sandbox, whose endpoint answers, and DSO-LV."""

    parts: Parts
    dso: Dso
    folder: Path

    @property
    def stores(self) -> Stores:
        return self.parts.stores

    async def apply(self, *entries: Entry) -> None:
        await administration.apply_registration(
            self.stores.registry, entries, dry_run=False, embedded=True, now=CLOCK.now()
        )

    async def found(self, check: str, subject: Subject = SUBJECT) -> list[Finding]:
        """What one check finds, by itself."""
        step = next(each for each in load_process(subject.kind).steps if check in each.checks)
        return list(await Measuring(self.parts)(subject, replace(step, checks=(check,))))

    async def codes(self, check: str, subject: Subject = SUBJECT) -> list[str]:
        return [each.code for each in await self.found(check, subject)]

    def key_file(self, text: str) -> None:
        (self.folder / "api.key").write_text(text)

    def certificate(self, chain: bytes, key: bytes | None = None) -> None:
        """Put other files in the place of the certificate of the partij."""
        (self.folder / "leaf.pem").write_bytes(chain)
        if key is not None:
            (self.folder / "leaf.key").write_bytes(key)

    async def cpa(self, **changed: object) -> None:
        """Import a CPA between DSO-LV and the organisatie."""
        files, url = self.dso.files, self.parts.config.endpoint[OMGEVING].public_url
        now = CLOCK.now()
        terms = CpaTerms(
            "osb-rm-s", 8, timedelta(hours=3), now, now + timedelta(days=300), files.authorities.issuers[0].der()
        )
        theirs = usual_certificates(files.dso_tls.der(), files.dso_sign.der())
        dso = CpaParty("DSO", "DSO-LV", folder.DSO_LV.oin, "https://localhost:1/dso", theirs)
        certificates = usual_certificates(files.leverancier_tls.der(), files.leverancier_sign.der())
        ours = CpaParty("BG", "BG", ORGANISATIE, url, certificates)
        document = build_cpa(replace(terms, **_of(changed, terms)), dso, replace(ours, **_of(changed, ours)))
        await import_cpa(self.stores.registry, document, ImportChoice(omgeving=OMGEVING), now=now)


def _of(changed: dict[str, object], target: object) -> dict[str, object]:
    return {name: value for name, value in changed.items() if hasattr(target, name)}


@asynccontextmanager
async def opened(
    database_url: str,
    tmp_path: Path,
    dso: Dso,
    *,
    endpoint: ASGIApp = refuses_head,
    asks: bool = True,
    names: str = "localhost",
) -> AsyncIterator[World]:
    """All of it, in good order; `asks`: the endpoint wants a certificate of whoever calls."""
    files = dso.files
    for kind, file in (("leaf", files.leverancier_tls), ("sign", files.leverancier_sign)):
        shutil.copy(file.certificate, tmp_path / f"{kind}.pem")
        shutil.copy(file.key, tmp_path / f"{kind}.key")
    (tmp_path / "api.key").write_text(KEY)
    identity = tls.Identity(files.leverancier_tls.certificate, files.leverancier_tls.key)
    context = tls.server_context(identity, [files.authorities.root]) if asks else tls.application_context(identity)
    async with serving(endpoint, context) as port:
        settings = Endpoint(
            partij=PARTIJ, trust_anchors=(files.authorities.root,), public_url=f"https://{names}:{port}/ebms"
        )
        config = Config(data_folder=tmp_path, database=Database(url=database_url), endpoint={OMGEVING: settings})
        async with open_stores(config) as stores:
            await administration.apply_registration(
                stores.registry, entries(tmp_path, dso.port), dry_run=False, embedded=True, now=CLOCK.now()
            )
            keyring = await opening.open_keyring(config, stores)
            async with opening.open_sessions(config, keyring) as sessions:
                yield World(Parts(config, stores, keyring, sessions), dso, tmp_path)


def entries(tmp_path: Path, port: int) -> list[Entry]:
    """What is on record: two organisaties of one leverancier; the second gave no machtiging."""
    dso = {"base_url": f"https://localhost:{port}{BASE_PATH}", "api_key_file": str(tmp_path / "api.key")}
    uses = ((Use.TLS_SERVER, "leaf"), (Use.TLS_CLIENT, "leaf"), (Use.SIGN, "sign"))
    return [
        OrganisatieEntry(ORGANISATIE, "Gemeente Oeverloo", "gemeente"),
        OrganisatieEntry(BUURGEMEENTE, "Buurgemeente", "gemeente"),
        PartijEntry(PARTIJ, "Proefleverancier"),
        PartijEntry(OTHER.oin, "Andere leverancier"),
        *(
            CertificateEntry(PARTIJ, OMGEVING, use.value, str(tmp_path / f"{name}.pem"), str(tmp_path / f"{name}.key"))
            for use, name in uses
        ),
        MachtigingEntry(OMGEVING, PARTIJ, ORGANISATIE, CLOCK.now(), "test"),
        *(
            AansluitingEntry(oin, "stam", OMGEVING, PARTIJ, dso, {"kind": "folder", "path": str(tmp_path)})
            for oin in (ORGANISATIE, BUURGEMEENTE)
        ),
    ]


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, files: folder.Certificates, other: pki.CertificateFiles
) -> AsyncIterator[World]:
    async with dso_running(files, other) as dso, opened(database_url, tmp_path, dso) as opened_world:
        yield opened_world


def troubles(findings: Sequence[Finding]) -> list[tuple[str, Rol | None]]:
    return [(each.code, each.who) for each in findings if each.severity is not Severity.GOOD]


def test_every_check_that_a_step_can_have_is_measured() -> None:
    assert tuple(CHECKS) == model.CHECKS


async def test_what_is_in_good_order_gives_only_good_findings(world: World) -> None:
    await world.cpa()
    for check in ("oin", "machtiging", "certificate", "cpa", "endpoint", "api-key", "mandate", "clock"):
        assert troubles(await world.found(check)) == [], check


async def test_the_firewall_is_told_which_addresses_of_dso_count(world: World) -> None:
    [finding] = await world.found("firewall")
    assert (finding.severity, finding.who) == (Severity.WARNING, Rol.DIGIKOPPELAAR)
    assert "147.181.14.139 (vanaf 6 mei 2022)" in finding.says
    assert "147.181.14.37" in finding.says
    assert "147.181.13.67" not in finding.says
    assert "Controleer op het Ontwikkelaarsportaal" in finding.says
    assert "localhost, poort" in finding.says


# --- certificates ----------------------------------------------------------------------------------------------------


async def test_a_key_of_another_certificate_is_named(world: World) -> None:
    world.certificate(world.dso.files.leverancier_tls.certificate.read_bytes(), world.dso.other.key.read_bytes())
    assert ("certificate-wrong-key", Rol.DIGIKOPPELAAR) in troubles(await world.found("certificate"))


async def test_a_certificate_of_somebody_without_machtiging_is_named(world: World) -> None:
    world.certificate(world.dso.other.certificate.read_bytes(), world.dso.other.key.read_bytes())
    assert troubles(await world.found("certificate")) == [("certificate-other-oin", Rol.BEVOEGD_GEZAG)]


async def test_a_chain_without_its_intermediates_is_named_though_others_know_them(world: World) -> None:
    leaf, rest, _ = world.dso.files.leverancier_tls.certificate.read_bytes().partition(b"-----END CERTIFICATE-----\n")
    world.certificate(leaf + rest)
    assert troubles(await world.found("certificate")) == [("certificate-no-intermediate", Rol.DIGIKOPPELAAR)]


async def test_a_file_that_is_gone_is_named(world: World) -> None:
    (world.folder / "leaf.pem").unlink()
    assert troubles(await world.found("certificate")) == [("certificate-unreadable", Rol.DIGIKOPPELAAR)]


async def test_a_machtiging_of_one_organisatie_is_none_of_another(world: World) -> None:
    neighbour = replace(SUBJECT, oin=BUURGEMEENTE)
    assert troubles(await world.found("machtiging", neighbour)) == [("machtiging-missing", Rol.BEVOEGD_GEZAG)]
    assert ("certificate-other-oin", Rol.BEVOEGD_GEZAG) in troubles(await world.found("certificate", neighbour))


# --- CPA -------------------------------------------------------------------------------------------------------------


async def test_a_cpa_of_another_organisatie_is_not_looked_at(world: World) -> None:
    await world.cpa()
    assert await world.codes("cpa", replace(SUBJECT, oin=BUURGEMEENTE)) == ["cpa-missing"]


async def test_a_cpa_with_another_endpoint_is_named(world: World) -> None:
    await world.cpa(endpoint="https://localhost:1/ebms")
    assert ("cpa-endpoint", Rol.DIGIKOPPELAAR) in troubles(await world.found("cpa"))


async def test_a_cpa_with_another_certificate_is_named(world: World) -> None:
    sign = world.dso.files.leverancier_sign.der()
    await world.cpa(certificates=usual_certificates(sign, sign))
    assert ("cpa-certificate", Rol.DIGIKOPPELAAR) in troubles(await world.found("cpa"))


async def test_a_cpa_that_ends_soon_is_a_warning(world: World) -> None:
    await world.cpa(ends_at=CLOCK.now() + timedelta(days=10))
    findings = await world.found("cpa")
    assert ("cpa-ends", Rol.DIGIKOPPELAAR) in troubles(findings)
    assert not any(each.holds_up for each in findings)


async def test_a_cpa_of_the_other_omgeving_is_named(world: World) -> None:
    await world.cpa(endpoint="https://prod.example/ebms")
    production = Endpoint(
        partij=PARTIJ, trust_anchors=(world.dso.files.authorities.root,), public_url="https://prod.example/ebms"
    )
    config = world.parts.config.model_copy(
        update={"endpoint": {**world.parts.config.endpoint, "sandbox-prod": production}}
    )
    world.parts = replace(world.parts, config=config)
    findings = await world.found("cpa")
    assert troubles(findings) == [("cpa-other-omgeving", Rol.DIGIKOPPELAAR)]
    assert "sandbox-prod" in findings[0].says


# --- endpoint --------------------------------------------------------------------------------------------------------


async def answers_everybody(scope: object, receive: object, send: object) -> None:
    await Response("welkom")(scope, receive, send)  # type: ignore[arg-type]


async def asks_for_a_certificate(scope: object, receive: object, send: object) -> None:
    await Response("400 No required SSL certificate was sent", 400)(scope, receive, send)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "codes"),
    [(answers_everybody, ["endpoint-no-client-certificate"]), (asks_for_a_certificate, ["endpoint-good"])],
)
async def test_an_endpoint_that_answers_strangers_is_named(
    database_url: str,
    tmp_path: Path,
    files: folder.Certificates,
    other: pki.CertificateFiles,
    endpoint: ASGIApp,
    codes: list[str],
) -> None:
    async with (
        dso_running(files, other) as dso,
        opened(database_url, tmp_path, dso, endpoint=endpoint, asks=False) as world,
    ):
        assert await world.codes("endpoint") == codes


async def test_an_endpoint_whose_host_is_not_in_its_certificate_is_named(
    database_url: str, tmp_path: Path, files: folder.Certificates, other: pki.CertificateFiles
) -> None:
    async with dso_running(files, other) as dso, opened(database_url, tmp_path, dso, names="127.0.0.2") as world:
        assert ("certificate-host", Rol.DIGIKOPPELAAR) in troubles(await world.found("certificate"))
        assert troubles(await world.found("endpoint")) in (
            [("endpoint-host", Rol.DIGIKOPPELAAR)],
            [("endpoint-not-reached", Rol.DIGIKOPPELAAR)],  # a machine on which 127.0.0.2 is nobody
        )


async def test_an_endpoint_where_nobody_listens_is_named(world: World) -> None:
    settings = world.parts.config.endpoint[OMGEVING].model_copy(update={"public_url": "https://localhost:1/ebms"})
    world.parts = replace(world.parts, config=world.parts.config.model_copy(update={"endpoint": {OMGEVING: settings}}))
    assert troubles(await world.found("endpoint")) == [("endpoint-not-reached", Rol.DIGIKOPPELAAR)]


async def test_an_address_that_nobody_named_is_missing_and_comes_from_the_cpa(world: World) -> None:
    await world.cpa()
    settings = world.parts.config.endpoint[OMGEVING].model_copy(update={"public_url": ""})
    world.parts = replace(world.parts, config=world.parts.config.model_copy(update={"endpoint": {OMGEVING: settings}}))
    assert await world.codes("endpoint") == ["endpoint-good"]
    assert await world.codes("endpoint", replace(SUBJECT, oin=BUURGEMEENTE)) == ["endpoint-unknown"]


# --- DSO-LV ----------------------------------------------------------------------------------------------------------


async def test_a_key_that_dso_refuses_is_named(world: World) -> None:
    world.key_file("some-other-key")
    assert troubles(await world.found("api-key")) == [("api-key-refused", Rol.LEVERANCIER)]
    assert troubles(await world.found("mandate")) == [("mandate-not-judged", Rol.LEVERANCIER)]


@pytest.mark.parametrize("text", ["", "two\nlines"])
async def test_a_file_without_a_key_is_missing(world: World, text: str) -> None:
    world.key_file(text)
    [finding] = await world.found("api-key")
    assert (finding.code, finding.who) == ("api-key-no-file", Rol.LEVERANCIER)


async def test_a_mandate_that_is_not_there_is_for_the_aansluitteam(world: World) -> None:
    known = world.dso.state.authorities[ORGANISATIE]
    world.dso.state.authorities[ORGANISATIE] = replace(known, mandated=frozenset({ORGANISATIE}))
    assert troubles(await world.found("mandate")) == [("mandate-refused", Rol.AANSLUITTEAM)]
    assert troubles(await world.found("api-key")) == [("api-key-not-judged", Rol.AANSLUITTEAM)]


@pytest.mark.parametrize(
    ("status", "code", "who"),
    [(409, "dso-not-understood", Rol.AANSLUITTEAM), (500, "dso-trouble", Rol.AANSLUITTEAM)],
)
async def test_an_answer_that_says_nothing_of_the_key_is_named(world: World, status: int, code: str, who: Rol) -> None:
    world.dso.faults.switch_on({"kind": "answer", "target": "search", "status": status})
    assert troubles(await world.found("api-key")) == [(code, who)]
    assert await world.codes("mandate") == ["mandate-not-judged"]


async def test_a_page_in_the_place_of_dso_is_named(world: World) -> None:
    async def page(scope: object, receive: object, send: object) -> None:
        await Response("<html>Welkom</html>", media_type="text/html")(scope, receive, send)  # type: ignore[arg-type]

    files = world.dso.files
    context = tls.server_context(tls.Identity(files.dso_tls.certificate, files.dso_tls.key), [files.authorities.root])
    async with serving(page, context) as port:
        await world.apply(*(each for each in entries(world.folder, port) if isinstance(each, AansluitingEntry)))
        assert troubles(await world.found("api-key")) == [("dso-other-answer", Rol.DIGIKOPPELAAR)]
        assert await world.codes("mandate") == ["mandate-not-judged"]


async def test_a_dso_that_is_away_is_missing_and_nobody_did_wrong(world: World) -> None:
    await world.apply(*(each for each in entries(world.folder, 1) if isinstance(each, AansluitingEntry)))
    [finding] = await world.found("api-key")
    assert (finding.code, finding.severity) == ("dso-not-reached", Severity.MISSING)
    assert await world.codes("clock") == ["clock-good"], "by the clock of the database"


# --- runs ------------------------------------------------------------------------------------------------------------


async def checked(world: World, **options: bool) -> list[Status]:
    run = Run(world.parts)
    subjects = [each.subject for each in await run.flow.statuses(StatusFilter(OMGEVING, Kind.STAM))]
    return [each async for each in run.over(subjects, **options)]


async def test_a_run_over_all_puts_on_record_what_each_check_found(world: World) -> None:
    found = {each.subject.oin: each for each in await checked(world)}
    assert set(found) == {ORGANISATIE, BUURGEMEENTE}
    assert found[ORGANISATIE].step("0.1").done
    assert found[ORGANISATIE].step("3.1").done
    assert found[BUURGEMEENTE].step("3.1").record.state is StepState.OPEN
    assert [each.code for each in found[BUURGEMEENTE].step("3.1").record.findings] == ["machtiging-missing"]


async def test_a_check_that_fails_makes_a_done_step_wrong_and_good_again_done(world: World) -> None:
    flow = Measuring(world.parts).flow
    await checked(world)
    await flow.word(SUBJECT, "0.3", Told(CLOCK.now(), "een medewerker"))
    await checked(world)
    assert (await flow.status(SUBJECT)).step("3.2").done
    world.certificate(world.dso.files.leverancier_tls.certificate.read_bytes(), world.dso.other.key.read_bytes())
    await Periodic(world.parts, 1.0).look()
    step = (await flow.status(SUBJECT)).step("3.2")
    assert (step.record.state, step.whose_turn) == (StepState.WRONG, Rol.DIGIKOPPELAAR)
    world.certificate(
        world.dso.files.leverancier_tls.certificate.read_bytes(), world.dso.files.leverancier_tls.key.read_bytes()
    )
    await Periodic(world.parts, 1.0).look()
    assert (await flow.status(SUBJECT)).step("3.2").done


async def test_organisaties_of_one_partij_share_what_was_measured(
    database_url: str, tmp_path: Path, files: folder.Certificates, other: pki.CertificateFiles
) -> None:
    visits = []

    async def counts(scope: object, receive: object, send: object) -> None:
        visits.append(scope)
        await refuses_head(scope, receive, send)

    async with (
        dso_running(files, other) as dso,
        opened(database_url, tmp_path, dso, endpoint=counts, asks=False) as world,
    ):
        found = await checked(world)
        endpoint = {status.step("3.5").record.findings[0].code for status in found}
        assert (len(found), endpoint) == (2, {"endpoint-no-client-certificate"})
        assert len(visits) == 1
        await world.found("endpoint")
        assert len(visits) == 2, "another run measures anew"


async def test_a_dso_that_is_away_makes_no_done_step_wrong_in_a_periodic_run(world: World) -> None:
    flow = Measuring(world.parts).flow
    for number in ("0.3", "1.2", "2.1"):
        await flow.word(SUBJECT, number, Told(CLOCK.now(), "een medewerker"))
        await checked(world)
    await checked(world)
    assert (await flow.status(SUBJECT)).step("2.2").done
    world.dso.faults.switch_on({"kind": "answer", "target": "search", "status": 503})
    await Periodic(world.parts, 1.0).look()
    assert (await flow.status(SUBJECT)).step("2.2").done
    world.dso.faults.switch_off()
    world.key_file("some-other-key")
    await Periodic(world.parts, 1.0).look()
    assert (await flow.status(SUBJECT)).step("2.2").record.state is StepState.WRONG


async def test_a_periodic_run_leaves_a_step_alone_until_it_has_its_turn(world: World) -> None:
    flow = Measuring(world.parts).flow
    world.key_file("some-other-key")
    before = (await flow.status(SUBJECT)).step("2.2")
    assert before.awaits_its_turn
    await Periodic(world.parts, 1.0).look()
    assert (await flow.status(SUBJECT)).step("2.2") == before
    await checked(world)
    assert (await flow.status(SUBJECT)).step("2.2").record.state is StepState.WRONG, "who asks is told"


async def test_the_periodic_run_goes_on_until_it_must_stop(world: World) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Periodic(world.parts, 0.01).run(stop))
    flow = Measuring(world.parts).flow
    async with asyncio.timeout(30):
        while not (await flow.status(SUBJECT)).step("0.1").done:
            await asyncio.sleep(0.05)
        stop.set()
        await running
