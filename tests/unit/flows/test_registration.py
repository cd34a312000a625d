"""What an apply file says, and how it differs from what is on record."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
    difference,
)
from digikoppelaar.flows.triggers import triggers_of

GEMEENTE = "00000099000000001000"
KOPPELAAR = "00000099000000002000"
FILE = f"""
[[organisatie]]
oin = "{GEMEENTE}"
naam = "Gemeente Voorbeeld"
bestuurslaag = "gemeente"

[[partij]]
oin = "{KOPPELAAR}"
naam = "Koppelaar"

[[partij.certificate]]
omgeving = "sandbox-pre"
uses = ["tls-server", "tls-client"]
certificate_file = "tls.pem"
key_file = "/keys/tls.key"

[[machtiging]]
omgeving = "sandbox-pre"
gemachtigde_oin = "{KOPPELAAR}"
namens_oin = "{GEMEENTE}"
since = 2026-01-31
recorded_by = "A. Tester"

[[aansluiting]]
organisatie_oin = "{GEMEENTE}"
kind = "stam"
omgeving = "sandbox-pre"
partij_oin = "{KOPPELAAR}"

[aansluiting.dso]
base_url = "https://localhost:9000"
api_key_file = "key.txt"

[aansluiting.case_system]
kind = "folder"
path = "zaken"
"""


def read(text: str) -> tuple[Entry, ...]:
    return read_registration(tomllib.loads(text), "/etc/dk")


def test_a_file_becomes_entries_in_the_order_in_which_they_can_be_stored() -> None:
    organisatie, partij, server, client, machtiging, aansluiting = read(FILE)
    assert organisatie == OrganisatieEntry(GEMEENTE, "Gemeente Voorbeeld", "gemeente")
    assert partij == PartijEntry(KOPPELAAR, "Koppelaar")
    assert server == CertificateEntry(KOPPELAAR, "sandbox-pre", "tls-server", "/etc/dk/tls.pem", "/keys/tls.key")
    assert client == replace(server, use="tls-client")  # type: ignore[type-var]
    assert machtiging == MachtigingEntry(
        "sandbox-pre", KOPPELAAR, GEMEENTE, datetime(2026, 1, 31, tzinfo=UTC), "A. Tester"
    )
    assert aansluiting == AansluitingEntry(
        GEMEENTE,
        "stam",
        "sandbox-pre",
        KOPPELAAR,
        {"base_url": "https://localhost:9000", "api_key_file": "/etc/dk/key.txt", "profile": "dso-lv"},
        {"kind": "folder", "path": "/etc/dk/zaken"},
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (f'oin = "{GEMEENTE}"\nnaam', 'oin = "99"\nnaam', "organisatie 1: oin must have 20 positions"),
        ('bestuurslaag = "gemeente"', 'bestuurslaag = "dorp"', "organisatie 1: bestuurslaag must be one of"),
        ('uses = ["tls-server", "tls-client"]', 'uses = ["post"]', "partij 1.certificate 1: uses must be a list"),
        ("since = 2026-01-31", 'since = "vroeger"', "machtiging 1: since must be a date"),
        ('omgeving = "sandbox-pre"\npartij_oin', 'omgeving = "test"\npartij_oin', "aansluiting 1: omgeving must be"),
        ('base_url = "https://localhost:9000"', "", "aansluiting 1.dso: base_url is missing"),
        ("[[machtiging]]", "[[machtigng]]", "unknown table machtigng"),
        (
            'bestuurslaag = "gemeente"',
            'bestuurslaag = "gemeente"\nworklist_mail = ["vth@gemeente.example\\nBcc: x@y.example"]',
            "organisatie 1: worklist_mail must be a list of mail addresses",
        ),
    ],
)
def test_a_mistake_is_named_with_its_table_and_key(old: str, new: str, complaint: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError, match=complaint):
        read(FILE.replace(old, new, 1))


def test_everything_is_new_where_nothing_is_on_record() -> None:
    entries = read(FILE)
    assert [change.after for change in difference((), entries)] == list(entries)


def test_applying_the_same_file_again_changes_nothing() -> None:
    assert difference(read(FILE), read(FILE)) == ()


def test_a_changed_field_is_shown_with_its_value_before_and_after() -> None:
    (change,) = difference(read(FILE), read(FILE.replace("Gemeente Voorbeeld", "Gemeente Ander")))
    assert change.name == f"organisatie {GEMEENTE}"
    assert change.differences == (("naam", "Gemeente Voorbeeld", "Gemeente Ander"),)


def test_a_changed_setting_is_shown_by_itself() -> None:
    (change,) = difference(read(FILE), read(FILE.replace("localhost:9000", "localhost:9001")))
    assert change.differences == (("dso.base_url", "https://localhost:9000", "https://localhost:9001"),)


def test_what_is_on_record_and_not_in_the_file_stays() -> None:
    assert difference(read(FILE), ()) == ()


def test_the_same_organisatie_in_another_omgeving_is_another_aansluiting() -> None:
    other = FILE.replace('omgeving = "sandbox-pre"\npartij_oin', 'omgeving = "sandbox-prod"\npartij_oin')
    (change,) = difference(read(FILE), read(other))
    assert change.before is None
    assert change.name == f"aansluiting {GEMEENTE} stam sandbox-prod"


EBMS = f"""
[[aansluiting]]
organisatie_oin = "{GEMEENTE}"
kind = "ebms"
omgeving = "pre"
partij_oin = "{KOPPELAAR}"
"""


def test_an_aansluiting_with_any_other_partner_has_no_facility_and_no_case_system() -> None:
    assert read(EBMS) == (AansluitingEntry(GEMEENTE, "ebms", "pre", KOPPELAAR, {}, {}),)


def test_a_case_system_of_an_aansluiting_that_has_none_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="aansluiting 1: kind ebms has no case_system"):
        read(EBMS + '[aansluiting.case_system]\nkind = "folder"\npath = "zaken"\n')


INTAKE = FILE + '\n[aansluiting.intake]\nkopiebericht = "keep_apart"\n'


def test_an_aansluiting_says_what_it_chose_where_a_rule_leaves_a_choice() -> None:
    assert read(INTAKE)[-1].intake == {"kopiebericht": "keep_apart"}  # type: ignore[union-attr]
    assert read(FILE)[-1].intake == {}  # type: ignore[union-attr]


@pytest.mark.parametrize("line", ['kopiebericht = "deliver_new"', 'kopieberichten = "ignore"'])
def test_a_choice_that_no_rule_leaves_is_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        read(FILE + f"\n[aansluiting.intake]\n{line}\n")


ONE = FILE[: FILE.index("[aansluiting.case_system]")]
TARGETS = (
    ONE
    + """
