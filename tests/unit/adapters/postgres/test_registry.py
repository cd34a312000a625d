"""The registry against a real server."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from tests.unit.adapters.postgres.world import AGREEMENT, CPA, ENTRIES, NOW, World
from tests.unit.ebms.cpas import DSO, GEMEENTE

from digikoppelaar.adapters.postgres.agreements import Agreements
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.ebms.agreement import Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CaseSystemSettings, Consumer, DsoSettings, PublishingSettings, Receiver
from digikoppelaar.flows.reading import MessageFilter
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    PartijEntry,
    difference,
)
from digikoppelaar.stam.rules import Action

GEMACHTIGDE = "00000099000000009000"
OTHER_CPA = CPA.replace(b"<tp:Retries>5<", b"<tp:Retries>6<")


async def test_what_was_applied_is_on_record_and_applying_again_changes_nothing(world: World) -> None:
    assert difference(await world.registry.entries(), ENTRIES) == ()
    ids = [each.id for each in await world.registry.aansluitingen()]
    await world.registry.apply(difference([], ENTRIES), NOW)
    assert [each.id for each in await world.registry.aansluitingen()] == ids


async def test_every_kind_of_entry_can_change(world: World) -> None:
    changed: list[Entry] = [
        replace(ENTRIES[0], naam="Gemeente Anders"),
        PartijEntry(GEMEENTE, "Anders"),
        CertificateEntry(GEMEENTE, "sandbox-pre", "sign", "/keys/new.pem", "/keys/new.key"),
        MachtigingEntry("sandbox-pre", GEMACHTIGDE, GEMEENTE, NOW - timedelta(days=1), "een ander"),
        replace(
            next(each for each in ENTRIES if isinstance(each, AansluitingEntry)),
            case_system={"kind": "folder", "path": "/x"},
            intake={"kopiebericht": "keep_apart", "mode": "pass_on", "pass_on_url": "u", "pass_on_secret_file": "f"},
        ),
    ]
    changes = difference(await world.registry.entries(), changed)
    assert len(changes) == 5
    await world.registry.apply(changes, NOW)
    assert difference(await world.registry.entries(), changed) == ()
    chosen = {each.omgeving: each.rules.kopiebericht for each in await world.registry.aansluitingen()}
    assert chosen == {"sandbox-pre": Action.KEEP_APART, "sandbox-prod": Action.IGNORE}
    receivers = {each.omgeving: each.pass_on for each in await world.registry.aansluitingen()}
    assert receivers == {"sandbox-pre": Receiver("u", "f"), "sandbox-prod": None}


async def test_a_change_that_points_nowhere_is_refused_whole(world: World) -> None:
    before = await world.registry.entries()
    nobody = replace(next(each for each in ENTRIES if isinstance(each, AansluitingEntry)), partij_oin="0" * 20)
    with pytest.raises(ConfigError):
        await world.registry.apply(difference([], [PartijEntry(GEMEENTE, "Anders"), nobody]), NOW)
    assert await world.registry.entries() == before


async def test_an_aansluiting_is_read_with_its_settings(world: World) -> None:
    [read] = [each for each in await world.registry.aansluitingen() if each == world.pre.aansluiting]
    assert read.organisatie_naam == "Gemeente Voorbeeldstad"
    assert read.dso == DsoSettings("https://sandbox-pre.example", "/keys/api")
    assert read.case_system == CaseSystemSettings("folder", {"path": "/zaken"})
    assert read.publishing is None


async def test_an_aansluiting_with_drop_is_read_with_how_it_publishes(world: World) -> None:
    how = {"stage": "poc", "naam": "Voorbeeldstad", "bestuurslaag": "gemeente", "blad": "gmb"}
    drop = AansluitingEntry(GEMEENTE, "drop", "sandbox-pre", GEMEENTE, {}, {}, publishing=how)
    await world.registry.apply(difference(await world.registry.entries(), [drop]), NOW)
    assert difference(await world.registry.entries(), [drop]) == ()
    [read] = [each for each in await world.registry.aansluitingen() if each.kind == "drop"]
    assert read.publishing == PublishingSettings("poc", "Voorbeeldstad", "gemeente", "gmb")
    assert await world.registry.publishers() == [read]


async def test_those_of_one_organisatie_are_read_without_the_others(world: World) -> None:
    every = await world.registry.aansluitingen()
    assert await world.registry.aansluitingen(GEMEENTE) == every
    assert await world.registry.aansluitingen(GEMACHTIGDE) == []


async def test_a_partij_is_called_as_it_is_on_record(world: World) -> None:
    assert await world.registry.partij(GEMEENTE) == "Gemeente Voorbeeldstad"
    assert await world.registry.partij("00000099000000999000") == ""


async def test_a_machtiging_counts_in_its_own_omgeving_and_from_its_day(world: World) -> None:
    assert await world.registry.acts_for("sandbox-pre", GEMACHTIGDE) == {GEMEENTE}
    assert await world.registry.acts_for("sandbox-prod", GEMACHTIGDE) == frozenset()
    async with world.pool.connection() as connection:
        await connection.execute("UPDATE machtiging SET since = now() + interval '1 day'")
    assert await world.registry.acts_for("sandbox-pre", GEMACHTIGDE) == frozenset()


async def test_certificates_are_those_of_the_omgeving(world: World) -> None:
    assert [each.use for each in await world.registry.certificates("sandbox-pre")] == ["sign"]
    assert await world.registry.certificates("sandbox-prod") == []


async def test_a_cpa_is_found_in_its_own_omgeving_as_its_aansluiting_sees_it(world: World) -> None:
    assert world.pre.agreement == AGREEMENT
    assert world.pre.aansluiting.omgeving == "sandbox-pre"
    assert world.pre.id != world.prod.id
    assert await world.registry.cpa("pre", AGREEMENT.cpa_id) is None
    assert await world.registry.cpas() == [world.pre, world.prod]


async def test_an_agreement_is_read_once(world: World) -> None:
    again = await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert again
    assert again.agreement is world.pre.agreement


async def test_no_more_agreements_are_kept_than_asked_and_the_least_used_goes_first(world: World) -> None:
    registry = PostgresRegistry(world.pool, Agreements(kept=1))
    first = await registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    again = await registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    await registry.cpa("sandbox-prod", AGREEMENT.cpa_id)
    later = await registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert first
    assert again
    assert later
    assert again.agreement is first.agreement
    assert later.agreement is not first.agreement
    assert later == first


async def test_a_new_cpa_goes_to_the_intake_for_stam_and_to_rest_for_any_other_partner(world: World) -> None:
    assert world.pre.consumer is Consumer.INTAKE
    await world.registry.apply(difference([], [AansluitingEntry(GEMEENTE, "ebms", "pre", GEMEENTE, {}, {})]), NOW)
    [ebms] = [each for each in await world.registry.aansluitingen() if each.kind == "ebms"]
    assert (ebms.dso, ebms.case_system) == (None, None)
    await world.registry.import_cpa(ebms.id, CPA, AGREEMENT, NOW)
    cpa = await world.registry.cpa("pre", AGREEMENT.cpa_id)
    assert cpa
    assert cpa.consumer is Consumer.REST


async def test_a_lookup_gives_the_consumer_and_the_tolerances_on_record_at_once(world: World) -> None:
    tolerances = Tolerances(next_msh=True, exclusive_c14n=True)
    assert await world.registry.set_cpa(world.pre.id, consumer=Consumer.WEBHOOK, tolerances=None)
    assert await world.registry.set_cpa(world.pre.id, consumer=None, tolerances=tolerances)
    changed = await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert changed == replace(world.pre, consumer=Consumer.WEBHOOK, agreement=replace(AGREEMENT, tolerances=tolerances))
    assert await world.registry.set_cpa(world.pre.id, consumer=None, tolerances=Tolerances())
    assert await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id) == replace(world.pre, consumer=Consumer.WEBHOOK)


async def test_importing_again_keeps_the_settings_unless_others_are_given(world: World) -> None:
    pre, lenient = world.pre.aansluiting.id, Tolerances(legacy_encryption=True)
    assert await world.registry.import_cpa(pre, CPA, AGREEMENT, NOW, consumer=Consumer.REST, tolerances=lenient)
    assert not await world.registry.import_cpa(pre, CPA, AGREEMENT, NOW, consumer=Consumer.REST, tolerances=lenient)
    other = read_agreement(OTHER_CPA, [GEMEENTE])
    assert await world.registry.import_cpa(pre, OTHER_CPA, other, NOW, replace=True)
    kept = await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert kept
    assert (kept.consumer, kept.agreement) == (Consumer.REST, replace(other, tolerances=lenient))


async def test_all_cpas_are_read_in_turn_each_once_for_everybody(world: World) -> None:
    registry = PostgresRegistry(world.pool)
    [(row, agreement)] = await registry.agreements_since("sandbox-pre", 0)
    assert (row, agreement) == (world.pre.id, world.pre.agreement)
    [(_, again)] = await registry.agreements_since("sandbox-pre", 0)
    assert again is agreement
    found = await registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert found
    assert found.agreement is agreement
    assert await registry.agreements_since("sandbox-pre", row) == []


@pytest.mark.statement(207)
async def test_a_removed_cpa_is_found_no_more_and_its_messages_stay_readable(world: World) -> None:
    await world.notify(0, "1234")
    neighbour = PostgresRegistry(world.pool)
    assert await neighbour.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert await world.registry.remove_cpa(world.pre.id, NOW)
    assert not await world.registry.remove_cpa(world.pre.id, NOW)
    assert await neighbour.cpa("sandbox-pre", AGREEMENT.cpa_id) is None
    assert await neighbour.cpas() == [world.prod]
    assert not await world.registry.set_cpa(world.pre.id, consumer=Consumer.REST, tolerances=None)
    [row] = await world.reading.messages(MessageFilter("sandbox-pre"))
    assert await world.reading.message(row.direction, row.id)
    assert await world.registry.cpa_document(world.pre.id) == CPA


async def test_a_removed_cpa_that_is_imported_again_is_used_again(world: World) -> None:
    await world.registry.remove_cpa(world.pre.id, NOW)
    assert await world.registry.import_cpa(world.pre.aansluiting.id, CPA, AGREEMENT, NOW)
    assert await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id) == world.pre


@pytest.mark.statement(205)
async def test_cpas_side_by_side_are_found_by_their_own_name_and_the_newest_start_comes_first(world: World) -> None:
    renewed = CPA.replace(b"cpa-notificaties-1", b"cpa-notificaties-2").replace(
        b"<tp:Start>2026-01-01", b"<tp:Start>2026-03-01"
    )
    later = renewed.replace(b"cpa-notificaties-2", b"cpa-notificaties-3").replace(b"2026-03-01", b"2026-12-01")
    pre = world.pre.aansluiting.id
    for document in (renewed, later):
        assert await world.registry.import_cpa(pre, document, read_agreement(document, [GEMEENTE]), NOW)
    assert await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id) == world.pre
    newest = await world.registry.cpa("sandbox-pre", "cpa-notificaties-2")
    assert newest
    assert await world.registry.valid_cpas(pre, NOW) == [newest, world.pre]


@pytest.mark.statement(206)
async def test_importing_the_same_bytes_changes_nothing_and_other_bytes_need_a_decision(world: World) -> None:
    pre = world.pre.aansluiting.id
    assert not await world.registry.import_cpa(pre, CPA, AGREEMENT, NOW)
    other = read_agreement(OTHER_CPA, [GEMEENTE])
    with pytest.raises(ConfigError, match="other content"):
        await world.registry.import_cpa(pre, OTHER_CPA, other, NOW)
    assert await world.registry.import_cpa(pre, OTHER_CPA, other, NOW, replace=True)
    replaced = await world.registry.cpa("sandbox-pre", AGREEMENT.cpa_id)
    assert replaced
    assert (replaced.id, replaced.agreement) == (world.pre.id, other)
    assert (await world.registry.cpas("sandbox-prod"))[0].agreement == AGREEMENT


async def test_a_cpa_does_not_move_to_another_aansluiting(world: World) -> None:
    with pytest.raises(ConfigError, match="there is no aansluiting"):
        await world.registry.import_cpa(999_999, CPA, AGREEMENT, NOW)
    organisatie, *_, aansluiting = ENTRIES
    neighbour = [
        replace(organisatie, oin=DSO),
        replace(aansluiting, organisatie_oin=DSO, omgeving="sandbox-pre"),
    ]
    await world.registry.apply(difference([], neighbour), NOW)
    [theirs] = [each for each in await world.registry.aansluitingen() if each.organisatie_oin == DSO]
    with pytest.raises(ConfigError, match="belongs to aansluiting"):
        await world.registry.import_cpa(theirs.id, CPA, AGREEMENT, NOW, replace=True)


async def test_the_keys_refuse_a_cpa_in_another_omgeving_than_its_aansluiting(world: World) -> None:
    async with await psycopg.AsyncConnection.connect(world.url) as connection:
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            await connection.execute("UPDATE cpa SET omgeving = 'prod' WHERE omgeving = 'sandbox-prod'")
        await connection.rollback()
