"""A template, filled in for each authority: what it becomes is what an apply file would be."""

import tomllib
from typing import Any

import pytest

from digikoppelaar.drop.model import Bestuurslaag
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.authorities import Authority, read_authorities
from digikoppelaar.flows.authority_template import apply_file, expanded
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
)

GEMEENTE, DIENST, RIJK, LEVERANCIER = (f"00000099000000{number}000" for number in (101, 102, 103, 104))
LIST = f"""oin;naam;bestuurslaag;zaaktype
{GEMEENTE};Gemeente Voorbeeldstad;gemeente;Z-1
{DIENST};Omgevingsdienst De Vaart;omgevingsdienst;Z-2
{RIJK};Dienst van het Rijk;rijk;Z-3
"""
TEMPLATE = f"""
[organisatie]
worklist_mail = ["vth@{{oin}}.example"]

[[partij]]
oin = "{LEVERANCIER}"
naam = "Voorbeeld Software B.V."

[[partij.certificate]]
omgeving = "pre"
uses = ["sign"]
certificate_file = "pre/c.pem"
key_file = "pre/k.pem"

[[machtiging]]
omgevingen = ["pre", "prod"]
gemachtigde_oin = "{LEVERANCIER}"
since = 2026-01-31
recorded_by = "F. Voorbeeld"

[[aansluiting]]
kind = "stam"
omgevingen = ["pre", "prod"]
partij_oin = "{LEVERANCIER}"
dso = {{api_key_file = "{{omgeving}}/{{oin}}/api-key"}}
[[aansluiting.target]]
name = "vth"
kind = "webhook"
settings = {{url = "https://zaken.example/{{omgeving}}/{{zaaktype}}/{{{{ verzoeknummer }}}}"}}

[[aansluiting]]
kind = "drop"
omgevingen = ["pre", "prod"]
partij_oin = "{LEVERANCIER}"
"""


def base_url_of(profile: str, omgeving: str) -> str | None:
    return {"pre": f"https://pre.{profile}.example", "prod": f"https://{profile}.example"}.get(omgeving)


def authorities(text: str = LIST) -> tuple[Authority, ...]:
    return read_authorities(text.encode())


def content(template: str = TEMPLATE, text: str = LIST, *omgevingen: str) -> dict[str, Any]:
    return expanded(tomllib.loads(template), authorities(text), "/srv/dk", base_url_of, omgevingen)


def of(kind: type[Entry], found: dict[str, Any]) -> list[Any]:
    return [each for each in read_registration(found, "/elsewhere") if isinstance(each, kind)]


def test_each_authority_gets_its_aansluitingen_in_each_omgeving_and_a_body_of_the_rijk_no_drop() -> None:
    made = content()
    assert len(of(OrganisatieEntry, made)) == 3
    assert [(each.organisatie_oin, each.kind, each.omgeving) for each in of(AansluitingEntry, made)] == [
        *(
            (oin, kind, omgeving)
            for oin in (GEMEENTE, DIENST)
            for kind in ("stam", "drop")
            for omgeving in ("pre", "prod")
        ),
        (RIJK, "stam", "pre"),
        (RIJK, "stam", "prod"),
    ]
    assert len(of(MachtigingEntry, made)) == 6
    assert [each.naam for each in of(PartijEntry, made)] == ["Voorbeeld Software B.V."]
    assert [each.certificate_file for each in of(CertificateEntry, made)] == ["/srv/dk/pre/c.pem"]


def test_fields_are_filled_in_and_what_follows_from_who_and_where_needs_no_words() -> None:
    stam, stam_prod, drop, drop_prod = of(AansluitingEntry, content())[4:8]
    assert stam.dso == {
        "base_url": "https://pre.dso-lv.example",
        "api_key_file": f"/srv/dk/pre/{DIENST}/api-key",
        "profile": "dso-lv",
    }
    assert stam_prod.dso["base_url"] == "https://dso-lv.example"
    assert stam.case_system["1.settings.url"] == "https://zaken.example/pre/Z-2/{{ verzoeknummer }}"
    assert drop.publishing == {
        "stage": "tst-organisatie",
        "naam": "De Vaart",
        "bestuurslaag": Bestuurslaag.SAMENWERKING,
        "blad": "bgr",
        "automatic": "",
        "wanted": "",
    }
    assert drop_prod.publishing["stage"] == "productie"
    assert of(OrganisatieEntry, content())[0].worklist_mail == (f"vth@{GEMEENTE}.example",)


def test_only_some_omgevingen_and_only_some_bodies() -> None:
    assert {each.omgeving for each in of(AansluitingEntry, content(TEMPLATE, LIST, "prod"))} == {"prod"}
    narrowed = TEMPLATE.replace('kind = "drop"', 'kind = "drop"\nbestuurslagen = ["gemeente"]')
    assert {each.organisatie_oin for each in of(AansluitingEntry, content(narrowed)) if each.kind == "drop"} == {
        GEMEENTE
    }


def test_who_connects_by_itself_needs_no_machtiging() -> None:
    itself = TEMPLATE.replace(LEVERANCIER, "{oin}").replace("Voorbeeld Software B.V.", "{naam}")
    assert of(MachtigingEntry, content(itself)) == []
    assert [each.oin for each in of(PartijEntry, content(itself))] == [GEMEENTE, DIENST, RIJK]


def test_what_is_saved_is_an_apply_file_of_the_same_entries() -> None:
    made = content()
    assert read_registration(tomllib.loads(apply_file(made)), "/tmp") == read_registration(made, "/elsewhere")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("{zaaktype}", "{soort}", "the template has an unknown field soort"),
        ("{zaaktype}", "Z", "nothing uses column zaaktype"),
        ('["pre", "prod"]', '["test"]', "omgevingen must be a list out of"),
        ("[organisatie]", "[gemeente]", "unknown table gemeente"),
        ("[[machtiging]]", "[machtiging]", "its tables are not lists"),
        ("[organisatie]", "[[organisatie]]", "organisatie is no table"),
        ('"{omgeving}/{oin}/api-key"', "3", "line 2: aansluiting 1.dso: api_key_file is missing"),
        ('["pre", "prod"]\npartij', '["pre", "sandbox-pre"]\npartij', "line 3: aansluiting 2.dso: base_url is missing"),
    ],
)
def test_a_template_that_does_not_work_is_refused_with_each_line_of_the_list(
    old: str, new: str, complaint: str
) -> None:
    assert old in TEMPLATE
    with pytest.raises(ConfigError) as caught:
        content(TEMPLATE.replace(old, new))
    assert complaint in str(caught.value)


def test_a_field_that_is_empty_is_told_with_its_line() -> None:
    with pytest.raises(ConfigError, match="line 3: the template needs zaaktype, which is empty") as caught:
        content(TEMPLATE, LIST.replace("Z-2", ""))
    assert "line 2" not in str(caught.value)