[[aansluiting.target]]
name = "vth"
kind = "webhook"
when = {type = "Melding", concept = false}
[aansluiting.target.settings]
url = "https://zaken.example.org/api/v1"
auth = {client_id = "dk", secret_file = "zgw.secret"}

[[aansluiting.target]]
name = "archief"
kind = "folder"
settings = {path = "zaken"}
"""
)


def case_system(text: str) -> dict[str, str]:
    """That of the last aansluiting in the file."""
    last = read(text)[-1]
    assert isinstance(last, AansluitingEntry)
    return dict(last.case_system)


def test_several_targets_are_a_flat_table_with_files_behind_the_folder_of_the_file() -> None:
    assert case_system(TARGETS) == {
        "kind": "targets",
        "1.name": "vth",
        "1.kind": "webhook",
        "1.when.type": "Melding",
        "1.when.concept": "nee",
        "1.settings.url": "https://zaken.example.org/api/v1",
        "1.settings.auth.client_id": "dk",
        "1.settings.auth.secret_file": "/etc/dk/zgw.secret",
        "2.name": "archief",
        "2.kind": "folder",
        "2.settings.path": "/etc/dk/zaken",
    }


@pytest.mark.parametrize("path", ["s3://emmer/zaken", "/srv/zaken"])
def test_a_path_that_is_absolute_or_a_url_stays_as_it_is(path: str) -> None:
    assert case_system(ONE + f'[aansluiting.case_system]\nkind = "folder"\npath = "{path}"\n')["path"] == path


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ('[aansluiting.case_system]\nkind = "folder"\n', "needs the setting path"),
        ('[aansluiting.case_system]\nkind = "fax"\npath = "z"\n', "kind must be one of folder"),
        ('[[aansluiting.target]]\nname = "a"\nkind = "folder"\n', r"target 1 \(a\): kind folder needs"),
        ("[aansluiting.case_system]\nkind = 'folder'\n[[aansluiting.target]]\nname = 'a'\n", "exclude each other"),
    ],
)
def test_a_target_that_cannot_work_is_refused_when_the_file_is_applied(tables: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read(ONE + tables)


PASSING = (
    ONE[: ONE.index("[aansluiting.dso]")]
    + """
