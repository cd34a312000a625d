"""What the doctor says when a part is missing; what it says of a healthy installation is a journey's."""

from pathlib import Path

from tests.certificates import GEMEENTE, Authority, Shape
from tests.unit.ebms.exchanges import NOW
from tests.unit.flows.test_administration import CPA, PARTIES, aansluiting

from digikoppelaar import checkup
from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.embedded import Lease
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.adapters.postgres.trust import PostgresTrust
from digikoppelaar.config import Config
from digikoppelaar.config.listeners import OutgoingProxy
from digikoppelaar.config.work import Database, PublishingConfig
from digikoppelaar.flows import administration
from digikoppelaar.flows.cpas import ImportChoice, import_cpa
from digikoppelaar.flows.diagnosis import Verdict
from digikoppelaar.flows.registration import AansluitingEntry, CertificateEntry, PartijEntry
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent
from digikoppelaar.wiring import apply_registration


async def test_a_database_that_does_not_answer_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path, database=Database(url="postgresql://nobody@127.0.0.1:1/nothing"))
    found = {each.subject: each async for each in checkup.check(config)}
    assert found["database"].verdict is Verdict.WRONG
    assert found["database"].advice
    assert "disk" in found


async def test_a_database_without_schema_says_what_to_do(tmp_path: Path, postgres: Lease) -> None:
    config = Config(data_folder=tmp_path, database=Database(url=postgres.url.rpartition("/")[0] + "/template1"))
    found = {each.subject: each async for each in checkup.check(config, partners=False)}
    assert "digikoppelaar migrate" in (found["database"].advice or "")


async def test_an_installation_without_anything_on_record_is_well(tmp_path: Path, database_url: str) -> None:
    config = Config(data_folder=tmp_path, database=Database(url=database_url))
    found = [each async for each in checkup.check(config)]
    assert {each.subject for each in found} == {"disk", "database", "clock"}
    assert Verdict.WRONG not in {each.verdict for each in found}


async def test_a_template_of_a_notice_that_is_broken_is_wrong(tmp_path: Path, database_url: str) -> None:
    database = Database(url=database_url)
    config = Config(data_folder=tmp_path, database=database, publishing=PublishingConfig(templates=tmp_path))
    file = tmp_path / "regulier-aanvraag.txt"

    async def verdict() -> Verdict:
        return {each.subject: each.verdict async for each in checkup.check(config, partners=False)}["publishing"]

    file.write_text("titel: {{ plaats }}\n\nTekst")
    assert await verdict() is Verdict.GOOD
    file.write_text("titel: {{ bsn }}\n\nTekst")
    assert await verdict() is Verdict.WRONG


async def test_a_stage_that_is_used_too_early_is_a_warning_and_one_of_another_omgeving_is_wrong(
    tmp_path: Path, database_url: str
) -> None:
    config = Config(data_folder=tmp_path, database=Database(url=database_url))
    publishing = {"naam": "Voorbeeldstad", "bestuurslaag": "gemeente", "blad": "gmb"}
    entries = [
        AansluitingEntry(GEMEENTE, "drop", omgeving, GEMEENTE, {}, {}, publishing={**publishing, "stage": stage})
        for omgeving, stage in (("pre", "tst-leverancier"), ("prod", "poc"))
    ]
    await apply_registration(config, [*PARTIES, *entries], dry_run=False)
    found = {each.subject: each async for each in checkup.check(config, partners=False)}
    early, wrong = (found[f"publishing {omgeving} {GEMEENTE}"] for omgeving in ("pre", "prod"))
    assert (early.verdict, early.says) == (Verdict.WARNING, "stage tst-leverancier: too-early")
    assert "stap 1 niet klaar" in (early.advice or "")
    assert (wrong.verdict, wrong.says) == (Verdict.WRONG, "stage poc is for pre, and the aansluiting is in prod")


async def test_a_key_whose_certificate_is_meant_for_something_else_is_wrong(tmp_path: Path, database_url: str) -> None:
    config = Config(data_folder=tmp_path, database=Database(url=database_url))
    chain, key = map(str, Authority().issue(Shape(key_encipherment=False)).write(tmp_path))
    entries = [CertificateEntry(GEMEENTE, "pre", use, chain, key) for use in ("sign", "decrypt")]
    await apply_registration(config, [PartijEntry(GEMEENTE, "Gemeente Voorbeeldstad"), *entries], dry_run=False)
    found = {each.subject: each async for each in checkup.check(config, partners=False)}
    assert found[f"key pre sign {GEMEENTE}"].verdict is Verdict.GOOD
    assert found[f"key pre decrypt {GEMEENTE}"].verdict is Verdict.WRONG
    assert "not meant for decrypt" in found[f"key pre decrypt {GEMEENTE}"].says


async def test_a_partner_behind_a_proxy_is_not_greeted_straight(tmp_path: Path, database_url: str) -> None:
    async with opened_pool(lambda: database_url, 2) as pool:
        registry = PostgresRegistry(pool)
        await administration.apply_registration(
            registry, (*PARTIES, aansluiting()), dry_run=False, embedded=True, now=NOW
        )
        await import_cpa(registry, CPA, ImportChoice(), now=NOW)
    proxy = OutgoingProxy(hosts="*.example", url="http://127.0.0.1:1")
    config = Config(data_folder=tmp_path, database=Database(url=database_url), proxy=(proxy,))
    found = {each.subject: each async for each in checkup.check(config)}
    asked = found["partner sandbox-pre https://dso.example/ebms"]
    assert (asked.verdict, "through a proxy" in asked.says) == (Verdict.WARNING, True)
    assert "digikoppelaar ping" in (asked.advice or "")


async def test_what_is_on_record_is_judged_as_it_would_be_today(tmp_path: Path, database_url: str) -> None:
    async with opened_pool(lambda: database_url, 2) as pool:
        registry = PostgresRegistry(pool)
        await administration.apply_registration(
            registry, (*PARTIES, aansluiting()), dry_run=False, embedded=True, now=NOW
        )
        imported = await import_cpa(registry, CPA, ImportChoice(), now=NOW)
        await PostgresTrust(pool).crl_failed("sandbox-pre", "http://127.0.0.1:1/ca.crl", "no answer", NOW)
    config = Config(data_folder=tmp_path, database=Database(url=database_url))
    found = [each async for each in checkup.check(config, partners=False)]
    [crl] = [each for each in found if each.subject.startswith("crl ")]
    assert (crl.verdict, crl.says) == (Verdict.WRONG, "never fetched; the last attempt: no answer")
    about = [each for each in found if each.subject == f"cpa sandbox-pre {imported.cpa.agreement.cpa_id}"]
    assert about
    assert all(each.advice for each in about)


async def test_steps_of_onboarding_that_became_wrong_are_one_line(tmp_path: Path, database_url: str) -> None:
    config = Config(data_folder=tmp_path, database=Database(url=database_url))
    subject = Subject(GEMEENTE, Kind.STAM, "pre")

    async def found() -> list[str]:
        return [each.says async for each in checkup.check(config, partners=False) if each.subject == "onboarding"]

    async with opened_pool(lambda: database_url, 2) as pool:
        store = PostgresOnboarding(pool)
        for number, event in (("3.1", StepEvent.FAILED), ("3.2", StepEvent.FULFILLED), ("3.3", StepEvent.FULFILLED)):
            await store.tell(subject, number, event, Told(NOW))
        assert await found() == []
        for number in ("3.2", "3.3"):
            await store.tell(subject, number, StepEvent.FAILED, Told(NOW))
        assert await found() == ["2 steps that were done are wrong now"]
