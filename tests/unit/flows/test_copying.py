"""From PRE to PROD: what must differ does, or nothing is copied."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.unit.flows.stored_messages import NOW

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.copying import Wishes, check_way, copies, machtigingen, still_to_do, to_copy
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
)

ONE, TWO, LEVERANCIER = (f"00000099000000{number}000" for number in (101, 102, 104))
WISHES = Wishes("pre", "prod")
DSO = {"base_url": "https://pre.dso.example", "api_key_file": "/srv/pre/api-key", "profile": "dso-lv"}


def stam(oin: str = ONE, omgeving: str = "pre", **case_system: str) -> AansluitingEntry:
    case_system = case_system or {"kind": "folder", "path": f"/srv/zaken/pre/{oin}"}
    return AansluitingEntry(oin, "stam", omgeving, LEVERANCIER, DSO, case_system, retention_days=30)


DROP = AansluitingEntry(
    ONE,
    "drop",
    "pre",
    LEVERANCIER,
    {},
    {},
    publishing={
        "stage": "poc",
        "naam": "A",
        "automatic": "aanvraag",
        "user_name_file": "/u",
        "drafts_from": "2026-06-01",
    },
)
KNOWN: tuple[Entry, ...] = (
    OrganisatieEntry(ONE, "A", "gemeente"),
    PartijEntry(LEVERANCIER, "L"),
    stam(),
    stam(TWO),
    DROP,
)


def base_url_of(profile: str, omgeving: str) -> str | None:
    return f"https://{profile}.example" if omgeving == "prod" else None


def copied(entry: AansluitingEntry, wishes: Wishes = WISHES) -> AansluitingEntry:
    [made] = copies([entry], wishes, base_url_of)
    return made


@pytest.mark.parametrize(
    ("source", "target"), [("prod", "pre"), ("pre", "sandbox-prod"), ("sandbox-pre", "prod"), ("pre", "pre")]
)
def test_the_only_way_is_from_pre_to_prod_of_one_world(source: str, target: str) -> None:
    with pytest.raises(ConfigError, match=f"nothing goes from {source} to {target}") as caught:
        check_way(source, target)
    assert "sandbox en echt" in caught.value.advice
    check_way("pre", "prod")
    check_way("sandbox-pre", "sandbox-prod")


def test_what_differs_by_itself_is_replaced_and_the_rest_stays() -> None:
    assert copied(stam()) == replace(
        stam(),
        omgeving="prod",
        dso={"base_url": "https://dso-lv.example", "api_key_file": "/srv/prod/api-key", "profile": "dso-lv"},
        case_system={"kind": "folder", "path": f"/srv/zaken/prod/{ONE}"},
    )
    assert copied(DROP).publishing == {"stage": "productie", "naam": "A", "automatic": ""}


def test_what_is_given_comes_first() -> None:
    wishes = replace(
        WISHES,
        base_url="https://other.example",
        api_key_file="/keys/{omgeving}/{oin}",
        replacing={"test.zaken": "zaken"},
    )
    made = copied(stam(kind="webhook", url="https://test.zaken.example/{{ oin }}"), wishes)
    assert made.dso["base_url"] == "https://other.example"
    assert made.dso["api_key_file"] == f"/keys/prod/{ONE}"
    assert made.case_system["url"] == "https://zaken.example/{{ oin }}"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"case_system": {"kind": "folder", "path": "/srv/zaken"}}, "case_system.path"),
        (
            {"case_system": {"1.settings.path": "/z/pre", "2.settings.zaken_url": "https://t"}},
            "case_system.2.settings.",
        ),
        ({"dso": {**DSO, "api_key_file": "/srv/api-key"}}, "dso.api_key_file"),
        ({"dso": {**DSO, "register_url": "https://register"}}, "dso.register_url"),
        ({"intake": {"mode": "pass_on", "pass_on_url": "https://x"}}, "intake.pass_on_url"),
        ({"publishing": {"address": "https://koop"}}, "publishing.address"),
    ],
)
def test_what_must_differ_and_does_not_is_refused_by_name(
    changes: Mapping[str, Mapping[str, str]], complaint: str
) -> None:
    entry = AansluitingEntry(**{**{name: getattr(stam(), name) for name in AansluitingEntry.__slots__}, **changes})
    with pytest.raises(ConfigError, match=f"aansluiting {ONE} stam pre: {complaint}") as caught:
        copies([entry, stam(TWO)], WISHES, base_url_of)
    assert TWO not in str(caught.value)


def test_a_sandbox_has_no_address_of_its_own_and_one_case_system_must_be_meant() -> None:
    wishes = replace(WISHES, source="sandbox-pre", target="sandbox-prod", api_key_file="/k")
    entry = replace(stam(), omgeving="sandbox-pre")
    with pytest.raises(ConfigError, match=r"dso.base_url") as caught:
        copied(entry, wishes)
    assert "case_system.path" in str(caught.value)
    meant = replace(wishes, base_url="https://localhost:1", same_case_system=True)
    assert copied(entry, meant).case_system == entry.case_system


def test_only_what_lacks_is_copied_of_those_that_are_meant() -> None:
    in_prod = replace(stam(), omgeving="prod", case_system={"kind": "folder", "path": "/mine"})
    lacking, there = to_copy([*KNOWN, in_prod], WISHES, (), ("stam", "drop"))
    assert (lacking, there) == ([stam(TWO), DROP], [stam()])
    assert to_copy(KNOWN, WISHES, (ONE,), ("drop",)) == ([DROP], [])
    with pytest.raises(ConfigError, match=f"{LEVERANCIER} has no aansluiting in pre to copy"):
        to_copy(KNOWN, WISHES, (ONE, LEVERANCIER), ("stam",))


def test_what_people_must_still_do_is_told_for_whom() -> None:
    made = copies([stam(), stam(TWO), DROP], WISHES, base_url_of)
    server = CertificateEntry(LEVERANCIER, "prod", "tls-server", "/c", "/k")
    to_do = still_to_do(made, [*KNOWN, server], lambda _: False)
    by_word = {
        word: oins
        for what, oins in to_do.items()
        for word in ("machtiging", "API-key", "CPA", "vanzelf")
        if word in what
    }
    assert by_word == {"machtiging": (ONE, TWO), "API-key": (ONE, TWO), "CPA": (ONE, TWO), "vanzelf": (ONE,)}
    assert f"Leg voor partij {LEVERANCIER} in prod een certificaat vast voor tls-client, sign." in to_do
    new = machtigingen(made, KNOWN, "F. Voorbeeld", NOW)
    assert [(each.namens_oin, each.recorded_by) for each in new if isinstance(each, MachtigingEntry)] == [
        (ONE, "F. Voorbeeld"),
        (TWO, "F. Voorbeeld"),
    ]
    certificates = [replace(server, use=use) for use in ("tls-server", "tls-client", "sign")]
    left = still_to_do(made, [*KNOWN, *certificates, *new], lambda _: True)
    assert [what.split()[0] for what in left] == ["Vraag", "Bepaal"]
    assert machtigingen(made, new, "F. Voorbeeld", NOW) == []