[aansluiting.intake]
mode = "pass_on"
pass_on_url = "https://leverancier.example/notificaties"
pass_on_secret_file = "geheim"
"""
)


def test_who_passes_notifications_on_needs_no_facility_and_no_case_system() -> None:
    last = read(PASSING)[-1]
    assert isinstance(last, AansluitingEntry)
    assert (last.dso, last.case_system) == ({}, {})
    assert last.intake == {
        "mode": "pass_on",
        "pass_on_url": "https://leverancier.example/notificaties",
        "pass_on_secret_file": "/etc/dk/geheim",
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (PASSING.replace('pass_on_url = "https://leverancier.example/notificaties"', ""), "pass_on_url is missing"),
        (PASSING.replace("pass_on_secret_file", "secret"), "no setting secret"),
        (FILE + '[aansluiting.intake]\npass_on_url = "https://a.example"\n', "no setting pass_on_url"),
    ],
)
def test_passing_on_needs_its_settings_and_nothing_else_has_them(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read(text)


PUBLISHING = f"""
[[aansluiting]]
organisatie_oin = "{GEMEENTE}"
kind = "drop"
omgeving = "sandbox-pre"
partij_oin = "{KOPPELAAR}"
[aansluiting.publishing]
stage = "poc"
naam = "Voorbeeld"
bestuurslaag = "gemeente"
blad = "gmb"
user_name_file = "user.txt"
webhook_url = "https://app.example/dk"
webhook_secret_file = "secret"
drafts_from = 2026-06-01
automatic = ["aanvraag"]
wanted = ["aanvraag", "planafwijking"]
"""


def test_an_aansluiting_with_drop_says_as_whom_and_where_it_publishes() -> None:
    [aansluiting] = read(PUBLISHING)
    assert isinstance(aansluiting, AansluitingEntry)
    assert (aansluiting.dso, aansluiting.case_system) == ({}, {})
    assert aansluiting.publishing == {
        "stage": "poc",
        "naam": "Voorbeeld",
        "bestuurslaag": "gemeente",
        "blad": "gmb",
        "user_name_file": "/etc/dk/user.txt",
        "webhook_url": "https://app.example/dk",
        "webhook_secret_file": "/etc/dk/secret",
        "drafts_from": "2026-06-01",
        "automatic": "aanvraag",
        "wanted": "aanvraag,planafwijking",
    }


def test_what_of_a_zaak_is_made_known_is_on_record_as_one_text() -> None:
    trigger = '[[aansluiting.publishing.trigger]]\nstatustype = "Opgeschort"\nmoment = "opschorting"'
    [aansluiting] = read(f'{PUBLISHING}{trigger}\nprocedure = "regulier"\n')
    assert isinstance(aansluiting, AansluitingEntry)
    [found] = triggers_of(aansluiting.publishing["trigger"])
    assert (found.resource, found.type, found.moment) == ("status", "Opgeschort", "opschorting")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("true", "*"),
        ("false", ""),
        ("[]", ""),
        ('["nl.imow-gm9999.activiteit.1", "x"]', "nl.imow-gm9999.activiteit.1,x"),
    ],
)
def test_meldingen_are_made_known_by_rule_only(given: str, kept: str) -> None:
    [aansluiting] = read(f"{PUBLISHING}meldingen = {given}\n")
    assert isinstance(aansluiting, AansluitingEntry)
    assert aansluiting.publishing["meldingen"] == kept


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('blad = "gmb"', 'blad = "krant"', "publishing: blad must be one of gmb, prb"),
        ('naam = "Voorbeeld"', "", "publishing: naam is missing"),
        ('stage = "poc"', 'stage = "poc"\nphase = "1"', "publishing: there is no setting phase"),
        ('automatic = ["aanvraag"]', 'meldingen = "alle"', "publishing: meldingen must be true, false, or a list"),
        ('automatic = ["aanvraag"]', 'meldingen = ["a,b"]', "publishing: meldingen must be true, false, or a list"),
        ('automatic = ["aanvraag"]', "automatic = [[1]]", "publishing: automatic must be a list out of aanvraag"),
        ('automatic = ["aanvraag"]', 'automatic = ["alles"]', "publishing: automatic must be a list out of aanvraag"),
        ("planafwijking", "verdaging", "publishing: wanted must be a list out of aanvraag, afhandeling, planafwijking"),
        ('webhook_secret_file = "secret"', "", "webhook_url and webhook_secret_file belong together"),
        ('kind = "drop"', 'kind = "ebms"', "kind ebms has no publishing"),
        ("[aansluiting.publishing]", "[aansluiting.dso]", "kind drop has no dso"),
    ],
)
def test_what_is_wrong_with_an_aansluiting_with_drop_is_said(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(PUBLISHING.replace(old, new))


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85"])
def test_a_text_with_a_character_that_nothing_can_hold_is_refused_with_its_place(character: str) -> None:
    named = {"oin": "00000099000000001000", "naam": f"Gemeente{character} Voorbeeldstad", "bestuurslaag": "gemeente"}
    with pytest.raises(ConfigError, match="naam has a control character") as refused:
        read_registration({"organisatie": [named]}, "/etc/digikoppelaar")
    assert "naam" in refused.value.advice
