"""How far the stages are: what was delivered and found good, what is missing, and who must act."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.profile import Doer
from digikoppelaar.drop.stages import (
    Confirmation,
    Delivery,
    StageProgress,
    following,
    progress,
    refuse_undelivered,
)
from digikoppelaar.errors import ConfigError

STAGES = load_drop_profile("koop-3pas-2020-01").stages
AANVRAAG, AFHANDELING, PLANAFWIJKING = Documenttype
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def delivery(stage: str, documenttype: Documenttype, number: int = 1, *, own: bool = True) -> Delivery:
    return Delivery(stage, documenttype, f"2026{number:07}", NOW + number * timedelta(minutes=1), own)


def confirmation(stage: str, documenttype: Documenttype) -> Confirmation:
    return Confirmation(stage, documenttype, "een medewerker", NOW + timedelta(days=1))


def of(
    deliveries: Collection[Delivery] = (),
    confirmations: Collection[Confirmation] = (),
    used: str = "",
    narrowed: Mapping[str, Collection[Documenttype]] | None = None,
) -> Mapping[str, StageProgress]:
    found = progress(STAGES.values(), deliveries, confirmations, {used}, narrowed or {})
    return {each.stage.name: each for each in found}


def done(*stages: str) -> tuple[list[Delivery], list[Confirmation]]:
    """Everything of these stages."""
    each = [(stage, documenttype) for stage in stages for documenttype in Documenttype]
    return [delivery(*one) for one in each], [confirmation(*one) for one in each]


def test_at_the_begin_the_leverancier_delivers_every_documenttype_in_the_first_stage() -> None:
    found = of()
    assert list(found) == ["poc", "tst-leverancier", "tst-organisatie", "productie"]
    assert not any(each.done for each in found.values())
    first = following(list(found.values()))
    assert first == found["poc"]
    assert (first.turn, first.next) == (Doer.LEVERANCIER, "Lever nog aan: aanvraag, afhandeling, planafwijking.")
    assert [each.turn for each in found.values()] == [
        *(Doer.LEVERANCIER, Doer.LEVERANCIER),
        *(Doer.BEIDE, Doer.ORGANISATIE),
    ]


def test_what_was_delivered_waits_for_the_word_of_koop() -> None:
    deliveries = [delivery("poc", each) for each in Documenttype]
    poc = of(deliveries, [confirmation("poc", AANVRAAG)])["poc"]
    assert (poc.undelivered, poc.unconfirmed, poc.done) == ((), (AFHANDELING, PLANAFWIJKING), False)
    assert (poc.turn, poc.next) == (
        Doer.KOOP,
        "Vraag KOOP of goed is aangekomen: afhandeling, planafwijking; leg het antwoord vast.",
    )
    assert poc.wanted[0].deliveries == (deliveries[0],)


def test_a_stage_is_done_when_everything_was_delivered_and_found_good() -> None:
    found = of(*done("poc"))
    assert (found["poc"].done, found["poc"].turn, found["poc"].next) == (True, None, "")
    after = following(list(found.values()))
    assert after
    assert after.stage.name == "tst-leverancier"
    assert following(list(of(*done(*STAGES)).values())) is None


@pytest.mark.parametrize("other", ["poc", "tst-organisatie"])
def test_what_was_delivered_or_found_good_in_another_stage_does_not_count(other: str) -> None:
    found = of(*done(other))["tst-leverancier"]
    assert (found.undelivered, found.unconfirmed) == (tuple(Documenttype), ())


def test_a_word_about_what_was_not_delivered_makes_nothing_done() -> None:
    poc = of([], [confirmation("poc", each) for each in Documenttype])["poc"]
    assert (poc.done, poc.turn) == (False, Doer.LEVERANCIER)


def test_only_what_an_aansluiting_wants_is_missing() -> None:
    deliveries, confirmations = [delivery("poc", AANVRAAG)], [confirmation("poc", AANVRAAG)]
    found = of(deliveries, confirmations, narrowed={"poc": [AANVRAAG]})
    assert [each.documenttype for each in found["poc"].wanted] == [AANVRAAG]
    assert found["poc"].done
    assert len(found["tst-leverancier"].wanted) == 3


def test_twice_is_told_before_production_and_only_of_what_the_organisatie_did_itself() -> None:
    def findings(*deliveries: Delivery) -> list[tuple[str, str]]:
        found = of([*deliveries, *done("poc", "tst-leverancier")[0]], done("poc", "tst-leverancier")[1])
        return [(each.code, each.says) for stage in found.values() for each in stage.findings]

    [(code, says)] = findings(delivery("poc", AANVRAAG, 7))
    assert (code, says) == ("delivered-twice", "Aanvraag is in stap 1 2 keer aangeleverd; één is genoeg.")
    assert findings(delivery("poc", AANVRAAG, 7, own=False)) == []
    real = [delivery("productie", AANVRAAG, number) for number in range(5)]
    assert {code for code, _ in findings(*real)} == {"too-early"}


def test_what_another_organisatie_delivered_in_a_shared_stage_counts() -> None:
    assert of([delivery("poc", each, own=False) for each in Documenttype])["poc"].undelivered == ()


@pytest.mark.parametrize(("used", "missing"), [("tst-leverancier", 1), ("productie", 1)])
def test_a_stage_in_use_before_those_before_it_are_done_is_told(used: str, missing: int) -> None:
    found = of(used=used)
    [finding] = found[used].findings
    assert finding.code == "too-early"
    assert finding.says.startswith(f"Stap {STAGES[used].order} is in gebruik terwijl stap {missing} niet klaar is.")
    assert all(not each.findings for name, each in found.items() if name != used)


def test_a_stage_in_use_after_those_before_it_are_done_is_fine() -> None:
    assert of(*done("poc"), used="tst-leverancier")["tst-leverancier"].findings == ()
    assert (
        of(*done("poc", "tst-organisatie"), used="tst-organisatie")["tst-organisatie"].findings[0].code == "too-early"
    )


def test_only_what_was_delivered_can_be_found_good() -> None:
    refuse_undelivered([delivery("poc", AANVRAAG)], STAGES["poc"], AANVRAAG)
    for wrong in (delivery("poc", AFHANDELING), delivery("productie", AANVRAAG)):
        with pytest.raises(ConfigError, match="no aanvraag was delivered in stage poc"):
            refuse_undelivered([wrong], STAGES["poc"], AANVRAAG)
